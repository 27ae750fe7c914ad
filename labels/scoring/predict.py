"""Detectors at work on labelled runs: what they claim, which of them looked, and how they fared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from labels.codebook import Codebooks
from labels.detecting import Progress, Watching, stands_there
from labels.detectors.base import Detector
from labels.scoring.claims import of_suggestion
from labels.scoring.features import StepFacts, facts_of
from labels.scoring.truth import Case, Claim, RunTruth
from labels.suggestions import Suggestion
from sessions.bodies import StoredStep

#: Steps handed over at a time: a chunk.
BATCH_STEPS = 5


@dataclass(slots=True)
class Looked:
    """A labelled run after detection. versions: of the detectors that looked at all of it, by id. facts: of its steps,
    where the step at which it went wrong is known."""

    truths: tuple[RunTruth, ...]
    claims: list[Claim]
    versions: dict[str, str]
    facts: list[StepFacts] = field(default_factory=list)


@dataclass(slots=True)
class Troubles:
    """off: detector -> why it was switched off on a run -> on how many. dropped: detector -> claims that quoted what is
    not there. seconds: detector -> time spent."""

    off: dict[str, Counter[str]] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)


def look(
    cases: Iterable[Case],
    detectors: Sequence[Detector],
    codebooks: Codebooks,
    troubles: Troubles,
    watch: Callable[[int], None] = lambda done: None,
) -> list[Looked]:
    """Let detectors look at every case. Only claims and facts are kept, not the runs. watch: told the number so far."""
    found: list[Looked] = []
    for case in cases:
        found.append(_look(case, detectors, codebooks, troubles))
        watch(len(found))
    return found


def _look(case: Case, detectors: Sequence[Detector], codebooks: Codebooks, troubles: Troubles) -> Looked:
    asked = [detector for detector in detectors if detector.id not in case.kept]
    known = {detector.id: detector.version for detector in detectors}
    claims = [claim for kept in case.kept.values() for claim in kept]
    versions = {
        name: known.get(name) or next((claim.version for claim in kept), "") for name, kept in case.kept.items()
    }
    wants_facts = any(truth.decisive is not None for truth in case.truths)
    steps: list[StoredStep] = list(case.steps()) if asked or wants_facts else []
    if asked:
        watching = Watching(case.meta, asked, codebooks)
        suggestions: list[Suggestion] = []
        for start in range(0, len(steps), BATCH_STEPS):
            suggestions += watching.feed(steps[start : start + BATCH_STEPS])
        suggestions += watching.finish()
        claims += [of_suggestion(item) for item in suggestions if _verbatim(item, steps)]
        for progress in watching.progress:
            _note(progress, versions, troubles)
    return Looked(case.truths, claims, versions, facts_of(steps) if wants_facts else [])


def _verbatim(item: Suggestion, steps: Sequence[StoredStep]) -> bool:
    """What the store does before it keeps a suggestion (`labels.detection`)."""
    return all(stands_there(steps[at.step.index], at.part, at.start, at.quote) for at in item.evidence)


def _note(progress: Progress, versions: dict[str, str], troubles: Troubles) -> None:
    detector = progress.detector
    if progress.off is None:
        versions[detector.id] = detector.version
    else:
        troubles.off.setdefault(detector.id, Counter())[progress.off] += 1
    troubles.dropped[detector.id] += progress.dropped
    troubles.seconds[detector.id] = troubles.seconds.get(detector.id, 0.0) + progress.seconds
