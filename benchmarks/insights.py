"""Insights over a million labels on 10,000 runs: the command the first time, when columns are derived, and afterwards;
the figures alone, as the screen computes them; and after one more decision.

The database is made straight into the tables, as that of `benchmarks.gold` is, with as many labels as votes. Every run
has an outcome, a system, and steps with times and tokens. `python -m benchmarks.insights DB RUNS` makes one.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson

from benchmarks import gold
from benchmarks.report import Figure
from benchmarks.station import Bench, wall
from sessions.keys import base_key
from sessions.store import Store

RUNS = gold.RUNS
SCREEN_S, REPORT_S = 1.0, 10.0
GROUP = "Insights"
_SYSTEMS = ("planner 1.0", "planner 1.1", "swarm", "solo")


class _Rows(gold._Rows):
    """A mode in nearly every chunk, so that there is more than one label for each vote."""

    def run(self, run: int, chance: random.Random) -> None:
        for chunk in range(gold.CHUNKS):
            there = chance.randrange(14)
            for reviewer in range(gold.REVIEWERS):
                found = {there} if chance.random() < 0.8 else set()
                if chance.random() < 0.4:
                    found.add(chance.randrange(14))
                self._vote(run, chunk, f"reviewer-{reviewer}", sorted(found))


def fill(path: Path, runs: int = RUNS, seed: int = 5) -> int:
    """Make the database; how many labels there are."""
    before, gold._Rows = gold._Rows, _Rows  # type: ignore[misc]
    try:
        gold.fill(path, runs, seed)
    finally:
        gold._Rows = before  # type: ignore[misc]
    steps = gold.CHUNKS * gold.STEPS
    with Store.open(path) as store:
        numbers = [int(row[0]) for row in store.query("SELECT no FROM run ORDER BY no")]
        for start in range(0, len(numbers), 200):
            some = numbers[start : start + 200]
            with store.write("NORMAL") as tx:
                tx.many("INSERT INTO body VALUES (?, 0, ?, ?)", (row for no in some for row in _bodies(no, steps)))
                tx.many(
                    "INSERT INTO reference VALUES (?, ?)",
                    ((no, orjson.dumps({"reward": float(no % 3 == 0)}).decode()) for no in some),
                )
                tx.many("UPDATE run SET system = ? WHERE no = ?", ((_SYSTEMS[no % len(_SYSTEMS)], no) for no in some))
        return int(store.query("SELECT count(*) FROM label")[0][0])


def _bodies(no: int, steps: int) -> list[tuple[Any, ...]]:
    found = []
    for index in range(steps):
        parts = {"p": [[0, 4]], "at": f"2026-11-30T{10 + index // 60:02d}:{index % 60:02d}:00Z", "tokens_out": 100}
        found.append((base_key(no) + index, orjson.dumps(parts), "text"))
    return found


def measure(bench: Bench) -> list[Figure]:
    """A tenth of it, for a quick look."""
    path = bench.work / "insights.db"
    runs = RUNS // 10 if bench.quick else RUNS
    labels = fill(path, runs)
    what = f"{labels:,} labels on {runs:,} runs"
    argv = bench.command("--db", path, "insights", "--json")
    report = bench.command("--db", path, "insights", "--html", bench.work / "report.html")
    first = _once(argv, bench.env)
    again = min(wall(argv, bench.times(3, 1), bench.env))
    page = min(wall(report, bench.times(3, 1), bench.env))
    alone, after = _alone(path, bench.times(5, 2))
    path.unlink()
    return [
        Figure(GROUP, f"insights --json the first time, {what}", first, "s", REPORT_S, note="columns are derived"),
        Figure(GROUP, "insights --json afterwards", again, "s", REPORT_S, note="from start to output"),
        Figure(GROUP, "insights --html afterwards", page, "s", REPORT_S, note="from start to output"),
        Figure(GROUP, "the figures alone, as the screen has them", alone, "s", SCREEN_S),
        Figure(GROUP, "the same after one more decision", after, "s", SCREEN_S),
    ]


def _once(argv: list[str], env: dict[str, str]) -> float:
    """Seconds of the very first time: nothing is derived yet. The file has just been made, so it is in memory."""
    begun = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **env})
    return time.perf_counter() - begun


def _alone(path: Path, times: int) -> tuple[float, float]:
    """Seconds for the figures in this process, unchanged, and after a decision on one run."""
    from labels.codebook import load_all
    from labels.insights import build
    from labels.ledger import Ledger, run_target
    from labels.model import Act, SetNone, SetVerdict
    from sessions import catalog

    books = load_all()
    with Store.open(path) as store:
        build(store, books)
        alone, after = [], []
        for turn in range(times):
            begun = time.perf_counter()
            build(store, books)
            alone.append(time.perf_counter() - begun)
            run = catalog.run_by_id(store, gold._id(turn))
            assert run is not None
            with store.write() as tx:  # a decision names steps that are there
                for index in (0, run.steps - 1):
                    tx.execute(
                        "INSERT INTO step VALUES (?, ?, 'agent', 'agent', 0, 0, 4, NULL)",
                        [base_key(run.no) + index, gold._step(turn, index)["id"]],
                    )
            ops = (SetVerdict(verdict="approve"), SetNone(codebook=books.get("mast").ref))
            act = Act(target=run_target(store, run), ops=ops, blind_suggestions=True, blind_votes=True)
            Ledger(store, "late").record(run, act)
            begun = time.perf_counter()
            build(store, books)
            after.append(time.perf_counter() - begun)
    return min(alone), min(after)


if __name__ == "__main__":
    print(f"{fill(Path(sys.argv[1]), int(sys.argv[2])):,} labels")
