"""The steps of a restore, written down before the first one is done.

Each step knows the state it starts from and the state it ends in, so that it can be done again after a crash: a path in
the end state is done, one in the start state is not, and one in neither was changed by somebody else and is left to
them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sessions.errors import UserError
from sessions.workspace import entries as e
from sessions.workspace.entries import Entry, StatKey, Tree
from sessions.workspace.plan import Resolved

#: Kinds of steps, in the order in which they are done.
UNLINK, RMDIR, MKDIR, WRITE, LINK, RIGHTS = "unlink", "rmdir", "mkdir", "write", "link", "rights"
_ORDER = {kind: place for place, kind in enumerate((UNLINK, RMDIR, MKDIR, WRITE, LINK, RIGHTS))}


@dataclass(frozen=True, slots=True)
class Step:
    """One path, one thing to do. target: the state it ends in, None: not there. before: the state it starts from, None:
    not there; key: of a file then."""

    kind: str
    path: str
    target: Entry | None
    before: Entry | None
    key: StatKey | None


@dataclass(frozen=True, slots=True)
class Journal:
    """steps: in order. folders: path -> mode, uid, gid, mtime_ns that a folder gets at the end, innermost first.
    after: what differs from the snapshot before when all is done (as a manifest's difference)."""

    steps: tuple[Step, ...]
    folders: Mapping[str, Entry]

    def contents(self) -> set[bytes]:
        """Hashes of all contents that are to be written."""
        return {step.target.content for step in self.steps if step.kind == WRITE and step.target is not None}

    def paths(self) -> set[str]:
        """All paths that the restore changes, folders whose time it sets among them."""
        return {step.path for step in self.steps} | set(self.folders)


def written(resolved: Resolved, current: Tree, keys: Mapping[str, StatKey]) -> Journal:
    """The journal of settled choices. current, keys: the workspace as it was planned on."""
    steps: list[Step] = []
    for path, target in resolved.final.items():
        before = current.get(path)
        steps += (Step(kind, path, target, before, keys.get(path)) for kind in _kinds(before, target))
    steps.sort(key=_place)
    folders = {path: resolved.after[path] for path in resolved.folder_times}
    for path, target in resolved.final.items():
        if target is not None and target.kind == e.FOLDER:
            folders[path] = resolved.after[path]
    return Journal(tuple(steps), dict(sorted(folders.items(), key=lambda item: (-_depth(item[0]), item[0]))))


def _place(step: Step) -> tuple[int, int, str]:
    depth = _depth(step.path)
    return _ORDER[step.kind], -depth if step.kind in (UNLINK, RMDIR) else depth, step.path


def _depth(path: str) -> int:
    return path.count("/") + 1 if path else 0


def _kinds(before: Entry | None, target: Entry | None) -> list[str]:
    kinds = []
    was, will = before.kind if before else None, target.kind if target else None
    if was == e.FOLDER and will != e.FOLDER:
        kinds.append(RMDIR)
    if was in (e.FILE, e.LINK) and will in (None, e.FOLDER):
        kinds.append(UNLINK)
    if will == e.FOLDER and was != e.FOLDER:
        kinds.append(MKDIR)
    if target is not None and will in (e.FILE, e.LINK):
        if before is not None and e.same_content(before, target):
            kinds.append(RIGHTS)
        else:
            kinds.append(WRITE if will == e.FILE else LINK)
    return kinds


# -- as bytes -------------------------------------------------------------------------------------------------------


def encode(journal: Journal) -> bytes:
    """JSON, compressed. ASCII with escapes, so that names with bytes that are no UTF-8 come through."""
    value = {
        "steps": [[s.kind, s.path, _row(s.target), _row(s.before), s.key] for s in journal.steps],
        "folders": [[path, _row(entry)] for path, entry in journal.folders.items()],
    }
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode("ascii"), 1)


def decode(data: bytes) -> Journal:
    """Raises UserError if it is damaged."""
    try:
        value = json.loads(zlib.decompress(data))
        steps = tuple(
            Step(kind, path, _entry(target), _entry(before), StatKey(*key) if key else None)
            for kind, path, target, before, key in value["steps"]
        )
        folders = {path: entry for path, row in value["folders"] if (entry := _entry(row)) is not None}
        return Journal(steps, folders)
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise UserError(
            f"the journal of a restore is damaged ({error}).", "The snapshot before it is whole: restore that one."
        ) from None


def _row(entry: Entry | None) -> list[Any] | None:
    return None if entry is None else [*entry[:7], entry.content.hex()]


def _entry(row: list[Any] | None) -> Entry | None:
    return None if row is None else Entry._make([*row[:7], bytes.fromhex(row[7])])
