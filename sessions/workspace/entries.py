"""What is known of one path in a workspace at one moment.

Paths are relative to the workspace, with `/` between names, and "" is the workspace itself. They are `str` in which
bytes that are no UTF-8 stand as lone surrogates, as `os.fsdecode` makes them; `path_text` is what can be printed and
written as JSON.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat
from typing import Any, NamedTuple, TypeVar

_T = TypeVar("_T")

FILE, FOLDER, LINK, LEFT_OUT = 1, 2, 3, 4
#: Only in the manifest of a difference: the path is in the base, and not here.
REMOVED = 5

#: Facts about a file that a restore does not bring back, or has to know. They do not count when entries are compared.
HARD_LINKED, SPARSE, TORN, SQLITE, XATTRS = 1, 2, 4, 8, 16

#: Why a path is not covered by a snapshot; stands where other entries have their flags.
OVER_CAP, UNREADABLE, FIFO, SOCKET, DEVICE, EXCLUDED, OTHER_SYSTEM, TOO_DEEP, OVER_TOTAL = range(1, 10)
REASONS: Mapping[int, str] = {
    OVER_CAP: "over-cap",
    UNREADABLE: "unreadable",
    FIFO: "fifo",
    SOCKET: "socket",
    DEVICE: "device",
    EXCLUDED: "excluded",
    OTHER_SYSTEM: "other-file-system",
    TOO_DEEP: "too-deep",
    OVER_TOTAL: "over-total",
}

#: Bits that give a program the rights of a file's owner or group; a restore never sets them on files.
SET_ID = stat.S_ISUID | stat.S_ISGID


class Entry(NamedTuple):
    """One path. mode: permission bits (0 to 0o7777). size: bytes. content: of a file its 32-byte hash, of a link its
    target as bytes, else empty. flags: HARD_LINKED ...; of a path left out, the reason."""

    kind: int
    mode: int
    size: int
    mtime_ns: int
    uid: int
    gid: int
    flags: int
    content: bytes


class StatKey(NamedTuple):
    """What tells that a file was not touched since: the whole st_mode, size, both times in ns, and inode."""

    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    ino: int

    @classmethod
    def of(cls, status: os.stat_result) -> StatKey:
        return cls(status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


Tree = dict[str, Entry]


def named(kind: type[_T], rows: Iterable[tuple[Any, ...]]) -> Iterator[_T]:
    """Rows as named tuples of a kind; half the time of its `_make`, which counts where there are ten thousand."""
    return map(tuple.__new__, repeat(kind), rows)  # type: ignore[arg-type]


def owners_count() -> bool:
    """Whether another owner is a difference: only root can give files away."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def folder_entry(status: os.stat_result) -> Entry:
    mode = stat.S_IMODE(status.st_mode)
    return Entry(FOLDER, mode, 0, status.st_mtime_ns, status.st_uid, status.st_gid, 0, b"")


def link_entry(status: os.stat_result, target: str) -> Entry:
    return Entry(LINK, 0o777, 0, status.st_mtime_ns, status.st_uid, status.st_gid, 0, os.fsencode(target))


def left_out(status: os.stat_result, reason: int) -> Entry:
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    mode = stat.S_IMODE(status.st_mode)
    return Entry(LEFT_OUT, mode, size, status.st_mtime_ns, status.st_uid, status.st_gid, reason, b"")


def same_content(one: Entry, two: Entry) -> bool:
    return one.kind == two.kind and one.content == two.content


def same_rights(one: Entry, two: Entry) -> bool:
    """Whether mode and, where that matters, owner agree."""
    if (one.uid, one.gid) != (two.uid, two.gid) and owners_count():
        return False
    return one.kind == LINK or one.mode == two.mode


def same(one: Entry | None, two: Entry | None) -> bool:
    """Whether two states of a path agree in kind, content, mode, mtime (and owner, for root)."""
    if one is None or two is None:
        return one is two
    return same_content(one, two) and one.mtime_ns == two.mtime_ns and same_rights(one, two)


def only_time_of_folder(one: Entry | None, two: Entry | None) -> bool:
    """Whether only the mtime of a folder differs: that follows from what happened in it, and is nobody's change."""
    if one is None or two is None or one.kind != FOLDER:
        return False
    return same_content(one, two) and same_rights(one, two)


def reached(target: Entry | None, current: Entry | None) -> bool:
    """Whether there is nothing left to restore: as `same`, or only set-id bits are missing, which no restore sets."""
    if target is not None:
        target = target if current is not None and target.mode == current.mode else without_set_id(target)
    return same(target, current)


def without_set_id(entry: Entry) -> Entry:
    return entry._replace(mode=safe_mode(entry))


def safe_mode(entry: Entry) -> int:
    """The mode that a restore gives: a file never becomes setuid or setgid; a folder's setgid is only inheritance."""
    return entry.mode & ~SET_ID if entry.kind == FILE else entry.mode & ~stat.S_ISUID


def parent(path: str) -> str:
    """The folder a path is in. The workspace itself, "", has none."""
    return path.rpartition("/")[0]


def ancestors(path: str) -> list[str]:
    """All folders a path is in, innermost first; the workspace itself, "", last. [] for ""."""
    found = []
    while path:
        path = parent(path)
        found.append(path)
    return found


def path_text(path: str) -> str:
    """A path that can be printed and written as JSON: bytes that are no UTF-8 stand as `\\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
