"""Memory and processor: after opening, after reading for a while, at rest, and with a key held down."""

from __future__ import annotations

import time

from benchmarks.pty_driver import Terminal
from benchmarks.report import Figure
from benchmarks.station import PANES, Bench, complete, finished

GROUP = "Memory and processor"
PAINTS = ("j", "j", "j", "pagedown", "]", "j", "k", "pagedown", "G", "k", "k", "g")


def measure(bench: Bench) -> list[Figure]:
    found: list[Figure] = []
    with bench.station(bench.ready(bench.main_run), bench.main_run) as terminal:
        terminal.wait_for(*PANES)
        detecting = _until_alone(terminal)
        peers = "posting 73, mini-swe inspector 145-330 (earlier)"
        note = "when the detectors' process has ended"
        found.append(Figure(GROUP, "memory after opening", terminal.rss_mb(), "MB", 80, peers=peers, note=note))
        found.append(
            Figure(GROUP, "most memory while the detectors look at it", detecting, "MB", note="both processes")
        )
        series = _read(terminal, bench.times(840, 240))
        found.append(
            Figure(
                GROUP,
                "memory after many paints",
                series[-1],
                "MB",
                120,
                series[0],
                "after the first 60",
                note=_flat(series),
            )
        )
        idle, held = bench.times(10, 4), bench.times(10, 4)
        terminal.drain(1.0)
        found.append(Figure(GROUP, "processor at rest", _load(terminal, idle), "%", 0.5, note=f"over {idle} s"))
        found.append(
            Figure(GROUP, "processor, j held at 30/s", _load(terminal, held, "j"), "%", 15, note=f"over {held} s")
        )
        if bench.long:
            end = time.monotonic() + 600
            while time.monotonic() < end:
                series += _read(terminal, 240)
            found.append(
                Figure(
                    GROUP,
                    "memory after 10 minutes of reading",
                    series[-1],
                    "MB",
                    120,
                    series[0],
                    "after the first 60",
                    note=_flat(series),
                )
            )
    found += _while_reading(bench)
    return found


def _until_alone(terminal: Terminal) -> float:
    """Wait, a minute at most, until the station has no other process at work; the most memory of all until then."""
    most, end = 0.0, time.monotonic() + 60
    terminal.drain(2.0)
    while terminal.children() and time.monotonic() < end:
        most = max(most, terminal.rss_mb())
        terminal.drain(0.2)
    return most


def _read(terminal: Terminal, paints: int) -> list[float]:
    """Move about; the memory after each 60 paints."""
    series = []
    for number in range(1, paints + 1):
        terminal.press(PAINTS[number % len(PAINTS)])
        if number % 60 == 0:
            series.append(terminal.rss_mb())
    return series


def _flat(series: list[float]) -> str:
    return f"{len(series) * 60} paints: {' '.join(f'{value:.0f}' for value in series[:: max(1, len(series) // 7)])}"


def _load(terminal: Terminal, seconds: float, key: str = "") -> float:
    """Per cent of a core over so many seconds, with a key pressed 30 times a second if one is given."""
    start, used = time.perf_counter(), terminal.cpu_s()
    while (gone := time.perf_counter() - start) < seconds:
        if key:
            terminal.send(key)
        terminal.take_for(1 / 30 if key else min(0.5, seconds - gone))
    return 100 * (terminal.cpu_s() - used) / (time.perf_counter() - start)


def _while_reading(bench: Bench) -> list[Figure]:
    """The most memory while a 100 MB file is imported, then indexed and archived."""
    db = bench.fresh("memory")
    importing, after = [0.0], [0.0]
    with bench.station(db, bench.main_run) as terminal:
        while not complete(db):
            terminal.take_for(0.05)
            importing.append(terminal.rss_mb())
        while not finished(db) and not bench.quick:
            terminal.take_for(0.2)
            after.append(terminal.rss_mb())
        if not bench.quick:
            terminal.take_for(2.0)
        left = terminal.rss_mb()
    db.unlink()
    found = [Figure(GROUP, "most memory while 100 MB are imported", max(importing), "MB", 120)]
    if not bench.quick:
        found.append(
            Figure(
                GROUP,
                "most memory while they are indexed and archived",
                max(after),
                "MB",
                120,
                note=f"{left:.0f} MB when done",
            )
        )
    return found
