"""`review-tui codes history [CODE]`."""

from __future__ import annotations

from dataclasses import asdict

import click

from review_tui.cli import output
from review_tui.cli.codes.common import opened
from review_tui.cli.settings import WORDS, db_option, json_option, reviewer_option


@click.command("history")
@click.argument("code", required=False, type=WORDS, metavar="[CODE]")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, code: str | None, as_json: bool) -> None:
    """Tell what became of the codes, or of CODE and all that was merged into it. What was undone is left out."""
    from labels.coding.history import history

    _, board, _ = opened(ctx)
    found = history(board, None if code is None else board.code(code))
    if as_json:
        output.emit("codes-history", {"acts": [asdict(item) for item in found]})
        return
    for item in found:
        output.line(f"{item.at[:16].replace('T', ' ')}  {item.by}  {item.words}")
    if not found:
        output.note("nothing was said of codes yet.")
