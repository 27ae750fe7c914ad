"""A growing curve drawn with characters: what was observed as a line of dots, a mean and a band behind it.

Each has a mark of its own, so that it reads without colour. No Textual in here: the command line draws it too.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

#: Bits of a braille cell by (column, row) of its 2 x 4 dots.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BRAILLE = 0x2800
MEAN, BAND = "·", "░"
Pieces = list[tuple[str, str]]


def plot(
    observed: Sequence[float],
    mean: Sequence[float],
    band: Sequence[tuple[int, float, float]],
    width: int,
    height: int,
    unit: str = "runs",
) -> list[Pieces]:
    """Rows of (text, look). observed, mean: values after 1, 2 ... things. band: (how many things, low, high) at some of
    them. width, height: cells in all; rows for the axis and the legend are among them. [] where there is no room."""
    top = max([1.0, *observed, *(high for _, _, high in band)])
    label = max(len(f"{top:.0f}"), 2)
    columns, rows = width - label - 2, height - 3
    if columns < 8 or rows < 2 or not observed:
        return []
    grid = _grid(observed, mean, band, columns, rows, top)
    drawn: list[Pieces] = []
    half = int(top // 2)
    for place, line in enumerate(grid):
        mark = f"{top:.0f}" if place == 0 else f"{half}" if place == _row(half, rows, top) and rows > 4 and half else ""
        drawn.append([(f"{mark:>{label}} ", "faint"), ("┤" if mark else "│", "faint"), *_joined(line)])
    count = len(observed)
    ends = f"1{f'{count} {unit}':>{max(1, columns - 1)}}" if count > 1 else f"1 {unit[:-1]}"
    drawn.append([(f"{0:>{label}} ", "faint"), (f"└{'─' * columns}", "faint")])
    drawn.append([(" " * (label + 2), "faint"), (ends, "faint")])
    legend = [(" " * (label + 2), "faint"), ("⠤⠒⠉", "accent"), (" as coded  ", "text"), (MEAN * 3, "good")]
    legend += [(" mean of all orders", "text"), *([("  ", "text"), (BAND * 3, "faint")] if band else [])]
    drawn.append([*legend, *([(" 95 % of orders", "text")] if band else [])])
    return drawn


def _grid(
    observed: Sequence[float],
    mean: Sequence[float],
    band: Sequence[tuple[int, float, float]],
    columns: int,
    rows: int,
    top: float,
) -> list[list[tuple[str, str]]]:
    """The cells, row by row from above: (character, look)."""
    grid = [[(" ", "text") for _ in range(columns)] for _ in range(rows)]
    count = len(observed)
    at = [item[0] for item in band]

    for column in range(columns):
        thing = _thing(column / max(1, columns - 1), count)
        if band:
            _, low, high = band[min(len(band) - 1, bisect_left(at, thing + 1))]
            for row in range(_row(high, rows, top), _row(low, rows, top) + 1):
                grid[row][column] = (BAND, "faint")
        if mean:
            grid[_row(mean[thing], rows, top)][column] = (MEAN, "good")
    for (column, row), bits in _line(observed, columns, rows, top).items():
        grid[row][column] = (chr(_BRAILLE + bits), "accent")
    return grid


def _row(value: float, rows: int, top: float) -> int:
    """The row of cells that a value lies in, from above."""
    return min(rows - 1, max(0, rows - 1 - int(value / top * rows - 1e-9)))


def _thing(share: float, count: int) -> int:
    """The thing that a share of the width has come to: a value holds until the next thing."""
    return min(count - 1, int(share * (count - 1) + 1e-9))


def _line(observed: Sequence[float], columns: int, rows: int, top: float) -> dict[tuple[int, int], int]:
    """The braille cells of the observed line: (column, row) -> bits."""
    cells: dict[tuple[int, int], int] = {}
    before: int | None = None
    high = 4 * rows - 1
    for dot in range(2 * columns):
        value = observed[_thing(dot / (2 * columns - 1), len(observed))]
        y = high - round(value / top * high)
        ends = (y, y) if before is None else (min(before, y), max(before, y))
        for step in range(ends[0], ends[1] + 1):
            key = (dot // 2, step // 4)
            cells[key] = cells.get(key, 0) | _DOTS[dot % 2][step % 4]
        before = y
    return cells


def _joined(line: Sequence[tuple[str, str]]) -> Pieces:
    """Neighbours of one look as one piece."""
    found: Pieces = []
    for text, look in line:
        if found and found[-1][1] == look:
            found[-1] = (found[-1][0] + text, look)
        else:
            found.append((text, look))
    return found


#: Heights of a bar in one cell.
BARS = "▁▂▃▄▅▆▇█"


def bars(values: Sequence[float | None]) -> str:
    """A row of bars, one cell each, the highest full; `·` where there is no value."""
    known = [value for value in values if value is not None]
    top = max(known, default=0.0) or 1.0
    return "".join(
        "·" if value is None else BARS[min(len(BARS) - 1, int(max(0.0, value) / top * (len(BARS) - 1) + 0.5))]
        for value in values
    )
