"""Making a release: an immutable folder with the runs, what everybody said of them, and what is settled.

It is a function of the events, the runs and the options alone: no clock, no path and no order of rows in this database
goes into it, so that it comes out byte by byte the same on another machine and after any order of merges. Runs are
taken a few at a time, in the order of their content ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labels import adjudication, events
from labels.codebook import Codebooks
from labels.collecting import no_collecting
from labels.gold import card, manifest, workers
from labels.gold.folder import File, Folder, check_free, new_folder
from labels.gold.hiding import Review
from labels.gold.piece import DATA, QUEUE, Maker, Options, Piece
from labels.gold.said import voted_runs
from labels.gold.tables import Tables
from sessions.errors import UserError
from sessions.store import Row, Store

#: Runs of a piece: few enough for the memory, many enough for the way between processes.
BATCH = 20


@dataclass
class Made:
    """What was made. content: of manifest.json. notes: for people, on codebooks that changed."""

    path: Path
    content: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def release(store: Store, target: Path, options: Options, review: Review, loaded: Codebooks | None = None) -> Made:
    """Write a release of what the database holds now: what people decide meanwhile is not in it.

    Raises UserError: target in use, nothing settled, hits that nobody looked at, disk full.
    """
    options.check()
    check_free(target)
    with (
        no_collecting(),
        new_folder(target, read_only=True) as folder,
        workers.crew(store) as crew,
        _moment(store) as heads,
    ):
        making = _Making(store, folder, options, review, loaded, heads)
        making.runs(crew)
        making.check()
        content = making.finish()
    return Made(target, content, making.books.notes())


@contextmanager
def _moment(store: Store) -> Iterator[list[Row]]:
    """The database as it is at one moment, with every adjudication derived; the heads of its logs then."""
    while True:
        adjudication.bring_up_to_date(store)
        with store.snapshot():
            heads = events.heads(store)
            if store.read_only or not store.query(_NOT_DERIVED):
                yield heads
                return


#: Whether the log has adjudications, or undos of what may be one, that were not derived yet.
_NOT_DERIVED = (
    "SELECT 1 FROM chain c LEFT JOIN adjudication_head h ON h.origin = c.origin JOIN event e ON e.origin = c.origin"
    " AND e.seq > coalesce(h.seq, 0) WHERE e.kind IN ('adjudicate', 'undo', 'redo') LIMIT 1"
)


class _Making:
    """A release in the making."""

    def __init__(
        self,
        store: Store,
        folder: Folder,
        options: Options,
        review: Review,
        loaded: Codebooks | None,
        heads: list[Row],
    ) -> None:
        self.store, self.folder, self.options, self.review, self.heads = store, folder, options, review, heads
        self.maker = Maker(store, options, review, loaded)
        self.books = self.maker.books
        names = (*DATA, QUEUE) if options.queue else DATA
        self.files: dict[str, File] = {name: folder.file(name) for name in names}
        self.left_out: Counter[str] = Counter()
        self.tables = Tables(self.books)
        self._seen: set[str] = set()

    def runs(self, crew: Sequence[workers.Worker]) -> None:
        runs = voted_runs(self.store, self.left_out, self.maker.queued)
        batches = [runs[start : start + BATCH] for start in range(0, len(runs), BATCH)]
        pieces = workers.pieces(self.maker, self.review, batches, self.heads, crew)
        for batch, piece in zip(batches, pieces, strict=True):
            if not self._seen.isdisjoint(piece.ids):
                piece = self.maker.make(batch, self._seen)
            self._take(piece)

    def _take(self, piece: Piece) -> None:
        self._seen.update(piece.ids)
        for name, data in piece.data.items():
            if name not in self.files:
                continue
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
            where = " in this queue" if self.options.queue else ""
            raise UserError(
                f"there is no vote{where} to release.", "Decide on some runs first: `review-tui gold status`."
            )
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

    def finish(self) -> dict[str, Any]:
        for book in self.books.used():
            name = f"codebooks/{book.id}-{book.hash[:12]}.json"
            self.folder.text(name, book.canonical_json().decode() + "\n")
        content = manifest.content(
            self.heads, self.options, self.review, self.folder, self.tables, self.books, self.left_out,
            self.maker.queued,
        )  # fmt: skip
        self.folder.text("README.md", card.text(content, self.tables, self.books))
        content["files"]["README.md"] = self.folder.files["README.md"].as_json()
        self.folder.text("manifest.json", manifest.dump(content))
        return content
