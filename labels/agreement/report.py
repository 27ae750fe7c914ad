"""Everything about agreement in one report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from labels.agreement import anchoring, modes, reviewers, steps, votes
from labels.agreement.anchoring import Moved
from labels.agreement.modes import Figures
from labels.agreement.reading import QUEUE_ITEMS
from labels.agreement.reviewers import Consensus, Pair, Repeats, Reviewer
from labels.agreement.steps import StepFigures
from labels.agreement.table import Pairs, all_judged
from labels.agreement.votes import Options, Votes
from labels.codebook import Codebooks
from labels.gold.people import alike, nobodies, note_on
from labels.gold.people import reviewers as names_of
from sessions.store import Store

if TYPE_CHECKING:
    from labels.agreement.statistics import Array


@dataclass(slots=True)
class Agreement:
    """votes, units, runs: how many counted. weighted: whether sampling weights of a queue were used."""

    votes: int
    units: int
    runs: int
    modes: list[Figures]
    codebooks: list[Figures]
    verdicts: Figures | None
    steps: list[StepFigures]
    decisive: list[StepFigures]
    decisive_counted: Counter[str]
    reviewers: list[Reviewer]
    pairs: list[Pair]
    consensus: list[Consensus]
    repeats: list[Repeats]
    anchoring: list[Moved]
    left_out: Counter[str]
    notes: list[str] = field(default_factory=list)
    weighted: bool = False


def agreement(
    store: Store,
    codebooks: Codebooks,
    options: Options | None = None,
    watch: Callable[[str], None] = lambda _what: None,
) -> Agreement:
    """Compute it all from what the database holds. watch: is told what comes next; what it raises ends it."""
    options = options or Options()
    watch("reading votes")
    found = votes.load(store, codebooks, options)
    watch("modes")
    pairs = Pairs(found)
    weights = _weights(store, found, options.queue)
    judged = all_judged(found, pairs)
    by_mode, by_book = modes.by_mode(found, judged, pairs, weights)
    watch("reviewers")
    people, both, settled = reviewers.compare(found, judged, pairs)
    watch("steps")
    where = steps.placed(store, found)
    decisive, counted = steps.decisive(store, found, where)
    watch("repeats and anchoring")
    found.left_out[steps.NOWHERE] += int((~where).sum())
    notes = [*found.notes, *_on_names(store, options, found)]
    left_out = Counter({reason: count for reason, count in found.left_out.items() if count})
    return Agreement(
        len(found.unit), len(found.units), len(found.runs), by_mode, by_book, modes.verdicts(found),
        steps.by_mode(found, where), decisive, counted, people, both, settled, reviewers.repeats(store, options),
        anchoring.moved(store, options), left_out, notes, weights is not None,
    )  # fmt: skip


def _weights(store: Store, found: Votes, queue: str) -> Array | None:
    """What each unit stands for in a queue: the size of its kind over how many of the kind were decided. None without a
    queue, or where all weigh the same."""
    import numpy as np

    if not queue:
        return None
    rows = store.query(QUEUE_ITEMS, [queue])
    kind = {(row[0], row[1]): str(row[2]) for row in rows}
    sizes: Counter[str] = Counter()
    for *_, stratum, weight in rows:
        sizes[stratum] += weight
    decided = Counter(kind[unit] for unit in found.units if unit in kind)
    of = {stratum: sizes[stratum] / count for stratum, count in decided.items()}
    if len({round(weight, 9) for weight in of.values()}) < 2:
        return None
    return np.array([of[kind[unit]] if unit in kind else 0.0 for unit in found.units])


def _on_names(store: Store, options: Options, found: Votes) -> list[str]:
    """Notes on names that may be one person's, and on those that were asked for and nobody has."""
    asked = {*options.same, *options.only, *options.without}
    wrong = nobodies(names_of(store) | set(options.same.values()), asked) if asked else []
    return [*wrong, *map(note_on, alike(found.raters, {}))]
