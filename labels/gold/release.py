"""Making a release: an immutable folder with the runs, what everybody said of them, and what is settled.

It is a function of the events, the runs and the options alone: no clock, no path and no order of rows in this database
goes into it, so that it comes out byte by byte the same on another machine and after any order of merges. Runs are
taken a few at a time, in the order of their content ids.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labels import adjudication
from labels.codebook import Codebooks
from labels.gold import card, manifest, workers
from labels.gold.books import Books, books_of
from labels.gold.folder import File, Folder, check_free, new_folder
from labels.gold.hiding import Review
from labels.gold.piece import DATA, Maker, Options, Piece
from labels.gold.said import voted_runs
from labels.gold.tables import Tables
from sessions.errors import UserError
from sessions.store import Row as StoreRow
from sessions.store import Store

#: Runs of a piece: few enough for the memory, many enough for the way between processes.
BATCH = 20


@dataclass
class Made:
    """What was made. content: of manifest.json."""

    path: Path
    content: dict[str, Any]


def release(store: Store, target: Path, options: Options, review: Review, loaded: Codebooks | None = None) -> Made:
    """Write a release. Raises UserError: target in use, nothing settled, hits that nobody looked at, disk full."""
    options.check()
    check_free(target)
    adjudication.bring_up_to_date(store)
    with _no_collecting(), new_folder(target, read_only=True) as folder:
        making = _Making(store, folder, options, review, books_of(store, loaded))
        making.runs()
        making.check()
        content = making.finish()
    return Made(target, content)


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Rows of a run are made and dropped by the thousand and hold no cycles: looking for some takes a fifth of
    the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Making:
    """A release in the making."""

    def __init__(self, store: Store, folder: Folder, options: Options, review: Review, books: Books) -> None:
        self.store, self.folder, self.options, self.review, self.books = store, folder, options, review, books
        self.files: dict[str, File] = {name: folder.file(name) for name in DATA}
        self.left_out: Counter[str] = Counter()
        self.tables = Tables(books)
        self.heads = _heads(store)
        self._seen: set[str] = set()

    def runs(self) -> None:
        maker = Maker(self.store, self.options, self.review, self.books)
        runs = voted_runs(self.store, self.left_out)
        batches = [runs[start : start + BATCH] for start in range(0, len(runs), BATCH)]
        for batch, piece in zip(batches, workers.pieces(maker, self.review, batches), strict=True):
            if not self._seen.isdisjoint(piece.ids):
                piece = maker.make(batch, self._seen)
            self._take(piece)

    def _take(self, piece: Piece) -> None:
        self._seen.update(piece.ids)
        for name, data in piece.data.items():
            for block in data:
                self.files[name].write(block)
            self.files[name].rows += piece.rows[name]
        self.tables.merge(piece.tables)
        self.left_out.update(piece.left_out)
        self.books.note(piece.states)
        self.review.hidden.update(piece.hidden)
        self.review.kept.update(piece.kept)
        self.review.unreviewed.update(piece.unreviewed)

    def check(self) -> None:
        """Raises UserError where there is nothing to release, or something that nobody has looked at."""
        if not self.tables.votes:
            raise UserError("there is no vote to release.", "Decide on some runs first: `review-tui gold status`.")
        if not self.tables.settled:
            raise UserError(
                f"no label is settled by this rule ({self.options.rule.name}, at least"
                f" {self.options.rule.min_votes} votes).",
                "`review-tui gold status` says what is missing.",
            )
        if hits := self.review.unreviewed:
            raise UserError(
                f"{sum(hits.values()):,} passages ({len(hits):,} different) look like secrets or personal data, and"
                " nobody has looked at them.",
                "`review-tui gold redactions --write FILE` lists them; then --reviewed FILE, or --accept-redactions"
                " to hide all.",
            )
        if _heads(self.store) != self.heads:
            raise UserError("votes were recorded while the release was made.", "Make it again.")

    def finish(self) -> dict[str, Any]:
        for book in self.books.used():
            name = f"codebooks/{book.id}-{book.hash[:12]}.json"
            self.folder.text(name, book.canonical_json().decode() + "\n")
        content = manifest.content(
            self.heads, self.options, self.review, self.folder, self.tables, self.books, self.left_out
        )
        self.folder.text("README.md", card.text(content, self.tables, self.books))
        content["files"]["README.md"] = self.folder.files["README.md"].as_json()
        self.folder.text("manifest.json", manifest.dump(content))
        return content


def _heads(store: Store) -> list[StoreRow]:
    return store.query("SELECT origin, seq, hash FROM chain ORDER BY origin")
