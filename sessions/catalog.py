"""Reading back what is in the store: runs, steps, raw records."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from sessions.bodies import StoredStep, decode, text_of, unpack_records
from sessions.errors import UserError
from sessions.keys import base_key, index_of, key_range, path_text
from sessions.run import Problem
from sessions.store import Row, Store
from sessions.streams import read_places

#: Of a run's further files, so many are looked at for changes.
MAX_FILES_LOOKED_AT = 1000
_COLUMNS = (
    "no, id, content_id, state, format, title, task, system, model, native_id, started_at, added_at, path, item,"
    " files, facts, actors, steps, chars, errors, problems, indexed, archived"
)


@dataclass(slots=True, frozen=True)
class RunInfo:
    """A run's row. no: its number in this database (keys of steps build on it); id: its random id.

    content_id: None until the whole run is in. state: `importing`, `live` or `complete`. steps, chars (code points),
    errors (steps with an error): counts so far. indexed, archived: steps done by the background work.
    """

    no: int
    id: str
    content_id: str | None
    state: str
    format: str
    title: str
    task: str | None
    system: str | None
    model: str | None
    native_id: str | None
    started_at: str | None
    added_at: str
    path: str | None
    item: int
    files: list[str]
    facts: dict[str, Any]
    actors: list[str]
    steps: int
    chars: int
    errors: int
    problems: int
    indexed: int
    archived: int

    @property
    def complete(self) -> bool:
        return self.state == "complete"


@dataclass(slots=True, frozen=True)
class StepIndex:
    """A step's index row: what chunk policies and jump lists need, without its text."""

    index: int
    id: str
    actor: str
    role: str
    flags: int
    depth: int
    chars: int
    stage: str | None


def _run(row: Row) -> RunInfo:
    values = list(row)
    for place in (14, 15, 16):
        values[place] = orjson.loads(values[place])
    return RunInfo(*values)


def runs(store: Store) -> list[RunInfo]:
    """All runs, newest first."""
    return [_run(row) for row in store.query(f"SELECT {_COLUMNS} FROM run ORDER BY no DESC")]


def runs_after(store: Store, no: int) -> list[RunInfo]:
    """The runs that were added after the one of that number, newest first."""
    return [_run(row) for row in store.query(f"SELECT {_COLUMNS} FROM run WHERE no > ? ORDER BY no DESC", [no])]


def oldest_runs(store: Store, most: int) -> list[RunInfo]:
    """The runs that were added first, so many of them at most."""
    return [_run(row) for row in store.query(f"SELECT {_COLUMNS} FROM run ORDER BY no LIMIT ?", [most])]


def runs_state(store: Store) -> tuple[Any, ...]:
    """Figures over all runs that change whenever one comes, grows, is renamed, is done or goes: much cheaper than to
    read them again. The first one is how many there are."""
    row = store.one(
        "SELECT count(*), max(no), sum(steps), sum(errors), sum(length(title)),"
        " sum(CASE WHEN state = 'complete' THEN 1 ELSE 0 END) FROM run"
    )
    return row or ()


def state_of(runs: list[RunInfo]) -> tuple[Any, ...]:
    """The same figures of these runs: if they are equal, these are all runs as they are now."""
    if not runs:
        return (0, None, None, None, None, None)
    return (
        len(runs),
        max(run.no for run in runs),
        sum(run.steps for run in runs),
        sum(run.errors for run in runs),
        sum(len(run.title) for run in runs),
        sum(1 for run in runs if run.complete),
    )


def run_by_id(store: Store, run: str) -> RunInfo | None:
    """The run with exactly this id, or the one it was joined with."""
    row = store.one(f"SELECT {_COLUMNS} FROM run WHERE id = ?", [run])
    if row is None:
        alias = store.one("SELECT run FROM run_alias WHERE alias = ?", [run])
        return run_by_id(store, alias[0]) if alias else None
    return _run(row)


def ids_of(store: Store, run: str) -> list[str]:
    """Every id a run has had: its own, then those joined with it. Decisions may name any of them. run: one of them."""
    if joined := store.one("SELECT run FROM run_alias WHERE alias = ?", [run]):
        run = joined[0]
    return [run, *(row[0] for row in store.query("SELECT alias FROM run_alias WHERE run = ?", [run]))]


def find_run(store: Store, text: str) -> RunInfo:
    """The run a person means: by id or content id (or the start of either, 4 characters and more), by path
    (`file` or `file#2` for the second run in it), by the file's bare name, or by title (or its beginning). A live run
    also goes by the name that its agent gave it.

    Raises UserError if none or several fit.
    """
    if exact := run_by_id(store, text) or _by_live_name(store, text):
        return exact
    found = _by_path(store, text) or _by_prefix(store, text) or _by_title(store, text) or _by_beginning(store, text)
    if len(found) == 1:
        return found[0]
    if not found:
        raise UserError(
            f"there is no run {text!r}.",
            "Name one by id, file or title: `review-tui runs` lists them, `import` adds more.",
        )
    choices = ", ".join(f"{run.id[:8]} ({run.title[:30]})" for run in found[:4])
    raise UserError(f"{text!r} could be {len(found)} runs: {choices}{' ...' if len(found) > 4 else ''}.", "Use an id.")


def _by_live_name(store: Store, text: str) -> RunInfo | None:
    row = store.one("SELECT run FROM live WHERE name = ?", [text])
    return run_by_id(store, row[0]) if row else None


def _by_prefix(store: Store, text: str) -> list[RunInfo]:
    if len(text) < 4 or not all(letter in "0123456789abcdef" for letter in text):
        return []
    low, high = text, text + "g"
    rows = store.query(
        f"SELECT {_COLUMNS} FROM run WHERE (id >= ? AND id < ?) OR (content_id >= ? AND content_id < ?)",
        [low, high, low, high],
    )
    return [_run(row) for row in rows]


def _by_path(store: Store, text: str) -> list[RunInfo]:
    name, _, item = text.rpartition("#")
    if name and item.isdecimal():
        rows = store.query("SELECT run FROM source WHERE path = ? AND item = ?", [path_text(Path(name)), int(item) - 1])
    else:
        rows = store.query("SELECT run FROM source WHERE path = ?", [path_text(Path(text))])
    return [run for row in rows if (run := run_by_id(store, row[0]))]


def _by_title(store: Store, text: str) -> list[RunInfo]:
    return [_run(row) for row in store.query(f"SELECT {_COLUMNS} FROM run WHERE title = ?", [text])]


def known_runs(store: Store, path: Path, format: str | None = None) -> list[RunInfo]:
    """The runs of a file that is in the store whole and has not changed since; [] if it must be read.

    format: only if it was read as this format.
    """
    try:
        status = path.stat()
    except OSError:
        return []
    rows = store.query("SELECT size, mtime_ns, format, run FROM source WHERE path = ? ORDER BY item", [path_text(path)])
    found = []
    for size, mtime_ns, read_as, run_id in rows:
        run = run_by_id(store, run_id)
        unchanged = (size, mtime_ns) == (status.st_size, status.st_mtime_ns) and format in (None, read_as)
        if run is None or not run.complete or not unchanged or _has_grown_beside(run):
            return []
        found.append(run)
    return found


def _has_grown_beside(run: RunInfo) -> bool:
    """Whether one of a run's further files, or a folder of them, has changed since: a sub-agent has gone on, an event
    has been added. To the second, as the time of the import is kept."""
    try:
        imported = datetime.fromisoformat(run.added_at).timestamp()
        return any(int(os.stat(file).st_mtime) > imported for file in run.files[:MAX_FILES_LOOKED_AT])
    except (OSError, ValueError):
        return False  # gone: what was read of it stays


def _by_beginning(store: Store, text: str) -> list[RunInfo]:
    """By the name of the run's file without its folder, or by how its title begins."""
    if len(text) < 4:
        return []
    return [run for run in runs(store) if run.title.startswith(text) or (run.path or "").rpartition("/")[2] == text]


# -- steps --------------------------------------------------------------------------------------------------------

_STEP = (
    "SELECT s.k, s.id, s.actor, s.role, s.flags, s.depth, s.stage, b.codec, b.parts, b.text"
    " FROM step s JOIN body b ON b.k = s.k"
)


def _stored(row: Row) -> StoredStep:
    k, step_id, actor, role, flags, depth, stage, codec, parts, text = row
    step = decode(parts, text_of(codec, text), actor=actor, role=role, depth=depth, stage=stage)
    return StoredStep(index_of(k), step_id, flags, step)


def step(store: Store, no: int, index: int) -> StoredStep:
    """One step with its content. Raises LookupError if the run has no such index."""
    row = store.one(f"{_STEP} WHERE s.k = ?", [base_key(no) + index])
    if row is None:
        raise LookupError(f"run {no} has no step index {index}")
    return _stored(row)


def steps(store: Store, no: int, first: int = 0, last: int | None = None) -> Iterator[StoredStep]:
    """Steps first..last (indices, inclusive) with their content, in order; to the end where last is None."""
    low, high = key_range(no)
    high = low + last if last is not None else high
    for row in store.each(f"{_STEP} WHERE s.k BETWEEN ? AND ? ORDER BY s.k", [low + first, high]):
        yield _stored(row)


def index_rows(store: Store, no: int, first: int = 0) -> Iterator[StepIndex]:
    """The index rows of a run from a step on, without any text."""
    low, high = key_range(no)
    sql = "SELECT k, id, actor, role, flags, depth, chars, stage FROM step WHERE k BETWEEN ? AND ? ORDER BY k"
    for row in store.each(sql, [low + first, high]):
        yield StepIndex(index_of(row[0]), *row[1:])


def step_id(store: Store, no: int, index: int) -> str | None:
    row = store.one("SELECT id FROM step WHERE k = ?", [base_key(no) + index])
    return row[0] if row else None


def indices_of(store: Store, no: int, ids: set[str]) -> dict[str, int]:
    """Where the steps with these ids stand now: id -> index; those not in the run are missing."""
    if not ids:
        return {}
    low, high = key_range(no)
    wanted = sorted(ids)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), 400):
        some = wanted[start : start + 400]
        marks = ", ".join("?" * len(some))
        rows = store.query(f"SELECT id, k FROM step WHERE k BETWEEN ? AND ? AND id IN ({marks})", [low, high, *some])
        found.update((row[0], index_of(row[1])) for row in rows)
    return found


def problems(store: Store, run: RunInfo) -> list[Problem]:
    """What could not be read of the run's file."""
    rows = store.query("SELECT path, line, reason FROM problem WHERE path = ? ORDER BY line", [run.path])
    return [Problem(*row) for row in rows]


def reference(store: Store, run: RunInfo) -> dict[str, Any] | None:
    """What the source knows of the answer. Never show it to a blind reviewer."""
    row = store.one("SELECT data FROM reference WHERE run = ?", [run.no])
    value: dict[str, Any] | None = orjson.loads(row[0]) if row else None
    return value


# -- raw records --------------------------------------------------------------------------------------------------


def raw(store: Store, run: RunInfo, index: int) -> list[bytes]:
    """The source's own records of a step: from the archive, or else from the file they were read from.

    Raises UserError if the file has changed or gone before its records were archived.
    """
    row = store.one("SELECT data FROM raw WHERE k = ?", [base_key(run.no) + index])
    if row is not None:
        return unpack_records(row[0])
    spans = step(store, run.no, index).step.raw
    return read_spans(store, run, [span for span in spans if not isinstance(span, bytes)])


def raws(store: Store, run: RunInfo, some: list[StoredStep]) -> list[list[bytes] | None]:
    """`raw` for steps that follow each other, at once; None for those whose records are gone."""
    if not some:
        return []
    base = base_key(run.no)
    low, high = base + some[0].index, base + some[-1].index
    rows = store.query("SELECT k, data FROM raw WHERE k BETWEEN ? AND ?", [low, high])
    found: dict[int, list[bytes] | None] = {index_of(k): unpack_records(data) for k, data in rows}
    missing = [stored for stored in some if stored.index not in found]
    spans = [span for stored in missing for span in stored.step.raw]
    try:
        pieces = iter(read_spans(store, run, spans))
        for stored in missing:
            found[stored.index] = [next(pieces) for _ in stored.step.raw]
    except UserError:
        found.update((stored.index, None if stored.step.raw else []) for stored in missing)
    return [found[stored.index] for stored in some]


def read_spans(store: Store, run: RunInfo, spans: list[Any]) -> list[bytes]:
    """The bytes of a run's source files at these places. Raises UserError if the file is not as it was."""
    if not spans:
        return []
    check_unchanged(store, run)
    names = [run.path or "", *run.files]
    found: dict[int, bytes] = {}
    try:
        for number in {span.file for span in spans}:
            wanted = [place for place, span in enumerate(spans) if span.file == number]
            pieces = read_places(Path(names[number]), [(spans[place].offset, spans[place].length) for place in wanted])
            found.update(zip(wanted, pieces, strict=True))
    except (OSError, IndexError):
        raise UserError(
            f"{run.path} cannot be read any more.", "The step itself is kept; its raw record is not."
        ) from None
    return [found[place] for place in range(len(spans))]


def check_unchanged(store: Store, run: RunInfo) -> None:
    """Raises UserError if the run's file is not the one that was imported (by size and time).

    While a run is still being imported there is nothing to compare with, and its file is taken as it is.
    """
    row = store.one("SELECT size, mtime_ns, run FROM source WHERE path = ? AND item = ?", [run.path, run.item])
    try:
        status = os.stat(run.path or "")
    except OSError:
        raise UserError(f"{run.path} is gone.", "The step itself is kept; its raw record is not.") from None
    if run.complete and row != (status.st_size, status.st_mtime_ns, run.id):
        raise UserError(f"{run.path} has changed since it was imported.", "Import it again to see its raw records.")
