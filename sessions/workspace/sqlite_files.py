"""SQLite files in a workspace that somebody has open: a snapshot may catch them between two writes, and a restore
replaces them under a program that goes on with the old file.

Nothing is opened for this, because closing a file drops the locks that this process may have on it.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from sessions.workspace.entries import FILE, SQLITE, Tree
from sessions.workspace.reading import kept_descriptors

#: What SQLite keeps beside a database while it is in use.
_BESIDE = ("-wal", "-shm", "-journal")
#: At most so many descriptors of all processes are looked at.
_MOST_DESCRIPTORS = 20_000
_LOCK = re.compile(r"^\d+: (?:-> )?(?:POSIX|OFDLCK) +\S+ +\S+ +(-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) ")

Identity = tuple[int, int]


def open_databases(root: Path, entries: Tree) -> Mapping[str, list[str]]:
    """Databases in use, each with the signs: who has it open, who has locked it, what lies beside it."""
    names = {path: path for path, entry in entries.items() if entry.kind == FILE and entry.flags & SQLITE}
    if not names:
        return {}
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in list(names):
        for beside in (path + end for end in _BESIDE):
            if beside in entries:
                names[beside] = path
                found[path].append(f"{beside.rpartition('/')[2]} beside it")
    by_identity = _identities(root, names)
    for pid, identity in _open_files():
        if identity in by_identity:
            _add(found[by_identity[identity]], f"open in {_process(pid)}")
    for pid, identity in _locks():
        if identity in by_identity:
            _add(found[by_identity[identity]], f"locked by {_process(pid)}")
    return {path: signs for path, signs in sorted(found.items()) if signs}


def _add(signs: list[str], sign: str) -> None:
    if sign not in signs:
        signs.append(sign)


def _identities(root: Path, names: Mapping[str, str]) -> dict[Identity, str]:
    found = {}
    for path, database in names.items():
        try:
            status = os.lstat(root / path)
        except OSError:
            continue
        found[status.st_dev, status.st_ino] = database
    return found


def _open_files() -> Iterator[tuple[int, Identity]]:
    """(process, file) of all files that processes have open, as far as this user may know."""
    looked = 0
    kept = kept_descriptors()
    for pid in _numbers("/proc"):
        for descriptor in _numbers(f"/proc/{pid}/fd"):
            looked += 1
            if looked > _MOST_DESCRIPTORS:
                return
            if pid == os.getpid() and descriptor in kept:
                continue
            try:
                status = os.stat(f"/proc/{pid}/fd/{descriptor}")
            except OSError:
                continue
            yield pid, (status.st_dev, status.st_ino)


def _numbers(folder: str) -> list[int]:
    try:
        return [int(name) for name in os.listdir(folder) if name.isdecimal()]
    except OSError:
        return []


def _locks() -> Iterator[tuple[int, Identity]]:
    try:
        text = Path("/proc/locks").read_text()
    except OSError:
        return
    for line in text.splitlines():
        if match := _LOCK.match(line):
            pid, major, minor, inode = match.groups()
            yield int(pid), (os.makedev(int(major, 16), int(minor, 16)), int(inode))


def _process(pid: int) -> str:
    if pid == os.getpid():
        return "this program"
    try:
        name = Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
    except OSError:
        name = ""
    return f"process {pid} ({name})" if name else f"process {pid}" if pid > 0 else "a process"
