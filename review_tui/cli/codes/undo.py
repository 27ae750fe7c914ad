"""`review-tui codes undo`."""

from __future__ import annotations

from typing import Any

import click

from review_tui.cli import output
from review_tui.cli.settings import db_option, json_option, reviewer_option, settings
from sessions.errors import UserError


def step(ctx: click.Context, as_json: bool, kind: str) -> dict[str, Any]:
    """One step back or forth, and its JSON document. kind: `undo` or `redo`. Raises UserError if there is none."""
    from labels.coding import undoing
    from labels.coding.coder import Coder

    person = Coder(settings(ctx).store(ctx), settings(ctx).reviewer_name())
    made = (undoing.undo if kind == "undo" else undoing.redo)(person)
    if made is None:
        raise UserError(f"there is nothing of {person.name} on codes to {kind}.")
    if not as_json:
        output.line(f"{kind} of event {made.event.seq} ({made.op}, {made.name}).")
        for name in made.gone:
            output.line(f"  the queue {name!r} is gone: nobody has worked in it")
        for name in made.stay:
            output.line(f"  the queue {name!r} stays: somebody has worked in it")
    return {
        "event": made.event.id, "act": made.op, "code": made.name, "queues_gone": made.gone, "queues_kept": made.stay
    }  # fmt: skip


@click.command("undo")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Take your last act on codes back (the codebook that `codes promote` wrote stays as it is)."""
    made = step(ctx, as_json, "undo")
    if as_json:
        output.emit("codes-undo", made)
