"""Insights as tables for people."""

from __future__ import annotations

from labels.insights.figures import FEW, Comparison, Figure, Insights, Profile
from review_tui.cli import output
from review_tui.cli.insights_more import cascades, groups, lift, losses, pairs, prevented
from review_tui.cli.insights_words import (
    between,
    count_of,
    number,
    p_value,
    percent,
    points,
    points_between,
    with_interval,
)

_RIGHT = frozenset(range(1, 12))


def show(found: Insights) -> None:
    """Print everything, section by section; what is empty says why."""
    runs = found.runs
    output.line(
        f"{found.words}: {output.count(runs.judged, 'judged run')} of {runs.scope:,};"
        f" {runs.failed:,} failed, {runs.succeeded:,} succeeded, {runs.unknown:,} of unknown outcome"
    )
    if found.failed.value is not None:
        output.line(f"failed: {with_interval(found.failed)} of runs with a known outcome")
    if found.recall.value is not None:
        output.line(f"mean recall: {with_interval(found.recall)}")
    for profile in found.profiles:
        _profile(profile)
    prevented(found)
    for item in found.missing:
        output.note(f"{item.what}. {item.how}")
    for text in found.notes:
        output.note(text)


def _profile(profile: Profile) -> None:
    output.line()
    output.line(f"{profile.title or profile.codebook}: {output.count(profile.judged, 'run')}")
    output.line(f"modes per failed run: {number(profile.per_failed)}; per judged run: {number(profile.per_run)}")
    output.line(f"runs without any: {with_interval(profile.clean)}")
    _modes(profile)
    if len(profile.categories) > 1:
        _categories(profile)
    lift(profile)
    _published(profile)
    groups(profile)
    pairs(profile)
    cascades(profile)
    _onset(profile)
    losses(profile)


def _modes(profile: Profile) -> None:
    rows: list[tuple[str, ...]] = [
        ("mode", "runs", "share of runs", "95 %", "share of failures", "of failed runs", "of successful runs")
    ]
    for row in sorted(profile.modes, key=lambda row: (-(row.runs.value or 0.0), row.code, row.slug)):
        rows.append(
            (row.label, count_of(row.runs), percent(row.runs), between(row.runs), percent(row.failures),
             _counted(row.failed), _counted(row.succeeded))
        )  # fmt: skip
    output.line()
    output.table(rows, right=_RIGHT)
    if profile.judged < FEW:
        output.note(f"{output.count(profile.judged, 'run')}: fewer than {FEW} say little.")


def _categories(profile: Profile) -> None:
    rows: list[tuple[str, ...]] = [("category", "runs", "share of runs", "95 %", "share of failures")]
    for row in profile.categories:
        name = f"{row.id} {row.name}".strip()
        rows.append((name, count_of(row.runs), percent(row.runs), between(row.runs), percent(row.failures)))
    output.line()
    output.table(rows, right=_RIGHT)


def _published(profile: Profile) -> None:
    """The paper as it is now, and failed runs of the study's models; JSON has all columns."""
    columns = [column for column in profile.published if column.key == "mast-v3" or column.measure == "failed"]
    if not columns:
        return
    output.line()
    output.line("beside published figures (share of failures; share of failed runs):")
    titles = [column.key.removesuffix("-failed") for column in columns]
    rows: list[tuple[str, ...]] = [("mode", "here, failures", titles[0], "here, failed", *titles[1:])]
    for row in profile.modes:
        theirs = [_share(row.published.get(column.key)) for column in columns]
        rows.append((row.label, percent(row.failures), theirs[0], percent(row.failed), *theirs[1:]))
    per = [f"{column.per_failed:.1f}" if column.per_failed else "-" for column in columns]
    rows.append(("modes per failed run", "", per[0], number(profile.per_failed, bare=True), *per[1:]))
    output.table(rows, right=_RIGHT)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.0f} %"


def _onset(profile: Profile) -> None:
    onset = profile.onset
    output.line()
    if not onset.runs:
        output.line(f"where failures begin: {onset.first_step.why}")
        return
    first = onset.first_step.value or 0.0
    output.line(
        f"the first failure of a run begins at step {first + 1:g} (median of {output.count(onset.runs, 'run')}"
        f"{', too few' if onset.first_step.too_few else ''}), {percent(onset.position)} into it"
    )
    if onset.position.too_few:
        output.note(f"{output.count(onset.position.n, 'run')}: too few to draw where failures begin.")
    else:
        most = max(onset.bins)
        for place, count in enumerate(onset.bins):
            bar = "#" * round(40 * count / most) if most else ""
            output.line(f"{f'{place * 10}-{place * 10 + 10} %':>10}  {count:>6,}  {bar}".rstrip())
    if onset.unplaced:
        output.note(f"{output.count(onset.unplaced, 'run')} more have failures without a place.")


def show_comparison(found: Comparison) -> None:
    """The sentence first."""
    output.line(found.sentence)
    first, second = found.names
    rows: list[tuple[str, ...]] = [
        (f"by {found.by}, {found.codebook}", f"{first} ({found.runs[0]:,})", f"{second} ({found.runs[1]:,})",
         "difference", "95 %", "p", "p adjusted", "")
    ]  # fmt: skip
    for row in (found.failure, *found.rows):
        rows.append(
            (row.name, _counted(row.first), _counted(row.second), points(row.difference.value),
             points_between(row.difference), p_value(row.p), p_value(row.adjusted), "differs" if row.differs else "")
        )  # fmt: skip
    output.line()
    output.table(rows, right=frozenset(range(1, 7)))
    one, two, change = found.per_failed
    if one.value is None and two.value is None:
        output.line(f"modes per failed run: {number(one)}")
    else:
        output.line(f"modes per failed run: {number(one)}, {number(two)}; difference {number(change)}")
    for text in found.notes:
        output.note(text)


def _counted(figure: Figure) -> str:
    return "-" if figure.value is None else f"{count_of(figure)} {percent(figure)}"
