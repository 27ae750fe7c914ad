"""Processes and what descends from them: /proc on Linux, ps elsewhere."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_COMMAND_CHARS = 200


class Member(NamedTuple):
    """A process. state: the kernel's letter (R runs, S sleeps, D waits for a device, T stopped, Z ended ...). started:
    as the system counts it; number and start name a process for good. name: of the program."""

    pid: int
    parent: int
    group: int
    state: str
    started: str
    name: str

    @property
    def still(self) -> bool:
        """Whether it does nothing: stopped, or ended."""
        return self.state in "TtZX"


def family(root: int) -> list[Member]:
    """Everything that descends from a process, without itself; parents before children."""
    children: dict[int, list[Member]] = {}
    for member in everyone():
        children.setdefault(member.parent, []).append(member)
    found: list[Member] = []
    level, seen = [root], {root}
    while level:
        below = [member for pid in level for member in children.get(pid, ()) if member.pid not in seen]
        seen.update(member.pid for member in below)
        found += below
        level = [member.pid for member in below]
    return found


def everyone() -> Iterable[Member]:
    """All processes that can be seen."""
    if not os.path.isdir("/proc/self"):
        return _from_ps()
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal() and (member := look(int(name))) is not None:
            found.append(member)
    return found


def look(pid: int) -> Member | None:
    """One process; None if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            data = file.read()
    except OSError:
        return None
    before, _, after = data.rpartition(b")")
    fields = after.split()
    name = before.partition(b"(")[2].decode("utf-8", "replace")
    return Member(pid, int(fields[1]), int(fields[2]), fields[0].decode(), fields[19].decode(), name)


def _from_ps() -> list[Member]:
    import subprocess  # only where there is no /proc

    columns = "pid=,ppid=,pgid=,stat=,lstart=,comm="
    with suppress(OSError, subprocess.SubprocessError):
        asked = subprocess.run(["/bin/ps", "-A", "-o", columns], capture_output=True, text=True, timeout=5, check=False)
        return [member for line in asked.stdout.splitlines() if (member := _of_ps(line)) is not None]
    return []


def _of_ps(line: str) -> Member | None:
    words = line.split(None, 9)  # the start is five words: Mon Nov 23 10:00:00 2026
    if len(words) < 10 or not all(word.isdecimal() for word in words[:3]):
        return None
    return Member(int(words[0]), int(words[1]), int(words[2]), words[3][:1], " ".join(words[4:9]), words[9])


def command_of(member: Member) -> str:
    """The command line, shortened; the program's name where it cannot be seen."""
    try:
        with open(f"/proc/{member.pid}/cmdline", "rb") as file:
            words = file.read(4 * _COMMAND_CHARS).split(b"\0")
    except OSError:
        return member.name
    text = " ".join(word.decode("utf-8", "replace") for word in words).strip()
    return (text if len(text) <= _COMMAND_CHARS else f"{text[:_COMMAND_CHARS]}…") or member.name


def adopt_orphans() -> None:
    """From now on, what is left without a parent below this process becomes its child, so that nothing slips away by
    starting another process and ending itself. Linux only; elsewhere such processes are lost sight of."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(signal: int) -> None:
    """Be sent this signal when the parent ends, however it ends. Linux only."""
    _prctl(_PR_SET_PDEATHSIG, signal)


def _prctl(option: int, value: int) -> None:
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
