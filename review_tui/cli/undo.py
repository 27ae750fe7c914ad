"""`review-tui undo RUN`: take the reviewer's last decision on a run back."""

from __future__ import annotations

from typing import Any

import click

from labels.ledger import Ledger
from review_tui.cli import output
from review_tui.cli.decision_text import decision_json, decision_lines
from review_tui.cli.settings import WORDS, db_option, find_run, json_option, reviewer_option, settings
from sessions.catalog import RunInfo
from sessions.errors import UserError


def step(ctx: click.Context, run: str, as_json: bool, kind: str) -> None:
    """One step back or forth. kind: `undo` or `redo`. Raises UserError if there is none."""
    store = settings(ctx).store(ctx)
    info = find_run(store, run)
    ledger = settings(ctx).ledger(store)
    event = ledger.undo(info) if kind == "undo" else ledger.redo(info)
    if event is None:
        raise UserError(f"there is nothing of {ledger.reviewer} to {kind} on this run.")
    current = next((item for item in ledger.decisions(info) if item.target.id == event.chunk), None)
    decision = current.model_dump(mode="json") if current else None
    target = str(event.data["target"])
    if as_json:
        _emit(ledger, info, kind, {"event": event.id, "target": target, "chunk": event.chunk}, decision)
        return
    output.line(f"{kind} of event {target.rpartition(':')[2]}. Now:")
    for row in decision_lines(decision) if decision else ["nothing is decided on that chunk."]:
        output.line(row)


def _emit(ledger: Ledger, run: RunInfo, kind: str, what: dict[str, Any], decision: dict[str, Any] | None) -> None:
    undo, redo = ledger.can_undo_redo(run)
    left = {"can_undo": undo, "can_redo": redo, "decision": decision_json(decision) if decision else None}
    output.emit(kind, {"run": run.id, **what, **left})


@click.command("undo")
@click.argument("run", type=WORDS)
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, run: str, as_json: bool) -> None:
    """Take your last decision on RUN back. Again and again, as far as there are any; `redo` goes the other way."""
    step(ctx, run, as_json, "undo")
