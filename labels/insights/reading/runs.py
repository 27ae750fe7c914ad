"""What each run is told apart by, for all runs at once: narrow rows, with outcomes and times kept once read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from labels.insights.reading.outcome import RunFacts, run_facts
from labels.insights.scope import Scope
from sessions.store import Row, Store
from sessions.timeline import timeline

#: Runs that are asked for at once; runs whose steps a helper reads at a time; how many are worth the start of helpers.
_BATCH, _RUNS, _WORTH_HELP = 500, 50, 1_000
_READ = (
    "SELECT r.id, r.no, r.state, r.format, r.system, r.model, r.started_at, r.steps, k.outcome, k.recall, k.benchmark,"
    " k.domain, k.stamp, f.size FROM run r LEFT JOIN insight_run k ON k.run = r.id"
    " LEFT JOIN (SELECT run, length(data) AS size FROM reference) f ON f.run = r.no"
)


@dataclass(slots=True)
class RunRow:
    """A run. outcome: as its reference data have it; a verdict on the whole run may say it later (`by_verdict`)."""

    id: str
    no: int
    state: str
    format: str
    system: str
    model: str
    started_at: str | None
    steps: int
    outcome: str
    recall: float | None
    benchmark: str
    domain: str
    by_verdict: bool = False


def run_rows(store: Store) -> dict[str, RunRow]:
    """Every run by its id. What was not read of a run before, or has changed since, is read now and kept."""
    rows = store.query(_READ)
    stale = [row for row in rows if row[12] != _stamp(row)]
    read: dict[str, RunFacts] = {}
    for start in range(0, len(stale), _BATCH):
        read |= _read(store, stale[start : start + _BATCH])
    found = {}
    for row in rows:
        if (known := read.get(row[0])) is None:
            known = RunFacts(str(row[8]), row[9], str(row[10]), str(row[11]))
        found[str(row[0])] = RunRow(
            str(row[0]), int(row[1]), str(row[2]), str(row[3]), row[4] or "", row[5] or "", row[6], int(row[7]),
            known.outcome, known.recall, known.benchmark, known.domain,
        )  # fmt: skip
    return found


def _stamp(row: Row) -> str:
    """Changes whenever a run's steps or its reference data do."""
    return f"{row[1]} {row[2]} {row[7]} {row[13] or 0}"


def _read(store: Store, rows: Sequence[Row]) -> dict[str, RunFacts]:
    marks = ", ".join("?" * len(rows))
    sql = f"SELECT r.id, r.facts, f.data FROM run r LEFT JOIN reference f ON f.run = r.no WHERE r.no IN ({marks})"
    found = {
        str(run): run_facts(orjson.loads(facts), orjson.loads(data) if data else None)
        for run, facts, data in store.query(sql, [row[1] for row in rows])
    }
    if not store.read_only:
        with store.write("NORMAL") as tx:
            tx.many("DELETE FROM insight_run WHERE run = ?", ([row[0]] for row in rows))
            tx.many(
                "INSERT INTO insight_run VALUES (?, ?, ?, ?, ?, ?, NULL)",
                (
                    (row[0], _stamp(row), known.outcome, known.recall, known.benchmark, known.domain)
                    for row in rows
                    if (known := found.get(row[0]))
                ),
            )
            tx.execute("DELETE FROM insight_run WHERE run NOT IN (SELECT id FROM run)")
    return found


def chosen(rows: Iterable[RunRow], scope: Scope) -> dict[str, RunRow]:
    """The runs that the scope's filters leave, apart from the outcome, which verdicts may yet tell."""
    wanted = {name: {value.casefold() for value in values} for name, values in scope.where.items() if name != "outcome"}
    return {
        row.id: row
        for row in rows
        if all(str(getattr(row, name)).casefold() in values for name, values in wanted.items())
        and (scope.started is None or scope.started.holds(row.started_at))
    }


def with_outcome(row: RunRow, scope: Scope) -> bool:
    """Whether the run's outcome is one that the scope asks for."""
    wanted = scope.where.get("outcome")
    return wanted is None or row.outcome in {value.casefold() for value in wanted}


def times(store: Store, rows: Sequence[RunRow]) -> dict[str, bytes]:
    """Of each of these runs the times and tokens of its steps (`sessions.timeline`), kept once read."""
    found = _kept_times(store, [row.id for row in rows])
    missing = [row for row in rows if row.id not in found]
    if len(missing) >= _WORTH_HELP and not store.read_only:
        from labels.insights.reading.workers import TIMES, Batches, share_out

        ids = [row.id for row in missing]
        batches = [ids[start : start + _RUNS] for start in range(0, len(ids), _RUNS)]
        share_out(store, TIMES, Batches(batches, None), lambda batch: derive_times(store, batch))
        found |= _kept_times(store, ids)
    elif missing and not store.read_only:
        derive_times(store, [row.id for row in missing])
        found |= _kept_times(store, [row.id for row in missing])
    # A run that was removed meanwhile has nothing kept, and a database that is read-only keeps nothing.
    return found | {row.id: timeline(store, row.no) for row in rows if row.id not in found}


def _kept_times(store: Store, runs: Sequence[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for start in range(0, len(runs), _BATCH):
        some = runs[start : start + _BATCH]
        marks = ", ".join("?" * len(some))
        sql = f"SELECT run, times FROM insight_run WHERE times IS NOT NULL AND run IN ({marks})"
        found.update((str(run), bytes(data)) for run, data in store.query(sql, some))
    return found


def derive_times(store: Store, runs: Sequence[str]) -> None:
    """Read the times of the steps of these runs and keep them. What became of a run meanwhile is seen by its stamp."""
    for start in range(0, len(runs), _BATCH):
        some = runs[start : start + _BATCH]
        marks = ", ".join("?" * len(some))
        numbers = store.query(
            f"SELECT k.run, k.stamp, r.no FROM insight_run k JOIN run r ON r.id = k.run WHERE k.run IN ({marks})", some
        )
        made = [(timeline(store, no), run, stamp) for run, stamp, no in numbers]
        with store.write("NORMAL") as tx:
            tx.many("UPDATE insight_run SET times = ? WHERE run = ? AND stamp = ?", made)


__all__ = ["RunRow", "chosen", "run_rows", "times", "with_outcome"]
