"""What counts as truth: which steps of a run somebody judged, on which modes, and what they said.

"Not judged" is not "absent": a mode that nobody asked about is missing from `Judged.modes`, and no figure counts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from labels.detectors.base import RunMeta
from sessions.bodies import StoredStep

#: sound: judged run by run, by people. doubtful: published, but known to be joined to the wrong runs or broadcast over
#: several. staged: runs and labels were made for each other. Figures are never pooled over two of these.
Trust: TypeAlias = Literal["sound", "doubtful", "staged"]
TRUSTS: tuple[Trust, ...] = ("sound", "doubtful", "staged")


class Span(NamedTuple):
    """Steps first..last of a run (indices, inclusive)."""

    first: int
    last: int

    def overlaps(self, other: Span) -> bool:
        return self.first <= other.last and other.first <= self.last

    def iou(self, other: Span) -> float:
        """Steps in both over steps in either, 0 to 1."""
        both = min(self.last, other.last) - max(self.first, other.first) + 1
        return max(0, both) / (self.last - self.first + other.last - other.first + 2 - max(0, both))


class Passage(NamedTuple):
    """A quoted place. step: its index. part, start, end: where in it; None where the source names only the step."""

    step: int
    part: int | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a mode is there. spans: the steps in which, () where the source does not say. passages: the evidence."""

    present: bool
    spans: tuple[Span, ...] = ()
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of steps first..last of a run: of a chunk, or of the whole. modes: `slug@codebook` -> verdict."""

    span: Span
    source: str
    modes: Mapping[str, Verdict]


@dataclass(frozen=True, slots=True)
class RunTruth:
    """All that is known to be so of one run.

    corpus: where the labels come from. run: an id that is unique in it. decisive: index of the step at which the run
    went wrong for good, None where nobody says. good: whether the run reached its goal; None where nobody says.
    ties: runs that share one of these (the same task, the same annotation, the same text) are not independent.
    whole: False for what is no run but a command by itself.
    """

    corpus: str
    trust: Trust
    run: str
    system: str
    steps: int
    judged: tuple[Judged, ...] = ()
    decisive: int | None = None
    good: bool | None = None
    ties: tuple[str, ...] = ()
    whole: bool = True

    @property
    def clean(self) -> bool | None:
        """Whether an alert on it is a false one: it reached its goal or, where that is unknown, no judged mode is
        present. None where nothing was judged."""
        if not self.whole:
            return None
        if self.good is not None or not self.judged:
            return self.good
        return not any(verdict.present for unit in self.judged for verdict in unit.modes.values())


class Row(NamedTuple):
    """One judgement, flat: a mode in some steps of a run."""

    corpus: str
    run: str
    system: str
    mode: str
    present: bool
    judged: Span
    spans: tuple[Span, ...]
    passages: tuple[Passage, ...]
    source: str


def rows(truths: Iterable[RunTruth]) -> Iterator[Row]:
    """Every judgement by itself."""
    for truth in truths:
        for unit in truth.judged:
            for mode, said in unit.modes.items():
                yield Row(
                    truth.corpus, truth.run, truth.system, mode, said.present, unit.span, said.spans, said.passages,
                    unit.source,
                )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claim:
    """What a detector says: a mode in steps `span`, quoting `passages`, with its own score."""

    detector: str
    version: str
    mode: str
    span: Span
    passages: tuple[Passage, ...]
    score: float

    def touches(self, span: Span) -> bool:
        """Whether its steps, or a step that it quotes, lie in these."""
        return self.span.overlaps(span) or any(span.first <= place.step <= span.last for place in self.passages)


@dataclass(frozen=True, slots=True)
class Case:
    """A run to score on. truths: what is known of it, per corpus. steps: reads it. kept: what detectors said of it
    when they looked before, by detector id (an empty tuple where they found nothing)."""

    truths: tuple[RunTruth, ...]
    meta: RunMeta
    steps: Callable[[], Iterable[StoredStep]]
    kept: Mapping[str, tuple[Claim, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class Account:
    """What was taken as truth and what was not. used: what it consists of, one line each. left_out: reason -> count."""

    used: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    doubts: list[str] = field(default_factory=list)


def clusters(truths: Sequence[RunTruth]) -> list[int]:
    """Which runs belong together for intervals, a number for each: those that share a tie, directly or by way of
    others, count as one draw."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    own = [f"run {truth.corpus}\n{truth.run}" for truth in truths]
    for key, truth in zip(own, truths, strict=True):
        for tie in truth.ties:
            parent[root(f"tie {tie}")] = root(key)
    numbers: dict[str, int] = {}
    return [numbers.setdefault(root(key), len(numbers)) for key in own]
