"""The section on two groups of runs side by side: the sentence, the differences with their intervals, all figures."""

from __future__ import annotations

from labels.insights.figures import Comparison, Difference, Figure
from review_tui.report import charts
from review_tui.report.charts import Around
from review_tui.report.parts import figure, folded, table
from review_tui.report.words import number, runs, safe, sentence, share


def comparison(found: Comparison) -> str:
    first, second = found.names
    head = (
        f'<p class="sub">By {safe(found.by)}: {safe(first, 80)} ({runs(found.runs[0])}) and {safe(second, 80)} '
        f"({runs(found.runs[1])}), judged by the codebook {safe(found.codebook)}.</p>"
    )
    said = f'<p class="says">{safe(found.sentence, 2_000)}</p>'
    notes = "".join(f"<li>{sentence(note)}</li>" for note in found.notes)
    return f"{head}{said}{_chart(found)}{_means(found)}{folded('All figures', _table(found))}<ul>{notes}</ul>"


def _chart(found: Comparison) -> str:
    every = [found.failure, *found.rows]
    drawn = [_around(row) for row in every if not (row.first.too_few or row.second.too_few)]
    if not drawn:
        return ""
    first, second = (safe(name, 24) for name in found.names)
    drawing = charts.around_zero(
        drawn, "Differences between the two groups", f"more in {found.names[0]}", f"more in {found.names[1]}"
    )
    left = len(every) - len(drawn)
    more = f"{left} figure{'s rest' if left > 1 else ' rests'} on too few runs to be drawn." if left else ""
    return figure(drawing, f"Shares of runs in {second} less those in {first}, in points, with 95 % intervals.", more)


def _around(row: Difference) -> Around:
    if not row.differs:
        return Around(row.name, row.difference, "", "")
    return Around(row.name, row.difference, "differs", "bad" if (row.difference.value or 0) > 0 else "good")


def _means(found: Comparison) -> str:
    one, two, change = found.per_failed
    if one.value is None and two.value is None:
        return ""
    first, second = (safe(name, 60) for name in found.names)
    return f"<p>Modes per failed run: {first} {number(one)}; {second} {number(two)}; difference {number(change)}.</p>"


def _table(found: Comparison) -> str:
    first, second = (safe(name, 40) for name in found.names)
    head = ["share of runs", first, second, "difference, points", "p", "p, all modes considered"]
    rows = (
        [safe(row.name), share(row.first), share(row.second), _points(row.difference), _p(row.p), _p(row.adjusted)]
        for row in (found.failure, *found.rows)
    )
    return table(head, rows, 1)


def _points(item: Figure) -> str:
    if item.value is None or item.low is None or item.high is None:
        return "\u2013"
    return f"{item.value * 100:+.0f} ({item.low * 100:+.0f} to {item.high * 100:+.0f})"


def _p(value: float | None) -> str:
    return "\u2013" if value is None else "&lt;0.001" if value < 0.001 else f"{value:.3f}"
