"""What the checks would say of a gate, without opening one: nothing is written."""

from __future__ import annotations

from sessions.bodies import StoredStep
from sessions.gate_checks import CheckContext
from sessions.identity import LaterIdentity
from sessions.live.checking import Checked, ask
from sessions.live.gates import live_by_name
from sessions.live.request import GateRequest
from sessions.store import Store
from sessions.writing import flags_of


def preview(store: Store, request: GateRequest, checks: dict[str, str] | None = None) -> Checked:
    """What the checks say of a request as it would be opened now. checks: instead of the installed ones."""
    live = live_by_name(store, request.run)
    found = store.one("SELECT no, steps FROM run WHERE id = ?", [live.run]) if live else None
    no, count = found or (None, 0)
    identity = LaterIdentity(set())
    steps = []
    for place, step in enumerate(request.steps):
        if step.stage is None:
            step.stage = request.stage
        steps.append(StoredStep(count + place, identity.step_id(step), int(flags_of(step)), step))
    rules = tuple(request.rules or (live.rules if live else ()))
    return ask(
        CheckContext(
            store=store, run=live.run if live else None, no=no, name=request.run, gate=request.gate,
            agent=request.agent, task=request.task, rules=rules, workspace=request.workspace, first=count, steps=steps,
            proposed=list(request.proposed), stage=request.stage, final=request.final,
            segment=live.segment if live else 0,
        ),
        checks,
    )  # fmt: skip
