"""The programs behind the floors. Run as a file, so that nothing but what they need is imported.

python programs.py echo    answers each key with a frame of 13 kB
python programs.py app     a Textual app of one widget, whose lines move on j
"""

from __future__ import annotations

import os
import sys

FRAME_BYTES = 13_000


def echo() -> None:
    import tty

    tty.setraw(0)
    frame = b"\x1b[?2026h\x1b[H" + b"x" * FRAME_BYTES + b"\x1b[?2026l"
    os.write(1, b"\x1b[2J\x1b[Hrow 39\r\n")
    while os.read(0, 64) != b"q":
        os.write(1, frame)


def app() -> None:
    from rich.segment import Segment
    from textual.app import App, ComposeResult
    from textual.strip import Strip
    from textual.widget import Widget

    class Lines(Widget, can_focus=True):
        offset_rows = 0

        def render_line(self, y: int) -> Strip:
            number = y + self.offset_rows
            text = f"row {number} of a minimal application, as wide as the terminal is".ljust(self.size.width)
            return Strip([Segment(text, self.rich_style)], self.size.width)

        def key_j(self) -> None:
            self.offset_rows += 1
            self.refresh()

    class Minimal(App[None]):
        def compose(self) -> ComposeResult:
            yield Lines()

        def on_mount(self) -> None:
            self.query_one(Lines).focus()

    Minimal().run()


if __name__ == "__main__":
    {"echo": echo, "app": app}[sys.argv[1]]()
