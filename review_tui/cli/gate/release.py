"""`review-tui gate release`: end a hold."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, db_option, json_option, reviewer_option, settings
from sessions.errors import UsageError


@click.command("release")
@click.argument("runs", nargs=-1, type=WORDS, metavar="[RUN]...")
@click.option("--all", "everything", is_flag=True, help="Every hold there is.")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, runs: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """End the hold on each RUN (or, with --all, every hold). Gates that wait for a person go on waiting."""
    from labels.glance import check_reviewer
    from sessions.live import holding
    from sessions.live.gates import find_live
    from sessions.live.guarding import refuse_agents

    if everything == bool(runs):
        raise UsageError("say what to release.", "Name runs, or give --all.")
    given = settings(ctx)
    store = given.store(ctx)
    refuse_agents(store)
    who = check_reviewer(given.reviewer_name())
    scopes = [holding.ALL] if everything else [find_live(store, run).run for run in runs]
    released = [item for scope in scopes for item in holding.release(store, scope, who)]
    if as_json:
        output.emit("gate-release", {"released": [item._asdict() for item in released]})
        return
    output.line(f"{output.count(len(released), 'hold')} released.")
    if not everything and any(item.scope == holding.ALL for item in holding.active(store)):
        output.note("every run is still held: `review-tui gate release --all` ends that.")
