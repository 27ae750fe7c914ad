"""`review-tui db path`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.settings import db_option, json_option, settings


@click.command("path")
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Print where the database is, whether it is there yet or not."""
    path = settings(ctx).db_path().absolute()
    if as_json:
        exists = path.is_file()
        output.emit("db-path", {"path": str(path), "exists": exists, "bytes": path.stat().st_size if exists else None})
    else:
        output.line(str(path))
