"""Keeping an item while it is read, leaving it for later, and going back to one that was decided on.

What a reviewer leaves is free for others at once; if nobody takes it, `queue_next.take` gives it to them again.
"""

from __future__ import annotations

from dataclasses import dataclass

from labels.events import DECIDE, UNDO
from labels.queue_next import LEASE_S, Given, item_at, lease, taken_by
from labels.queues import Queue
from sessions.jsontext import loads
from sessions.live.clock import now
from sessions.store import Store


@dataclass(frozen=True, slots=True)
class Hold:
    """Whether an item is still kept for a reviewer. elsewhere: they have gone on to another one, in another station or
    by the command line. taken_by: who has it instead, "" if nobody."""

    kept: bool
    elsewhere: bool = False
    taken_by: str = ""


def renew(store: Store, queue: Queue, reviewer: str, place: int, *, seconds: float = LEASE_S) -> Hold:
    """Keep the item that a reviewer has for longer, unless their lease ran out and it needs nobody more."""
    with store.write("NORMAL", eager=True) as tx:
        sql = "SELECT place, repeat_no, until_wall, until_ticks, boot FROM queue_lease WHERE queue = ? AND reviewer = ?"
        rows = tx.execute(sql, [queue.id, reviewer])
        if not rows or rows[0][0] != place:
            return Hold(False, elsewhere=bool(rows))
        repeat = bool(rows[0][1])
        if not repeat and (who := taken_by(tx, queue, reviewer, place)):
            return Hold(False, taken_by=who)
        lease(tx, queue.id, reviewer, place, repeat, seconds)
    return Hold(True)


def leave(store: Store, queue: Queue, reviewer: str, place: int) -> None:
    """Let others have the item that a reviewer has. It stays theirs to come back to until somebody takes it."""
    moment = now()
    with store.write("NORMAL", eager=True) as tx:
        tx.execute(
            "UPDATE queue_lease SET until_wall = ?, until_ticks = ?, boot = ?"
            " WHERE queue = ? AND reviewer = ? AND place = ?",
            [moment.wall, moment.ticks, moment.boot, queue.id, reviewer, place],
        )


def take_back(
    store: Store, queue: Queue, reviewer: str, place: int, *, repeat: bool, seconds: float = LEASE_S
) -> Given | None:
    """Give a reviewer an item that they have had, in place of the one that they have: what they say of it next belongs
    to the same reading. None if the queue has no such place."""
    with store.write("NORMAL", eager=True) as tx:
        found = item_at(tx, queue, place, repeat, seconds)
        if found is not None:
            lease(tx, queue.id, reviewer, place, repeat, seconds)
    return found


# -- undoing across the runs of a queue -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LastAct:
    """What undo or redo would act on. run: the id that it has now. place: of the queue's item, None for a chunk that is
    none of the queue's. repeat: whether it belongs to a second reading."""

    run: str
    chunk: str
    place: int | None
    repeat: bool


def last_act(store: Store, queue: Queue, reviewer: str, *, undone: bool = False) -> LastAct | None:
    """This reviewer's last act on any run of the queue that is not undone; with `undone`, the one that was undone last
    and can be done again. None if there is none. Only acts of this database are anybody's to take back.

    It goes backward through the log: what is met first of an act says whether it is undone."""
    settled: dict[str, str] = {}
    wanted: str | None = None
    before = 2**62
    while True:
        rows = _events(store, queue, reviewer, before)
        for origin, seq, kind, run, chunk, payload in rows:
            key = f"{origin}:{seq}"
            if kind != DECIDE:
                target = str(loads(payload)["target"])
                if undone and kind == UNDO and wanted is None and target not in settled:
                    wanted = target
                settled.setdefault(target, kind)
            elif key == wanted or (not undone and settled.get(key) != UNDO):
                return _placed(store, queue, run, chunk, '"repeat":1' in payload)
            elif undone and wanted is None:
                return None  # a decision clears what was undone before it
        if len(rows) < _BATCH:
            return None
        before = rows[-1][1]


_BATCH = 200


def _events(store: Store, queue: Queue, reviewer: str, before: int) -> list[tuple[str, int, str, str, str, str]]:
    rows = store.query(
        "SELECT e.origin, e.seq, e.kind, COALESCE(a.run, e.run), e.chunk, e.payload FROM event e"
        " LEFT JOIN run_alias a ON a.alias = e.run"
        " WHERE e.origin = (SELECT value FROM meta WHERE name = 'origin') AND e.seq < ? AND e.reviewer = ?"
        " AND e.kind IN ('decide', 'undo', 'redo') AND EXISTS (SELECT 1 FROM queue_run r WHERE r.queue = ?"
        " AND (r.run = e.run OR r.run = a.run OR r.run IN (SELECT b.alias FROM run_alias b WHERE b.run = e.run)))"
        f" ORDER BY e.seq DESC LIMIT {_BATCH}",
        [before, reviewer, queue.id],
    )
    return [(str(row[0]), int(row[1]), str(row[2]), str(row[3]), str(row[4]), str(row[5])) for row in rows]


def _placed(store: Store, queue: Queue, run: str, chunk: str, repeat: bool) -> LastAct:
    rows = store.query(
        "SELECT place FROM queue_item WHERE queue = ? AND chunk = ? AND run IN"
        " (SELECT ? UNION SELECT alias FROM run_alias WHERE run = ?)",
        [queue.id, chunk, run, run],
    )
    return LastAct(run, chunk, int(rows[0][0]) if rows else None, repeat)
