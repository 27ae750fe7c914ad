"""Makes review.svg: the README's picture, taken from the real station on a sample run.

    python docs/images/make.py

The keys are those of the README's tour. The picture is cleaned so that it shows anywhere: no font is fetched.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from review_tui.app import ReviewApp
from review_tui.screens.review import ReviewScreen
from sample_traces import path as samples
from sessions.ingest import import_file
from sessions.store import Store

TARGET = Path(__file__).with_name("review.svg")
SIZE = (120, 36)
#: The tour from where the run is open: approve, two labels with their causes, roll back, undo and redo.
KEYS = [
    "a", "J", "J", *5 * ["j"], "v", "j", "l", "2", "6", "c", "J", "l", "3", "3", "c", "c", "K", "r", "enter", "u", "U",
]  # fmt: skip
_FONT_FACE = re.compile(r"\s*@font-face \{.*?\}\n", re.DOTALL)
_FONTS = "ui-monospace, SFMono-Regular, 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"


async def picture(run: Path) -> str:
    """The screen after KEYS, as SVG."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "review.db") as store:
        import_file(store, run)
        app = ReviewApp(store, "ann", [run])
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause(0.5)
            assert isinstance(app.screen, ReviewScreen)
            for key in KEYS:
                await pilot.press(key)
                await pilot.pause(0.15)
            # What stands below: an answer to the last key. The keys say more to somebody who has not begun.
            app.screen.show_keys()
            await pilot.pause(0.2)
            return app.export_screenshot(title="review-tui", simplify=True)


def cleaned(svg: str) -> str:
    """Without fonts from elsewhere, which no page that embeds a picture loads."""
    svg = _FONT_FACE.sub("\n", svg)
    svg = re.sub(r"font-family: Fira Code, monospace", f"font-family: {_FONTS}", svg)
    svg = re.sub(r"\s*font-variant-east-asian: full-width;", "", svg)
    svg = re.sub(r"terminal-\d+-", "t-", svg)
    return re.sub(r"[ \t]+\n", "\n", svg)


if __name__ == "__main__":
    TARGET.write_text(cleaned(asyncio.run(picture(samples() / "checkout-outage.json"))), "utf-8")
