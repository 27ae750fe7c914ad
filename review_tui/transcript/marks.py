"""What is marked in a transcript: evidence, labelled and suggested steps, verdicts, a search, a selection."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple


class Passage(NamedTuple):
    """A stretch of a part. start, end: code points, end exclusive. style: `label`, `suggestion`, `search`, `select`."""

    part: int
    start: int
    end: int
    style: str


@dataclass
class Marks:
    """Everything drawn over the text. Indices are step indices, chunks count from 0.

    evidence: passages by step. labelled, suggested: steps that a label or suggestion covers; alarming: those of a
    suggestion that must not be missed. verdicts: a word for each
    decided chunk. current: the chunk being decided. search: the pattern being looked for.
    """

    evidence: dict[int, list[Passage]] = field(default_factory=dict)
    labelled: set[int] = field(default_factory=set)
    suggested: set[int] = field(default_factory=set)
    alarming: set[int] = field(default_factory=set)
    verdicts: dict[int, str] = field(default_factory=dict)
    current: int = 0
    search: re.Pattern[str] | None = None
    selection: tuple[int, Passage] | None = None

    def passages(self, index: int, part: int, start: int, end: int, text: str) -> list[Passage]:
        """What is marked in characters start..end of a part, clipped to them, weakest first.

        text: the part's whole text, for the search, which is looked for only around these characters.
        """
        found = [
            Passage(part, max(start, item.start), min(end, item.end), item.style)
            for item in self.evidence.get(index, ())
            if item.part == part and item.start < end and item.end > start
        ]
        if self.search is not None:
            reach = len(self.search.pattern)
            low = max(0, start - reach)
            for match in self.search.finditer(text, low, min(len(text), end + reach)):
                if match.start() < end and match.end() > start:
                    found.append(Passage(part, max(start, match.start()), min(end, match.end()), "search"))
        if self.selection and self.selection[0] == index:
            item = self.selection[1]
            if item.part == part and item.start < end and item.end > start:
                found.append(Passage(part, max(start, item.start), min(end, item.end), "select"))
        return found
