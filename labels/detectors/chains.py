"""Chains of the same action, as the repetition detector counts them: when one is a loop, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from labels.detectors.actions import KEPT_RESULT, Action, asks_how_it_stands
from labels.detectors.base import Finding, Quote

MODE = "step-repetition@mast"
#: Texts and arguments are near-duplicates from this likeness on.
ALIKE = 0.8
#: How often a thing must be done to be a loop: in general; where the state asked for moves by itself; after an error
#: that may pass; where a long text comes again.
TIMES, TIMES_MOVING, TIMES_PASSING, TIMES_LONG_TEXT = 3, 6, 5, 2
LONG_WORDS = 40
#: A cycle of so many actions is a loop; what comes back more rarely is done again and again, with other looks between.
LONGEST_CYCLE = 5
KEPT_TIMES, KEPT_HEAD = 8, 2_000
LONGEST_LINE, MOST_LINES = 300, 80
_PASSING = (
    "timed out", "timeout", "rate limit", "too many requests", "429", "502", "503", "504", "temporarily", "try again",
    "resource busy", "locked", "connection reset", "connection refused", "unavailable",
)  # fmt: skip


class State(NamedTuple):
    """How much has happened in a run. news: what may give another outcome: words of a person, changes, other results.
    world: new outputs of the environment. talk: new texts of agents."""

    news: int = 0
    world: int = 0
    talk: int = 0


@dataclass(frozen=True, slots=True)
class Time:
    """One time that something was done: what is needed to quote it (see `Action`)."""

    index: int
    part: int
    head: str
    remark: tuple[int, str] | None
    result: str
    result_part: int | None

    @classmethod
    def of(cls, action: Action) -> Time:
        result = (action.result or "")[:KEPT_RESULT]
        return cls(action.index, action.part, action.head[:KEPT_HEAD], action.remark, result, action.result_part)


@dataclass(slots=True, eq=False)
class Chain:
    """The same thing done again and again without progress.

    action: the last time. done: the first and the last times, and some between. count: of all. place: of the last among
    the actor's actions; start: of the first. then: the run's state at the last time. exact: whether all are equal.
    quiet: whether nobody said anything new in between. long: whether the last two are a long text, word by word or
    nearly. answer: what an earlier text was answered.
    """

    action: Action
    done: list[Time]
    place: int
    start: int
    then: State
    count: int = 1
    exact: bool = True
    quiet: bool = True
    long: bool = False
    answer: str | None = None
    stride: int = 1

    @classmethod
    def of(cls, action: Action, place: int, now: State) -> Chain:
        return cls(action, [Time.of(action)], place, place, now)

    def grow(self, action: Action, place: int, now: State) -> None:
        """The same again. Of a long chain every second, fourth ... time is kept, and the last."""
        before = self.action
        self.exact = self.exact and action.key == before.key
        self.quiet = self.quiet and now.talk == self.then.talk
        if action.said and self.count == 1:
            self.long = action.shingles.count >= LONG_WORDS and before.shingles.alike(action.shingles, ALIKE)
        self.action, self.place, self.then = action, place, now
        self.count += 1
        if len(self.done) > 2 and self.count % self.stride:
            self.done[-1] = Time.of(action)
        else:
            self.done.append(Time.of(action))
        if len(self.done) > KEPT_TIMES:
            self.done = [*self.done[:-1:2], self.done[-1]]
            self.stride *= 2

    def begin(self, action: Action, place: int, now: State) -> None:
        """The same again, but there was progress: counting begins anew."""
        self.action, self.done, self.place, self.start, self.long = action, [Time.of(action)], place, place, False
        self.then, self.answer, self.count, self.exact, self.quiet, self.stride = now, None, 1, True, True, 1

    @property
    def gap(self) -> float:
        """How many of the actor's actions it takes on average to come back to it."""
        return (self.place - self.start) / max(1, self.count - 1)

    @property
    def needed(self) -> int:
        """How often it must be done to be a loop."""
        action = self.action
        if action.said:
            # Two lines of a log that follow each other may be one that was written twice.
            apart = action.index - self.done[0].index > 1
            verbatim = self.exact and not action.code
            return TIMES_LONG_TEXT if self.long and apart and (verbatim or self.quiet) else TIMES
        if action.error is not False and any(word in (action.result or "")[:1_000].lower() for word in _PASSING):
            return TIMES_PASSING
        return TIMES_MOVING if asks_how_it_stands(action) else TIMES


# -- what is shown ------------------------------------------------------------------------------------------------


def report(chain: Chain) -> Iterator[Finding]:
    """The chain as a finding, with its first, middle and last time quoted; nothing where nothing can be quoted."""
    times = [chain.done[0], chain.done[len(chain.done) // 2], chain.done[-1]]
    evidence = tuple(dict.fromkeys(quote for time in times for quote in _quotes(chain, time)))
    if not evidence:
        return
    share = 3 * chain.count / chain.needed
    score = share / (share + 2)
    if not chain.exact:
        score *= 0.85
    if chain.gap > LONGEST_CYCLE:
        score *= 0.75
    yield Finding(MODE, times[0].index, times[2].index, evidence, round(score, 2), _rationale(chain))


def _rationale(chain: Chain) -> str:
    action = chain.action
    what = "the same code" if action.code else "the same text" if action.said else f"the call {action.name}".rstrip()
    times = "twice" if chain.count == 2 else f"{chain.count} times"
    how = f"{what} {times}" if chain.exact else f"nearly {what} {times}"
    gap = round(chain.gap)
    where = "in a row" if gap <= 1 else f"in a cycle of {gap} actions" if gap <= LONGEST_CYCLE else "again and again"
    same = " with the same result" if action.result is not None and not action.said else ""
    return f"{how[0].upper()}{how[1:]} {where}{same}, and nothing new in between."


def _quotes(chain: Chain, time: Time) -> Iterator[Quote]:
    """The line that tells what was done, and the remark beside a call where that comes again as well."""
    other = chain.done[1] if time is not chain.done[1] else chain.done[-1]
    if time.remark is not None and other.remark is not None:
        part, text = time.remark
        if (line := _line(text, other.remark[1])) and text[slice(*line)] in other.remark[1]:
            yield Quote(time.index, part, *line, text[slice(*line)])
    if line := _line(time.head, other.head):
        yield Quote(time.index, time.part, *line, time.head[slice(*line)])
    elif time.result_part is not None and (line := _line(time.result, "")):
        yield Quote(time.index, time.result_part, *line, time.result[slice(*line)])


def _line(text: str, other: str) -> tuple[int, int] | None:
    """Start and end of a telling line: the longest that stands in the other text too, or else the first; at most
    LONGEST_LINE characters. None in a blank text."""
    found: tuple[int, int] | None = None
    longest, start = 0, 0
    for line in text.split("\n", MOST_LINES)[:MOST_LINES]:
        bare = line.strip()
        if bare and (found is None or (longest < len(bare) <= LONGEST_LINE and bare in other)):
            begin = start + line.index(bare)
            found = (begin, begin + min(len(bare), LONGEST_LINE))
            longest = len(bare) if bare in other else 0
        start += len(line) + 1
    return found
