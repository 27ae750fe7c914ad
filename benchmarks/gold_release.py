"""A gold release of 10,000 runs with 1,000,000 label events: seconds and memory, beside writing the same bytes.

`python -m benchmarks.gold_release build DB RUNS` makes the database (a tenth of the events are from a second origin, as
after a merge); `... release DB DIR` makes a release of it and prints JSON.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.report import Figure
from benchmarks.station import Bench

GROUP = "Gold"
RUNS, FEW_RUNS = 10_000, 300
STEPS, CHUNK, REVIEWERS = 20, 2, 10
WORDS = "the agent looks at the log of the service and reads that the pool is full before it restarts the job".split()


def measure(bench: Bench) -> list[Figure]:
    runs = bench.times(RUNS, FEW_RUNS)
    db, out = bench.work / "gold.db", bench.work / "release"
    _call("build", str(db), str(runs))
    made = _call("release", str(db), str(out))
    checked = _call("verify", str(out))
    shutil.rmtree(out)
    budget = None if bench.quick else 60.0  # of the whole: starting the workers is most of a small one
    note = f"{made['votes']:,} label events, {runs:,} runs, {made['mb']:,.0f} MB written"
    return [
        Figure(GROUP, "a release", made["s"], "s", budget, made["floor_s"], "writing and hashing its bytes", note=note),
        Figure(GROUP, "a release: processor time, of all its processes", made["cpu_s"], "s", note="user and system"),
        Figure(GROUP, "a release: memory, of all its processes", made["rss_mb"], "MB", 1000, note="at most"),
        Figure(GROUP, "proving it (gold verify)", checked["s"], "s", note=f"{checked['rss_mb']:.0f} MB"),
    ]


def _call(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.gold_release", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    value: dict[str, Any] = json.loads(done.stdout)
    return value


# -- the database -------------------------------------------------------------------------------------------------


def build(db: Path, runs: int) -> dict[str, Any]:
    """Import runs, and write the votes of ten people on each of their chunks in bulk, as the ledger would."""
    from labels.codebook import BUILT_IN, load
    from labels.maintenance import remember_codebook
    from sessions import catalog
    from sessions.ingest import import_file
    from sessions.store import Store

    source = db.with_suffix(".jsonl")
    with source.open("w") as file:
        for run in range(runs):
            file.writelines(json.dumps(line) + "\n" for line in _run_lines(run))
    book = load(BUILT_IN / "mast.toml")
    with Store.open(db) as store:
        import_file(store, source)
        remember_codebook(store, book)
        own = store.query("SELECT value FROM meta WHERE name = 'origin'")[0][0]
        writers = [_Log(own), _Log("f" * 32)]
        infos = catalog.runs(store)
        for start in range(0, len(infos), 500):
            with store.write("NORMAL") as tx:
                for info in infos[start : start + 500]:
                    ids = [row.id for row in catalog.index_rows(store, info.no)]
                    for reviewer in range(REVIEWERS):
                        log = writers[reviewer == REVIEWERS - 1]
                        for chunk in range(STEPS // CHUNK):
                            log.add(info, ids, chunk, f"reviewer {reviewer}", book)
                for log in writers:
                    log.flush(tx)
        store.raw_connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    source.unlink()
    return {"mb": db.stat().st_size / 1e6}


def _run_lines(run: int) -> Iterator[dict[str, Any]]:
    yield {
        "schema": "review-tui/run/1",
        "type": "run",
        "format": "bench",
        "task": f"Task {run // 3}: find what failed.",
    }
    for step in range(STEPS):
        text = " ".join(WORDS[(run * 7 + step * 3 + place) % len(WORDS)] for place in range(40))
        yield {
            "type": "step",
            "actor": "agent",
            "role": "agent",
            "parts": [{"kind": "text", "text": f"{run} {step} {text}"}],
        }
    yield {"type": "end", "steps": STEPS}


class _Log:
    """Events of one origin, and what is derived from them."""

    def __init__(self, origin: str) -> None:
        from labels.events import GENESIS

        self.origin, self.seq, self.head = origin, 0, GENESIS
        self.events: list[tuple[Any, ...]] = []
        self.decisions: list[tuple[Any, ...]] = []
        self.labels: list[tuple[Any, ...]] = []

    def add(self, run: Any, ids: list[str], chunk: int, reviewer: str, book: Any) -> None:
        from sessions.identity import chunk_id
        from sessions.jsontext import canonical, dumps

        first, last = chunk * CHUNK, chunk * CHUNK + CHUNK - 1
        self.seq += 1
        draw = int.from_bytes(sha256(f"{run.id} {chunk}".encode()).digest()[:4], "big")
        mode = book.modes[(draw + (self.seq % 4 == 0) * self.seq) % len(book.modes)]
        ref = {"id": book.id, "version": book.version, "sha256": book.hash}
        start, end = {"id": ids[first], "index": first}, {"id": ids[last], "index": last}
        key = chunk_id(ids[first], ids[last])
        label = {
            "id": sha256(f"{self.origin} {self.seq}".encode()).hexdigest()[:32], "mode": mode.slug, "code": mode.code,
            "name": mode.name, "codebook": ref, "first": start, "last": end,
            "evidence": [{"step": start, "part": 0, "start": 0, "end": 1, "quote": str(_number(run))[:1]}],
            "sure": True, "root_cause": False, "caused_by": None, "note": "", "suggestion": None,
        }  # fmt: skip
        target = {
            "id": key, "scope": "chunk", "number": chunk + 1, "first": start, "last": end, "policy": f"every:{CHUNK}",
        }  # fmt: skip
        ops = [{"op": "verdict", "verdict": "approve", "to": None}, {"op": "label", "label": label}]
        facts = {"blind_suggestions": True, "blind_votes": True, "how": "person", "seconds": 20.0}
        payload = canonical({"target": target, "ops": ops, "shown": [], "tool": "", **facts}).decode()
        at = "2026-11-01T00:00:00.000+00:00"
        fields = (
            self.origin, self.seq, "decide", reviewer, "bench", at, run.id, run.content_id, key, payload, self.head,
        )  # fmt: skip
        self.head = sha256(canonical(list(fields))).hexdigest()
        self.events.append((*fields, self.head))
        decision = {
            "run": run.id, "reviewer": reviewer, "target": target, "verdict": "approve", "to": None, "none": [],
            "judged": [], "labels": [label], "answers": {}, "note": "", "at": at, **facts,
        }  # fmt: skip
        self.decisions.append((run.id, reviewer, key, "chunk", target["policy"], "approve", dumps(decision), at))
        self.labels.append(
            (label["id"], run.id, reviewer, key, mode.slug, book.id, book.version, book.hash, ids[first], ids[last])
        )

    def flush(self, tx: Any) -> None:
        tx.many(f"INSERT INTO event VALUES ({', '.join('?' * 12)})", self.events)
        tx.many(f"INSERT INTO decision VALUES ({', '.join('?' * 8)})", self.decisions)
        columns = "id, run, reviewer, chunk, mode, codebook, version, codebook_hash, first_step, last_step"
        tx.many(f"INSERT INTO label ({columns}) VALUES ({', '.join('?' * 10)})", self.labels)
        tx.execute("DELETE FROM chain WHERE origin = ?", [self.origin])
        tx.execute("INSERT INTO chain VALUES (?, ?, ?)", [self.origin, self.seq, self.head])
        self.events, self.decisions, self.labels = [], [], []


def _number(run: Any) -> int:
    """The run's number in its own texts: its place in the file."""
    return int(run.item)


# -- what is measured -----------------------------------------------------------------------------------------------


def release(db: Path, out: Path) -> dict[str, Any]:
    from labels.gold.hiding import Review
    from labels.gold.piece import Options
    from labels.gold.release import release as make
    from labels.gold.workers import MOST
    from sessions.store import Store

    with Store.open(db) as store:
        start = time.perf_counter()
        made = make(store, out, Options("bench"), Review())
        took = time.perf_counter() - start
    sizes = [row["bytes"] for row in made.content["files"].values()]
    own, workers = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    # Of children only the largest is known: it stands for each of them.
    memory = (own.ru_maxrss + min(MOST, os.cpu_count() or 1) * workers.ru_maxrss) / 1000
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in (own, workers))
    return {
        "s": took, "rss_mb": memory, "cpu_s": cpu, "mb": sum(sizes) / 1e6, "votes": made.content["counts"]["votes"],
        "floor_s": _floor(out, sizes),
    }  # fmt: skip


def _floor(out: Path, sizes: list[int]) -> float:
    """As many bytes hashed and written, and on disk."""
    block = os.urandom(1 << 20)
    start = time.perf_counter()
    for number, size in enumerate(sizes):
        digest = sha256()
        with (out.parent / f"floor{number}").open("wb") as file:
            for at in range(0, size, len(block)):
                piece = block[: size - at]
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
    took = time.perf_counter() - start
    for number in range(len(sizes)):
        (out.parent / f"floor{number}").unlink()
    return took


def verify(out: Path) -> dict[str, Any]:
    from labels.gold.verify import verify as prove

    start = time.perf_counter()
    found = prove(out)
    took = time.perf_counter() - start
    if found.wrong:
        raise SystemExit(found.wrong[0])
    return {"s": took, "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, "rows": found.rows}


def main() -> None:
    what, *given = sys.argv[1:]
    if what == "build":
        result = build(Path(given[0]), int(given[1]))
    elif what == "release":
        result = release(Path(given[0]), Path(given[1]))
    else:
        result = verify(Path(given[0]))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
