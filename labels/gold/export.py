"""Exporters: a release in the shapes that other tools load. Each is one file in `labels/gold/exporters` (or a plug-in,
entry-point group `review_tui.exporters`) with a function `export(export: Export) -> None`.

An export is made of a release alone, needs no database, and is there whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from labels.gold.books import Books
from labels.gold.flat import OF_QUEUE, TABLES, Columns, mode_names
from labels.gold.folder import Folder, new_folder
from labels.gold.reading import Release, ReleasedRun
from labels.gold.settle import Row
from sessions.errors import UserError

#: Name -> (where it is, what it is).
BUILT_IN: dict[str, tuple[str, str]] = {
    "huggingface": ("labels.gold.exporters.huggingface:export", "Hugging Face: parquet (or JSONL) and a card"),
    "mast": ("labels.gold.exporters.mast:export", "MAST-Data rows: 1, 0, or null for not judged"),
    "who-and-when": ("labels.gold.exporters.who_and_when:export", "Who&When: one file a failed run"),
    "trail": ("labels.gold.exporters.trail:export", "TRAIL: errors by span, one file a run"),
    "scout": ("labels.gold.exporters.scout:export", "Inspect Scout validation sets"),
    "label-studio": ("labels.gold.exporters.label_studio:export", "Label Studio tasks and their labelling interface"),
    "openai-chat": ("labels.gold.exporters.openai_chat:export", "chat JSONL to train a judge on (train split only)"),
    "csv": ("labels.gold.exporters.csv_tables:export", "CSV tables"),
    "croissant": ("labels.gold.exporters.croissant:export", "Croissant 1.0 metadata with its JSONL files"),
}


@dataclass
class Export:
    """An export in the making. notes: what was left out and why, for people."""

    release: Release
    folder: Folder
    notes: list[str] = field(default_factory=list)

    @cached_property
    def books(self) -> Books:
        return self.release.books()

    @cached_property
    def modes(self) -> dict[str, dict[str, Row]]:
        """Codebook -> mode -> code and name."""
        return mode_names(self.books)

    @property
    def tables(self) -> dict[str, Columns]:
        """The flat tables of this release, and their columns."""
        return OF_QUEUE if "queue" in self.release.manifest else TABLES

    @property
    def title(self) -> str:
        return f"{self.release.name} {self.release.version}"

    def runs(self) -> Iterator[ReleasedRun]:
        """All runs. Raises UserError where the release is damaged."""
        for run in self.release.runs():
            if run.problems or run.content_id != run.run_id:
                raise UserError(f"{self.release.path}: the run {run.run_id[:12]} is damaged.", "See `gold verify`.")
            yield run


def names() -> list[str]:
    """All exporters, built-in first."""
    return [*BUILT_IN, *(name for name in _plug_ins() if name not in BUILT_IN)]


def _plug_ins() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group="review_tui.exporters")}


def _load(name: str) -> Callable[[Export], None]:
    target = BUILT_IN[name][0] if name in BUILT_IN else _plug_ins().get(name)
    if target is None:
        raise UserError(f"there is no export {name!r:.60}.", f"Known: {', '.join(names())}.")
    module, _, attribute = target.partition(":")
    made: Callable[[Export], None] = getattr(import_module(module), attribute)
    return made


@dataclass(frozen=True, slots=True)
class Exported:
    """files: their sizes in bytes, by name."""

    path: Path
    files: dict[str, int]
    notes: tuple[str, ...]


def export(path: Path, to: str, target: Path) -> Exported:
    """Write the release at `path` to a new folder. Raises UserError: no release, no such export, target in use, disk
    full, nothing in it that this shape can hold."""
    make = _load(to)
    release = Release(path)
    with new_folder(target) as folder:
        making = Export(release, folder)
        make(making)
        folder.close()
        files: dict[str, Any] = {name: file.bytes for name, file in sorted(folder.files.items())}
        if not files:
            raise UserError("nothing in this release can be told in that shape.", "; ".join(making.notes))
    return Exported(target, files, tuple(making.notes))
