"""The merge itself: check everything, copy runs, then take in events and what follows from them in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from labels import events, fold
from labels.ledger import derive, ids_in
from labels.merging import beside, chains, runs
from labels.merging.chains import Piece
from labels.merging.report import Merged
from sessions import catalog, foreign, maintenance
from sessions.errors import UserError
from sessions.store import Store, Transaction

#: A reviewer's chunk: run id, reviewer, chunk id.
Key = tuple[str, str, str]


def merge(store: Store, path: Path, *, dry_run: bool = False) -> Merged:
    """Take in what the database at `path` has. dry_run: only say what would come.

    Raises UserError, with nothing written, if the file is damaged or forged, if its log contradicts the one here, or
    if it is this database.
    """
    if path.exists() and path.samefile(store.path):
        raise UserError(f"{path} is this database itself.", "Name another one.")
    with foreign.opened(path) as other:
        if wrong := maintenance.integrity(other):
            raise UserError(f"{path} is damaged: {wrong[0]}.", "Nothing was merged; get an undamaged copy.")
        origin = other.query("SELECT value FROM meta WHERE name = 'origin'")[0][0]
        report = Merged(str(path), str(origin), dry_run)
        pieces = chains.check(store, other)
        books = beside.check_codebooks(store, other)
        found = runs.plan(store, other, report)
        report.chains = [piece.chain for piece in pieces]
        report.codebooks = len(books)
        report.suggestions = beside.new_suggestions(store, other, found.here)
        report.queues = len(beside.new_queues(store, other))
        touched = _touched(other, pieces)
        if dry_run:
            _count_votes(store, found.here, touched, report)
            return report
        runs.copy_all(store, other, found.coming)
        with store.write() as tx:
            old = runs.come_back(tx, found.coming)
            runs.join(other, tx, found)
            beside.add_codebooks(tx, books)
            for piece in pieces:
                chains.append(other, tx, piece)
            beside.add_suggestions(other, tx, found.here)
            beside.add_queues(other, tx, found.here, report)
            again = _renamed(tx, {*old, *found.aliases})
            keys = {(ids_in(tx, run)[0], reviewer, chunk) for run, reviewer, chunk in {*touched, *again}}
            for run, reviewer, chunk in sorted(keys):
                derive(tx, ids_in(tx, run), reviewer, chunk)
            report.decisions = len(keys)
            _count_votes_in(tx, keys, report)
        return report


def _touched(other: Store, pieces: Iterable[Piece]) -> set[Key]:
    """What the events that come are about, by the ids that runs have there."""
    found: set[Key] = set()
    for piece in pieces:
        # Without a run: what is said of codes, which is about none.
        sql = "SELECT DISTINCT run, reviewer, chunk FROM event WHERE origin = ? AND seq > ? AND seq <= ? AND run <> ''"
        found.update((row[0], row[1], row[2]) for row in other.query(sql, [piece.origin, piece.had, piece.last]))
    return found


def _renamed(tx: Transaction, aliases: Iterable[str]) -> set[Key]:
    """What was said of runs that are known by another id from now on."""
    found: set[Key] = set()
    for alias in aliases:
        rows = tx.execute("SELECT DISTINCT run, reviewer, chunk FROM event WHERE run = ?", [alias])
        found.update((row[0], row[1], row[2]) for row in rows)
    return found


def _count_votes_in(tx: Transaction, keys: Iterable[Key], report: Merged) -> None:
    """How many of the chunks that were touched several people have decided on, and what one name said twice."""
    for run, chunk in {(run, chunk) for run, _, chunk in keys}:
        rows = tx.execute("SELECT count(DISTINCT reviewer) FROM decision WHERE run = ? AND chunk = ?", [run, chunk])
        report.voted += rows[0][0] > 1
    for run, reviewer, chunk in keys:
        report.twice += _unaware(events.of_runs(tx, ids_in(tx, run), reviewer, chunk))


def _unaware(said: list[events.Event]) -> bool:
    """Whether two databases hold decisions of one name, and neither builds on the other's."""
    decided = fold.active(said)
    origins = {event.origin for event in decided}
    known = {origin for event in decided for origin in event.data.get("after", ())}
    return len(origins - known) > 1


def _count_votes(store: Store, here: dict[str, str], touched: Iterable[Key], report: Merged) -> None:
    """The same before anything is written: chunks here that somebody else has decided on."""
    chunks: dict[tuple[str, str], set[str]] = {}
    for run, reviewer, chunk in touched:
        known = catalog.run_by_id(store, here.get(run, run))
        if known is not None:
            chunks.setdefault((known.id, chunk), set()).add(reviewer)
    report.decisions = sum(map(len, chunks.values()))
    for (run, chunk), reviewers in chunks.items():
        rows = store.query("SELECT DISTINCT reviewer FROM decision WHERE run = ? AND chunk = ?", [run, chunk])
        report.voted += len({*reviewers, *(str(row[0]) for row in rows)}) > 1
