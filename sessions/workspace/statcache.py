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
from uuid import uuid4

from sessions.errors import UserError
from sessions.workspace.entries import Entry, StatKey
from sessions.workspace.manifest import column_bytes, column_values, decode, encode

Known = dict[str, tuple[StatKey, Entry]]

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


def load(path: Path) -> tuple[Known, str]:
    """What is known, and the generation of the store it was written in; nothing if there is nothing to trust."""
    try:
        data = path.read_bytes()
    except OSError:
        return {}, ""
    if data[:4] != _MAGIC or zlib.crc32(data[8:]) != int.from_bytes(data[4:8], "little"):
        return {}, ""
    count = int.from_bytes(data[8:16], "little")
    place, columns = 16 + _GENERATION, []
    for kind in _COLUMNS:
        column = column_values(kind, data[place : place + count * (4 if kind == "I" else 8)])
        columns.append(column)
        place += count * column.itemsize
    try:
        entries = decode(data[place:])
        keys = map(StatKey._make, zip(*columns, strict=True))
        known = dict(zip(entries, zip(keys, entries.values(), strict=True), strict=True))
    except (UserError, ValueError):
        return {}, ""
    return known, data[16 : 16 + _GENERATION].decode("ascii", "replace")


def save(path: Path, known: Known, generation: str) -> None:
    """Replace what is known. Raises OSError; nothing depends on it, so a caller may go on without."""
    keys = [key for key, _ in known.values()]
    columns = list(zip(*keys, strict=True)) if keys else [()] * len(_COLUMNS)
    body = len(keys).to_bytes(8, "little") + generation.encode().ljust(_GENERATION)[:_GENERATION]
    body += b"".join(column_bytes(kind, column) for kind, column in zip(_COLUMNS, columns, strict=True))
    body += encode({name: entry for name, (_, entry) in known.items()}, level=0)
    partial = path.with_name(f"{path.name}.{uuid4().hex[:8]}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_MAGIC + zlib.crc32(body).to_bytes(4, "little") + body)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
