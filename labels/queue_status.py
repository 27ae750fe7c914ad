"""How far a queue has come: per reviewer, and as a whole. It tells nobody what others said."""

from __future__ import annotations

from dataclasses import dataclass, field

from labels import queue_next
from labels.agreement.modes import Figures
from labels.codebook import Codebooks
from labels.ledger import fill_judgements
from labels.queue_progress import changes
from labels.queues import Queue
from sessions.store import Store


@dataclass(slots=True)
class Progress:
    """done: items decided. repeats: chunks read a second time. gold, gold_right: gold items judged, and those on which
    the same modes were found. holds: place of the item they have now, None for none."""

    reviewer: str
    done: int = 0
    repeats: int = 0
    gold: int = 0
    gold_right: int = 0
    holds: int | None = None


@dataclass(slots=True)
class Status:
    """items: in the queue. finished: with as many decisions as wanted. begun: with some, but fewer. agreement: per
    codebook, modes pooled. notes: what has changed since the queue was made."""

    queue: Queue
    items: int
    finished: int
    begun: int
    reviewers: list[Progress] = field(default_factory=list)
    agreement: list[Figures] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def status(store: Store, queue: Queue, codebooks: Codebooks, *, figures: bool = True) -> Status:
    """How far the queue has come. figures: whether to compute agreement too."""
    fill_judgements(store)
    rows = store.query(
        "SELECT i.place, i.run, i.chunk, i.gold, d.reviewer FROM queue_item i JOIN judgement d ON d.run = i.run"
        " AND d.chunk = i.chunk AND d.how = 'person' AND d.verdict IS NOT NULL"
        f" WHERE i.queue = ? AND NOT EXISTS ({queue_next.stale('d')})",
        [queue.id],
    )
    found_there = _labels_of_gold(store, queue)
    counts: dict[int, int] = {}
    people: dict[str, Progress] = {}
    for place, run, chunk, is_gold, who in rows:
        expert = is_gold and who == queue.gold_from
        if not expert:
            counts[place] = counts.get(place, 0) + 1
        person = people.setdefault(who, Progress(who))
        person.done += 1
        if is_gold and not expert:
            person.gold += 1
            right = found_there.get((run, chunk, queue.gold_from), frozenset())
            person.gold_right += found_there.get((run, chunk, who), frozenset()) == right
    for who, person in people.items():
        person.repeats = len(queue_next.read_twice(store, queue, who))
    for who, (place, _) in queue_next.holders(store, queue).items():
        people.setdefault(who, Progress(who)).holds = place
    finished = sum(count >= queue.reviewers for count in counts.values())
    found = Status(queue, queue.items, finished, len(counts) - finished, [people[who] for who in sorted(people)])
    found.notes = changes(store, queue, codebooks)
    if figures and len(people) > 1:
        from labels.agreement import Options, agreement

        found.agreement = agreement(store, codebooks, Options(queue=queue.id)).codebooks
    return found


def _labels_of_gold(store: Store, queue: Queue) -> dict[tuple[str, str, str], frozenset[tuple[str, str]]]:
    """(run, chunk, reviewer) -> the modes that they found there, for the gold of the queue."""
    rows = store.query(
        "SELECT i.run, i.chunk, l.reviewer, l.codebook, l.mode FROM queue_item i JOIN label l ON l.run = i.run"
        " AND l.chunk = i.chunk WHERE i.queue = ? AND i.gold = 1",
        [queue.id],
    )
    found: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
    for run, chunk, who, book, mode in rows:
        found.setdefault((run, chunk, who), set()).add((book, mode))
    return {key: frozenset(modes) for key, modes in found.items()}
