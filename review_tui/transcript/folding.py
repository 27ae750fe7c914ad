"""Folding text into rows of a terminal: fast enough for a step of 60,000 lines, right for graphemes and tabs.

A fold is an array of row starts (code points); a row runs to the next start. Texts must have been cleaned
(`review_tui.sanitize.clean_block`), so that every code point is a visible one, a tab or a line feed. The whole text is
never handed to Rich or Textual: folding 1 MB takes 5 ms here, half a second there.
"""

from __future__ import annotations

import re
from array import array
from itertools import accumulate

from rich.cells import cell_len, split_graphemes

#: A tab is shown as this many blanks, wherever it stands: positions stay countable.
TAB_CELLS = 4
#: Code points surely one cell wide and alone in their grapheme; any other sends its line the slow way.
_MAYBE_WIDE = re.compile(
    "[^ -~\xa1-\xac\xae-\u02ff\u0370-\u0482\u048a-\u0590\u2010-\u2027\u2030-\u205e\u2070-\u209c\u20a0-\u20bf"
    "\u2190-\u2199\u2200-\u22ff\u2400-\u2426\u2500-\u25cc\u2713-\u2718\ufffd]"
)
_TEXT = re.compile("[^ ]")


def fold(text: str, width: int) -> array[int]:
    """Starts of the rows that `text` takes in `width` cells (at least 1); [0] for an empty text.

    Lines break at the last blank that fits, or anywhere if a word is longer than a row.
    """
    width = max(1, width)
    lines = text.split("\n")
    lengths = list(map(len, lines))
    ends = list(accumulate(length + 1 for length in lengths))
    starts = array("I", [0])
    starts.extend(ends[:-1])
    plain = text.isascii() and "\t" not in text
    if plain and max(lengths) <= width:
        return starts
    # Most lines fit even then: only the others are looked at one by one, and their further rows sorted in.
    more: list[int] = []
    for number, line in enumerate(lines):
        if plain or (line.isascii() and "\t" not in line) or _MAYBE_WIDE.search(line) is None:
            if lengths[number] > width:
                _fold_plain(more, line, starts[number], width)
        else:
            _fold_cells(more, line, starts[number], width)
    return array("I", sorted([*starts, *more])) if more else starts


def _fold_plain(more: list[int], line: str, position: int, width: int) -> None:
    """The further rows of a line in which every code point is one cell."""
    at, length = 0, len(line)
    while length - at > width:
        blank = line.rfind(" ", at, at + width + 1)
        at = blank + 1 if blank > at else at + width
        if line[at : at + 1] == " ":  # blanks may hang over the end: they open no row of their own
            text = _TEXT.search(line, at)
            at = text.start() if text else length
        if at < length:
            more.append(position + at)


def _fold_cells(more: list[int], line: str, position: int, width: int) -> None:
    """The further rows of a line with tabs, wide characters or graphemes of several code points."""
    used = 0
    after_blank = -1
    used_after_blank = 0
    for start, end, cells in _graphemes(line):
        if used + cells > width and line[start:end] != " ":  # blanks may hang over the end
            if after_blank > 0:
                more.append(position + after_blank)
                used -= used_after_blank
            if used and used + cells > width:
                more.append(position + start)
                used = 0
            after_blank = -1
        used += cells
        if line[start] in " \t":
            after_blank, used_after_blank = end, used


def _graphemes(line: str) -> list[tuple[int, int, int]]:
    """(start, end, cells) of each grapheme."""
    spans: list[tuple[int, int, int]] = []
    at = 0
    for piece in re.split("(\t)", line):
        if piece == "\t":
            spans.append((at, at + 1, TAB_CELLS))
        elif piece:
            spans.extend((at + start, at + end, cells) for start, end, cells in split_graphemes(piece)[0])
        at += len(piece)
    return spans


def cells(text: str) -> int:
    """How many cells a row's text takes, tabs included."""
    if text.isascii() and "\t" not in text:
        return len(text)
    return cell_len(shown(text))


def shown(text: str) -> str:
    """A row's text as it is drawn: tabs as blanks."""
    return text.replace("\t", " " * TAB_CELLS) if "\t" in text else text


def crop(text: str, width: int) -> str:
    """As much of a row's text as fits in `width` cells; graphemes are not cut."""
    if text.isascii() and "\t" not in text:
        return text[:width]
    used = 0
    for start, _, cells in _graphemes(text):
        used += cells
        if used > width:
            return text[:start]
    return text
