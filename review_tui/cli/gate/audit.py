"""`review-tui gate audit`: look afterwards at a share of what policy approved."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, db_option, json_option, reviewer_option, settings
from sessions.errors import UsageError


@click.command("audit")
@click.argument("gate", required=False, type=WORDS)
@click.option(
    "--verdict", type=click.Choice(("approve", "rollback", "reject", "stop")), help="What you would have said."
)
@click.option("--note", default="", type=WORDS, metavar="TEXT", help="Why.")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, gate: str | None, verdict: str | None, note: str, as_json: bool) -> None:
    """List the gates that policy approved and that are drawn to be looked at by a person, or say of GATE (any that
    policy decided) what you would have said. The agent has acted on it by then: this is for the record, and for the
    policy."""
    from labels.policies import audit
    from review_tui.cli.gate.describe import gate_json, shows
    from sessions.live.gates import decision_of, find_gate
    from sessions.live.guarding import refuse_agents

    if (gate is None) != (verdict is None):
        raise UsageError("a GATE and a --verdict go together.", "Without both, what is due is listed.")
    given = settings(ctx)
    store = given.store(ctx)
    if gate is not None and verdict is not None:
        refuse_agents(store)
        found = find_gate(store, gate)
        event = audit.record(store, given.reviewer_name(), found, verdict, note)
        if as_json:
            output.emit("gate-audit", {"id": found.id, "event": event.id, "verdict": verdict})
        else:
            output.line(f"recorded for {given.reviewer_name()}: {verdict} at {found.name}/{found.key}.")
        return
    due = audit.due(store)
    if as_json:
        output.emit("gate-audit", {"gates": [gate_json(store, item) for item in due]})
    elif not due:
        output.note("nothing is due: of what policy approved, a person has looked at every gate that was drawn.")
    else:
        made = [(item, decision_of(store, item.id)) for item in due]
        rows = [
            (item.id, f"{item.name}/{item.key}", item.agent, shows(item), f"by {by.rule}") for item, by in made if by
        ]
        output.table(rows)
