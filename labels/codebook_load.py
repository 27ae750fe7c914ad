"""Reading a codebook from a TOML file."""

from __future__ import annotations

from pathlib import Path

from labels.codebook_model import (
    Category,
    Codebook,
    Crosswalk,
    CrosswalkEntry,
    Example,
    Mode,
    Severity,
    WhenNot,
)
from labels.toml_file import Kind

_PLAIN = "letters and digits, joined by . _ - or + without blanks"
CODEBOOK = Kind(
    name="codebook",
    model=Codebook,
    guide="docs/codebooks.md shows a complete codebook.",
    tables={
        "category": Category,
        "mode": Mode,
        "crosswalk": Crosswalk,
        "entries": CrosswalkEntry,
        "when_not": WhenNot,
        "example": Example,
        "near_miss": Example,
        "severity": Severity,
    },
    naming={"code": _PLAIN, "version": _PLAIN},
)


def read_codebook(path: Path) -> Codebook:
    """The codebook in the file. Raises UserError for whatever is wrong with it."""
    return CODEBOOK.read(path)
