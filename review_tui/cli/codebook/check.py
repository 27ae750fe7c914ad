"""`review-tui codebook check FILE...`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from review_tui.cli import output
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.settings import PATH, json_option
from sessions.errors import UserError


@click.command("check")
@click.argument("files", nargs=-1, required=True, type=PATH, metavar="FILE...")
@json_option
def command(files: tuple[Path, ...], as_json: bool) -> int:
    """Say whether each FILE is a codebook that can be used, and what would make reviewers agree more.

    Only what keeps a codebook from being used counts as failure; advice does not.
    """
    entries = [_look(file) for file in files]
    if as_json:
        output.emit("codebook-check", {"files": entries})
    else:
        for entry in entries:
            _print(entry)
    for entry in entries:
        if entry["error"]:
            output.note(f"review-tui: {entry['error']}")
    return FAILED if any(entry["error"] for entry in entries) else DONE


def _look(file: Path) -> dict[str, Any]:
    from labels.codebook import check, load

    entry: dict[str, Any] = {"path": str(file), "ok": False, "error": None, "advice": []}
    try:
        book = load(file)
    except UserError as error:
        return {**entry, "error": str(error)}
    about = {"id": book.id, "version": book.version, "sha256": book.hash, "modes": len(book.modes)}
    return {**entry, "ok": True, **about, "advice": check(book)}


def _print(entry: dict[str, Any]) -> None:
    if entry["error"]:
        return
    modes = output.count(entry["modes"], "mode")
    output.line(f"{entry['path']}: {entry['id']} {entry['version']}, {modes}, can be used")
    for line in entry["advice"]:
        output.line(f"  {line}")
