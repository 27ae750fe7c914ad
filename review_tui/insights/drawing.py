"""Plots drawn with the letters of a terminal, one row or a few at a time.

A share and its interval are one bar: `█` up to the interval's low end, `▓` up to the figure, `░` up to its high end. So
what is certain, what is likely and what is possible are told apart without any colour. Marks of others' figures lie
over it. A bar is read from the left, as lengths are compared best.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from labels.insights.figures import Figure
from review_tui.widgets.rows import Pieces

#: A row of a page: what can be chosen there (None for nothing), and its pieces.
PageRow = tuple[str | None, Pieces]
Piece = tuple[str, str]

CERTAIN, LIKELY, POSSIBLE = "█", "▓", "░"
#: Eighths of a cell, from below.
RISING = " ▁▂▃▄▅▆▇█"
#: What a bar's cells are drawn as, by look.
LOOK = {CERTAIN: "bar", LIKELY: "bar", POSSIBLE: "bar-far"}
LEGEND: Sequence[Piece] = (
    (CERTAIN, "bar"), (" at least  ", "faint"), (LIKELY, "bar"), (" up to the figure  ", "faint"),
    (POSSIBLE, "bar-far"), (" at most (95 %)", "faint"),
)  # fmt: skip


@dataclass(frozen=True)
class Mark:
    """A letter that lies over a bar at a value."""

    value: float
    letter: str
    look: str = "mark"


def bar(figure: Figure, width: int, top: float, marks: Iterable[Mark] = ()) -> list[Piece]:
    """A figure from 0 to `top` in `width` cells. Of one without a value, or with too few runs, only the marks are
    drawn."""
    cells = [(" ", "text")] * width
    if figure.value is not None and not figure.too_few:
        low = figure.value if figure.low is None else figure.low
        high = figure.value if figure.high is None else figure.high
        for place in range(width):
            at = (place + 0.5) / width * top
            letter = CERTAIN if at <= low else LIKELY if at <= figure.value else POSSIBLE if at <= high else " "
            if letter != " ":
                cells[place] = letter, LOOK[letter]
    return joined(_marked(cells, marks, top))


def span(pairs: Iterable[Mark], width: int, top: float) -> list[Piece]:
    """Marks on a track, with a line between the outermost ones: how far apart they are."""
    marks = list(pairs)
    cells = [("·", "faint")] * width
    if marks:
        ends = [_cell(mark.value, width, top) for mark in marks]
        for place in range(min(ends), max(ends) + 1):
            cells[place] = "─", "text"
    return joined(_marked(cells, marks, top))


def columns(counts: Sequence[float], height: int, width: int) -> list[list[Piece]]:
    """A histogram: a row of pieces for each line from the top down, `width` cells for each count."""
    most = max(counts, default=0) or 1
    found = []
    for line in range(height, 0, -1):
        pieces: list[Piece] = []
        for count in counts:
            eighths = round(count / most * height * 8) - (line - 1) * 8
            letter = RISING[max(0, min(8, eighths))]
            if line == 1 and count and eighths <= 0:
                letter = RISING[1]  # a few among many are not none
            pieces.append((letter * (width - 1) + " ", "bar"))
        found.append(pieces)
    return found


def shade(value: float, top: float) -> str:
    """A letter that is the denser the larger the value."""
    if value <= 0 or top <= 0:
        return " "
    return "·░▒▓█"[min(4, int(value / top * 5))]


def _cell(value: float, width: int, top: float) -> int:
    return max(0, min(width - 1, int(value / top * width))) if top > 0 else 0


def _marked(cells: list[Piece], marks: Iterable[Mark], top: float) -> list[Piece]:
    for mark in marks:
        if cells:
            cells[_cell(mark.value, len(cells), top)] = mark.letter, mark.look
    return cells


def joined(cells: Iterable[Piece]) -> list[Piece]:
    """Neighbours of one look as one piece."""
    return [("".join(cell[0] for cell in group), look) for look, group in groupby(cells, key=lambda cell: cell[1])]


class Canvas:
    """Points and lines on a grid of braille dots, two by four in a cell: for curves."""

    _DOTS: Mapping[tuple[int, int], int] = {
        (0, 0): 0x01, (0, 1): 0x02, (0, 2): 0x04, (1, 0): 0x08, (1, 1): 0x10, (1, 2): 0x20, (0, 3): 0x40, (1, 3): 0x80,
    }  # fmt: skip

    def __init__(self, width: int, height: int) -> None:
        """width, height: in cells."""
        self.width, self.height = width, height
        self._cells = [[0] * width for _ in range(height)]
        self._letters: dict[tuple[int, int], Piece] = {}

    def point(self, x: float, y: float) -> None:
        """x and y from 0 to 1, y upwards."""
        column, row = self._dot(x, y)
        self._cells[row // 4][column // 2] |= self._DOTS[column % 2, row % 4]

    def line(self, points: Sequence[tuple[float, float]]) -> None:
        """Through points from left to right."""
        for (x1, y1), (x2, y2) in pairwise(points):
            (c1, r1), (c2, r2) = self._dot(x1, y1), self._dot(x2, y2)
            many = max(abs(c2 - c1), abs(r2 - r1), 1)
            for step in range(many + 1):
                self.point(x1 + (x2 - x1) * step / many, y1 + (y2 - y1) * step / many)
        for x, y in points:
            self.point(x, y)

    def letter(self, x: float, y: float, text: str, look: str) -> None:
        """A letter over whatever is drawn there."""
        column, row = self._dot(x, y)
        self._letters[row // 4, column // 2] = text, look

    def _dot(self, x: float, y: float) -> tuple[int, int]:
        across, down = self.width * 2 - 1, self.height * 4 - 1
        return round(max(0.0, min(1.0, x)) * across), round((1 - max(0.0, min(1.0, y))) * down)

    def rows(self, look: str = "bar") -> list[list[Piece]]:
        return [
            joined(
                self._letters.get((row, column)) or (chr(0x2800 + dots) if dots else " ", look)
                for column, dots in enumerate(cells)
            )
            for row, cells in enumerate(self._cells)
        ]
