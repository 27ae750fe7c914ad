"""`review-tui redo RUN`: do what was last undone again."""

from __future__ import annotations

import click

from review_tui.cli.settings import WORDS, db_option, json_option, reviewer_option
from review_tui.cli.undo import step


@click.command("redo")
@click.argument("run", type=WORDS)
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, run: str, as_json: bool) -> None:
    """Do again what you last took back on RUN. A new decision leaves nothing to redo."""
    step(ctx, run, as_json, "redo")
