"""`review-tui db ...`: looking after the database."""

from __future__ import annotations

import click

from review_tui.cli.lazy import LazyGroup
from review_tui.cli.settings import db_option

TABLE = {
    "path": ("review_tui.cli.db.path", "Where the database is."),
    "backup": ("review_tui.cli.db.backup", "Write a copy of it."),
    "share": ("review_tui.cli.db.share", "Let a group of this machine work in it."),
    "prune": ("review_tui.cli.db.prune", "Remove runs that nobody decided on or opened for long."),
    "delete-run": ("review_tui.cli.db.delete_run", "Delete a run's content."),
    "verify": ("review_tui.cli.db.verify", "Check the file and the log of decisions."),
    "rebuild": ("review_tui.cli.db.rebuild", "Derive what is currently decided anew from the log."),
}


@click.group("db", cls=LazyGroup, table=TABLE)
@db_option
def command() -> None:
    """Look after the database. Decisions are a log to which events are only added: no command deletes any."""
