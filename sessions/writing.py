"""Steps on their way into the store, however they come: read from a file, or handed in by a live run at its gates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from sessions import bodies
from sessions.effects import changes_world
from sessions.jsontext import is_whole, mend
from sessions.keys import base_key, key_range
from sessions.run import Flag, Span, Step
from sessions.store import Transaction

_ABANDONED, _TOOL, _EFFECT, _ERROR = map(int, (Flag.ABANDONED, Flag.TOOL, Flag.EFFECT, Flag.ERROR))
_REASONING, _RAW, _UNANSWERED = map(int, (Flag.REASONING, Flag.RAW, Flag.UNANSWERED))


class NamesSteps(Protocol):
    """What gives a step its id: `sessions.identity.Identity`, or `LaterIdentity` where a run goes on."""

    def step_id(self, step: Step) -> str: ...


@dataclass(slots=True)
class Batch:
    """Rows for the tables `step`, `body` and `raw`."""

    steps: list[tuple[Any, ...]] = field(default_factory=list)
    bodies: list[tuple[Any, ...]] = field(default_factory=list)
    raws: list[tuple[Any, ...]] = field(default_factory=list)

    def insert(self, tx: Transaction) -> None:
        tx.many("INSERT INTO step VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self.steps)
        tx.many("INSERT INTO body VALUES (?, ?, ?, ?)", self.bodies)
        tx.many("INSERT INTO raw VALUES (?, ?)", self.raws)


class StepRows:
    """Turns the steps of one run into rows, in order, and counts them.

    no: the run's number in this database. count, chars, errors, actors: of the steps that are in the store already.
    """

    def __init__(
        self,
        no: int,
        identity: NamesSteps,
        *,
        count: int = 0,
        chars: int = 0,
        errors: int = 0,
        actors: Iterable[str] = (),
    ) -> None:
        self.base = base_key(no)
        self.identity = identity
        self.count, self.chars, self.errors = count, chars, errors
        self.actors = dict.fromkeys(actors)
        self.batch = Batch()

    def add(self, step: Step) -> int:
        """Put a step into the batch; its characters (code points)."""
        parts, text = bodies.encode(step)
        actor, stage = step.actor, step.stage
        if not text.isascii() or stage is not None or actor not in self.actors:
            if not (is_whole(text) and is_whole(actor) and is_whole(stage or "")):
                mend_step(step)
                parts, text = bodies.encode(step)
                actor, stage = step.actor, step.stage
            self.actors.setdefault(actor)
        step_id, flags, chars = self.identity.step_id(step), flags_of(step), len(text)
        k, batch = self.base + self.count, self.batch
        batch.steps.append((k, step_id, actor, step.role, flags, step.depth, chars, stage))
        if "\0" in text:  # SQL compares texts only up to a NUL, so the search must not leave this one to SQL
            batch.bodies.append((k, bodies.ZLIB, parts, bodies.compress(text.encode())))
        else:
            batch.bodies.append((k, bodies.PLAIN, parts, text))
        inline = [raw for raw in step.raw if not isinstance(raw, Span)]
        if inline:
            batch.raws.append((k, bodies.pack_records(inline)))
        self.errors += flags & _ERROR
        self.chars += chars
        self.count += 1
        return chars

    def take(self) -> Batch:
        """The batch so far; an empty one takes its place."""
        batch, self.batch = self.batch, Batch()
        return batch


def remove_rows(tx: Transaction, no: int) -> None:
    """Delete a run's row and content. Its events stay: what was decided is never lost."""
    for table, key in (("words", "rowid"), ("step", "k"), ("body", "k"), ("raw", "k")):
        tx.execute(f"DELETE FROM {table} WHERE {key} BETWEEN ? AND ?", key_range(no))
    tx.execute("DELETE FROM reference WHERE run = ?", [no])
    tx.execute("DELETE FROM run WHERE no = ?", [no])


def flags_of(step: Step) -> int:
    """The `Flag`s of a step. Plain integers: `|` of enum members costs a microsecond each."""
    flags = _ABANDONED if step.branch else 0
    calls = 0
    for part in step.parts:
        kind = part.kind
        if kind == "tool_call":
            calls += 1
            flags |= _TOOL
            if not flags & _EFFECT and changes_world(part.name, part.arguments, part.text):
                flags |= _EFFECT
        elif kind == "tool_result":
            calls -= 1
            if part.is_error:
                flags |= _ERROR
        elif kind == "reasoning":
            flags |= _REASONING
        elif kind == "raw":
            flags |= _RAW
    return flags | _UNANSWERED if calls > 0 else flags


def mend_step(step: Step) -> None:
    """Lone surrogates (half an emoji) cannot be stored as text: show them as U+FFFD, like every other damage."""
    step.actor, step.stage = mend(step.actor), mend(step.stage)
    for part in step.parts:
        part.text, part.name, part.arguments = mend(part.text), mend(part.name), mend(part.arguments)
