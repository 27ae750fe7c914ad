"""Agreement over a million label events: how long `review-tui agree` takes, from its start to its answer.

The database is made straight into the tables (ten thousand runs, twenty chunks each, five reviewers who find a mode on
some of them and are right most of the time), because recording a million decisions one by one would take an hour.
"""

from __future__ import annotations

import random
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.report import Figure
from benchmarks.station import Bench, wall
from labels.codebook import load_all
from labels.events import GENESIS, digest
from sessions.jsontext import canonical
from sessions.store import Store

RUNS, CHUNKS, REVIEWERS, STEPS = 10_000, 20, 5, 5
#: How often a mode is there, and how often a reviewer sees what is there, or what is not.
_THERE, _SEES, _IMAGINES = 0.3, 0.8, 0.04
BUDGET_S = 10.0
GROUP = "Agreement"


def fill(path: Path, runs: int = RUNS, seed: int = 5) -> int:
    """Make a database with so many runs, and a decision event for each chunk and reviewer; how many events."""
    with Store.open(path) as store:
        origin = str(store.query("SELECT value FROM meta WHERE name = 'origin'")[0][0])
        prev, number = GENESIS, 0
        for start in range(0, runs, 200):
            rows = _Rows(origin, number, prev)
            for run in range(start, min(start + 200, runs)):
                rows.run(run, random.Random(seed * 1_000_003 + run))
            with store.write("NORMAL") as tx:
                for table, width in _WIDTHS.items():
                    tx.many(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", getattr(rows, table))
                for run in range(start, min(start + 200, runs)):
                    tx.execute(_RUN, [_id(run), _id(run) * 2, f"run {run}", CHUNKS * STEPS])
                tx.execute("DELETE FROM chain")
                tx.execute("INSERT INTO chain VALUES (?, ?, ?)", [origin, rows.number, rows.prev])
            number, prev = rows.number, rows.prev
    return number


_WIDTHS = {"event": 12, "decision": 8, "judgement": 7, "label": 14}
_RUN = (
    "INSERT INTO run (id, content_id, state, format, title, added_at, item, files, facts, actors, steps, chars, errors,"
    " problems, indexed, archived) VALUES (?, ?, 'complete', 'bench', ?, '2026-01-01', 0, '[]', '{}', '[]', ?, 0,"
    " 0, 0, 0, 0)"
)


def _id(run: int) -> str:
    return f"{run:032x}"


class _Rows:
    """Rows of some runs, and the hash chain over their events."""

    def __init__(self, origin: str, number: int, prev: str) -> None:
        self.origin, self.number, self.prev = origin, number, prev
        self.event: list[tuple[Any, ...]] = []
        self.decision: list[tuple[Any, ...]] = []
        self.judgement: list[tuple[Any, ...]] = []
        self.label: list[tuple[Any, ...]] = []
        self.book = load_all().get("mast")
        self.ref = {"id": "mast", "sha256": self.book.hash, "version": self.book.version}
        self.judges = canonical([["mast", self.book.hash, None]]).decode()

    def run(self, run: int, chance: random.Random) -> None:
        for chunk in range(CHUNKS):
            there = chance.randrange(14) if chance.random() < _THERE else None
            for reviewer in range(REVIEWERS):
                self._vote(run, chunk, f"reviewer-{reviewer}", sorted(set(_found(chance, there))))

    def _vote(self, run: int, chunk: int, who: str, modes: list[int]) -> None:
        first, last = chunk * STEPS, chunk * STEPS + STEPS - 1
        name, content = f"{run:012x}{chunk:012x}", _id(run) * 2
        labels = [self._label(run, mode, first + mode % STEPS) for mode in modes]
        verdict = "stop" if labels else "approve"
        target = {
            "first": _step(run, first), "id": name, "last": _step(run, last), "number": chunk + 1, "policy": "every:5",
            "scope": "chunk",
        }  # fmt: skip
        ops = [{"op": "verdict", "to": None, "verdict": verdict}, *({"label": item, "op": "label"} for item in labels)]
        if not labels:
            ops.append({"codebook": self.ref, "op": "none", "value": True})
        payload = canonical(
            {"blind_suggestions": True, "blind_votes": True, "how": "person", "ops": ops, "seconds": 30.0, "shown": [],
             "target": target, "tool": ""}
        ).decode()  # fmt: skip
        self.number += 1
        at = "2026-01-01T00:00:00.000+00:00"
        fields = (self.origin, self.number, "decide", who, "bench", at, _id(run), content, name, payload, self.prev)
        self.prev = digest(fields)
        self.event.append((*fields, self.prev))
        data = {
            "run": _id(run), "reviewer": who, "target": target, "verdict": verdict, "to": None,
            "none": [] if labels else [self.ref], "judged": [], "labels": labels, "answers": {}, "note": "",
            "seconds": 30.0, "blind_suggestions": True, "blind_votes": True, "how": "person", "at": at,
        }  # fmt: skip
        self.decision.append((_id(run), who, name, "chunk", "every:5", verdict, canonical(data).decode(), at))
        self.judgement.append((_id(run), who, name, verdict, "person", 3, self.judges))
        for item in labels:
            self.label.append(
                (item["id"], _id(run), who, name, item["mode"], "mast", self.book.version, self.book.hash,
                 item["first"]["id"], item["last"]["id"], item["first"]["index"], item["last"]["index"], 1, None)
            )  # fmt: skip

    def _label(self, run: int, mode: int, step: int) -> dict[str, Any]:
        found = self.book.modes[mode]
        return {
            "caused_by": None, "code": found.code, "codebook": self.ref, "evidence": [], "first": _step(run, step),
            "id": f"{run:x}-{step}-{mode}-{self.number}", "last": _step(run, step), "mode": found.slug,
            "name": found.name, "note": "", "root_cause": False, "suggestion": None, "sure": True,
        }  # fmt: skip


def _step(run: int, index: int) -> dict[str, Any]:
    return {"id": f"{run:012x}{index:012x}", "index": index}


def _found(chance: random.Random, there: int | None) -> Iterator[int]:
    if there is not None and chance.random() < _SEES:
        yield there
    if chance.random() < _IMAGINES:
        yield chance.randrange(14)


def measure(bench: Bench) -> list[Figure]:
    """`agree --json` over the whole of it (a tenth, for a quick look)."""
    path = bench.work / "gold.db"
    runs = RUNS // 10 if bench.quick else RUNS
    events = fill(path, runs)
    argv = bench.command("--db", path, "agree", "--json")
    times = bench.times(3, 1)
    before = _processor_s()
    seconds = min(wall(argv, times, bench.env))
    processor = (_processor_s() - before) / (times + 1)  # one more fills the caches
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    what = f"agree, {events:,} decisions on {runs:,} runs"
    note = f"{REVIEWERS} reviewers, {CHUNKS} chunks a run; from start to output"
    path.unlink()
    return [
        Figure(GROUP, what, seconds, "s", BUDGET_S, note=note),
        Figure(GROUP, "processor time of it", processor, "s", note="user and system"),
        Figure(
            GROUP, "most memory of any command so far", peak, "MB", note="of agree, unless an earlier one took more"
        ),
    ]


def _processor_s() -> float:
    """Of all programs that were started and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
