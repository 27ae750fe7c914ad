"""Which state of each codebook counts, and which votes made with another state of it can be counted beside.

A codebook may change while people are labelling. Gold is settled by one state of each: the one that most votes were
made with (of equals the higher version, then the higher hash: nothing that differs from one machine to another). A
vote made with another state counts for the modes that mean the same in both, and for no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from labels.codebook import Codebook, Codebooks, diff
from labels.gold.queued import Queued
from sessions import catalog
from sessions.store import Store

#: (codebook id, hash of its content)
State = tuple[str, str]


class Books:
    """The codebooks of a gold set, by id."""

    def __init__(self, states: Mapping[State, Codebook], main: Mapping[str, str]) -> None:
        """states: all that are known. main: id -> hash of the state that counts."""
        self.main: dict[str, Codebook] = {book: states[book, sha256] for book, sha256 in sorted(main.items())}
        self.states = states
        self.slugs = {name: tuple(mode.slug for mode in book.modes) for name, book in self.main.items()}
        self._comparable: dict[State, frozenset[str]] = {}
        self._noted: set[State] = set()

    def used(self) -> list[Codebook]:
        """Those that count, and the other states that votes were made with, as far as they are known."""
        return [*self.main.values(), *(self.states[key] for key in sorted(self.others() | self._noted))]

    def others(self) -> set[State]:
        """The states beside those that count that came up here, as far as they are known."""
        return {key for key in self._comparable if key in self.states}

    def notes(self) -> list[str]:
        """Of each codebook that changed while it was used which state counts, for people."""
        found = []
        for name, book in self.main.items():
            others = {sha256 for owner, sha256 in self._comparable.keys() | self._noted if owner == name}
            if others:
                found.append(
                    f"the codebook {name} changed while it was used: its state {book.version} ({book.hash[:8]}), with"
                    f" which most votes were made, counts; votes by {len(others)} other"
                    f" state{'s' if len(others) > 1 else ''} count for the modes that mean the same in both."
                )
        return found

    def note(self, states: Iterable[State]) -> None:
        """States that came up elsewhere."""
        self._noted.update(states)

    def comparable(self, id: str, sha256: str) -> frozenset[str] | None:
        """The modes for which a vote made with this state counts; None for all of them."""
        book = self.main.get(id)
        if book is None:
            return frozenset()
        if book.hash == sha256:
            return None
        key = (id, sha256)
        if key not in self._comparable:
            old = self.states.get(key)
            shared = {mode.slug for mode in old.modes} & set(self.slugs[id]) if old else set()
            self._comparable[key] = frozenset(shared - diff(old, book).affected) if old else frozenset()
        return self._comparable[key]


def books_of(store: Store, loaded: Codebooks | None = None, queued: Queued | None = None) -> Books:
    """The states that votes in this database were made with. loaded: codebooks at hand, for states that were not kept;
    a state is known by its hash, so it does not matter where its content comes from. queued: only votes on what is in
    that queue count."""
    states: dict[State, Codebook] = {(book.id, book.hash): book for book in loaded or ()}
    for book, sha256, data in store.query("SELECT id, hash, data FROM codebook ORDER BY id, hash"):
        if (book, sha256) not in states:
            states[book, sha256] = Codebook.from_json(data)
    if queued is not None:
        return Books(states, main_of(states, _used_in(store, queued)))
    used = _used(store, {str(row[0]) for row in store.query("SELECT DISTINCT id FROM codebook")})
    return Books(states, main_of(states, used))


def main_of(states: Mapping[State, Codebook], used: Mapping[State, int]) -> dict[str, str]:
    """id -> hash of the state that counts, of those that are known. used: how many votes were made with each."""
    best: dict[str, tuple[int, str, str]] = {}
    for (book, sha256), votes in used.items():
        if (book, sha256) in states:
            best[book] = max(best.get(book, (0, "", "")), (votes, states[book, sha256].version, sha256))
    return {book: sha256 for book, (_, _, sha256) in best.items()}


def _used(store: Store, kept: Iterable[str]) -> Counter[State]:
    """How many decisions were made with each state. Where there is only one state of each codebook that was ever
    kept or labelled with, nothing has to be counted."""
    rows = store.query("SELECT id, hash FROM codebook UNION SELECT DISTINCT codebook, codebook_hash FROM label")
    states = [(str(book), str(sha256)) for book, sha256 in rows]
    ids = {book for book, _ in states}
    if len(ids) == len(states) and ids == set(kept):
        return Counter(states)
    used: Counter[State] = Counter()
    for (data,) in store.each("SELECT data FROM decision"):
        used.update(_states(orjson.loads(data)))
    return used


def _used_in(store: Store, queued: Queued) -> Counter[State]:
    """How many decisions on what is in a queue were made with each state."""
    used: Counter[State] = Counter()
    for run in queued.runs:
        ids = catalog.ids_of(store, run)
        sql = f"SELECT chunk, data FROM decision WHERE run IN ({', '.join('?' * len(ids))})"
        for chunk, data in store.query(sql, ids):
            if chunk in queued.of(run):
                used.update(_states(orjson.loads(data)))
    return used


def _states(said: Mapping[str, Any]) -> set[State]:
    """What a decision was made with."""
    refs = [*said["none"], *(label["codebook"] for label in said["labels"])]
    return {(ref["id"], ref["sha256"]) for ref in refs}
