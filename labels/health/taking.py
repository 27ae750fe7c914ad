"""How a reviewer takes suggestions: whether they agree with a detector more often when they see what it says than when
they do not, and whether they accept faster than anybody can read.

- shown: the share of answered suggestions that were accepted.
- blind: where suggestions were hidden until the verdict (or came later), the share of the detector's suggestions that
  begin in the chunk whose mode the reviewer labelled there by themselves. Only chunks whose modes were judged count.
- A detector's suggestion is what it is in both; so if the first share is far above the second, the screen persuades.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

import orjson

from labels.beside import BLIND, JUDGED, VERDICT
from labels.health import estimates as est
from labels.health.decided import moment
from labels.health.estimates import Estimate
from labels.model import WHOLE_RUN
from sessions.store import Store

#: Nobody reads faster than this: 700 words of six characters a minute, where adults read 238 on average (Brysbaert
#: 2019, silent reading of non-fiction) and skim at two to three times that.
CHARACTERS_A_SECOND = 70.0
#: An accept takes a moment, however short the text, in seconds.
LEAST_S = 1.0
#: The alarm: so many fast accepts, and their share surely above this.
ALARM_NUMBER, ALARM_SHARE = 5, 0.1


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer to a suggestion. seconds: since the answer before it on the same chunk, or since the chunk was turned
    to. needs: seconds that reading its rationale and quotes takes at the least. detector: "" if it is gone."""

    run: str
    detector: str
    answer: str
    seconds: float | None
    needs: float
    at: datetime

    @property
    def fast(self) -> bool:
        return self.seconds is not None and self.seconds < self.needs


def taken(store: Store, reviewer: str) -> list[Taken]:
    """Every answer of a reviewer that stands, oldest first."""
    sql = (
        "SELECT a.run, a.chunk, a.answer, a.seconds, a.at, s.detector, s.data FROM answer a"
        " LEFT JOIN suggestion s ON s.run = a.run AND s.id = a.suggestion WHERE a.reviewer = ?"
    )
    rows = sorted(store.query(sql, [reviewer]), key=lambda row: (row[0], row[1], row[3] if row[3] is not None else -1))
    found: list[Taken] = []
    before: tuple[str, str, float] | None = None
    for run, chunk, answer, seconds, at, detector, data in rows:
        since = seconds
        if seconds is not None:
            if before is not None and before[:2] == (run, chunk):
                since = seconds - before[2]
            before = (run, chunk, seconds)
        found.append(Taken(run, detector or "", answer, since, _needs(data), moment(at)))
    return sorted(found, key=lambda item: item.at)


def _needs(data: str | None) -> float:
    if data is None:
        return LEAST_S
    said = orjson.loads(data)
    text = len(said["rationale"]) + sum(len(item["quote"]) for item in said["evidence"])
    return max(LEAST_S, text / CHARACTERS_A_SECOND)


@dataclass(slots=True)
class Detector:
    """name: "" for all of them. shown, blind, gap (shown - blind): see the head of this file."""

    name: str
    shown: Estimate
    blind: Estimate
    gap: Estimate


@dataclass(slots=True)
class Taking:
    """detectors: all of them first. fast: share of accepts faster than the suggestion can be read. alarm: whether that
    is more than chance."""

    detectors: list[Detector] = field(default_factory=list)
    fast: Estimate = field(default_factory=lambda: Estimate(None, 0))
    fast_number: int = 0
    alarm: bool = False


def taking(store: Store, reviewer: str, answers: list[Taken]) -> Taking:
    """How suggestions are taken. answers: as `taken` gives them."""
    blind = _blind(store, reviewer)
    names = sorted({item.detector for item in answers if item.detector} | {name for name, _, _ in blind})
    found = Taking([_detector("", answers, blind)])
    if len(names) > 1:
        found.detectors += [
            _detector(name, [item for item in answers if item.detector == name], [b for b in blind if b[0] == name])
            for name in names
        ]
    elif names:
        found.detectors[0].name = names[0]
    accepts = [item for item in answers if item.answer == "accept" and item.seconds is not None]
    found.fast = est.share((item.run, item.fast) for item in accepts)
    found.fast_number = sum(item.fast for item in accepts)
    found.alarm = found.fast_number >= ALARM_NUMBER and (found.fast.low or 0.0) > ALARM_SHARE
    return found


def _detector(name: str, answers: Iterable[Taken], blind: Iterable[tuple[str, str, bool]]) -> Detector:
    shown = est.share((item.run, item.answer == "accept") for item in answers)
    alone = est.share((run, agreed) for _, run, agreed in blind)
    return Detector(name, shown, alone, est.difference(shown, alone))


def _blind(store: Store, reviewer: str) -> list[tuple[str, str, bool]]:
    """(detector, run, whether the reviewer named its mode there) of suggestions on chunks decided blind."""
    sql = (
        "SELECT s.detector, p.run, s.codebook, s.mode, j.judges, EXISTS (SELECT 1 FROM label l WHERE l.run = p.run"
        " AND l.reviewer = p.reviewer AND l.chunk = p.chunk AND l.codebook = s.codebook AND l.mode = s.mode)"
        " FROM pace p JOIN suggestion s ON s.run = p.run AND s.replaced = 0"
        " AND s.first_index BETWEEN p.first_index AND p.last_index"
        " JOIN judgement j ON j.run = p.run AND j.reviewer = p.reviewer AND j.chunk = p.chunk"
        " WHERE p.reviewer = ? AND p.chunk <> ? AND (p.flags & ?) = ?"
    )
    wanted = VERDICT | JUDGED | BLIND
    rows = store.query(sql, [reviewer, WHOLE_RUN, wanted, wanted])
    return [
        (str(detector), str(run), bool(named))
        for detector, run, book, mode, judges, named in rows
        if _asked(judges, book, mode)
    ]


@lru_cache(maxsize=1000)
def _asked(judges: str, book: str, mode: str) -> bool:
    """Whether a decision that judges this (`judgement.judges`) was about the mode."""
    only = {name: modes for name, _, modes in orjson.loads(judges)}
    return book in only and (only[book] is None or mode in only[book])
