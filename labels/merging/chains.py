"""The event chains of another database beside one's own: checked whole, compared, and taken over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from labels import adjudication, events
from labels.coding import said as coding
from labels.events import DECIDE, REDO, UNDO, Event
from labels.merging.report import Chain
from labels.model import Act
from sessions.errors import UserError
from sessions.store import Row, Store, Transaction

_COLUMNS = "origin, seq, kind, reviewer, os_user, at, run, content_id, chunk, payload, prev, hash"
_NOTHING = "Nothing was merged."


@dataclass(frozen=True, slots=True)
class Piece:
    """What of an origin's events comes: those after number `had`, up to `last`. head: the hash of the one at `had`."""

    origin: str
    had: int
    last: int
    head: str

    @property
    def chain(self) -> Chain:
        return Chain(self.origin, self.had, self.last - self.had)


def check(store: Store, other: Store) -> list[Piece]:
    """Verify both logs and say what comes, by origin. Raises UserError where either was changed, where both continue
    one origin in different ways, or where an event that would come is none."""
    for log, whose in ((store, "this database"), (other, str(other.path))):
        if wrong := events.verify(log):
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            raise UserError(f"the log of {whose} is not as it was written: {wrong[0].rstrip('.')}{more}.", _NOTHING)
    mine = _heads(store)
    pieces = [_piece(store, other, row, mine.get(row[0])) for row in other.query(_HEADS)]
    for piece in pieces:
        _check_new(other, piece)
    return pieces


_HEADS = "SELECT origin, seq, hash FROM chain ORDER BY origin"


def _heads(store: Store) -> dict[str, Row]:
    return {row[0]: row[1:] for row in store.query(_HEADS)}


def _piece(store: Store, other: Store, theirs: Row, mine: Row | None) -> Piece:
    origin, last, head = theirs
    had, hash_here = mine or (0, events.GENESIS)
    shared = min(had, last)
    there = _hash(other, origin, shared) if last > had else head
    here = hash_here if had <= last else _hash(store, origin, shared)
    if here != there:
        first = _first_difference(store, other, origin, shared)
        raise UserError(
            f"{other.path} and this database continue the log {origin[:8]} in different ways, from event {first} on.",
            f"{_NOTHING} One is a plain copy of the other that went on by itself, or was forged; `db backup` makes"
            " copies that can be merged.",
        )
    return Piece(origin, had, max(had, last), hash_here)


def _hash(store: Store, origin: str, seq: int) -> str:
    if seq == 0:
        return events.GENESIS
    row = store.one("SELECT hash FROM event WHERE origin = ? AND seq = ?", [origin, seq])
    return str(row[0]) if row else ""


def _first_difference(store: Store, other: Store, origin: str, last: int) -> int:
    """Chains are the same up to a point and different from there on, so halving finds it."""
    low, high = 1, last
    while low < high:
        middle = (low + high) // 2
        if _hash(store, origin, middle) == _hash(other, origin, middle):
            low = middle + 1
        else:
            high = middle
    return low


def _check_new(other: Store, piece: Piece) -> None:
    for event in new_events(other, piece):
        if reason := _wrong(event):
            raise UserError(
                f"{other.path}: event {event.seq} of {piece.origin[:8]} is no event of review-tui ({reason}).", _NOTHING
            )


def new_events(other: Store, piece: Piece) -> Iterator[Event]:
    """The events of a piece, in order."""
    sql = f"SELECT {_COLUMNS} FROM event WHERE origin = ? AND seq > ? AND seq <= ? ORDER BY seq"
    for row in other.each(sql, [piece.origin, piece.had, piece.last]):
        yield Event(*row)


def _wrong(event: Event) -> str:
    """Why this cannot be an event; "" if it can. A chain proves that nobody changed it, not that it makes sense."""
    if not (event.reviewer.strip() and len(event.reviewer) <= 80 and event.reviewer.isprintable()):
        return "its reviewer's name is none"
    if event.kind == DECIDE:
        try:
            act = Act.model_validate_json(event.payload)
        except ValidationError as error:
            return f"its content is not a decision: {str(error.errors()[0]['msg'])[:100]}"
        return "" if act.target.id == event.chunk else "it is filed under another chunk than it is about"
    if event.kind == adjudication.ADJUDICATE:
        return adjudication.wrong(event)
    if event.kind == coding.CODE:
        return coding.wrong(event)
    if event.kind not in (UNDO, REDO):
        return f"its kind is {event.kind[:20]!r}"
    try:
        origin, _, seq = str(event.data["target"]).partition(":")
    except (ValueError, KeyError, TypeError):
        return "it names no event to take back"
    sound = origin == event.origin and seq.isdecimal() and 0 < int(seq) < event.seq
    return "" if sound else "what it takes back is no earlier event of the same log"


def append(other: Store, tx: Transaction, piece: Piece) -> None:
    """Add the events of a piece. Raises UserError if the log here has moved on since they were checked."""
    head = tx.execute("SELECT seq, hash FROM chain WHERE origin = ?", [piece.origin])
    now = tuple(head[0]) if head else (0, events.GENESIS)
    if piece.last == piece.had:
        return
    if now != (piece.had, piece.head):
        raise UserError("this database's log went on while it was being merged.", f"{_NOTHING} Try again.")
    marks = ", ".join("?" * 12)
    rows = other.each(
        f"SELECT {_COLUMNS} FROM event WHERE origin = ? AND seq > ? AND seq <= ? ORDER BY seq",
        [piece.origin, piece.had, piece.last],
    )
    tx.many(f"INSERT INTO event ({_COLUMNS}) VALUES ({marks})", rows)
    tx.execute("DELETE FROM chain WHERE origin = ?", [piece.origin])
    tx.execute("INSERT INTO chain VALUES (?, ?, ?)", [piece.origin, piece.last, _hash(other, piece.origin, piece.last)])
