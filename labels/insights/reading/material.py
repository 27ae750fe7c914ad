"""Everything that the figures of a scope are computed from, gathered once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labels.codebook import Codebook, Codebooks
from labels.insights.figures import FAILURE, SUCCESS, UNKNOWN
from labels.insights.reading import packed as at
from labels.insights.reading.cache import Kept, load
from labels.insights.reading.counted import Columns, columns, distinct, verdict_outcomes
from labels.insights.reading.rulings import ruled
from labels.insights.reading.runs import RunRow, chosen, run_rows, with_outcome
from labels.insights.reading.settled import Values, values
from labels.insights.scope import Scope
from labels.maintenance import kept_codebook
from sessions.store import Store

if TYPE_CHECKING:
    from labels.insights.intervals import Array

#: A codebook that says how a run ended, not what went wrong in it: its votes are outcomes.
OUTCOME_BOOK = "outcome"


@dataclass(slots=True)
class Material:
    """rows: of the runs with votes, in the order of the rows of `values.run`. failed: of each, 1 if it failed, 0 if it
    succeeded, -1 unknown. runs: all that the filters leave, voted on or not. all_runs: in the database. books: id ->
    codebook."""

    store: Store
    scope: Scope
    columns: Columns
    values: Values
    rows: list[RunRow]
    failed: Array
    steps: Array
    runs: dict[str, RunRow]
    all_runs: int
    books: dict[str, Codebook | None]
    left_out: Counter[str]

    def modes_of(self, book: str) -> list[int]:
        return [place for place, (owner, _) in enumerate(self.values.modes) if owner == book]


def gather(
    store: Store,
    codebooks: Codebooks,
    scope: Scope,
    kept: Kept | None = None,
) -> Material:
    """kept: segments that were loaded already."""
    import numpy as np

    kept = kept or load(store)
    every = run_rows(store)
    candidates = chosen(every.values(), scope)
    if "outcome" in scope.where:
        # A verdict on the whole run may say its outcome, so votes come first and are then taken of the runs that stay.
        _outcomes(columns(store, kept, candidates, scope), candidates)
        candidates = {run: row for run, row in candidates.items() if with_outcome(row, scope)}
    found = columns(store, kept, candidates, scope)
    _outcomes(found, candidates)
    rows = [candidates[run] for run in found.runs]
    steps = np.array([row.steps for row in rows], dtype=np.int64)
    result = values(store, codebooks, found, steps, scope.rule, ruled(store, found, scope))
    code = {FAILURE: 1, SUCCESS: 0, UNKNOWN: -1}
    loaded = {book.id: book for book in codebooks}
    names = dict.fromkeys(book for book, _ in result.modes)
    books = {name: loaded.get(name) or _kept_book(store, name) for name in names}
    return Material(
        store, scope, found, result, rows, np.array([code[row.outcome] for row in rows], dtype=np.int8), steps,
        candidates, len(every), books, found.left_out,
    )  # fmt: skip


def _outcomes(found: Columns, rows: dict[str, RunRow]) -> None:
    """Fill in outcomes that only verdicts on the whole run tell."""
    for run, good in verdict_outcomes(found).items():
        row = rows[run]
        if row.outcome == UNKNOWN:
            row.outcome, row.by_verdict = SUCCESS if good else FAILURE, True


def _kept_book(store: Store, name: str) -> Codebook | None:
    """The state of a codebook that was kept last, for one that is not loaded (those of corpora)."""
    row = store.one("SELECT hash FROM codebook WHERE id = ? ORDER BY added_at DESC, hash", [name])
    return kept_codebook(store, name, row[0]) if row else None


def reviewers(found: Columns) -> tuple[str, ...]:
    """Whose votes count, by name."""
    numbers = distinct(found.votes[:, at.REVIEWER], len(found.strings)).tolist()
    return tuple(sorted(found.reviewer(number) for number in numbers))
