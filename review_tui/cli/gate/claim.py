"""`review-tui gate claim GATE`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, db_option, json_option, reviewer_option, settings


@click.command("claim")
@click.argument("gate", type=WORDS)
@click.option("--seconds", type=click.FloatRange(1, 86_400), default=120.0, show_default=True, help="How long.")
@click.option("--give-back", is_flag=True, help="Give it back instead.")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, gate: str, seconds: float, give_back: bool, as_json: bool) -> None:
    """Say that you are at GATE, so that others take another one; say it again to go on.

    A claim ends by itself, and deciding needs none.
    """
    from labels.events import os_user
    from labels.glance import check_reviewer
    from sessions.live import claims
    from sessions.live.gates import find_gate

    given = settings(ctx)
    store = given.store(ctx)
    who = check_reviewer(given.reviewer_name())
    found = find_gate(store, gate)
    if give_back:
        claims.release(store, found.id, who)
    else:
        claims.claim(store, found.id, who, os_user(), seconds=seconds)
    if as_json:
        holder = None if give_back else {"who": who, "seconds_left": seconds}
        output.emit("gate-claim", {"id": found.id, "claimed_by": holder})
    else:
        output.line(f"{found.name}/{found.key}: {'given back' if give_back else f'yours for {seconds:g} s'}")
