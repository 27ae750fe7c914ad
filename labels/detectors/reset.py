"""MAST 2.1, conversation reset: the exchange jumps back to its beginning for no good reason.

Rule. After an actor has done other work, one of these comes:
- its opening again: a text that shares 70 % of the shingles of its first one, or its first three calls once more in
  their order;
- an introduction ("Hello, I am the research agent and my task is ..."), where it has long been at work;
- a counter back at one ("Step 1", "Round 1/10") that had come to four or further;
- the line with which the log began ("Initialized ..."), once more.
A new word of a person right before is a reason to begin again, and so is one that the actor states ("from scratch").
A short cycle is no reset: there must have been other work since the opening.

Sources: the definition of the mode (Cemri et al. 2025); resemblance to the actor's own opening was the rule that held
on human labels when it was measured for this project (P .77, R .67; 13 of the 15 positives in one system).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labels.detectors import actions
from labels.detectors.actions import Action
from labels.detectors.base import Finding, Need, Quote, RunMeta, quote_line
from labels.detectors.patterns import Pattern
from labels.detectors.similar import Shingles, Wording, shingles_of
from sessions.bodies import StoredStep
from sessions.run import Part

MODE = "conversation-reset@mast"
#: An opening comes again from this likeness on. It needs so many words to be one.
ALIKE, OPENING_WORDS = 0.7, 15
#: Calls that are an actor's opening.
OPENING_CALLS = 3
#: Other texts and calls of its own that an actor must have behind it, and steps of the run.
OTHER_TEXTS, OTHER_CALLS, LEAST_STEPS = 3, 6, 4
#: A counter must have come so far before its one is a new beginning.
COUNTED = 4
#: A new word of a person is a reason for what is done in the next few steps.
REASON_STEPS = 4
MOST_ACTORS, MOST_COUNTERS = 100, 20
#: A text of fewer characters says nothing; one of more says enough for a changed name not to matter.
LEAST_LETTERS, LONG_LETTERS = 40, 600
_HEAD = 300
_GREETING = Pattern(r"^\W{0,5}(?:hello|hi|hey|greetings|welcome|good (?:morning|afternoon|evening))\b", re.IGNORECASE)
_SELF = Pattern(
    r"\b(?:I am|I'm|I\u2019m|my name is|this is) (?:the |an? |your )?(?:[\w-]{1,30} ){0,4}"
    r"(?:agent|assistant|bot|engineer|developer|programmer|planner|researcher|reviewer|tester|navigator|orchestrator|"
    r"coordinator|supervisor|manager|officer|analyst|expert|helper|writer|designer)\b",
    re.IGNORECASE,
)
_DUTY = Pattern(
    r"\bmy (?:task|role|job|goal) is\b|\bI(?:'ll| will| am going to) (?:begin|start)\b"
    r"|\bhow (?:can|may) I (?:help|assist)\b|\bI(?:'m| am) (?:here|ready) to (?:help|assist)\b"
    r"|\blet(?:'s| us) (?:begin|get started|start)\b",
    re.IGNORECASE,
)
_COUNTER = Pattern(
    r"[\W_]{0,8}(?P<what>step|phase|round|iteration|turn|attempt|day|epoch|stage)\s{0,2}#?(?P<number>\d{1,4})\b"
    r"(?!\s{0,3}(?:-|to|and|through|\u2013)\s{0,3}\d)",
    re.IGNORECASE,
)
_REASON = Pattern(
    r"\b(?:start(?:ing)? (?:\w+ ){0,3}(?:over|again|afresh|anew)|from scratch|fresh start|begin(?:ning)? again|"
    r"restart(?:ing)?|redo|new (?:approach|attempt|plan)|second attempt|try again)\b",
    re.IGNORECASE,
)
_STARTS = Pattern(
    r"\b(?:initiali[sz]ed|start(?:s|ed|ing)?|begins?|began|launch(?:ed|ing)?|boot(?:ed|ing)?)\b", re.IGNORECASE
)


@dataclass(slots=True)
class _Text:
    """An actor's first text. length: in characters. line: a line of it."""

    shingles: Shingles
    length: int
    line: Quote

    def again(self, text: str) -> bool:
        """Whether a text says it again: most of the same words, and about the same things."""
        if not 0.5 * self.length <= len(text) <= 2 * self.length:
            return False
        if not shingles_of(text).alike(self.shingles, ALIKE):
            return False
        if self.length > LONG_LETTERS:
            return True
        one, other = Wording(self.line.text), Wording(text.strip()[: len(self.line.text)])
        return one.names == other.names


@dataclass(slots=True)
class _Opening:
    """How an actor began, and what it did since the last beginning.

    text: its first one. calls: its first ones; again: those of them that have just come again; asked: whether there
    was a reason for it. texts, others: its texts in all, and those since that were not like the first. other_calls:
    calls since. counters: how far it has counted, and where.
    """

    text: _Text | None = None
    calls: list[Action] = field(default_factory=list)
    again: list[Action] = field(default_factory=list)
    asked: bool = False
    texts: int = 0
    others: int = 0
    other_calls: int = 0
    counters: dict[str, tuple[int, Quote]] = field(default_factory=dict)


class ResetDetector:
    """See the module's docstring."""

    id = "reset"
    version = "1"
    title = "Conversation reset"
    source = "MAST 2.1; likeness to the actor's own opening (exact Jaccard over word shingles), counters, introductions"
    modes = (MODE,)
    needs: frozenset[Need] = frozenset()
    default = True
    params: Mapping[str, Any] = {"alike": ALIKE, "others": [OTHER_TEXTS, OTHER_CALLS], "counted": COUNTED}

    def start(self, run: RunMeta) -> _Watch:  # noqa: ARG002 - every detector is told of the run
        return _Watch()


class _Watch:
    """A run being watched. Holds the openings of at most MOST_ACTORS actors."""

    def __init__(self) -> None:
        self._actors: OrderedDict[str, _Opening] = OrderedDict()
        self._log: Quote | None = None
        self._log_seen = 0
        self._begun = 0  # the step of the last beginning
        self._heard: OrderedDict[str, None] = OrderedDict()
        self._asked = -REASON_STEPS

    def feed(self, steps: Sequence[StoredStep]) -> Iterator[Finding]:
        for stored in steps:
            finding = self._step(stored)
            if finding is not None:
                self._start_anew(stored.index)
                yield finding

    def finish(self) -> Iterator[Finding]:
        return iter(())

    def _start_anew(self, index: int) -> None:
        """What follows the beginning is measured from it: one restart is one finding, whoever takes part in it."""
        self._begun = index
        for opening in self._actors.values():
            opening.others = opening.other_calls = 0
            opening.again.clear()
            opening.counters.clear()

    def _step(self, stored: StoredStep) -> Finding | None:
        step = stored.step
        finding = self._log_begins(stored)
        if step.role == "agent":
            return finding or self._agent(stored)
        if step.role == "user" and self._says_new(step.parts):
            self._asked = stored.index
        return finding

    def _says_new(self, parts: list[Part]) -> bool:
        """Whether a person says something that was not said lately."""
        key = " ".join(" ".join(part.text[:1_000] for part in parts if part.kind == "text").split())
        new = bool(key) and key not in self._heard
        self._heard[key] = None
        self._heard.move_to_end(key)
        if len(self._heard) > 40:
            self._heard.popitem(last=False)
        return new

    # -- the log --------------------------------------------------------------------------------------------------

    def _log_begins(self, stored: StoredStep) -> Finding | None:
        """The line with which the log began, after steps in which it did not stand."""
        if stored.index == 0:
            self._log = _beginning(stored)
        if stored.index == 0 or self._log is None:
            return None
        line = self._log.text
        for place, part in enumerate(stored.step.parts):
            position = part.text.find(line, 0, 4_000) if _is_log(stored, part) else -1
            if position < 0:
                continue
            passed, self._log_seen = stored.index - self._log_seen, stored.index
            if passed < LEAST_STEPS or not any(opening.texts for opening in self._actors.values()):
                return None
            evidence = (self._log, Quote(stored.index, place, position, position + len(line), line))
            rationale = "The log begins again with its first line, after work had been done."
            return Finding(MODE, stored.index, stored.index, evidence, 0.7, rationale)
        return None

    # -- the agents -----------------------------------------------------------------------------------------------

    def _agent(self, stored: StoredStep) -> Finding | None:
        opening = self._opening(stored)
        finding: Finding | None = None
        calls = actions.calls_of(stored).calls
        for _, action in calls:
            finding = finding or self._call(stored, opening, action)
        place, text = -1, ""
        for number, part in enumerate(stored.step.parts):
            if part.kind == "text" and len(part.text) > len(text):
                place, text = number, part.text
        if len(text) < 12:
            return finding
        finding = finding or self._counter(stored, opening, place, text)
        finding = finding or self._introduction(stored, opening, place, text)
        if not calls or opening.text is None:
            finding = finding or self._speech(stored, opening, place, text)
        opening.texts += 1
        return finding if finding is None or not _REASON.search(text[: 2 * _HEAD]) else None

    def _opening(self, stored: StoredStep) -> _Opening:
        step = stored.step
        key = f"{step.depth} {step.parent_call or ''} {step.branch or ''} {step.actor}"
        found = self._actors.get(key)
        if found is None:
            found = self._actors[key] = _Opening()
            if len(self._actors) > MOST_ACTORS:
                self._actors.popitem(last=False)
        return found

    def _far(self, stored: StoredStep) -> bool:
        """Whether there has been a run since the last beginning, and nobody has just asked for another one."""
        return stored.index - self._begun >= LEAST_STEPS and stored.index - self._asked >= REASON_STEPS

    def _speech(self, stored: StoredStep, opening: _Opening, place: int, text: str) -> Finding | None:
        """An actor's first text again."""
        first = opening.text
        if first is None:
            shingles = shingles_of(text)
            if shingles.count >= OPENING_WORDS:
                opening.text = _Text(shingles, len(text), quote_line(stored, place, _first(text)))
            return None
        if not first.again(text):
            opening.others += len(text) >= LEAST_LETTERS
            return None
        others, opening.others = opening.others, 0
        if others < OTHER_TEXTS or not self._far(stored):
            return None
        evidence = (first.line, quote_line(stored, place, _first(text)))
        rationale = f"{stored.step.actor} says again what it began with, after {others} other messages."
        return Finding(MODE, stored.index, stored.index, evidence, 0.6, rationale)

    def _call(self, stored: StoredStep, opening: _Opening, action: Action) -> Finding | None:
        """An actor's first calls again, in their order and with the results that they had."""
        first = opening.calls
        if len(first) < OPENING_CALLS:
            first.append(action)
            return None
        again = opening.again
        if not _same(first[len(again)], action):
            again.clear()
            if not _same(first[0], action):
                opening.other_calls += 1
                return None
        if not again:
            opening.asked = not self._far(stored)
        again.append(action)
        if len(again) < OPENING_CALLS:
            return None
        others, opening.other_calls = opening.other_calls, 0
        evidence = tuple(_call_line(one) for one in (first[0], again[0], again[-1]) if one.head.strip())
        begun = again[0].index
        again.clear()
        if opening.asked or others < OTHER_CALLS or not evidence or len({one.key for one in first}) < OPENING_CALLS:
            return None
        rationale = f"Its first {OPENING_CALLS} calls are made again in their order, after {others} others."
        return Finding(MODE, begun, stored.index, evidence, 0.55, rationale)

    def _introduction(self, stored: StoredStep, opening: _Opening, place: int, text: str) -> Finding | None:
        """An actor presents itself where it has long been at work."""
        if opening.texts < OTHER_TEXTS or not self._far(stored):
            return None
        head = text[:_HEAD]
        greets = _GREETING.match(head) is not None
        who, duty = _SELF.search(head), _DUTY.search(head)
        if greets + (who is not None) + (duty is not None) < 2 or (who is None and not greets):
            return None
        spot = who or duty
        quote = quote_line(stored, place, spot.start() if spot else _first(text))
        evidence = (quote,) if opening.text is None else (opening.text.line, quote)
        rationale = f"{stored.step.actor} introduces itself after {opening.texts} messages of its own."
        return Finding(MODE, stored.index, stored.index, evidence, 0.5, rationale)

    def _counter(self, stored: StoredStep, opening: _Opening, place: int, text: str) -> Finding | None:
        """A counter is back at one. A list of steps is no counter, nor are the rounds of another phase."""
        found = _COUNTER.match(text[:80])
        if found is None:
            return None
        what, number = found["what"].lower(), int(found["number"])
        if re.search(rf"\b{what}\s{{0,2}}#?{number + 1}\b", text[found.end() : 4_000], re.IGNORECASE):
            return None
        reached, where = opening.counters.get(what, (0, None))
        quote = quote_line(stored, place, found.start("what"))
        if number > reached:
            for other in [name for name in opening.counters if name != what]:
                del opening.counters[other]
            if len(opening.counters) < MOST_COUNTERS:
                opening.counters[what] = (number, quote)
            return None
        if number > 1 or reached < COUNTED or where is None or not self._far(stored):
            return None
        rationale = f"The count is back at {what} {number}, after it had come to {reached}."
        return Finding(MODE, stored.index, stored.index, (where, quote), 0.5, rationale)


def _same(one: Action, other: Action) -> bool:
    return one.key == other.key and actions.same_answer(one, other)


def _call_line(action: Action) -> Quote:
    """The first line of a call."""
    start = _first(action.head)
    end = action.head.find("\n", start)
    text = action.head[start : min(end if end >= 0 else len(action.head), start + 300)].rstrip()
    return Quote(action.index, action.part, start, start + len(text), text)


def _is_log(stored: StoredStep, part: Part) -> bool:
    return part.kind == "raw" or stored.step.role == "environment"


def _beginning(stored: StoredStep) -> Quote | None:
    """The first line of a run that begins with a line of a log about its start."""
    part = next(iter(stored.step.parts), None)
    if part is None or not _is_log(stored, part) or not _STARTS.search(part.text[:_HEAD]):
        return None
    quote = quote_line(stored, 0, _first(part.text))
    return quote if len(quote.text) >= 12 else None


def _first(text: str) -> int:
    """Where a text's first word stands."""
    return len(text) - len(text.lstrip())
