"""Holding the judge's claims against the run: a quote that is not in the step it is said to be in is no evidence.

Quotes are looked for in the text that was sent, letter by letter; where that fails, once more with every stretch of
blanks taken as one (models re-flow lines). What is kept is never the model's words but the text of the run as it
stands there, with what was hidden from the model in its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from labels.detecting import LONGEST_QUOTE, MOST_QUOTES
from labels.judge.answer import Claim, SaidQuote
from labels.judge.pieces import Passage, Window
from labels.model import Evidence, StepRef

#: A quote shorter than this is found anywhere; a whole part may be shorter.
_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Verified:
    """A claim that holds: its steps exist and at least one of its quotes stands where it was said to."""

    mode: str
    first: StepRef
    last: StepRef
    evidence: tuple[Evidence, ...]
    confidence: float
    why: str


@dataclass(slots=True)
class Checker:
    """Checks the claims on one window. dropped: reason -> how many claims were thrown away; quotes: how many quotes."""

    window: Window
    dropped: Counter[str] = field(default_factory=Counter)
    quotes: Counter[str] = field(default_factory=Counter)
    _flat: dict[int, tuple[str, list[int]]] = field(default_factory=dict)

    def check(self, mode: str, claim: Claim) -> Verified | None:
        """The claim with its evidence, or None."""
        evidence: list[Evidence] = []
        reasons: list[str] = []
        for quote in claim.quotes:
            found = self._find(quote)
            if isinstance(found, str):
                self.quotes[found] += 1
                reasons.append(found)
            elif found not in evidence:
                self.quotes["found"] += 1
                evidence.append(found)
        if not evidence:
            self.dropped[reasons[0] if reasons else "no quote"] += 1
            return None
        steps = self._steps(claim, evidence)
        if steps is None:
            self.dropped["no such step"] += 1
            return None
        return Verified(mode, *steps, tuple(evidence[:MOST_QUOTES]), claim.confidence, claim.why)

    def _steps(self, claim: Claim, evidence: Sequence[Evidence]) -> tuple[StepRef, StepRef] | None:
        """First and last step: as claimed, if they are steps that the model was shown; where it named none, those of
        its quotes."""
        refs = sorted((item.step for item in evidence), key=lambda ref: ref.index)
        if claim.first is None and claim.last is None:
            return refs[0], refs[-1]
        numbers = [number for number in (claim.first, claim.last) if number is not None]
        first, last = (self._ref(number - 1) for number in (min(numbers), max(numbers)))
        return (first, last) if first and last else None

    def _ref(self, index: int) -> StepRef | None:
        step = self.window.ids.get(index)
        return StepRef(id=step, index=index) if step else None

    def _find(self, quote: SaidQuote) -> Evidence | str:
        """The evidence, or why there is none."""
        text = quote.text.strip()
        if quote.step is None or quote.step - 1 not in self.window.ids:
            return "no such step"
        passages = self.window.passages.get(quote.step - 1, [])
        if len(text) < _SHORTEST and not any(passage.text.strip() == text for passage in passages):
            return "quote too short"
        for passage in passages:
            at = passage.text.find(text)
            if at >= 0:
                return _evidence(passage, at, at + len(text))
        wanted = " ".join(text.split())
        for passage in passages:
            flat, places = self._flattened(passage)
            at = flat.find(wanted)
            if at >= 0:
                return _evidence(passage, places[at], places[at + len(wanted) - 1] + 1)
        return "quote not found"

    def _flattened(self, passage: Passage) -> tuple[str, list[int]]:
        """The passage with single spaces only, and where each of its characters came from."""
        if id(passage) not in self._flat:
            text, kept, places = passage.text, [], []
            blank = True
            for place, char in enumerate(text):
                if not char.isspace():
                    kept.append(char)
                    places.append(place)
                elif not blank:
                    kept.append(" ")
                    places.append(place)
                blank = char.isspace()
            self._flat[id(passage)] = "".join(kept), places
        return self._flat[id(passage)]


def _evidence(passage: Passage, start: int, end: int) -> Evidence:
    """What stands there in the run itself."""
    first, last = passage.original(start, end)
    text = passage.stored.step.parts[passage.part].text
    last = min(last, first + LONGEST_QUOTE)
    return Evidence(
        step=StepRef(id=passage.stored.id, index=passage.stored.index),
        part=passage.part,
        start=first,
        end=last,
        quote=text[first:last],
    )
