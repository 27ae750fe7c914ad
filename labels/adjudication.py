"""Adjudication: where reviewers differ, somebody settles what holds, mode by mode, with a reason.

It is an event like a decision (kind `adjudicate`), in the same hash-chained log, and can be taken back like one. An
adjudicator's word is no vote: it stands beside the votes, which all stay. Where several have settled one mode, what was
settled in knowledge of the other holds; where neither knew of the other (two databases, merged) and they differ, it is
open again. The tables `adjudication` and `adjudication_head` are derived, and are caught up with the log when read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, TypeAlias, get_args

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from labels import events
from labels.codebook_ref import CodebookRef
from labels.events import REDO, UNDO, Event
from labels.glance import check_reviewer
from labels.model import Id, StepRef, Target, Text
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.store import Row, Store, Transaction

ADJUDICATE = "adjudicate"
#: undecided: people cannot say; the mode stays unsettled, and is not asked about again.
Outcome: TypeAlias = Literal["present", "absent", "undecided"]
#: Why reviewers differed: the run allows both readings; the codebook does not say; somebody erred; other.
Reason: TypeAlias = Literal["ambiguous", "guideline-gap", "error", "other"]
REASONS: tuple[Reason, ...] = get_args(Reason)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(_Model):
    """Steps first..last."""

    first: StepRef
    last: StepRef

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if self.first.index > self.last.index:
            raise ValueError("the first step comes after the last one")
        return self


class Ruling(_Model):
    """What holds of one mode. steps: where it is, where the adjudicator says so; otherwise where the votes have it.
    guideline: a note for everybody who uses this mode of the codebook from now on."""

    mode: Id
    code: str = ""
    name: str = ""
    codebook: CodebookRef
    outcome: Outcome
    reason: Reason
    note: Text = ""
    guideline: Text = ""
    steps: tuple[Span, ...] = ()

    @model_validator(mode="after")
    def _steps_of_something(self) -> Ruling:
        if self.steps and self.outcome != "present":
            raise ValueError("only a mode that is present has steps")
        return self


class Adjudication(_Model):
    """The payload of an `adjudicate` event. One undo takes all its rulings back.

    blind: whether the reviewers' names were hidden. seconds: time on it. votes: id of the last event of each vote that
    was there. after: origin -> the last adjudication of the chunk from there that was known.
    """

    target: Target
    rulings: Annotated[tuple[Ruling, ...], Field(min_length=1)]
    blind: bool
    seconds: float | None = None
    votes: tuple[str, ...] = ()
    tool: str = ""
    after: dict[Id, Annotated[int, Field(ge=1)]] = {}

    @model_validator(mode="after")
    def _one_each(self) -> Adjudication:
        modes = [(ruling.codebook.id, ruling.mode) for ruling in self.rulings]
        if len(set(modes)) < len(modes):
            raise ValueError("one mode is settled twice")
        return self


def wrong(event: Event) -> str:
    """Why an event of this kind that comes from elsewhere cannot be one; "" if it can."""
    try:
        said = Adjudication.model_validate_json(event.payload)
    except ValidationError as error:
        return f"its content is no adjudication: {str(error.errors()[0]['msg'])[:100]}"
    return "" if said.target.id == event.chunk else "it is filed under another chunk than it is about"


class Adjudicator:
    """Adjudications by one person."""

    def __init__(self, store: Store, name: str) -> None:
        """Raises UsageError for a name that cannot be a reviewer's."""
        self.store, self.name = store, check_reviewer(name)

    def settle(self, run: RunInfo, said: Adjudication) -> Event:
        """Append it to the log. It is on disk when this returns."""
        with self.store.write() as tx:
            catch_up(tx)
            said = said.model_copy(update={"after": _known(tx, run, said.target.id)})
            event = events.append(
                tx,
                kind=ADJUDICATE,
                reviewer=self.name,
                run=run.id,
                content_id=run.content_id,
                chunk=said.target.id,
                payload=said.model_dump(mode="json"),
            )
            catch_up(tx)
        return event

    def undo(self, run: RunInfo) -> Event | None:
        """Take this person's last adjudication on the run back; None if there is nothing left."""
        return self._back_or_forth(run, UNDO)

    def redo(self, run: RunInfo) -> Event | None:
        """Do what was last taken back again; None if there is nothing."""
        return self._back_or_forth(run, REDO)

    def last(self, kind: str) -> Event | None:
        """The adjudication, on whatever run, that undo (or redo) would be about next: what was said, or taken back,
        last of all. Settling anything clears redo here; `redo` on a run still brings back what was undone there."""
        bring_up_to_date(self.store)
        origin = str(self.store.query("SELECT value FROM meta WHERE name = 'origin'")[0][0])
        if kind == UNDO:
            sql = "SELECT seq FROM adjudication WHERE origin = ? AND adjudicator = ? ORDER BY seq DESC LIMIT 1"
            stack = [int(row[0]) for row in self.store.query(sql, [origin, self.name])]
        else:
            stack = self._taken_back(origin)
        return _event_at(self.store, (origin, stack[-1])) if stack else None

    def _taken_back(self, origin: str) -> list[int]:
        """Numbers of the adjudications that were taken back since the last one was made, the last one last."""
        mine = "origin = ? AND reviewer = ?"
        newest = f"SELECT seq FROM event WHERE {mine} AND kind = ? ORDER BY seq DESC LIMIT 1"
        since = self.store.one(newest, [origin, self.name, ADJUDICATE])
        if since is None:
            return []
        sql = f"SELECT kind, payload FROM event WHERE {mine} AND seq > ? AND kind IN (?, ?) ORDER BY seq"
        found: list[int] = []
        for which, payload in self.store.query(sql, [origin, self.name, since[0], UNDO, REDO]):
            of, _, number = str(orjson.loads(payload)["target"]).rpartition(":")
            event = _event_at(self.store, (of, int(number)))
            if event is None or event.kind != ADJUDICATE:
                continue
            if which == UNDO:
                found.append(event.seq)
            elif event.seq in found:
                found.remove(event.seq)
        return found

    def _back_or_forth(self, run: RunInfo, kind: str) -> Event | None:
        with self.store.write() as tx:
            catch_up(tx)
            origin = tx.execute("SELECT value FROM meta WHERE name = 'origin'")[0][0]
            ids = _ids(tx, run.id)
            mine = [event for event in events.of_runs(tx, ids, self.name) if event.origin == origin]
            undo, redo = _stacks(mine)
            stack = undo if kind == UNDO else redo
            if not stack:
                return None
            made = events.append(
                tx,
                kind=kind,
                reviewer=self.name,
                run=run.id,
                content_id=run.content_id,
                chunk=stack[-1].chunk,
                payload={"target": stack[-1].id},
            )
            catch_up(tx)
        return made


def _stacks(mine: Iterable[Event]) -> tuple[list[Event], list[Event]]:
    """Adjudications that can be undone and redone, the next one last. A new one clears redo."""
    undo: list[Event] = []
    redo: list[Event] = []
    for event in mine:
        if event.kind == ADJUDICATE:
            undo.append(event)
            redo.clear()
        elif event.kind in (UNDO, REDO):
            source, other = (undo, redo) if event.kind == UNDO else (redo, undo)
            target = str(event.data["target"])
            for item in [item for item in source if item.id == target]:
                source.remove(item)
                other.append(item)
    return undo, redo


def _known(tx: Transaction, run: RunInfo, chunk: str) -> dict[str, int]:
    """The last adjudication of the chunk from each origin. Those of this database come before by their numbers."""
    ids = _ids(tx, run.id)
    rows = tx.execute(
        f"SELECT origin, max(seq) FROM adjudication WHERE run IN ({', '.join('?' * len(ids))}) AND chunk = ?"
        " AND origin <> (SELECT value FROM meta WHERE name = 'origin') GROUP BY origin ORDER BY origin",
        [*ids, chunk],
    )
    return {str(origin): int(seq) for origin, seq in rows}


def _ids(tx: Transaction, run: str) -> list[str]:
    if joined := tx.execute("SELECT run FROM run_alias WHERE alias = ?", [run]):
        run = str(joined[0][0])
    return [run, *(str(row[0]) for row in tx.execute("SELECT alias FROM run_alias WHERE run = ?", [run]))]


# -- derived ----------------------------------------------------------------------------------------------------------


def catch_up(tx: Transaction) -> None:
    """Read what the chains have gained since: after a merge, too."""
    for origin, had, last in tx.execute(_BEHIND):
        sql = (
            "SELECT kind, seq, run, chunk, reviewer, payload FROM event WHERE origin = ? AND seq > ? AND seq <= ?"
            " AND kind IN (?, ?, ?) ORDER BY seq"
        )
        for kind, seq, run, chunk, reviewer, payload in tx.execute(sql, [origin, had, last, ADJUDICATE, UNDO, REDO]):
            if kind == ADJUDICATE:
                _insert(tx, (origin, seq, run, chunk, reviewer), payload)
                continue
            target, _, number = str(orjson.loads(payload)["target"]).rpartition(":")
            if target != origin or not number.isdecimal():
                continue
            tx.execute("DELETE FROM adjudication WHERE origin = ? AND seq = ?", [origin, int(number)])
            if kind == REDO:
                again = tx.execute(
                    "SELECT seq, run, chunk, reviewer, payload FROM event WHERE origin = ? AND seq = ? AND kind = ?",
                    [origin, int(number), ADJUDICATE],
                )
                for row in again:
                    _insert(tx, (origin, *row[:4]), row[4])
        tx.execute("DELETE FROM adjudication_head WHERE origin = ?", [origin])
        tx.execute("INSERT INTO adjudication_head VALUES (?, ?)", [origin, last])


_BEHIND = (
    "SELECT c.origin, coalesce(h.seq, 0), c.seq FROM chain c LEFT JOIN adjudication_head h ON h.origin = c.origin"
    " WHERE c.seq > coalesce(h.seq, 0) ORDER BY c.origin"
)


def _insert(tx: Transaction, event: tuple[Any, ...], payload: str) -> None:
    origin, seq, run, chunk, reviewer = event
    said = orjson.loads(payload)
    tx.many(
        "INSERT INTO adjudication VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (origin, seq, run, chunk, ruling["codebook"]["id"], ruling["mode"], reviewer, ruling["outcome"],
             ruling["guideline"], orjson.dumps(ruling).decode())
            for ruling in said["rulings"]
        ],
    )  # fmt: skip


def bring_up_to_date(store: Store) -> None:
    """Catch up if there is anything to. A database that cannot be written to shows what was derived so far."""
    if not store.read_only and store.one(_BEHIND):
        with store.write() as tx:
            catch_up(tx)


def rebuild(store: Store) -> int:
    """Derive everything anew from the log; how many rulings stand."""
    with store.write() as tx:
        tx.execute("DELETE FROM adjudication")
        tx.execute("DELETE FROM adjudication_head")
        catch_up(tx)
        return int(tx.execute("SELECT count(*) FROM adjudication")[0][0])


# -- reading ----------------------------------------------------------------------------------------------------------


def settled_runs(store: Store) -> set[str]:
    """Ids (any that a run ever had) of the runs on which something was adjudicated."""
    return {str(row[0]) for row in store.query("SELECT DISTINCT run FROM adjudication")}


def has_ruled(store: Store, run: RunInfo, reviewer: str, chunk: str) -> bool:
    """Whether a reviewer has ever settled anything on a chunk: they had all votes on it before them, and taking a
    ruling back makes nobody forget."""
    ids = catalog.ids_of(store, run.id)
    sql = f"SELECT 1 FROM event WHERE run IN ({', '.join('?' * len(ids))}) AND reviewer = ? AND kind = ? AND chunk = ?"
    return store.one(f"{sql} LIMIT 1", [*ids, reviewer, ADJUDICATE, chunk]) is not None


def rulings_of(store: Store, run: RunInfo) -> list[tuple[Event, Adjudication, Ruling]]:
    """What was settled on a run and not taken back, in the order of (origin, sequence): after `bring_up_to_date`."""
    ids = catalog.ids_of(store, run.id)
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT DISTINCT origin, seq FROM adjudication WHERE run IN ({marks}) ORDER BY origin, seq"
    return [item for row in store.query(sql, ids) for item in _rulings(store, row)]


def _event_at(store: Store, key: Row) -> Event | None:
    """The event with this (origin, sequence)."""
    row = store.one(f"SELECT {', '.join(Event.__slots__)} FROM event WHERE origin = ? AND seq = ?", key)
    return Event(*row) if row is not None else None


def _rulings(store: Store, key: Row) -> Iterator[tuple[Event, Adjudication, Ruling]]:
    event = _event_at(store, key)
    if event is not None:
        said = Adjudication.model_validate_json(event.payload)
        for ruling in said.rulings:
            yield event, said, ruling


def notes(store: Store, codebook: str, mode: str | None = None) -> list[dict[str, str]]:
    """Guideline notes on the modes of a codebook, in the order of (mode, origin, sequence)."""
    bring_up_to_date(store)
    sql = (
        "SELECT a.mode, a.guideline, a.adjudicator, a.run, a.chunk, e.at, a.outcome FROM adjudication a"
        " JOIN event e ON e.origin = a.origin AND e.seq = a.seq"
        " WHERE a.codebook = ? AND a.guideline <> '' AND (? = '' OR a.mode = ?) ORDER BY a.mode, a.origin, a.seq"
    )
    names = ("mode", "text", "by", "run", "chunk", "at", "outcome")
    return [dict(zip(names, row, strict=True)) for row in store.query(sql, [codebook, mode or "", mode or ""])]
