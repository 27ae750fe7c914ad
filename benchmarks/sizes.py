"""Files of a gigabyte, documents of half of one, lines of 200 MB, folders of 10,000: what opening them costs.

Keys are timed to the end of the first frame: the head of a run that grows is painted four times a second by itself.
Memory is the sum of PSS over the station and its children: what pages they share is counted once, by halves. Linux
only; elsewhere it is RSS, which counts shared pages in each.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks import giants
from benchmarks.pty_driver import Terminal, TimedOut
from benchmarks.report import Figure, p50_p99
from benchmarks.station import PANES, Bench, complete, rows

MOVES = ("j", "j", "pagedown", "k", "]", "j", "pageup", "j")
PLAIN = ("j", "j", "pagedown", "k", "j", "k")
IN_INBOX = ("j", "j", "pagedown", "k", "j", "k", "pageup", "j")
BUDGET, GIANT = (8.0, 16.0), (33.0, 33.0)
FIRST_S, MOST_MB, QUIT_S = 1.5, 400.0, 0.3
#: Keys are pressed for so many presses; then only the memory is watched until the file is in.
MOST_KEYS = 1600
#: Between two looks at the memory, in seconds: each stops nothing, but takes a few milliseconds.
LOOK_S = 0.15


@dataclass(frozen=True)
class Giant:
    """A file (or folder) to be opened. seen: on the screen when the first of it is. keys: pressed while it is read."""

    name: str
    make: Callable[[Path], Path]
    runs: int | None = 1
    seen: tuple[str, ...] = PANES
    keys: tuple[str, ...] = MOVES
    budget: tuple[float, float] = BUDGET
    speed: bool = True


@dataclass
class _Seen:
    first: float = 0.0
    whole: float = 0.0
    keys: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    station: float = 0.0


def _giants(bench: Bench) -> list[Giant]:
    big = 100.0 if bench.quick else 1000.0
    half = 80.0 if bench.quick else 500.0
    line = 40.0 if bench.quick else 200.0
    count = 1000 if bench.quick else 10_000
    inbox = (r"user|agent|\d+ steps", r"q quit")
    return [
        Giant(f"Claude Code, {big:.0f} MB", lambda path: giants.jsonl(path, "claude-code", big)),
        Giant(f"Codex, {big:.0f} MB", lambda path: giants.jsonl(path, "codex", big)),
        Giant(f"chat messages in one document, {half:.0f} MB", lambda path: giants.chat_document(path, half)),
        Giant(f"ATIF, {half:.0f} MB", lambda path: giants.atif_document(path, half)),
        Giant(
            f"OTLP in one document, {line:.0f} MB", lambda path: giants.otlp_document(path, line), runs=None, keys=PLAIN
        ),
        Giant(f"a line of {line:.0f} MB", lambda path: giants.long_line(path, line), budget=GIANT),
        Giant(
            f"{count:,} small files",
            lambda path: giants.small_files(path, count),
            runs=count,
            seen=inbox,
            keys=IN_INBOX,
            speed=False,
        ),
    ]


def measure(bench: Bench) -> list[Figure]:
    found: list[Figure] = []
    for giant in _giants(bench):
        path = giant.make(bench.work / "giant")
        try:
            found += _figures(bench, giant, _size(path), _open(bench, giant, path), _quit(bench, giant, path))
        finally:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return found


def _size(path: Path) -> float:
    files = path.rglob("*.jsonl") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files) / 1e6


def _figures(bench: Bench, giant: Giant, size: float, seen: _Seen, quitting: list[Figure]) -> list[Figure]:
    group, floors, app = f"Giants: {giant.name}", bench.floors, "minimal app"
    speed = f"{size / seen.whole:.0f} MB/s" if giant.speed else f"{(giant.runs or 0) / seen.whole:.0f} files/s"
    all_in = f"all of it in the store after {seen.whole:.1f} s, {speed}, keys held down meanwhile"
    most = f"station {seen.station:.0f} MB; sum of PSS over all processes"
    found = [
        Figure(group, "first of it on the screen", seen.first, "s", FIRST_S, floors["app"] / 1000, app, note=all_in),
        Figure(group, "most memory while it is read", max(seen.memory), "MB", MOST_MB, note=most),
    ]
    if seen.keys:
        low = (floors["app_p50"], floors["app_p99"])
        found += p50_p99(group, "moving while it is read", seen.keys, giant.budget, low, app)
    return found + quitting


def _open(bench: Bench, giant: Giant, path: Path) -> _Seen:
    """Open it, move about while it is read, and watch the memory to the end."""
    seen, db = _Seen(), bench.fresh("giant")
    with bench.station(db, path) as terminal:
        watch = _Memory(terminal, seen)
        while not seen.first:  # looked at all along: much may be held before the first of it is shown
            try:
                seen.first = terminal.wait_for(*giant.seen, timeout=0.2)
            except TimedOut:
                if time.perf_counter() - terminal.started > 60:
                    raise
            watch.look()
        while not _is_in(db, giant):
            if len(seen.keys) < MOST_KEYS:
                seen.keys += [terminal.press(key).shown for key in giant.keys]
            else:
                terminal.take_for(0.1)
            watch.look()
        seen.whole = time.perf_counter() - terminal.started
    _remove(db)
    return seen


def _quit(bench: Bench, giant: Giant, path: Path) -> list[Figure]:
    """Ctrl+C, and q, in the middle of reading: seconds until the shell is there again, and until its children have gone
    too, which put the database in order."""
    found = []
    for name, keys in (("ctrl+c", ("ctrl+c",)), ("q", ("q",) if giant.keys is IN_INBOX else ("q", "q"))):
        db = bench.fresh("giant")
        with bench.station(db, path) as terminal:
            terminal.wait_for(*giant.seen)
            terminal.take_for(0.7)
            children = terminal.process.children(recursive=True)
            for key in keys[:-1]:
                terminal.press(key)
            start = terminal.send(keys[-1])
            shell = _gone(terminal, [terminal.process], start)
            note = f"all processes gone after {_gone(terminal, children, start):.2f} s"
        found.append(Figure(f"Giants: {giant.name}", f"{name} while it is read", shell, "s", QUIT_S, note=note))
        _remove(db)
    return found


def _gone(terminal: Terminal, processes: list[psutil.Process], start: float) -> float:
    while any(map(_alive, processes)) and time.perf_counter() - start < 20:
        terminal.take_for(0.005)
    return time.perf_counter() - start


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_in(db: Path, giant: Giant) -> bool:
    if giant.runs is not None:
        return complete(db, giant.runs)
    return bool(rows(db, "SELECT 1 FROM source LIMIT 1")) and not rows(
        db, "SELECT 1 FROM run WHERE state = 'importing'"
    )


class _Memory:
    """Looks at the memory of the station and its children now and then."""

    def __init__(self, terminal: Terminal, seen: _Seen) -> None:
        self._terminal, self._seen, self._last = terminal, seen, 0.0

    def look(self) -> None:
        if time.perf_counter() - self._last < LOOK_S:
            return
        own = _pss(self._terminal.process)
        children = sum(map(_pss, self._terminal.process.children(recursive=True)))
        self._seen.memory.append(own + children)
        self._seen.station = max(self._seen.station, own)
        self._last = time.perf_counter()


def _pss(process: psutil.Process) -> float:
    try:
        full = process.memory_full_info()
    except psutil.Error:
        return 0.0
    return float(getattr(full, "pss", 0) or full.rss) / 1e6


def _remove(db: Path) -> None:
    for name in (db, f"{db}-wal", f"{db}-shm"):
        if os.path.exists(name):
            os.unlink(name)
