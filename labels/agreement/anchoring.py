"""Anchoring: how far labels move towards a suggestion once it is shown, per reviewer and mode.

On the chunks that a queue lets people decide blind, each reviewer says what they see before the suggestion appears, and
may change it after. That gives, for every suggestion that was shown later, whether its mode was labelled before and
after. Chunks on which the suggestion stood there from the start give the rate of labelling it at sight.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson

from labels import fold
from labels.agreement.votes import Options
from labels.events import DECIDE, Event
from labels.model import Decision
from sessions.store import Store

_COLUMNS = "origin, seq, kind, reviewer, os_user, at, run, content_id, chunk, payload, prev, hash"


@dataclass(slots=True)
class Moved:
    """blind: suggestions that appeared after a blind verdict. before, after: of those, how many had their mode labelled
    before and after they appeared. taken_up, dropped: labels of the mode that were added or removed then. shown:
    suggestions that stood there from the start; labelled: of those, how many had their mode labelled."""

    reviewer: str
    codebook: str
    mode: str
    blind: int = 0
    before: int = 0
    after: int = 0
    taken_up: int = 0
    dropped: int = 0
    shown: int = 0
    labelled: int = 0

    @property
    def shift(self) -> float | None:
        """By how much the share of labelled modes grew when suggestions appeared: within the same chunks."""
        return (self.after - self.before) / self.blind if self.blind else None

    @property
    def pull(self) -> float | None:
        """The share labelled at sight less the share labelled blind: between chunks."""
        return self.labelled / self.shown - self.before / self.blind if self.shown and self.blind else None


def moved(store: Store, options: Options) -> list[Moved]:
    """All reviewers and modes for which a suggestion was ever shown."""
    suggested = {row[0]: (row[1], row[2]) for row in store.query("SELECT id, codebook, mode FROM suggestion")}
    found: dict[tuple[str, str, str], Moved] = {}
    for talk in _talks(store, options) if suggested else ():
        who = options.same.get(talk[0].reviewer, talk[0].reviewer)
        if (options.only and who not in options.only) or who in options.without:
            continue
        _count(talk, who, suggested, found)
    return [found[key] for key in sorted(found)]


def _talks(store: Store, options: Options) -> Iterator[list[Event]]:
    """The events of each reviewer on each chunk of runs that have suggestions."""
    where = "run IN (SELECT run FROM suggestion)"
    params: list[str] = []
    if options.queue:
        where, params = f"{where} AND run IN (SELECT run FROM queue_run WHERE queue = ?)", [options.queue]
    sql = f"SELECT {_COLUMNS} FROM event WHERE {where} ORDER BY run, reviewer, chunk, origin, seq"
    talk: list[Event] = []
    for row in store.each(sql, params):
        event = Event(*row)
        if talk and (talk[0].run, talk[0].reviewer, talk[0].chunk) != (event.run, event.reviewer, event.chunk):
            yield talk
            talk = []
        talk.append(event)
    if talk:
        yield talk


def _count(
    talk: list[Event], who: str, suggested: dict[str, tuple[str, str]], found: dict[tuple[str, str, str], Moved]
) -> None:
    shown: set[str] = set()
    blind: list[Event] = []
    looked = False
    for event in talk:
        if event.kind != DECIDE:
            if not looked:
                blind.append(event)
            continue
        payload = orjson.loads(event.payload)
        if payload.get("how") != "person" or payload.get("repeat"):
            return
        looked = looked or not payload["blind_suggestions"]
        if looked:
            shown |= {item["id"] for item in payload["shown"]}
        else:
            blind.append(event)
    modes = {suggested[key] for key in shown if key in suggested}
    if not modes:
        return
    first = fold.decision(blind, talk[0].run) if any(event.kind == DECIDE for event in blind) else None
    last = fold.decision(talk, talk[0].run)
    for book, mode in modes:
        item = found.setdefault((who, book, mode), Moved(who, book, mode))
        after = _has(last, book, mode)
        if first is not None and first.verdict is not None:
            before = _has(first, book, mode)
            item.blind += 1
            item.before += before
            item.after += after
            item.taken_up += after and not before
            item.dropped += before and not after
        elif first is None:
            item.shown += 1
            item.labelled += after


def _has(said: Decision | None, book: str, mode: str) -> bool:
    return said is not None and any(item.mode == mode and item.codebook.id == book for item in said.labels)


def overall(items: Iterable[Moved]) -> list[Moved]:
    """The same per reviewer, over all modes."""
    found: dict[str, Moved] = {}
    for item in items:
        total = found.setdefault(item.reviewer, Moved(item.reviewer, "", ""))
        for name in ("blind", "before", "after", "taken_up", "dropped", "shown", "labelled"):
            setattr(total, name, getattr(total, name) + getattr(item, name))
    return list(found.values())
