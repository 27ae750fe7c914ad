"""The agent takes what was decided, exactly once.

The row in `consumption`, the gate's state and what follows for the run are one transaction; who asks again gets what is
written there. A rollback has a second part: restoring the workspace cannot be in a transaction. So the decision is
marked as taken first (from then on nobody can undo it), then the workspace is restored, then the brief that tells of it
is written. An agent that is killed in between asks again and finds the brief missing: the restore is repeated.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress

from sessions.brief import brief_for
from sessions.errors import UserError
from sessions.jsontext import dumps, loads
from sessions.keys import base_key
from sessions.live import ending
from sessions.live.answer import Answer
from sessions.live.clock import stamp
from sessions.live.gates import (
    CONSUMED,
    DECIDED,
    OPEN,
    START,
    VOID,
    GateDecision,
    GateInfo,
    LiveRun,
    decision_of,
    gate_by_id,
    gate_state,
    live_run,
    rows,
)
from sessions.live.holding import holding
from sessions.live.hooks import Hooks, Opening, Rollback
from sessions.live.process import Process, is_alive, myself
from sessions.run import Flag
from sessions.store import Store, Transaction


def take(store: Store, gate_id: str, sha256: str, hooks: Hooks) -> Answer | None:
    """The answer at a gate, taken by this call or an earlier one; None while there is nothing to take.

    sha256: of what the agent asks. Raises UserError if the gate is void or gone, or was decided on for another content.
    """
    if gate_state(store, gate_id) == OPEN:  # asked again and again while the agent waits
        return None
    gate, live = _both(store, gate_id)
    decision = decision_of(store, gate_id)
    if decision is None:
        return None
    if decision.payload_sha256 != sha256:
        raise UserError(f"what was decided on at gate {gate.key!r} is not what this agent asks.", "Open a new gate.")
    if gate.state != CONSUMED:
        if not _take_now(store, gate, live, decision):
            return None
        _tell_hooks(gate, live, decision, hooks)
    answer = _written(store, gate, decision)
    if not answer.brief:
        if not _finish_rollback(store, gate, live, decision, hooks):
            return None
        answer = _written(store, gate, decision)
    if gate.final or decision.verdict == "stop":
        ending.complete(store, gate.run)
    return answer


def _tell_hooks(gate: GateInfo, live: LiveRun, decision: GateDecision, hooks: Hooks) -> None:
    """The agent goes on, or has come to its end. (A rollback tells them by restoring.)"""
    over = decision.verdict == "stop" or (gate.final and decision.verdict == "approve")
    call = hooks.end if over else hooks.resume
    if over or decision.verdict != "rollback":
        with suppress(UserError):
            call(Opening(gate.run, gate.id, gate.key, live.workspace))


def _take_now(store: Store, gate: GateInfo, live: LiveRun, decision: GateDecision) -> bool:
    """Take what was just decided; False if it does not hold, or not yet."""
    if _is_held(store, gate, decision):
        return False
    brief = "" if decision.verdict == "rollback" else brief_for(store, live, gate, decision)
    return _mark(store, gate, decision, brief)


def _both(store: Store, gate_id: str) -> tuple[GateInfo, LiveRun]:
    """A gate and its run. Raises UserError if nobody decides on it any more."""
    gate = gate_by_id(store, gate_id)
    live = live_run(store, gate.run) if gate else None
    if gate is None or live is None:
        raise UserError("the gate is gone: its run was deleted.", "Nothing was approved.")
    if gate.state == VOID:
        how = "was rolled back further" if live.ended is None else "is over"
        raise UserError(f"nobody decides on gate {gate.key!r} any more: the run {how}.", "Nothing was approved.")
    return gate, live


def _is_held(store: Store, gate: GateInfo, decision: GateDecision) -> bool:
    return decision.how == "policy" and holding(store, gate.run) is not None


def _mark(store: Store, gate: GateInfo, decision: GateDecision, brief: str) -> bool:
    """Write down that the agent has the decision, with all that follows; False if it does not hold any more."""
    with store.write(eager=True) as tx:
        if tx.execute("SELECT 1 FROM consumption WHERE gate = ?", [gate.id]):
            return True
        found = tx.execute(
            "SELECT d.event, g.state FROM gate_decision d JOIN gate g ON g.id = d.gate WHERE d.gate = ?", [gate.id]
        )
        if found != [(decision.event, DECIDED)]:
            return False
        if decision.how == "policy" and holding(tx, gate.run) is not None:
            return False
        tx.execute(
            "INSERT INTO consumption VALUES (?, ?, ?, '', ?, ?)",
            [gate.id, os.getpid(), _who(myself()), brief, stamp()],
        )
        tx.execute("UPDATE gate SET state = ? WHERE id = ?", [CONSUMED, gate.id])
        if decision.verdict == "rollback":
            _go_back(tx, gate, decision)
        elif decision.verdict == "stop":
            ending.close(tx, gate.run, "stop")
        elif decision.verdict == "approve" and gate.final:
            ending.close(tx, gate.run, "final")
    return True


def _go_back(tx: Transaction, gate: GateInfo, decision: GateDecision) -> None:
    """A new segment begins; what came after the gate gone back to is marked as abandoned, and stays readable."""
    no, steps = tx.execute("SELECT no, steps FROM run WHERE id = ?", [gate.run])[0]
    target = gate_by_id(tx, decision.to_gate) if decision.to_gate else None
    first, after = (target.last + 1, target.no) if target else (0, 0)
    tx.execute("UPDATE live SET segment = segment + 1 WHERE run = ?", [gate.run])
    tx.execute(
        "UPDATE gate SET undone_by = ? WHERE run = ? AND no > ? AND undone_by IS NULL", [gate.id, gate.run, after]
    )
    ending.void_open(tx, gate.run)
    low, high = base_key(no) + first, base_key(no) + steps - 1
    branch = f"rolled back at {gate.key}"
    sql = "SELECT s.k, s.flags, b.parts FROM step s JOIN body b ON b.k = s.k WHERE s.k BETWEEN ? AND ?"
    for k, flags, parts in tx.execute(sql, [low, high]):
        if flags & Flag.ABANDONED:
            continue
        shape = loads(parts)
        shape["branch"] = branch
        tx.execute("UPDATE step SET flags = ? WHERE k = ?", [flags | int(Flag.ABANDONED), k])
        tx.execute("UPDATE body SET parts = ? WHERE k = ?", [dumps(shape).encode(), k])


#: Gates whose rollback this process is about to finish.
_finishing: set[str] = set()
_lock = threading.Lock()


def _finish_rollback(store: Store, gate: GateInfo, live: LiveRun, decision: GateDecision, hooks: Hooks) -> bool:
    """Restore the workspace, and write the brief that says so; False if somebody else is at it."""
    with _lock:
        if gate.id in _finishing or not _may_finish(store, gate.id):
            return False
        _finishing.add(gate.id)
    try:
        brief, restored = _restored(store, gate, live, decision, hooks)
        with store.write(eager=True) as tx:
            tx.execute("UPDATE consumption SET restored = ?, brief = ? WHERE gate = ?", [restored, brief, gate.id])
    finally:
        _finishing.discard(gate.id)
    return True


def _may_finish(store: Store, gate_id: str) -> bool:
    """Whether the process that took the decision is this one, or dead. Takes the place of a dead one."""
    me = myself()
    with store.write(eager=True) as tx:
        pid, who, brief = tx.execute("SELECT pid, host, brief FROM consumption WHERE gate = ?", [gate_id])[0]
        taker = Process(pid, *who.split("\n"))
        if brief or (taker != me and is_alive(taker) is not False):
            return False
        tx.execute("UPDATE consumption SET pid = ?, host = ? WHERE gate = ?", [me.pid, _who(me), gate_id])
    return True


def _who(process: Process) -> str:
    """A process in one column: when it was started, where, and on which machine."""
    return f"{process.started}\n{process.boot}\n{process.host}"


def _restored(store: Store, gate: GateInfo, live: LiveRun, decision: GateDecision, hooks: Hooks) -> tuple[str, str]:
    """(brief, what was restored)."""
    target = gate_by_id(store, decision.to_gate) if decision.to_gate else None
    asked = Rollback(
        gate.run, gate.id, target.id if target else None, target.snapshot if target else None, live.workspace
    )
    try:
        restored = hooks.restore(asked)
    except Exception as error:  # the agent must hear of it, whatever it is
        reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        restored = f"Files: the workspace could NOT be taken back ({reason[:500]})."
    return brief_for(store, live, gate, decision, restored), restored


def _written(store: Store, gate: GateInfo, decision: GateDecision) -> Answer:
    """The answer as it was written down."""
    brief, at = rows(store, "SELECT brief, at FROM consumption WHERE gate = ?", [gate.id])[0]
    live = live_run(store, gate.run)
    to_gate = None
    if decision.verdict == "rollback":
        target = gate_by_id(store, decision.to_gate) if decision.to_gate else None
        to_gate = target.key if target else START
    return Answer(
        gate.id, gate.name, gate.key, decision.verdict, to_gate, decision.message, brief, decision.edited,
        decision.who, decision.how, decision.payload_sha256, at, live.segment if live else gate.segment,
    )  # fmt: skip
