"""Codebooks: loading them, naming a mode, searching. The models are in codebook_model, the picker's scorer in
codebook_search, comparing two states in codebook_change; what callers need of them is importable from here."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from labels.codebook_change import CodebookChange, check, diff
from labels.codebook_load import read_codebook
from labels.codebook_model import (
    Category,
    Codebook,
    Crosswalk,
    CrosswalkEntry,
    Example,
    Mode,
    Severity,
    WhenNot,
    fold,
)
from labels.codebook_ref import CodebookRef
from labels.codebook_search import Index, Searchable
from sessions.errors import UsageError, UserError

__all__ = [
    "BUILT_IN",
    "Category",
    "Codebook",
    "CodebookChange",
    "CodebookRef",
    "Codebooks",
    "Crosswalk",
    "CrosswalkEntry",
    "Example",
    "Mode",
    "Severity",
    "WhenNot",
    "check",
    "diff",
    "load",
    "load_all",
]

#: The folder of the codebooks that come with the program.
BUILT_IN = Path(__file__).parent / "codebooks"


@dataclass(frozen=True)
class Codebooks:
    """The codebooks in use, in order: the built-in ones, then the user's.

    paths: codebook id -> the file it came from. problems: files of the user's folder that could not be loaded.
    """

    items: tuple[Codebook, ...]
    paths: Mapping[str, Path] = field(default_factory=dict)
    problems: tuple[UserError, ...] = ()

    def __iter__(self) -> Iterator[Codebook]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def get(self, id: str) -> Codebook:
        """The codebook of that id. Raises UsageError."""
        found = next((book for book in self.items if book.id == id), None)
        if found is None:
            raise UsageError(f"there is no codebook {_quoted(id)}.", self._loaded())
        return found

    def resolve(self, text: str) -> tuple[Codebook, Mode]:
        """The mode that is meant by a slug, `code@codebook`, `slug@codebook`, a code, a name or an alias.

        A slug wins over a code, a code over a name or alias. Raises UsageError where none or several fit.
        """
        wanted = text.strip()
        books = self.items
        name, at, book_id = wanted.rpartition("@")
        if at and not self._named(wanted):
            books, wanted = (self.get(book_id.strip()),), name.strip()
        found = self._named(wanted, books)
        if not found:
            raise UsageError(f"there is no failure mode {_quoted(text)}.", self._closest(wanted, books))
        if len(found) > 1:
            choices = ", ".join(f"{mode.slug}@{book.id}" for book, mode in found[:6])
            raise UsageError(f"{_quoted(text)} names {len(found)} failure modes.", f"Say which: {choices}.")
        return found[0]

    def _named(self, text: str, books: tuple[Codebook, ...] | None = None) -> list[tuple[Codebook, Mode]]:
        """All modes that the text names, on the strongest level on which there is any."""
        ids = {book.id for book in (self.items if books is None else books)}
        for names in self._names:
            found = [pair for pair in names.get(fold(text), ()) if pair[0].id in ids]
            if found:
                return found
        return []

    @cached_property
    def _names(self) -> tuple[dict[str, list[tuple[Codebook, Mode]]], ...]:
        slugs: dict[str, list[tuple[Codebook, Mode]]] = {}
        codes: dict[str, list[tuple[Codebook, Mode]]] = {}
        others: dict[str, list[tuple[Codebook, Mode]]] = {}
        for book in self.items:
            for mode in book.modes:
                slugs.setdefault(mode.slug, []).append((book, mode))
                codes.setdefault(fold(mode.code), []).append((book, mode))
                for other in {fold(text) for text in (mode.name, *mode.aliases)}:
                    others.setdefault(other, []).append((book, mode))
        codes.pop("", None)
        return slugs, codes, others

    def _closest(self, text: str, books: tuple[Codebook, ...]) -> str:
        names: dict[str, str] = {}
        for book in books:
            for mode in book.modes:
                shown = f"{mode.slug} ({mode.code})" if mode.code else mode.slug
                names.update((fold(name), shown) for name in (mode.slug, mode.code, mode.name, *mode.aliases) if name)
        near = difflib.get_close_matches(fold(text)[:100], list(names), 6, 0.5)
        closest = list(dict.fromkeys(names[name] for name in near))[:3]
        hint = f"Closest: {', '.join(closest)}." if closest else "`review-tui codebook show` lists them."
        return f"{hint} Not loaded: {self.problems[0].message}" if self.problems else hint

    def _loaded(self) -> str:
        hint = f"Loaded: {', '.join(book.id for book in self.items) or 'none'}."
        return f"{hint} Not loaded: {self.problems[0].message}" if self.problems else hint

    def search(self, query: str) -> list[tuple[Codebook, Mode]]:
        """Modes for a picker, best first; for an empty query all of them in codebook order."""
        modes, index = self._index
        return [modes[place] for place in index.search(query)]

    @cached_property
    def _index(self) -> tuple[list[tuple[Codebook, Mode]], Index]:
        modes = [(book, mode) for book in self.items for mode in book.modes]
        return modes, Index([_searchable(book, mode) for book, mode in modes])

    def only(self, *ids: str) -> Codebooks:
        """The same, restricted to some codebooks (a queue's, say)."""
        return Codebooks(tuple(map(self.get, dict.fromkeys(ids))), self.paths, self.problems)


def load(path: Path) -> Codebook:
    """The codebook in a TOML file. Raises UserError: one line with file, place, what is wrong."""
    return read_codebook(Path(path))


def load_all(
    extra_paths: Iterable[Path] = (), *, folder: Path | None = None, before: Codebooks | None = None
) -> Codebooks:
    """The built-in codebooks, the user's folder of codebooks, then files (or folders) that the user named.

    A named file that cannot be loaded raises UserError. One in the user's folder must not stop the station:
    it is left out and stands in `problems`. The folder need not exist. before: what a program that goes on running has
    loaded earlier: with it, a named file that cannot be loaded stands in `problems` too, and counts as it was then.
    """
    books: dict[str, Codebook] = {}
    paths: dict[str, Path] = {}
    problems: list[UserError] = []
    for path in sorted(BUILT_IN.glob("*.toml")):
        _add(books, paths, path)
    for path in sorted(folder.glob("*.toml")) if folder and folder.is_dir() else ():
        try:
            _add(books, paths, path)
        except UserError as error:
            problems.append(error)
    for path in map(Path, extra_paths):
        for file in sorted(path.glob("*.toml")) if path.is_dir() else (path,):
            try:
                _add(books, paths, file)
            except UserError as error:
                if before is None:
                    raise
                kept = _keep(books, paths, file, before)
                problems.append(UserError(error.message, "It stays as it was before." if kept else "It is left out."))
    return Codebooks(tuple(books.values()), paths, tuple(problems))


def _add(books: dict[str, Codebook], paths: dict[str, Path], path: Path) -> None:
    book = load(path)
    known = books.setdefault(book.id, book)
    if known.hash != book.hash:
        raise UserError(
            f"{path}: another codebook has the id {book.id!r} ({paths[book.id]}).",
            "Give it an id of its own, or leave one of the two out.",
        )
    paths.setdefault(book.id, path)


def _keep(books: dict[str, Codebook], paths: dict[str, Path], path: Path, before: Codebooks) -> bool:
    """Take the codebook of a file as it was loaded before; False if it was not."""
    book = next((book for book in before if before.paths.get(book.id) == path and book.id not in books), None)
    if book is not None:
        books[book.id], paths[book.id] = book, path
    return book is not None


def _searchable(book: Codebook, mode: Mode) -> Searchable:
    category = book.category(mode.category)
    coded = [text for text in mode.aliases if any(char.isdigit() for char in text) and " " not in text]
    return Searchable(
        codes=(mode.code, *coded),
        name=mode.name,
        slug=mode.slug,
        aliases=mode.aliases,
        category=category.name if category else "",
        definition=mode.definition,
        when=" ".join(mode.when),
    )


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")
