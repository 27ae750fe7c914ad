"""What stands beside the events: codebooks as they were used, detectors' suggestions, queues."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from labels.codebook import Codebook
from labels.merging.report import Merged
from sessions.errors import UserError
from sessions.store import Row, Store, Transaction

# -- codebooks ------------------------------------------------------------------------------------------------------


def check_codebooks(store: Store, other: Store) -> list[Row]:
    """Rows of kept codebooks that are not here. Raises UserError for one that is not what its hash says."""
    mine = set(store.query("SELECT id, version, hash FROM codebook"))
    new = [row for row in other.query("SELECT id, version, hash, data, added_at FROM codebook") if row[:3] not in mine]
    for name, version, sha256, data, _ in new:
        try:
            book = Codebook.from_json(data)
        except (ValidationError, ValueError):
            book = None
        if book is None or (book.id, book.version, book.hash) != (name, version, sha256):
            raise UserError(
                f"{other.path}: the codebook {name} {version} kept there is not what its hash says.",
                "Nothing was merged; get an undamaged copy.",
            )
    return new


def add_codebooks(tx: Transaction, rows: list[Row]) -> None:
    for row in rows:
        if not tx.execute("SELECT 1 FROM codebook WHERE id = ? AND version = ? AND hash = ?", row[:3]):
            tx.execute("INSERT INTO codebook VALUES (?, ?, ?, ?, ?)", row)


# -- suggestions ----------------------------------------------------------------------------------------------------

_SUGGESTIONS = "SELECT id, codebook, mode, detector, version, first_index, data, replaced FROM suggestion WHERE run = ?"
_LOOKS = "SELECT detector, version, params, content_id, state, reason, found, seconds, at FROM detection WHERE run = ?"


def new_suggestions(store: Store, other: Store, here: Mapping[str, str]) -> int:
    """How many suggestions would come."""
    count = 0
    for theirs, mine in here.items():
        known = {row[0] for row in store.query("SELECT id FROM suggestion WHERE run = ?", [mine])}
        count += sum(row[0] not in known for row in other.query("SELECT id FROM suggestion WHERE run = ?", [theirs]))
    return count


def add_suggestions(other: Store, tx: Transaction, here: Mapping[str, str]) -> None:
    """Unite what detectors said of the runs that both have. Where a detector looked in both, the later version's word
    holds, and what only the earlier one says is marked as replaced."""
    for theirs, mine in here.items():
        looks = {row[0]: row for row in tx.execute(_LOOKS, [mine])}
        said = {row[0]: row for row in tx.execute(_SUGGESTIONS, [mine])}
        new_looks = {row[0]: row for row in other.query(_LOOKS, [theirs])}
        new_said = {row[0]: row for row in other.query(_SUGGESTIONS, [theirs])}
        if not new_looks and not new_said:
            continue
        detectors = {*looks, *new_looks}
        best = {
            name: max((row for row in (looks.get(name), new_looks.get(name)) if row), key=_rank) for name in detectors
        }
        for row in best.values():
            if looks.get(row[0]) != row:
                tx.execute("DELETE FROM detection WHERE run = ? AND detector = ?", [mine, row[0]])
                tx.execute("INSERT INTO detection VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [mine, *row])
        for key in {*said, *new_said}:
            row = _united(said.get(key), new_said.get(key), looks, new_looks, best)
            if row != said.get(key):
                tx.execute("DELETE FROM suggestion WHERE run = ? AND id = ?", [mine, key])
                tx.execute("INSERT INTO suggestion VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [row[0], mine, *row[1:]])


def _rank(look: Row) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Later versions rank higher; the rest only makes the choice the same everywhere."""
    return version_key(look[1]), tuple(map(str, look))


def version_key(version: str) -> tuple[int, ...]:
    """The numbers in a version, for comparing."""
    return tuple(int(piece) for piece in "".join(c if c.isdecimal() else " " for c in version).split())


def _united(
    mine: Row | None, theirs: Row | None, looks: Mapping[str, Row], new: Mapping[str, Row], best: Mapping[str, Row]
) -> Row:
    """One suggestion as it stands after the merge: the later version's wording; live if it is where the look that
    holds was made (or, without such a look, anywhere)."""
    sides = [(row, side) for row, side in ((mine, looks), (theirs, new)) if row is not None]
    row = max((row for row, _ in sides), key=lambda row: (version_key(row[4]), row[6]))
    holds = best.get(row[3])
    live = [not said[7] for said, side in sides if holds is None or _same(side.get(row[3]), holds)]
    return (*row[:7], 0 if any(live) else 1)


def _same(look: Row | None, best: Row) -> bool:
    """Whether a look is of the version that holds, on the same content."""
    return look is not None and look[1:4] == best[1:4]


# -- queues ---------------------------------------------------------------------------------------------------------


def new_queues(store: Store, other: Store) -> list[str]:
    """Ids of the queues that are not here."""
    mine = {row[0] for row in store.query("SELECT id FROM queue")}
    return [str(row[0]) for row in other.query("SELECT id FROM queue ORDER BY id") if row[0] not in mine]


def add_queues(other: Store, tx: Transaction, here: Mapping[str, str], report: Merged) -> None:
    """Take over queues whole. A run that is in a queue here stays in that one: its reviewers cannot be under two rules.
    Who has which chunk at the moment is left where it is."""
    for key in sorted(row[0] for row in other.query("SELECT id FROM queue")):
        if tx.execute("SELECT 1 FROM queue WHERE id = ?", [key]):
            continue
        names = "id, name, policy, blind_share, at, scope, reviewers, ordering, seed, repeat_share, gold_from"
        row = list(other.query(f"SELECT {names} FROM queue WHERE id = ?", [key])[0])
        if tx.execute("SELECT 1 FROM queue WHERE name = ?", [row[1]]):
            row[1] = f"{row[1][:70]} {key[:8]}"
            report.notes.append(f"there is another queue of that name here: theirs is called {row[1]!r}.")
        tx.execute(f"INSERT INTO queue ({names}) VALUES ({', '.join('?' * len(row))})", row)
        for book in other.query("SELECT id, version, hash FROM queue_codebook WHERE queue = ?", [key]):
            tx.execute("INSERT INTO queue_codebook VALUES (?, ?, ?, ?)", [key, *book])
        left = _add_runs(other, tx, key, here)
        if left:
            report.notes.append(f"queue {row[1]!r}: {left} of its runs are in another queue here, or were left out.")


def _add_runs(other: Store, tx: Transaction, id: str, here: Mapping[str, str]) -> int:
    left = 0
    own: dict[str, str] = {}
    for theirs, place in other.query("SELECT run, place FROM queue_run WHERE queue = ? ORDER BY place", [id]):
        run = here.get(theirs)
        if run is None or tx.execute("SELECT 1 FROM queue_run WHERE run = ?", [run]):
            left += 1
            continue
        own[theirs] = run
        tx.execute("INSERT INTO queue_run VALUES (?, ?, ?)", [id, run, place])
    sql = (
        "SELECT place, run, chunk, number, first_index, last_index, stratum, weight, gold FROM queue_item"
        " WHERE queue = ? ORDER BY place"
    )
    for place, run, *rest in other.query(sql, [id]):
        if run in own:
            tx.execute("INSERT INTO queue_item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [id, place, own[run], *rest])
    return left
