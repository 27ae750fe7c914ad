"""Looking after what is said about runs: codebooks kept beside the labels, what a changed codebook touches, and which
runs may go. Events are never deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from labels.codebook import Codebook, diff
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.maintenance import remove_run
from sessions.store import Store, Transaction


def remember_codebook(store: Store, book: Codebook) -> None:
    """Keep the codebook's content beside the labels made with it. Cheap if it is kept already."""
    key = [book.id, book.version, book.hash]
    exists = "SELECT 1 FROM codebook WHERE id = ? AND version = ? AND hash = ?"
    if store.one(exists, key):
        return
    with store.write() as tx:
        if not tx.execute(exists, key):
            at = datetime.now(UTC).isoformat(timespec="seconds")
            tx.execute("INSERT INTO codebook VALUES (?, ?, ?, ?, ?)", [*key, book.canonical_json().decode(), at])


def kept_codebook(store: Store, id: str, sha256: str) -> Codebook | None:
    """The codebook of that id and content, if it was kept."""
    row = store.one("SELECT data FROM codebook WHERE id = ? AND hash = ?", [id, sha256])
    return Codebook.from_json(row[0]) if row else None


# -- what a changed codebook touches --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Touched:
    """A label, or a "none", that deserves a second look. mode, label: "" for a "none". chunk: the chunk's id."""

    run: str
    reviewer: str
    chunk: str
    label: str
    mode: str
    version: str
    reason: str


def affected(store: Store, book: Codebook, known: Iterable[Codebook] = ()) -> list[Touched]:
    """What was said with another state of this codebook and may not hold in this one. known: states at hand."""
    at_hand = {item.hash: item for item in known if item.id == book.id}
    states = {row[0] for row in store.query("SELECT DISTINCT codebook_hash FROM label WHERE codebook = ?", [book.id])}
    nones = list(_nones(store, book.id))
    states |= {item[3] for item in nones}
    olds = {sha256: kept_codebook(store, book.id, sha256) or at_hand.get(sha256) for sha256 in states - {book.hash}}
    return [*_touched_labels(store, book, olds), *_touched_nones(nones, book, olds)]


def _touched_labels(store: Store, book: Codebook, olds: dict[str, Codebook | None]) -> Iterator[Touched]:
    sql = "SELECT run, reviewer, chunk, id, mode, version FROM label WHERE codebook = ? AND codebook_hash = ?"
    for sha256, old in sorted(olds.items()):
        reasons = _reasons(old, book)
        for run, reviewer, chunk, label, mode, version in store.query(
            f"{sql} ORDER BY run, reviewer, chunk, id", [book.id, sha256]
        ):
            reason = reasons.get(mode)
            if reason is None and mode not in book.by_slug:
                reason = "the mode is not in it any more"
            elif reason is None and old is None:
                reason = "the codebook it was made with was not kept, so nobody can compare"
            if reason:
                yield Touched(run, reviewer, chunk, label, mode, version, reason)


def _reasons(old: Codebook | None, new: Codebook) -> dict[str, str]:
    """Slug -> why labels of it deserve a look."""
    if old is None:
        return {}
    change = diff(old, new)
    return {
        slug: "the mode is not in it any more"
        if slug in change.removed
        else f"rewritten: {', '.join(change.changed[slug])}"
        for slug in change.affected
    }


def _nones(store: Store, id: str) -> Iterator[tuple[str, str, str, str, str]]:
    """(run, reviewer, chunk, hash, version) of each "none of this codebook" that holds."""
    for run, reviewer, chunk, data in store.each("SELECT run, reviewer, chunk, data FROM decision ORDER BY run, chunk"):
        for ref in orjson.loads(data)["none"]:
            if ref["id"] == id:
                yield run, reviewer, chunk, ref["sha256"], ref["version"]


def _touched_nones(
    nones: list[tuple[str, str, str, str, str]], book: Codebook, olds: dict[str, Codebook | None]
) -> Iterator[Touched]:
    """A "none" covers the modes that there were: new or rewritten ones were never judged."""
    for run, reviewer, chunk, sha256, version in nones:
        old = olds.get(sha256)
        if sha256 == book.hash:
            continue
        what = _unjudged(old, book) if old else "the codebook was not kept"
        if what:
            yield Touched(run, reviewer, chunk, "", "", version, f'"none" was said, but {what}')


def _unjudged(old: Codebook, new: Codebook) -> str:
    change = diff(old, new)
    modes = {*change.added, *(change.affected - {*change.removed})}
    return f"these were not judged: {', '.join(sorted(modes))}" if modes else ""


# -- which runs may go ----------------------------------------------------------------------------------------------


def unused_runs(store: Store, days: int) -> list[RunInfo]:
    """Runs on which nothing was ever recorded and that nobody has opened or imported for so many days."""
    before = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    opened = {row[0] for row in store.query("SELECT DISTINCT run FROM reading WHERE at >= ?", [before])}
    found = []
    for run in catalog.runs(store):
        if run.state != "live" and run.added_at < before and run.id not in opened and not event_count(store, run):
            found.append(run)
    return found


def event_count(source: Store | Transaction, run: RunInfo) -> int:
    """How many events name the run, by any of its ids."""
    sql = (
        "SELECT count(*) FROM event WHERE run = ? OR run IN (SELECT alias FROM run_alias WHERE run = ?)"
        " OR (content_id IS NOT NULL AND content_id = ?)"
    )
    params = [run.id, run.id, run.content_id]
    rows = source.query(sql, params) if isinstance(source, Store) else source.execute(sql, params)
    return int(rows[0][0])


def delete_run(store: Store, run: RunInfo, *, with_decisions: bool) -> int:
    """Delete a run's steps and content; how many events on it stay in the log.

    Raises UserError if there are any and `with_decisions` does not say that this is known.
    """
    with store.write() as tx:
        events = event_count(tx, run)
        if events and not with_decisions:
            raise UserError(
                f"there are decisions on run {run.id[:8]} ({events} events).",
                "--with-decisions deletes its content all the same; the events themselves stay.",
            )
        remove_run(tx, run)
    return events
