"""Finding the step at which a run went wrong: detectors and the ranker against guesses that look at nothing.

Every method puts a run's steps in an order. Exact, within 1 and within 3 steps are about the first of them, top 3 asks
whether the right one is among the first three. A method that names no step in a run is wrong there. Priors are learnt
from the other runs only (those of another cluster).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from labels.scoring import metrics
from labels.scoring.features import ActorRates, StepFacts
from labels.scoring.metrics import Estimate
from labels.scoring.predict import Looked
from labels.scoring.truth import TRUSTS, Claim, Trust, clusters
from sessions.run import Flag

#: A run's steps from the most to the least suspect, as far as the method says anything.
Order: TypeAlias = Sequence[int]
TOP = 3
NONE_KNOWN = "no run has a known decisive step"


@dataclass(frozen=True, slots=True)
class Located:
    """A run of which it is known where it went wrong."""

    corpus: str
    trust: Trust
    system: str
    cluster: int
    facts: Sequence[StepFacts]
    claims: Sequence[Claim]
    versions: Mapping[str, str]
    decisive: int


@dataclass(frozen=True, slots=True)
class StepScore:
    """How often a method finds the step. named: runs in which it names any. mrr: mean of 1 / rank."""

    method: str
    corpus: str
    system: str
    trust: Trust
    runs: int
    named: int
    exact: Estimate
    within_1: Estimate
    within_3: Estimate
    top_3: Estimate
    mrr: Estimate


def located(looked: Iterable[Looked]) -> list[Located]:
    """The runs with a known decisive step, and the facts of their steps."""
    pairs = [(truth, item) for item in looked for truth in item.truths if truth.decisive is not None and item.facts]
    numbers = clusters([truth for truth, _ in pairs])
    return [
        Located(
            truth.corpus, truth.trust, truth.system, number, item.facts, item.claims, item.versions, truth.decisive or 0
        )
        for (truth, item), number in zip(pairs, numbers, strict=True)
    ]


def scores(runs: Sequence[Located], detectors: Sequence[str]) -> list[StepScore]:
    """Every method on every corpus and system."""
    found: list[StepScore] = []
    for trust in TRUSTS:
        mine = [run for run in runs if run.trust == trust]
        for corpus, system in dict.fromkeys((run.corpus, _system(run)) for run in mine):
            group = [run for run in mine if (run.corpus, _system(run)) == (corpus, system)]
            found.append(chance(group))
            found += [score(name, group, orders) for name, orders in baselines(group).items()]
            for name in detectors:
                orders = [order_of(run.claims, name) for run in group]
                if any(orders):
                    found.append(score(name, group, orders))
            together = [order_of(run.claims, None) for run in group]
            if any(together):
                found.append(score("all detectors", group, together))
    return found


def _system(run: Located) -> str:
    """Runs of one system go together; staged ones are of a system each and too few to be told apart."""
    return "" if run.trust == "staged" else run.system


def order_of(claims: Iterable[Claim], detector: str | None) -> list[int]:
    """The steps that a detector (or any, for None) claims: where its surest claim begins, then the next one's."""
    mine = [claim for claim in claims if detector in (None, claim.detector)]
    mine.sort(key=lambda claim: (-claim.score, claim.span.first))
    return list(dict.fromkeys(claim.span.first for claim in mine))


# -- guesses that look at nothing, or hardly ------------------------------------------------------------------------


def baselines(group: Sequence[Located]) -> dict[str, list[list[int]]]:
    """Orders for each run of a group, by method."""
    found: dict[str, list[list[int]]] = {"last step": [[len(run.facts) - 1] for run in group]}
    found["before first error"] = [before_error(run.facts) for run in group]
    for name, prior in PRIORS.items():
        found[name] = [prior([other for other in group if other.cluster != run.cluster], run.facts) for run in group]
    return found


def before_error(facts: Sequence[StepFacts]) -> list[int]:
    """The step before the first error; the last one where there is none."""
    for index, fact in enumerate(facts):
        if fact.flags & Flag.ERROR:
            return [max(0, index - 1)]
    return [len(facts) - 1]


def position_prior(others: Sequence[Located], facts: Sequence[StepFacts]) -> list[int]:
    """Steps in the order in which other runs went wrong at that position (counted from the start)."""
    counts = Counter(run.decisive for run in others)
    return sorted(range(len(facts)), key=lambda index: (-counts[index], index))


def relative_prior(others: Sequence[Located], facts: Sequence[StepFacts]) -> list[int]:
    """The same by tenths of the run, steps of one tenth from its start."""

    def tenth(index: int, total: int) -> int:
        return min(9, 10 * index // max(1, total))

    counts = Counter(tenth(run.decisive, len(run.facts)) for run in others)
    total = len(facts)
    return sorted(range(total), key=lambda index: (-counts[tenth(index, total)], index))


def role_prior(others: Sequence[Located], facts: Sequence[StepFacts]) -> list[int]:
    """Steps of the actor first whose steps were decisive most often in other runs, from the start of the run."""
    rates = ActorRates.learn((run.facts, run.decisive) for run in others)
    ratio = {fact.actor: rates.log_ratio(fact.actor) for fact in facts}
    return sorted(range(len(facts)), key=lambda index: (-ratio[facts[index].actor], index))


Prior: TypeAlias = Callable[[Sequence[Located], Sequence[StepFacts]], list[int]]
#: What the step ranker has to beat.
PRIORS: Mapping[str, Prior] = {
    "role prior": role_prior, "position prior": position_prior, "relative prior": relative_prior,
}  # fmt: skip


# -- figures ------------------------------------------------------------------------------------------------------


def score(method: str, group: Sequence[Located], orders: Sequence[Order]) -> StepScore:
    """The figures of a method that gave these orders for these runs."""
    ranks = [rank(order, run.decisive) for order, run in zip(orders, group, strict=True)]
    away = [abs(order[0] - run.decisive) if order else None for order, run in zip(orders, group, strict=True)]

    def share(hits: Iterable[float]) -> Estimate:
        return _mean(list(hits), group)

    first = group[0]
    return StepScore(
        method, first.corpus, _system(first), first.trust, len(group), sum(bool(order) for order in orders),
        share(float(gap == 0) for gap in away),
        share(float(gap is not None and gap <= 1) for gap in away),
        share(float(gap is not None and gap <= 3) for gap in away),
        share(float(place is not None and place <= TOP) for place in ranks),
        share(1 / place if place else 0.0 for place in ranks),
    )  # fmt: skip


def rank(order: Order, decisive: int) -> int | None:
    """The place of the right step in an order, from 1; None where it is not in it."""
    return order.index(decisive) + 1 if decisive in order else None


def chance(group: Sequence[Located]) -> StepScore:
    """What a random order is expected to give: computed, not drawn."""
    sizes = [len(run.facts) for run in group]

    def near(reach: int) -> list[float]:
        return [
            sum(abs(index - run.decisive) <= reach for index in range(size)) / size
            for run, size in zip(group, sizes, strict=True)
        ]

    first = group[0]
    return StepScore(
        "chance", first.corpus, _system(first), first.trust, len(group), len(group),
        _mean(near(0), group), _mean(near(1), group), _mean(near(3), group),
        _mean([min(TOP, size) / size for size in sizes], group),
        _mean([sum(1 / place for place in range(1, size + 1)) / size for size in sizes], group),
    )  # fmt: skip


def _mean(values: Sequence[float], group: Sequence[Located]) -> Estimate:
    import numpy as np

    cluster = np.unique([run.cluster for run in group], return_inverse=True)[1]
    figures = np.asarray(values, dtype=float)
    return metrics.estimate(metrics.mean(figures), cluster, NONE_KNOWN, among=np.ones(len(figures)))
