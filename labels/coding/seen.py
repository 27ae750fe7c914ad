"""Which notes of others somebody has read, as far as it is on record: those that they gave a code, and those on chunks
that came back because of what was noted there (everybody sees these: they say why the chunk is there).

Whoever has read them does not decide blind on the chunk any more, and is not made blind again by a queue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import orjson

from labels.queue_again import OWN_PREFIX
from labels.wordless import wordless
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.store import Store

if TYPE_CHECKING:  # it comes with pydantic's models of what is said of codes, which deciding does without
    from labels.coding.fold import NoteKey

#: Queues that hold nothing but what came back.
_OWN_QUEUES = (
    "q.name LIKE ? AND NOT EXISTS (SELECT 1 FROM queue_item i WHERE i.queue = q.id AND NOT EXISTS"
    " (SELECT 1 FROM queue_again g WHERE g.run = i.run AND g.chunk = i.chunk))"
)


def runs_back(store: Store) -> set[str]:
    """Runs (by the ids they had then) in queues of what came back."""
    sql = f"SELECT r.run FROM queue_run r JOIN queue q ON q.id = r.queue WHERE {_OWN_QUEUES}"
    return {str(row[0]) for row in store.query(sql, [f"{OWN_PREFIX}%"])}


def handled(store: Store, reviewer: str, owner: Mapping[str, str]) -> set[NoteKey]:
    """Notes that a reviewer ever gave a code, or took one from: taking that back makes nobody forget the note. owner:
    former run id -> the run's id now."""
    from labels.coding.fold import NoteKey

    return {NoteKey(str(owner.get(run, run)), *rest) for run, *rest in _named(store, "", [reviewer])}


def notes_read(store: Store, run: RunInfo, reviewer: str, chunk: str) -> bool:
    """Whether this reviewer is known to have read others' notes on a chunk. Cheap where there are none."""
    ids = catalog.ids_of(store, run.id)
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT DISTINCT reviewer FROM note WHERE run IN ({marks}) AND chunk = ? AND reviewer <> ?"
    others = [str(row[0]) for row in store.query(sql, [*ids, chunk, reviewer])]
    if not others:
        return False
    sql = f"SELECT 1 FROM queue_run r JOIN queue q ON q.id = r.queue WHERE r.run IN ({marks}) AND {_OWN_QUEUES} LIMIT 1"
    readable = not all(map(wordless, others))
    if readable and store.one(sql, [*ids, f"{OWN_PREFIX}%"]) is not None:
        return True
    also = f" AND ({' OR '.join(['payload LIKE ?'] * len(ids))})"
    named = _named(store, also, [reviewer, *(f"%{key}%" for key in ids)])
    return any(run in ids and where == chunk and who != reviewer for run, who, where, _ in named)


def _named(store: Store, also: str, values: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """The notes that code events of a reviewer (the first of the values) name: run, reviewer, chunk, label."""
    sql = f"SELECT payload FROM event WHERE run = '' AND reviewer = ? AND kind = 'code'{also}"
    for (payload,) in store.query(sql, values):
        for note in orjson.loads(payload)["said"].get("notes", ()):
            yield note["run"], note["reviewer"], note["chunk"], note.get("label", "")
