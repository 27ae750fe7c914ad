"""`review-tui gate list`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.settings import db_option, json_option, settings


@click.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are done with too.")
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, everything: bool, as_json: bool) -> None:
    """List the gates that wait for a decision, or whose agent has not asked for it yet: riskiest first, then newest."""
    from review_tui.cli.gate.describe import gate_json, shows, stage_text, state_text
    from sessions.live import ending, gates

    store = settings(ctx).store(ctx)
    if not store.read_only:
        ending.complete_all(store)
    found = gates.every(store) if everything else gates.waiting(store)
    if as_json:
        output.emit("gate-list", {"gates": [gate_json(store, gate) for gate in found]})
        return
    if not found:
        output.note("no gate waits." if not everything else "no run was gated yet.")
        return
    rows = []
    for gate in found:
        name = f"{gate.name}/{gate.key}"
        what = ", ".join(part for part in (shows(gate), stage_text(store, gate)) if part)
        rows.append((gate.id, f"{gate.risk:.2f}", name, gate.agent, what, state_text(store, gate), gate.reason))
    output.table(rows)
