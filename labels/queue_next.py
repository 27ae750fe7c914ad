"""Who gets what next. Taking an item takes a lease on it, so that two do not work on one unawares; a lease ends by
itself, by the clock that counts since the machine was started, and deciding ends the need of it.

A reviewer has one lease in a queue. Asking again gives the same item again, as long as it is not decided: so whoever
comes back, on whatever day, goes on where they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from labels.events import os_user
from labels.glance import check_reviewer
from labels.ledger import fill_judgements
from labels.queues import Queue
from sessions.live.clock import Moment, elapsed, now
from sessions.store import Row, Store, Transaction

#: How long an item is kept for a reviewer who has not decided on it, in seconds.
LEASE_S = 1800.0
#: A chunk comes a second time only after so many others, so that nobody answers from memory of the last minute.
APART = 5

_ITEM = "i.place, i.run, i.chunk, i.number, i.first_index, i.last_index, i.gold"
_DONE = (
    "SELECT 1 FROM judgement d WHERE d.run = i.run AND d.chunk = i.chunk AND d.how = 'person' AND d.verdict IS NOT NULL"
    " AND d.reviewer = ?"
)
#: How many have decided on an item: neither policies nor annotators of imported labels.
_OTHERS = (
    "(SELECT count(*) FROM judgement o WHERE o.run = i.run AND o.chunk = i.chunk AND o.how = 'person'"
    " AND o.verdict IS NOT NULL)"
)


@dataclass(frozen=True, slots=True)
class Given:
    """An item that a reviewer has. run, chunk: ids (`run` for a whole run). number: of the chunk. first, last: step
    indices. repeat: whether they have had it before; faces do not tell. Whether it is gold is not even here."""

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


def take(store: Store, queue: Queue, reviewer: str, *, seconds: float = LEASE_S) -> Given | None:
    """This reviewer's next item, with a lease on it; None if there is nothing for them now."""
    check_reviewer(reviewer)
    fill_judgements(store)
    with store.write("NORMAL", eager=True) as tx:
        _adopt(tx, queue.id)
        row, repeat, resumed = _standing(tx, queue.id, reviewer)
        if row is None:
            row, repeat, resumed = _due_again(tx, queue, reviewer), True, False
        if row is None:
            row, repeat = _open(tx, queue, reviewer), False
        tx.execute("DELETE FROM queue_lease WHERE queue = ? AND reviewer = ?", [queue.id, reviewer])
        if row is None:
            return None
        until = now().plus(seconds)
        tx.execute(
            "INSERT INTO queue_lease VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [queue.id, reviewer, row[0], int(repeat), os_user(), until.wall, until.ticks, until.boot],
        )
    return _given(queue, row, repeat, seconds, resumed)


def release(store: Store, queue: Queue, reviewer: str) -> None:
    """Give back what one has."""
    with store.write("NORMAL", eager=True) as tx:
        tx.execute("DELETE FROM queue_lease WHERE queue = ? AND reviewer = ?", [queue.id, reviewer])


def holders(store: Store, queue: Queue) -> dict[str, tuple[int, float]]:
    """Who has which item now: reviewer -> (place, seconds left)."""
    moment = now()
    sql = "SELECT reviewer, place, until_wall, until_ticks, boot FROM queue_lease WHERE queue = ?"
    found = {who: (place, elapsed(moment, Moment(*until))) for who, place, *until in store.query(sql, [queue.id])}
    return {who: held for who, held in found.items() if held[1] > 0}


def ahead(store: Store, queue: Queue, reviewer: str) -> Given | None:
    """What this reviewer would get after the item that they have, to read it in advance. It is not kept for them."""
    with store.write("NORMAL", eager=True) as tx:
        held = tx.execute("SELECT place FROM queue_lease WHERE queue = ? AND reviewer = ?", [queue.id, reviewer])
        row = _open(tx, queue, reviewer, without=held[0][0] if held else -1)
    return None if row is None else _given(queue, row, False, 0.0, False)


def _given(queue: Queue, row: Row, repeat: bool, seconds: float, resumed: bool) -> Given:
    place, run, chunk, number, first, last = row[:6]
    return Given(queue.id, place, run, chunk, number, first, last, repeat, seconds, resumed)


def _adopt(tx: Transaction, queue: str) -> None:
    """Runs that have been joined with others since go by those."""
    rows = tx.execute(
        "SELECT DISTINCT i.run, a.run FROM queue_item i JOIN run_alias a ON a.alias = i.run WHERE i.queue = ?", [queue]
    )
    for old, new in rows:
        tx.execute("UPDATE queue_item SET run = ? WHERE queue = ? AND run = ?", [new, queue, old])


def _standing(tx: Transaction, queue: str, reviewer: str) -> tuple[Row | None, bool, bool]:
    """The item that this reviewer has and has not decided on yet, even if its lease is over, unless somebody else has
    it now."""
    rows = tx.execute(
        f"SELECT {_ITEM}, l.repeat_no FROM queue_lease l JOIN queue_item i ON i.queue = l.queue AND i.place = l.place"
        " WHERE l.queue = ? AND l.reviewer = ?",
        [queue, reviewer],
    )
    if not rows:
        return None, False, False
    row = rows[0]
    if row[7]:
        return (None, False, False) if _repeated(tx, reviewer, row[1], row[2]) else (row[:7], True, True)
    done = tx.execute(f"SELECT 1 FROM queue_item i WHERE i.queue = ? AND i.place = ? AND EXISTS ({_DONE})",
                      [queue, row[0], reviewer])  # fmt: skip
    return (None, False, False) if done else (row[:7], False, True)


def _open(tx: Transaction, queue: Queue, reviewer: str, *, without: int = -1) -> Row | None:
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
    after = -1
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


def _repeated(tx: Transaction, reviewer: str, run: str, chunk: str) -> bool:
    """Whether this reviewer has given a verdict on a second reading of the chunk."""
    rows = tx.execute(
        "SELECT payload FROM event WHERE run = ? AND reviewer = ? AND chunk = ? AND kind = 'decide'"
        " AND payload LIKE '%\"repeat\":1%'",
        [run, reviewer, chunk],
    )
    return any('"op":"verdict"' in row[0] for row in rows)


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
    fresh = [row for row in done if not _repeated(tx, reviewer, row[1], row[2])]
    again = len(done) - len(fresh)
    settled = {row[0] for row in done[APART:]}
    choice = [row for row in fresh if row[0] in settled]
    if not choice or again >= queue.repeat_share * (len(done) + again):
        return None
    row = min(choice, key=lambda row: sha256(f"repeat {queue.id} {reviewer} {row[0]}".encode()).digest())
    return row[:7]
