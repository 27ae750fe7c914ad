"""What was said of one run, from the store: current decisions, and the events that they are made of.

Decisions of a policy are no votes. A decision without a verdict is not finished and no vote either, unless it came
with a corpus, where there are no verdicts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from labels.events import DECIDE, REDO, UNDO
from labels.gold.queued import Queued
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.store import Store

POLICY = "decisions made by a policy"
UNFINISHED = "decisions without a verdict (not finished)"
INCOMPLETE = "runs that are not complete"
GONE = "decisions on steps that are not in the run any more"
UNKNOWN = "runs that votes name and that are not in this database"


class Made(NamedTuple):
    """An event that made a decision what it is. text: its payload, which is parsed only where something asks for it:
    payloads are compact JSON, in whose strings every quote is escaped, so a key can be looked for in the text."""

    origin: str
    seq: int
    at: str
    prev: str
    hash: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.origin}:{self.seq}"

    @property
    def payload(self) -> dict[str, Any]:
        value: dict[str, Any] = orjson.loads(self.text)
        return value

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The suggestions on the screen."""
        return [] if '"shown":[]' in self.text else list(self.payload["shown"])

    @property
    def at_gate(self) -> bool:
        return '"gate":' in self.text and bool(self.payload.get("gate"))

    @property
    def tool(self) -> str:
        return "" if '"tool":""' in self.text else str(self.payload.get("tool", ""))


@dataclass(slots=True)
class Vote:
    """What one reviewer says of one unit. decision: as `labels.model.Decision` writes it. events: those that count, in
    the order of (origin, sequence)."""

    decision: dict[str, Any]
    events: list[Made] = field(default_factory=list)

    @property
    def reviewer(self) -> str:
        return str(self.decision["reviewer"])

    @property
    def known_of_detectors(self) -> str:
        """What the voter knew of the detectors' work, in words; "" for one who was blind to it. That they found
        nothing is knowing, too (`blind_suggestions` is false), but no suggestion was seen then."""
        if self.decision["blind_suggestions"]:
            return ""
        if not self.events:  # which were not asked for
            return "saw what detectors found"
        return "suggestions seen" if any(made.shown for made in self.events) else "detectors found nothing"


@dataclass(slots=True)
class Said:
    """All that was said of one run. ids: every id the run has had."""

    run: RunInfo
    ids: list[str]
    votes: list[Vote]


def voted_runs(store: Store, left_out: Counter[str], queued: Queued | None = None) -> list[RunInfo]:
    """The complete runs on which anybody decided, in the order of their content ids: the same on every machine.
    queued: only the runs of that queue."""
    owner = {str(row[0]): str(row[1]) for row in store.query("SELECT alias, run FROM run_alias")}
    named = {owner.get(str(row[0]), str(row[0])) for row in store.query("SELECT DISTINCT run FROM decision")}
    if queued is not None:
        named &= queued.runs
    known = {run.id: run for run in catalog.runs(store)}
    left_out[UNKNOWN] += len(named - known.keys())
    found = [known[name] for name in named & known.keys()]
    whole = [run for run in found if run.complete and run.content_id]
    left_out[INCOMPLETE] += len(found) - len(whole)
    return sorted({str(run.content_id): run for run in sorted(whole, key=lambda run: run.id)}.values(), key=_content_id)


def _content_id(run: RunInfo) -> str:
    return str(run.content_id)


def said_of(
    store: Store, run: RunInfo, left_out: Counter[str], *, with_events: bool = True, queued: Queued | None = None
) -> Said:
    """What was said of a run. with_events: also by which events. queued: only of what is in that queue."""
    only = queued.of(run.id) if queued is not None else None
    ids = catalog.ids_of(store, run.id)
    marks = ", ".join("?" * len(ids))
    votes: dict[tuple[str, str], Vote] = {}
    for (data,) in store.query(f"SELECT data FROM decision WHERE run IN ({marks}) ORDER BY reviewer, chunk", ids):
        decision = orjson.loads(data)
        if only is not None and decision["target"]["id"] not in only:
            continue
        if decision["how"] == "policy":
            left_out[POLICY] += 1
        elif decision["verdict"] is None and decision["how"] != "import":
            left_out[UNFINISHED] += 1
        else:
            votes.setdefault((decision["reviewer"], decision["target"]["id"]), Vote(decision))
    if with_events and votes:
        for key, made in _events(store, ids):
            if key in votes:
                votes[key].events.append(made)
    return Said(run, ids, list(votes.values()))


def _events(store: Store, ids: Iterable[str]) -> Iterator[tuple[tuple[str, str], Made]]:
    """((reviewer, chunk), event) of the decide events that count."""
    every = list(ids)
    sql = (
        "SELECT origin, seq, at, prev, hash, payload, reviewer, chunk, kind FROM event"
        f" WHERE run IN ({', '.join('?' * len(every))}) ORDER BY origin, seq"
    )
    rows = store.query(sql, every)
    undone: set[str] = set()
    for row in rows:
        if row[8] in (UNDO, REDO):
            target = str(orjson.loads(row[5])["target"])
            (undone.add if row[8] == UNDO else undone.discard)(target)
    for origin, seq, at, prev, digest, payload, reviewer, chunk, kind in rows:
        if kind != DECIDE or (undone and f"{origin}:{seq}" in undone):
            continue
        made = Made(origin, seq, at, prev, digest, payload)
        if '"repeat":' not in payload or not made.payload.get("repeat"):
            yield (reviewer, chunk), made
