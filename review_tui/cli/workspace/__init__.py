"""`review-tui workspace ...`: snapshots of the folder that an agent works in, and going back to them."""

from __future__ import annotations

import click

from review_tui.cli.lazy import LazyGroup
from review_tui.cli.settings import db_option

TABLE = {
    "snapshot": ("review_tui.cli.workspace.snapshot", "Take a snapshot of a folder."),
    "list": ("review_tui.cli.workspace.list", "List snapshots and restores."),
    "show": ("review_tui.cli.workspace.show", "What a snapshot covers, and what it does not."),
    "plan": ("review_tui.cli.workspace.plan", "What going back to a snapshot would do."),
    "restore": ("review_tui.cli.workspace.restore", "Go back to a snapshot."),
    "undo": ("review_tui.cli.workspace.undo", "Take a restore back."),
    "resume": ("review_tui.cli.workspace.resume", "Finish restores that were interrupted."),
    "pin": ("review_tui.cli.workspace.pin", "Keep a run's snapshots, whatever the budget."),
    "unpin": ("review_tui.cli.workspace.unpin", "A run is finished: its snapshots may go."),
    "gc": ("review_tui.cli.workspace.gc", "Remove old snapshots of finished runs."),
    "verify": ("review_tui.cli.workspace.verify", "Check that every snapshot could be restored."),
}


@click.group("workspace", cls=LazyGroup, table=TABLE)
@db_option
def command() -> None:
    """Snapshots of a workspace, all files and folders of it, and going back to one. Nothing in the workspace is changed
    without --yes, and every restore can be undone."""
