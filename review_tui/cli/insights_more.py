"""The further sections of the plain text of insights."""

from __future__ import annotations

from labels.insights.figures import FEW, GROUPED_BY, Insights, PreventedRow, Profile
from review_tui.cli import output
from review_tui.cli.insights_words import count_of, number, p_value, percent, points, points_between
from review_tui.words import duration

_RIGHT = frozenset(range(1, 12))
#: Rows of the tables of pairs, links and groups that are printed; JSON has them all.
MOST = 10


def lift(profile: Profile) -> None:
    """Fatal or recoverable here."""
    output.line()
    if not (profile.failed and profile.succeeded):
        output.line("fatal or recoverable here: needs failed and successful runs that were judged")
        return
    output.line("fatal or recoverable here (share that failed with the mode, and without):")
    rows: list[tuple[str, ...]] = [
        ("mode", "with", "without", "difference", "95 %", "after prior", "P(worse)", "here", "published")
    ]
    for row in profile.modes:
        item = row.lift
        if not item.with_mode.n:
            continue
        rows.append(
            (row.label, f"{count_of(item.with_mode)} {percent(item.with_mode)}",
             f"{count_of(item.without)} {percent(item.without)}", points(item.difference.value),
             points_between(item.difference), points(item.shrunk.value),
             "-" if item.probability is None else f"{item.probability:.2f}", item.here, item.published)
        )  # fmt: skip
    output.table(rows, right=frozenset(range(1, 7)))
    output.note(
        "the prior is the published list, at the weight of four runs a side; it says what goes together, not what"
        " causes what."
    )


def groups(profile: Profile) -> None:
    """By attribute; those that do not tell runs apart are left out."""
    for by in GROUPED_BY:
        mine = [group for group in profile.groups if group.by == by]
        if len(mine) < 2:
            continue
        output.line()
        rows: list[tuple[str, ...]] = [(by, "runs", "failed", "modes per run", "per failed run", "most frequent")]
        for group in mine[:MOST]:
            top = sorted(group.modes.items(), key=lambda item: (-(item[1].value or 0.0), item[0]))[:3]
            named = ", ".join(f"{profile.name(slug)} {percent(figure)}" for slug, figure in top if figure.value)
            few = f"too few runs ({group.runs} of {FEW})"
            rows.append(
                (group.value or "(not said)", f"{group.runs:,}", percent(group.failed),
                 number(group.per_run, bare=True), number(group.per_failed, bare=True),
                 few if group.runs < FEW else named or "-")
            )  # fmt: skip
        output.table(rows, right=frozenset(range(1, 5)))
        if len(mine) > MOST:
            output.note(f"{len(mine) - MOST} more values of {by}: --json has them.")


def pairs(profile: Profile) -> None:
    """What occurs together."""
    found = [pair for pair in profile.pairs if pair.both > 1 and pair.adjusted is not None and (pair.phi or 0.0) > 0]
    if not found:
        return
    output.line()
    found.sort(key=lambda pair: (pair.adjusted or 0.0, -(pair.phi or 0.0)))
    output.line("together more often than expected (by no more than chance gives, where p is not small):")
    rows: list[tuple[str, ...]] = [("modes", "both", "by chance", "phi", "p adjusted", "runs")]
    rows += [
        (f"{profile.name(pair.first)} + {profile.name(pair.second)}", f"{pair.both:,}", f"{pair.expected:.1f}",
         f"{pair.phi:+.2f}", p_value(pair.adjusted), f"{pair.n:,}")
        for pair in found[:MOST]
    ]  # fmt: skip
    output.table(rows, right=_RIGHT)


def cascades(profile: Profile) -> None:
    """What starts them, what follows."""
    found = profile.cascades
    if not found.links:
        return
    output.line()
    output.line(f"cascades in {output.count(found.runs, 'run')} (labels that say what they follow from):")
    rows: list[tuple[str, ...]] = [("cause, then effect", "runs", "links", "steps between")]
    rows += [
        (f"{profile.name(link.cause)} > {profile.name(link.effect)}", f"{link.runs:,}", f"{link.links:,}",
         f"{link.steps_median:g} ({link.steps_low:g}-{link.steps_high:g})")
        for link in found.links[:MOST]
    ]  # fmt: skip
    output.table(rows, right=_RIGHT)
    starts = [
        f"{profile.name(start.mode)} {output.count(start.starts, 'run')}" for start in found.starts if start.starts
    ]
    output.line(f"they start with: {', '.join(starts[:MOST])}")


def losses(profile: Profile) -> None:
    """What was spent after the first failure."""
    lost = profile.lost
    if not lost.runs:
        return
    few = f" of {output.count(lost.runs, 'run')}, too few" if lost.steps.too_few else ""
    said = [f"{lost.steps.value:g} steps ({percent(lost.steps_share)} of the run)"]
    if lost.seconds.value is not None:
        said.append(f"{duration(lost.seconds.value)} ({percent(lost.seconds_share)})")
    if lost.tokens.value is not None:
        said.append(f"{lost.tokens.value:,.0f} tokens ({percent(lost.tokens_share)})")
    output.line(f"after its first failure a run goes on for {', '.join(said)} (medians{few})")
    if lost.seconds_total or lost.tokens_total:
        output.line(f"in all: {duration(lost.seconds_total)}, {lost.tokens_total:,} tokens")


def prevented(found: Insights) -> None:
    """What review really did."""
    row = found.prevented
    if not (row.rollbacks_live or row.denied or row.stopped or row.rollbacks_recorded):
        return
    output.line()
    if row.rollbacks_live or row.denied or row.stopped:
        _at_gates(row)
    if row.rollbacks_recorded:
        _recorded(row)
    for profile in found.profiles:
        rows = [item for item in profile.prevented if item.mode]
        for item in rows[:MOST]:
            live = output.count(item.rollbacks_live, "rollback")
            recorded = output.count(item.rollbacks_recorded, "recorded run")
            spared = output.count(item.unneeded, "step")
            output.line(f"  {profile.name(item.mode)}: {live} at gates, {recorded}, {spared} spared")


def _at_gates(row: PreventedRow) -> None:
    output.line(
        f"prevented at gates: {output.count(row.rollbacks_live, 'rollback')} ({output.count(row.undone, 'step')} taken"
        f" back), {output.count(row.denied, 'action')} denied, {output.count(row.stopped, 'run')} stopped"
    )


def _recorded(row: PreventedRow) -> None:
    spared = "" if row.saved_tokens is None else f", {row.saved_tokens:,} tokens"
    spared += "" if row.saved_seconds is None else f", {duration(row.saved_seconds)}"
    output.line(
        f"on recorded runs: {output.count(row.rollbacks_recorded, 'run')} in which an operator should have gone back,"
        f" which would have spared {output.count(row.unneeded, 'step')}{spared}"
    )
