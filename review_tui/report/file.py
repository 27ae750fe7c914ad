"""Putting a report in its place: whole or not at all, and never over a file that is something else."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from review_tui.report.page import GENERATOR
from sessions.errors import UserError


def write(path: Path, text: str) -> None:
    """Raises UserError if the file cannot be written, or is there and no report."""
    if path.is_dir():
        raise UserError(f"{path} is a folder.", "Name a file in it, as in --html report.html.")
    if path.exists() and not _ours(path):
        raise UserError(f"{path} is there and is no report of insights.", "Name another file, or remove it first.")
    try:
        with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".insights-", delete=False) as draft:
            temporary = Path(draft.name)
            draft.write(text)
        os.chmod(temporary, 0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        if "temporary" in locals():
            temporary.unlink(missing_ok=True)
        raise UserError(f"{path} cannot be written: {error.strerror}.", "Name another file with --html.") from error


def _ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return GENERATOR.encode() in file.read(400)
    except OSError:
        return False


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
