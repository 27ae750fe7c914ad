"""Following a file: from the agent's line in the file to its text on the screen, and what a quiet file costs.

The agent is this process: it appends whole steps to a session file, as Claude Code writes them, at uneven times. The
station follows the file in a real terminal, standing at the run's end.
"""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import orjson
import psutil

from benchmarks import corpus
from benchmarks.pty_driver import Terminal
from benchmarks.report import Figure, p50_p99
from benchmarks.station import REVIEWER, Bench

GROUP = "Following a file"
BUDGET_MS = 120.0
#: As often as an agent that works fast; a look takes 20 ms, so the pauses must not keep step with it.
PAUSE_S = (0.15, 0.45)
SMALL_STEPS = 40


def measure(bench: Bench) -> list[Figure]:
    small = corpus.corpus("claude-code", steps=SMALL_STEPS, megabytes=0.04)
    found = []
    for name, path in (("40 steps", small), ("100,000 steps, 100 MB", bench.main_run)):
        times, idle = _follow(bench, path, bench.times(100, 25), rests=path is small)
        found += p50_p99(GROUP, f"step in the file to paint, {name}", times)
        found[-1].budget = BUDGET_MS
        for who, value in zip(("station", "follower"), idle, strict=False):
            found.append(Figure(GROUP, f"a quiet file, the {who}: processor", value, "%", 0.5))
    return found


def _follow(bench: Bench, path: Path, count: int, *, rests: bool) -> tuple[list[float], list[float]]:
    """Seconds from each written line to its word on the screen; rests: percent of a processor that the station and the
    follower use while nothing happens, too."""
    chance = random.Random(1)
    copy = bench.work / f"follow-{path.name}"
    shutil.copyfile(path, copy)
    db = bench.fresh("follow")
    times: list[float] = []
    with Terminal(
        [*bench.command(), "follow", "--db", str(db), "--reviewer", REVIEWER, str(copy)], env=bench.env
    ) as terminal:
        terminal.wait_for(r"following", timeout=120)
        _until_read(terminal)
        terminal.press("G")
        for number in range(count):
            terminal.take_for(chance.uniform(*PAUSE_S))
            terminal.text()
            word = f"quagga{number:04d}"
            begun = time.perf_counter()
            with open(copy, "ab", buffering=0) as file:
                file.write(_line(number, word))
            times.append(terminal.wait_for(word, timeout=20, since=begun))
        idle = _idle(terminal, bench.times(40, 15)) if rests else []
    copy.unlink()
    return times, idle


def _until_read(terminal: Terminal) -> None:
    """Everything that was there is in, indexed and looked at: nobody has anything to do any more."""
    end, used = time.monotonic() + 120, -1.0
    while time.monotonic() < end:
        terminal.take_for(1.0)
        now = sum(_cpu(terminal).values())
        if now - used < 0.03:
            return
        used = now


def _idle(terminal: Terminal, seconds: float) -> list[float]:
    terminal.take_for(7.0)  # the run comes to rest
    _until_read(terminal)
    before = _cpu(terminal)
    terminal.take_for(seconds)
    after = _cpu(terminal)
    return [(after[pid] - used) / seconds * 100 for pid, used in before.items() if pid in after]


def _cpu(terminal: Terminal) -> dict[int, float]:
    """Seconds of processor time by process: the station's first."""
    used: dict[int, float] = {}
    for process in (terminal.process, *terminal.process.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used[process.pid] = times.user + times.system
    return used


def _line(number: int, word: str) -> bytes:
    record = {
        "uuid": f"bench-{number}", "parentUuid": None, "isSidechain": False, "sessionId": "bench", "version": "2.1.0",
        "type": "user", "message": {"role": "user", "content": f"Say {word}."}, "cwd": "/work",
        "timestamp": "2026-11-22T18:00:00.000Z",
    }  # fmt: skip
    return orjson.dumps(record) + b"\n"
