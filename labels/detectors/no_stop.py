"""The end has come and the run goes on: talk after an end mark, rounds of thanks, idle turns to the limit (MAST 1.5).

Rule of this project, from the mode's definition ("they go on working or talking without adding anything"). End marks
are those of the frameworks: AutoGen's TERMINATE on a line of its own or at a message's end, a finishing tool that
succeeded. Farewells count in a row only, and a person who asks for something new ends every count. A step limit that
was hit counts where the last actions only repeat themselves; hitting a limit at work is no failure of this kind.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from labels.detectors.base import Finding, Need, Quote, RunMeta, quote_line
from labels.detectors.calls import calls_of, executions_of
from labels.detectors.words import small
from sessions.bodies import StoredStep

MODE = "unaware-of-termination-conditions@mast"
#: Steps of agents after an end mark, agents' turns of thanks or of nothing in a row, equal actions before a limit.
AFTER_END, IDLE_TURNS, REPEATED = 2, 3, 3
LONGEST_FAREWELL = 600
_MARK = re.compile(
    r"(?:^|\n)[*_`\"' ]*(?:TERMINATE|TASK_COMPLETED?|TASK_DONE|<TASK_DONE>)[*_`\"'. ]*(?=\n|$)|\bTERMINATE[.*_ ]*\s*$"
)
_FAREWELL = re.compile(
    r"\b(?:thank(?:s| you)|you're welcome|you are welcome|my pleasure|good ?bye|bye|take care|glad (?:i|we|to|it|that)|"
    r"have a (?:great|good|nice|wonderful|lovely)|happy to (?:help|have)|feel free to|let me know if|don't hesitate|"
    r"looking forward|great (?:job|work|collaborat)|well done|pleasure (?:working|to)|likewise|all the best|"
    r"please continue|is there anything else|nothing else)\b"
)
#: Words of somebody who goes on working or wants something, whatever thanks stand before them.
_AT_WORK = re.compile(
    r"\b(?:let's|let us|let me (?!know)|we (?:need|should|can|must)|i(?:'ll| will) now|next step|first,)"
)
_WANTS = re.compile(
    r"\?|\b(?:now|next|also|another|instead|i(?:'d| would) like|i (?:want|need)|(?:can|could|would) you|"
    r"please (?!continue|let me know|feel free))\b"
)
#: A plan that counts its steps is not at its end when one of them is.
_PLAN_GOES_ON = re.compile(r"\bstep \d{1,4} ?(?:/|of) ?\d|\bmarked step \d")
_LIMIT = re.compile(
    r"\blimits?exceeded\b|\bexit_(?:cost|context|steps?|time)\b|\berror_max_turns\b"
    r"|\bmax(?:imum)?[_ ](?:number of )?(?:turns?|steps?|iterations?|rounds?)\b.{0,20}\b(?:reached|exceeded|hit)\b"
    r"|\b(?:step|turn|iteration|round) limit (?:was |has been )?(?:reached|exceeded|hit)\b"
)


class NoStopDetector:
    """See the module's docstring."""

    id = "no-stop"
    version = "1"
    title = "The end is there and the run goes on"
    source = "Own rule after MAST 1.5 (arXiv 2503.13657); end marks of AutoGen, SWE-agent, OpenHands"
    modes: tuple[str, ...] = (MODE,)
    needs: frozenset[Need] = frozenset()
    default = False
    params: Mapping[str, Any] = {"after_end": AFTER_END, "idle_turns": IDLE_TURNS, "repeated": REPEATED}

    def start(self, run: RunMeta) -> _Watch:  # noqa: ARG002
        return _Watch()


class _Watch:
    def __init__(self) -> None:
        self.ended: Quote | None = None
        self.after: list[Quote] = []
        self.idle: list[Quote] = []
        self.idle_from = self.idle_count = self.idle_agents = 0
        self.actions: deque[tuple[int, Quote]] = deque(maxlen=8)
        self.directed: set[str] = set()
        self.told: set[str] = set()

    def feed(self, steps: Sequence[StoredStep]) -> Iterable[Finding]:
        for stored in steps:
            if stored.step.depth > 0:
                continue  # a sub-agent ends when its own work is done
            yield from self._limit(stored)
            if stored.step.role in ("agent", "user"):
                yield from self._end(stored)
                yield from self._farewells(stored)
            for call in calls_of(stored):
                self.actions.append((hash((call.tool, call.text)), call.quote(stored)))

    def finish(self) -> Iterable[Finding]:
        return ()

    def _end(self, stored: StoredStep) -> Iterator[Finding]:
        if stored.step.role == "user":
            if _asks_for_more(stored):
                self.ended, self.after = None, []
            return
        if self.ended is not None and _PLAN_GOES_ON.search(small(_said(stored))) is not None:
            self.ended, self.after = None, []
        if self.ended is not None and "end" not in self.told:
            first = _first_words(stored)
            self.after += [first] if first is not None else []
            if len(self.after) >= AFTER_END:
                self.told.add("end")
                why = f"The end was declared in step {self.ended.index + 1}; the agents carry on without a new request."
                yield Finding(MODE, self.ended.index, stored.index, (self.ended, *self.after), 0.6, why)
        mark = _mark_of(stored)
        if mark is not None and self.ended is None and stored.step.actor not in self.directed:
            self.ended = mark
        # An orchestrator that hands out work ("-> Coder") decides itself when the run is over.
        if len(self.directed) < 50:
            names = [part.name or "" for part in stored.step.parts[:5]]
            self.directed |= {name[3:] for name in names if name.startswith("-> ")}

    def _farewells(self, stored: StoredStep) -> Iterator[Finding]:
        if not _is_idle(stored) or (stored.step.role == "user" and _asks_for_more(stored)):
            self.idle, self.idle_count, self.idle_agents = [], 0, 0
            return
        if not self.idle_count:
            self.idle_from = stored.index
        self.idle_count += 1
        self.idle_agents += stored.step.role == "agent"
        first = _first_words(stored)
        if first is not None and len(self.idle) < 5:
            self.idle.append(first)
        enough = self.idle_agents >= IDLE_TURNS and self.idle_count > IDLE_TURNS
        if enough and self.idle and "idle" not in self.told:
            self.told.add("idle")
            why = f"{self.idle_count} turns in a row hold thanks, farewells or nothing at all."
            yield Finding(MODE, self.idle_from, stored.index, tuple(self.idle), 0.6, why)

    def _limit(self, stored: StoredStep) -> Iterator[Finding]:
        if "limit" in self.told or len(self.actions) < REPEATED:
            return
        for place, part in enumerate(stored.step.parts[:50]):
            if part.kind not in ("raw", "text") or (part.kind == "text" and stored.step.role == "agent"):
                continue
            found = _LIMIT.search(small(part.text[:2_000]))
            if found is None:
                continue
            last = self.actions[-1][0]
            same = [quote for key, quote in self.actions if key == last]
            if len(same) >= REPEATED:
                self.told.add("limit")
                why = f"The run was cut off at its limit, and {len(same)} of its last actions are the same."
                evidence = (*same[:3], quote_line(stored, place, found.start()))
                yield Finding(MODE, same[0].index, stored.index, evidence, 0.6, why)
            return


def _mark_of(stored: StoredStep) -> Quote | None:
    """The words of an agent's step that declare the end."""
    for call in calls_of(stored):
        if "finish" in call.acts and _accepted(stored, call.result) and not call.failed:
            return call.quote(stored) if call.text.strip() else _first_words(stored)
    for place, part in enumerate(stored.step.parts[:20]):
        if part.kind == "text" and ("TERMINATE" in part.text or "TASK_" in part.text):
            start = max(0, len(part.text) - 2_000)
            found = _MARK.search(part.text[start:])
            if found is not None:
                return quote_line(stored, place, start + found.end() - 1)
    return None


def _accepted(stored: StoredStep, result: int | None) -> bool:
    """Whether a finishing call ended the run as far as its result tells: it asks for nothing more."""
    said = small(stored.step.parts[result].text[:3_000]) if result is not None else ""
    return "?" not in said and "review" not in said and "please" not in said and "not" not in said


def _is_idle(stored: StoredStep) -> bool:
    """Whether a step is a short farewell or nothing: no call, no code, no figures asked or given."""
    if calls_of(stored) or executions_of(stored):
        return False
    said = small(_said(stored))
    if not said:
        return True
    if len(said) > LONGEST_FAREWELL or "```" in said or _AT_WORK.search(said) is not None:
        return False
    return _FAREWELL.search(said) is not None


def _asks_for_more(stored: StoredStep) -> bool:
    """Whether a person's words ask for something: more than thanks and `please continue`."""
    said = small(_said(stored))
    if not said or "###stop###" in said:
        return False
    if len(said) > LONGEST_FAREWELL or _WANTS.search(said) is not None:
        return True
    return _FAREWELL.search(said) is None


def _said(stored: StoredStep) -> str:
    """All that a step says besides calls, at most some thousand characters."""
    parts = [part.text[:2_000] for part in stored.step.parts[:8] if part.kind in ("text", "raw", "tool_result")]
    return "\n".join(parts).strip()


def _first_words(stored: StoredStep) -> Quote | None:
    for place, part in enumerate(stored.step.parts[:20]):
        if part.kind in ("text", "tool_call") and part.text.strip():
            return quote_line(stored, place, len(part.text) - len(part.text.lstrip()))
    return None
