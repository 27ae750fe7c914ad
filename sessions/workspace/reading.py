"""Reading a file's content so that what is kept is what was there at one moment.

Two traps are avoided. A file may change while it is read: its status is taken before and after, and reading is
repeated. And closing any descriptor of a file drops all POSIX locks that this process has on it, which would break a
SQLite database that the agent's own process has open: such files are read through descriptors that stay open.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b

from sessions.workspace import entries as e
from sessions.workspace.entries import Entry, StatKey
from sessions.workspace.tree import WorkspaceTree

HASH_BYTES = 32
#: Larger files are read in pieces of this size and never held whole.
PIECE = 1 << 22
_ATTEMPTS = 3
_PAUSE_S = 0.01
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | os.O_CLOEXEC
_SQLITE_HEAD = b"SQLite format 3\0"
_SECTOR = 512


@dataclass(slots=True)
class Content:
    """A file as it was read. entry: its state then. key: of its status then. data: its bytes, None if it is large."""

    entry: Entry
    key: StatKey
    data: bytes | None


class Vanished(Exception):
    """The file is not there any more, or is no file any more."""


def digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=HASH_BYTES).digest()


def digest_of(read: Callable[[int], bytes]) -> bytes:
    """The hash of all that a file gives. read: as of a file object."""
    state = blake2b(digest_size=HASH_BYTES)
    while piece := read(PIECE):
        state.update(piece)
    return state.digest()


class Reader:
    """Reads files of one workspace; may be used by several threads."""

    def __init__(self, tree: WorkspaceTree) -> None:
        self._tree = tree
        self._lock = threading.Lock()
        self._own = _open_here()

    def read(self, path: str, seen: os.stat_result) -> Content:
        """A file's content and state. seen: its status when it was found.

        Raises Vanished; OSError if it cannot be read. What went on changing while it was read has the flag TORN.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            found, steady = self._once(path, seen)
            if steady:
                return found
            if attempt < _ATTEMPTS:
                time.sleep(_PAUSE_S)
        return Content(found.entry._replace(flags=found.entry.flags | e.TORN), found.key, found.data)

    def _once(self, path: str, seen: os.stat_result) -> tuple[Content, bool]:
        """One reading, and whether the file stayed as it was meanwhile."""
        with self._opened(path, seen) as descriptor:
            before = os.fstat(descriptor)
            data, hashed, size, head = _whole(descriptor, before.st_size)
            after = os.fstat(descriptor)
            entry = _entry(after, size, hashed, head, _flags(descriptor, after))
        steady = StatKey.of(before) == StatKey.of(after) and size == after.st_size
        return Content(entry, StatKey.of(after), data), steady

    def pieces(self, path: str, seen: os.stat_result) -> Iterator[bytes]:
        """A large file once more, piece by piece. Raises as `read`."""
        with self._opened(path, seen) as descriptor:
            yield from _pieces(descriptor, os.fstat(descriptor).st_size)

    @contextmanager
    def _opened(self, path: str, seen: os.stat_result) -> Iterator[int]:
        identity = (seen.st_dev, seen.st_ino)
        kept = _KEPT.get(identity)
        if kept is not None:
            yield kept
            return
        descriptor = self._open(path, identity)
        try:
            yield descriptor
        finally:
            if identity in self._own:
                _KEPT[identity] = descriptor
            else:
                os.close(descriptor)

    def _open(self, path: str, identity: tuple[int, int]) -> int:
        """The quick way follows links on the way, and is right only if it leads to the very file that was found."""
        try:
            descriptor = os.open(path, _FLAGS, dir_fd=self._tree.fd)
            status = os.fstat(descriptor)
            if (status.st_dev, status.st_ino) == identity:
                return descriptor
            os.close(descriptor)
        except OSError:
            pass
        try:
            with self._lock:
                descriptor = self._tree.open(path)
        except (FileNotFoundError, NotADirectoryError):
            raise Vanished(path) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Vanished(path)
        return descriptor


#: Descriptors of files that this process has open elsewhere too: closing them would drop its locks. By device and
#: inode.
_KEPT: dict[tuple[int, int], int] = {}
_KEPT_LOCK = threading.Lock()


def _open_here() -> frozenset[tuple[int, int]]:
    """The files that this process has open, apart from those that are only kept; the latter are closed."""
    found: Counter[tuple[int, int]] = Counter()
    for name in _descriptors():
        try:
            status = os.fstat(int(name))
        except (OSError, ValueError):
            continue
        if stat.S_ISREG(status.st_mode):
            found[status.st_dev, status.st_ino] += 1
    with _KEPT_LOCK:
        for identity in [identity for identity in _KEPT if found[identity] == 1]:
            os.close(_KEPT.pop(identity))
            del found[identity]
    return frozenset(found)


def kept_descriptors() -> frozenset[int]:
    """Descriptors that stay open only for the sake of other locks."""
    with _KEPT_LOCK:
        return frozenset(_KEPT.values())


def _descriptors() -> list[str]:
    try:
        return os.listdir("/proc/self/fd")
    except OSError:
        return []


def _pieces(descriptor: int, size: int) -> Iterator[bytes]:
    """What is in a file, at most a little more than `size`: a file that grows faster than it is read must have an
    end."""
    place = 0
    while place <= size and (piece := os.pread(descriptor, PIECE, place)):
        yield piece
        place += len(piece)


def _whole(descriptor: int, size: int) -> tuple[bytes | None, bytes, int, bytes]:
    """The bytes (None if many), their hash, how many there were, and the first of them."""
    if size <= PIECE:
        data = b"".join(_pieces(descriptor, size))
        return data, digest(data), len(data), data[:16]
    state, length, head = blake2b(digest_size=HASH_BYTES), 0, b""
    for piece in _pieces(descriptor, size):
        head = head or piece[:16]
        state.update(piece)
        length += len(piece)
    return None, state.digest(), length, head


def _flags(descriptor: int, status: os.stat_result) -> int:
    flags = e.HARD_LINKED if status.st_nlink > 1 else 0
    if status.st_blocks * _SECTOR < status.st_size:
        flags |= e.SPARSE
    if hasattr(os, "listxattr"):
        try:
            if any(name != "security.selinux" for name in os.listxattr(descriptor)):
                flags |= e.XATTRS
        except OSError:
            pass  # a file system without them
    return flags


def _entry(status: os.stat_result, size: int, hashed: bytes, head: bytes, flags: int) -> Entry:
    if head == _SQLITE_HEAD:
        flags |= e.SQLITE
    mode = stat.S_IMODE(status.st_mode)
    return Entry(e.FILE, mode, size, status.st_mtime_ns, status.st_uid, status.st_gid, flags, hashed)
