"""What earlier snapshots of a workspace read, so that the next one reads only what was touched since.

A file per workspace, `cache/NAME`, written beside and renamed. It is a help, not a record: where it is missing, damaged
or of another version, everything is read again. An entry is trusted only if mode, size, mtime, ctime and inode all
agree and its ctime is safely older than the reading: a change within one tick of the clock leaves the same times
("racy").
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from sessions.errors import UserError
from sessions.workspace.entries import Entry, StatKey, named
from sessions.workspace.manifest import column_bytes, column_values, decode, encode

Known = dict[str, tuple[StatKey, Entry]]

#: Inode, mtime and size of a cache file: it is always another file when it says something else.
Identity = tuple[int, int, int]

_MAGIC = b"rtc1"
_COLUMNS = "Iqqqq"
#: Characters of a generation: what is known holds only while the store keeps the contents (see `collect`).
_GENERATION = 32
#: How far the clock of a file system may lag behind: a tick (10 ms at most) where it keeps fractions of seconds,
#: else two seconds (FAT).
_TICK_NS, _COARSE_NS = 50_000_000, 2_100_000_000


def is_racy(ctime_ns: int, read_at_ns: int) -> bool:
    """Whether a file could have changed after this reading and still show the same times.

    ctime, not mtime: any program can set an mtime to the past. A ctime in the future (the clock went back) is racy
    until the clock has passed it.
    """
    margin = _TICK_NS if ctime_ns % 1_000_000_000 else _COARSE_NS
    return ctime_ns >= read_at_ns - margin


def steady_before(read_at_ns: int) -> int:
    """A ctime before this is not racy, whatever the clock of the file system."""
    return read_at_ns - max(_TICK_NS, _COARSE_NS)


class StatCache:
    """The files of one store, and in memory what this program read or wrote last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: tuple[Path, Identity, Known, str] | None = None

    def path(self, workspace_no: int) -> Path:
        return self._folder / f"workspace-{workspace_no}"

    def load(self, workspace_no: int) -> tuple[Known, str]:
        """What is known, and the generation of the store it was written in; nothing if there is nothing to trust. Not
        to be changed."""
        path = self.path(workspace_no)
        try:
            with open(path, "rb") as file:
                identity = _identity(os.fstat(file.fileno()))
                if self._last is not None and self._last[:2] == (path, identity):
                    return self._last[2:]
                known, generation = _decoded(file.read())
        except OSError:
            return {}, ""
        self._last = (path, identity, known, generation)
        return known, generation

    def save(self, workspace_no: int, known: Known, generation: str) -> None:
        """Replace what is known. Raises OSError; nothing depends on it, so a caller may go on without."""
        path = self.path(workspace_no)
        data = _encoded(known, generation)
        partial = path.with_name(f"{path.name}.{os.urandom(4).hex()}.partial")
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                identity = _identity(os.fstat(file.fileno()))
            os.replace(partial, path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        self._last = (path, identity, known, generation)


def _identity(status: os.stat_result) -> Identity:
    return status.st_ino, status.st_mtime_ns, status.st_size


def _encoded(known: Known, generation: str) -> bytes:
    keys = [key for key, _ in known.values()]
    columns = list(zip(*keys, strict=True)) if keys else [()] * len(_COLUMNS)
    body = len(keys).to_bytes(8, "little") + generation.encode().ljust(_GENERATION)[:_GENERATION]
    body += b"".join(column_bytes(kind, column) for kind, column in zip(_COLUMNS, columns, strict=True))
    body += encode({name: entry for name, (_, entry) in known.items()}, level=0)
    return _MAGIC + zlib.crc32(body).to_bytes(4, "little") + body


def _decoded(data: bytes) -> tuple[Known, str]:
    if data[:4] != _MAGIC or zlib.crc32(data[8:]) != int.from_bytes(data[4:8], "little"):
        return {}, ""
    count = int.from_bytes(data[8:16], "little")
    place, columns = 16 + _GENERATION, []
    try:
        for kind in _COLUMNS:
            column = column_values(kind, data[place : place + count * (4 if kind == "I" else 8)])
            columns.append(column)
            place += count * column.itemsize
        entries = decode(data[place:])
        keys = named(StatKey, zip(*columns, strict=True))
        known = dict(zip(entries, zip(keys, entries.values(), strict=True), strict=True))
    except (UserError, ValueError):
        return {}, ""
    return known, data[16 : 16 + _GENERATION].decode("ascii", "replace")
