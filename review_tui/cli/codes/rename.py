"""`review-tui codes rename CODE NAME`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.codes.common import near_json, opened, point_out
from review_tui.cli.settings import WORDS, db_option, json_option, reviewer_option


@click.command("rename")
@click.argument("code", type=WORDS)
@click.argument("name", type=WORDS)
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, code: str, name: str, as_json: bool) -> None:
    """Call a code otherwise. Whoever types the old name gets it all the same."""
    from labels.coding.similar import near_names

    _, board, coder = opened(ctx)
    found = board.code(code)
    near = near_names(name, [other for other in board.codes if other.id != found.id])
    made = coder.rename(found.id, name)
    if as_json:
        about = {"code": made.id, "name": made.name, "former_names": made.former, "near": near_json(near)}
        output.emit("codes-rename", about)
        return
    output.line(f"{found.name} is called {made.name} now")
    point_out(made, near)
