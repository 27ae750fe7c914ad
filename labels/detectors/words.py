"""What steps say in plain words: prose without code blocks, its sentences, and the words that carry meaning.

Everything is bounded: of a long text the first and the last characters are looked at, a sentence has at most 400.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import TypeVar

from labels.detectors.base import Quote
from sessions.bodies import StoredStep

#: Of a text longer than both together, so many characters from its start and from its end are looked at.
FROM_START, FROM_END = 8_000, 4_000
LONGEST_SENTENCE, MOST_SENTENCES = 400, 400
_END = re.compile(r"[.!?](?=[\s*_\"')\]]|$)|\n[ \t]*(?=\n|[-*\u2022#>|]|\d{1,3}[.)]\s)|\n(?=\s*$)|\u3002")
_WORD = re.compile(r"[a-z0-9][a-z0-9_.-]*[a-z0-9]|[a-z0-9]")
_COMMON = frozenset(
    "the and for are was were has have had not but you your our its this that these those with from into onto over "
    "will would should could can may must shall let lets here there what which who how when where why then than also "
    "now just only any all each some such other more most very too own one two does did done doing been being get got "
    "use used using please about after before again still already they them their his her him she out off per via "
    "yes no ok okay i'll i'm it's want need know like make made".split()
)
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Passage:
    """Prose of one part. text: as it stands there, code blocks blanked out; lower: the same in small letters, of the
    same length. offset: where it begins in the part's text. kind: of the part."""

    index: int
    part: int
    kind: str
    offset: int
    text: str
    lower: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage: its place in the part's text and its words in small letters."""

    index: int
    part: int
    start: int
    end: int
    text: str
    lower: str

    @property
    def quote(self) -> Quote:
        return Quote(self.index, self.part, self.start, self.end, self.text)


def passages(stored: StoredStep, *kinds: str) -> list[Passage]:
    """The prose of a step's parts of these kinds (text and reasoning without any): the start and end of long ones."""
    found = []
    wanted = kinds or ("text", "reasoning")
    for place, part in enumerate(stored.step.parts[:200]):
        if part.kind not in wanted:
            continue
        for offset, text in ends_of(part.text):
            prose = without_code(text)
            found.append(Passage(stored.index, place, part.kind, offset, prose, small(prose)))
    return found


def ends_of(text: str) -> list[tuple[int, str]]:
    """A text, or the start and the end of a long one, with their places."""
    if len(text) <= FROM_START + FROM_END:
        return [(0, text)]
    return [(0, text[:FROM_START]), (len(text) - FROM_END, text[-FROM_END:])]


def small(text: str) -> str:
    """In small letters, never longer or shorter than the text: few letters have a small form of two characters."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(char.lower() if char.isascii() else char for char in text)


def without_code(text: str) -> str:
    """The text with what stands between code fences made blank, at the same places; no sentence goes across it."""
    start = text.find("```")
    if start < 0:
        return text
    pieces, done = [], 0
    while start >= 0:
        end = text.find("```", start + 3)
        end = len(text) if end < 0 else end + 3
        pieces += [text[done:start], "\n\n", " " * (end - start - 2)]
        done = end
        start = text.find("```", end)
    return "".join([*pieces, text[done:]])


def sentences(passage: Passage) -> Iterator[Sentence]:
    """The sentences of a passage, without the blanks around them: ends are full stops, blank lines and list items, not
    single line breaks."""
    start = 0
    for number, end in enumerate(_ends(passage.text)):
        if number >= MOST_SENTENCES:
            return
        if (one := cut(passage, start, end)) is not None:
            yield one
        start = end


def _ends(text: str) -> Iterator[int]:
    for found in _END.finditer(text):
        yield found.end()
    yield len(text)


def cut(passage: Passage, start: int, end: int) -> Sentence | None:
    """A stretch of a passage as a sentence, at most LONGEST_SENTENCE characters; None where there is no word."""
    text = passage.text
    end = min(end, len(text))
    while start < end and (text[start].isspace() or text[start] in "*#>-"):
        start += 1
    end = min(end, start + LONGEST_SENTENCE)
    while end > start and text[end - 1].isspace():
        end -= 1
    if start >= end:
        return None
    place = passage.offset + start
    return Sentence(passage.index, passage.part, place, place + end - start, text[start:end], passage.lower[start:end])


def sentence_at(passage: Passage, position: int) -> Sentence | None:
    """The sentence around a position, looking 200 characters back and as far on as a sentence may be long."""
    floor = max(0, position - 200)
    start = floor
    for found in _END.finditer(passage.text, floor, position):
        start = found.end()
    after = _END.search(passage.text, position, min(len(passage.text), start + LONGEST_SENTENCE))
    return cut(passage, start, after.end() if after is not None else start + LONGEST_SENTENCE)


def meaningful(lower: str) -> frozenset[str]:
    """The words of a text in small letters that carry meaning; at most the first 60."""
    found: set[str] = set()
    for match in _WORD.finditer(lower, 0, 2_000):
        word = match.group()
        if len(word) > 2 and word not in _COMMON:
            found.add(word)
            if len(found) == 60:
                break
    return frozenset(found)


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard: the share of all words that both have."""
    return len(one & other) / len(one | other) if one and other else 0.0


def keep(store: MutableMapping[_Key, _Value], key: _Key, value: _Value, most: int) -> None:
    """Put into a dict; the oldest entry leaves a full one."""
    if key not in store and len(store) >= most:
        del store[next(iter(store))]
    store[key] = value
