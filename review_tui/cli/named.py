"""Runs by what people call them, where files and folders may be new to the database."""

from __future__ import annotations

from pathlib import Path

from review_tui.cli import output
from review_tui.cli.settings import find_run
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.store import Store


def runs_of(store: Store, text: str, format: str | None = None) -> list[RunInfo]:
    """The run that is meant; all runs of a file or a folder. What has to be imported first is.

    Raises UserError where no run is meant, or none can be read.
    """
    path = Path(text)
    if path.is_dir():
        return _in_folder(store, path, format)
    if not path.is_file():
        return [find_run(store, text)]
    runs, reason = _in_file(store, path, format)
    if not runs:
        raise UserError(f"{path}: {reason}.", "Name another file.")
    return runs


def _in_folder(store: Store, folder: Path, format: str | None) -> list[RunInfo]:
    from sessions.discover import find

    search = find([folder], format)
    runs: dict[str, RunInfo] = {}
    for found in search:
        try:
            # Only a format that the user asked for is passed on, as `import` does.
            these, _ = _in_file(store, found.path, found.format if format else None)
        except UserError as error:
            search.fail(found.path, error, named=False)
            continue
        for run in these:
            search.claim(run.files)
            runs[run.id] = run
    for failure in search.failures:
        output.note(f"review-tui: {failure.error}")
    if not runs:
        raise UserError(
            f"there is no run in {folder} ({output.count(search.skipped, 'file')} looked at).",
            "Name a file to see why it is none.",
        )
    return list(runs.values())


def _in_file(store: Store, path: Path, format: str | None) -> tuple[list[RunInfo], str]:
    """The runs of a file, or why there are none."""
    if known := catalog.known_runs(store, path, format):
        return known, ""
    from sessions.ingest import import_file

    report = import_file(store, path, format)
    runs = [run for item in report.runs if (run := catalog.run_by_id(store, item.run))]
    return runs, "" if runs else report.problems[0].reason if report.problems else "there is no run in it"
