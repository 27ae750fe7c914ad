"""What came of an import of labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Source:
    """Votes of one annotator. new, changed, known: votes recorded, replaced (the source says something else now), and
    here before. labels: labels in them. none: votes that found nothing. repeats: votes that are no readings of their
    own, because the same annotations stand beside several runs."""

    annotator: str
    corpus: str
    new: int = 0
    changed: int = 0
    known: int = 0
    labels: int = 0
    none: int = 0
    repeats: int = 0


@dataclass(slots=True)
class Imported:
    """runs: labelled runs. runs_new: of those, how many were not in the database before. linked: runs on which more
    than one corpus has votes. left_out: why votes or parts of them were not taken -> how many. notes: for people.
    entered: (run, reviewer, steps of the chunk or None) of every vote so far."""

    sources: dict[str, Source] = field(default_factory=dict)
    runs: set[str] = field(default_factory=set)
    runs_new: int = 0
    linked: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    entered: set[tuple[str, str, tuple[int, int] | None]] = field(default_factory=set)
