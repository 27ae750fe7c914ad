"""What a detector is: fed a run chunk by chunk, it says where it suspects which failure mode, and quotes why.

A detector is one file in this folder (or in another package) with one entry point in the group
`review_tui.detectors`. It keeps what it needs to know of the run in the `Watch` that `start` returns, never looks at
labels or at what the source knows of the answer, and imports anything heavy inside functions. It need not guard itself:
one that raises, or takes too long, is switched off for that run by `labels.detecting`, and shown as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from sessions.bodies import StoredStep

#: What a run must have for the detector to see anything: typed tool calls, actors with roles, the task's words.
Need: TypeAlias = Literal["tools", "roles", "task", "network"]


@dataclass(frozen=True, slots=True)
class Quote:
    """A verbatim passage. index: of the step, from 0. part: of the step's parts. start, end: code points in the part's
    text, end exclusive. text: the passage, which must be just what stands there."""

    index: int
    part: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A suspicion. mode: `slug@codebook`. first, last: step indices. score: 0 to 1, the detector's own, higher is
    surer. rationale: one plain sentence for the reviewer."""

    mode: str
    first: int
    last: int
    evidence: tuple[Quote, ...]
    score: float
    rationale: str


@dataclass(frozen=True, slots=True)
class RunMeta:
    """What is known of a run before its steps. Nothing that the source knows of the answer is in it."""

    task: str | None = None
    system: str | None = None
    model: str | None = None
    format: str = ""


class Watch(Protocol):
    """A detector's state on one run."""

    def feed(self, steps: Sequence[StoredStep]) -> Iterable[Finding]:
        """The next steps, in order, each seen once. What is suspected by now and was not before."""
        ...

    def finish(self) -> Iterable[Finding]:
        """The run is over: what can only be said at its end."""
        ...


class Detector(Protocol):
    """id: lower case with hyphens. version: raised with every change of what is found. title: a few words. source:
    where the rule comes from. modes: `slug@codebook` each. default: on without being asked for. params: what its
    thresholds are, JSON values; another value is another detector to the cache."""

    id: str
    version: str
    title: str
    source: str
    modes: tuple[str, ...]
    needs: frozenset[Need]
    default: bool
    params: Mapping[str, Any]

    def start(self, run: RunMeta) -> Watch: ...


def quote(stored: StoredStep, part: int, start: int, end: int) -> Quote:
    """The passage start..end of a part of a step."""
    return Quote(stored.index, part, start, end, stored.step.parts[part].text[start:end])


def quote_line(stored: StoredStep, part: int, position: int = 0, *, longest: int = 300) -> Quote:
    """The line around a position of a part's text, without the blanks at its ends, cut to `longest` characters from
    the position on where it is longer."""
    text = stored.step.parts[part].text
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    if end - start > longest:
        start, end = position, min(end, position + longest)
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Quote(stored.index, part, start, end, text[start:end])
