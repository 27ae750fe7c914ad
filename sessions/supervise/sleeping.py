"""Sleeping until there may be something to do: about the command, its files, or a signal."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sessions.following.watch import POLLED_S, WATCHED_S, FolderWatch


class Sleep:
    """Wakes when one of `inputs` can be read, or something in the folders has changed. A context manager."""

    def __init__(self, inputs: list[Any], folders: Callable[[], Iterable[Path]]) -> None:
        """folders: where a change matters, asked each time."""
        self._inputs, self._folders = inputs, folders
        self._watch: FolderWatch | None = None

    def __enter__(self) -> Sleep:
        try:
            self._watch = FolderWatch()
        except (OSError, AttributeError):
            self._watch = None
        return self

    def __exit__(self, *exc: object) -> None:
        if self._watch is not None:
            self._watch.close()

    def wait(self) -> bool:
        """Sleep; whether something in the folders has changed, as far as that can be seen."""
        watch = self._watch
        folders = {_nearest(folder) for folder in self._folders()}
        watched = watch is not None and sum(watch.add(folder) for folder in folders) == len(folders)
        inputs = self._inputs if watch is None else [*self._inputs, watch]
        ready, _, _ = select.select(inputs, [], [], WATCHED_S if watched else POLLED_S)
        if watch is None or watch not in ready:
            return not watched
        watch.drain()
        return True


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there: where it will be made."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder
