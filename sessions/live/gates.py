"""The rows of live runs and gates, as reviewers, agents and adapters read them."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from sessions.errors import UserError
from sessions.gate_checks import CheckResult
from sessions.jsontext import dumps
from sessions.live.clock import Moment, elapsed
from sessions.live.process import Process, is_alive
from sessions.store import Row, Store, Transaction

OPEN, DECIDED, CONSUMED, VOID = "open", "decided", "consumed", "void"
#: `--to START`, and "to_gate" in the answer, where a rollback goes back to before the first step.
START = "start"
#: How the names begin under which policies stand in the ledger.
POLICY_PREFIX = "policy:"
#: Fewest characters by which a gate's id may be abbreviated.
ID_PREFIX = 4
#: An agent that cannot be seen from here and gave no sign of life for so many seconds is called silent.
SILENT_S = 60.0


class LiveRun(NamedTuple):
    """A live run. run: its id in the store; name: the agent's own. rules: constraints, word for word. can: what the
    adapter can do. segment: how often it was rolled back. ended: None while it runs, else `final`, `stop` or `closed`.
    beat: the last sign of life."""

    run: str
    name: str
    agent: str
    rules: tuple[str, ...]
    workspace: str | None
    can: tuple[str, ...]
    segment: int
    ended: str | None
    at: str
    beat: Moment


class GateInfo(NamedTuple):
    """A gate. no: order of opening. id: unique everywhere; key: the agent's own name of it. run: the run's id;
    name: the agent's name of the run. kind: `chunk`, `tool` (proposed calls, no new steps), `stage` or `final`.

    state: `open`, `decided`, `consumed` (the agent has the decision) or `void` (nobody waits for one any more).
    first, last: indices of the steps since the last gate; last < first where there are none. chunk: the id decisions on
    it are recorded under. proposed: calls about to be made, as JSON. needs: how many people must approve.
    risk: 0 to 1, reason: of the gate's checks. suggestion: the one most worth a look, as JSON. snapshot: id, None where
    there is none; snapshot_facts: what else is known of it (`failed`, what is not covered). undone_by: id of the gate
    whose rollback undid this one's steps.
    """

    no: int
    id: str
    run: str
    name: str
    agent: str
    key: str
    segment: int
    kind: str
    state: str
    first: int
    last: int
    chunk: str
    stage: str | None
    proposed: list[Any]
    final: bool
    payload_sha256: str
    needs: int
    risk: float
    reason: str
    suggestion: Any
    snapshot: str | None
    snapshot_facts: dict[str, Any]
    undone_by: str | None
    opened_at: str

    @property
    def has_steps(self) -> bool:
        return self.last >= self.first


class GateDecision(NamedTuple):
    """What holds of a gate. event: the ledger's event (`origin:seq`). to_gate: id of the gate that a rollback goes back
    to, "" for the beginning, None otherwise. message: to the agent. edited: the proposed calls as they may run, None if
    unchanged. findings: what the reviewers labelled, one line each. who: reviewer(s). how: `person` or `policy`;
    rule: the policy's rule."""

    gate: str
    event: str
    verdict: str
    to_gate: str | None
    message: str
    edited: list[Any] | None
    findings: tuple[str, ...]
    who: str
    how: str
    rule: str
    payload_sha256: str
    at: str


class Check(NamedTuple):
    """What a check said when the gate was opened. data: its suggestions, as JSON. facts: what else it keeps there."""

    name: str
    rule: str
    action: str
    reason: str
    risk: float
    data: list[Any]
    facts: dict[str, Any]


Source = Store | Transaction
_LIVE = "SELECT run, name, agent, rules, workspace, can, segment, ended, at, beat_wall, beat_ticks, beat_boot FROM live"
_GATE = (
    "SELECT g.no, g.id, g.run, l.name, l.agent, g.gate_key, g.segment, g.kind, g.state, g.first_index, g.last_index,"
    " g.chunk, g.stage, g.proposed, g.final, g.payload_sha256, g.needs, g.risk, g.reason, g.suggestion, g.snapshot,"
    " g.snapshot_facts, g.undone_by, g.opened_at FROM gate g JOIN live l ON l.run = g.run"
)
_DECISION = (
    "SELECT d.gate, d.event, d.verdict, d.to_gate, d.message, d.edited, d.findings, d.who, d.how, d.rule,"
    " d.payload_sha256, d.at FROM gate_decision d"
)


def rows(source: Source, sql: str, params: list[Any]) -> list[Row]:
    """All rows, from the store or inside a transaction."""
    return source.query(sql, params) if isinstance(source, Store) else source.execute(sql, params)


# -- runs ---------------------------------------------------------------------------------------------------------


def live_by_name(source: Source, name: str) -> LiveRun | None:
    """The live run that its agent calls so."""
    found = rows(source, f"{_LIVE} WHERE name = ?", [name])
    return _live(found[0]) if found else None


def live_run(source: Source, run: str) -> LiveRun | None:
    """The live run with this id."""
    found = rows(source, f"{_LIVE} WHERE run = ?", [run])
    return _live(found[0]) if found else None


def live_runs(source: Source, *, ended: bool = False) -> list[LiveRun]:
    """Live runs; with `ended`, those that are over too."""
    return [_live(row) for row in rows(source, _LIVE if ended else f"{_LIVE} WHERE ended IS NULL", [])]


def find_live(store: Store, text: str) -> LiveRun:
    """The live run a person means: by the agent's name of it, or as `catalog.find_run` finds it. Raises UserError."""
    from sessions import catalog  # costs more than a gate without need of it does

    if found := live_by_name(store, text):
        return found
    if found := live_run(store, catalog.find_run(store, text).id):
        return found
    raise UserError(f"the run {text!r} is recorded, not live.", "`review-tui gate list --all` shows those with gates.")


def _live(row: Row) -> LiveRun:
    run, name, agent, rules, workspace, can, segment, ended, at, wall, ticks, boot = row
    beat = Moment(wall, ticks, boot)
    return LiveRun(
        run, name, agent, tuple(orjson.loads(rules)), workspace, tuple(orjson.loads(can)), segment, ended, at, beat
    )


def processes(source: Source, run: str) -> list[Process]:
    """The processes that are known to be a live run's agent."""
    sql = "SELECT pid, started, boot, host FROM live_process WHERE run = ?"
    return [Process(*row) for row in rows(source, sql, [run])]


def agent_state(source: Source, live: LiveRun, moment: Moment) -> str:
    """`running`, `dead`, or where that cannot be seen from here `waiting` (a sign of life lately) or `silent`."""
    seen = [is_alive(item) for item in processes(source, live.run)]
    if any(seen):
        return "running"
    if seen and None not in seen:
        return "dead"
    return "waiting" if elapsed(live.beat, moment) <= SILENT_S else "silent"


# -- gates --------------------------------------------------------------------------------------------------------


def gate_by_id(source: Source, id: str) -> GateInfo | None:
    found = rows(source, f"{_GATE} WHERE g.id = ?", [id])
    return _gate(found[0]) if found else None


def gates_of(source: Source, run: str, key: str | None = None) -> list[GateInfo]:
    """All gates of a run, or those with this key, in the order of opening."""
    if key is not None:
        return [
            _gate(row) for row in rows(source, f"{_GATE} WHERE g.run = ? AND g.gate_key = ? ORDER BY g.no", [run, key])
        ]
    return [_gate(row) for row in rows(source, f"{_GATE} WHERE g.run = ? ORDER BY g.no", [run])]


def policy_name(rule: str) -> str:
    """Who stands in the ledger where a rule decided: never the name of a person."""
    return f"{POLICY_PREFIX}{rule}"[:80]


def gate_state(source: Source, id: str) -> str | None:
    """The state of a gate, quickly; None if there is none."""
    found = rows(source, "SELECT state FROM gate WHERE id = ?", [id])
    return found[0][0] if found else None


def waiting(source: Source) -> list[GateInfo]:
    """Gates that somebody has yet to decide on, or the agent to hear of: riskiest first, among equals the newest."""
    sql = f"{_GATE} WHERE g.state IN (?, ?) ORDER BY g.risk DESC, g.no DESC"
    return [_gate(row) for row in rows(source, sql, [OPEN, DECIDED])]


def any_open(source: Source) -> bool:
    """Whether any gate is open: cheap, for the start."""
    return bool(rows(source, "SELECT 1 FROM gate WHERE state = 'open' LIMIT 1", []))


def any_by_policy(source: Source) -> bool:
    """Whether a policy has ever decided on a gate."""
    return bool(rows(source, "SELECT 1 FROM gate_decision WHERE how = 'policy' LIMIT 1", []))


def every(source: Source) -> list[GateInfo]:
    """All gates, riskiest first, among equals the newest."""
    return [_gate(row) for row in rows(source, f"{_GATE} ORDER BY g.risk DESC, g.no DESC", [])]


def find_gate(store: Store, text: str) -> GateInfo:
    """The gate a person means: by id (or its beginning), `RUN/GATE`, or the agent's name of it where that is one only.

    Of gates with one name the newest is meant, or the one that waits. Raises UserError if none or several fit.
    """
    found = rows(store, f"{_GATE} WHERE g.id = ?", [text]) or _abbreviated(store, text) or _by_names(store, text)
    if not found:
        raise UserError(f"there is no gate {text!r}.", "`review-tui gate list` shows those that wait.")
    gates = [_gate(row) for row in found]
    newest = {(gate.run, gate.key): gate for gate in sorted(gates, key=lambda gate: gate.no)}
    if len(newest) > 1:
        waits = {name: gate for name, gate in newest.items() if gate.state in (OPEN, DECIDED)}
        newest = waits if len(waits) == 1 else newest
    if len(newest) > 1:
        some = ", ".join(f"{gate.id} ({gate.name}/{gate.key})" for gate in list(newest.values())[:4])
        raise UserError(f"{text!r} could be {len(newest)} gates: {some}.", "Use an id.")
    return next(iter(newest.values()))


def _abbreviated(store: Store, text: str) -> list[Row]:
    if len(text) < ID_PREFIX or not all(letter in "0123456789abcdef" for letter in text):
        return []
    return rows(store, f"{_GATE} WHERE g.id >= ? AND g.id < ?", [text, f"{text}g"])


def _by_names(store: Store, text: str) -> list[Row]:
    found = rows(store, f"{_GATE} WHERE g.gate_key = ?", [text])
    for place, letter in enumerate(text):
        if letter == "/":  # either name may hold one
            found += rows(store, f"{_GATE} WHERE l.name = ? AND g.gate_key = ?", [text[:place], text[place + 1 :]])
    return found


def _gate(row: Row) -> GateInfo:
    values = list(row)
    values[13], values[14] = orjson.loads(values[13]), bool(values[14])
    values[19] = orjson.loads(values[19]) if values[19] is not None else None
    values[21] = orjson.loads(values[21])
    return GateInfo(*values)


def decision_of(source: Source, gate: str) -> GateDecision | None:
    """What was decided on a gate; None while nothing holds."""
    found = rows(source, f"{_DECISION} WHERE d.gate = ?", [gate])
    return _decision(found[0]) if found else None


def _decision(row: Row) -> GateDecision:
    values = list(row)
    values[5] = orjson.loads(values[5]) if values[5] is not None else None
    values[6] = tuple(orjson.loads(values[6]))
    return GateDecision(*values)


def checks_of(source: Source, gate: str) -> list[Check]:
    """What the checks said, in their order."""
    sql = "SELECT name, rule, action, reason, risk, data FROM gate_check WHERE gate = ? ORDER BY place"
    return [
        Check(name, rule, action, reason, risk, *_parted(orjson.loads(data)))
        for name, rule, action, reason, risk, data in rows(source, sql, [gate])
    ]


def _parted(data: Any) -> tuple[list[Any], dict[str, Any]]:
    return (data["suggestions"], data["facts"]) if isinstance(data, dict) else (data, {})


def check_data(said: CheckResult) -> str:
    """A result's suggestions and facts as they are kept: a list where there are only the first."""
    found = list(said.suggestions)
    return dumps(found if said.facts is None else {"suggestions": found, "facts": dict(said.facts)})


def attach_snapshot(tx: Transaction, gate: str, snapshot: str | None, facts: dict[str, Any]) -> None:
    """Note the snapshot of the workspace at a gate. facts: JSON; `failed` says why there is none, and a rollback to
    this gate is refused then."""
    tx.execute(
        "UPDATE gate SET snapshot = ?, snapshot_facts = ? WHERE id = ?",
        [snapshot, orjson.dumps(facts).decode(), gate],
    )
