"""What a rendered run is made of: passages of its text with the way back to where they stand, pieces, and windows."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from labels.judge.cost import estimate_tokens
from labels.redaction import Redacted
from sessions.bodies import StoredStep

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0d\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e01ef]"
)


def visible(text: str) -> str:
    """The text with a visible character for each that nobody sees or a terminal obeys: as long as before, so that
    positions hold, and no order in it is hidden from whoever reads the preview."""
    return text if text.isascii() and text.isprintable() else _UNSEEN.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code == 13:
        return " "
    return chr(0x2400 + code) if code < 32 else "\u25cc"


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a part as it is sent. at: where it begins in the part's redacted text."""

    stored: StoredStep
    part: int
    text: str
    at: int
    redacted: Redacted

    def original(self, start: int, end: int) -> tuple[int, int]:
        """A range of the passage as a range of the part's own text."""
        return self.redacted.to_original(self.at + start, self.at + end)


@dataclass(frozen=True, slots=True)
class Piece:
    """What is never divided: a heading and the passage under it. begins: whether the step begins here.
    head: the step's own line."""

    stored: StoredStep
    begins: bool
    head: str
    heading: str
    passage: Passage | None
    after: str
    tokens: int

    @property
    def step(self) -> int:
        """The step's index."""
        return self.stored.index


@dataclass(frozen=True, slots=True)
class Window:
    """What one request shows of a run. number, from 1. ids: index -> id of each step shown. passages: step index -> its
    passages here. last: whether the run ends in it."""

    number: int
    text: str
    tokens: int
    ids: dict[int, str]
    passages: dict[int, list[Passage]]
    last: bool


@dataclass(slots=True)
class Omitted:
    """What is not sent. parts, chars: middles of long parts. records: kept raw by the reader. task: its end."""

    parts: int = 0
    chars: int = 0
    records: int = 0
    task: int = 0


def span(first: int, last: int) -> str:
    return f"step {first}" if first == last else f"steps {first} to {last}"


def split(hidden: Redacted, start: int, end: int, after: str, room: int) -> Iterator[tuple[int, int, str]]:
    """The range in pieces of at most so many tokens, cut between lines where there are any."""
    while estimate_tokens(hidden.text[start:end]) > room:
        size = room * 4 if hidden.text[start : start + room * 4].isascii() else room
        line = hidden.text.rfind("\n", start + size * 3 // 4, start + size) + 1
        cut = outside(hidden, line or start + size)
        if cut <= start:  # a placeholder longer than the room: no cut in it
            cut = start + size
        yield start, cut, ""
        start = cut
    yield start, end, after


def outside(hidden: Redacted, position: int) -> int:
    """The position, moved before the placeholder that it would cut in two."""
    number = bisect_left(hidden.cuts, position, key=lambda cut: cut.at) - 1
    if number >= 0 and position < hidden.cuts[number].at + len(hidden.cuts[number].placeholder):
        return hidden.cuts[number].at
    return position
