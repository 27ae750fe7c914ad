"""`review-tui [PATH...]`: open the station."""

from __future__ import annotations

import difflib
import re
import sys
from pathlib import Path

import click

from review_tui.cli.settings import (
    PATH,
    Settings,
    codebook_option,
    db_option,
    format_option,
    reviewer_option,
    settings,
)
from sessions.errors import UsageError, UserError

_WORD = re.compile(r"[a-z][a-z-]*")


@click.command("review-tui")
@click.argument("paths", nargs=-1, type=PATH, metavar="[PATH...]")
@db_option
@reviewer_option
@format_option
@codebook_option
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...]) -> None:
    """Open the station, on the runs at PATH or on all runs in the database."""
    for path in paths:
        if not path.exists():
            raise _missing(path)
    if not has_terminal():
        raise UserError(
            "the station needs a terminal, and this is none.", "`review-tui show RUN` prints a run as plain text."
        )
    given: Settings = settings(ctx)
    from labels.codebook_paths import user_codebook_paths
    from labels.glance import check_reviewer
    from sessions.catalog import known_runs
    from sessions.importing import Importer
    from sessions.store import Store

    codebooks, db = user_codebook_paths(given.codebooks), given.db_path()
    reviewer = check_reviewer(given.reviewer_name())
    with Store.open(db) as store:  # what is wrong with the database is said before anything is started
        unknown = [path for path in paths if path.is_dir() or not known_runs(store, path, given.format)]
    # New runs are read while the station's own modules are still being loaded.
    importer = Importer(db, paths, given.format) if unknown else None
    try:
        from review_tui import app

        app.run(db, list(paths), reviewer, given.format, codebooks, importer)
    finally:
        if importer is not None:
            importer.stop()


def has_terminal() -> bool:
    """The station reads keys from standard input and paints on standard error."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _missing(path: Path) -> UserError:
    """A word that is no path was most likely meant as a command."""
    if _WORD.fullmatch(str(path)):
        from review_tui.cli.group import COMMANDS

        near = difflib.get_close_matches(str(path), COMMANDS, 1)
        hint = f"Did you mean `review-tui {near[0]}`?" if near else "`review-tui --help` lists the commands."
        return UsageError(f"there is neither a command nor a file {str(path)!r}.", hint)
    return UserError(f"there is no file {path}.", "Check the path.")
