"""Answers of agentdash (`labels.judge.agentdash` reads them) as a model's votes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from labels.codebook import Codebooks
from labels.importing.report import Imported
from labels.importing.vote import OutsideVote, Said
from labels.judge.agentdash import Annotation, read_file
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.store import Store

AGENTDASH = "agentdash"
NO_RUN = "agentdash answers whose run is not in the database (or which name none)"
_MARK, _HEAD = b'"failure_modes"', 65_536


def find(paths: Sequence[Path]) -> list[Path]:
    """The files among these, and in the folders among them, that hold agentdash's answers."""
    files = [file for path in paths for file in (sorted(path.rglob("*.json*")) if path.is_dir() else [path])]
    return [file for file in dict.fromkeys(files) if _marked(file)]


def _marked(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return path.is_file() and _MARK in file.read(_HEAD)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.", "Check the path.") from None


def enter(
    store: Store,
    files: Sequence[Path],
    codebooks: Codebooks,
    report: Imported,
    add: Callable[[RunInfo, OutsideVote], None],
) -> None:
    """Enter the answers in these files on the runs that they name."""
    for path in files:
        for annotation in read_file(path):
            run = _run(store, annotation)
            if run is None or not run.complete or not run.steps:
                report.left_out[NO_RUN] += 1
            elif vote := _vote(run, annotation, codebooks):
                add(run, vote)


def _run(store: Store, annotation: Annotation) -> RunInfo | None:
    try:
        return catalog.find_run(store, annotation.run) if annotation.run else None
    except UserError:
        return None


def _vote(run: RunInfo, annotation: Annotation, codebooks: Codebooks) -> OutsideVote | None:
    book = codebooks.get("mast")
    table = book.crosswalk(AGENTDASH)
    said: dict[str, bool] = {}
    for code, yes in annotation.said.items():
        entry = table.find(code) if table else None
        for slug in entry.to if entry else ():
            said[slug] = said.get(slug, False) or yes
    if not said:
        return None
    present = tuple(Said(slug, 0, run.steps - 1) for slug, yes in sorted(said.items()) if yes)
    note = f"A language model's answers. {annotation.summary}".strip()
    return OutsideVote(f"{AGENTDASH} (model)", AGENTDASH, book, present, tuple(said), note)
