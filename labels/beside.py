"""Narrow rows beside each decision, derived with it: its notes, how it was made, and its answers to suggestions.

Open coding reads the notes, reviewers' own figures the rest. Reading a million decisions as JSON for either would take
its whole time. Nothing is said here that the log does not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from labels.events import DECIDE, Event, standing
from sessions.jsontext import dumps
from sessions.store import Row, Store, Transaction

#: The tables, each with its key beginning (run, reviewer, chunk).
TABLES = ("note", "pace", "answer")
#: Bits of `pace.flags`: a verdict was given; the modes were judged; suggestions were hidden.
VERDICT, JUDGED, BLIND = 1, 2, 4
#: Runs that are filled in at once.
_RUNS = 100
_INSERT = {
    "note": "INSERT INTO note VALUES (?, ?, ?, ?, ?, ?, ?)",
    "pace": "INSERT INTO pace VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "answer": "INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, ?)",
}


def derive(tx: Transaction, run: str, data: dict[str, Any], said: Iterable[Event]) -> None:
    """Insert what stands beside a decision. data: the decision as JSON values. said: the reviewer's events on its
    chunk, in order. What stood there before must be gone."""
    first = _first_verdict(said)
    for table, rows in _rows(run, data, first).items():
        if rows:
            tx.many(_INSERT[table], rows)


def _first_verdict(said: Iterable[Event]) -> dict[str, Any] | None:
    """When and how the verdict was first given: later acts may only tidy up. Second readings are no part of it."""
    for event in standing(said, DECIDE):
        act = event.data
        if not act.get("repeat") and any(op["op"] == "verdict" and op["verdict"] for op in act["ops"]):
            return {"at": event.at, "seconds": act.get("seconds"), "read": act.get("read")}
    return None


def _rows(run: str, data: dict[str, Any], first: dict[str, Any] | None) -> dict[str, list[Row]]:
    key = (run, data["reviewer"], data["target"]["id"])
    return {
        "note": list(_notes(key, data)),
        "pace": [_pace(key, data, first)] if data["how"] == "person" else [],
        "answer": [
            (*key, suggestion, answer["answer"], answer.get("seconds"), data["at"])
            for suggestion, answer in data["answers"].items()
            if data["how"] == "person"
        ],
    }


def _notes(key: tuple[str, str, str], data: dict[str, Any]) -> Iterator[Row]:
    """The decision's own note (its label is ""), then those of its labels."""
    target = data["target"]
    about = {"scope": target["scope"], "policy": target["policy"], "number": target["number"]}
    if data["note"].strip():
        anchor = {**about, "first": target["first"], "last": target["last"], "evidence": []}
        yield (*key, "", data["at"], data["note"], dumps(anchor))
    for label in data["labels"]:
        if label["note"].strip():
            anchor = {
                **about, "first": label["first"], "last": label["last"], "evidence": label["evidence"],
                "mode": label["mode"], "codebook": label["codebook"]["id"], "name": label["name"],
            }  # fmt: skip
            yield (*key, label["id"], data["at"], label["note"], dumps(anchor))


def _pace(key: tuple[str, str, str], data: dict[str, Any], first: dict[str, Any] | None) -> Row:
    made = first or {"at": data["at"], "seconds": data["seconds"], "read": None}
    flags = VERDICT * (data["verdict"] is not None) + JUDGED * bool(data["labels"] or data["none"])
    flags += BLIND * bool(data["blind_suggestions"])
    ends = data["target"]["first"]["index"], data["target"]["last"]["index"]
    return (*key, made["at"], *ends, made["seconds"], made["read"], flags, len(data["labels"]))


# -- databases of before ----------------------------------------------------------------------------------------------


def fill(store: Store) -> None:
    """Derive what decisions recorded by an earlier version of the program lack. Cheap if there is nothing to do; else
    some 15 s per million decisions, once, in pieces that let others write between them. Of those decisions, the time
    of the last act stands for that of the first verdict."""
    if store.read_only or not store.one(_BEHIND):
        return
    runs = [str(row[0]) for row in store.query("SELECT DISTINCT run FROM decision ORDER BY run")]
    for start in range(0, len(runs), _RUNS):
        _fill_runs(store, runs[start : start + _RUNS])
    with store.write() as tx:
        tx.execute("DELETE FROM meta WHERE name = 'beside'")


def _fill_runs(store: Store, runs: list[str]) -> None:
    """The same for some runs, in one transaction. What is there already was derived from the events: it stays."""
    marks = ", ".join("?" * len(runs))
    with store.write("NORMAL") as tx:
        known = {
            tuple(row)
            for table in TABLES
            for row in tx.execute(f"SELECT run, reviewer, chunk FROM {table} WHERE run IN ({marks})", runs)
        }
        found: dict[str, list[Row]] = {table: [] for table in TABLES}
        for run, reviewer, chunk, data in tx.execute(
            f"SELECT run, reviewer, chunk, data FROM decision WHERE run IN ({marks})", runs
        ):
            if (run, reviewer, chunk) not in known:
                for table, made in _rows(run, orjson.loads(data), None).items():
                    found[table] += made
        for table, made in found.items():
            tx.many(_INSERT[table], made)


_BEHIND = "SELECT 1 FROM meta WHERE name = 'beside'"
