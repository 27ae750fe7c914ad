"""Text of strangers for a row of so many cells: cleaned, and cut or folded by what a terminal shows of it, not by
characters. A wide letter takes two cells."""

from __future__ import annotations

from itertools import pairwise

from review_tui.sanitize import clean, short
from review_tui.transcript.folding import cells, crop, fold

#: Of a text as many characters are laid out.
MOST_CHARS = 4_000


def fit(text: str, room: int) -> str:
    """One line, at most `room` cells wide, with an ellipsis where it was cut."""
    line = short(text, room)
    return line if cells(line) <= room else f"{crop(line, max(0, room - 1))}…"


def pad(text: str, room: int) -> str:
    """The same, filled up with blanks."""
    line = fit(text, room)
    return line + " " * max(0, room - cells(line))


def lines(text: str, room: int, most: int) -> list[str]:
    """At most so many lines of at most `room` cells, blanks run together; an ellipsis where there is more."""
    if not text:
        return []
    line = clean(" ".join(text[:MOST_CHARS].split()))
    starts = fold(line, max(8, room))
    found = [line[one:two].rstrip() for one, two in pairwise([*starts, len(line)])]
    kept = found[:most]
    if len(found) > most or len(text) > MOST_CHARS:
        kept[-1] = f"{crop(kept[-1], max(1, room - 2))} …"
    return kept
