"""Which modes occur: shares with intervals, one measure at a time, and published figures of the same measure beside."""

from __future__ import annotations

from dataclasses import dataclass

from labels.insights.figures import Figure, ModeRow, Profile, PublishedColumn
from review_tui.insights.drawing import LEGEND, Mark, PageRow, bar
from review_tui.insights.words import (
    View,
    blank,
    heading,
    interval,
    mean_text,
    mode_name,
    of,
    percent,
    share_text,
    wrapped,
)
from review_tui.sanitize import short

MEASURES = {
    "runs": "share of runs with the mode",
    "failures": "share of all failures",
    "failed": "share of failed runs",
    "succeeded": "share of successful runs",
}
#: Cells of what stands right of a bar: value, interval, count.
_NUMBERS = 22
_PUBLISHED = 7
#: From this width on the figures have titles; below the other one names give way, so that figures are seen.
NARROW, TINY = 80, 60
#: From this width on the other measures stand beside the bars, each in so many cells.
WIDE, _MORE = 160, 14


@dataclass(frozen=True)
class Column:
    """A measure, with one published column of the same measure or none."""

    measure: str
    published: PublishedColumn | None

    @property
    def title(self) -> str:
        return MEASURES[self.measure]


def columns(profile: Profile) -> list[Column]:
    """What can be looked at, in the order of the key that goes through it."""
    found = [Column("runs", next((item for item in profile.published if item.measure == "runs"), None))]
    found += [Column("failures", item) for item in profile.published if item.measure == "failures"]
    found += [Column(item.measure, item) for item in profile.published if item.measure in ("failed", "succeeded")]
    shown = {column.measure for column in found}
    return found + [Column(measure, None) for measure in MEASURES if measure not in shown]


def figure_of(row: ModeRow, measure: str) -> Figure:
    return {"runs": row.runs, "failures": row.failures, "failed": row.failed, "succeeded": row.succeeded}[measure]


def rows(view: View) -> list[PageRow]:
    profile = view.profile
    assert profile is not None
    every = columns(profile)
    column = every[view.column % len(every)]
    found = _head(view, profile, column)
    top = _top(profile, column)
    others = _others(profile, column, view.width)
    if view.order == "size":
        modes = sorted(profile.modes, key=lambda row: -(figure_of(row, column.measure).value or 0))
        return found + [_mode(row, column, others, top, view.width) for row in modes] + _foot(view, profile, others)
    names = {item.id: item for item in profile.categories}
    last = None
    for row in profile.modes:
        if row.category != last and row.category in names:
            category = names[row.category]
            figure = category.failures if column.measure == "failures" else category.runs
            what = "of failures" if column.measure == "failures" else "of runs"
            told = f"{percent(figure.value)} ({interval(figure)}) {what}" if figure.value is not None else ""
            found.append(
                (None, [(f" {short(category.name, view.width - 36).upper()}", "heading"), None, (f"{told} ", "faint")])
            )
        last = row.category
        found.append(_mode(row, column, others, top, view.width))
    return found + _foot(view, profile, others)


def _head(view: View, profile: Profile, column: Column) -> list[PageRow]:
    said = column.published
    n = f", {said.n:,} runs" if said and said.n and view.width >= 100 else ""
    beside = f"  ◆ {short(said.title, max(8, view.width - len(column.title) - 23 - len(n)))}{n}" if said else ""
    return [
        (None, [(f" {column.title}", "strong"), (beside, "mark"), None, ("p next measure ", "faint")]),
        (None, [(" ", "text"), *LEGEND, None, (f"{_titles(profile, column, view.width)} ", "faint")]),
    ]


def _titles(profile: Profile, column: Column, width: int) -> str:
    """What stands over the figures right of the bars, where there is room for it beside the legend."""
    if width < NARROW:
        return ""
    more = "".join(f"{word:>{_MORE}}" for word in _more(column, width).values())
    others = "".join(
        f"{'◆' if place == 0 else ''}{_brief(item.key)}".rjust(_PUBLISHED)
        for place, item in enumerate(_others(profile, column, width))
    )
    what = "failures" if column.measure == "failures" else "runs"
    return f"{'share':>5} {'95 %':>7} {what:>8}{more}{others}"


def _brief(key: str) -> str:
    """The name of a published column in few letters: `v2`, `gemini`."""
    return short(key.removeprefix("mast-").removeprefix("itbench-"), _PUBLISHED - 1).rstrip("…-")


def _more(column: Column, width: int) -> dict[str, str]:
    """On a wide screen, the other measures: name -> heading."""
    words = {"runs": "of runs", "failures": "of failures", "failed": "in failed", "succeeded": "in successful"}
    return {name: word for name, word in words.items() if name != column.measure} if width >= WIDE else {}


def _top(profile: Profile, column: Column) -> float:
    """The right end of the bars: a round share that holds all of them."""
    ends = [figure.high or figure.value or 0 for row in profile.modes if (figure := figure_of(row, column.measure))]
    if column.published:
        ends += [row.published.get(column.published.key, 0) for row in profile.modes]
    most = max(ends, default=0)
    return next((top for top in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8) if most <= top), 1.0)


def _others(profile: Profile, column: Column, width: int) -> list[PublishedColumn]:
    """Published columns of the same measure, as many as there is room for; the one that is marked comes first."""
    if column.published is None:
        return []
    same = [item for item in profile.published if item.measure == column.measure and item is not column.published]
    return [column.published, *same][: max(1, (width - 90) // 12)]


def _mode(row: ModeRow, column: Column, others: list[PublishedColumn], top: float, width: int) -> PageRow:
    figure = figure_of(row, column.measure)
    label = max(12, width - 28) if width < TINY else 30 if width < 110 else 38
    more = _more(column, width)
    others = others if width >= TINY else []
    room = max(3 if width < TINY else 8, width - label - _NUMBERS - len(others) * _PUBLISHED - len(more) * _MORE - 3)
    marks = []
    if column.published and (value := row.published.get(column.published.key)) is not None:
        marks.append(Mark(value, "◆"))
    beside = "".join(
        f"{'◆ ' if place == 0 else ''}{percent(row.published.get(item.key))}".rjust(_PUBLISHED)
        for place, item in enumerate(others)
    )
    measured = "".join(f"{_measured(figure_of(row, name)):>{_MORE}}" for name in more)
    return f"mode:{row.slug}", [
        (f" {mode_name(row, label)} ", "text"), *bar(figure, room, top, marks), (numbers(figure), "text"),
        (measured, "faint"), (beside, "mark"),
    ]  # fmt: skip


def _measured(figure: Figure) -> str:
    return "too few" if figure.value is not None and figure.too_few else percent(figure.value)


def numbers(figure: Figure) -> str:
    """Value, interval and count in `_NUMBERS` cells."""
    if figure.value is None:
        return f"{'–':>5} {'':>7} {of(figure):>8}"
    if figure.too_few:
        return f"too few: {of(figure)}".rjust(_NUMBERS)
    return f"{percent(figure.value):>5} {interval(figure):>7} {of(figure):>8}"


def _foot(view: View, profile: Profile, shown: list[PublishedColumn]) -> list[PageRow]:
    found = [blank(), heading("BY RUN")]
    told = [
        ("failed", share_text(profile.failure_rate)),
        ("none of the modes", share_text(profile.clean)),
        ("modes in a failed run", mean_text(profile.per_failed)),
        ("modes in a judged run", mean_text(profile.per_run)),
    ]
    if view.insights.recall.value is not None:
        told.append(("mean recall", mean_text(view.insights.recall, 2)))
    for what, figure in told:
        found += wrapped(f"{what}: {figure}", view.width, "text")
    published = [f"{item.per_failed:.1f} {short(item.title, 40)}" for item in profile.published if item.per_failed]
    if published:
        found += wrapped(f"published, modes in a failed run: {'; '.join(published)}", view.width, "mark")
    sources = [item.source for item in (*shown, *(item for item in profile.published if item.per_failed))]
    for source in dict.fromkeys(short(source, 200) for source in sources):
        found += wrapped(f"◆ {source}", view.width)
    return found
