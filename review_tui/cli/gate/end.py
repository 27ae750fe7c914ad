"""`review-tui gate end RUN`: a live run is over, though its agent did not say so."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, db_option, json_option, settings
from sessions.errors import UserError


@click.command("end")
@click.argument("run", type=WORDS)
@click.option("--yes", is_flag=True, help="Although its agent still runs.")
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, run: str, yes: bool, as_json: bool) -> None:
    """Say that RUN is over: it becomes a run like every other.

    Gates that still wait are void, and nothing is approved by it.
    """
    from sessions.live import clock, ending
    from sessions.live.gates import agent_state, find_live
    from sessions.live.guarding import refuse_agents

    store = settings(ctx).store(ctx)
    refuse_agents(store)
    live = find_live(store, run)
    if live.ended is None and not yes and agent_state(store, live, clock.now()) in ("running", "waiting"):
        raise UserError(f"the agent of {live.name!r} is still there.", "--yes ends the run all the same.")
    ending.end(store, live.run)
    if as_json:
        output.emit("gate-end", {"run": live.name, "run_id": live.run})
    else:
        output.line(f"{live.name} is over.")
