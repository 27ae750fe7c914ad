"""`review-tui adjudicate redo RUN`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.adjudicate.undo import step
from review_tui.cli.settings import WORDS, db_option, json_option, reviewer_option


@click.command("redo")
@click.argument("run", type=WORDS)
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, run: str, as_json: bool) -> None:
    """Do the adjudication on RUN that you last took back again."""
    made = step(ctx, run, as_json, "redo")
    if as_json:
        output.emit("adjudicate-redo", made)
