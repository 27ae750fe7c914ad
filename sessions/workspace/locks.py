"""Who may do what at the same time, between processes. The system drops these locks when their holder dies.

The store: shared by all who read or add, alone for collecting garbage. A workspace: shared by snapshots and plans,
alone for a restore. Nobody waits for a restore, because what one wants to snapshot or plan is not the same afterwards.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sessions.errors import UserError

#: How long to wait for the store while somebody collects garbage, in seconds.
WAIT_S = 60.0


class Busy(UserError):
    """Somebody else holds the lock."""


class Locks:
    """The locks of one store."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "locks"

    @contextmanager
    def using(self) -> Iterator[None]:
        """Held while snapshots and objects are read or added. Raises Busy."""
        busy = Busy("the snapshot store is being tidied by another program.", "Try again when it is done.")
        with _held(self._folder / "store", fcntl.LOCK_SH, WAIT_S, busy):
            yield

    @contextmanager
    def alone(self, wait_s: float) -> Iterator[None]:
        """Held while objects are removed. Raises Busy."""
        busy = Busy("the snapshot store is in use by another program.", "Try again when it is done.")
        with _held(self._folder / "store", fcntl.LOCK_EX, wait_s, busy):
            yield

    @contextmanager
    def looking(self, workspace: int) -> Iterator[None]:
        """Held while a workspace is read. Raises Busy."""
        busy = Busy("a restore of this workspace is in progress.", "Try again when it is done.")
        with _held(self._folder / f"workspace-{workspace}", fcntl.LOCK_SH, 0, busy):
            yield

    @contextmanager
    def restoring(self, workspace: int) -> Iterator[None]:
        """Held while a workspace is changed. Raises Busy."""
        busy = Busy("another snapshot or restore of this workspace is in progress.", "Try again when it is done.")
        with _held(self._folder / f"workspace-{workspace}", fcntl.LOCK_EX, 0, busy):
            yield


@contextmanager
def _held(path: Path, kind: int, wait_s: float, busy: Busy) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        end = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise busy from None
                time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)
