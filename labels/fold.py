"""From events to what is currently said: pure functions, so that a rebuild always gives the same state.

Undo and redo name the event they act on. A decide event counts unless it is undone; what counts is applied in order:
that of its origin and, between origins (after a merge), what an event knew of first, then by origin. Never by clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from labels.events import DECIDE, REDO, UNDO, Event, standing
from labels.model import (
    Act,
    Answer,
    Clear,
    Decision,
    Op,
    RemoveLabel,
    SetAnswer,
    SetJudged,
    SetLabel,
    SetNone,
    SetNote,
    SetVerdict,
)

_ACT = TypeAdapter(Act)


@dataclass(slots=True)
class Stacks:
    """Event ids that can be undone and redone, the next one last."""

    undo: list[str] = field(default_factory=list)
    redo: list[str] = field(default_factory=list)


#: How the payload of a vote that was imported says so (payloads are compact JSON; in a note the quotes are escaped).
_IMPORTED = '"how":"import"'


def stacks(events: Iterable[Event]) -> Stacks:
    """The stacks of one reviewer in one run. A new decision clears redo. Imported votes are nobody's to take back."""
    found = Stacks()
    for event in events:
        if event.kind == DECIDE and _IMPORTED in event.payload:
            continue
        if event.kind == DECIDE:
            found.undo.append(event.id)
            found.redo.clear()
            continue
        target = str(event.data["target"])
        if event.kind == UNDO and target in found.undo:
            found.undo.remove(target)
            found.redo.append(target)
        elif event.kind == REDO and target in found.redo:
            found.redo.remove(target)
            found.undo.append(target)
    return found


def active(events: Iterable[Event]) -> list[Event]:
    """The decide events that are not undone, in order."""
    return standing(events, DECIDE)


def decision(events: Iterable[Event], run: str, *, repeat: int = 0) -> Decision | None:
    """What one reviewer says of one chunk, from their events on it; None if nothing is left of it.

    repeat: 1 for what they said when the chunk came to them a second time, which the decision itself ignores.
    """
    kept = active(events)
    acts = {event.id: _ACT.validate_json(event.payload) for event in kept}
    current: Decision | None = None
    for event in _in_order(kept, acts):
        act = acts[event.id]
        if act.repeat == repeat:
            current = _apply(current, act, event, run)
    return None if current is None or current.empty else current


def _in_order(events: list[Event], acts: dict[str, Act]) -> list[Event]:
    """Events of several origins: what one knew of comes before it, otherwise by (origin, seq)."""
    waiting: dict[str, list[Event]] = {}
    for event in events:
        waiting.setdefault(event.origin, []).append(event)
    if len(waiting) < 2:
        return events
    ordered: list[Event] = []
    queues = {origin: sorted(mine, key=lambda event: event.seq) for origin, mine in sorted(waiting.items())}
    while queues:
        free = (
            origin
            for origin, mine in queues.items()
            if not any(
                other in queues and other != origin and queues[other][0].seq <= seq
                for other, seq in acts[mine[0].id].after.items()
            )
        )
        origin = next(free, next(iter(queues)))  # only made-up events can wait for each other
        ordered.append(queues[origin].pop(0))
        if not queues[origin]:
            del queues[origin]
    return ordered


def _apply(before: Decision | None, act: Act, event: Event, run: str) -> Decision:
    current = before or Decision(run=run, reviewer=event.reviewer, target=act.target)
    # Blind is what the first act on a chunk was; later ones may have been made after looking.
    blind = act if before is None or before.empty else before
    current = current.model_copy(
        update={
            "target": act.target,
            "at": event.at,
            "seconds": act.seconds if act.seconds is not None else current.seconds,
            "blind_suggestions": blind.blind_suggestions,
            "blind_votes": blind.blind_votes,
            "how": act.how,
        }
    )
    for op in act.ops:
        current = apply_op(current, op)
    return current


def apply_op(current: Decision, op: Op) -> Decision:
    """One operation on a decision."""
    match op:
        case SetVerdict():
            return current.model_copy(update={"verdict": op.verdict, "to": op.to})
        case SetLabel():
            return _with_label(current, op)
        case RemoveLabel():
            return _without_label(current, op.id)
        case SetNone():
            others = tuple(ref for ref in current.none if ref.id != op.codebook.id)
            return current.model_copy(update={"none": (*others, op.codebook) if op.value else others})
        case SetJudged():
            rest = tuple(item for item in current.judged if item.codebook.id != op.codebook.id)
            return current.model_copy(update={"judged": (*rest, op)})
        case SetNote():
            return current.model_copy(update={"note": op.text})
        case SetAnswer():
            return _with_answer(current, op)
        case Clear():
            return Decision(
                run=current.run,
                reviewer=current.reviewer,
                target=current.target,
                at=current.at,
                seconds=current.seconds,
                blind_suggestions=current.blind_suggestions,
                blind_votes=current.blind_votes,
                how=current.how,
            )


def _with_label(current: Decision, op: SetLabel) -> Decision:
    """A label and "none" of the same codebook exclude each other: the later one holds."""
    labels = [op.label if label.id == op.label.id else label for label in current.labels]
    if op.label not in labels:
        labels.append(op.label)
    none = tuple(ref for ref in current.none if ref.id != op.label.codebook.id)
    return current.model_copy(update={"labels": tuple(labels), "none": none})


def _without_label(current: Decision, id: str) -> Decision:
    """Labels that named it as their cause lose the link, not themselves."""
    labels = tuple(
        label.model_copy(update={"caused_by": None}) if label.caused_by == id else label
        for label in current.labels
        if label.id != id
    )
    return current.model_copy(update={"labels": labels})


def _with_answer(current: Decision, op: SetAnswer) -> Decision:
    answers = {key: value for key, value in current.answers.items() if key != op.suggestion}
    if op.answer is not None:
        answers[op.suggestion] = Answer(answer=op.answer, label=op.label, seconds=op.seconds)
    return current.model_copy(update={"answers": answers})
