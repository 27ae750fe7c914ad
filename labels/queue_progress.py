"""How far each queue has come, for one reviewer and for all: figures for lists. They tell nobody what others said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from labels import queue_next, queues
from labels.ledger import fill_judgements
from labels.queues import Queue
from sessions.store import Store

if TYPE_CHECKING:
    from labels.codebook import Codebooks


@dataclass(frozen=True, slots=True)
class Overview:
    """A queue's progress. mine: items that the reviewer has decided on. left: those that they can still get; others may
    be at some of them now. finished: items with as many decisions as wanted. begun: with some, but fewer. others: how
    many items each of the others has decided on, most first. at: who is at which place now (from 0)."""

    queue: Queue
    mine: int
    left: int
    finished: int
    begun: int
    others: tuple[tuple[str, int], ...] = ()
    at: tuple[tuple[str, int], ...] = ()

    @property
    def share(self) -> float:
        """Of what is for this reviewer, how much is done: 0 to 1."""
        return self.mine / (self.mine + self.left) if self.mine + self.left else 1.0


#: Each item with how many have decided on it (the one whose gold it is, not), and whether the reviewer has.
_COUNTED = (
    "SELECT i.gold AS gold, sum(CASE WHEN j.reviewer IS NULL OR (i.gold = 1 AND j.reviewer = ?) THEN 0 ELSE 1 END)"
    " AS votes, sum(CASE WHEN j.reviewer = ? THEN 1 ELSE 0 END) AS mine FROM queue_item i LEFT JOIN judgement j"
    " ON j.run = i.run AND j.chunk = i.chunk AND j.how = 'person' AND j.verdict IS NOT NULL"
    f" AND NOT EXISTS ({queue_next.stale('j')}) WHERE i.queue = ? GROUP BY i.place, i.gold"
)
_SUMS = (
    "SELECT sum(mine), sum(CASE WHEN mine = 0 AND ((gold = 0 AND votes < ?) OR (gold = 1 AND ? = 1)) THEN 1 ELSE 0"
    " END),"
    " sum(CASE WHEN votes >= ? THEN 1 ELSE 0 END), sum(CASE WHEN votes > 0 AND votes < ? THEN 1 ELSE 0 END)"
)


def of_queue(store: Store, queue: Queue, reviewer: str) -> Overview:
    """The progress of one queue."""
    need = queue.reviewers
    gold = int(queue.gold_from != reviewer)  # gold is for everybody but the one whose it is
    sums = store.query(
        f"{_SUMS} FROM ({_COUNTED}) counted", [need, gold, need, need, queue.gold_from, reviewer, queue.id]
    )[0]
    mine, left, finished, begun = (int(value or 0) for value in sums)
    rows = store.query(
        "SELECT j.reviewer, count(*) FROM queue_item i JOIN judgement j ON j.run = i.run AND j.chunk = i.chunk"
        f" AND j.how = 'person' AND j.verdict IS NOT NULL AND NOT EXISTS ({queue_next.stale('j')})"
        " WHERE i.queue = ? AND j.reviewer <> ?"
        " GROUP BY j.reviewer ORDER BY count(*) DESC, j.reviewer",
        [queue.id, reviewer],
    )
    at = {who: place for who, (place, _) in queue_next.holders(store, queue).items()}
    others = tuple((str(who), int(done)) for who, done in rows)
    return Overview(queue, mine, left, finished, begun, others, tuple(sorted(at.items())))


def overview(store: Store, reviewer: str) -> list[Overview]:
    """The progress of every queue, oldest first."""
    found = queues.queues(store)
    if found:
        fill_judgements(store)
    return [of_queue(store, queue, reviewer) for queue in found]


def readings(store: Store, queue: Queue, reviewer: str) -> int:
    """How many items a reviewer has given a verdict on, second readings counted again: so that a count of them does not
    tell which are second ones."""
    done = store.query(
        "SELECT count(*) FROM queue_item i JOIN judgement j ON j.run = i.run AND j.chunk = i.chunk AND j.how = 'person'"
        f" AND j.verdict IS NOT NULL AND NOT EXISTS ({queue_next.stale('j')}) WHERE i.queue = ? AND j.reviewer = ?",
        [queue.id, reviewer],
    )
    return int(done[0][0]) + len(queue_next.read_twice(store, queue, reviewer))


def changes(store: Store, queue: Queue, codebooks: Codebooks) -> list[str]:
    """How the codebooks differ from those that the queue was made with, one line each."""
    from labels.maintenance import kept_codebook

    loaded = {book.id: book for book in codebooks}
    found = []
    for ref in queue.codebooks:
        book = loaded.get(ref.id)
        if book is None:
            found.append(f"the codebook {ref.id} that this queue is judged by is not loaded (--codebook).")
        elif book.hash != ref.sha256:
            was = kept_codebook(store, ref.id, ref.sha256)
            state = f"version {was.version if was else ref.version}"
            found.append(
                f"the codebook {ref.id} has changed since the queue was made ({state}, now {book.version}):"
                f" `codebook affected {ref.id}` lists what deserves a second look."
            )
    return found
