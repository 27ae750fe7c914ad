"""Decisions and suggestions as screens read them: plain objects straight from the derived tables.

The checked models (`labels.model`) guard what is written; reading what they wrote back needs no second check, and
importing pydantic would cost a third of the time to the first frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from sessions import catalog
from sessions.catalog import RunInfo
from sessions.store import Store


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """A passage. step: step id; index: where it stood. part, start, end as in `labels.model.Evidence`."""

    step: str
    index: int
    part: int
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class LabelView:
    """A label. first, last: step indices (from 0) where it stood when it was made."""

    id: str
    mode: str
    code: str
    name: str
    codebook: str
    first: int
    last: int
    evidence: tuple[EvidenceView, ...]
    sure: bool
    root_cause: bool
    caused_by: str | None
    note: str
    suggestion: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DecisionView:
    """What one reviewer says of one chunk. to: index of the first step undone by a rollback. answers: by suggestion
    id, `accept`, `reject` or `relabel`. none: ids of the codebooks of which no mode occurs."""

    reviewer: str
    chunk: str
    scope: str
    number: int
    first: int
    last: int
    verdict: str | None
    to: int | None
    none: tuple[str, ...]
    labels: tuple[LabelView, ...]
    answers: dict[str, str]
    note: str
    at: str

    @property
    def judged(self) -> bool:
        """Whether the modes were judged: labels, or an explicit "none"."""
        return bool(self.labels or self.none)


@dataclass(frozen=True, slots=True)
class SuggestionView:
    """A detector's claim. first, last: step indices."""

    id: str
    mode: str
    code: str
    name: str
    codebook: str
    first: int
    last: int
    evidence: tuple[EvidenceView, ...]
    score: float
    probability: float | None
    detector: str
    version: str
    rationale: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LookView:
    """That a detector looked at a run. state: `done`, or `off` where it was switched off; reason says why. found: how
    many suggestions. seconds: what it took."""

    detector: str
    version: str
    state: str
    reason: str
    found: int
    seconds: float


def looks(store: Store, run: RunInfo) -> tuple[LookView, ...]:
    """Which detectors have looked at a run as it is now."""
    sql = (
        "SELECT detector, version, state, reason, found, seconds FROM detection WHERE run = ? AND content_id = ?"
        " ORDER BY detector"
    )
    return tuple(LookView(*row) for row in store.query(sql, [run.id, run.content_id or ""]))


def decisions(store: Store, run: RunInfo, reviewer: str) -> list[DecisionView]:
    """What this reviewer currently says of a run, in the order of its steps."""
    ids = catalog.ids_of(store, run.id)
    sql = f"SELECT data FROM decision WHERE reviewer = ? AND run IN ({', '.join('?' * len(ids))})"
    found = [decision_view(orjson.loads(row[0])) for row in store.query(sql, [reviewer, *ids])]
    return sorted(found, key=lambda decision: (decision.first, decision.chunk))


def suggestions(store: Store, run: RunInfo) -> list[SuggestionView]:
    """All suggestions for a run, in the order of its steps."""
    sql = "SELECT id, data FROM suggestion WHERE run = ? AND replaced = 0 ORDER BY first_index, id"
    rows = store.query(sql, [run.id])
    return [_suggestion(row[0], orjson.loads(row[1])) for row in rows]


def decision_view(data: dict[str, Any]) -> DecisionView:
    target = data["target"]
    return DecisionView(
        reviewer=data["reviewer"],
        chunk=target["id"],
        scope=target["scope"],
        number=target["number"],
        first=target["first"]["index"],
        last=target["last"]["index"],
        verdict=data["verdict"],
        to=data["to"]["index"] if data["to"] else None,
        none=tuple(ref["id"] for ref in data["none"]),
        labels=tuple(_label(item) for item in data["labels"]),
        answers={key: value["answer"] for key, value in data["answers"].items()},
        note=data["note"],
        at=data["at"],
    )


def _label(data: dict[str, Any]) -> LabelView:
    return LabelView(
        **{key: data[key] for key in _LABEL_FIELDS},
        codebook=data["codebook"]["id"],
        first=data["first"]["index"],
        last=data["last"]["index"],
        evidence=_evidence(data["evidence"]),
        data=data,
    )


_LABEL_FIELDS = ("id", "mode", "code", "name", "sure", "root_cause", "caused_by", "note", "suggestion")
_SUGGESTION_FIELDS = ("mode", "code", "name", "score", "probability", "detector", "version", "rationale")


def _suggestion(id: str, data: dict[str, Any]) -> SuggestionView:
    return SuggestionView(
        id=id,
        **{key: data[key] for key in _SUGGESTION_FIELDS},
        codebook=data["codebook"]["id"],
        first=data["first"]["index"],
        last=data["last"]["index"],
        evidence=_evidence(data["evidence"]),
        data=data,
    )


def _evidence(items: list[dict[str, Any]]) -> tuple[EvidenceView, ...]:
    return tuple(
        EvidenceView(item["step"]["id"], item["step"]["index"], item["part"], item["start"], item["end"], item["quote"])
        for item in items
    )
