"""What one must know to read the figures, and what cannot be said for want of something, with the way to get it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from labels.gold.people import alike, nobodies, note_on
from labels.insights.figures import FEW, Insights, Missing
from labels.insights.reading.counted import OUTSIDERS

if TYPE_CHECKING:
    from labels.insights.reading.material import Material
    from labels.insights.reading.runs import RunRow


def missing(found: Insights, material: Material, judged: Sequence[RunRow]) -> tuple[Missing, ...]:
    """In the order of weight. judged: the judged runs."""
    runs = found.runs
    if not material.all_runs:
        return (
            Missing(
                "there are no runs yet",
                "`review-tui import PATH` reads them; open one in the station and label what failed (l).",
            ),
        )
    if not runs.scope:
        return (
            Missing(f"no run is in this scope ({found.words})", "Take a filter off; `review-tui runs` lists runs."),
        )
    if not runs.judged:
        return (_no_labels(found),)
    every = (_few(found), _outcomes(found), _places(found), _times(found), _names(judged))
    return tuple(item for item in every if item)


def _no_labels(found: Insights) -> Missing:
    outsiders = dict(found.sources.left_out).get(OUTSIDERS, 0)
    if outsiders:
        return Missing(
            f"nobody here has judged a failure mode yet, but there are {outsiders:,} votes of outside annotators",
            "Count them with --outside.",
        )
    if found.words != "all runs":
        return Missing(f"nobody has judged a failure mode in this scope ({found.words})", "Take a filter off.")
    if found.sources.suggestions:
        return Missing(
            f"nobody has judged a failure mode yet: {found.sources.suggestions:,} suggestions of detectors are no"
            " labels",
            "Open the station and accept or reject them, or use `review-tui decide RUN --chunk N --label MODE`.",
        )
    return Missing(
        "nobody has judged a failure mode yet",
        "Open the station and label chunks (l), or say that there is none (0); `review-tui decide` does it by script;"
        " `review-tui import-labels` enters labels that came with a corpus.",
    )


def _few(found: Insights) -> Missing | None:
    if found.runs.judged >= FEW:
        return None
    count = "one run is" if found.runs.judged == 1 else f"{found.runs.judged} runs are"
    return Missing(f"{count} judged: below {FEW}, figures say little", "Review more runs, or widen the scope.")


def _outcomes(found: Insights) -> Missing | None:
    runs = found.runs
    how = (
        "Decide on the run as a whole (`review-tui decide RUN --whole --verdict approve` or `stop`), or import runs"
        " with a reward or a grader's verdict."
    )
    if runs.failed + runs.succeeded == 0:
        return Missing("no judged run has a known outcome: nothing can be said of failed and successful runs", how)
    if runs.failed == 0 or runs.succeeded == 0:
        which = "succeeded" if runs.failed == 0 else "failed"
        return Missing(
            f"every judged run with a known outcome {which}: which modes are fatal here cannot be told",
            "It needs runs of both kinds: review some that " + ("failed." if runs.failed == 0 else "succeeded, too."),
        )
    if runs.unknown:
        return Missing(f"the outcome of {runs.unknown:,} of {runs.judged:,} judged runs is unknown", how)
    return None


def _places(found: Insights) -> Missing | None:
    unplaced = max((item.onset.unplaced for item in found.profiles), default=0)
    if not unplaced or any(item.onset.runs for item in found.profiles):
        return None
    return Missing(
        "labels are on whole runs, without a step: where failures begin cannot be told",
        "Label chunks or steps instead of whole runs.",
    )


def _times(found: Insights) -> Missing | None:
    lost = [profile.lost for profile in found.profiles if profile.lost.runs]
    if not lost:
        return None
    untimed = all(item.untimed == item.runs for item in lost)
    uncounted = all(item.uncounted == item.runs for item in lost)
    what = [name for name, none in (("times", untimed), ("token counts", uncounted)) if none]
    if not what:
        return None
    return Missing(
        f"the sources of these runs have no {' and no '.join(what)} for their steps: what was lost after the first"
        " failure is told in steps only" + ("" if len(what) == 2 else f" and {'tokens' if untimed else 'time'}"),
        "Import the runs from a format that carries them (docs/formats.md says which do).",
    )


def _names(judged: Sequence[RunRow]) -> Missing | None:
    """Runs that do not say what made them. judged: the judged ones."""
    unnamed = {by: sum(not getattr(row, by) for row in judged) for by in ("system", "model")}
    what = " and ".join(f"the {by} of {count:,}" for by, count in unnamed.items() if count)
    if not what:
        return None
    return Missing(
        f"{what} of {_many(len(judged), 'judged run')} is not known: they stand under (not said)",
        "Their sources do not name it; docs/formats.md says which formats do.",
    )


def _were(count: int, what: str) -> str:
    """`1 run was`, `2 runs were`."""
    return f"{_many(count, what)} {'was' if count == 1 else 'were'}"


def _many(count: int, what: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _names_of_people(found: Insights, material: Material) -> list[str]:
    """Of names that were asked for and nobody has, and of names that may be one person's."""
    scope = material.scope
    known = {text[1:] for text in material.columns.strings if text.startswith("r")}
    return [
        *nobodies(known, [*scope.same, *scope.only, *scope.without]),
        *map(note_on, alike(found.sources.reviewers, {})),
    ]


def notes(found: Insights, material: Material) -> tuple[str, ...]:
    """Plain sentences."""
    sources, told = found.sources, [*_names_of_people(found, material), *material.values.notes]
    if not found.runs.judged:
        return tuple(told)
    settled = f"votes settled by {sources.rule}"
    settled += f" of at least {sources.min_votes} people" if sources.min_votes > 1 else ""
    said = f"labels: {settled}; of {_many(found.runs.judged, 'judged run')}"
    said += f" {sources.runs_one:,} rest{'s' if sources.runs_one == 1 else ''} on one person's word"
    said += f", {sources.runs_more:,} on several people's"
    said += f", {sources.runs_adjudicated:,} have a mode that was adjudicated" if sources.runs_adjudicated else ""
    told.append(f"{said}. Suggestions of detectors are never counted.")
    if sources.outside:
        told.append(
            f"outside annotators' votes count: {_were(sources.runs_outside, 'run')} judged by them alone"
            + (" (nobody here has judged any)." if material.scope.outside == "auto" else ".")
        )
    if sources.repeated:
        told.append(
            f"{sources.repeated:,} of those votes stand beside another run of their corpus, too, word for word: they"
            " count, but are no reading of their own."
        )
    if sources.runs_partly:
        told.append(
            f"{_were(sources.runs_partly, 'run')} judged in part only: a mode found there counts, one not found is"
            " unknown, so shares lean upwards; --complete leaves such runs out."
        )
    if sources.unsettled:
        told.append(f"left unsettled by the rule, and counted as not judged: {_many(sources.unsettled, 'judgement')}.")
    for reason, count in sources.left_out:
        told.append(f"left out: {reason}: {count:,}.")
    return tuple(told)
