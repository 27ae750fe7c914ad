"""From `code` events to what the codes are now: a pure function of the log, run anew whenever codes are read.

There is no derived table: merging and splitting reach back over all that was said before, so any change would mean
deriving everything again; and folding 15,000 events takes a quarter of a second. Events of one origin apply in their
order; between origins (after a merge) what an event knew of comes first, otherwise by origin. Never by clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from labels.coding.said import CODE, fold_name
from labels.events import Event, standing


class NoteKey(NamedTuple):
    """Which note. run: the id that the run has now. label: "" for the note on the decision itself."""

    run: str
    reviewer: str
    chunk: str
    label: str


@dataclass(slots=True)
class Code:
    """A code as it is now. former: names it went by, and those of codes that were merged into it. notes: in the order
    in which they got it. promoted: (codebook id, version, mode). by: who has given it."""

    id: str
    name: str
    former: list[str] = field(default_factory=list)
    notes: list[NoteKey] = field(default_factory=list)
    promoted: list[tuple[str, str, str]] = field(default_factory=list)
    by: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Given:
    """One giving of a code to a note, in effect now. at: UTC, and order: where it stands in the log."""

    note: NoteKey
    code: str
    at: str
    order: int


@dataclass(slots=True)
class Codes:
    """codes: by id, those that were not merged away. into: id of one that was -> the id it counts for. given: what
    notes have, in the order of the log. history: every event in effect, as (event, operation)."""

    codes: dict[str, Code] = field(default_factory=dict)
    into: dict[str, str] = field(default_factory=dict)
    given: list[Given] = field(default_factory=list)
    history: list[tuple[Event, dict[str, Any]]] = field(default_factory=list)

    def find(self, name: str) -> Code | None:
        """The code of that name; else the one that was called so, or that a code of that name was merged into."""
        wanted = fold_name(name)
        every = self.codes.values()
        now = next((code for code in every if fold_name(code.name) == wanted), None)
        return now or next((code for code in every if wanted in map(fold_name, code.former)), None)


def fold(events: Iterable[Event], owner: Mapping[str, str]) -> Codes:
    """What the events say. owner: former run id -> the run's id now."""
    kept = _standing(events)
    state = _State(owner)
    found: list[tuple[Event, dict[str, Any]]] = []
    for order, (event, said) in enumerate(_in_order(kept)):
        state.apply(event, said, order)
        found.append((event, said))
    return state.result(found)


def _standing(events: Iterable[Event]) -> list[tuple[Event, dict[str, Any]]]:
    """The code events that are not undone, with their content."""
    return [(event, orjson.loads(event.payload)) for event in standing(events, CODE)]


def _in_order(kept: list[tuple[Event, dict[str, Any]]]) -> Iterable[tuple[Event, dict[str, Any]]]:
    """The operations, what one knew of before it, otherwise by (origin, sequence)."""
    queues: dict[str, list[tuple[Event, dict[str, Any]]]] = {}
    for item in sorted(kept, key=lambda item: (item[0].origin, item[0].seq)):
        queues.setdefault(item[0].origin, []).append(item)
    if len(queues) == 1:
        return [(event, content["said"]) for mine in queues.values() for event, content in mine]
    return _interleaved(queues)


def _interleaved(queues: dict[str, list[tuple[Event, dict[str, Any]]]]) -> Iterator[tuple[Event, dict[str, Any]]]:
    places = dict.fromkeys(queues, 0)

    def head(origin: str) -> int | None:
        place = places[origin]
        return queues[origin][place][0].seq if place < len(queues[origin]) else None

    def free(origin: str) -> bool:
        after = queues[origin][places[origin]][1]["after"]
        return not any(
            other != origin and other in queues and (first := head(other)) is not None and first <= seq
            for other, seq in after.items()
        )

    while waiting := [origin for origin in queues if head(origin) is not None]:
        # Only made-up events can wait for each other: then the first origin goes on.
        origin = next(filter(free, waiting), waiting[0])
        event, content = queues[origin][places[origin]]
        places[origin] += 1
        yield event, content["said"]


class _State:
    """The fold in progress. Notes keep the ids they were given, so that undoing a merge needs nothing but its absence;
    ids are followed to what they count for when the result is made."""

    def __init__(self, owner: Mapping[str, str]) -> None:
        self.owner = owner
        self.names: dict[str, list[str]] = {}
        self.into: dict[str, str] = {}
        self.notes: dict[NoteKey, dict[str, tuple[str, int, str]]] = {}
        self.promoted: dict[str, list[tuple[str, str, str]]] = {}

    def apply(self, event: Event, said: dict[str, Any], order: int) -> None:
        match said["op"]:
            case "assign":
                self._assign(event, said, order)
            case "unassign":
                for note in map(self._key, said["notes"]):
                    self._drop(note, said["code"])
            case "rename" if (code := self.root(said["code"])) in self.names:
                self.names[code].append(said["name"])
            case "merge":
                self._merge(said)
            case "split":
                self._split(said)
            case "promote":
                what = (said["codebook"]["id"], said["codebook"]["version"], said["mode"])
                self.promoted.setdefault(said["code"], []).append(what)

    def _assign(self, event: Event, said: dict[str, Any], order: int) -> None:
        self.names.setdefault(said["code"], [said["name"]])
        for note in map(self._key, said["notes"]):
            mine = self.notes.setdefault(note, {})
            if self.root(said["code"]) not in map(self.root, mine):
                mine[said["code"]] = (event.at, order, event.reviewer)

    def _merge(self, said: dict[str, Any]) -> None:
        into = self.root(said["into"])
        for code in map(self.root, said["codes"]):
            if code != into and code in self.names and into in self.names:
                self.into[code] = into

    def _split(self, said: dict[str, Any]) -> None:
        self.names.setdefault(said["into"], [said["name"]])
        for note in map(self._key, said["notes"]):
            if had := self._drop(note, said["code"]):
                self.notes.setdefault(note, {})[said["into"]] = had

    def _key(self, note: dict[str, str]) -> NoteKey:
        return NoteKey(self.owner.get(note["run"], note["run"]), note["reviewer"], note["chunk"], note["label"])

    def _drop(self, note: NoteKey, code: str) -> tuple[str, int, str] | None:
        """Take a code from a note; when and by whom it had got it, None if it has not."""
        mine = self.notes.get(note, {})
        gone = [key for key in mine if self.root(key) == self.root(code)]
        found = [mine.pop(key) for key in gone]
        return found[0] if found else None

    def root(self, code: str) -> str:
        """What a code counts for. (A merge into one's own part is never recorded, so this ends.)"""
        while code in self.into:
            code = self.into[code]
        return code

    def result(self, history: list[tuple[Event, dict[str, Any]]]) -> Codes:
        codes = {key: Code(key, names[-1]) for key, names in self.names.items() if key not in self.into}
        for key, names in self.names.items():
            code = codes[self.root(key)]
            code.former += [name for name in names if name != code.name and name not in code.former]
        for key, places in self.promoted.items():
            if (root := self.root(key)) in codes:
                codes[root].promoted += [place for place in places if place not in codes[root].promoted]
        given: list[Given] = []
        for note, mine in self.notes.items():
            seen: set[str] = set()
            for key, (at, order, who) in mine.items():
                if (root := self.root(key)) in seen:
                    continue
                seen.add(root)
                given.append(Given(note, root, at, order))
                if who not in codes[root].by:
                    codes[root].by.append(who)
        given.sort(key=lambda item: item.order)
        for item in given:
            codes[item.code].notes.append(item.note)
        return Codes(codes, {key: self.root(key) for key in self.into}, given, history)
