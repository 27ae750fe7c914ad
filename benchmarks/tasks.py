"""Work that is measured in a process of its own: `python -m benchmarks.tasks NAME ARGUMENTS` prints JSON."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson


def prepare(db: str, path: str, finish: str) -> None:
    """Import a file; finish: "1" also indexes and archives it. The WAL is folded in, so that the file can be copied."""
    from sessions import archive, catalog
    from sessions.ingest import import_file
    from sessions.store import Store

    with Store.open(Path(db)) as store:
        report = import_file(store, Path(path))
        if finish == "1":
            for imported in report.runs:
                run = catalog.run_by_id(store, imported.run)
                assert run is not None
                archive.finish_run(store, run, pause_s=0)
        store.raw_connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def drain_reader(path: str) -> dict[str, float]:
    """The reader alone: every step made and dropped."""
    from sessions.readers import read
    from sessions.run import Step

    start = time.perf_counter()
    steps = sum(1 for record in read(Path(path)) if isinstance(record, Step))
    return {"s": time.perf_counter() - start, "steps": steps}


def import_whole(path: str) -> dict[str, float]:
    """Reader, identity, encoding and store."""
    from sessions.ingest import Watch, import_file
    from sessions.store import Store

    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, Store.open(Path(folder) / "review.db") as store:
        first: list[float] = []
        start = time.perf_counter()
        import_file(store, Path(path), None, Watch(started=lambda _: first.append(time.perf_counter() - start)))
        return {"s": time.perf_counter() - start, "first_s": first[0], "cpu_s": time.process_time()}


def read_bytes(path: str) -> dict[str, float]:
    start = time.perf_counter()
    size = len(Path(path).read_bytes())
    return {"s": time.perf_counter() - start, "size": size}


def parse_orjson(path: str) -> dict[str, float]:
    return _parse(path, orjson.loads)


def parse_json(path: str) -> dict[str, float]:
    return _parse(path, json.loads)


def _parse(path: str, loads: Callable[[bytes], Any]) -> dict[str, float]:
    start = time.perf_counter()
    with open(path, "rb") as file:
        for line in file:
            loads(line)
    return {"s": time.perf_counter() - start}


def insert(path: str) -> dict[str, float]:
    """The floor of an import: each line parsed and put into one table, in transactions of 500 rows."""
    from sessions.store import CHECKPOINT_PAGES, sqlite3

    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        connection = sqlite3.connect(f"{folder}/floor.db", isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"wal_autocheckpoint={CHECKPOINT_PAGES}"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE step (k INTEGER PRIMARY KEY, kind TEXT, text TEXT)")
        start = time.perf_counter()
        batch: list[tuple[int, str, str]] = []
        with open(path, "rb") as file:
            connection.execute("BEGIN")
            for number, line in enumerate(file):
                value = orjson.loads(line)
                batch.append((number, str(value.get("type")), line.decode()))
                if len(batch) == 500:
                    connection.executemany("INSERT INTO step VALUES (?, ?, ?)", batch)
                    connection.execute("COMMIT")
                    connection.execute("BEGIN")
                    batch = []
            connection.executemany("INSERT INTO step VALUES (?, ?, ?)", batch)
            connection.execute("COMMIT")
        taken = time.perf_counter() - start
        connection.close()
        return {"s": taken}


def search_store(db: str, query: str, times: str) -> dict[str, float]:
    """`sessions.search` in one run: seconds to the first batch with hits, and to the end without raw records."""
    from sessions import catalog, search
    from sessions.store import Store

    firsts, wholes = [], []
    hits = 0
    with Store.open(Path(db)) as store:
        (run,) = catalog.runs(store)
        for _ in range(int(times)):
            start = time.perf_counter()
            first = None
            hits = 0
            for batch in search.search(store, query, run, raw=False):
                hits += len(batch)
                if batch and first is None:
                    first = time.perf_counter() - start
            firsts.append(first if first is not None else float("nan"))
            wholes.append(time.perf_counter() - start)
    return {"first_s": statistics.median(firsts), "whole_s": statistics.median(wholes), "hits": hits}


def commit(db: str, times: str) -> dict[str, float]:
    """The floor of a decision: one small row, committed so that it survives a power cut."""
    from sessions.store import sqlite3

    connection = sqlite3.connect(db, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE floor (value TEXT)")
    taken = []
    for _ in range(int(times)):
        start = time.perf_counter()
        connection.execute("INSERT INTO floor VALUES ('approve')")
        taken.append(time.perf_counter() - start)
    taken.sort()
    return {"p50": taken[len(taken) // 2], "p99": taken[int(0.99 * len(taken)) - 1]}


def like_scan(db: str, query: str) -> dict[str, float]:
    """The floor of a search without an index: SQLite looks for the text in every row by itself."""
    from sessions.store import Store

    with Store.open(Path(db)) as store:
        taken = []
        for _ in range(3):
            start = time.perf_counter()
            store.query("SELECT k FROM body WHERE instr(text, ?)", [query])
            taken.append(time.perf_counter() - start)
        start = time.perf_counter()
        store.query("SELECT rowid FROM words WHERE words MATCH ? LIMIT 100", [query])
        return {"instr_s": min(taken), "match_s": time.perf_counter() - start}


def read_back(db: str, steps: str) -> dict[str, float]:
    """The floor of detection: the same steps read from the store and their texts counted."""
    from sessions import catalog
    from sessions.store import Store

    with Store.open(Path(db)) as store:
        (run,) = catalog.runs(store)
        start = time.perf_counter()
        chars = sum(
            len(part.text) for stored in catalog.steps(store, run.no, 0, int(steps) - 1) for part in stored.step.parts
        )
        return {"s": time.perf_counter() - start, "mb": chars / 1e6}


def detect(db: str, steps: str) -> dict[str, float]:
    """The detectors that are on by default, fed chunk by chunk."""
    from labels import detectors
    from labels.codebook import load_all
    from labels.detecting import Watching
    from labels.detectors.base import RunMeta
    from sessions import catalog
    from sessions.store import Store

    default = [item for item in detectors.load_all()[0] if item.default]
    with Store.open(Path(db)) as store:
        (run,) = catalog.runs(store)
        every = list(catalog.steps(store, run.no, 0, int(steps) - 1))
        watching = Watching(RunMeta(run.task, run.system, run.model, run.format), default, load_all([]))
        taken, found = [], 0
        for start in range(0, len(every), 5):
            begun = time.perf_counter()
            found += len(watching.feed(every[start : start + 5]))
            taken.append((time.perf_counter() - begun) * 1000)
        found += len(watching.finish())
    taken.sort()
    chars = sum(len(part.text) for stored in every for part in stored.step.parts)
    off = [state.detector.id for state in watching.progress if state.off is not None]
    assert not off, off
    return {
        "s": sum(taken) / 1000, "mb": chars / 1e6, "found": found, "p50_ms": taken[len(taken) // 2],
        "p99_ms": taken[int(0.99 * len(taken)) - 1], "max_ms": taken[-1],
    }  # fmt: skip


def start_detection(db: str) -> dict[str, float]:
    """What the station itself waits for when it starts the process that looks at runs."""
    from labels.detection_process import DetectionProcess

    start = time.perf_counter()
    process = DetectionProcess(Path(db))
    taken = time.perf_counter() - start
    process.stop()
    return {"s": taken}


def judge_commands(path: str) -> dict[str, float]:
    """Verdicts on the shell commands of a run, in its order, after the parsers are loaded."""
    from labels.commands import judge_command
    from sessions.readers import read
    from sessions.run import Step

    commands = [
        part.text
        for record in read(Path(path))
        if isinstance(record, Step)
        for part in record.parts
        if part.kind == "tool_call" and part.name == "Bash"
    ]
    judge_command("sudo rm -rf /var/lib/x; psql -c 'DROP TABLE t'")
    start = time.perf_counter()
    for command in commands:
        judge_command(command)
    taken = time.perf_counter() - start
    return {"us": taken / max(1, len(commands)) * 1e6, "n": len(commands), "unique": len(set(commands))}


TASKS: dict[str, Callable[..., Any]] = {
    task.__name__: task
    for task in (prepare, drain_reader, import_whole, read_bytes, parse_orjson, parse_json, insert, search_store,
                 commit, like_scan, read_back, detect, start_detection, judge_commands)
}  # fmt: skip


def run(name: str, *arguments: str | Path) -> dict[str, float]:
    """One of TASKS in a fresh process."""
    import subprocess

    argv = [sys.executable, "-m", "benchmarks.tasks", name, *map(str, arguments)]
    found: dict[str, float] = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    return found


if __name__ == "__main__":
    result = TASKS[sys.argv[1]](*sys.argv[2:])
    print(json.dumps(result))
