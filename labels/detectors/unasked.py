"""A guess where somebody could have been asked (MAST 2.2, fail to ask for clarification).

Rule of this project, from the mode's definition: something is missing or unclear, "somebody could be asked, and the
agent goes on with a guess". All of it must show: words of guessing, words that the request or the input leaves
something open, an action in the same step and no question; and a person to ask, known from answers that came before or
from instructions that say so. A second rule: a tool refuses because an argument is missing, and the next call has a
value for it that stands nowhere in the run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from labels.detectors.base import Finding, Need, Quote, RunMeta, quote_line
from labels.detectors.calls import Call, calls_of
from labels.detectors.words import Passage, passages, sentence_at
from sessions.bodies import StoredStep

MODE = "fail-to-ask-for-clarification@mast"
#: How many characters of what was said and shown are remembered, to know whether a value was given.
MEMORY, MOST_IN_RUN = 300_000, 5
_GUESS = re.compile(
    r"\bi(?:'ll| will|'m going to| am going to)? (?:just |simply |have to |must )?(?:assume|guess|presume)\b"
    r"|\bi(?:'m| am) (?:guessing|assuming)\b|\b(?:let's|let me|let us|we(?:'ll| will)?) (?:just )?(?:assume|guess)\b"
    r"|\bmy (?:best )?guess\b|\bassuming (?:that |it |the |this )"
)
#: Weaker words, which count only together with a decision.
_LIKELY = re.compile(r"\b(?:probably|presumably|most likely|must be|must mean|i suppose)\b")
_DECIDES = re.compile(
    r"\b(?:so|then) (?:i(?:'ll| will)|we(?:'ll| will)|let me)\b|\bgo(?:ing)? with\b|\bby default\b"
    r"|\bi(?:'ll| will) (?:just )?(?:try|use|go with|take|treat|pick|choose|set|default|apply|skip|do)\b"
)
#: That the request, the input or the instructions leave something open.
_OPEN = re.compile(
    r"\b(?:unclear|ambiguous|unspecified|underspecified|contradict(?:s|ory|ion)?)\b"
    r"|\b(?:not|isn't|wasn't|aren't|never) (?:clear|specified|stated|given|mentioned|provided|told|said|sure)\b"
    r"|\b(?:doesn't|does not|didn't|did not|don't|do not) (?:say|specify|mention|state|tell)\b"
    r"|\b(?:don't|do not) know (?:which|what|whether|if)\b|\bno one said\b|\bcould (?:be|mean) either\b"
    r"|\b(?:wants?|told|supposed|asks?|said|says?) (?:me |us )?to ask\b|\bshould (?:probably )?ask\b|\bcould ask\b"
    r"|\bwithout asking\b|\binstead of asking\b"
)
_MAY_ASK = re.compile(
    r"\bask (?:me|us|him|her|them|first|the (?:user|team|customer|owner|on-?call)|if|when|before|for clarification)\b"
    r"|\b(?:open|unclear|in doubt|unsure|not sure)[^.\n]{0,40}\bask\b|\bask_\w+|\bdo(?: not|n't) guess\b"
    r"|\bclarif(?:y|ication)\b"
)
_MISSING = re.compile(
    r"missing (?:\d{1,2} )?(?:required )?(?:positional |keyword )?"
    r"(?:arguments?|parameters?|fields?|propert(?:y|ies)|input):? [\"'`]?(?P<one>[a-z_]\w{1,40})"
    r"|[\"'`](?P<two>[a-z_]\w{1,40})[\"'`] is (?:a )?required"
    r"|required (?:parameter|argument|field|property):? [\"'`]?(?P<three>[a-z_]\w{1,40})[\"'`]? (?:is )?missing",
    re.IGNORECASE,
)
_EMPTY_VALUES = ("", "none", "null", "true", "false", "default", "unknown", "n/a", "0", "1", "[]", "{}")


class UnaskedDetector:
    """See the module's docstring."""

    id = "unasked"
    version = "1"
    title = "A guess where somebody could be asked"
    source = "Own rule after MAST 2.2 (arXiv 2503.13657)"
    modes: tuple[str, ...] = (MODE,)
    needs: frozenset[Need] = frozenset()
    default = False
    params: Mapping[str, Any] = {"memory": MEMORY}

    def start(self, run: RunMeta) -> _Watch:  # noqa: ARG002
        return _Watch()


class _Watch:
    def __init__(self) -> None:
        self.spoke = self.acted = False
        self.answers = 0
        self.may_ask: Quote | None = None
        self.seen: list[str] = []
        self.room = MEMORY
        self.refused: dict[str, tuple[str, Quote]] = {}
        self.found = 0

    def feed(self, steps: Sequence[StoredStep]) -> Iterable[Finding]:
        for stored in steps:
            role = stored.step.role
            if role in ("user", "system"):
                self._hear(stored)
            elif role == "agent" and self.found < MOST_IN_RUN:
                self.spoke = True
                for finding in (*self._guessed(stored), *self._filled(stored)):
                    self.found += 1
                    yield finding
            self._remember(stored)

    def finish(self) -> Iterable[Finding]:
        return ()

    def _hear(self, stored: StoredStep) -> None:
        if stored.step.role == "user" and self.spoke:
            self.answers += 1
        if self.may_ask is None:
            for passage in passages(stored, "text"):
                found = _MAY_ASK.search(passage.lower)
                sentence = sentence_at(passage, found.start()) if found is not None else None
                if sentence is not None:
                    self.may_ask = sentence.quote
                    return

    def _askable(self) -> bool:
        return self.may_ask is not None or self.answers > 0

    def _guessed(self, stored: StoredStep) -> Iterator[Finding]:
        calls = calls_of(stored)
        self.acted = self.acted or bool(calls)
        acting = next((call for call in calls if call.changes or call.acts & {"write", "run"}), None)
        if not self._askable() or any("ask" in call.acts for call in calls) or (acting is None and self.acted):
            return
        heard = passages(stored)
        if any("?" in passage.text[-300:] for passage in heard if passage.kind == "text"):
            return
        for passage in heard:
            place = _guess_in(passage)
            sentence = sentence_at(passage, place) if place is not None else None
            if sentence is None:
                continue
            evidence = [
                sentence.quote,
                *([acting.quote(stored)] if acting else []),
                *([self.may_ask] if self.may_ask else []),
            ]
            who = f"step {self.may_ask.index + 1} says to ask" if self.may_ask else "a person was answering"
            why = f"It names something open and goes on with a guess, though {who}."
            yield Finding(MODE, stored.index, stored.index, tuple(evidence), 0.6 if acting else 0.4, why)
            return

    def _filled(self, stored: StoredStep) -> Iterator[Finding]:
        """Arguments that a refusal asked for and that the next call made up."""
        for call in calls_of(stored):
            refused = self.refused.pop(call.tool, None)
            arguments = stored.step.parts[call.part].arguments
            if refused is not None and isinstance(arguments, dict) and self.room > 0 and self._askable():
                name, error = refused
                value = str(arguments.get(name, ""))
                if value.lower() not in _EMPTY_VALUES and not self._was_given(value):
                    why = f"`{name}` was missing; the value now given for it stands nowhere in the run before."
                    evidence = (error, call.quote(stored, value.lower()))
                    yield Finding(MODE, stored.index, stored.index, evidence, 0.7, why)
            self._note_refusal(stored, call)

    def _note_refusal(self, stored: StoredStep, call: Call) -> None:
        if call.result is None or call.failed is False or len(self.refused) > 50 or call.simple:
            return
        text = stored.step.parts[call.result].text[:2_000]
        found = _MISSING.search(text)
        if found is not None:
            name = found["one"] or found["two"] or found["three"]
            self.refused[call.tool] = (name, quote_line(stored, call.result, found.start()))

    def _was_given(self, value: str) -> bool:
        small = value.lower()
        return any(small in text for text in self.seen)

    def _remember(self, stored: StoredStep) -> None:
        """Keep what people and tools said, until there is too much of it; then nothing is called unheard of."""
        for part in stored.step.parts[:100]:
            if self.room <= 0:
                return
            if part.kind == "tool_result" or (part.kind == "text" and stored.step.role != "agent"):
                self.seen.append(part.text[: self.room].lower())
                self.room -= len(part.text) + 1


def _guess_in(passage: Passage) -> int | None:
    """Where a passage guesses at what it says is open."""
    lower = passage.lower
    if _OPEN.search(lower) is None:
        return None
    found = _GUESS.search(lower)
    if found is None and _DECIDES.search(lower) is not None:
        found = _LIKELY.search(lower)
    return found.start() if found is not None else None
