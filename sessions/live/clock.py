"""Time that can be compared between processes although somebody may set the clock back.

The order of gates and votes is the order of their rows, never the clock. What does need a clock (leases, signs of life)
compares the time since the machine was started, which only goes forward; the wall clock is for people, and for moments
noted before a restart of the machine.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple


class Moment(NamedTuple):
    """wall: seconds since 1970. ticks: seconds since the machine started, asleep or not. boot: id of that start."""

    wall: float
    ticks: float
    boot: str

    def plus(self, seconds: float) -> Moment:
        return Moment(self.wall + seconds, self.ticks + seconds, self.boot)


def now() -> Moment:
    return Moment(time.time(), _ticks(), boot_id())


def elapsed(since: Moment, until: Moment) -> float:
    """Seconds from one moment to another; negative if `since` lies ahead."""
    return until.ticks - since.ticks if since.boot == until.boot else until.wall - since.wall


def stamp() -> str:
    """UTC with milliseconds, for people."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@cache
def boot_id() -> str:
    """Changes when the machine is started anew; "" where the system does not tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _ticks() -> float:
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(clock) if clock is not None else time.monotonic()
