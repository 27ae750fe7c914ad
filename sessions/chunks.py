"""Cutting a run into chunks: consecutive steps that are decided on together.

A policy is written as text: `every:5`, `handoff`, `turn`, `tokens:2000`, `effects`, `marker:REGEX`, `declared`,
`gates`. Chunks are given as the index of each one's first step; ids come from `sessions.identity.chunk_id`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sessions import catalog
from sessions.catalog import RunInfo, StepIndex
from sessions.errors import UsageError
from sessions.identity import chunk_id
from sessions.run import Flag
from sessions.store import Store

DEFAULT_POLICY = "every:5"
#: Roughly how many characters one token has in English text and code; good enough to size chunks by.
CHARS_PER_TOKEN = 4
#: What is looked at of a step for a marker, so that one huge step cannot stall the cutting.
MARKER_CHARS = 200_000
POLICY_HELP = {
    "every:N": "N steps each",
    "handoff": "a new chunk whenever another actor takes over",
    "turn": "a new chunk at each message of the user",
    "tokens:N": "closes when it has about N tokens (4 characters each)",
    "effects": "closes after a step that changed the world",
    "marker:REGEX": "closes after a step whose text matches",
    "declared": "as the run itself declares its stages",
    "gates": "as a live run was gated: the steps that each gate showed",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed chunk policy. size: N of every/tokens. pattern: of marker."""

    kind: str
    size: int = 0
    pattern: re.Pattern[str] | None = None

    @classmethod
    def parse(cls, text: str) -> Policy:
        """Raises UsageError for an unknown policy, a size under 1 or a broken regular expression."""
        kind, colon, rest = text.strip().partition(":")
        if kind in ("handoff", "turn", "effects", "declared", "gates") and not colon:
            return cls(kind)
        if kind in ("every", "tokens"):
            if not rest.isdecimal() or len(rest) > 7 or not 1 <= int(rest) <= 1_000_000:
                raise UsageError(f"{text!r}: {kind} needs a number from 1 to 1,000,000.", f"For example {kind}:5.")
            return cls(kind, size=int(rest))
        if kind == "marker" and rest:
            try:
                return cls(kind, pattern=re.compile(rest, re.MULTILINE))
            except (re.error, RecursionError, OverflowError) as error:
                raise UsageError(f"{rest!r} is no regular expression: {error}.") from None
        raise UsageError(f"{text!r} is no chunk policy.", f"Known: {', '.join(POLICY_HELP)}.")

    def __str__(self) -> str:
        if self.pattern is not None:
            return f"marker:{self.pattern.pattern}"
        return f"{self.kind}:{self.size}" if self.size else self.kind


@dataclass(frozen=True, slots=True)
class Chunks:
    """The chunks of a run: starts holds each one's first step index, ascending from 0; total is the step count."""

    starts: Sequence[int]
    total: int

    def __len__(self) -> int:
        return len(self.starts)

    def of_step(self, index: int) -> int:
        """The chunk (from 0) that a step is in."""
        return max(0, bisect_right(self.starts, index) - 1)

    def bounds(self, chunk: int) -> tuple[int, int]:
        """First and last step index of a chunk, inclusive."""
        last = self.starts[chunk + 1] - 1 if chunk + 1 < len(self.starts) else self.total - 1
        return self.starts[chunk], last


@dataclass(frozen=True, slots=True)
class ChunkRef:
    """A chunk of a run, as decisions name it. id: from its first and last step ids. number: from 1, for people."""

    id: str
    number: int
    first: int
    last: int
    first_step: str
    last_step: str


def cut(policy: Policy, rows: Iterable[StepIndex], text: Callable[[int], str] | None = None) -> list[int]:
    """Start indices of the chunks of a run. text(index): a step's text, for `marker` only."""
    starts: list[int] = []
    opens = _opener(policy, text)
    before: StepIndex | None = None
    for row in rows:
        if opens(before, row):
            starts.append(row.index)
        before = row
    return starts


def _opener(policy: Policy, text: Callable[[int], str] | None) -> Callable[[StepIndex | None, StepIndex], bool]:
    """The rule of a policy: whether a step, seen after the one before it (None: the first), opens a new chunk."""
    size, pattern, chars = policy.size, policy.pattern, 0

    def tokens(before: StepIndex | None, row: StepIndex) -> bool:
        nonlocal chars
        full = before is None or chars >= size * CHARS_PER_TOKEN
        chars = row.chars if full else chars + row.chars
        return full

    def marker(before: StepIndex | None, _row: StepIndex) -> bool:
        assert pattern is not None
        assert text is not None
        return before is None or pattern.search(text(before.index)[:MARKER_CHARS]) is not None

    rules: dict[str, Callable[[StepIndex | None, StepIndex], bool]] = {
        "every": lambda before, row: before is None or row.index % size == 0,
        "handoff": lambda before, row: before is None or before.actor != row.actor,
        "turn": lambda before, row: before is None or row.role == "user",
        "effects": lambda before, _row: before is None or bool(before.flags & Flag.EFFECT),
        "declared": lambda before, row: before is None or before.stage != row.stage,
        "gates": lambda before, _row: before is None,  # steps alone do not tell: `chunks_of` asks the store
        "tokens": tokens,
        "marker": marker,
    }
    return rules[policy.kind]


def chunks_of(store: Store, run: RunInfo, policy: Policy) -> Chunks:
    """The chunks of a stored run, as far as it is read."""
    if policy.kind == "every":
        return Chunks(range(0, run.steps, policy.size), run.steps)
    if policy.kind == "gates":
        return Chunks(_gated(store, run), run.steps)

    def text(index: int) -> str:
        return "\n".join(part.text for part in catalog.step(store, run.no, index).step.parts)

    starts = cut(policy, (row for row in catalog.index_rows(store, run.no) if row.index < run.steps), text)
    return Chunks(starts, run.steps)


def _gated(store: Store, run: RunInfo) -> list[int]:
    """Where the chunks of a live run begin: at the first step of each gate, and after the last one. A run that was
    never gated is one chunk."""
    ids = catalog.ids_of(store, run.id)
    marks = ", ".join("?" * len(ids))
    rows = store.query(
        f"SELECT first_index, last_index FROM gate WHERE run IN ({marks}) AND last_index >= first_index", ids
    )
    starts = {0, *(first for first, _ in rows), *(last + 1 for _, last in rows)}
    return sorted(start for start in starts if start < run.steps)


def chunk_ref(store: Store, run: RunInfo, chunks: Chunks, chunk: int) -> ChunkRef:
    """The chunk with its id. chunk: from 0."""
    first, last = chunks.bounds(chunk)
    first_step, last_step = catalog.step_id(store, run.no, first), catalog.step_id(store, run.no, last)
    assert first_step is not None
    assert last_step is not None
    return ChunkRef(chunk_id(first_step, last_step), chunk + 1, first, last, first_step, last_step)
