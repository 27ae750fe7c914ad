"""Searching every byte of a run, or of all runs: the word index answers at once, a scan finds the rest.

A hit is a step; where in the step is found when it is shown (`places`). Matching ignores case. The word index knows
whole words and their beginnings, so what it finds comes first; the scan then goes through all texts, names and ids (a
piece of a word, punctuation, a call id) and at last through the source's raw records, in the archive or in the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sessions import bodies, catalog
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.jsontext import dumps, is_whole
from sessions.keys import base_key, index_of, key_range, run_of
from sessions.store import Store

_WORD = re.compile(r"\w+")
_BATCH = 500
#: SQLite takes no LIKE pattern over 50,000 bytes; this much of a query picks the candidates well enough.
_LIKE_CHARS = 1000
#: Longest context shown around a hit, in characters to each side.
CONTEXT = 60


@dataclass(frozen=True, slots=True)
class Hit:
    """A step that holds the query. run: `run.no`. where: `text` (in a part), `name` (actor, tool, id) or `raw`."""

    run: int
    index: int
    where: str


@dataclass(frozen=True, slots=True)
class Place:
    """A match inside a step. start, end: code points in the part's text, end exclusive."""

    part: int
    start: int
    end: int


def pattern(query: str) -> re.Pattern[str]:
    """The query as a case-insensitive literal."""
    return re.compile(re.escape(query), re.IGNORECASE)


def places(step_parts: list[str], query: str, limit: int = 1000) -> list[Place]:
    """All matches in a step's part texts, at most `limit`."""
    if not query:
        return []
    found: list[Place] = []
    wanted = pattern(query)
    for number, text in enumerate(step_parts):
        for match in wanted.finditer(text):
            found.append(Place(number, match.start(), match.end()))
            if len(found) >= limit:
                return found
    return found


def context(text: str, start: int, end: int) -> tuple[str, str, str]:
    """(before, match, after) on one line, for a list of hits."""
    before = " ".join(text[max(0, start - CONTEXT) : start].split("\n")[-1:])
    after = text[end : end + CONTEXT].split("\n")[0]
    return before, text[start:end], after


def search(store: Store, query: str, run: RunInfo | None = None, *, raw: bool = True) -> Iterator[list[Hit]]:
    """Steps that hold the query, in batches as they are found, each step once. May yield empty batches (progress).

    run: only this run; None for all. raw: also look at the source's raw records, last and slowest.
    """
    if not query.strip() or not is_whole(query):  # half an emoji is in no stored text
        return
    seen: set[int] = set()
    low, high = key_range(run.no) if run else (0, (1 << 63) - 1)
    for batch in _indexed(store, query, low, high):
        yield _new(batch, seen, "text")
    for where, batch in _scan(store, query, low, high):
        yield _new(batch, seen, where)
    if raw:
        for batch in _scan_raw(store, query, low, high):
            yield _new(batch, seen, "raw")


def fold(text: str) -> str:
    """The text without its case. Letter by letter (`lower` alone writes the last sigma of a word in another way), so
    that what is in a text is also in it when both are folded."""
    return text.lower().replace("ς", "σ")


def _new(keys: list[int], seen: set[int], where: str) -> list[Hit]:
    fresh = [k for k in keys if k not in seen]
    seen.update(fresh)
    return [Hit(run_of(k), index_of(k), where) for k in fresh]


def _indexed(store: Store, query: str, low: int, high: int) -> Iterator[list[int]]:
    """Candidates of the word index whose text really holds the query (it knows words, not what is between them)."""
    words = _WORD.findall(query)
    if not words:
        return
    phrase = '"' + " ".join(words) + '"*'
    sql = (
        "SELECT b.k, b.codec, b.text FROM words JOIN body b ON b.k = words.rowid"
        " WHERE words MATCH ? AND words.rowid BETWEEN ? AND ? ORDER BY words.rowid LIMIT 200"
    )
    wanted = fold(query)
    rows = store.query(sql, [phrase, low, high])
    yield [k for k, codec, text in rows if wanted in fold(bodies.text_of(codec, text))]


def _scan(store: Store, query: str, low: int, high: int) -> Iterator[tuple[str, list[int]]]:
    """Every text, and every actor, name and id. Plain texts are compared in SQL, compressed ones here."""
    yield "text", _plain_matches(store, query, low, high)
    wanted = fold(query)
    in_json = fold(dumps(query)[1:-1])
    texts: list[int] = []
    names: list[int] = []
    rows = store.each(
        "SELECT b.k, b.codec, CASE b.codec WHEN 0 THEN '' ELSE b.text END, b.parts, s.actor FROM body b"
        " JOIN step s ON s.k = b.k WHERE b.k BETWEEN ? AND ? ORDER BY b.k",
        [low, high],
    )
    for number, (k, codec, text, parts, actor) in enumerate(rows, 1):
        if codec and wanted in fold(bodies.text_of(codec, text)):
            texts.append(k)
        elif wanted in fold(actor) or (in_json in fold(parts.decode()) and _in_names(store, k, wanted)):
            names.append(k)
        if number % _BATCH == 0:
            yield "text", texts
            yield "name", names
            texts, names = [], []
    yield "text", texts
    yield "name", names


def _plain_matches(store: Store, query: str, low: int, high: int) -> list[int]:
    if "\0" in query:  # texts with a NUL are never kept plain (see `sessions.ingest`)
        return []
    like, exact = _like(query)
    sql = "SELECT k FROM body WHERE k BETWEEN ? AND ? AND codec = 0 AND text LIKE ? ESCAPE '\\'"
    if exact:
        return [row[0] for row in store.query(sql, [low, high, like])]
    wanted = fold(query)
    rows = store.each(sql.replace("SELECT k", "SELECT k, text"), [low, high, like])
    return [k for k, text in rows if wanted in fold(bodies.text_of(bodies.PLAIN, text))]


def _like(query: str) -> tuple[str, bool]:
    """A LIKE pattern that every text with the query matches, and whether no other does. LIKE folds the case of ASCII
    only, so any other letter that has a case is left open."""
    letters = []
    exact = len(query) <= _LIKE_CHARS
    for letter in query[:_LIKE_CHARS]:
        if not letter.isascii() and not letter == letter.lower() == letter.upper():
            letters.append("_")
            exact = False
        else:
            letters.append(f"\\{letter}" if letter in "\\%_" else letter)
    return f"%{''.join(letters)}%", exact


def _in_names(store: Store, k: int, wanted: str) -> bool:
    """Whether a name or id of the step holds the query (its JSON does, but that may be only its spelling)."""
    step = catalog.step(store, run_of(k), index_of(k)).step
    values = [step.native_id, step.model, step.branch, step.parent_call, step.at]
    for part in step.parts:
        values += [part.name, part.call_id]
    return any(wanted in fold(str(value)) for value in values if value)


def _scan_raw(store: Store, query: str, low: int, high: int) -> Iterator[list[int]]:
    holds = _in_raw(query)
    found: list[int] = []
    for number, (k, data) in enumerate(
        store.each("SELECT k, data FROM raw WHERE k BETWEEN ? AND ? ORDER BY k", [low, high]), 1
    ):
        if holds(bodies.unpack_records(data)):
            found.append(k)
        if number % _BATCH == 0:
            yield found
            found = []
    yield found
    for run in catalog.runs(store):
        if run.archived < run.steps and low <= key_range(run.no)[0] <= high:
            yield from _scan_file(store, run, holds)


def _in_raw(query: str) -> Callable[[list[bytes]], bool]:
    """Whether one of the records holds the query, as it is or as JSON spells it."""
    spellings = {fold(query), fold(dumps(query)[1:-1]), json.dumps(query)[1:-1].lower()}

    def holds(records: list[bytes]) -> bool:
        text = fold(b"\n".join(records).decode("utf-8", "replace"))
        return any(spelling in text for spelling in spellings)

    return holds


def _scan_file(store: Store, run: RunInfo, holds: Callable[[list[bytes]], bool]) -> Iterator[list[int]]:
    """The records of a run's file that are not in the archive yet; none if the file has changed or gone."""
    base = base_key(run.no)
    for first in range(run.archived, run.steps, _BATCH):
        found: list[int] = []
        try:
            for stored in catalog.steps(store, run.no, first, first + _BATCH - 1):
                spans = stored.step.raw
                if spans and holds(catalog.read_spans(store, run, spans)):
                    found.append(base + stored.index)
        except UserError:
            return
        yield found
