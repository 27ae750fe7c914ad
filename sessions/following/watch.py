"""Being woken when files in some folders change, for those who wait for other things as well (`select`).

inotify on Linux; elsewhere, and where it cannot be had, `folder_watch` gives None and the caller looks every now and
then. A watch only wakes: what has changed is seen by looking.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sessions.filesystem import file_system, is_remote

#: Between two looks: with a watch (a lost event costs no more than that), and without.
WATCHED_S, POLLED_S = 0.25, 0.02
_IN_MODIFY, _IN_MOVED_TO, _IN_CREATE, _IN_CLOSE_WRITE = 0x2, 0x80, 0x100, 0x8
_MASK = _IN_MODIFY | _IN_MOVED_TO | _IN_CREATE | _IN_CLOSE_WRITE
_IN_NONBLOCK, _IN_CLOEXEC = 0o4000, 0o2000000


class FolderWatch:
    """Readable (for `select`) when something in a watched folder was written, made or moved there."""

    def __init__(self) -> None:
        """Raises OSError where there is no inotify."""
        if not sys.platform.startswith("linux"):
            raise OSError("no inotify here")
        import ctypes  # not needed by who never waits

        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int = self._libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self._folders: set[str] = set()

    def add(self, folder: Path) -> bool:
        """Watch this folder too. False if that cannot be done (it is not there, or on another machine)."""
        name = os.path.abspath(folder)
        if name in self._folders:
            return True
        if is_remote(file_system(folder)) or self._libc.inotify_add_watch(self._fd, os.fsencode(name), _MASK) < 0:
            return False
        self._folders.add(name)
        return True

    def fileno(self) -> int:
        return self._fd

    def drain(self) -> None:
        """Forget what has woken."""
        with suppress(BlockingIOError):
            while os.read(self._fd, 65536):
                pass

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def folder_watch(folders: Iterable[Path]) -> FolderWatch | None:
    """A watch on all these folders; None if one of them cannot be watched."""
    try:
        made = FolderWatch()
    except (OSError, AttributeError):
        return None
    if all(made.add(folder) for folder in folders):
        return made
    made.close()
    return None
