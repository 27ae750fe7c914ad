"""A gate as JSON and in words, for the commands that show one."""

from __future__ import annotations

from typing import Any

from review_tui.cli.output import steps_text
from sessions.live import claims, clock, deciding, holding
from sessions.live.gates import (
    START,
    GateDecision,
    GateInfo,
    LiveRun,
    agent_state,
    checks_of,
    decision_of,
    gate_by_id,
    live_run,
)
from sessions.store import Store


def gate_json(store: Store, gate: GateInfo) -> dict[str, Any]:
    """A gate in a list."""
    live = live_run(store, gate.run)
    found: dict[str, Any] = {
        "id": gate.id, "run": gate.name, "run_id": gate.run, "gate": gate.key, "state": gate.state, "kind": gate.kind,
        "agent": gate.agent, "agent_state": _agent(store, live), "workspace": live.workspace if live else None,
        "opened_at": gate.opened_at, "stage": gate.stage, "segment": gate.segment,
        "steps": {"first": gate.first + 1, "last": gate.last + 1} if gate.has_steps else None,
        "proposed": len(gate.proposed), "final": gate.final, "risk": gate.risk, "reason": gate.reason,
        "needs": gate.needs, "approved_by": deciding.approvals(store, gate.id), "payload_sha256": gate.payload_sha256,
    }  # fmt: skip
    if stage := stage_facts(store, gate):
        found["stage_state"] = stage
    if gate.suggestion is not None:
        found["top_suggestion"] = gate.suggestion
    if holder := claims.holder(store, gate.id):
        found["claimed_by"] = {"who": holder.who, "seconds_left": round(holder.seconds_left(), 1)}
    if held := holding.holding(store, gate.run):
        found["held"] = {"by": held.reviewer, "reason": held.reason, "at": held.at}
    return found


def stage_facts(store: Store, gate: GateInfo) -> dict[str, Any] | None:
    """Where the run stood among its stages, what the gate asks and what is missing; None where there are no stages."""
    for check in checks_of(store, gate.id):
        if facts := check.facts.get("stage"):
            only = check.facts.get("approval", {}).get("only", [])
            return {"at": facts["at"], "to": facts["to"], "missing": facts.get("missing", []), "approvers": only}
    return None


def stage_text(store: Store, gate: GateInfo) -> str:
    """`stage build`, `stage build to test, 2 missing`, "" where there are no stages."""
    facts = stage_facts(store, gate)
    if facts is None:
        return f"stage {gate.stage}" if gate.stage else ""
    move = facts["at"] if facts["at"] == facts["to"] else f"{facts['at']} to {facts['to']}"
    missing = f", {len(facts['missing'])} missing" if facts["missing"] else ""
    return f"stage {move}{missing}"


def _agent(store: Store, live: LiveRun | None) -> str:
    if live is None:
        return "gone"
    return agent_state(store, live, clock.now()) if live.ended is None else "ended"


def decision_json(store: Store, decision: GateDecision) -> dict[str, Any]:
    """What was decided, with keys of gates rather than ids."""
    found: dict[str, Any] = {
        "verdict": decision.verdict, "by": decision.who, "how": decision.how, "message": decision.message,
        "at": decision.at, "event": decision.event, "findings": list(decision.findings),
    }  # fmt: skip
    if decision.to_gate is not None:
        target = gate_by_id(store, decision.to_gate) if decision.to_gate else None
        found["to_gate"] = target.key if target else START
    if decision.edited is not None:
        found["edited"] = decision.edited
    if decision.rule:
        found["rule"] = decision.rule
    return found


def shows(gate: GateInfo) -> str:
    """What a gate shows: `steps 6-10`, `steps 6-10 and 1 proposed call`."""
    parts = [steps_text(gate.first, gate.last)] if gate.has_steps else []
    if gate.proposed:
        parts.append(f"{len(gate.proposed)} proposed call{'s' if len(gate.proposed) > 1 else ''}")
    return " and ".join(parts) or "nothing new"


def state_text(store: Store, gate: GateInfo) -> str:
    """`open`, `open, 1 of 2 approved`, `approve by ann, consumed`."""
    decision = decision_of(store, gate.id)
    if decision is not None:
        return f"{decision.verdict} by {decision.who}, {gate.state}"
    if gate.needs > 1 and gate.state == "open":
        return f"open, {len(deciding.approvals(store, gate.id))} of {gate.needs} approved"
    return gate.state
