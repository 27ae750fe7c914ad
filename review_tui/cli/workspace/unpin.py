"""`review-tui workspace unpin RUN`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli.settings import WORDS, db_option, json_option
from review_tui.cli.workspace.common import store_option
from review_tui.cli.workspace.pin import pin


@click.command("unpin")
@click.argument("run", type=WORDS)
@store_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, run: str, store: Path | None, as_json: bool) -> None:
    """RUN is finished: its snapshots may go when the store outgrows its budget, the oldest first."""
    pin(ctx, run, store, as_json, pinned=False)
