"""Hiding secrets and personal data before text of a run leaves the machine, with a way back.

What is hidden becomes a typed placeholder: `[SECRET:aws-key:1]`, `[PERSONAL:email:2]`. Equal values get equal numbers
within a run, so that a reader can still follow them. Positions map both ways: a quote from redacted text is found again
in the original, and evidence in the original can be placed in redacted text.

A value that only its surroundings gave away (`password=...`) is hidden wherever else it stands in the run: so `learn`
every text of the run first, in order, then `redact`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from labels.redaction_rules import Found, assigned, emails, private_keys, shaped

#: Raised with every change of what is found, so that what was made with other rules can be told.
VERSION = "1"
#: A value is hidden elsewhere too only if it is long enough not to be part of ordinary words.
_LEAST_EVERYWHERE = 6
#: Up to so many beginnings of values, looking for each is faster than looking at every place.
_FEW = 40


@dataclass(frozen=True, slots=True)
class Cut:
    """A hidden passage. start, end: in the original; at: where its placeholder begins in the redacted text."""

    start: int
    end: int
    at: int
    placeholder: str
    kind: str


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without what was hidden. All positions are code points, ends exclusive."""

    text: str
    cuts: tuple[Cut, ...] = ()

    def to_original(self, start: int, end: int) -> tuple[int, int]:
        """A range of the redacted text in the original. A placeholder that it touches stands for all that it hides."""
        return self._back(start, False), self._back(end, True)

    def _back(self, position: int, is_end: bool) -> int:
        number = bisect_right(self.cuts, position - is_end, key=lambda cut: cut.at) - 1
        if number < 0:
            return position
        cut = self.cuts[number]
        if position - is_end < cut.at + len(cut.placeholder):
            return cut.end if is_end else cut.start
        return position - cut.at - len(cut.placeholder) + cut.end

    def from_original(self, start: int, end: int) -> tuple[int, int]:
        """A range of the original in the redacted text. One that cuts into something hidden takes its placeholder."""
        return self._forth(start, False), self._forth(end, True)

    def _forth(self, position: int, is_end: bool) -> int:
        number = bisect_right(self.cuts, position - is_end, key=lambda cut: cut.start) - 1
        if number < 0:
            return position
        cut = self.cuts[number]
        if position - is_end < cut.end:
            return cut.at + (len(cut.placeholder) if is_end else 0)
        return position - cut.end + cut.at + len(cut.placeholder)

    @property
    def counts(self) -> Counter[str]:
        """Kind -> how many passages are hidden."""
        return Counter(cut.kind for cut in self.cuts)


@dataclass
class Redactor:
    """The placeholders of one run."""

    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    _last: Counter[str] = field(default_factory=Counter)
    _everywhere: _Values = field(default_factory=lambda: _Values())

    def learn(self, texts: Iterable[str]) -> None:
        """Take note of what is to be hidden in these texts of the run."""
        for text in texts:
            for found in _settled(_all(text)):
                value = text[found.start : found.end]
                self._number(found.kind, value)
                if found.everywhere:
                    self._everywhere.add(value, found)

    @property
    def empty(self) -> bool:
        """Whether nothing to be hidden has been found so far."""
        return not self._numbers

    @property
    def found(self) -> int:
        """How many different values are hidden."""
        return len(self._numbers)

    def redact(self, text: str) -> Redacted:
        """The text with placeholders."""
        pieces: list[str] = []
        cuts: list[Cut] = []
        done = length = 0
        for found in _settled(chain(_all(text), self._everywhere.find(text))):
            placeholder = f"[{found.group}:{found.kind}:{self._number(found.kind, text[found.start : found.end])}]"
            pieces += (text[done : found.start], placeholder)
            length += found.start - done
            cuts.append(Cut(found.start, found.end, length, placeholder, found.kind))
            length += len(placeholder)
            done = found.end
        return Redacted("".join([*pieces, text[done:]]), tuple(cuts)) if cuts else Redacted(text)

    def _number(self, kind: str, value: str) -> int:
        key = (kind, value)
        if key not in self._numbers:
            self._last[kind] += 1
            self._numbers[key] = self._last[kind]
        return self._numbers[key]


class _Values:
    """Values to be hidden wherever they stand, found in one walk over a text however many they are."""

    def __init__(self) -> None:
        self._by_start: dict[str, dict[int, dict[str, Found]]] = {}

    def add(self, value: str, found: Found) -> None:
        """Take a value in, if it is long enough not to be part of ordinary words."""
        if len(value) >= _LEAST_EVERYWHERE:
            lengths = self._by_start.setdefault(value[:_LEAST_EVERYWHERE], {})
            lengths.setdefault(len(value), {}).setdefault(value, found)

    def find(self, text: str) -> Iterator[Found]:
        if len(self._by_start) <= _FEW:
            for start, lengths in self._by_start.items():
                at = text.find(start)
                while at >= 0:
                    yield from self._at(text, at, lengths)
                    at = text.find(start, at + 1)
            return
        for at in range(len(text) - _LEAST_EVERYWHERE + 1):
            known = self._by_start.get(text[at : at + _LEAST_EVERYWHERE])
            if known is not None:
                yield from self._at(text, at, known)

    @staticmethod
    def _at(text: str, at: int, lengths: dict[int, dict[str, Found]]) -> Iterator[Found]:
        for length, values in lengths.items():
            if found := values.get(text[at : at + length]):
                yield Found(at, at + length, found.group, found.kind)


def redact(text: str) -> Redacted:
    """One text by itself."""
    redactor = Redactor()
    redactor.learn([text])
    return redactor.redact(text)


def _all(text: str) -> Iterator[Found]:
    """Whatever any rule finds; the more telling ones first."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few capitals become two letters, and positions must hold
        lowered = "".join(char.lower() if char.isascii() else char for char in text)
    for rule in (private_keys, shaped, assigned, emails):
        yield from rule(text, lowered)


def _settled(found: Iterable[Found]) -> list[Found]:
    """Without overlaps: of two that begin together the first one found gives the name, and one that reaches out of
    another lengthens it, so that nothing of either stays."""
    kept: list[Found] = []
    for item in sorted(found, key=lambda item: item.start):
        if kept and item.start < kept[-1].end:
            last = kept[-1]
            if item.end > last.end:
                kept[-1] = Found(last.start, item.end, last.group, last.kind, last.everywhere)
        elif item.end > item.start:
            kept.append(item)
    return kept
