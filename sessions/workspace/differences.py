"""What is different between a snapshot and the workspace now, and whose doing it is.

A difference is the run's own if the path is now as the run's last snapshot has it. Otherwise somebody else changed it
since, and it is a conflict: it stays as it is unless a person says otherwise. What either side does not cover is left
alone.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from sessions.workspace import entries as e
from sessions.workspace.entries import REASONS, Entry, Tree, ancestors, only_time_of_folder, reached, same

#: Actions of a restore. `create` and `mkdir` also where something of another kind stands in the place.
REWRITE, CREATE, DELETE, CHMOD, MKDIR, RMDIR, SYMLINK, TOUCH = ACTIONS = (
    "rewrite", "create", "delete", "chmod", "mkdir", "rmdir", "symlink", "touch",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """A path that a restore would change. target, current: its state in the snapshot and now, None where it is not
    there. conflict: somebody else changed it since the run's last snapshot."""

    path: str
    action: str
    target: Entry | None
    current: Entry | None
    conflict: bool

    @property
    def size(self) -> int:
        """Bytes that are to be written for it."""
        return self.target.size if self.target is not None and self.action in (REWRITE, CREATE) else 0

    @property
    def implied(self) -> bool:
        """Whether it follows from what happened in a folder: only the folder's time differs."""
        return only_time_of_folder(self.target, self.current)


def compare(
    target: Tree, current: Tree, base: Tree, foreign: Set[str], only: Set[str] | None
) -> tuple[list[Change], dict[str, str]]:
    """The changes that make `current` into `target`, by path, and what is left alone: path -> reason.

    base: the run's last snapshot. foreign: paths that others changed in between. only: look at these paths alone.
    """
    covered = _Cover(target, current)
    changes, alone = [], {}
    if only is None:
        only = {path for path, wanted in target.items() if current.get(path) != wanted}
        only |= current.keys() - target.keys()
    for path in sorted(only):
        wanted, there = target.get(path), current.get(path)
        if wanted == there or reached(wanted, there):
            continue
        if (reason := covered.reason(path)) is not None:
            alone[path] = reason
            continue
        conflict = path in foreign or not _as_left(base.get(path), there)
        changes.append(Change(path, _action(wanted, there), wanted, there, conflict))
    return changes, alone


def _as_left(base: Entry | None, current: Entry | None) -> bool:
    """Whether a path is as the run's last snapshot has it. (A path that it does not cover may be anybody's.)"""
    return same(base, current) or only_time_of_folder(base, current)


class _Cover:
    """What at least one of two snapshots does not cover."""

    def __init__(self, target: Tree, current: Tree) -> None:
        self._target, self._current = target, current
        self._out = {path for tree in (target, current) for path, entry in tree.items() if entry.kind == e.LEFT_OUT}

    def reason(self, path: str) -> str | None:
        """Why this path is not to be touched; None if it may be."""
        if not self._out:
            return None
        for place in (path, *ancestors(path)):
            if place in self._out:
                then, now = self._target.get(place), self._current.get(place)
                side = "the snapshot" if then is not None and then.kind == e.LEFT_OUT else "a snapshot of now"
                entry = then if then is not None and then.kind == e.LEFT_OUT else now
                assert entry is not None
                return f"not covered by {side}: {REASONS[entry.flags]}"
        return None


def _action(target: Entry | None, current: Entry | None) -> str:
    if target is None:
        assert current is not None
        return RMDIR if current.kind == e.FOLDER else DELETE
    if current is None or current.kind != target.kind:
        return {e.FILE: CREATE, e.FOLDER: MKDIR, e.LINK: SYMLINK}[target.kind]
    if current.content != target.content:
        return SYMLINK if target.kind == e.LINK else REWRITE
    if e.same_rights(target, current):
        return TOUCH
    return CHMOD
