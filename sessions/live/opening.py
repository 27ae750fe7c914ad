"""Opening a gate: the agent's steps become steps of a run in the store, the checks are asked, and the gate is there.

It is an upsert on (run, gate key): who asks again for the same gets what there is. All rows of a gate are written in
one transaction, so it is there whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import NamedTuple

import orjson

from sessions.bodies import StoredStep
from sessions.errors import UsageError, UserError
from sessions.gate_checks import CheckContext, CheckResult
from sessions.identity import LaterIdentity, chunk_id
from sessions.jsontext import dumps
from sessions.keys import key_range
from sessions.live import clock, runs
from sessions.live.checking import FAILED, Checked, ask, together
from sessions.live.deciding import Vote, cast_vote
from sessions.live.gates import (
    OPEN,
    GateInfo,
    LiveRun,
    Source,
    check_data,
    gate_by_id,
    gates_of,
    live_by_name,
    policy_name,
    rows,
)
from sessions.live.holding import holding
from sessions.live.hooks import NO_HOOKS, Hooks, Opening, Snapshot
from sessions.live.process import Process
from sessions.live.request import GateRequest, part_json
from sessions.live.telling import tell
from sessions.store import Store, Transaction
from sessions.writing import Batch, StepRows

#: Writes the ledger's event of a policy's decision: name -> "module:function", in the same transaction.
RECORDERS = "review_tui.gate_recorder"
Recorder = Callable[[Transaction, GateInfo, CheckResult], str]


def open_gate(
    store: Store,
    request: GateRequest,
    *,
    agent: Process | None = None,
    hooks: Hooks = NO_HOOKS,
    checks: dict[str, str] | None = None,
) -> GateInfo:
    """Open a gate, or find the one that was opened before.

    agent: the process that is the agent's, if known. checks: instead of the installed ones (name -> "module:function").
    Raises UsageError if the gate was opened with another content, UserError if the run is over or was rolled back.
    """
    if found := find_open(store, request):
        runs.sign_of_life(store, found.run, request, agent)
        return found
    while True:
        live = live_by_name(store, request.run) or runs.begin(store, request)
        prepared = _prepare(store, live, request)
        checked = _asked(store, live, prepared, request, checks)
        identity = os.urandom(8).hex()
        snapshot = _snapshot(hooks, live, identity, request)
        new = _New(identity, checked, snapshot)
        gate = _write(store, request, prepared, new, agent)
        if gate is not None:
            if gate.id == identity:
                tell(store, gate)
            return gate


def find_open(source: Source, request: GateRequest) -> GateInfo | None:
    """The gate that was opened with this very request before, None if it is new. Raises as `open_gate` does."""
    live = live_by_name(source, request.run)
    if live is None:
        return None
    named = gates_of(source, live.run, request.gate)
    for gate in named[::-1]:
        if gate.payload_sha256 == request.sha256 and request.segment in (None, gate.segment):
            return gate
    if any(gate.segment == live.segment for gate in named):
        raise UsageError(
            f"gate {request.gate!r} of run {request.run!r} was opened with another content before.",
            "A gate is asked again with what it was opened with; name a new one otherwise.",
        )
    if live.ended is not None:
        how = {"final": "has ended", "stop": "was stopped"}.get(live.ended, "was closed")
        raise UserError(f"the run {request.run!r} {how}.", "A new run needs a new name.")
    if request.segment not in (None, live.segment):
        raise UserError(
            f"the run {request.run!r} was rolled back {live.segment} times, and this agent knows of {request.segment}.",
            "Ask for the gate before again: its answer says what to do.",
        )
    return None


# -- preparing ----------------------------------------------------------------------------------------------------


class _Prepared(NamedTuple):
    """A gate's steps, as rows and as what the checks see. no: of the run; first: how many steps it had."""

    no: int
    first: int
    rows: StepRows
    batch: Batch
    steps: list[StoredStep]

    @property
    def last(self) -> int:
        return self.first + len(self.steps) - 1


class _New(NamedTuple):
    """What is known of a gate before it is written."""

    id: str
    checked: Checked
    snapshot: Snapshot


def _prepare(store: Store, live: LiveRun, request: GateRequest) -> _Prepared:
    no, count, chars, errors, actors = store.query(
        "SELECT no, steps, chars, errors, actors FROM run WHERE id = ?", [live.run]
    )[0]
    known = LaterIdentity(_known_ids(store, no, count))
    made = StepRows(no, known, count=count, chars=chars, errors=errors, actors=orjson.loads(actors))
    for step in request.steps:
        if step.stage is None:
            step.stage = request.stage
        made.add(step)
    batch = made.take()
    steps = [
        StoredStep(count + place, row[1], row[4], step)
        for place, (row, step) in enumerate(zip(batch.steps, request.steps, strict=True))
    ]
    return _Prepared(no, count, made, batch, steps)


#: The step ids of runs that this process has opened gates of: (database, number of the run) -> ids.
_IDS: dict[tuple[str, int], set[str]] = {}
_MOST_IDS = 64


def _known_ids(store: Store, no: int, count: int) -> set[str]:
    """The ids of a run's steps. A set that is not as long as the run has steps is of another time, and read anew."""
    key = (str(store.path), no)
    known = _IDS.get(key, set())
    if len(known) != count:
        if len(_IDS) >= _MOST_IDS:
            _IDS.clear()
        known = {row[0] for row in store.query("SELECT id FROM step WHERE k BETWEEN ? AND ?", key_range(no))}
        _IDS[key] = known
    return known


def _asked(
    store: Store, live: LiveRun, prepared: _Prepared, request: GateRequest, checks: dict[str, str] | None
) -> Checked:
    return ask(
        CheckContext(
            store=store, run=live.run, no=prepared.no, name=request.run, gate=request.gate, agent=request.agent,
            task=request.task, rules=tuple(request.rules or live.rules), workspace=request.workspace,
            first=prepared.first, steps=prepared.steps, proposed=list(request.proposed), stage=request.stage,
            final=request.final, segment=live.segment,
        ),
        checks,
    )  # fmt: skip


def _snapshot(hooks: Hooks, live: LiveRun, id: str, request: GateRequest) -> Snapshot:
    try:
        return hooks.snapshot(Opening(live.run, id, request.gate, request.workspace))
    except Exception as error:  # the gate opens all the same; nobody can roll back to it
        reason = error.message if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        return Snapshot(None, {"failed": reason[:500]})


# -- writing ------------------------------------------------------------------------------------------------------


def _write(
    store: Store, request: GateRequest, prepared: _Prepared, new: _New, agent: Process | None
) -> GateInfo | None:
    """Write the gate with its steps; None if the run has moved on meanwhile.

    A policy's decision that cannot be recorded in the ledger is not made: a person decides then.
    """
    if new.checked.verdict is None:
        return _try_to_write(store, request, prepared, new, agent, None)
    try:
        recorder = _recorder()
        return _try_to_write(store, request, prepared, new, agent, recorder)
    except Exception as error:  # of what records, which is not ours; what is wrong with the database shows again below
        why = f"{type(error).__name__}: {error}"[:200]
        return _try_to_write(store, request, prepared, _undecided(new, why), agent, None)


def _undecided(new: _New, why: str) -> _New:
    held = CheckResult(FAILED, "hold", f"a policy's decision could not be recorded ({why}).", risk=1.0)
    return _New(new.id, together([*new.checked.results, ("ledger", held)]), new.snapshot)


def _try_to_write(
    store: Store,
    request: GateRequest,
    prepared: _Prepared,
    new: _New,
    agent: Process | None,
    recorder: Recorder | None,
) -> GateInfo | None:
    # A gate that a power cut takes is opened again by its agent; a decision must be on the disk.
    with store.write("FULL" if recorder else "NORMAL", eager=True) as tx:
        if found := find_open(tx, request):
            return found
        live = live_by_name(tx, request.run)
        if live is None or tx.execute("SELECT steps FROM run WHERE id = ?", [live.run]) != [(prepared.first,)]:
            return None
        _append(tx, prepared)
        _insert_gate(tx, live, request, prepared, new)
        _insert_checks(tx, new)
        runs.seen(tx, live.run, request, agent)
        gate = gate_by_id(tx, new.id)
        assert gate is not None
        verdict = new.checked.verdict
        if verdict is not None and recorder is not None and holding(tx, live.run) is None:
            event = recorder(tx, gate, verdict)
            cast_vote(tx, _policy_vote(gate, verdict), event)
            gate = gate_by_id(tx, new.id)
    _IDS.get((str(store.path), prepared.no), set()).update(stored.id for stored in prepared.steps)
    return gate


def _append(tx: Transaction, prepared: _Prepared) -> None:
    if not prepared.steps:
        return
    prepared.batch.insert(tx)
    made = prepared.rows
    tx.execute(
        "UPDATE run SET steps = ?, chars = ?, errors = ?, actors = ? WHERE no = ?",
        [made.count, made.chars, made.errors, dumps(list(made.actors)), prepared.no],
    )


def _insert_gate(tx: Transaction, live: LiveRun, request: GateRequest, prepared: _Prepared, new: _New) -> None:
    steps = prepared.steps
    chunk = chunk_id(steps[0].id, steps[-1].id) if steps else chunk_id("gate", new.id)
    checked = new.checked
    tx.execute(
        "INSERT INTO gate (id, run, gate_key, segment, kind, state, first_index, last_index, chunk, stage, proposed,"
        " final, payload_sha256, needs, risk, reason, suggestion, snapshot, snapshot_facts, opened_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            new.id, live.run, request.gate, live.segment, _kind(tx, live, request), OPEN, prepared.first, prepared.last,
            chunk, request.stage, dumps([part_json(part) for part in request.proposed]), int(request.final),
            request.sha256, checked.needs, float(checked.risk), checked.reason,
            dumps(checked.suggestion) if checked.suggestion is not None else None,
            new.snapshot.id, dumps(new.snapshot.facts or {}), clock.stamp(),
        ],
    )  # fmt: skip


def _kind(tx: Transaction, live: LiveRun, request: GateRequest) -> str:
    if request.final:
        return "final"
    if request.proposed and not request.steps:
        return "tool"
    before = rows(tx, "SELECT stage FROM gate WHERE run = ? ORDER BY no DESC LIMIT 1", [live.run])
    return "stage" if before and before[0][0] != request.stage else "chunk"


def _insert_checks(tx: Transaction, new: _New) -> None:
    tx.many(
        "INSERT INTO gate_check VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (new.id, place, name, said.rule, said.action, said.reason, float(said.risk), check_data(said))
            for place, (name, said) in enumerate(new.checked.results)
        ],
    )


def _policy_vote(gate: GateInfo, said: CheckResult) -> Vote:
    return Vote(
        gate.id, policy_name(said.rule), said.action, message=said.message, how="policy", rule=said.rule,
        payload_sha256=gate.payload_sha256,
    )  # fmt: skip


@cache
def _recorder() -> Recorder:
    """What writes policies' decisions into the ledger. Raises LookupError where nothing is installed that does."""
    from importlib.metadata import entry_points

    for point in entry_points(group=RECORDERS):
        module, _, attribute = point.value.partition(":")
        function: Recorder = getattr(import_module(module), attribute)
        return function
    raise LookupError(f"nothing is installed under {RECORDERS}")
