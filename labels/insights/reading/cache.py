"""Segments of all runs, kept in the database and brought up to date by the event log.

A segment is derived from a run's current decisions, so it is right as long as no event on the run came after it was
made: `insight_head` says up to where each chain has been read, and only runs with later events are derived again.
Everything is read first and written in short transactions, so that nobody's decision waits. Of two programs that do
this at once, the one that saw the longer log wins, run by run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace

from labels.collecting import no_collecting
from labels.insights.reading.packed import LABEL_COLUMNS, MODE, REVIEWER, SPEC, VOTE_COLUMNS, Codes, Segment, segment
from labels.ledger import adopt, fill_judgements
from sessions.store import Store, Transaction

#: Runs of which the decisions are read at once, and how many runs are worth the start of helpers.
_BATCH, _WORTH_HELP = 100, 2_000
#: Told how many runs are done, of how many.
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Kept:
    """All segments. strings: of the numbers in them. rows: (run, votes, labels) as bytes, in the order of run ids.
    units: run -> chunk ids in the order of their numbers, for the runs that were asked for."""

    strings: list[str]
    rows: list[tuple[str, bytes, bytes]]
    store: Store
    fresh: dict[str, Segment]

    def without(self, runs: Set[str]) -> Kept:
        """The same without some runs."""
        return replace(self, rows=[row for row in self.rows if row[0] not in runs]) if runs else self

    def units(self, runs: Sequence[str]) -> dict[str, list[str]]:
        """Chunk ids of these runs in the order of their numbers."""
        found = {run: list(self.fresh[run].units) for run in runs if run in self.fresh}
        wanted = [run for run in runs if run not in found]
        for start in range(0, len(wanted), 400):
            some = wanted[start : start + 400]
            marks = ", ".join("?" * len(some))
            for run, units in self.store.query(f"SELECT run, units FROM insight_votes WHERE run IN ({marks})", some):
                found[run] = units.split("\n")
        return found


def load(store: Store, progress: Progress | None = None) -> Kept:
    """All segments, up to date. A database that cannot be written to is read as it is, and the rest derived in memory.
    progress: told of while there are many to derive."""
    adopt(store)
    heads = {str(origin): int(seq) for origin, seq in store.query("SELECT origin, seq FROM chain")}
    behind = _behind(store, heads)
    if behind:
        fill_judgements(store)  # decisions of an earlier version of the program are brought into their present shape
    batches = [behind[start : start + _BATCH] for start in range(0, len(behind), _BATCH)]
    unwritten = [_read(store, batch) for batch in batches] if store.read_only else []
    if not store.read_only:
        _derive_all(store, batches, sum(heads.values()), progress)
    if not store.read_only and heads != _heads(store):
        with store.write("NORMAL") as tx:
            tx.execute("DELETE FROM insight_head")
            tx.many("INSERT INTO insight_head VALUES (?, ?)", sorted(heads.items()))
    fresh = {run: item for made, _ in unwritten for run, item in made.items()}
    rows = [row for row in store.query("SELECT run, votes, labels FROM insight_votes") if row[0] not in fresh]
    # After the rows, so that every number in them has its string.
    known = Codes({str(value): int(no) for no, value in store.query("SELECT no, value FROM insight_code")})
    for made, codes in unwritten:
        numbers = [known.number(value) for value in codes.of]
        rows += [(run, *_renumbered(item, numbers)) for run, item in made.items() if item.votes]
    return Kept(_strings(known), sorted(rows, key=lambda row: row[0]), store, fresh)


def forget(store: Store) -> None:
    """Derive everything anew when it is next asked for."""
    with store.write("NORMAL") as tx:
        for table in ("insight_votes", "insight_head", "insight_code", "insight_run"):
            tx.execute(f"DELETE FROM {table}")


def _heads(store: Store) -> dict[str, int]:
    return {str(origin): int(seq) for origin, seq in store.query("SELECT origin, seq FROM insight_head")}


def _behind(store: Store, heads: dict[str, int]) -> list[str]:
    """Runs to derive: those with events that have not been read, and those that another was joined with."""
    known = _heads(store)
    owner = {str(row[0]): str(row[1]) for row in store.query("SELECT alias, run FROM run_alias")}
    if not known:
        found = {str(row[0]) for row in store.query("SELECT DISTINCT run FROM decision")}
    else:
        found = set()
        for origin, seq in heads.items():
            if seq > known.get(origin, 0):
                sql = "SELECT DISTINCT run FROM event WHERE origin = ? AND seq > ?"
                found.update(str(row[0]) for row in store.query(sql, [origin, known.get(origin, 0)]))
    joined = {
        str(row[0]) for row in store.query("SELECT v.run FROM insight_votes v JOIN run_alias a ON a.alias = v.run")
    }
    every = found | joined
    return sorted(every | {owner[run] for run in every if run in owner})


def _derive_all(
    store: Store, batches: Sequence[Sequence[str]], as_of: int, progress: Callable[[int, int], None] | None
) -> None:
    from labels.insights.reading.workers import VOTES, Batches, here, share_out

    left = Batches(batches, progress)
    if len(batches) * _BATCH >= _WORTH_HELP:
        share_out(store, VOTES, left, lambda batch: derive(store, batch, as_of), as_of)
        return
    here(left, lambda batch: derive(store, batch, as_of))


def derive(store: Store, runs: Sequence[str], as_of: int) -> None:
    """Derive the segments of some runs and write them. as_of: how long the log was before they are read."""
    _write(store, *_read(store, runs), as_of)


def _read(store: Store, runs: Sequence[str]) -> tuple[dict[str, Segment], Codes]:
    """The segments of some runs, and their codes."""
    marks = ", ".join("?" * len(runs))
    codes = Codes()
    said: dict[str, list[str]] = {run: [] for run in runs}
    sql = f"SELECT run, data FROM decision WHERE run IN ({marks}) ORDER BY run, reviewer, chunk"
    with no_collecting():
        for run, data in store.query(sql, runs):
            said[run].append(data)
        return {run: segment(decisions, codes) for run, decisions in said.items()}, codes


def _write(store: Store, made: dict[str, Segment], codes: Codes, as_of: int) -> None:
    with store.write("NORMAL") as tx:
        numbers = _numbers(tx, codes)
        marks = ", ".join("?" * len(made))
        later = {
            row[0]
            for row in tx.execute(f"SELECT run FROM insight_votes WHERE run IN ({marks}) AND as_of > ?", [*made, as_of])
        }
        mine = [run for run in made if run not in later]
        tx.many("DELETE FROM insight_votes WHERE run = ?", ([run] for run in mine))
        tx.many(
            "INSERT INTO insight_votes VALUES (?, ?, ?, ?, ?)",
            (
                (run, as_of, "\n".join(item.units), *_renumbered(item, numbers))
                for run in mine
                if (item := made[run]).votes
            ),
        )


def _numbers(tx: Transaction, codes: Codes) -> list[int]:
    """What the strings of a batch are numbered in the database."""
    found: list[int] = []
    for value in codes.of:
        row = tx.execute("SELECT no FROM insight_code WHERE value = ?", [value]) or tx.execute(
            "INSERT INTO insight_code (value) VALUES (?) RETURNING no", [value]
        )
        found.append(int(row[0][0]))
    return found


def _renumbered(item: Segment, numbers: list[int]) -> tuple[bytes, bytes]:
    import numpy as np

    table = np.array(numbers, dtype=np.int32)
    votes = np.frombuffer(item.votes, dtype=np.int32).reshape(-1, VOTE_COLUMNS).copy()
    labels = np.frombuffer(item.labels, dtype=np.int32).reshape(-1, LABEL_COLUMNS).copy()
    for column in (REVIEWER, SPEC):
        votes[:, column] = table[votes[:, column]]
    labels[:, MODE] = table[labels[:, MODE]]
    return votes.tobytes(), labels.tobytes()


def _strings(codes: Codes) -> list[str]:
    found = [""] * (max(codes.of.values(), default=-1) + 1)
    for value, number in codes.of.items():
        found[number] = value
    return found
