"""How long until something is there: commands that only answer, the station on a known run, a run never seen before."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks import corpus, tasks
from benchmarks.report import Figure
from benchmarks.station import PANES, REVIEWER, Bench, complete, finished, median_ms, rows, wait_until

#: Not to be imported before the first frame: each costs more than opening the store.
HEAVY = ("pydantic", "sqlite_utils", "markdown_it", "textual.widgets._markdown", "numpy")


def commands(bench: Bench) -> list[Figure]:
    """`--version`, `--help`, and reading from the store."""
    times, found = bench.times(11, 5), []
    group = "Commands"
    for name in ("--version", "--help"):
        taken = median_ms(bench.command(name), times, bench.env)
        loaded = _imports(bench.command(name), bench)
        note = "textual imported!" if "textual" in loaded else f"{len(loaded)} modules, no textual"
        found.append(Figure(group, f"review-tui {name}", taken, "ms", 60, bench.floors["python"], "python", note=note))
    db = bench.ready(corpus.corpus("openai-chat", steps=2000, megabytes=2))
    run = str(rows(db, "SELECT id FROM run")[0][0])
    _decide(bench, db, run)
    big = bench.ready(bench.main_run)
    big_run = str(rows(big, "SELECT id FROM run")[0][0])
    for what, argv in (
        ("runs", ("runs", "--db", db)),
        ("show RUN --chunk 3", ("show", "--db", db, run, "--chunk", "3")),
        ("history RUN", ("history", "--db", db, run)),
        ("runs, 100,000-step run", ("runs", "--db", big)),
        ("show RUN --chunk 3, 100,000-step run", ("show", "--db", big, big_run, "--chunk", "3")),
    ):
        command = bench.command(*argv)
        try:
            taken = median_ms(command, times, bench.env)
        except subprocess.CalledProcessError as error:
            found.append(Figure(group, what, float("nan"), "ms", 100, note=f"exit code {error.returncode}"))
            continue
        loaded = _imports(command, bench)
        heavy = [name for name in ("textual", *HEAVY) if name in loaded]
        note = f"imports {', '.join(heavy)}" if heavy else f"{len(loaded)} modules"
        found.append(Figure(group, what, taken, "ms", 100, bench.floors["sqlite"], "import sqlite3", note=note))
    return found


def _decide(bench: Bench, db: Path, run: str) -> None:
    argv = bench.command("decide", "--db", db, "--reviewer", REVIEWER, run, "--chunk", "1", "--verdict", "approve")
    subprocess.run(argv, check=True, capture_output=True)


def _imports(command: list[str], bench: Bench) -> set[str]:
    """Every module that a command loads, by Python's own account."""
    import os

    argv = [sys.executable, "-X", "importtime", *command] if not command[0].startswith(sys.executable) else command
    result = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, **bench.env}, check=False)
    return {line.rpartition("|")[2].strip() for line in result.stderr.splitlines() if line.startswith("import time:")}


def cold(bench: Bench) -> list[Figure]:
    """The station on a 100,000-step run it knows, all panes; and what is imported for that."""
    db, times = bench.ready(bench.main_run), bench.times(15, 5)
    group = "Start"
    taken = []
    for _ in range(times):
        with bench.station(db, bench.main_run) as terminal:
            taken.append(terminal.wait_for(*PANES, timeout=20))
            terminal.drain(0.2)
    inbox = []
    for _ in range(times):
        with bench.station(db) as terminal:
            inbox.append(terminal.wait_for(r"100,000 steps", r"\? keys|q quit", timeout=20))
            terminal.drain(0.2)
    middle, shown = statistics.median(taken) * 1000, f"n={times}, min {min(taken) * 1000:.0f}"
    heavy = _heavy_at_start(bench, db)
    note = shown + (f"; imports {', '.join(heavy)} before the first frame" if heavy else "; nothing heavy imported")
    floor, peers = bench.floors["app"], "posting 699, harlequin 925, toolong 403 (earlier, this kind of machine)"
    return [
        Figure(group, "cold start, 100,000 steps, all panes", middle, "ms", 300, floor, "minimal app", peers, note),
        Figure(group, "cold start to the inbox", statistics.median(inbox) * 1000, "ms", 300, floor, "minimal app"),
    ]


def _heavy_at_start(bench: Bench, db: Path) -> list[str]:
    """Which of HEAVY are loaded when the first frame is complete (asked inside the program, by a small shim)."""
    out = bench.work / "modules.txt"
    argv = [sys.executable, "-c", _SHIM, str(out), str(db), str(bench.main_run)]
    from benchmarks.pty_driver import Terminal

    with Terminal(argv, env=bench.env) as terminal:
        terminal.wait_for(*PANES, timeout=20)
        terminal.drain(0.5)
    loaded = set(out.read_text().split()) if out.exists() else set()
    return [name for name in HEAVY if name in loaded]


_SHIM = """
import sys
from pathlib import Path
from review_tui import app
before = app.ReviewApp._after_first_frame
def note(self):
    Path(sys.argv[1]).write_text("\\n".join(sys.modules))
    before(self)
app.ReviewApp._after_first_frame = note
app.run(Path(sys.argv[2]), [Path(sys.argv[3])], "bench")
"""


def unseen(bench: Bench) -> list[Figure]:
    """A 100 MB file that the store has never seen: its first chunk on the screen, then all of it in the store."""
    group, found = "Open a file never seen", []
    for shape in corpus.SHAPES:
        path = corpus.corpus(shape)
        firsts, wholes, ends = [], [], []
        floor = statistics.median(tasks.run("insert", path)["s"] for _ in range(bench.times(3, 1)))
        for _ in range(bench.times(3, 1)):
            db = bench.fresh("unseen")
            with bench.station(db, path) as terminal:
                whole = wait_until(terminal, lambda db=db: complete(db))
                wholes.append(whole)
                firsts.append(terminal.wait_for(*PANES, timeout=20))
                if len(ends) < 1 and not bench.quick:
                    ends.append(whole + wait_until(terminal, lambda db=db: finished(db), every=0.1))
            db.unlink()
        size = path.stat().st_size / 1e6
        first, whole = statistics.median(firsts), statistics.median(wholes)
        peers = "toolong 0.6 s to 85 s (earlier)" if shape == "claude-code" else ""
        note = f"{size:.0f} MB, start of the program included"
        found += [
            Figure(
                group,
                f"{shape}: first chunk on screen",
                first,
                "s",
                0.4,
                bench.floors["app"] / 1000,
                "minimal app",
                peers,
                note,
            ),
            Figure(
                group,
                f"{shape}: all of it in the store, per 100 MB",
                whole / size * 100,
                "s",
                1.5,
                floor / size * 100,
                "read + orjson + sqlite3",
                "",
                f"{size / whole:.0f} MB/s",
            ),
        ]
        if ends:
            found.append(Figure(group, f"{shape}: indexed and archived in the background", ends[0], "s"))
    return found
