"""Charts as inline SVG: bars with intervals, differences around zero, histograms, a matrix.

Each takes its width from the page and its colours from the page's style; what a colour says is also said by a shape,
a place or a word. Labels are given as plain text and are made harmless here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from labels.insights.figures import Figure
from review_tui.report.words import counted, few, percent, safe

WIDTH = 860
#: Room for names on the left and for figures on the right, and the height of a row.
_LEFT, _RIGHT, _ROW = 272, 150, 27
_NAME_LETTERS = 41


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of `bars`. marks: (number of the legend's entry, share) to be drawn over the bar."""

    name: str
    figure: Figure
    marks: tuple[tuple[int, float], ...] = ()


@dataclass(slots=True)
class _Drawing:
    height: float
    label: str
    parts: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, words: str, look: str = "", anchor: str = "start") -> None:
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{look}" text-anchor="{anchor}">{words}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float, look: str) -> None:
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{look}"/>')

    def box(
        self, x: float, y: float, width: float, height: float, look: str, title: str = "", opacity: float = 1
    ) -> None:
        seen = "" if opacity >= 1 else f' fill-opacity="{opacity:.2f}"'
        inside = f"<title>{title}</title>" if title else ""
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{height:.1f}" rx="2" class="{look}"'
            f"{seen}>{inside}</rect>"
        )

    def whisker(self, low: float, high: float, y: float) -> None:
        """An interval: a line with an end mark on both sides."""
        self.line(low, y, high, y, "whisker")
        for x in (low, high):
            self.line(x, y - 4, x, y + 4, "whisker")

    def mark(self, kind: int, x: float, y: float, title: str) -> None:
        """A circle, a diamond, a triangle, a square or a cross: told apart without colour."""
        shapes = (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="mark"><title>{title}</title></circle>',
            _polygon(x, y, ((0, -5), (5, 0), (0, 5), (-5, 0)), title),
            _polygon(x, y, ((0, -5), (5, 4), (-5, 4)), title),
            _polygon(x, y, ((-4, -4), (4, -4), (4, 4), (-4, 4)), title),
            _polygon(x, y, ((0, 5), (5, -4), (-5, -4)), title),
        )
        self.parts.append(shapes[kind % len(shapes)])

    def svg(self) -> str:
        size = f'viewBox="0 0 {WIDTH} {self.height:.0f}"'
        return f'<svg {size} role="img" aria-label="{self.label}">{"".join(self.parts)}</svg>'


def _polygon(x: float, y: float, points: Iterable[tuple[float, float]], title: str) -> str:
    around = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in points)
    return f'<polygon points="{around}" class="mark"><title>{title}</title></polygon>'


def bars(rows: Sequence[Bar], label: str, legend: Sequence[str] = ()) -> str:
    """Shares as bars with their intervals, beside each what it rests on. legend: what the marks are."""
    top = 24.0 if legend else 4.0
    drawing = _Drawing(top + _ROW * len(rows) + 24, safe(label))
    ceiling = _ceiling([row for row in rows if row.figure.value is not None])
    scale = (WIDTH - _LEFT - _RIGHT) / ceiling
    _legend(drawing, legend)
    _grid(drawing, top, ceiling, scale)
    for number, row in enumerate(rows):
        y = top + _ROW * number + _ROW / 2
        _name(drawing, row.name, y)
        _bar(drawing, row, y, scale)
        for kind, value in row.marks:
            title = f"{safe(legend[kind]) if kind < len(legend) else ''}: {percent(value)}"
            drawing.mark(kind, _LEFT + min(value, ceiling) * scale, y, title)
    return drawing.svg()


def _ceiling(rows: Sequence[Bar]) -> float:
    """The end of the axis: the next whole tenth above all that is drawn."""
    highest = [
        value for row in rows for value in (row.figure.high or row.figure.value or 0, *(v for _, v in row.marks))
    ]
    return min(1.0, max(0.1, math.ceil(max(highest, default=0.1) * 10 - 1e-9) / 10))


def _grid(drawing: _Drawing, top: float, ceiling: float, scale: float) -> None:
    bottom = drawing.height - 20
    step = 0.1 if ceiling <= 0.6 else 0.2
    for number in range(int(ceiling / step + 1e-9) + 1):
        x = _LEFT + number * step * scale
        drawing.line(x, top, x, bottom, "grid")
        drawing.text(x, bottom + 15, percent(number * step), "axis", "middle")


def _name(drawing: _Drawing, name: str, y: float) -> None:
    drawing.parts.append(
        f'<text x="{_LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{safe(name, _NAME_LETTERS)}'
        f"<title>{safe(name)}</title></text>"
    )


def _bar(drawing: _Drawing, row: Bar, y: float, scale: float) -> None:
    figure = row.figure
    if figure.value is None or figure.too_few:
        words = few(figure) if figure.value is not None else safe(figure.why, 60) or "not known"
        drawing.text(_LEFT + 6, y + 4, words, "faint")
        return
    drawing.box(_LEFT, y - 8, figure.value * scale, 16, "bar", f"{safe(row.name)}: {percent(figure.value)}")
    if figure.low is not None and figure.high is not None:
        drawing.whisker(_LEFT + figure.low * scale, _LEFT + figure.high * scale, y)
    drawing.text(WIDTH - _RIGHT + 12, y + 4, percent(figure.value), "value")
    drawing.text(WIDTH - 4, y + 4, counted(figure), "faint", "end")


def _legend(drawing: _Drawing, legend: Sequence[str]) -> None:
    x = float(_LEFT)
    for kind, words in enumerate(legend):
        drawing.mark(kind, x + 5, 9, safe(words))
        drawing.text(x + 15, 13, safe(words, 34), "faint")
        x += 30 + 6.1 * min(34, len(words))


@dataclass(frozen=True, slots=True)
class Around:
    """A row of `around_zero`. said: what it comes to, in a word or two. look: `bad`, `good`, or "" for neither."""

    name: str
    figure: Figure
    said: str
    look: str


def around_zero(rows: Sequence[Around], label: str, less: str, more: str) -> str:
    """Differences with their intervals around zero. less, more: what it means to be left or right of it."""
    drawing = _Drawing(22 + _ROW * len(rows) + 24, safe(label))
    ends = [abs(end) for row in rows for end in (row.figure.low, row.figure.high) if end is not None]
    reach = min(1.0, max(0.2, math.ceil(max(ends, default=0.2) * 5) / 5))
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    scale = (WIDTH - _LEFT - _RIGHT) / 2 / reach
    drawing.text(middle - 8, 12, f"\u25c2 {safe(less)}", "faint", "end")
    drawing.text(middle + 8, 12, f"{safe(more)} \u25b8", "faint")
    bottom = drawing.height - 20
    for place in (-1.0, -0.5, 0.0, 0.5, 1.0):
        x = middle + place * reach * scale
        drawing.line(x, 20, x, bottom, "zero" if place == 0 else "grid")
        drawing.text(x, bottom + 15, f"{place * reach * 100:+.0f}" if place else "0", "axis", "middle")
    for number, row in enumerate(rows):
        y = 22 + _ROW * number + _ROW / 2
        _name(drawing, row.name, y)
        figure = row.figure
        if figure.value is None or figure.low is None or figure.high is None:
            drawing.text(middle + 8, y + 4, safe(figure.why, 60) or "not known", "faint")
        else:
            drawing.whisker(middle + figure.low * scale, middle + figure.high * scale, y)
            drawing.parts.append(
                f'<circle cx="{middle + figure.value * scale:.1f}" cy="{y:.1f}" r="5" class="point {row.look}">'
                f"<title>{safe(row.name)}: {figure.value * 100:+.0f} points</title></circle>"
            )
        drawing.text(WIDTH - 4, y + 4, safe(row.said, 24), row.look or "faint", "end")
    return drawing.svg()


def histogram(counts: Sequence[int], names: Sequence[str], label: str, below: str) -> str:
    """Counts side by side. names: under the columns. below: what the axis is."""
    drawing = _Drawing(210, safe(label))
    width, most = (WIDTH - 40) / max(1, len(counts)), max([1, *counts])
    for number, count in enumerate(counts):
        x, tall = 20 + number * width, 140 * count / most
        drawing.box(x + 3, 160 - tall, width - 6, tall, "bar", f"{safe(names[number])}: {count:,}")
        drawing.text(x + width / 2, 154 - tall, f"{count:,}", "value" if count else "faint", "middle")
        drawing.text(x + width / 2, 177, safe(names[number]), "axis", "middle")
    drawing.line(20, 160, WIDTH - 20, 160, "zero")
    drawing.text(WIDTH / 2, 200, safe(below), "faint", "middle")
    return drawing.svg()


def matrix(names: Sequence[tuple[str, str]], shades: dict[tuple[int, int], tuple[float, str, str]], label: str) -> str:
    """A triangle of pairs. names: (short, whole). shades: (row, column) -> strength -1..1, what stands in the cell, and
    what it means."""
    cell = min(46.0, (WIDTH - _LEFT - 20) / max(1, len(names)))
    drawing = _Drawing(24 + cell * (len(names) - 1) + 4, safe(label))
    for column, (brief, _) in enumerate(names[:-1]):
        drawing.text(_LEFT + cell * (column + 0.5), 16, safe(brief, 9), "axis", "middle")
    for row, (_, whole) in enumerate(names[1:], start=1):
        y = 24 + cell * (row - 1)
        _name(drawing, whole, y + cell / 2)
        for column in range(row):
            strength, said, meaning = shades.get((row, column), (0.0, "", ""))
            x = _LEFT + cell * column
            drawing.box(x + 1, y + 1, cell - 2, cell - 2, "empty")
            if strength:
                look = "bar" if strength > 0 else "against"
                drawing.box(
                    x + 1, y + 1, cell - 2, cell - 2, look, safe(meaning), 0.15 + 0.75 * min(1.0, abs(strength))
                )
            drawing.text(x + cell / 2, y + cell / 2 + 4, safe(said), "cell", "middle")
    return drawing.svg()


def curve(
    points: Sequence[tuple[float, float]], label: str, below: str, noted: Sequence[tuple[float, float, str]]
) -> str:
    """A line through points (x, share 0..1). noted: points with words."""
    drawing = _Drawing(250, safe(label))
    left, right, top, bottom = 56.0, WIDTH - 24.0, 14.0, 200.0
    first, last = points[0][0], max(points[-1][0], points[0][0] + 1)

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (x - first) / (last - first) * (right - left), bottom - y * (bottom - top)

    for number in range(6):
        _, y = place(first, number / 5)
        drawing.line(left, y, right, y, "grid")
        drawing.text(left - 8, y + 4, percent(number / 5), "axis", "end")
    for tick in sorted({round(first + (last - first) * number / 8) for number in range(9)}):
        drawing.text(place(tick, 0)[0], bottom + 17, f"{tick:,}", "axis", "middle")
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
    drawing.parts.append(f'<polyline points="{path}" class="curve"/>')
    for where, high, words in noted:
        across, down = place(where, high)
        drawing.parts.append(f'<circle cx="{across:.1f}" cy="{down:.1f}" r="5" class="point"/>')
        late = across > (left + right) / 2
        drawing.text(
            across + (-10 if late else 10), max(24, down - 9), safe(words), "value", "end" if late else "start"
        )
    drawing.text((left + right) / 2, 240, safe(below), "faint", "middle")
    return drawing.svg()
