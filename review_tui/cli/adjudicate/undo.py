"""`review-tui adjudicate undo RUN`."""

from __future__ import annotations

from typing import Any

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, db_option, find_run, json_option, reviewer_option, settings
from sessions.errors import UserError


def step(ctx: click.Context, run: str, as_json: bool, kind: str) -> dict[str, Any]:
    """One step back or forth, and its JSON document. kind: `undo` or `redo`. Raises UserError if there is none."""
    from labels.adjudication import Adjudicator

    store = settings(ctx).store(ctx)
    info = find_run(store, run)
    person = Adjudicator(store, settings(ctx).reviewer_name())
    event = person.undo(info) if kind == "undo" else person.redo(info)
    if event is None:
        raise UserError(f"there is no adjudication of {person.name} to {kind} on this run.")
    target = str(event.data["target"])
    if not as_json:
        output.line(f"{kind} of event {target.rpartition(':')[2]}.")
    return {"run": info.id, "event": event.id, "target": target, "chunk": event.chunk}


@click.command("undo")
@click.argument("run", type=WORDS)
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, run: str, as_json: bool) -> None:
    """Take your last adjudication on RUN back."""
    made = step(ctx, run, as_json, "undo")
    if as_json:
        output.emit("adjudicate-undo", made)
