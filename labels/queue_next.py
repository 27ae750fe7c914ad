"""Who gets what next. Taking an item takes a lease on it, so that two do not work on one unawares; a lease ends by
itself, by the clock that counts since the machine was started, and deciding ends the need of it.

A reviewer has one lease in a queue. Asking again gives the same item again, as long as it is not decided: so whoever
comes back, on whatever day, goes on where they were; unless their lease ran out and somebody else has the item now.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import orjson

from labels.events import DECIDE, REDO, UNDO, os_user
from labels.glance import check_reviewer
from labels.ledger import fill_judgements
from labels.queues import Queue
from sessions.live.clock import Moment, elapsed, now
from sessions.store import Row, Store, Transaction

#: How long an item is kept for a reviewer who has not decided on it, in seconds.
LEASE_S = 1800.0
#: A chunk comes a second time only after so many others, so that nobody answers from memory of the last minute.
APART = 5


def stale(j: str) -> str:
    """SQL: a row if the decision of judgement `j` is older than the wish that its chunk be decided on once more
    (`labels.queue_again`)."""
    return (
        f"SELECT 1 FROM queue_again g JOIN decision e ON e.run = {j}.run AND e.reviewer = {j}.reviewer"
        f" AND e.chunk = {j}.chunk WHERE g.run = {j}.run AND g.chunk = {j}.chunk AND e.at < g.at"
    )


_ITEM = "i.place, i.run, i.chunk, i.number, i.first_index, i.last_index, i.gold"
_DONE = (
    "SELECT 1 FROM judgement d WHERE d.run = i.run AND d.chunk = i.chunk AND d.how = 'person' AND d.verdict IS NOT NULL"
    f" AND d.reviewer = ? AND NOT EXISTS ({stale('d')})"
)
#: How many have decided on an item: neither policies nor annotators of imported labels.
_OTHERS = (
    "(SELECT count(*) FROM judgement d WHERE d.run = i.run AND d.chunk = i.chunk AND d.how = 'person'"
    f" AND d.verdict IS NOT NULL AND NOT EXISTS ({stale('d')}))"
)


@dataclass(frozen=True, slots=True)
class Given:
    """An item that a reviewer has. run, chunk: ids (`run` for a whole run). number: of the chunk. first, last: step
    indices. repeat: whether they have had it before; faces do not tell. Whether it is gold is not even here. lost: who
    has the item that they had before, if their lease ran out and somebody else took it."""

    queue: str
    place: int
    run: str
    chunk: str
    number: int
    first: int
    last: int
    repeat: bool
    seconds: float
    resumed: bool
    lost: str = ""


def take(
    store: Store, queue: Queue, reviewer: str, *, seconds: float = LEASE_S, filled: bool = False, after: int = -1
) -> Given | None:
    """This reviewer's next item, with a lease on it; None if there is nothing for them now. For whoever asks again and
    again: filled: that what earlier versions recorded is derived has been seen to (`labels.ledger.fill_judgements`).
    after: the place they were given last, from which on to look first; to skip all that is finished takes a while."""
    check_reviewer(reviewer)
    if not filled:
        fill_judgements(store)
    with store.write("NORMAL", eager=True) as tx:
        _adopt(tx, queue.id)
        row, repeat, lost = _standing(tx, queue, reviewer)
        resumed = row is not None
        if row is None:
            row, repeat = _due_again(tx, queue, reviewer), True
        if row is None:
            row, repeat = _open_after(tx, queue, reviewer, after), False
        if row is None:
            tx.execute("DELETE FROM queue_lease WHERE queue = ? AND reviewer = ?", [queue.id, reviewer])
            return None
        lease(tx, queue.id, reviewer, row[0], repeat, seconds)
    return _given(queue, row, repeat, seconds, resumed, lost)


def lease(tx: Transaction, queue: str, reviewer: str, place: int, repeat: bool, seconds: float) -> None:
    """Keep an item for a reviewer, in place of any that they have."""
    until = now().plus(seconds)
    tx.execute("DELETE FROM queue_lease WHERE queue = ? AND reviewer = ?", [queue, reviewer])
    tx.execute(
        "INSERT INTO queue_lease VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [queue, reviewer, place, int(repeat), os_user(), until.wall, until.ticks, until.boot],
    )


def release(store: Store, queue: Queue, reviewer: str) -> None:
    """Give back what one has."""
    with store.write("NORMAL", eager=True) as tx:
        tx.execute("DELETE FROM queue_lease WHERE queue = ? AND reviewer = ?", [queue.id, reviewer])


def holders(store: Store, queue: Queue) -> dict[str, tuple[int, float]]:
    """Who has which item now: reviewer -> (place, seconds left). Whoever has decided on theirs has none, though it is
    kept for them until they take the next."""
    moment = now()
    sql = (
        "SELECT l.reviewer, l.place, l.until_wall, l.until_ticks, l.boot FROM queue_lease l JOIN queue_item i"
        " ON i.queue = l.queue AND i.place = l.place WHERE l.queue = ? AND (l.repeat_no = 1 OR NOT EXISTS"
        f" ({_DONE.replace('d.reviewer = ?', 'd.reviewer = l.reviewer')}))"
    )
    found = {who: (place, elapsed(moment, Moment(*until))) for who, place, *until in store.query(sql, [queue.id])}
    return {who: held for who, held in found.items() if held[1] > 0}


def ahead(store: Store, queue: Queue, reviewer: str, *, after: int = -1) -> Given | None:
    """What this reviewer would get after the item that they have, to read it in advance. It is not kept for them.
    after: as `take`."""
    with store.write("NORMAL", eager=True) as tx:
        held = tx.execute("SELECT place FROM queue_lease WHERE queue = ? AND reviewer = ?", [queue.id, reviewer])
        row = _open_after(tx, queue, reviewer, after, without=held[0][0] if held else -1)
    return None if row is None else _given(queue, row, False, 0.0, False)


def _given(queue: Queue, row: Row, repeat: bool, seconds: float, resumed: bool, lost: str = "") -> Given:
    place, run, chunk, number, first, last = row[:6]
    return Given(queue.id, place, run, chunk, number, first, last, repeat, seconds, resumed, lost)


def item_at(tx: Transaction, queue: Queue, place: int, repeat: bool, seconds: float) -> Given | None:
    """The item at a place of the queue, as it is given to a reviewer; None if there is no such place."""
    rows = tx.execute(f"SELECT {_ITEM} FROM queue_item i WHERE i.queue = ? AND i.place = ?", [queue.id, place])
    return _given(queue, rows[0], repeat, seconds, True) if rows else None


def _adopt(tx: Transaction, queue: str) -> None:
    """Runs that have been joined with others since go by those."""
    rows = tx.execute(
        "SELECT DISTINCT i.run, a.run FROM queue_item i JOIN run_alias a ON a.alias = i.run WHERE i.queue = ?", [queue]
    )
    for old, new in rows:
        tx.execute("UPDATE queue_item SET run = ? WHERE queue = ? AND run = ?", [new, queue, old])


def _standing(tx: Transaction, queue: Queue, reviewer: str) -> tuple[Row | None, bool, str]:
    """The item that this reviewer has and has not decided on yet, whether it is a second reading, and who has it now,
    if their lease is over and it needs nobody more."""
    rows = tx.execute(
        f"SELECT {_ITEM}, l.repeat_no, l.until_wall, l.until_ticks, l.boot"
        " FROM queue_lease l JOIN queue_item i ON i.queue = l.queue AND i.place = l.place"
        " WHERE l.queue = ? AND l.reviewer = ?",
        [queue.id, reviewer],
    )
    if not rows:
        return None, False, ""
    row, repeat, until = rows[0][:7], bool(rows[0][7]), Moment(*rows[0][8:])
    if repeat:
        again = (row[1], row[2]) in _read_twice(tx, queue, reviewer)
        return (None, False, "") if again else (row, True, "")
    done = tx.execute(f"SELECT 1 FROM queue_item i WHERE i.queue = ? AND i.place = ? AND EXISTS ({_DONE})",
                      [queue.id, row[0], reviewer])  # fmt: skip
    if done:
        return None, False, ""
    if elapsed(now(), until) <= 0 and not row[6]:
        who = taken_by(tx, queue, reviewer, row[0])
        if who:
            return None, False, who
    return row, False, ""


def taken_by(tx: Transaction, queue: Queue, reviewer: str, place: int) -> str:
    """Who has an item, or has decided on it, in the place of this reviewer: one of them, if it needs nobody more; ""
    if it does."""
    moment = now()
    sql = (
        "SELECT reviewer, until_wall, until_ticks, boot FROM queue_lease"
        " WHERE queue = ? AND place = ? AND reviewer <> ? AND repeat_no = 0"
    )
    at_it = [who for who, *until in tx.execute(sql, [queue.id, place, reviewer]) if elapsed(moment, Moment(*until)) > 0]
    sql = (
        "SELECT j.reviewer FROM queue_item i JOIN judgement j ON j.run = i.run AND j.chunk = i.chunk"
        " AND j.how = 'person' AND j.verdict IS NOT NULL WHERE i.queue = ? AND i.place = ? AND j.reviewer <> ?"
    )
    through = [str(row[0]) for row in tx.execute(sql, [queue.id, place, reviewer])]
    return [*at_it, *through][0] if len({*at_it, *through}) >= queue.reviewers else ""


def _open_after(tx: Transaction, queue: Queue, reviewer: str, after: int, *, without: int = -1) -> Row | None:
    """The first open item after a place, or else the first one of all."""
    found = _open(tx, queue, reviewer, after, without)
    return found if found is not None or after < 0 else _open(tx, queue, reviewer, -1, without)


def _open(tx: Transaction, queue: Queue, reviewer: str, after: int, without: int) -> Row | None:
    """The first item that this reviewer has not decided on, that needs one more, and that nobody else is at instead."""
    moment = now()
    taken: dict[int, int] = {}
    sql = (
        "SELECT place, until_wall, until_ticks, boot FROM queue_lease"
        " WHERE queue = ? AND reviewer <> ? AND repeat_no = 0"
    )
    for place, *until in tx.execute(sql, [queue.id, reviewer]):
        if elapsed(moment, Moment(*until)) > 0:
            taken[place] = taken.get(place, 0) + 1
    while True:
        rows = tx.execute(
            f"SELECT {_ITEM}, {_OTHERS} FROM queue_item i WHERE i.queue = ? AND i.place > ? AND NOT EXISTS ({_DONE})"
            f" AND (i.gold = 1 OR {_OTHERS} < ?) ORDER BY i.place LIMIT 50",
            [queue.id, after, reviewer, queue.reviewers],
        )
        for row in rows:
            free = row[6] or row[7] + taken.get(row[0], 0) < queue.reviewers
            if free and row[0] != without and not (row[6] and queue.gold_from == reviewer):
                return row[:7]
        if len(rows) < 50:
            return None
        after = rows[-1][0]


# -- a second time --------------------------------------------------------------------------------------------------


#: What a reviewer said on second readings in a queue, and what they took back of anything.
_AGAIN = (
    "SELECT e.origin, e.seq, e.kind, COALESCE(a.run, e.run), e.chunk, e.payload FROM event e"
    " LEFT JOIN run_alias a ON a.alias = e.run WHERE e.run IN (SELECT run FROM queue_run WHERE queue = ?"
    " UNION SELECT b.run FROM queue_run r JOIN run_alias b ON b.alias = r.run WHERE r.queue = ?)"
    " AND e.reviewer = ? AND (e.kind <> 'decide' OR e.payload LIKE '%\"repeat\":1%') ORDER BY e.origin, e.seq"
)


def read_twice(store: Store, queue: Queue, reviewer: str) -> set[tuple[str, str]]:
    """(run, chunk) of what this reviewer has given a verdict on a second time. What was taken back does not count."""
    return _standing_verdicts(store.query(_AGAIN, [queue.id, queue.id, reviewer])) if queue.repeat_share > 0 else set()


def _read_twice(tx: Transaction, queue: Queue, reviewer: str) -> set[tuple[str, str]]:
    return _standing_verdicts(tx.execute(_AGAIN, [queue.id, queue.id, reviewer]))


def _standing_verdicts(rows: list[Row]) -> set[tuple[str, str]]:
    said: dict[str, tuple[str, str]] = {}
    undone: set[str] = set()
    for origin, seq, kind, run, chunk, payload in rows:
        if kind == DECIDE:
            if '"op":"verdict"' in payload:
                said[f"{origin}:{seq}"] = (run, chunk)
        elif kind == UNDO:
            undone.add(str(orjson.loads(payload)["target"]))
        elif kind == REDO:
            undone.discard(str(orjson.loads(payload)["target"]))
    return {where for key, where in said.items() if key not in undone}


def _due_again(tx: Transaction, queue: Queue, reviewer: str) -> Row | None:
    """An item that this reviewer decided some time ago, if it is time for one again. Which one is a matter of a hash:
    nobody can know it in advance."""
    if queue.repeat_share <= 0:
        return None
    done = tx.execute(
        f"SELECT {_ITEM}, d.at FROM queue_item i JOIN decision d ON d.run = i.run AND d.chunk = i.chunk"
        " WHERE i.queue = ? AND d.reviewer = ? AND d.verdict IS NOT NULL ORDER BY d.at DESC, i.place",
        [queue.id, reviewer],
    )
    if len(done) <= APART:
        return None
    twice = _read_twice(tx, queue, reviewer)
    fresh = [row for row in done if (row[1], row[2]) not in twice]
    again = len(done) - len(fresh)
    settled = {row[0] for row in done[APART:]}
    choice = [row for row in fresh if row[0] in settled]
    if not choice or again >= queue.repeat_share * (len(done) + again):
        return None
    row = min(choice, key=lambda row: sha256(f"repeat {queue.id} {reviewer} {row[0]}".encode()).digest())
    return row[:7]
