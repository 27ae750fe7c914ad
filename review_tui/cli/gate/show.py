"""`review-tui gate show GATE`."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, db_option, json_option, settings

if TYPE_CHECKING:
    from sessions.live.gates import GateInfo
    from sessions.store import Store


@click.command("show")
@click.argument("gate", type=WORDS)
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, gate: str, as_json: bool) -> None:
    """Print GATE as plain text: its steps, the proposed calls, what the checks said, and what was decided."""
    from sessions.live.gates import find_gate

    store = settings(ctx).store(ctx)
    found = find_gate(store, gate)
    if as_json:
        output.emit("gate-show", _as_json(store, found))
    else:
        _print(store, found)


def _as_json(store: Store, gate: GateInfo) -> dict[str, Any]:
    from review_tui.cli.gate.describe import decision_json, gate_json
    from sessions.live import deciding
    from sessions.live.gates import START, checks_of, decision_of
    from sessions.live.request import part_json

    decision = decision_of(store, gate.id)
    checks = [
        {"check": item.name, "rule": item.rule, "action": item.action, "reason": item.reason, "risk": item.risk,
         "suggestions": item.data}
        for item in checks_of(store, gate.id)
    ]  # fmt: skip
    steps = [
        {"step": stored.id, "step_number": stored.number, "step_index": stored.index, "actor": stored.step.actor,
         "role": stored.step.role, "parts": [part_json(part) for part in stored.step.parts]}
        for stored in _steps(store, gate)
    ]  # fmt: skip
    return {
        **gate_json(store, gate),
        "proposed_calls": gate.proposed,
        "step_list": steps,
        "checks": checks,
        "rollback_to": [*(item.key for item in deciding.rollback_targets(store, gate)), START],
        "snapshot": gate.snapshot,
        "snapshot_facts": gate.snapshot_facts,
        "decision": decision_json(store, decision) if decision else None,
    }


def _steps(store: Store, gate: GateInfo) -> list[Any]:
    from sessions import catalog

    run = catalog.run_by_id(store, gate.run)
    if run is None or not gate.has_steps:
        return []
    with closing(catalog.steps(store, run.no, gate.first, gate.last)) as steps:  # type: ignore[type-var]
        return list(steps)


def _print(store: Store, gate: GateInfo) -> None:
    from review_tui.cli.gate.describe import shows, stage_facts, stage_text, state_text
    from sessions.live import deciding
    from sessions.live.gates import START, checks_of

    output.line(f"gate {gate.id}  {gate.name}/{gate.key}  {state_text(store, gate)}")
    output.line(f"{gate.agent}, {gate.kind}, {shows(gate)}, opened {gate.opened_at[:19]} UTC")
    if stage := stage_text(store, gate):
        output.line(stage)
    for reason in (stage_facts(store, gate) or {}).get("missing", []):
        output.line(f"  missing: {reason}")
    for item in checks_of(store, gate.id):
        output.line(f"check {item.name}: {item.action} by {item.rule}, risk {item.risk:.2f}. {item.reason}")
    for stored in _steps(store, gate):
        output.line()
        output.line(f"{stored.number} {stored.step.actor}")
        for part in stored.step.parts:
            output.line(f"  [{part.kind}{f' {part.name}' if part.name else ''}]")
            output.block(part.text, "    ")
    for call in gate.proposed:
        output.line()
        output.line(f"proposed: {call.get('name') or 'a call'}")
        output.block(output.as_json(call.get("arguments", {})), "    ")
    output.line()
    output.line(f"rollback to: {', '.join([*(item.key for item in deciding.rollback_targets(store, gate)), START])}")
