"""The rows of a release as flat tables, for tools that know columns. Columns and their types stand here once, for CSV,
JSONL, parquet and Croissant alike.

A type is `text`, `int`, `float` or `bool`; every column but the keys may be null. Lists and places stand as JSON text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from labels.gold.reading import ReleasedRun
from labels.gold.settle import Row
from labels.gold.transcript import steps_text
from sessions.jsontext import dumps

Columns: TypeAlias = dict[str, str]

_PLACE: Columns = {"unit_id": "text", "scope": "text", "first_step": "int", "last_step": "int"}
_MODE: Columns = {"codebook": "text", "codebook_version": "text", "mode": "text", "code": "text", "name": "text"}

RUNS: Columns = {
    "run_id": "text", "task_id": "text", "split": "text", "task": "text", "system": "text", "model": "text",
    "steps": "int", "text": "text",
}  # fmt: skip
GOLD: Columns = {
    "run_id": "text", "split": "text", **_PLACE, **_MODE, "present": "bool", "settled_by": "text",
    "votes_present": "int", "votes_absent": "int", "reason": "text", "steps": "text", "evidence": "text",
}  # fmt: skip
LABELS: Columns = {
    "label_id": "text", "run_id": "text", "split": "text", **_PLACE, **_MODE, "annotator": "text", "role": "text",
    "sure": "bool", "root_cause": "bool", "caused_by": "text", "agent": "text", "note": "text", "evidence": "text",
    "suggestion": "text", "action": "text", "blind_suggestions": "bool", "blind_votes": "bool", "seconds": "float",
    "at": "text", "event_id": "text", "event_hash": "text", "previous_event_hash": "text", "tool": "text",
}  # fmt: skip
VOTES: Columns = {
    "run_id": "text", "split": "text", **_PLACE, "annotator": "text", "role": "text", "verdict": "text",
    "rollback_to": "int", "judged": "text", "note": "text", "seconds": "float", "blind_suggestions": "bool",
    "blind_votes": "bool", "at": "text",
}  # fmt: skip
QUEUE: Columns = {"run_id": "text", "split": "text", **_PLACE, "kind": "text", "weight": "float", "known": "bool"}
TABLES: dict[str, Columns] = {"gold": GOLD, "labels": LABELS, "votes": VOTES, "runs": RUNS}
#: The same of a release that is limited to a queue.
OF_QUEUE: dict[str, Columns] = TABLES | {"queue": QUEUE}
#: What a row of each table is, for cards and metadata.
ABOUT = {
    "gold": "one failure mode in one chunk or whole run, settled: present is true, false, or null for not settled",
    "labels": "one label of one annotator, with how it came about",
    "votes": "what one annotator said of one chunk or run",
    "runs": "one run as text",
    "queue": "one chunk or run that the queue gave out: its kind, and how many of the kind it stands for",
}


def rows(table: str, run: ReleasedRun, modes: dict[str, dict[str, Row]]) -> Iterator[Row]:
    """The rows of one run. modes: codebook -> mode -> its code and name."""
    made = {"gold": _gold, "labels": _labels, "votes": _votes, "runs": _runs, "queue": _queue}[table]
    columns = OF_QUEUE[table]
    for row in made(run, modes):
        yield {name: row.get(name) for name in columns}


def _unit(unit: Row) -> Row:
    return {
        "unit_id": unit["id"],
        "scope": unit["scope"],
        "first_step": unit["first"]["step_number"],
        "last_step": unit["last"]["step_number"],
    }


def _gold(run: ReleasedRun, modes: dict[str, dict[str, Row]]) -> Iterator[Row]:
    for row in run.gold:
        book = row["codebook"]
        details = {item["mode"]: item for item in row["details"]}
        for mode, present in row["labels"].items():
            detail = details.get(mode)
            how = detail["how"] if detail else row["absent_by"] or "not judged"
            yield {
                "run_id": run.run_id, "split": run.split, **_unit(row["unit"]), "codebook": book["id"],
                "codebook_version": book["version"], "mode": mode, **modes[book["id"]][mode], "present": present,
                "settled_by": how, "votes_present": detail["present"] if detail else 0,
                "votes_absent": detail["absent"] if detail else row["judged_whole"],
                "reason": detail.get("reason") if detail else None,
                "steps": dumps(_numbers(detail.get("steps", []) if detail else [])),
                "evidence": dumps(detail.get("evidence", []) if detail else []),
            }  # fmt: skip


def _numbers(spans: list[Row]) -> list[list[int]]:
    return [[span["first"]["step_number"], span["last"]["step_number"]] for span in spans]


def _labels(run: ReleasedRun, modes: dict[str, dict[str, Row]]) -> Iterator[Row]:  # noqa: ARG001
    for row in run.labels:
        shown = row["suggestion"]
        yield {
            **row, "split": run.split, "first_step": row["first"]["step_number"],
            "last_step": row["last"]["step_number"], "codebook": row["codebook"]["id"],
            "codebook_version": row["codebook"]["version"], "evidence": dumps(row["evidence"]),
            "suggestion": dumps(shown) if shown else None,
        }  # fmt: skip


def _votes(run: ReleasedRun, modes: dict[str, dict[str, Row]]) -> Iterator[Row]:  # noqa: ARG001
    for row in run.votes:
        to = row["rollback_to"]
        yield {
            **row, "split": run.split, **_unit(row["unit"]), "rollback_to": to["step_number"] if to else None,
            "judged": dumps(row["codebooks"]),
        }  # fmt: skip


def _runs(run: ReleasedRun, modes: dict[str, dict[str, Row]]) -> Iterator[Row]:  # noqa: ARG001
    header = run.header
    yield {
        "run_id": run.run_id, "task_id": run.task_id, "split": run.split, "task": header.task, "system": header.system,
        "model": header.model, "steps": len(run.steps), "text": steps_text(enumerate(run.steps)),
    }  # fmt: skip


def _queue(run: ReleasedRun, modes: dict[str, dict[str, Row]]) -> Iterator[Row]:  # noqa: ARG001
    for row in run.queue:
        yield {**row, "split": run.split, **_unit(row["unit"])}


def mode_names(books: Any) -> dict[str, dict[str, Row]]:
    """Codebook -> mode -> code and name, of the books of a release."""
    return {
        book: {mode.slug: {"code": mode.code, "name": mode.name} for mode in found.modes}
        for book, found in books.main.items()
    }
