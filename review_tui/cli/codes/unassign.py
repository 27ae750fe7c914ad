"""`review-tui codes unassign CODE NOTE...`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.codes.common import opened
from review_tui.cli.settings import WORDS, db_option, json_option, reviewer_option


@click.command("unassign")
@click.argument("code", type=WORDS)
@click.argument("notes", nargs=-1, required=True, type=WORDS, metavar="NOTE...")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, code: str, notes: tuple[str, ...], as_json: bool) -> None:
    """Take a code from notes; the code stays, even without any."""
    _, board, coder = opened(ctx)
    found = board.code(code)
    chosen = [board.note(text) for text in notes]
    coder.unassign(found.id, [note.key for note in chosen])
    if as_json:
        output.emit("codes-unassign", {"code": found.id, "name": found.name, "notes": [note.id for note in chosen]})
        return
    output.line(f"{found.name}: taken from {output.count(len(chosen), 'note')}")
