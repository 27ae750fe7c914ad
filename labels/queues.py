"""Queues: sets of recorded runs that are reviewed under one rule, and what is hidden from whom because of it.

On a share of the chunks of a queue's runs a reviewer decides before seeing what detectors suggest. Which chunks those
are is drawn by a hash of queue, reviewer, run and chunk: the same on every screen, unknown before, and independent of
what was found. A run in no queue hides nothing; a live gate never does.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import DEFAULT_POLICY, Policy
from sessions.errors import UsageError, UserError
from sessions.store import Store

#: The share of chunks decided blind where nothing else is said: enough to score detectors by, little enough to bear.
DEFAULT_BLIND_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue. policy: how its runs are cut into chunks, for everybody. blind_share: 0 to 1, the share of chunks on
    which suggestions are hidden until the first verdict."""

    id: str
    name: str
    policy: str
    blind_share: float
    at: str
    runs: int


def create(
    store: Store,
    name: str,
    runs: Sequence[RunInfo],
    *,
    policy: str = DEFAULT_POLICY,
    blind_share: float = DEFAULT_BLIND_SHARE,
) -> Queue:
    """A new queue of these runs, in this order. Raises UsageError for a bad name, policy, share or no runs, UserError
    if the name is taken or a run is in another queue (its reviewers would be under two rules)."""
    policy = str(Policy.parse(policy))
    if not name.strip() or len(name) > 80 or not name.isprintable():
        raise UsageError("that cannot be a queue's name.", "Use 1 to 80 printable characters.")
    if not 0 <= blind_share <= 1:
        raise UsageError("the blind share is a number from 0 to 1.", "0.15 hides suggestions on 15 % of chunks.")
    runs = list({run.id: run for run in runs}.values())
    if not runs:
        raise UsageError("a queue needs runs.", "Name some, or --all.")
    key, now = uuid.uuid4().hex[:12], datetime.now(UTC).isoformat(timespec="seconds")
    known = {run.id: catalog.ids_of(store, run.id) for run in runs}
    with store.write() as tx:
        if tx.execute("SELECT 1 FROM queue WHERE name = ?", [name]):
            raise UserError(f"there is a queue {name!r} already.", "Choose another name.")
        for run in runs:
            ids = known[run.id]
            taken = tx.execute(
                "SELECT q.name FROM queue_run r JOIN queue q ON q.id = r.queue"
                f" WHERE r.run IN ({', '.join('?' * len(ids))})",
                ids,
            )
            if taken:
                raise UserError(
                    f"the run {run.id[:8]} is in the queue {taken[0][0]!r} already.", "A run is in one queue at most."
                )
        tx.execute(
            "INSERT INTO queue (id, name, policy, blind_share, at) VALUES (?, ?, ?, ?, ?)",
            [key, name, policy, float(blind_share), now],
        )
        tx.many("INSERT INTO queue_run VALUES (?, ?, ?)", [(key, run.id, place) for place, run in enumerate(runs)])
    return Queue(key, name, policy, float(blind_share), now, len(runs))


def queues(store: Store) -> list[Queue]:
    """All queues, oldest first."""
    rows = store.query(
        "SELECT q.id, q.name, q.policy, q.blind_share, q.at, count(r.run)"
        " FROM queue q LEFT JOIN queue_run r ON r.queue = q.id"
        " GROUP BY q.id, q.name, q.policy, q.blind_share, q.at ORDER BY q.at, q.name"
    )
    return [Queue(*row) for row in rows]


def queued_runs(store: Store) -> set[str]:
    """Ids of the runs that are in a queue."""
    return {str(row[0]) for row in store.query("SELECT run FROM queue_run")}


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule that one reviewer of one run is under. queue: its id, "" where the run is in none. policy: the queue's
    chunk policy, None where the reviewer may choose. share: of chunks decided blind."""

    queue: str
    name: str
    policy: str | None
    share: float
    reviewer: str
    run: str

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
        "SELECT q.id, q.name, q.policy, q.blind_share FROM queue_run r JOIN queue q ON q.id = r.queue"
        f" WHERE r.run IN ({', '.join('?' * len(ids))}) LIMIT 1",
        ids,
    )
    if row is None:
        return Rule("", "", None, 0.0, reviewer, run.content_id or run.id)
    return Rule(str(row[0]), str(row[1]), str(row[2]), float(row[3]), reviewer, run.content_id or run.id)
