"""How reviewers answer suggestions: accepted, rejected, relabelled, and how long it takes.

This is no measure of being right. People who see a suggestion agree with it more often than they would have come to it
(detectors are therefore scored on blind decisions only), so the two are never shown as one figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import orjson

from sessions.store import Store

_ANSWERS = {"accept": "accepted", "reject": "rejected", "relabel": "relabelled"}


@dataclass(slots=True)
class Acceptance:
    """Answers to a detector's suggestions of one mode, by whoever gave them. unanswered: shown to a reviewer who gave
    a verdict on the chunk and no answer. seconds: from seeing to answering, where that was measured."""

    detector: str
    mode: str
    accepted: int = 0
    rejected: int = 0
    relabelled: int = 0
    unanswered: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def answered(self) -> int:
        return self.accepted + self.rejected + self.relabelled

    @property
    def median_seconds(self) -> float | None:
        return median(self.seconds) if self.seconds else None

    @property
    def text(self) -> str:
        """`7 of 9 accepted`; "" without answers."""
        return f"{self.accepted} of {self.answered} accepted" if self.answered else ""


def acceptance(store: Store) -> dict[tuple[str, str], Acceptance]:
    """Everybody's answers, by detector and mode (`slug@codebook`). What a policy decided is no answer."""
    owner = {str(alias): str(run) for alias, run in store.query("SELECT alias, run FROM run_alias")}
    about = {
        (owner.get(run, run), key): (str(detector), f"{mode}@{codebook}")
        for run, key, detector, mode, codebook in store.query(
            "SELECT run, id, detector, mode, codebook FROM suggestion"
        )
    }
    found: dict[tuple[str, str], Acceptance] = {}
    answered: set[tuple[str, str, str]] = set()
    finished: set[tuple[str, str, str]] = set()
    for run, reviewer, chunk, data in _decisions(store):
        run = owner.get(run, run)
        if data["verdict"] is not None:
            finished.add((run, reviewer, chunk))
        for suggestion, answer in data["answers"].items():
            key = about.get((run, suggestion))
            if key is None or (run, reviewer, suggestion) in answered:
                continue
            answered.add((run, reviewer, suggestion))
            entry = found.setdefault(key, Acceptance(*key))
            name = _ANSWERS[answer["answer"]]
            setattr(entry, name, getattr(entry, name) + 1)
            if answer.get("seconds") is not None:
                entry.seconds.append(float(answer["seconds"]))
    for run, _, suggestion in _shown(store, owner, finished) - answered:
        if (key := about.get((run, suggestion))) is not None:
            found.setdefault(key, Acceptance(*key)).unanswered += 1
    return found


def _decisions(store: Store) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for run, reviewer, chunk, text in store.each("SELECT run, reviewer, chunk, data FROM decision"):
        data = orjson.loads(text)
        if data.get("how", "person") == "person":
            yield str(run), str(reviewer), str(chunk), data


def _shown(store: Store, owner: dict[str, str], finished: set[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """(run, reviewer, suggestion) of what was on the screen when something was said of a chunk that has a verdict."""
    found: set[tuple[str, str, str]] = set()
    sql = "SELECT run, reviewer, chunk, payload FROM event WHERE kind = 'decide' AND payload LIKE '%\"shown\":[{%'"
    for named, reviewer, chunk, payload in store.each(sql):
        run = owner.get(str(named), str(named))
        if (run, reviewer, chunk) in finished:
            found.update((run, str(reviewer), str(item["id"])) for item in orjson.loads(payload)["shown"])
    return found
