"""What the benchmarks share: the station in a terminal, databases made ready, commands timed from outside."""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import corpus
from benchmarks.pty_driver import Terminal
from benchmarks.report import Figure

REVIEWER = "bench"
#: On the screen when every pane is: head, transcript, side panel with both lists, footer.
PANES = (r"chunk \d[\d,]*(/| of )", r"SUGGESTIONS", r"LABELS", r"user  ?\S|agent  ?\S", r"\? keys")


@dataclass
class Bench:
    """Given to each benchmark. floors: figures that later benchmarks stand beside, by name."""

    quick: bool = False
    long: bool = False
    peers: bool = False
    work: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="review-tui-bench-", dir="/var/tmp")))
    floors: dict[str, float] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)

    def times(self, many: int, few: int) -> int:
        return few if self.quick else many

    def close(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)

    # -- the station --------------------------------------------------------------------------------------------

    @property
    def env(self) -> dict[str, str]:
        """The reviewer's own settings and data stay out of it."""
        return {"XDG_DATA_HOME": str(self.work), "XDG_CONFIG_HOME": str(self.work), "REVIEW_TUI_CODEBOOKS": ""}

    def command(self, *arguments: str | Path) -> list[str]:
        script = Path(sys.executable).with_name("review-tui")
        start = [str(script)] if script.exists() else [sys.executable, "-m", "review_tui"]
        return [*start, *map(str, arguments)]

    def station(self, db: Path, *paths: Path) -> Terminal:
        return Terminal(self.command("--db", db, "--reviewer", REVIEWER, *paths), env=self.env)

    def fresh(self, name: str) -> Path:
        """A database that is not there yet."""
        return self.work / f"{name}-{time.monotonic_ns()}.db"

    def ready(self, path: Path, *, finished: bool = True) -> Path:
        """A database that holds the run, in a copy of its own. finished: indexed and archived too."""
        kept = self.work / f"ready-{path.stem}-{finished}.db"
        if not kept.exists():
            subprocess.run(
                [sys.executable, "-m", "benchmarks.tasks", "prepare", str(kept), str(path), str(int(finished))],
                check=True,
                stdout=subprocess.DEVNULL,
            )
        copy = self.fresh("copy")
        shutil.copyfile(kept, copy)
        with open(copy, "rb+") as file:  # or the first decision would wait until the copy is on disk
            os.fsync(file.fileno())
        return copy

    @property
    def main_run(self) -> Path:
        """The run that most figures are about: 100,000 steps, 100 MB, as Claude Code writes it."""
        return corpus.corpus("claude-code")


def wall(argv: Sequence[str], times: int, env: dict[str, str] | None = None) -> list[float]:
    """Seconds that a command takes, from start to end, after one run that fills the caches."""
    found = []
    for number in range(times + 1):
        start = time.perf_counter()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        if number:
            found.append(time.perf_counter() - start)
    return found


def median_ms(argv: Sequence[str], times: int, env: dict[str, str] | None = None) -> float:
    return statistics.median(wall(argv, times, env)) * 1000


def rows(db: Path, sql: str, *params: object) -> list[tuple[object, ...]]:
    """Read a database from outside, whatever the station is doing with it. [] where the table is not there yet."""
    try:
        connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=5)
    except sqlite3.OperationalError:
        return []
    try:
        return connection.execute(sql, params).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        connection.close()


def wait_until(terminal: Terminal, true: Callable[[], bool], timeout: float = 120.0, every: float = 0.02) -> float:
    """Seconds until something outside the screen is true; the program's output is taken meanwhile."""
    start = time.perf_counter()
    while not true():
        terminal.take_for(every)
        if time.perf_counter() - start > timeout:
            raise TimeoutError("waited too long")
    return time.perf_counter() - start


def finished(db: Path, runs: int = 1) -> bool:
    """Whether so many runs are in, indexed and archived."""
    done = rows(db, "SELECT count(*) FROM run WHERE state = 'complete' AND indexed >= steps AND archived >= steps")
    return bool(done) and done[0] == (runs,)


def complete(db: Path, runs: int = 1) -> bool:
    done = rows(db, "SELECT count(*) FROM run WHERE state = 'complete'")
    return bool(done) and done[0] == (runs,)
