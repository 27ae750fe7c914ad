"""Queues: from a verdict to the reviewer's next item, in another run; and the inbox over ten thousand runs."""

from __future__ import annotations

import json
import random
import re
import statistics
from pathlib import Path

from benchmarks import gold, tasks
from benchmarks.report import Figure, p50_p99
from benchmarks.station import Bench, rows

RUNS, STEPS, WORDS = 150, 30, 150
GROUP = "Queues"
BUDGET = (33.0, 33.0)


def fill(db: Path, folder: Path, runs: int = RUNS) -> int:
    """Make a database with a queue of so many runs of six chunks each, in random order; how many items it has."""
    from labels import queues
    from sessions import catalog
    from sessions.ingest import import_file
    from sessions.store import Store

    chance = random.Random(1)
    words = "the agent reads a table and finds that no row is like any other so it goes on".split()
    folder.mkdir()
    with Store.open(db) as store:
        for number in range(runs):
            messages = [
                {"role": "assistant" if step else "user", "content": f"step {step} of {number}: "
                 + " ".join(chance.choices(words, k=WORDS))}
                for step in range(STEPS)
            ]  # fmt: skip
            path = folder / f"{number}.json"
            path.write_text(json.dumps({"messages": messages}))
            import_file(store, path)
        found = catalog.runs(store)
        made = queues.create(store, "bench", found, order="random", seed="1", repeat_share=0.05, reviewers=2)
    return made.items


def going_on(bench: Bench) -> list[Figure]:
    """`a`: the verdict on disk, the next item taken, and all of its screen painted."""
    db = bench.fresh("queue")
    items = fill(db, bench.work / "queue-runs")
    floor = tasks.run("commit", bench.fresh("commit"), "100")
    taken = []
    with bench.station(db) as terminal:
        terminal.wait_for("QUEUES", r"\? keys")
        terminal.drain(1.5)
        terminal.press("g")
        terminal.press_until("\r", "queue bench 1 of")
        terminal.drain(1.5)
        for number in range(2, bench.times(100, 30) + 2):
            taken.append(terminal.press_until("a", rf"queue bench {number} of"))
            terminal.drain(0.8)  # nobody decides faster, and what is learned behind a new run has come to rest
        terminal.kill()
    decided = int(str(rows(db, "SELECT count(*) FROM event WHERE kind = 'decide'")[0][0]))
    assert decided == len(taken), f"{decided} of {len(taken)} verdicts are on disk"
    low, note = (floor["p50"] * 1000, floor["p99"] * 1000), f"{items:,} items, {RUNS} runs, synchronous=FULL"
    return p50_p99(GROUP, "a verdict, and the next item shown", taken, BUDGET, low, "commit", note)


def inbox(bench: Bench) -> list[Figure]:
    """From the start of the program to the first frame, and to the last figure."""
    db = bench.work / "inbox.db"
    runs = gold.RUNS // 10 if bench.quick else gold.RUNS
    events = gold.fill(db, runs)
    first, whole, moves = [], [], []
    for _ in range(bench.times(9, 3)):
        with bench.station(db) as terminal:
            first.append(terminal.wait_for(r"100 steps", r"\? keys", timeout=30))
            whole.append(terminal.wait_for(re.escape(f"{runs:,} runs, 0 done"), timeout=60))
            terminal.drain(0.5)
            moves += [terminal.press("j").last for _ in range(10)]
    db.unlink()
    what, floor = f"{runs:,} runs, {events:,} decisions", bench.floors["app"]
    return [
        Figure(
            GROUP, f"cold start to the inbox, {what}", statistics.median(first) * 1000, "ms", 300, floor, "minimal app"
        ),
        Figure(
            GROUP, "the same, all of it counted", statistics.median(whole), "s", note="behind the first frame"
        ),
        *p50_p99(GROUP, "a row down in it", moves, (8.0, 16.0), (bench.floors["app_p50"], bench.floors["app_p99"]),
                 "minimal app"),
    ]  # fmt: skip


def measure(bench: Bench) -> list[Figure]:
    return [*going_on(bench), *inbox(bench)]
