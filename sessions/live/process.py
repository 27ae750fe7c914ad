"""Who is running: processes named so that a number given out again is not taken for the old one, and their parents.

This is how `gate decide` notices that it was called by the agent whose gate it is. It keeps an honest program from
approving itself by accident or by habit. It is no wall: whoever runs as the same user of the operating system can write
to the database without asking (docs/live.md shows the set-up with two users).
"""

from __future__ import annotations

import os
from functools import cache
from typing import NamedTuple

from sessions.live.clock import boot_id

#: In the environment of everything that runs below a gated run; holds the run's name. `review-tui run` sets it.
MARKER = "REVIEW_TUI_GATED_RUN"
#: Parents are followed so far; a longer line is a loop of a damaged process table.
_MOST_PARENTS = 1000


class Process(NamedTuple):
    """A process. started: as the system counts it. boot: the start of the machine and, where there are such, the
    namespace that the number is valid in. host: the machine's name, for people."""

    pid: int
    started: str
    boot: str
    host: str


def process(pid: int) -> Process | None:
    """The process with that number; None if there is none (any more)."""
    found = _look(pid)
    return Process(pid, found[1], namespace(), host_name()) if found else None


def myself() -> Process:
    found = process(os.getpid())
    return found or Process(os.getpid(), "", namespace(), host_name())


def is_alive(known: Process) -> bool | None:
    """Whether it still runs; None if that cannot be seen from here (another container, no /proc and no ps)."""
    if known.boot != namespace():
        same_start = known.boot.partition("/")[0] == boot_id()
        return None if same_start else False
    if not known.started:
        return None
    found = _look(known.pid)
    return found is not None and found[1] == known.started


def ancestors(pid: int | None = None) -> list[Process]:
    """A process (this one) and its parents, up to the first of all."""
    found: list[Process] = []
    pid = os.getpid() if pid is None else pid
    while pid > 0 and len(found) < _MOST_PARENTS:
        look = _look(pid)
        if look is None:
            break
        found.append(Process(pid, look[1], namespace(), ""))
        pid = look[0]
    return found


def marked_run(pid: int | None = None) -> str | None:
    """The run named by MARKER in this process's environment, or in that of a parent (as it was when it started)."""
    if pid is None and (name := os.environ.get(MARKER)):
        return name
    for parent in ancestors(pid):
        if name := _environment(parent.pid).get(MARKER):
            return name
    return None


@cache
def namespace() -> str:
    """What a process number is valid in: this start of the machine, and this container."""
    try:
        return f"{boot_id()}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return boot_id()


def host_name() -> str:
    """The machine's name."""
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def _look(pid: int) -> tuple[int, str] | None:
    """(parent, when it was started) of a process; None if there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except FileNotFoundError:
        return None if os.path.isdir("/proc/self") else _ask_ps(pid)
    except OSError:
        return None
    fields = text.rpartition(b")")[2].split()  # the name before may hold anything
    if fields[0] in (b"Z", b"X"):  # dead, and nobody has asked how it ended
        return None
    return int(fields[1]), fields[19].decode()


def _ask_ps(pid: int) -> tuple[int, str] | None:
    import subprocess  # only where there is no /proc

    try:
        asked = subprocess.run(
            ["/bin/ps", "-o", "ppid=,lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    parent, _, started = asked.stdout.strip().partition(" ")
    return (int(parent), started.strip()) if parent.isdecimal() else None


def _environment(pid: int) -> dict[str, str]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            entries = file.read().split(b"\0")
    except OSError:
        return {}
    pairs = (os.fsdecode(entry).partition("=") for entry in entries)
    return {name: value for name, _, value in pairs}
