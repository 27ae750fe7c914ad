"""`review-tui codes split CODE NAME NOTE...`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.codes.common import opened
from review_tui.cli.settings import WORDS, db_option, json_option, reviewer_option


@click.command("split")
@click.argument("code", type=WORDS)
@click.argument("name", type=WORDS)
@click.argument("notes", nargs=-1, required=True, type=WORDS, metavar="NOTE...")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, code: str, name: str, notes: tuple[str, ...], as_json: bool) -> None:
    """Let some NOTEs of CODE have a new code called NAME instead; the others keep theirs."""
    _, board, coder = opened(ctx)
    found = board.code(code)
    chosen = [board.note(text) for text in notes]
    made = coder.split(found.id, name, [note.key for note in chosen])
    if as_json:
        moved = {"code": made.id, "name": made.name, "notes": [note.id for note in chosen]}
        output.emit("codes-split", {"from": {"code": found.id, "name": found.name}, **moved})
        return
    left = len(found.notes) - len(made.notes)
    output.line(f"{made.name}: {output.count(len(made.notes), 'note')}; {found.name} keeps {left}")
