"""What tests of live runs need: requests, votes without a ledger, and openings without the installed checks."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sessions.live import opening
from sessions.live.deciding import Outcome, Vote, cast_vote
from sessions.live.gates import GateInfo, gate_by_id, waiting
from sessions.live.hooks import NO_HOOKS, Hooks
from sessions.live.request import GateRequest, parse
from sessions.live.taking import Answer, take
from sessions.store import Store

_events = itertools.count(1)


def request(gate: str = "g1", text: str | None = "one", **fields: Any) -> GateRequest:
    """A request with one step that says `text`, or none."""
    steps = [] if text is None else [{"actor": "planner", "parts": [{"kind": "text", "text": text}]}]
    return parse({"run": "r", "gate": gate, "agent": "bot", "task": "Mend it.", "steps": steps, **fields})


def open_(store: Store, gate: str = "g1", text: str | None = "one", **fields: Any) -> GateInfo:
    """Open a gate without any checks."""
    return opening.open_gate(store, request(gate, text, **fields), checks={})


def vote(store: Store, gate: GateInfo, verdict: str = "approve", reviewer: str = "ann", **more: Any) -> Outcome:
    """Cast a vote; the event that would be the ledger's is made up."""
    with store.write() as tx:
        return cast_vote(tx, Vote(gate.id, reviewer, verdict, **more), f"{os.getpid()}:{next(_events)}")


def taken(store: Store, gate: GateInfo, hooks: Hooks = NO_HOOKS) -> Answer | None:
    return take(store, gate.id, gate.payload_sha256, hooks)


def passed(store: Store, gate: str, text: str | None, **fields: Any) -> GateInfo:
    """A gate that was opened, approved and taken."""
    opened = open_(store, gate, text, **fields)
    vote(store, opened)
    assert taken(store, opened)
    return again(store, opened)


def again(store: Store, gate: GateInfo) -> GateInfo:
    """The gate as it is now."""
    now = gate_by_id(store, gate.id)
    assert now is not None
    return now


def approve_all(db: Path, until: Callable[[], bool], verdict: str = "approve") -> None:
    """A reviewer: decide on whatever waits, until told to go."""
    with Store.open(db) as store:
        while not until():
            for gate in waiting(store):
                if gate.state == "open":
                    vote(store, gate, verdict, to_gate="" if verdict == "rollback" else None)
            time.sleep(0.002)
