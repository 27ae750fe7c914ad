"""Sleeping until something was written to the database, for little processor time and a short way to the answer.

A file watch on the database's WAL only wakes; what is true is asked of SQLite (`PRAGMA data_version`). On Linux the
watch is inotify, elsewhere `watchfiles`, and where neither works the waiter polls every 10, 20, then 50 ms. Every
250 ms it looks without being woken, so a lost event costs no more than that.

The trap: inotify fires when the frames are in the WAL, which is before they are on the disk and the commit can be seen,
and not again then. So after a wake-up the version is asked again and again, for 100 ms, before sleeping; and so it is
where a wake-up may have been missed: while the watch was set up, and behind a commit that was just seen.
"""

from __future__ import annotations

import os
import select
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from sessions.store import Store

SAFETY_S = 0.250
#: The pauses between looks: after a wake-up as long as a commit may take to reach the disk, closely at first; after a
#: commit was seen, in case the wake-up for the next one has gone by already.
_AFTER_WAKE_S = (*[0.0005] * 20, *[0.001] * 10, *[0.002] * 10, *[0.005] * 12)
_AFTER_COMMIT_S = (*[0.002] * 10, *[0.005] * 12)
#: Between two looks where there is no watch.
_POLLS = (0.010, 0.010, 0.010, 0.020, 0.020, 0.050)
#: Where others write all the time, a waiter may be woken for nothing so often, at once and per second; then it rests
#: the longer, the more often it is.
_FREE_WAKES, _FREE_PER_S, _REST_S, _LONGEST_REST_S = 10, 20, 0.0005, 0.020
_IN_MODIFY, _IN_NONBLOCK, _IN_CLOEXEC = 0x2, 0o4000, 0o2000000


class Watch(Protocol):
    """Something that wakes when the file may have been written to."""

    def wait(self, seconds: float) -> bool:
        """Sleep so long at most; True if woken."""

    def close(self) -> None: ...


class Waiter:
    """Waits for commits of others to a database. A context manager; to be used by one thread."""

    def __init__(self, store: Store, watch: Watch | None = None) -> None:
        self._store = store
        self._version = store.data_version()
        self._watch = watch or watch_for(store.path)
        self._pauses = iter(_AFTER_WAKE_S)
        self._begun = time.monotonic()
        self._vain = 0

    def __enter__(self) -> Waiter:
        return self

    def __exit__(self, *exc: object) -> None:
        self._watch.close()

    def changed(self, seconds: float) -> bool:
        """Sleep until another connection has committed, so many seconds at most (and never longer than SAFETY_S).

        False if nothing was committed: ask again.
        """
        end = time.monotonic() + min(seconds, SAFETY_S)
        while not self._moved():
            left = end - time.monotonic()
            if left <= 0:
                return False
            pause = next(self._pauses, None)
            if pause is not None:
                time.sleep(min(pause, left))
            elif self._watch.wait(left):
                self._pauses = iter(_AFTER_WAKE_S)
        self._pauses = iter(_AFTER_COMMIT_S)
        return True

    def in_vain(self) -> None:
        """What was committed did not concern the caller. Rests, if that happens all the time."""
        self._vain += 1
        too_many = self._vain - _FREE_WAKES - _FREE_PER_S * (time.monotonic() - self._begun)
        if too_many > 0:
            time.sleep(min(_LONGEST_REST_S, _REST_S * too_many))

    def _moved(self) -> bool:
        version = self._store.data_version()
        moved, self._version = version != self._version, version
        return moved


def wait_until(
    store: Store,
    look: Callable[[], Any],
    *,
    seconds: float | None = None,
    stopped: Callable[[], bool] = lambda: False,
    beat: Callable[[], None] = lambda: None,
    beat_s: float = 15.0,
) -> Any:
    """What `look` gives as soon as it is not None; None after so many seconds, or when `stopped` says so.

    seconds: None for ever. beat: called every `beat_s` seconds.
    """
    found = look()
    if found is not None or seconds == 0:
        return found
    end = None if seconds is None else time.monotonic() + seconds
    next_beat = time.monotonic() + beat_s
    with Waiter(store) as waiter:
        found = look()  # it may have been decided while the watch was set up
        while found is None and not stopped():
            now = time.monotonic()
            left = SAFETY_S if end is None else end - now
            if left <= 0:
                return None
            if now >= next_beat:
                beat()
                next_beat = now + beat_s
            if waiter.changed(left):
                found = look()
                if found is None:
                    waiter.in_vain()
    return found


# -- watches ------------------------------------------------------------------------------------------------------


def watch_for(database: Path) -> Watch:
    """The best watch that works here."""
    wal = database.with_name(f"{database.name}-wal")
    for make in (_Inotify, _Watchfiles):
        try:
            return make(wal)
        except (OSError, ImportError, AttributeError, RuntimeError):
            continue
    return _Polling()


class _Inotify:
    """inotify through ctypes. Sleeps in the kernel, at no cost."""

    def __init__(self, path: Path) -> None:
        if not sys.platform.startswith("linux"):
            raise OSError("no inotify here")
        import ctypes  # not needed by who never waits

        libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int = libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        if libc.inotify_add_watch(self._fd, os.fsencode(path), ctypes.c_uint32(_IN_MODIFY)) < 0:
            self.close()
            raise OSError(ctypes.get_errno(), "inotify_add_watch")
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)

    def wait(self, seconds: float) -> bool:
        if not self._poll.poll(max(1, int(seconds * 1000))):
            return False
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return False
        return len(data) >= struct.calcsize("iIII")

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class _Watchfiles:
    """The watch of the package `watchfiles`, which knows the other systems' ways."""

    def __init__(self, path: Path) -> None:
        from watchfiles._rust_notify import RustNotify

        if not path.exists():
            raise OSError(f"{path} is not there")
        self._notify = RustNotify([str(path.parent)], False, False, 30, False, True)

    def wait(self, seconds: float) -> bool:
        # debounce and step of 1 ms: the first change is enough.
        return bool(self._notify.watch(1, 1, max(1, int(seconds * 1000)), None) != "timeout")

    def close(self) -> None:
        self._notify.close()


class _Polling:
    """No watch at all: short sleeps that grow, and the version is looked at after each."""

    def __init__(self) -> None:
        self._round = 0

    def wait(self, seconds: float) -> bool:
        time.sleep(min(seconds, _POLLS[min(self._round, len(_POLLS) - 1)]))
        self._round += 1
        return False

    def close(self) -> None:
        return
