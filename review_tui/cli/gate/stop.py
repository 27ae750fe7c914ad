"""`review-tui gate stop`: hold runs at their next gate."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, db_option, json_option, reviewer_option, settings
from sessions.errors import UsageError


@click.command("stop")
@click.argument("runs", nargs=-1, type=WORDS, metavar="[RUN]...")
@click.option("--all", "everything", is_flag=True, help="Every run, those too that begin later.")
@click.option("--reason", default="", type=WORDS, metavar="TEXT", help="For the other reviewers.")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, runs: tuple[str, ...], everything: bool, reason: str, as_json: bool) -> None:
    """Hold each RUN at its next gate: no policy decides there for people, until `gate release`. What a person decides
    meanwhile goes through. An agent between two gates is not interrupted."""
    from labels.events import os_user
    from labels.glance import check_reviewer
    from sessions.live import holding
    from sessions.live.gates import find_live

    if everything == bool(runs):
        raise UsageError("say what to hold.", "Name runs, or give --all.")
    given = settings(ctx)
    store = given.store(ctx, create=everything)
    who = check_reviewer(given.reviewer_name())
    scopes = [holding.ALL] if everything else [find_live(store, run).run for run in runs]
    held = [holding.hold(store, scope, who, os_user(), reason) for scope in scopes]
    if as_json:
        output.emit("gate-stop", {"holds": [item._asdict() for item in held]})
        return
    what = "every run" if everything else output.count(len(held), "run")
    output.line(f"{what} held: no policy decides at gates until `review-tui gate release`.")
