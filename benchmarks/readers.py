"""Megabytes a second: each reader alone, and the whole way into the store, beside what parsing alone takes."""

from __future__ import annotations

import statistics

from benchmarks import corpus, tasks
from benchmarks.report import Figure
from benchmarks.station import Bench


def measure(bench: Bench) -> list[Figure]:
    times, found = bench.times(3, 1), []
    for shape in corpus.SHAPES:
        path = corpus.corpus(shape)
        size = path.stat().st_size / 1e6
        speed = {
            task: size / statistics.median(tasks.run(task, path)["s"] for _ in range(times))
            for task in ("read_bytes", "parse_orjson", "parse_json", "insert", "drain_reader", "import_whole")
        }
        group = f"Reading {shape} ({size:.0f} MB)"
        rows = (
            ("read the file", "read_bytes", None, ""),
            ("json.loads of each line", "parse_json", None, ""),
            ("orjson.loads of each line", "parse_orjson", None, ""),
            ("read + orjson + sqlite3 insert", "insert", None, ""),
            ("the reader alone", "drain_reader", "parse_orjson", "orjson"),
            ("import: reader, identity, store", "import_whole", "insert", "orjson + sqlite3"),
        )
        for what, task, floor, name in rows:
            budget = 100 / 1.5 if task == "import_whole" else None
            note = f"{size / speed[task]:.2f} s"
            low = speed[floor] if floor else None
            found.append(Figure(group, what, speed[task], "MB/s", budget, low, name, note=note, more_is_better=True))
    return found
