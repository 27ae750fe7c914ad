"""Which modes a decision judged, given that codebooks change while they are used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labels.codebook import Codebook, Codebooks, diff
from labels.maintenance import kept_codebook
from sessions.store import Store


class Wording:
    """One state of each codebook counts, and what was said by another state counts for the modes that mean the same in
    both. names: of modes, as people read them. notes: what a reader should know of it."""

    def __init__(self, store: Store, codebooks: Codebooks) -> None:
        self.store = store
        self.loaded = {book.id: book for book in codebooks}
        self.notes: list[str] = []
        self.names: dict[tuple[str, str], str] = {}
        self._labelled: list[tuple[str, str]] = []
        self._books: dict[str, Codebook | None] = {}

    def modes(self, specs: Sequence[Any], labelled: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """All modes of the codebooks that were judged by, in their order. Where a codebook's text is not to be had,
        those that were labelled."""
        self._labelled = labelled
        hashes: dict[str, list[str]] = {}
        for spec in specs:
            for name, sha256, _ in spec:
                hashes.setdefault(name, []).append(sha256)
        found: list[tuple[str, str]] = []
        for name, states in sorted(hashes.items()):
            book = self.loaded.get(name) or next(
                (book for sha256 in reversed(states) if (book := kept_codebook(self.store, name, sha256))), None
            )
            self._books[name] = book
            if book is None:
                found += sorted({mode for mode in labelled if mode[0] == name})
                self.notes.append(f"the codebook {name} is not here: modes of it that nobody used are not listed.")
                continue
            found += [(name, mode.slug) for mode in book.modes]
            self.names |= {(name, mode.slug): mode.label for mode in book.modes}
            if others := sorted(set(states) - {book.hash}):
                self.notes.append(self._note(book, others))
        return found

    def _note(self, book: Codebook, others: list[str]) -> str:
        changed = {
            slug
            for sha256 in others
            for slug in {mode.slug for mode in book.modes} - (self._same(book, sha256) or set())
        }
        what = ", ".join(sorted(changed)[:8]) or "none of them in what it means"
        return (
            f"the codebook {book.id} changed while it was used ({len(others) + 1} states). Judgements by another"
            f" state count for the modes that stayed as they were; changed or new: {what}."
        )

    def _same(self, book: Codebook, sha256: str) -> set[str] | None:
        """The modes of `book` that meant the same in the state of that hash; None if that state is not to be had."""
        old = kept_codebook(self.store, book.id, sha256)
        if old is None:
            return None
        change = diff(old, book)
        return {mode.slug for mode in book.modes} - {*change.added} - {*change.affected}

    def judged(self, spec: Any) -> set[tuple[str, str]]:
        """The modes that a decision of this kind judges."""
        found: set[tuple[str, str]] = set()
        for name, sha256, only in spec:
            book = self._books.get(name)
            if book is None:
                labelled = {slug for owner, slug in self._labelled if owner == name}
                found |= {(name, slug) for slug in (labelled if only is None else only)}
                continue
            slugs = {mode.slug for mode in book.modes}
            if sha256 != book.hash:
                same = self._same(book, sha256)
                slugs = slugs if same is None else same  # not kept: nobody can tell, so it is taken at its word
            found |= {(name, slug) for slug in slugs if only is None or slug in only}
        return found
