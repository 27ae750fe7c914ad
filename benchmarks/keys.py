"""From a key to its paint: moving about, in giant steps, while files are being read, and deciding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks import corpus, tasks
from benchmarks.pty_driver import Terminal
from benchmarks.report import Figure, p50_p99
from benchmarks.station import PANES, REVIEWER, Bench, complete, finished, rows

BUDGET = (8.0, 16.0)
GIANT = (33.0, 33.0)
MOVES = (("j", "j"), ("page down", "pagedown"), ("next chunk", "]"), ("k", "k"), ("page up", "pageup"))


def _floor(bench: Bench) -> tuple[float, float]:
    return bench.floors["app_p50"], bench.floors["app_p99"]


def moving(bench: Bench) -> list[Figure]:
    """Each way of moving in the 100,000-step run."""
    found = []
    with bench.station(bench.ready(bench.main_run), bench.main_run) as terminal:
        terminal.wait_for(*PANES)
        terminal.drain(0.8)
        for name, key in MOVES:
            if name == "k":
                terminal.press("G")
            times = [terminal.press(key).last for _ in range(bench.times(200, 60))]
            found += p50_p99("Moving in the 100,000-step run", name, times, BUDGET, _floor(bench), "minimal app")
        jumps = [terminal.press(key).last for _ in range(bench.times(50, 15)) for key in ("g", "G")]
        found += p50_p99(
            "Moving in the 100,000-step run", "jump to end and beginning", jumps, BUDGET, _floor(bench), "minimal app"
        )
    return found


def importing(bench: Bench) -> list[Figure]:
    """The same while further 100 MB files are read, indexed and archived by the same program."""
    others = [corpus.corpus("claude-code", seed=seed) for seed in ((2, 3) if not bench.quick else (2,))]
    db = bench.ready(bench.main_run)
    reading: list[float] = []
    after: list[float] = []
    with bench.station(db, bench.main_run, *others) as terminal:
        terminal.wait_for(r"100,000 steps", r"q quit")
        terminal.press("end")
        terminal.press_until("enter", *PANES)
        runs = len(others) + 1
        while not complete(db, runs) and len(reading) < 2000:
            reading += [terminal.press(key).last for key in ("j", "j", "pagedown", "k", "]", "j")]
        for _ in range(bench.times(30, 10)):
            if finished(db, runs):
                break
            after += [terminal.press(key).last for key in ("j", "j", "pagedown", "k", "]", "j")]
    group = "Moving while other files are read"
    found = p50_p99(group, "while 100 MB files are imported", reading, BUDGET, _floor(bench), "minimal app")
    if after:
        found += p50_p99(group, "while they are indexed and archived", after, BUDGET, _floor(bench), "minimal app")
    return found


def giants(bench: Bench) -> list[Figure]:
    """A step of 60,000 lines (4.7 MB), opened; and a message of 1 MB."""
    found = []
    for name, path, word in (
        ("step of 60,000 lines", corpus.giant_step(), "worker"),
        ("message of 1 MB", corpus.megabyte_message(), ""),
    ):
        with bench.station(bench.ready(path), path) as terminal:
            terminal.wait_for(*PANES)
            terminal.drain(0.8)
            opened = _into_giant(terminal, word)
            found += p50_p99(name.capitalize(), "opening and entering it", opened, GIANT, _floor(bench), "minimal app")
            for what, key in (("j", "j"), ("page down", "pagedown"), ("page up", "pageup")):
                times = [terminal.press(key).last for _ in range(bench.times(100, 30))]
                found += p50_p99(name.capitalize(), what, times, GIANT, _floor(bench), "minimal app")
            times = [terminal.press(key).last for _ in range(bench.times(15, 5)) for key in ("G", "g", "]", "[")]
            found += p50_p99(
                name.capitalize(),
                "over it: end, beginning, next and previous chunk",
                times,
                GIANT,
                _floor(bench),
                "minimal app",
            )
            _into_giant(terminal, word)
        found[-8].peers = "mini-swe inspector 10,200 ms (earlier)" if word else ""
    return found


def _into_giant(terminal: Terminal, word: str) -> list[float]:
    """Open everything and go into the giant step; the times of what it took."""
    times = [terminal.press("g").last]
    if word:
        times.append(terminal.press("Z").last)
    for _ in range(8):
        if terminal.text().count(word or "def ") > 20:
            break
        times.append(terminal.press("pagedown").last)
    return times


def deciding(bench: Bench) -> list[Figure]:
    """Label, approve, undo. Killed at the end without a word: every decision must be in the database."""
    db = bench.ready(bench.main_run)
    count = bench.times(60, 20)
    floor = tasks.run("commit", bench.fresh("commit"), "100")
    series: dict[str, list[float]] = {"label: l": [], "label: 2": [], "label: 6": [], "approve: a": [], "undo: u": []}
    expected = 0
    with bench.station(db, bench.main_run) as terminal:
        terminal.wait_for(*PANES)
        terminal.drain(1.5)
        for _ in range(count):
            series["label: l"].append(terminal.press("l", quiet=0.08).last)
            series["label: 2"].append(terminal.press("2", quiet=0.08).last)
            series["label: 6"].append(terminal.press_until("6", r"◆ 2\.6"))
            terminal.drain(0.1)
            series["approve: a"].append(_decided(terminal, db, "a"))
            series["undo: u"].append(_decided(terminal, db, "u"))
            terminal.press("]")
            expected += 3
        terminal.kill()
    events = int(str(rows(db, "SELECT count(*) FROM event WHERE reviewer = ?", REVIEWER)[0][0]))
    found = []
    for name, times in series.items():
        note = f"{events} of {expected} decisions on disk after kill -9" if name == "undo: u" else ""
        low = (floor["p50"] * 1000, floor["p99"] * 1000)
        found += p50_p99("Deciding (on disk, synchronous=FULL)", name, times, (33.0, 33.0), low, "commit", note)
    found.append(
        Figure(
            "Deciding (on disk, synchronous=FULL)", "decisions missing after kill -9", max(0, expected - events), "", 0
        )
    )
    return found


def _decided(terminal: Terminal, db: Path, key: str) -> float:
    """Seconds from the key to the paint that says so; it must be in the database by then."""
    before = rows(db, "SELECT count(*) FROM event")
    taken = terminal.press(key, quiet=0.12).last
    assert rows(db, "SELECT count(*) FROM event") != before, f"{key} was painted before it was on disk"
    return taken


ALL: tuple[Callable[[Bench], list[Figure]], ...] = (moving, importing, giants, deciding)
