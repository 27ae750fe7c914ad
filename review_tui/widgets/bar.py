"""One or two lines of text at the top or bottom: where you are, what was said, which keys there are."""

from __future__ import annotations

from itertools import accumulate
from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from review_tui.transcript.folding import cells, crop
from review_tui.widgets.look import SHARED, LookMixin, Looks
from review_tui.widgets.rows import Pieces


class Bar(LookMixin, Widget):
    """Shows lines of pieces; `None` in a line fills it up, so that what follows stands at the right."""

    LOOKS: ClassVar[Looks] = {
        **SHARED,
        "strong": "bold foreground",
        "key": "bold text-accent",
        "accent": "bold text-primary",
        "suggestion": "",
        "current": "bold background on primary",
        "warn": "text-warning",
        "error": "bold text-error",
        "good": "text-success",
    }
    DEFAULT_CSS = """
    Bar { height: auto; width: 1fr; background: $panel; color: $foreground; padding: 0 1; }
    """

    def __init__(self, lines: int = 1, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: list[Pieces] = [[] for _ in range(lines)]
        self.styles.height = lines

    def show(self, *lines: Pieces) -> None:
        if list(lines) != self.lines:
            self.lines = list(lines)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        pieces = self.lines[y] if y < len(self.lines) else []
        sizes = [0 if piece is None else cells(piece[0]) for piece in pieces]
        gap = max(1, width - sum(sizes))
        after = list(accumulate(reversed(sizes)))[::-1]  # cells from each piece to the end
        segments: list[Segment] = []
        left = width
        for number, piece in enumerate(pieces):
            if piece is None:
                segments.append(Segment(" " * gap, self.look["text"]))
                left -= gap
                continue
            # What stands at the right end is not pushed out by a long title before it.
            behind = after[number] - sizes[number] if None in pieces[number:] else 0
            text = crop(piece[0], max(0, left - behind))
            left -= cells(text)
            segments.append(Segment(text, self.look[piece[1]]))
        return Strip(segments).adjust_cell_length(width, self.look["text"])
