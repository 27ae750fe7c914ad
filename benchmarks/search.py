"""Finding a word in 100 MB: in the store alone, and from Enter to the first hit painted."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from benchmarks import corpus, tasks
from benchmarks.pty_driver import Terminal
from benchmarks.report import Figure
from benchmarks.station import PANES, Bench, finished

GROUP = "Searching 100 MB"
#: A piece of the needle that begins no word: only a scan finds it.
PIECE = corpus.NEEDLE[3:]


def measure(bench: Bench) -> list[Figure]:
    path, times = bench.main_run, bench.times(9, 3)
    fresh, done = bench.ready(path, finished=False), bench.ready(path)
    scan, words = tasks.run("like_scan", fresh, corpus.NEEDLE), tasks.run("like_scan", done, corpus.NEEDLE)
    instr, match = scan["instr_s"] * 1000, words["match_s"] * 1000
    found = []
    for name, db, query, budget, floor, floor_name in (
        ("indexed, a word", done, corpus.NEEDLE, 50, match, "FTS match"),
        ("not indexed yet, a word", fresh, corpus.NEEDLE, 150, instr, "instr"),
        ("not indexed yet, a piece of a word", fresh, PIECE, 150, instr, "instr"),
        ("archived, a piece of a word", done, PIECE, None, instr, "instr before"),
    ):
        taken = tasks.run("search_store", db, query, str(times))
        note = f"{taken['hits']:.0f} steps; whole scan {taken['whole_s'] * 1000:,.0f} ms"
        found.append(
            Figure(
                GROUP, f"sessions.search, {name}", taken["first_s"] * 1000, "ms", budget, floor, floor_name, note=note
            )
        )
    indexed = [_in_station(bench, done, path, corpus.NEEDLE) for _ in range(bench.times(5, 2))]
    before = [_before_index(bench, corpus.NEEDLE) for _ in range(bench.times(5, 2))]
    piece = [_before_index(bench, PIECE) for _ in range(bench.times(3, 1))]
    everywhere = [_all_runs(bench, done) for _ in range(bench.times(3, 1))]
    return [
        *found,
        _figure("Enter to first hit painted, indexed", indexed, 50, match, "FTS match"),
        _figure(
            "Enter to first hit painted, not indexed yet",
            before,
            150,
            instr,
            "instr",
            "the index is being built meanwhile",
        ),
        _figure(
            "Enter to first hit painted, a piece of a word",
            piece,
            150,
            instr,
            "instr",
            "the index is being built meanwhile",
        ),
        _figure(
            "all runs: last letter to first hit painted",
            everywhere,
            None,
            match,
            "FTS match",
            "150 ms of it wait for more letters",
        ),
    ]


def _figure(
    what: str, seconds: list[float], budget: float | None, floor: float, floor_name: str, note: str = ""
) -> Figure:
    said = f"n={len(seconds)}, max {max(seconds) * 1000:.0f}" + (f"; {note}" if note else "")
    return Figure(GROUP, what, statistics.median(seconds) * 1000, "ms", budget, floor, floor_name, note=said)


def _enter(terminal: Terminal, query: str) -> float:
    """Type a search in the review screen; seconds from Enter until the hit and its count are shown."""
    terminal.press("/", quiet=0.15)
    for letter in query:
        terminal.press(letter)
    shown = rf"{corpus.NEEDLE}[\s\S]*'{query}': [\d,]+ of"
    return terminal.press_until("enter", shown, timeout=30)


def _in_station(bench: Bench, db: Path, path: Path, query: str) -> float:
    with bench.station(db, path) as terminal:
        terminal.wait_for(*PANES)
        terminal.drain(1.0)
        return _enter(terminal, query)


def _before_index(bench: Bench, query: str) -> float:
    db = bench.ready(bench.main_run, finished=False)
    with bench.station(db, bench.main_run) as terminal:
        terminal.wait_for(*PANES)
        terminal.drain(0.3)
        taken = _enter(terminal, query)
        assert not finished(db)
        return taken


def _all_runs(bench: Bench, db: Path) -> float:
    with bench.station(db) as terminal:
        terminal.wait_for(r"100,000 steps", r"q quit")
        terminal.drain(0.5)
        terminal.press("ctrl+f", quiet=0.2)
        for letter in corpus.NEEDLE[:-1]:
            terminal.send(letter)
            time.sleep(0.02)
        terminal.drain(0.05)
        return terminal.press_until(corpus.NEEDLE[-1], rf"The {corpus.NEEDLE} rang", timeout=30)
