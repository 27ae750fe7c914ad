"""`review-tui codes assign CODE NOTE...`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.codes.common import near_json, opened, point_out
from review_tui.cli.settings import WORDS, db_option, json_option, reviewer_option


@click.command("assign")
@click.argument("code", type=WORDS)
@click.argument("notes", nargs=-1, required=True, type=WORDS, metavar="NOTE...")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, code: str, notes: tuple[str, ...], as_json: bool) -> None:
    """Give notes the code called CODE; it is made if there is none of that name. NOTE is an id as `codes notes` prints
    it, or its beginning. Codes with names near to a new one are pointed out."""
    from labels.coding.similar import near_names

    _, board, coder = opened(ctx)
    chosen = [board.note(text).key for text in notes]
    known = board.every.find(code)
    near = [] if known else near_names(code, board.codes)
    made = coder.assign(code, chosen)
    if as_json:
        about = {"code": made.id, "name": made.name, "new": known is None, "near": near_json(near)}
        output.emit("codes-assign", {**about, "notes": [board.note(text).id for text in notes]})
        return
    output.line(f"{made.name}: given to {output.count(len(chosen), 'note')}{'' if known else ' (a new code)'}")
    point_out(made, near)
