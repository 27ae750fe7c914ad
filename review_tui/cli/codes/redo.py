"""`review-tui codes redo`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.codes.undo import step
from review_tui.cli.settings import db_option, json_option, reviewer_option


@click.command("redo")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Do what you last took back again."""
    made = step(ctx, as_json, "redo")
    if as_json:
        output.emit("codes-redo", made)
