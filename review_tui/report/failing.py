"""What fails, whether it is fatal here, and for whom: sections of one codebook's profile."""

from __future__ import annotations

from collections.abc import Sequence

from labels.insights.figures import FEW, Figure, Group, ModeRow, Profile, PublishedColumn
from review_tui.report import charts
from review_tui.report.charts import Around, Bar
from review_tui.report.parts import figure, folded, table
from review_tui.report.words import number, percent, runs, safe, share

#: Rows of a group's table and chart, and columns of published figures in a chart; what is left out is counted.
MOST_GROUPS, MOST_COLUMNS = 12, 3
_LOOK = {"fatal": "bad", "recoverable": "good"}
_MEASURES = {
    "failures": "share of failures",
    "runs": "share of runs",
    "failed": "share of failed runs",
    "succeeded": "share of successful runs",
}


def seen(profile: Profile) -> list[ModeRow]:
    """Modes that occur, the most frequent first."""
    rows = [row for row in profile.modes if row.runs.count]
    return sorted(rows, key=lambda row: (-(row.runs.value or 0), row.code, row.slug))


# -- what fails -----------------------------------------------------------------------------------------------------


def modes(profile: Profile) -> str:
    rows = seen(profile)
    if not rows:
        return f"<p>No mode occurs in the {runs(profile.judged)} that were judged.</p>"
    never = len(profile.modes) - len(rows)
    said = f"{never} mode{'s occur' if never > 1 else ' occurs'} nowhere." if never else ""
    parts = [
        _chart(profile, "runs", "Share of the runs judged for a mode in which it occurs, with 95 % intervals.", said)
    ]
    if profile.failed >= FEW and _columns(profile, "failed"):
        parts.append(_chart(profile, "failed", "The same among failed runs only."))
    parts.append(_categories(profile))
    parts.append(folded("All figures", _mode_table(profile)))
    if profile.published:
        parts.append(folded("All published figures", _published_table(profile)))
    return "".join(parts)


def _columns(profile: Profile, measure: str) -> list[PublishedColumn]:
    return [column for column in profile.published if column.measure == measure][:MOST_COLUMNS]


def _chart(profile: Profile, measure: str, *caption: str) -> str:
    """measure: `runs` or `failed`, of ours and of the published figures beside them."""
    columns = _columns(profile, measure)
    drawn = []
    for row in seen(profile):
        marks = [(place, row.published.get(column.key)) for place, column in enumerate(columns)]
        own = row.runs if measure == "runs" else row.failed
        drawn.append(Bar(row.label, own, tuple((place, value) for place, value in marks if value is not None)))
    drawing = charts.bars(drawn, f"Failure modes, {_MEASURES[measure]}", [column.title for column in columns])
    return figure(drawing, *caption, "Shapes: published figures, of other runs than these." if columns else "")


def _mode_table(profile: Profile) -> str:
    head = ["mode", "runs", "share of failures", "failed runs", "successful runs"]
    rows = (
        [safe(row.label), share(row.runs), share(row.failures), share(row.failed), share(row.succeeded)]
        for row in profile.modes
    )
    return table(head, rows, 1)


def _published_table(profile: Profile) -> str:
    columns = profile.published
    rows = ([safe(row.label), *(percent(row.published.get(column.key)) for column in columns)] for row in profile.modes)
    sources = "".join(f"<li>{_source(column)}</li>" for column in columns)
    return table(["mode", *(safe(column.title) for column in columns)], rows, 1) + f"<ul>{sources}</ul>"


def _source(column: PublishedColumn) -> str:
    parts = [f"{safe(column.title)}: {_MEASURES[column.measure]}"]
    parts += [f"n {column.n:,}"] if column.n else []
    parts += [f"{column.per_failed:.1f} modes per failed run"] if column.per_failed else []
    return f"{', '.join(parts)}. {safe(column.source)}"


def _categories(profile: Profile) -> str:
    named = [row for row in profile.categories if row.id]
    if not named:
        return ""
    rows = ([safe(row.name), share(row.runs), share(row.failures)] for row in named)
    content = table(["category", "share of runs with any of it", "share of failures"], rows, 1)
    return f'<div class="keep"><h4>By category</h4>{content}</div>'


# -- fatal or recoverable -------------------------------------------------------------------------------------------


def lift(profile: Profile) -> str:
    rows = [row for row in seen(profile) if row.lift.difference.value is not None and row.lift.here != "too few runs"]
    skipped = len(seen(profile)) - len(rows)
    if not rows:
        return (
            f"<p>Too few runs with a known outcome to say which modes are fatal here: {profile.failed:,} failed, "
            f"{profile.succeeded:,} succeeded.</p>"
        )
    rows.sort(key=lambda row: -(row.lift.difference.value or 0))
    drawn = [Around(row.label, row.lift.difference, row.lift.here, _LOOK.get(row.lift.here, "")) for row in rows]
    drawing = charts.around_zero(
        drawn, "How much more often runs with a mode fail", "runs with it fail less often", "fail more often"
    )
    more = f"{skipped} more occur{'s' if skipped == 1 else ''} in too few runs." if skipped else ""
    return figure(
        drawing,
        "Runs with the mode against runs without it: difference of the shares that failed, in points.",
        "It says what goes together, and proves no cause.",
        more,
    ) + folded("All figures", _lift_table(rows))


def _lift_table(rows: Sequence[ModeRow]) -> str:
    head = ["mode", "expected before", "with it fail", "without it fail", "ratio", "points, after the prior"]
    body = (
        [safe(row.label), safe(row.lift.prior or row.lift.published), share(row.lift.with_mode),
         share(row.lift.without), number(row.lift.ratio, digits=2), _points(row.lift.shrunk)]
        for row in rows
    )  # fmt: skip
    return table(head, body, 2)


def _points(item: Figure) -> str:
    if item.value is None:
        return "-"
    interval = "" if item.low is None or item.high is None else f" ({item.low * 100:+.0f} to {item.high * 100:+.0f})"
    return f"{item.value * 100:+.0f}{interval}"


# -- for whom -------------------------------------------------------------------------------------------------------


def groups(profile: Profile) -> str:
    """By system, model and so on, where that tells runs apart."""
    parts = []
    for by in dict.fromkeys(group.by for group in profile.groups):
        rows = sorted((group for group in profile.groups if group.by == by), key=lambda group: -group.runs)
        if len(rows) >= 2:
            parts.append(f"<h4>By {by}</h4>{_group_chart(by, rows)}{_group_table(by, rows, profile)}")
    return "".join(parts)


def _group_chart(by: str, rows: Sequence[Group]) -> str:
    known = [group for group in rows if group.failed.n]
    if by == "outcome" or not known:
        return ""
    drawing = charts.bars([Bar(_name(group), group.failed) for group in known[:MOST_GROUPS]], f"Share failed by {by}")
    return figure(drawing, "Share of the runs with a known outcome that failed.")


def _group_table(by: str, rows: Sequence[Group], profile: Profile) -> str:
    head = [by, "most frequent modes", "runs", "modes per run", "per failed run"]
    body = (
        [safe(_name(group)), _most(group, profile), f"{group.runs:,}", number(group.per_run), number(group.per_failed)]
        for group in rows[:MOST_GROUPS]
    )
    left = len(rows) - MOST_GROUPS
    return table(head, body, 2) + (f'<p class="faint">{left:,} smaller ones are left out.</p>' if left > 0 else "")


def _name(group: Group) -> str:
    return group.value or "(not said)"


def _most(group: Group, profile: Profile) -> str:
    if group.runs < FEW:
        return f"too few runs ({group.runs} of {FEW})"
    found = [(slug, item) for slug, item in group.modes.items() if item.count]
    found.sort(key=lambda pair: -(pair[1].value or 0))
    return ", ".join(f"{safe(profile.name(slug), 40)} {percent(item.value)}" for slug, item in found[:3]) or "none"
