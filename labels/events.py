"""The append-only event log and its hash chain.

Every database has an origin (a uuid) and chains its own events: each event's hash covers its content and the hash of
the one before, so a changed, missing or added event is found. Chains of other databases (after a merge) stay side by
side; order is (origin, seq), never the clock. Nothing here is ever updated or deleted.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson

from sessions.jsontext import canonical
from sessions.store import Row, Store, Transaction

GENESIS = "0" * 64
DECIDE, UNDO, REDO = "decide", "undo", "redo"
_COLUMNS = "origin, seq, kind, reviewer, os_user, at, run, content_id, chunk, payload, prev, hash"


@dataclass(frozen=True, slots=True)
class Event:
    """One event. payload: JSON text as hashed. id: `origin:seq`, unique everywhere. at: UTC, for people only."""

    origin: str
    seq: int
    kind: str
    reviewer: str
    os_user: str
    at: str
    run: str
    content_id: str | None
    chunk: str
    payload: str
    prev: str
    hash: str

    @property
    def id(self) -> str:
        return f"{self.origin}:{self.seq}"

    @property
    def data(self) -> dict[str, Any]:
        value: dict[str, Any] = orjson.loads(self.payload)
        return value


def append(
    tx: Transaction, *, kind: str, reviewer: str, run: str, content_id: str | None, chunk: str, payload: dict[str, Any]
) -> Event:
    """Add an event to this database's own chain, inside the caller's transaction."""
    origin = str(tx.execute("SELECT value FROM meta WHERE name = 'origin'")[0][0])
    head = tx.execute("SELECT seq, hash FROM chain WHERE origin = ?", [origin])
    seq, prev = (head[0][0] + 1, head[0][1]) if head else (1, GENESIS)
    fields = (
        origin, seq, kind, reviewer, os_user(), datetime.now(UTC).isoformat(timespec="milliseconds"),
        run, content_id, chunk, canonical(payload).decode(), prev,
    )  # fmt: skip
    event = Event(*fields, hash=digest(fields))
    tx.execute(f"INSERT INTO event ({_COLUMNS}) VALUES ({', '.join('?' * 12)})", [*fields, event.hash])
    tx.execute("DELETE FROM chain WHERE origin = ?", [origin])
    tx.execute("INSERT INTO chain VALUES (?, ?, ?)", [origin, seq, event.hash])
    return event


def digest(fields: tuple[Any, ...]) -> str:
    """The hash of an event: over all its columns but the hash itself, in the order of `Event`."""
    return sha256(canonical(list(fields))).hexdigest()


def os_user() -> str:
    """Who the operating system says is typing: kept beside the reviewer's name, which anyone can choose."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


def of_runs(
    source: Store | Transaction, runs: Iterable[str], reviewer: str | None = None, chunk: str | None = None
) -> list[Event]:
    """Events on a run (given by all its ids), in order; of one reviewer or chunk if named."""
    ids = list(runs)
    sql = f"SELECT {_COLUMNS} FROM event WHERE run IN ({', '.join('?' * len(ids))})"
    params: list[Any] = ids
    if reviewer is not None:
        sql, params = sql + " AND reviewer = ?", [*params, reviewer]
    if chunk is not None:
        sql, params = sql + " AND chunk = ?", [*params, chunk]
    sql += " ORDER BY origin, seq"
    rows = source.query(sql, params) if isinstance(source, Store) else source.execute(sql, params)
    return [Event(*row) for row in rows]


def everything(store: Store) -> Iterator[Event]:
    """All events of all chains, in order."""
    for row in store.each(f"SELECT {_COLUMNS} FROM event ORDER BY origin, seq"):
        yield Event(*row)


def standing(events: Iterable[Event], kind: str) -> list[Event]:
    """The events of a kind that are not undone (or were redone), in their order. events: those that may have undone
    them as well, in the order of (origin, sequence)."""
    found: list[Event] = []
    undone: set[str] = set()
    for event in events:
        if event.kind == kind:
            found.append(event)
        elif event.kind == UNDO:
            undone.add(str(event.data["target"]))
        elif event.kind == REDO:
            undone.discard(str(event.data["target"]))
    return [event for event in found if event.id not in undone]


def heads(store: Store) -> list[Row]:
    """(origin, last number, its hash) of each event log, by origin: what has been said so far."""
    return store.query("SELECT origin, seq, hash FROM chain ORDER BY origin")


def verify(store: Store) -> list[str]:
    """What is wrong with the chains, one line each; [] if every event is as it was written."""
    ends: dict[str, Row] = {row[0]: row[1:] for row in heads(store)}
    wrong: list[str] = []
    last: dict[str, tuple[int, str]] = {}
    for event in everything(store):
        if (type(event.seq), type(event.origin)) != (int, str):  # SQLite keeps whatever it is given
            wrong.append(f"event {event.seq!r} of {event.origin!r}: its number or origin is no such thing.")
            continue
        seq, prev = last.get(event.origin, (0, GENESIS))
        where = f"event {event.seq} of {event.origin[:8]}"
        if event.seq != seq + 1:
            wrong.append(f"{where}: event(s) between {seq} and it are missing.")
        elif event.prev != prev:
            wrong.append(f"{where}: does not follow the event before it.")
        fields = tuple(getattr(event, name) for name in Event.__slots__[:-1])
        if digest(fields) != event.hash:
            wrong.append(f"{where}: its content was changed after it was written.")
        last[event.origin] = (event.seq, event.hash)
    for origin in sorted({*ends, *last}):
        if ends.get(origin) != last.get(origin):
            wrong.append(f"the chain of {origin[:8]} does not end where it should: events at its end are missing.")
    return wrong
