"""Selecting evidence: a stretch of one part's text, grown by rows, words or characters, or dragged with the mouse."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from review_tui.transcript.document import MAX_DEPTH, Document
from review_tui.transcript.folding import cells
from review_tui.transcript.layout import INDENT
from review_tui.transcript.marks import Passage
from review_tui.transcript.scroller import Place

_WORD_START = re.compile(r"\S+")


@dataclass(frozen=True)
class Selection:
    """Characters anchor..head of a part, in either order. text: the part's text as shown (same positions).

    origin: the row that selecting began with; it stays selected whichever way the cursor goes.
    """

    step: int
    part: int
    anchor: int
    head: int
    text: str
    origin: tuple[int, int] | None = None

    @classmethod
    def of_row(cls, step: int, part: int, start: int, end: int, text: str) -> Selection:
        """A whole row, without the blanks at its ends."""
        row = text[start:end]
        ends = (start + len(row) - len(row.lstrip()), start + len(row.rstrip()))
        return cls(step, part, *ends, text, origin=ends)

    @property
    def start(self) -> int:
        return min(self.anchor, self.head)

    @property
    def end(self) -> int:
        return max(self.anchor, self.head)

    @property
    def empty(self) -> bool:
        return self.anchor == self.head

    def passage(self) -> tuple[int, Passage]:
        return self.step, Passage(self.part, self.start, self.end, "select")

    def extended_to(self, start: int, end: int) -> Selection:
        """The same, reaching to a row that the cursor moved to."""
        first, last = self.origin or (self.start, self.end)
        row_end = start + len(self.text[start:end].rstrip())
        return replace(self, anchor=min(first, start), head=max(last, row_end))

    def dragged_to(self, position: int) -> Selection:
        return replace(self, head=position)

    def adjusted(self, side: str, by: str) -> Selection:
        """side: `start` or `end`. by: `+char`, `-char`, `+word`, `-word`. Never empty, never beyond the text."""
        start, end = self.start, self.end
        if side == "start":
            start = min(max(0, self._moved(start, by)), end - 1)
        else:
            end = max(min(len(self.text), self._moved(end, by)), start + 1)
        return replace(self, anchor=start, head=end)

    def _moved(self, position: int, by: str) -> int:
        forward, unit = by[0] == "+", by[1:]
        if unit == "char":
            return position + (1 if forward else -1)
        if forward:
            match = _WORD_START.search(self.text, position)
            return match.end() if match else len(self.text)
        before = [match.start() for match in _WORD_START.finditer(self.text, max(0, position - 500), position)]
        return before[-1] if before else max(0, position - 500)


def position_at(document: Document, place: Place, x: int) -> tuple[int, int] | None:
    """(part, character) under the mouse. x: cells from the left of the body. None where there is no text."""
    layout = document.layout(place.step)
    row = layout.row(place.row)
    if row.part < 0 or row.kind in ("rule", "gap", "note"):
        return None
    part = layout.parts[row.part]
    x -= 2 * min(document.step(place.step).step.depth, MAX_DEPTH)
    if row.kind == "body":
        x -= INDENT
    elif row.kind == "head":
        if not part.inline:
            return None
        x -= INDENT + cells(part.label) + 2
    line = part.text[row.start : row.end].rstrip("\n")
    at = 0
    while at < len(line) and cells(line[: at + 1]) <= x:
        at += 1
    return row.part, row.start + min(at, len(line))
