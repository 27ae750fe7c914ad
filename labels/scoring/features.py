"""What the step ranker sees of a step: where it stands, who acts, what happened, whether it was done before.

No words of the text: at the number of runs that people review, models of words learn the system and its tasks by heart
and fail on the next ones.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from labels.scoring.truth import Claim
from sessions.bodies import StoredStep
from sessions.jsontext import canonical
from sessions.run import ROLES, Flag, Step

#: How much of a step's text, and how many of its calls, tell whether it was done before.
_TEXT_CHARS, _CALLS = 2_000, 20
#: An actor counts as average until it was met in this many steps.
_ACTOR_STEPS = 20.0

FEATURES: tuple[str, ...] = (
    "first", "second", "third", "fourth", "log position", "relative position", "log steps to go", "last",
    *(f"role {role}" for role in ROLES),
    "actor rate", "actor's first turn", "other actor than before",
    "error", "error just before", "error next", "no error yet",
    "effect", "tool", "log length", "log repetitions", "suspicion", "suspected before",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What is kept of a step. chars: length of its text. repeat: how often the same was done before in the run."""

    actor: str
    role: str
    flags: int
    chars: int
    repeat: int


def facts_of(steps: Iterable[StoredStep]) -> list[StepFacts]:
    """The facts of a run's steps, in order; the steps themselves are not kept."""
    seen: Counter[int] = Counter()
    facts: list[StepFacts] = []
    for stored in steps:
        step = stored.step
        key = _action(step)
        chars = sum(len(part.text) for part in step.parts)
        facts.append(StepFacts(step.actor, step.role, stored.flags, chars, seen[key]))
        seen[key] += 1
    return facts


def _action(step: Step) -> int:
    """A hash of what a step does: its calls or, without any, its words. Only compared within one run."""
    calls = [part for part in step.parts if part.kind == "tool_call"][:_CALLS]
    if calls:
        return hash((step.actor, *((part.name, _arguments(part.arguments)) for part in calls)))
    text = " ".join(part.text[:_TEXT_CHARS] for part in step.parts[:_CALLS])
    return hash((step.actor, " ".join(text[:_TEXT_CHARS].casefold().split())))


def _arguments(value: object) -> bytes:
    return canonical(value)[:_TEXT_CHARS]


@dataclass(frozen=True, slots=True)
class ActorRates:
    """How often the decisive step was a given actor's. base: over all steps. rates: by actor."""

    base: float
    rates: Mapping[str, float]

    @classmethod
    def learn(cls, runs: Iterable[tuple[Sequence[StepFacts], int]]) -> ActorRates:
        """From runs with the index of their decisive step. Rates are smoothed: rare actors stay near the base."""
        counts = ActorCounts()
        for facts, decisive in runs:
            counts.add(facts, decisive)
        return counts.rates()

    def log_ratio(self, actor: str) -> float:
        """How much likelier than an average step one of this actor's is to be decisive, as a logarithm."""
        rate = self.rates.get(actor, self.base)
        return math.log(rate / self.base) if rate > 0 and self.base > 0 else 0.0


class ActorCounts:
    """What rates are computed from; a run can be taken out again."""

    def __init__(self) -> None:
        self.steps: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()

    def add(self, facts: Sequence[StepFacts], decisive: int, times: int = 1) -> None:
        for actor, number in Counter(fact.actor for fact in facts).items():
            self.steps[actor] += times * number
        self.hits[facts[decisive].actor] += times

    def rates(self) -> ActorRates:
        base = sum(self.hits.values()) / max(1, sum(self.steps.values()))
        return ActorRates(
            base,
            {
                actor: (self.hits[actor] + _ACTOR_STEPS * base) / (number + _ACTOR_STEPS)
                for actor, number in self.steps.items()
                if number
            },
        )


def suspicion(claims: Iterable[Claim], steps: int) -> list[float]:
    """For each step the highest score of a claim that begins there or quotes it; 0 where there is none."""
    found = [0.0] * steps
    for claim in claims:
        for index in {claim.span.first, *(place.step for place in claim.passages)}:
            if 0 <= index < steps:
                found[index] = max(found[index], claim.score)
    return found


def vectors(facts: Sequence[StepFacts], suspected: Sequence[float], rates: ActorRates) -> list[list[float]]:
    """A row of `FEATURES` for each step."""
    total = len(facts)
    rows: list[list[float]] = []
    actors: set[str] = set()
    erred = suspected_before = False
    for index, fact in enumerate(facts):
        before = facts[index - 1] if index else None
        after = facts[index + 1] if index + 1 < total else None
        error = bool(fact.flags & Flag.ERROR)
        rows.append(
            [
                *(float(index == place) for place in range(4)),
                math.log1p(index),
                index / max(1, total - 1),
                math.log1p(total - 1 - index),
                float(index == total - 1),
                *(float(fact.role == role) for role in ROLES),
                rates.log_ratio(fact.actor),
                float(fact.actor not in actors),
                float(before is not None and before.actor != fact.actor),
                float(error),
                float(before is not None and bool(before.flags & Flag.ERROR)),
                float(after is not None and bool(after.flags & Flag.ERROR)),
                float(not erred),
                float(bool(fact.flags & Flag.EFFECT)),
                float(bool(fact.flags & Flag.TOOL)),
                math.log1p(fact.chars),
                math.log1p(fact.repeat),
                suspected[index],
                float(suspected_before),
            ]
        )
        actors.add(fact.actor)
        erred = erred or error
        suspected_before = suspected_before or suspected[index] > 0
    return rows
