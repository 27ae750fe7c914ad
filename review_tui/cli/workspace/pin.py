"""`review-tui workspace pin RUN`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, db_option, json_option
from review_tui.cli.workspace.common import opened, store_option
from sessions.workspace.snapshots import Snapshots


def pin(ctx: click.Context, run: str, store: Path | None, as_json: bool, *, pinned: bool) -> None:
    """Pin or unpin a run, and say so."""
    snapshots = opened(ctx, store)
    act = Snapshots.pin if pinned else Snapshots.unpin
    act(snapshots, run)
    if as_json:
        output.emit("workspace-pin", {"run": run, "pinned": pinned})
    elif pinned:
        output.line(f"snapshots of run {run} are kept until it is unpinned.")
    else:
        output.line(f"run {run} is finished: its snapshots go when the store outgrows its budget.")


@click.command("pin")
@click.argument("run", type=WORDS)
@store_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, run: str, store: Path | None, as_json: bool) -> None:
    """RUN is not finished: keep its snapshots, whatever the budget. (Taking one says so, too.)"""
    pin(ctx, run, store, as_json, pinned=True)
