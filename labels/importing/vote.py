"""One outside annotator's vote on a run, or on a chunk of it, and how it enters the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from labels.codebook import Codebook
from labels.glance import OUTSIDE_PREFIX
from labels.ledger import chunk_target, record_act, run_target
from labels.maintenance import remember_codebook
from labels.model import (
    Act,
    Clear,
    Decision,
    Evidence,
    Label,
    Op,
    SetJudged,
    SetLabel,
    SetNone,
    SetNote,
    StepRef,
    Target,
)
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import ChunkRef
from sessions.identity import chunk_id
from sessions.jsontext import canonical
from sessions.store import Store

TOOL = "review-tui import-labels"
Outcome = Literal["new", "changed", "known"]
_LONGEST_NOTE = 4_000


@dataclass(frozen=True, slots=True)
class Quote:
    """A passage of a step. index: the step's; the rest as in `labels.model.Evidence`."""

    index: int
    part: int
    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """A mode that is there, in steps first..last (indices)."""

    mode: str
    first: int
    last: int
    note: str = ""
    agent: str | None = None
    root_cause: bool = False
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class Cut:
    """A chunk: first..last (indices), its number from 1, by what it was cut."""

    first: int
    last: int
    number: int
    policy: str


@dataclass(frozen=True, slots=True)
class OutsideVote:
    """annotator: without the prefix. judged: slugs that were asked about, None for all of the codebook. independent:
    False where this is no reading of its own: the same annotations stand beside other runs, or others' votes were
    known. cut: the chunk, None for the whole run."""

    annotator: str
    corpus: str
    book: Codebook
    said: tuple[Said, ...]
    judged: tuple[str, ...] | None = None
    note: str = ""
    independent: bool = True
    cut: Cut | None = None

    @property
    def reviewer(self) -> str:
        return f"{OUTSIDE_PREFIX}{self.annotator}"


def record(store: Store, run: RunInfo, vote: OutsideVote) -> Outcome:
    """Enter the vote, unless what it says is what stands there. One annotator's votes by several codebooks on one run
    are not taken apart: each annotator has one codebook."""
    act = _act(store, run, vote)
    ids = catalog.ids_of(store, run.id)
    row = store.one(
        f"SELECT data FROM decision WHERE run IN ({', '.join('?' * len(ids))}) AND reviewer = ? AND chunk = ?",
        [*ids, vote.reviewer, act.target.id],
    )
    before = Decision.model_validate_json(row[0]) if row else None
    if before is not None and _same(before, act):
        return "known"
    remember_codebook(store, vote.book)
    with store.write() as tx:
        record_act(tx, vote.reviewer, run.id, run.content_id, act)
    return "changed" if before else "new"


def _act(store: Store, run: RunInfo, vote: OutsideVote) -> Act:
    ops: list[Op] = [Clear()]
    if vote.judged is not None:
        ops.append(SetJudged(codebook=vote.book.ref, modes=tuple(sorted(vote.judged))))
    ops += [SetLabel(label=label) for label in _labels(store, run, vote)]
    if not vote.said:
        ops.append(SetNone(codebook=vote.book.ref))
    if vote.note:
        ops.append(SetNote(text=vote.note[:_LONGEST_NOTE]))
    return Act(
        target=_target(store, run, vote.cut), ops=tuple(ops), blind_suggestions=True, blind_votes=vote.independent,
        how="import", tool=f"{TOOL}: {vote.corpus}",
    )  # fmt: skip


def _target(store: Store, run: RunInfo, cut: Cut | None) -> Target:
    if cut is None:
        return run_target(store, run)
    first, last = (catalog.step_id(store, run.no, index) or "?" for index in (cut.first, cut.last))
    chunk = ChunkRef(chunk_id(first, last), cut.number, cut.first, cut.last, first, last)
    return chunk_target(chunk, cut.policy)


def _labels(store: Store, run: RunInfo, vote: OutsideVote) -> list[Label]:
    refs: dict[int, StepRef] = {}

    def ref(index: int) -> StepRef:
        if index not in refs:
            refs[index] = StepRef(id=catalog.step_id(store, run.no, index) or "?", index=index)
        return refs[index]

    return [
        Label(
            id=_label_id(vote, run, number, item), mode=item.mode, code=vote.book.by_slug[item.mode].code,
            name=vote.book.by_slug[item.mode].name, codebook=vote.book.ref, first=ref(item.first), last=ref(item.last),
            evidence=tuple(
                Evidence(
                    step=ref(place.index), part=place.part, start=place.start, end=place.start + len(place.text),
                    quote=place.text,
                )
                for place in item.quotes
            ),
            root_cause=item.root_cause, note=item.note[:_LONGEST_NOTE], agent=item.agent,
        )
        for number, item in enumerate(vote.said)
    ]  # fmt: skip


def _label_id(vote: OutsideVote, run: RunInfo, number: int, item: Said) -> str:
    """The same wherever it is imported, so that merged databases have one label and not two."""
    identity = [vote.reviewer, run.content_id, number, item.mode, item.first, item.last]
    if vote.cut is not None:
        identity += [vote.cut.first, vote.cut.last]
    return sha256(canonical(identity)).hexdigest()[:32]


def _same(before: Decision, act: Act) -> bool:
    said = {
        "labels": [op.label for op in act.ops if isinstance(op, SetLabel)],
        "none": [op.codebook for op in act.ops if isinstance(op, SetNone)],
        "judged": [op for op in act.ops if isinstance(op, SetJudged)],
        "note": next((op.text for op in act.ops if isinstance(op, SetNote)), ""),
        "blind": act.blind_votes,
    }
    kept: dict[str, object] = {
        "labels": list(before.labels), "none": list(before.none), "judged": list(before.judged), "note": before.note,
        "blind": before.blind_votes,
    }  # fmt: skip
    return said == kept


def whole(steps: Sequence[object], mode: str, note: str = "") -> Said:
    """A mode of which the source does not say where."""
    return Said(mode, 0, len(steps) - 1, note)
