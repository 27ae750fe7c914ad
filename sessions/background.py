"""Work that must not be felt by who sits at the terminal: what a process of the background does first."""

from __future__ import annotations

import contextlib
import os

#: Behind the reviewer's own process when both want a processor.
NICENESS = 10
_AUTOGROUP = "/proc/self/autogroup"


def stand_back() -> None:
    """Let the reviewer's own process go first, and (Linux) never interrupt it because a pipe has something to read.

    Where Linux shares the processors out by session (autogroup, as on most desktops), a process with a session of its
    own is nice in vain: the session must be.
    """
    os.nice(NICENESS)
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError), open(_AUTOGROUP, "w") as file:
            file.write(str(NICENESS))
