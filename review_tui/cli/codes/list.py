"""`review-tui codes list`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.codes.common import code_json, opened, say_hidden
from review_tui.cli.settings import db_option, json_option, reviewer_option


@click.command("list")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the codes, the most frequent first."""
    _, board, _ = opened(ctx)
    if as_json:
        codes = [code_json(board, code) for code in board.codes]
        about = {"notes": len(board.notes), "uncoded": board.uncoded, "hidden": board.hidden}
        output.emit("codes-list", {**about, "codes": codes})
        return
    say_hidden(board)
    if not board.codes:
        output.note("there is no code yet: `codes notes` lists notes, `codes assign CODE NOTE` gives one a code.")
        return
    rows = [("notes", "runs", "code", "mode", "also")]
    for code in board.codes:
        modes = ", ".join(f"{mode}@{book}" for book, _, mode in code.promoted) or "-"
        also = "; ".join(code.former) or "-"
        rows.append((str(len(code.notes)), str(len({key.run for key in code.notes})), code.name, modes, also))
    output.table(rows, right=frozenset({0, 1}))
    output.note(f"{board.uncoded} of {output.count(len(board.notes), 'note')} without a code.")
