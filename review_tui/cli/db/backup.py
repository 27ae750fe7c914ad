"""`review-tui db backup FILE`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH, db_option, json_option, settings


@click.command("backup")
@click.argument("file", type=PATH)
@click.option("--yes", is_flag=True, help="Replace FILE if it is there.")
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, file: Path, yes: bool, as_json: bool) -> None:
    """Write a copy of the database to FILE while others go on working in it.

    Only you can read the copy. It is a database of its own: should you go on working in it, it begins a chain of events
    of its own, so copy and original can be merged later. Decisions made before the copy can be read and replaced in it,
    but not undone.
    """
    from sessions.maintenance import backup

    store = settings(ctx).store(ctx)
    size = backup(store, file, replace=yes)
    if as_json:
        output.emit("db-backup", {"path": str(store.path), "copy": str(file.absolute()), "bytes": size})
    else:
        output.line(f"copied {store.path} to {file} ({size:,} bytes).")
