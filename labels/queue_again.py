"""Chunks that are to be decided on once more, because what they were judged by has changed.

An item of a queue whose chunk is marked so counts as open again, for those who had decided on it too, until they have
said anything new of it. Marked chunks of runs in no queue get a queue of their own. Decisions stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from labels import queues
from labels.model import WHOLE_RUN
from sessions import catalog
from sessions.chunks import DEFAULT_POLICY
from sessions.errors import UserError
from sessions.store import Store

if TYPE_CHECKING:
    from labels.codebook import Codebook

#: How the names of queues begin that are made for what comes back.
OWN_PREFIX = "again: "


@dataclass(frozen=True, slots=True)
class Wish:
    """A chunk (by its id; `run` for the whole run) to be decided on again. policy: how its run was cut then."""

    run: str
    chunk: str
    policy: str


@dataclass(slots=True)
class Back:
    """queues: name -> how many items are open in it again. made: names of queues made for it. left: chunks that could
    not be brought back -> why."""

    queues: dict[str, int] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    left: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def items(self) -> int:
        return sum(self.queues.values())


def bring_back(store: Store, name: str, wishes: Iterable[Wish], reason: str, book: Codebook | None = None) -> Back:
    """Let queues give these chunks out once more. name: of a queue for those that are in none. book: the codebook that
    it is to be judged by."""
    found = Back()
    every = list(dict.fromkeys(wishes))
    queued = _queued(store)
    items = _items(store, {wish.run for wish in every if wish.run in queued})
    again: list[Wish] = []
    free: dict[tuple[str, str], list[Wish]] = {}
    for wish in every:
        run = catalog.run_by_id(store, wish.run)
        if run is None or not run.complete or not run.steps:
            found.left[(wish.run, wish.chunk)] = "its run is not in the database, or is not complete"
        elif (queue := queued.get(wish.run)) is not None:
            if (wish.run, wish.chunk) in items:
                again.append(wish)
                found.queues[queue] = found.queues.get(queue, 0) + 1
            else:
                found.left[(wish.run, wish.chunk)] = f"its run is in the queue {queue!r}, which has no such chunk"
        else:
            scope = "runs" if wish.chunk == WHOLE_RUN else "chunks"
            free.setdefault((scope, wish.policy), []).append(wish)
    taken: set[str] = set()
    for (scope, policy), mine in sorted(free.items(), key=lambda item: (-len(item[1]), item[0])):
        again += _own_queue(store, name, scope, policy, [w for w in mine if w.run not in taken], book, found)
        for wish in mine:
            if wish.run in taken:
                found.left[(wish.run, wish.chunk)] = "its run comes back cut another way: a run is in one queue at most"
        taken |= {wish.run for wish in mine}
    _mark(store, again, reason)
    return found


def _queued(store: Store) -> dict[str, str]:
    """Run id -> the name of its queue."""
    sql = (
        "SELECT coalesce(a.run, r.run), q.name FROM queue_run r JOIN queue q ON q.id = r.queue"
        " LEFT JOIN run_alias a ON a.alias = r.run"
    )
    return {str(run): str(name) for run, name in store.query(sql)}


def _items(store: Store, runs: Iterable[str]) -> set[tuple[str, str]]:
    """(run, chunk) of what is in queues, of these runs."""
    found: set[tuple[str, str]] = set()
    for run in runs:
        ids = catalog.ids_of(store, run)
        marks = ", ".join("?" * len(ids))
        found |= {
            (run, str(row[0])) for row in store.query(f"SELECT chunk FROM queue_item WHERE run IN ({marks})", ids)
        }
    return found


def _own_queue(
    store: Store, name: str, scope: str, policy: str, wishes: Sequence[Wish], book: Codebook | None, found: Back
) -> list[Wish]:
    """A queue for chunks of runs that are in none; those that are in it."""
    if not wishes:
        return []
    runs = [run for run in (catalog.run_by_id(store, wish.run) for wish in wishes) if run is not None]
    only = {(wish.run, wish.chunk) for wish in wishes}
    try:
        made = queues.create(
            store, _free_name(store, name), runs, policy=policy or DEFAULT_POLICY, scope=scope,
            blind_share=0.0, only=only,
            reviewers=_deciders(store, only), codebooks=(book,) if book else (),
        )  # fmt: skip
    except UserError as error:  # a policy of before that means nothing now, or a run queued meanwhile
        found.left |= {(wish.run, wish.chunk): error.message.rstrip(".") for wish in wishes}
        return []
    items = _items(store, {run.id for run in runs})
    found.queues[made.name] = made.items
    found.made.append(made.name)
    for wish in wishes:
        if (wish.run, wish.chunk) not in items:
            found.left[(wish.run, wish.chunk)] = "its run is cut into other chunks now"
    return [wish for wish in wishes if (wish.run, wish.chunk) in items]


def _free_name(store: Store, name: str) -> str:
    """The name, or with a number behind it if there is such a queue."""
    known = {queue.name for queue in queues.queues(store)}
    name = name[:70]
    return next(text for n in range(1, 100_000) if (text := name if n == 1 else f"{name} ({n})") not in known)


def _deciders(store: Store, chunks: Iterable[tuple[str, str]]) -> int:
    """How many people have decided on the chunk that most have decided on: each of them gets it back."""
    sql = "SELECT count(*) FROM judgement WHERE run = ? AND chunk = ? AND how = 'person' AND verdict IS NOT NULL"
    return min(100, max([1, *(int(store.query(sql, key)[0][0]) for key in chunks)]))


def _mark(store: Store, wishes: Sequence[Wish], reason: str) -> None:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    with store.write() as tx:
        for wish in wishes:
            tx.execute("DELETE FROM queue_again WHERE run = ? AND chunk = ?", [wish.run, wish.chunk])
            tx.execute("INSERT INTO queue_again VALUES (?, ?, ?, ?)", [wish.run, wish.chunk, at, reason])


def reason_for(store: Store, run: str, chunk: str, reviewer: str) -> str:
    """Why a chunk has come back to somebody; "" if it has not, or if they had not decided on it before: the reason
    tells what was said of it. run: its id now."""
    row = store.one(
        "SELECT g.reason FROM queue_again g JOIN decision d ON d.run = g.run AND d.chunk = g.chunk AND d.at < g.at"
        " WHERE g.run = ? AND g.chunk = ? AND d.reviewer = ? AND d.verdict IS NOT NULL",
        [run, chunk, reviewer],
    )
    return str(row[0]) if row else ""
