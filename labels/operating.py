"""Deciding on a live gate: one record for the operator's decision and the annotator's.

What is said at a gate is an ordinary act in the ledger, on the chunk of steps that the gate shows, and in the same
transaction the vote that the agent waits for. So live control feeds the gold set, and an agent never acts on what is
not in the log. Decisions by policy are written the same way (`record_policy`), with `how = policy`, and are no votes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from labels import events, fold, suggestions
from labels.events import Event
from labels.glance import check_reviewer, others_decided
from labels.ledger import record_act
from labels.model import Act, GateRef, Label, Op, SetNote, SetVerdict, Shown, StepRef, Target
from labels.suggestions import Suggestion
from sessions import catalog
from sessions.errors import UsageError, UserError
from sessions.gate_checks import CheckResult
from sessions.keys import base_key
from sessions.live import deciding
from sessions.live.deciding import Vote
from sessions.live.gates import (
    POLICY_PREFIX,
    START,
    GateDecision,
    GateInfo,
    Source,
    checks_of,
    gate_by_id,
    policy_name,
    rows,
)
from sessions.store import Store, Transaction

#: The chunk policy whose chunks are what the gates of a run showed (`sessions.chunks`).
POLICY = "gates"
#: Characters of a quote that the agent is told of a label.
_QUOTE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Said:
    """What a reviewer says at a gate.

    verdict: `approve`, `rollback`, `reject` or `stop`. to: where a rollback goes back to, the key or id of an earlier
    gate or "start"; None means the gate before. message: to the agent; it becomes the note on the chunk. edited: the
    proposed calls as they may run. ops: labels, "none", answers to suggestions. seconds: time on the gate. shown: the
    suggestions on the screen, None for all there are. payload_sha256: of what was shown, to be sure it is this.
    """

    verdict: str
    to: str | None = None
    message: str = ""
    edited: list[Any] | None = None
    ops: Sequence[Op] = ()
    seconds: float | None = None
    shown: Sequence[Shown] | None = None
    payload_sha256: str | None = None
    tool: str = ""


@dataclass(frozen=True, slots=True)
class Operated:
    """event: in the ledger. gate: as it is now. decision: what holds, None while others must approve too. missing: how
    many of them."""

    event: Event
    gate: GateInfo
    decision: GateDecision | None
    missing: int
    shown: tuple[Shown, ...] = field(default=())


def decide(store: Store, reviewer: str, gate: GateInfo, said: Said) -> Operated:
    """Decide on a gate. It is on disk, and the agent can have it, when this returns.

    Raises `deciding.AlreadyDecided` if somebody was first, UserError if the gate is void, has changed or cannot do what
    is asked, UsageError for what contradicts itself.
    """
    check_reviewer(reviewer)
    if reviewer.startswith(POLICY_PREFIX):
        raise UsageError(f"{reviewer!r} is the name of a policy.", "Decide under your own name.")
    to_gate = deciding.rollback_target(store, gate, said.to) if said.verdict == "rollback" else None
    if said.to is not None and to_gate is None:
        raise UsageError(f"--to belongs to a rollback, not to {said.verdict}.", "Leave it out.")
    shown = said.shown if said.shown is not None else _shown(keep_suggestions(store, gate))
    ids = catalog.ids_of(store, gate.run)
    vote = Vote(gate.id, reviewer, said.verdict, to_gate, said.message, said.edited, payload_sha256=said.payload_sha256)
    with store.write(eager=True) as tx:
        deciding.check(tx, gate_by_id(tx, gate.id) or gate, vote)
        act = _act(tx, gate, said, to_gate, tuple(shown), not others_decided(store, ids, gate.chunk, reviewer))
        event = record_act(tx, reviewer, gate.run, None, act)
        found = findings(tx, ids, reviewer, gate.chunk)
        outcome = deciding.cast_vote(tx, _with_findings(vote, found), event.id)
        now = gate_by_id(tx, gate.id)
    assert now is not None
    return Operated(event, now, outcome.decision, outcome.missing, tuple(shown))


def record_policy(tx: Transaction, gate: GateInfo, result: CheckResult) -> str:
    """Write a policy's decision into the ledger, inside the transaction that opens the gate; the event's id.

    Entry point `review_tui.gate_recorder`.
    """
    said = Said(result.action, message=result.message)
    act = _act(tx, gate, said, None, (), True, rule=result.rule)
    return record_act(tx, policy_name(result.rule), gate.run, None, act).id


# -- the act ------------------------------------------------------------------------------------------------------


def gate_target(source: Source, gate: GateInfo) -> Target:
    """What a decision at a gate is about: its chunk. Where a gate shows proposed calls and no new step, a chunk id of
    its own on the last step before it."""
    (no,) = rows(source, "SELECT no FROM run WHERE id = ?", [gate.run])[0]
    (number,) = rows(source, "SELECT count(*) FROM gate WHERE run = ? AND no <= ?", [gate.run, gate.no])[0]
    first = _step(source, no, gate.first if gate.has_steps else gate.last)
    last = _step(source, no, gate.last)
    return Target(id=gate.chunk, scope="chunk", number=number, first=first, last=last, policy=POLICY)


def _step(source: Source, no: int, index: int) -> StepRef:
    found = rows(source, "SELECT id FROM step WHERE k = ?", [base_key(no) + index]) if index >= 0 else []
    return StepRef(id=found[0][0], index=index) if found else StepRef(id="none", index=0)


def _act(
    tx: Transaction,
    gate: GateInfo,
    said: Said,
    to_gate: str | None,
    shown: tuple[Shown, ...],
    blind_votes: bool,
    rule: str = "",
) -> Act:
    target = gate_target(tx, gate)
    back = gate_by_id(tx, to_gate) if to_gate else None
    name = None if to_gate is None else back.key if back else START
    try:
        return Act(
            target=target,
            ops=(_verdict(tx, gate, said, back, target), *_note(said), *said.ops),
            seconds=said.seconds,
            shown=shown,
            blind_suggestions=not shown,
            blind_votes=blind_votes,
            how="policy" if rule else "person",
            tool=said.tool,
            gate=GateRef(
                id=gate.id, key=gate.key, payload_sha256=gate.payload_sha256, to_gate=name, message=said.message,
                edited=said.edited, rule=rule,
            ),
        )  # fmt: skip
    except ValidationError as error:
        raise UsageError(f"this decision cannot be recorded: {error.errors()[0]['msg']}.") from None


def _note(said: Said) -> list[Op]:
    return [SetNote(text=said.message)] if said.message else []


def _verdict(tx: Transaction, gate: GateInfo, said: Said, back: GateInfo | None, target: Target) -> SetVerdict:
    """A rollback names the first step undone; where none is (only proposed calls are), the last one that stays."""
    if said.verdict != "rollback":
        return SetVerdict(verdict=said.verdict)  # type: ignore[arg-type]  # pydantic checks it
    (no,) = rows(tx, "SELECT no FROM run WHERE id = ?", [gate.run])[0]
    first = back.last + 1 if back else 0
    return SetVerdict(verdict="rollback", to=_step(tx, no, first) if first <= gate.last else target.last)


# -- labels and suggestions ---------------------------------------------------------------------------------------


def keep_suggestions(store: Store, gate: GateInfo) -> list[Suggestion]:
    """The suggestions that were made when the gate was opened, kept beside the run like every other; those on the
    gate's steps, earlier ones included. What a check said that is no suggestion is left out."""
    run = catalog.run_by_id(store, gate.run)
    if run is None:
        raise UserError("the run of this gate is gone.", "It was deleted.")
    made = [item for check in checks_of(store, gate.id) for data in check.data if (item := _suggestion(data))]
    known = {row[0] for row in store.query("SELECT id FROM suggestion WHERE run = ?", [run.id])}
    if new := [item for item in made if item.id not in known and item.evidence]:
        suggestions.save(store, run, new)
    return [
        item
        for item in suggestions.suggestions_of(store, run)
        if item.first.index <= gate.last and item.last.index >= gate.first
    ]


def _suggestion(data: Any) -> Suggestion | None:
    try:
        return Suggestion.model_validate(data)
    except ValidationError:
        return None


def _shown(items: Sequence[Suggestion]) -> tuple[Shown, ...]:
    return tuple(Shown(id=item.id, detector=item.detector, version=item.version) for item in items)


def findings(tx: Transaction, ids: Sequence[str], reviewer: str, chunk: str) -> tuple[str, ...]:
    """What a reviewer has labelled on a chunk by now, one line each: for the agent. ids: all ids of the run."""
    current = fold.decision(events.of_runs(tx, ids, reviewer, chunk), ids[0])
    return tuple(_finding(label) for label in current.labels) if current else ()


def _finding(label: Label) -> str:
    first, last = label.first.index + 1, label.last.index + 1
    where = f"step {first}" if first == last else f"steps {first} to {last}"
    quotes = [f'"{item.quote[:_QUOTE_CHARS]}"' for item in label.evidence[:1]]
    unsure = "" if label.sure else " (not sure)"
    return ": ".join([f"{label.name or label.mode}, {where}{unsure}", *quotes, *([label.note] if label.note else [])])


def _with_findings(vote: Vote, found: tuple[str, ...]) -> Vote:
    return Vote(
        vote.gate, vote.reviewer, vote.verdict, vote.to_gate, vote.message, vote.edited, found,
        payload_sha256=vote.payload_sha256,
    )  # fmt: skip
