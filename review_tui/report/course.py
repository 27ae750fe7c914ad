"""How failures go on: where they begin, what comes after, what goes together, what review prevented."""

from __future__ import annotations

from labels.insights.figures import Figure, Insights, Pair, Profile
from review_tui.report import charts
from review_tui.report.failing import seen
from review_tui.report.parts import figure, table
from review_tui.report.words import number, percent, runs, safe, share
from review_tui.words import duration

#: Rows of tables, modes in the matrix.
MOST_LINKS, MOST_MODES = 15, 16


def onset(profile: Profile) -> str:
    found = profile.onset
    if found.first_step.too_few:
        return f"<p>Too few runs whose failures have a place ({found.runs:,}) to say where they begin.</p>"
    names = [f"{place * 10}\u2013{place * 10 + 10} %" for place in range(len(found.bins))]
    step = (found.first_step.value or 0) + 1
    return figure(
        charts.histogram(found.bins, names, "Where failures begin", "part of the run"),
        f"The first failure of a run, by tenth of the run; {runs(found.runs)}.",
        f"The median is at step {step:,.0f}, {percent(found.position.value)} of the way.",
        f"In {runs(found.unplaced)} more the failures have no place." if found.unplaced else "",
        f"{runs(found.short)} of one step {'has' if found.short == 1 else 'have'} no way to go." if found.short else "",
    )


def lost(profile: Profile) -> str:
    item = profile.lost
    if not item.runs:
        return ""
    rows = [["steps", number(item.steps, digits=0), share(item.steps_share), ""]]
    if item.seconds.n:
        rows.append(["time", _duration(item.seconds), share(item.seconds_share), duration(item.seconds_total)])
    if item.tokens.n:
        tokens = number(item.tokens, digits=0)
        rows.append(["tokens", tokens, share(item.tokens_share), f"{item.tokens_total:,}"])
    left = ((item.untimed, "times"), (item.uncounted, "token counts"))
    said = [f"{runs(count)} without {what}" for count, what in left if count]
    note = f'<p class="faint">Left out: {" and ".join(said)}.</p>' if said else ""
    return table(["after the first failure", "median", "share of the run", "all together"], rows, 1) + note


def _duration(item: Figure) -> str:
    if item.value is None:
        return "-"
    interval = "" if item.low is None or item.high is None else f" ({duration(item.low)}\u2013{duration(item.high)})"
    return f"{duration(item.value)}{interval}, n {item.n:,}"


def together(profile: Profile) -> str:
    rows = sorted(seen(profile)[:MOST_MODES], key=lambda row: (row.code, row.slug))
    if len(rows) < 2 or profile.judged < 5:
        return ""
    place = {row.slug: number for number, row in enumerate(rows)}
    shades = {}
    for pair in profile.pairs:
        if pair.first in place and pair.second in place:
            column, row = sorted((place[pair.first], place[pair.second]))
            shades[row, column] = _shade(pair, profile)
    drawing = charts.matrix([(row.code or row.slug, row.label) for row in rows], shades, "Modes that occur together")
    return figure(
        drawing,
        "Runs in which two modes occur together. Coloured is what chance would seldom give (Fisher's test at 5 %, "
        "after Holm over all pairs): the deeper, the more often than by chance (phi);",
        "in the second colour, with an arrow down: less often.",
    )


def _shade(pair: Pair, profile: Profile) -> tuple[float, str, str]:
    strength = (pair.phi or 0.0) if pair.holds_up else 0.0
    names = f"{profile.name(pair.first)} and {profile.name(pair.second)}"
    meaning = f"{names}: together in {runs(pair.both)} of {pair.n:,}, by chance {pair.expected:.1f}"
    said = f"{pair.both}\u2193" if strength < 0 else f"{pair.both}" if pair.both else "\u00b7"
    return strength, said, meaning


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
