"""The report's sections: each a function from figures to HTML, "" where there is nothing to be said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from labels.insights.figures import Figure, Group, Insights, ModeRow, Profile
from review_tui.report import charts
from review_tui.report.charts import Around, Bar
from review_tui.report.words import number, percent, runs, safe, share, time

#: Rows of charts and tables, pairs in the matrix; what is left out is counted.
MOST_GROUPS, MOST_LINKS, MOST_MODES = 12, 15, 14
_LOOK = {"fatal": "bad", "recoverable": "good"}


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """Cells are HTML already. numbers: from this column on they are figures."""
    cells = [(place >= numbers > 0, words) for place, words in enumerate(head)]
    top = "".join(f'<th class="n">{words}</th>' if figure else f"<th>{words}</th>" for figure, words in cells)
    body = "".join(
        "<tr>" + "".join(f"<td{_class(place >= numbers > 0)}>{cell}</td>" for place, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _class(figure: bool) -> str:
    return ' class="n"' if figure else ""


def figure(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption>{caption}</figcaption></figure>"


def folded(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>{content}</details>"


def seen(profile: Profile) -> list[ModeRow]:
    """Modes that occur, the most frequent first."""
    rows = [row for row in profile.modes if row.runs.count]
    return sorted(rows, key=lambda row: (-(row.runs.value or 0), row.code, row.slug))


# -- what fails -----------------------------------------------------------------------------------------------------


def modes(profile: Profile) -> str:
    rows = seen(profile)
    if not rows:
        return f"<p>No mode of {safe(profile.title)} occurs in {runs(profile.judged)} judged.</p>"
    columns = [column for column in profile.published if column.measure in ("runs", "failed")][:3]
    drawn = [
        Bar(
            row.label,
            row.runs,
            tuple(
                (place, row.published[column.key])
                for place, column in enumerate(columns)
                if column.key in row.published
            ),
        )
        for row in rows
    ]
    never = len(profile.modes) - len(rows)
    caption = (
        f"Share of the runs judged for a mode in which it occurs; the lines are 95 % intervals. "
        f"{f'{never} modes occur nowhere.' if never else ''}"
        f"{' Shapes: published figures, of other runs than these.' if columns else ''}"
    )
    drawing = charts.bars(drawn, "Share of runs by failure mode", [column.title for column in columns])
    return (
        figure(drawing, caption)
        + _categories(profile)
        + folded("All figures, and the published ones", _mode_table(profile))
    )


def _mode_table(profile: Profile) -> str:
    columns = profile.published
    head = [
        "mode",
        "runs",
        "share of failures",
        "failed runs",
        "successful runs",
        *(safe(item.title) for item in columns),
    ]
    rows = (
        [safe(row.label), share(row.runs), share(row.failures), share(row.failed), share(row.succeeded),
         *(percent(row.published.get(item.key)) for item in columns)]
        for row in profile.modes
    )  # fmt: skip
    kinds = {"failures": "share of failures", "runs": "share of runs", "failed": "share of failed runs",
             "succeeded": "share of successful runs"}  # fmt: skip
    sources = "".join(
        f"<li>{safe(item.title)}: {kinds[item.measure]}; {safe(item.source)}"
        f"{f', n {item.n:,}' if item.n else ''}"
        f"{f'; {item.per_failed:.1f} modes per failed run' if item.per_failed else ''}.</li>"
        for item in columns
    )
    return table(head, rows, 1) + (f"<ul>{sources}</ul>" if sources else "")


def _categories(profile: Profile) -> str:
    named = [row for row in profile.categories if row.id]
    if not named:
        return ""
    rows = ([safe(row.name), share(row.runs), share(row.failures)] for row in named)
    head = ["category", "share of runs", "share of failures"]
    return f'<div class="keep"><h3>By category</h3>{table(head, rows, 1)}</div>'


def lift(profile: Profile) -> str:
    rows = [row for row in seen(profile) if row.lift.difference.value is not None and row.lift.here != "too few runs"]
    skipped = len(seen(profile)) - len(rows)
    if not rows:
        return (
            f"<p>Too few runs with a known outcome to say which modes are fatal here ({profile.failed:,} failed, "
            f"{profile.succeeded:,} succeeded).</p>"
        )
    rows.sort(key=lambda row: -(row.lift.difference.value or 0))
    drawn = [Around(row.label, row.lift.difference, row.lift.here, _LOOK.get(row.lift.here, "")) for row in rows]
    drawing = charts.around_zero(
        drawn, "How much more often runs with a mode fail", "runs with it fail less often", "fail more often"
    )
    caption = (
        "Runs with the mode against runs without it: difference of the shares that failed, in points, with 95 % "
        "intervals. It is what goes together, and no proof of a cause."
        f"{f' {skipped} more modes occur in too few runs.' if skipped else ''}"
    )
    head = ["mode", "with it fail", "without it fail", "ratio", "expected before", "after the prior"]
    body = (
        [safe(row.label), share(row.lift.with_mode), share(row.lift.without), number(row.lift.ratio, digits=2),
         safe(row.lift.prior or row.lift.published), _points(row.lift.shrunk)]
        for row in rows
    )  # fmt: skip
    return figure(drawing, caption) + folded("All figures", table(head, body, 1))


def _points(item: Figure) -> str:
    if item.value is None:
        return safe(item.why) or "-"
    interval = "" if item.low is None or item.high is None else f" ({item.low * 100:+.0f} to {item.high * 100:+.0f})"
    return f"{item.value * 100:+.0f}{interval}"


# -- for whom -------------------------------------------------------------------------------------------------------


def groups(profile: Profile) -> str:
    """By system, model and so on, where there is more than one value."""
    parts = []
    for by in dict.fromkeys(group.by for group in profile.groups):
        rows = [group for group in profile.groups if group.by == by]
        if len([group for group in rows if group.value]) >= 2 or (by != "outcome" and len(rows) >= 2):
            parts.append(f"<h3>By {by}</h3>{_group_chart(by, rows)}{_group_table(by, rows, profile)}")
    return "".join(parts)


def _group_chart(by: str, rows: Sequence[Group]) -> str:
    if by == "outcome":
        return ""
    largest = sorted(rows, key=lambda group: -group.runs)[:MOST_GROUPS]
    drawing = charts.bars(
        [Bar(group.value or "(not said)", group.failed) for group in largest], f"Share failed by {by}"
    )
    left = len(rows) - len(largest)
    caption = (
        f"Share of the runs with a known outcome that failed.{f' {left} smaller ones are left out.' if left else ''}"
    )
    return figure(drawing, caption)


def _group_table(by: str, rows: Sequence[Group], profile: Profile) -> str:
    def most(group: Group) -> str:
        found = [(slug, item) for slug, item in group.modes.items() if item.count]
        found.sort(key=lambda pair: -(pair[1].value or 0))
        return ", ".join(f"{safe(profile.name(slug), 34)} {percent(item.value)}" for slug, item in found[:3]) or "none"

    body = (
        [
            safe(group.value) or "(not said)",
            f"{group.runs:,}",
            number(group.per_run),
            number(group.per_failed),
            most(group),
        ]
        for group in sorted(rows, key=lambda group: -group.runs)[:MOST_GROUPS]
    )
    return table([safe(by), "most frequent modes", "runs", "modes per run", "per failed run"], body, 2)


# -- how it goes ----------------------------------------------------------------------------------------------------


def onset(profile: Profile) -> str:
    found = profile.onset
    if found.first_step.too_few:
        return f"<p>Too few runs whose failures have a place ({found.runs:,}) to say where they begin.</p>"
    names = [f"{number * 10}\u2013{number * 10 + 10} %" for number in range(len(found.bins))]
    step = (found.first_step.value or 0) + 1
    caption = (
        f"The first failure of a run, by tenth of the run: {runs(found.runs)}; the median is at step {step:,.0f}, "
        f"{percent(found.position.value)} of the way."
        f"{f' {runs(found.unplaced)} have failures without a place.' if found.unplaced else ''}"
        f"{f' {runs(found.short)} have one step only.' if found.short else ''}"
    )
    return figure(charts.histogram(found.bins, names, "Where failures begin", "part of the run"), caption)


def lost(profile: Profile) -> str:
    item = profile.lost
    if not item.runs:
        return ""
    seconds = time(item.seconds_total) if item.seconds.n else ""
    tokens = f"{item.tokens_total:,}" if item.tokens.n else ""
    rows = [
        ["steps", number(item.steps, digits=0), share(item.steps_share), ""],
        ["time", _duration(item.seconds), share(item.seconds_share), seconds],
        ["tokens", number(item.tokens, digits=0), share(item.tokens_share), tokens],
    ]
    said = []
    if item.untimed:
        said.append(f"the steps of {runs(item.untimed)} have no times")
    if item.uncounted:
        said.append(f"those of {runs(item.uncounted)} no tokens")
    note = f'<p class="faint">{", ".join(said).capitalize()}: they are left out.</p>' if said else ""
    return table(["after the first failure", "median", "share of the run", "all together"], rows, 1) + note


def _duration(item: Figure) -> str:
    if item.value is None:
        return safe(item.why) or "not known"
    interval = f" ({time(item.low)}\u2013{time(item.high)})" if item.low is not None and item.high is not None else ""
    return f"{time(item.value)}{interval}, n {item.n:,}"


def together(profile: Profile) -> str:
    rows = sorted(seen(profile)[:MOST_MODES], key=lambda row: (row.code, row.slug))
    if len(rows) < 2 or profile.judged < 5:
        return ""
    place = {row.slug: number for number, row in enumerate(rows)}
    shades: dict[tuple[int, int], tuple[float, str, str]] = {}
    for pair in profile.pairs:
        if pair.first in place and pair.second in place:
            column, row = sorted((place[pair.first], place[pair.second]))
            meaning = (
                f"{profile.name(pair.first)} and {profile.name(pair.second)}: "
                f"together in {runs(pair.both)} of {pair.n:,}, by chance {pair.expected:.1f}"
            )
            shades[row, column] = (pair.phi or 0.0, f"{pair.both}", meaning)
    drawing = charts.matrix(
        [(row.code or row.slug, row.label) for row in rows], shades, "Failure modes that occur together"
    )
    caption = (
        "Runs in which two modes occur together. The stronger the cell, the more that is beyond chance (phi); in the "
        "second colour, less than by chance."
    )
    return figure(drawing, caption)


def cascades(profile: Profile) -> str:
    found = profile.cascades
    if not found.links:
        return ""
    links = (
        [safe(profile.name(link.cause)), safe(profile.name(link.effect)), f"{link.links:,}", f"{link.runs:,}",
         f"{link.steps_median:g} ({link.steps_low:g}\u2013{link.steps_high:g})"]
        for link in found.links[:MOST_LINKS]
    )  # fmt: skip
    starts = (
        [safe(profile.name(item.mode)), f"{item.starts:,}", f"{item.follows:,}", f"{item.reach:.1f}"]
        for item in found.starts[:MOST_LINKS]
    )
    return (
        f"<p>In {runs(found.runs)} reviewers said that one failure follows from another.</p>"
        + table(["this mode", "is followed by", "times", "runs", "steps between (quartiles)"], links, 2)
        + table(["as a start", "runs it starts in", "runs it follows in", "labels behind it, mean"], starts, 1)
    )


def prevented(profile: Profile, insights: Insights) -> str:
    rows = [insights.prevented, *(row for row in profile.prevented if row.mode)]
    shown = [row for row in rows if row.rollbacks_live or row.rollbacks_recorded or row.denied or row.stopped]
    if not shown:
        return ""
    body = (
        [safe(profile.name(row.mode)) if row.mode else "all", f"{row.rollbacks_live:,}", f"{row.undone:,}",
         f"{row.denied:,}", f"{row.stopped:,}", f"{row.rollbacks_recorded:,}", f"{row.unneeded:,}"]
        for row in shown
    )  # fmt: skip
    live = ["live: sent back", "steps undone", "calls denied", "runs stopped"]
    return table(["mode", *live, "recorded: should have gone back", "steps that were for nothing"], body, 1)


def missing(insights: Insights) -> Iterator[str]:
    for item in insights.missing:
        yield f"<li><b>{safe(item.what)}</b> {safe(item.how)}</li>"
