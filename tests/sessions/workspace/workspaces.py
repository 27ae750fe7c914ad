"""What the tests of workspaces share: folders to snapshot, looked at without the code that is tested."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Where tests that write thousands of small files are ten times as fast: kill -9 does not lose what is in memory.
IN_MEMORY = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
Picture = dict[bytes, tuple[Any, ...]]


def picture(root: Path, *, times: bool = True) -> Picture:
    """Everything that a snapshot promises, path by path: kind, mode, owner, mtime, bytes or target."""
    return dict(_look(os.fsencode(root), b"", times))


def _look(place: bytes, path: bytes, times: bool) -> Iterator[tuple[bytes, tuple[Any, ...]]]:
    status = os.lstat(place)
    owner = (status.st_uid, status.st_gid)
    time = status.st_mtime_ns if times else None
    if stat.S_ISLNK(status.st_mode):
        yield path, ("link", None, owner, time, os.readlink(place))
    elif stat.S_ISREG(status.st_mode):
        with open(place, "rb") as file:
            yield path, ("file", stat.S_IMODE(status.st_mode), owner, time, file.read())
    elif stat.S_ISDIR(status.st_mode):
        yield path, ("folder", stat.S_IMODE(status.st_mode), owner, time, None)
        for name in sorted(os.listdir(place)):
            yield from _look(os.path.join(place, name), path + b"/" + name if path else name, times)
    else:
        yield path, ("special", status.st_mode, owner, time, None)


def differences(one: Picture, two: Picture) -> dict[bytes, tuple[Any, Any]]:
    """For messages: what two pictures do not share."""
    return {path: (one.get(path), two.get(path)) for path in one.keys() | two.keys() if one.get(path) != two.get(path)}


def write(path: Path, content: bytes | str = b"", mode: int | None = None) -> Path:
    """A file with the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if mode is not None:
        path.chmod(mode)
    return path


def age(root: Path, ns: int = 1_700_000_000_123_456_789) -> None:
    """Give everything below a folder, and the folder, an mtime of long ago, each its own."""
    for number, (folder, folders, files) in enumerate(os.walk(root, topdown=False)):
        for place, name in enumerate([*files, *folders]):
            stamp = ns + number * 1_000_003 + place * 7
            os.utime(os.path.join(folder, name), ns=(stamp, stamp), follow_symlinks=False)
    os.utime(root, ns=(ns, ns))
