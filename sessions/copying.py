"""A run from one database into another, step for step, under the same or another id."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sessions import catalog
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.identity import Identity
from sessions.jsontext import canonical, dumps, loads
from sessions.keys import base_key, key_range
from sessions.store import Row, Store, Transaction
from sessions.writing import remove_rows

_KEPT = (
    "content_id, state, format, title, task, system, model, native_id, started_at, path, item, files, facts, actors,"
    " steps, chars, errors"
)
_STEPS = "SELECT id FROM step WHERE k BETWEEN ? AND ? ORDER BY k"


def check(source: Store, run: RunInfo) -> None:
    """Raises UserError if a run's steps are not those that its ids stand for."""
    identity = Identity()
    count = 0
    for stored in catalog.steps(source, run.no):
        if identity.step_id(stored.step) != stored.id or stored.index != count:
            raise UserError(
                f"{source.path}: step {count + 1} of run {run.id[:8]} is not what its id says: it was changed.",
                "Nothing was merged; get an undamaged copy.",
            )
        count += 1
    if count != run.steps or identity.content_id() != run.content_id:
        raise UserError(
            f"{source.path}: run {run.id[:8]} does not hold what its content id says.",
            "Nothing was merged; get an undamaged copy.",
        )


def begins_with(longer: Store, no: int, shorter: Store, other: int) -> bool:
    """Whether the first steps of run `no` of one database are all the steps of run `other` of another one."""
    rest = longer.each(_STEPS, key_range(no))
    return all(next(rest, None) == row for row in shorter.each(_STEPS, key_range(other)))


def copy(source: Store, run: RunInfo, tx: Transaction, *, id: str, instead: int | None = None) -> int:
    """Write a run with all its content under this id; its number here. instead: the number of the run whose place it
    takes. The word index and the archive are left to the background work."""
    if instead is not None:
        remove_rows(tx, instead)
    row = source.one(f"SELECT {_KEPT} FROM run WHERE no = ?", [run.no])
    assert row is not None
    marks = ", ".join("?" * len(row))
    made = tx.execute(
        f"INSERT INTO run (id, added_at, problems, indexed, archived, {_KEPT}) VALUES (?, ?, 0, 0, 0, {marks})"
        " RETURNING no",
        [id, datetime.now(UTC).isoformat(timespec="seconds"), *row],
    )
    no = int(made[0][0])
    shift = base_key(no) - base_key(run.no)
    for table, columns in (("step", 8), ("body", 4), ("raw", 2)):
        marks = ", ".join("?" * columns)
        tx.many(f"INSERT INTO {table} VALUES ({marks})", _shifted(source, table, run.no, shift))
    add_reference(source, run, tx, no)
    return no


def _shifted(source: Store, table: str, no: int, shift: int) -> Iterator[Row]:
    for k, *rest in source.each(f"SELECT * FROM {table} WHERE k BETWEEN ? AND ?", key_range(no)):
        yield (k + shift, *rest)


def add_reference(source: Store, run: RunInfo, tx: Transaction, no: int) -> None:
    """What the other database knows of the answer to a run, added to what is known of run `no` here. Where the two
    differ, which one stays does not depend on which of them came first."""
    theirs = catalog.reference(source, run)
    if theirs is None:
        return
    kept = tx.execute("SELECT data FROM reference WHERE run = ?", [no])
    mine = loads(kept[0][0]) if kept else {}
    both = {key: min((side[key] for side in (mine, theirs) if key in side), key=canonical) for key in {*mine, *theirs}}
    if both != mine:
        tx.execute("DELETE FROM reference WHERE run = ?", [no])
        tx.execute("INSERT INTO reference VALUES (?, ?)", [no, dumps(dict(sorted(both.items())))])
