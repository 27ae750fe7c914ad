"""`review-tui codes merge CODE... INTO`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.codes.common import opened
from review_tui.cli.settings import WORDS, db_option, json_option, reviewer_option


@click.command("merge")
@click.argument("codes", nargs=-1, required=True, type=WORDS, metavar="CODE...")
@click.argument("into", type=WORDS)
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, codes: tuple[str, ...], into: str, as_json: bool) -> None:
    """Make codes part of INTO: their notes count for it, and their names stay known. `codes undo` parts them again."""
    _, board, coder = opened(ctx)
    target = board.code(into)
    parts = [board.code(text) for text in codes]
    made = coder.merge([part.id for part in parts], target.id)
    notes = len({key for code in (*parts, target) for key in code.notes})
    if as_json:
        about = {"code": made.id, "name": made.name, "former_names": made.former, "notes": notes}
        output.emit("codes-merge", {**about, "merged": [part.id for part in parts]})
        return
    names = ", ".join(part.name for part in parts if part.id != target.id)
    output.line(f"{names}: part of {made.name} now ({output.count(notes, 'note')})")
