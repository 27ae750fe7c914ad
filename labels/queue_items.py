"""What is in a queue and in what order: chunks or whole runs, as given, at random, or by priority.

By priority, chunks are of three kinds: a suggestion of a grave mode about which its detector is not sure; any other
suspicion; none. They are given out 60 : 20 : 20, and within a kind at random, never by score. So what was decided of a
kind is a random sample of it however far people came, and with each chunk's sampling weight (how many chunks of its
kind it stands for) the share of a mode comes out unbiased.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from labels import views
from labels.model import WHOLE_RUN
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.errors import UsageError
from sessions.store import Store

SCOPES, ORDERS = ("chunks", "runs"), ("given", "random", "priority")
#: Kind of chunk -> its share of what is given out.
SHARES = {"uncertain-severe": 0.6, "suspected": 0.2, "unsuspected": 0.2}
#: A calibrated probability between these is "not sure". Without one, every suggestion is.
UNSURE = (0.2, 0.8)


@dataclass(frozen=True, slots=True)
class Item:
    """A chunk (or, with chunk `run`, a whole run). number: from 1 as people count, 0 for a run. stratum: its kind.
    weight: how many chunks it stands for. gold: everybody gets it, and what is right is known."""

    run: str
    chunk: str
    number: int
    first: int
    last: int
    stratum: str = ""
    weight: float = 1.0
    gold: bool = False

    def row(self) -> tuple[Any, ...]:
        """As the table has it, after queue and place."""
        return (
            self.run, self.chunk, self.number, self.first, self.last, self.stratum, self.weight, int(self.gold)
        )  # fmt: skip


def check(
    scope: str, reviewers: int, order: str, size: int | None, repeat_share: float, gold_from: str, gold_share: float
) -> None:
    """Raises UsageError for settings that cannot be."""
    if scope not in SCOPES:
        raise UsageError(f"a queue's scope is one of {', '.join(SCOPES)}.")
    if order not in ORDERS:
        raise UsageError(f"a queue's order is one of {', '.join(ORDERS)}.")
    if not 1 <= reviewers <= 100:
        raise UsageError("the number of reviewers per chunk is from 1 to 100.")
    if size is not None and size < 1:
        raise UsageError("a queue's size is 1 or more.")
    if not 0 <= repeat_share <= 0.5:
        raise UsageError("the share of repeats is from 0 to 0.5.", "0.05 gives one chunk in twenty a second time.")
    if not 0 <= gold_share <= 0.5:
        raise UsageError("the share of gold is from 0 to 0.5.")
    if (gold_share > 0) != bool(gold_from):
        raise UsageError("gold needs a share and a reviewer whose decisions it is.", "Give both, or neither.")


def make(
    store: Store,
    runs: Sequence[RunInfo],
    *,
    policy: str,
    scope: str,
    order: str,
    seed: str,
    size: int | None = None,
    gold_from: str = "",
    gold_share: float = 0.0,
    only: Collection[tuple[str, str]] | None = None,
) -> list[Item]:
    """The items of a queue in the order in which they are given out. only: (run id, chunk id) of those it may have."""
    items = [item for run in runs for item in _cut(store, run, policy, scope)]
    if only is not None:
        items = [item for item in items if (item.run, item.chunk) in only]
    chance = random.Random(f"queue order {seed}")  # noqa: S311  # an order that can be made again, no secret
    if order == "priority":
        items = _by_priority(store, items, chance, size)
    else:
        if order == "random":
            chance.shuffle(items)
        chosen = items if size is None else items[:size]
        weight = len(items) / len(chosen) if order == "random" and chosen else 1.0
        items = [replace(item, weight=weight) for item in chosen]
    return _with_gold(store, items, gold_from, gold_share, chance)


def _cut(store: Store, run: RunInfo, policy: str, scope: str) -> Iterator[Item]:
    if not run.complete or not run.steps:
        return
    if scope == "runs":
        yield Item(run.id, WHOLE_RUN, 0, 0, run.steps - 1)
        return
    chunks = chunks_of(store, run, Policy.parse(policy))
    for place in range(len(chunks)):
        ref = chunk_ref(store, run, chunks, place)
        yield Item(run.id, ref.id, ref.number, ref.first, ref.last)


# -- by priority ----------------------------------------------------------------------------------------------------


def _by_priority(store: Store, items: list[Item], chance: random.Random, size: int | None) -> list[Item]:
    kinds: dict[str, list[Item]] = {kind: [] for kind in SHARES}
    for item, kind in zip(items, _kinds(store, items), strict=True):
        kinds[kind].append(item)
    totals = {kind: len(mine) for kind, mine in kinds.items()}
    for mine in kinds.values():
        chance.shuffle(mine)
    order = list(_interleaved({kind: len(mine) for kind, mine in kinds.items()}))[:size]
    taken = {kind: order.count(kind) for kind in kinds}
    piles = {kind: iter(mine) for kind, mine in kinds.items()}
    return [replace(next(piles[kind]), stratum=kind, weight=totals[kind] / taken[kind]) for kind in order]


def _interleaved(left: dict[str, int]) -> Iterator[str]:
    """Kinds in the order in which they are given out: always the one that is furthest behind its share of those that
    have any left."""
    given = dict.fromkeys(left, 0)
    while any(left.values()):
        open_kinds = [kind for kind in left if left[kind]]
        kind = min(open_kinds, key=lambda kind: ((given[kind] + 1) / SHARES[kind], kind))
        given[kind] += 1
        left[kind] -= 1
        yield kind


def _kinds(store: Store, items: Sequence[Item]) -> list[str]:
    runs = {item.run: catalog.run_by_id(store, item.run) for item in items}
    said = {key: views.suggestions(store, run) for key, run in runs.items() if run is not None}
    grave = _grave_modes(store)
    found = []
    for item in items:
        here = [one for one in said.get(item.run, ()) if one.first <= item.last and one.last >= item.first]
        doubtful = any(
            (one.codebook, one.mode) in grave and (one.probability is None or UNSURE[0] <= one.probability <= UNSURE[1])
            for one in here
        )
        found.append("uncertain-severe" if doubtful else "suspected" if here else "unsuspected")
    return found


def _grave_modes(store: Store) -> set[tuple[str, str]]:
    """Modes that their codebook calls fatal: of the codebooks that come with the program and those kept here."""
    from labels.codebook import Codebook, load_all

    books = [*load_all(), *(Codebook.from_json(row[0]) for row in store.query("SELECT data FROM codebook"))]
    return {(book.id, mode.slug) for book in books for mode in book.modes if mode.severity.level == "fatal"}


# -- gold -----------------------------------------------------------------------------------------------------------


def _with_gold(store: Store, items: list[Item], gold_from: str, gold_share: float, chance: random.Random) -> list[Item]:
    """Mark some of the items that `gold_from` has judged, spread evenly over the queue. Raises UsageError for none."""
    if not gold_share:
        return items
    rows = store.query(
        "SELECT d.run, d.chunk FROM judgement d WHERE d.reviewer = ? AND d.verdict IS NOT NULL AND d.judges <> '[]'",
        [gold_from],
    )
    judged = {(row[0], row[1]) for row in rows}
    places = [place for place, item in enumerate(items) if (item.run, item.chunk) in judged]
    if not places:
        raise UsageError(f"{gold_from} has judged none of these chunks.", "Let them decide first, in no queue.")
    wanted = min(len(places), max(1, round(gold_share * len(items))))
    chosen = set(chance.sample(places, wanted))
    gold = [replace(item, gold=True) for place, item in enumerate(items) if place in chosen]
    rest = [item for place, item in enumerate(items) if place not in chosen]
    found: list[Item] = []
    for place in range(len(items)):
        due = (place + 1) * len(gold) // len(items) - place * len(gold) // len(items)
        pile = gold if (due and gold) or not rest else rest
        found.append(pile.pop(0))
    return found
