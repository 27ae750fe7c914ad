"""Queues: sets of recorded runs that are reviewed under one rule, and what is hidden from whom because of it.

What is in a queue and in what order is made by `labels.queue_items`; who gets what next, by `labels.queue_next`.

On a share of the chunks of a queue's runs a reviewer decides before seeing what detectors suggest. Which chunks those
are is drawn by a hash of queue, reviewer, run and chunk: the same on every screen, unknown before, and independent of
what was found. A run in no queue hides nothing; a live gate never does.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from labels.codebook_ref import CodebookRef
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import DEFAULT_POLICY, Policy
from sessions.errors import UsageError, UserError
from sessions.store import Store, Transaction

if TYPE_CHECKING:
    from labels.codebook import Codebook

#: The share of chunks decided blind where nothing else is said: enough to score detectors by, little enough to bear.
DEFAULT_BLIND_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue. policy: how its runs are cut into chunks, for everybody. blind_share: 0 to 1, the share of chunks on
    which suggestions are hidden until the first verdict. scope: `chunks` or `runs`, what is decided on. reviewers: how
    many are to decide on each. order: `given`, `random` or `priority`. repeat_share: of what a reviewer gets, the share
    that they have had before. gold_from: the reviewer whose decisions are the gold that is mixed in, "" for none."""

    id: str
    name: str
    policy: str
    blind_share: float
    at: str
    runs: int
    scope: str = "chunks"
    reviewers: int = 1
    order: str = "given"
    repeat_share: float = 0.0
    gold_from: str = ""
    items: int = 0
    codebooks: tuple[CodebookRef, ...] = ()


def create(
    store: Store,
    name: str,
    runs: Sequence[RunInfo],
    *,
    policy: str = DEFAULT_POLICY,
    blind_share: float = DEFAULT_BLIND_SHARE,
    scope: str = "chunks",
    reviewers: int = 1,
    order: str = "given",
    seed: str = "",
    size: int | None = None,
    repeat_share: float = 0.0,
    gold_from: str = "",
    gold_share: float = 0.0,
    codebooks: Sequence[Codebook] = (),
    only: Collection[tuple[str, str]] | None = None,
) -> Queue:
    """A new queue of these runs. only: of their items, these: (run id, chunk id). size: at most so many items (of
    `random` and `priority`, drawn). seed: of the order; made up if "". gold_share: of the items, the share that
    everybody gets and `gold_from` has decided. codebooks: the ones to judge by; what they were like now is kept. Raises
    UsageError for what cannot be, UserError if the name is taken or a run is in another queue (its reviewers would be
    under two rules)."""
    from labels import queue_items

    policy = str(Policy.parse(policy))
    queue_items.check(scope, reviewers, order, size, repeat_share, gold_from, gold_share)
    if not name.strip() or len(name) > 80 or not name.isprintable():
        raise UsageError("that cannot be a queue's name.", "Use 1 to 80 printable characters.")
    if not 0 <= blind_share <= 1:
        raise UsageError("the blind share is a number from 0 to 1.", "0.15 hides suggestions on 15 % of chunks.")
    runs = list({run.id: run for run in runs}.values())
    if not runs:
        raise UsageError("a queue needs runs.", "Name some, or --all.")
    key, now = uuid.uuid4().hex[:12], datetime.now(UTC).isoformat(timespec="seconds")
    known = {run.id: catalog.ids_of(store, run.id) for run in runs}
    seed = seed or key
    items = queue_items.make(
        store, runs, policy=policy, scope=scope, order=order, seed=seed, size=size, gold_from=gold_from,
        gold_share=gold_share, only=only,
    )  # fmt: skip
    if codebooks:
        from labels.maintenance import remember_codebook  # pydantic, which the way to the first frame does without

        for book in codebooks:
            remember_codebook(store, book)
    with store.write() as tx:
        _check_free(tx, name, known)
        tx.execute(
            "INSERT INTO queue (id, name, policy, blind_share, at, scope, reviewers, ordering, seed, repeat_share,"
            " gold_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [key, name, policy, float(blind_share), now, scope, reviewers, order, seed, float(repeat_share), gold_from],
        )
        for book in codebooks:
            tx.execute("INSERT INTO queue_codebook VALUES (?, ?, ?, ?)", [key, book.id, book.version, book.hash])
        tx.many(
            "INSERT INTO queue_item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(key, place, *item.row()) for place, item in enumerate(items)],
        )
        tx.many("INSERT INTO queue_run VALUES (?, ?, ?)", [(key, run.id, place) for place, run in enumerate(runs)])
    return by_name(store, name)


def _check_free(tx: Transaction, name: str, known: Mapping[str, Sequence[str]]) -> None:
    """Raises UserError if the name is taken or a run is in a queue. known: run id -> all ids it goes by."""
    if tx.execute("SELECT 1 FROM queue WHERE name = ?", [name]):
        raise UserError(f"there is a queue {name!r} already.", "Choose another name.")
    for run, ids in known.items():
        taken = tx.execute(
            "SELECT q.name FROM queue_run r JOIN queue q ON q.id = r.queue"
            f" WHERE r.run IN ({', '.join('?' * len(ids))})",
            [*ids],
        )
        if taken:
            raise UserError(
                f"the run {run[:8]} is in the queue {taken[0][0]!r} already.", "A run is in one queue at most."
            )


def queues(store: Store) -> list[Queue]:
    """All queues, oldest first."""
    rows = store.query(
        "SELECT q.id, q.name, q.policy, q.blind_share, q.at,"
        " (SELECT count(*) FROM queue_run r WHERE r.queue = q.id), q.scope, q.reviewers, q.ordering, q.repeat_share,"
        " q.gold_from, (SELECT count(*) FROM queue_item i WHERE i.queue = q.id) FROM queue q ORDER BY q.at, q.name"
    )
    books: dict[str, list[CodebookRef]] = {}
    for queue, *ref in store.query("SELECT queue, id, version, hash FROM queue_codebook ORDER BY queue, id"):
        books.setdefault(queue, []).append(CodebookRef(*ref))
    return [Queue(*row[:12], codebooks=tuple(books.get(row[0], ()))) for row in rows]  # type: ignore[misc]


def by_name(store: Store, name: str) -> Queue:
    """The queue of that name, or whose id begins so. Raises UserError."""
    every = queues(store)
    found = [item for item in every if item.name == name] or [item for item in every if item.id.startswith(name)]
    if len(found) == 1 and name:
        return found[0]
    known = ", ".join(item.name for item in every[:8]) or "there is none yet"
    raise UserError(f"there is no queue {name!r}.", f"Queues: {known}.")


def queued_runs(store: Store) -> set[str]:
    """Ids of the runs that are in a queue."""
    return {str(row[0]) for row in store.query("SELECT run FROM queue_run")}


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule that one reviewer of one run is under. queue: its id, "" where the run is in none. policy: the queue's
    chunk policy, None where the reviewer may choose. share: of chunks decided blind. scope: `chunks` or `runs`."""

    queue: str
    name: str
    policy: str | None
    share: float
    reviewer: str
    run: str
    scope: str = "chunks"

    def draws(self, chunk: str) -> bool:
        """Whether suggestions on this chunk (by its id) are hidden until this reviewer has given a verdict on it."""
        if self.share <= 0:
            return False
        key = f"blind/1 {self.queue}\n{self.reviewer}\n{self.run}\n{chunk}".encode("utf-8", "surrogatepass")
        return int.from_bytes(sha256(key).digest()[:8], "big") < self.share * 2**64


def rule_for(store: Store, run: RunInfo, reviewer: str) -> Rule:
    """The rule that a reviewer of a run is under."""
    ids = catalog.ids_of(store, run.id)
    row = store.one(
        "SELECT q.id, q.name, q.policy, q.blind_share, q.scope FROM queue_run r JOIN queue q ON q.id = r.queue"
        f" WHERE r.run IN ({', '.join('?' * len(ids))}) LIMIT 1",
        ids,
    )
    if row is None:
        return Rule("", "", None, 0.0, reviewer, run.content_id or run.id)
    name = run.content_id or run.id
    return Rule(str(row[0]), str(row[1]), str(row[2]), float(row[3]), reviewer, name, str(row[4]))


def hidden(store: Store, run: RunInfo, reviewer: str) -> Callable[[str, str], bool]:
    """Whether what another reviewer said of a chunk is hidden from this one: in a queue, until they have decided on it
    themselves. Called with the other's name and the chunk's id. What was said of the whole run is hidden until then,
    too, and tells of all chunks."""
    if not rule_for(store, run, reviewer).queue:
        return lambda who, chunk: False
    ids = catalog.ids_of(store, run.id)
    rows = store.query(
        f"SELECT chunk FROM decision WHERE run IN ({', '.join('?' * len(ids))}) AND reviewer = ?"
        " AND verdict IS NOT NULL",
        [*ids, reviewer],
    )
    mine = {str(row[0]) for row in rows}
    return lambda who, chunk: who != reviewer and chunk not in mine
