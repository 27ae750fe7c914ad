"""An agent does another one's work or speaks in its place (MAST 1.2, disobey role specification).

Rule of this project, from the mode's definition. "It invents that agent's answer instead of waiting for it": inside an
agent's turn stands a heading with another participant's name, and below it the work itself (code, verdicts, results),
not an instruction to that participant. "An agent does what the set-up reserves for another role": a call breaks a
prohibition, or leaves the list of tools, that the instructions give to this very agent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labels.detectors.bans import Ban, bans_in, breaks
from labels.detectors.base import Finding, Need, Quote, RunMeta, quote_line
from labels.detectors.calls import Call, calls_of, tool_of
from labels.detectors.deeds import deeds_of
from labels.detectors.words import Passage, passages, sentence_at, small
from sessions.bodies import StoredStep

MODE = "disobey-role-specification@mast"
MOST_IN_RUN, MOST_ACTORS, MOST_LINES, BELOW = 6, 100, 800, 1_500
#: Names that participants go by, for those who are named in the instructions and never get to speak.
_ROLE_NAMES = frozenset(
    "coder programmer developer engineer tester verifier reviewer critic planner manager architect designer analyst "
    "researcher writer editor executor summarizer validator checker debugger supervisor coordinator moderator".split()
)
_HEADING = re.compile(
    r"^[ \t]*+(?P<mark>#{1,6} |\*\*|__)?[ \t]*+(?:\d{1,2}[.)][ \t]*+)?(?:[Ss]tep \d{1,2}[ \t]*+\(?[ \t]*+)?"
    r"(?P<name>[A-Z][A-Za-z_]{2,30})(?P<own>['\u2019]s)?(?P<rest>[^\n]{0,120})$",
    re.MULTILINE,
)
_WORK = re.compile(
    r"^[ \t]*(?:[-\u2014\u2013:/][ \t]*)?(?:\w+ ){0,2}(?:implementation|verification|response|reply|report|results?|"
    r"findings?|review|fix|answer|output|code|solution|feedback|confirmation|test run|turn|pass)\b"
    r"(?!\s+(?:plan|checklist|steps|criteria|tasks?|requirements|should|must|will|needs?|spec))"
)
#: A speaker's mark after a name: `:`, `(continued):`, or nothing at all where the name is a heading.
_SPEAKS = re.compile(
    r"^[ \t]*(?:\((?:continu|cont\b|final|round|pass|turn|after)[^)\n]{0,40}\))?[ \t]*\)?:?\**:[ \t]*(?:\**[ \t]*)"
)
_SETS_WORK = re.compile(
    r"\b(?:please|you (?:should|must|need)|your (?:task|job|role)|should|must|needs? to|will (?:need|have|be)|can you|"
    r"could you|is (?:responsible|to)|ready for|assigned|expected|to (?:implement|verify|write|review|test|check))\b"
    r"|^\W{0,6}(?:implement|write|verify|review|test|check|create|provide|ensure|run|confirm|add|build|deliver|produce)\b"
)
_DONE = re.compile(
    r"```|\bpass(?:ed|es)?\b|\u2705|\u2713|\bverified\b|\bconfirmed\b|\bapproved\b|\bhere(?:'s| is)\b|\b(?:re-?)?ran\b"
    r"|\bi(?:'ve| have)? (?:run|tested|implemented|fixed|traced|verified|checked|reviewed|added|wrote)\b"
)
_NEXT_PART = re.compile(r"\n[ \t]*(?:#{1,6} |---|\*\*[A-Z])")
_YOU_ARE = re.compile(r"\byou are (?:the |an? )?(?P<name>[a-z][\w-]{2,30})(?: agent)?\b")
_TOOLS = re.compile(
    r"\b(?:your (?:only )?tools? (?:is|are)|you (?:may|can|must) only (?:use|call)|use only|only use|you have only|"
    r"you only have|your tools)\b[ \t]*(?:access to )?(?:the )?(?:following )?(?:tools?)?[ \t]*:?"
    r"(?P<rest>[^\n.]{2,300})"
)
_TOOL_NAME = re.compile(r"`([A-Za-z_][\w.-]{1,50})`|\b([a-z]+(?:_[a-z0-9]+)+)\b")


@dataclass(slots=True)
class _Rules:
    """What the instructions give to one agent."""

    bans: list[Ban] = field(default_factory=list)
    tools: frozenset[str] = frozenset()
    quote: Quote | None = None


class RoleDriftDetector:
    """See the module's docstring."""

    id = "role-drift"
    version = "1"
    title = "Another agent's work or words"
    source = "Own rule after MAST 1.2 (arXiv 2503.13657)"
    modes: tuple[str, ...] = (MODE,)
    needs: frozenset[Need] = frozenset(("roles",))
    default = False
    params: Mapping[str, Any] = {}

    def start(self, run: RunMeta) -> _Watch:
        return _Watch(run)


class _Watch:
    def __init__(self, run: RunMeta) -> None:
        self.names = _named_in(run.task or "")
        self.actors: dict[str, None] = {}
        self.rules: dict[str, _Rules] = {}
        self.waiting: list[tuple[str, Finding]] = []
        self.found = 0

    def feed(self, steps: Sequence[StoredStep]) -> Iterable[Finding]:
        for stored in steps:
            role = stored.step.role
            if role in ("system", "user"):
                self._hear(stored)
            if role == "agent":
                if len(self.actors) < MOST_ACTORS:
                    self.actors.setdefault(_plain(stored.step.actor))
                for finding in (*self._now_known(), *self._speaks_for(stored), *self._leaves(stored)):
                    if self.found < MOST_IN_RUN:
                        self.found += 1
                        yield finding

    def finish(self) -> Iterable[Finding]:
        return ()

    def _hear(self, stored: StoredStep) -> None:
        """What the instructions say of roles: names, and rules for the one they speak to."""
        for passage in passages(stored, "text"):
            self.names |= _named_in(passage.text[:6_000])
            found = _YOU_ARE.search(passage.lower)
            if stored.step.role != "system":
                continue
            named = stored.step.actor if stored.step.actor != "system" else found["name"] if found is not None else ""
            if not named or len(self.rules) >= MOST_ACTORS:
                continue
            rules = self.rules.setdefault(_plain(named), _Rules())
            rules.bans = [*rules.bans, *bans_in(passage)][:40]
            self._hear_tools(rules, passage)

    @staticmethod
    def _hear_tools(rules: _Rules, passage: Passage) -> None:
        listed = _TOOLS.search(passage.lower)
        if listed is None:
            return
        names = frozenset(tool_of(match[1] or match[2]) for match in _TOOL_NAME.finditer(listed["rest"]))
        sentence = sentence_at(passage, listed.start())
        if names and sentence is not None:
            rules.tools, rules.quote = names, sentence.quote

    # Another agent's turn

    def _speaks_for(self, stored: StoredStep) -> Iterator[Finding]:
        own = _plain(stored.step.actor)
        if own == "agent":
            return
        for place, part in enumerate(stored.step.parts[:20]):
            if part.kind != "text":
                continue
            for number, found in enumerate(_HEADING.finditer(part.text[:60_000])):
                if number >= MOST_LINES:
                    break
                name = _plain(found["name"])
                if name == own or name in own or not self._may_be_agent(name):
                    continue
                work = _work_below(part.text, found)
                if work is None:
                    continue
                evidence = (quote_line(stored, place, found.start("name")), quote_line(stored, place, work))
                why = f"{stored.step.actor[:40]} writes the part of {found['name']} inside its own turn."
                finding = Finding(MODE, stored.index, stored.index, evidence, 0.65, why)
                if name in self.actors or name in self.names:
                    yield finding
                elif len(self.waiting) < 20:
                    self.waiting.append((name, finding))
                return

    def _may_be_agent(self, name: str) -> bool:
        return name in self.actors or name in self.names or name in _ROLE_NAMES

    def _now_known(self) -> Iterator[Finding]:
        """What was waiting for its name to turn out to be a participant's."""
        if self.waiting:
            yield from (finding for name, finding in self.waiting if name in self.actors)
            self.waiting = [(name, finding) for name, finding in self.waiting if name not in self.actors]

    # Its own rules

    def _leaves(self, stored: StoredStep) -> Iterator[Finding]:
        rules = self.rules.get(_plain(stored.step.actor))
        if rules is None or len(self.actors) < 2:
            return
        for call in calls_of(stored):
            deeds = deeds_of(call)
            broken = next((ban for ban in rules.bans if ban.kind != "limit" and breaks(call, deeds, ban)), None)
            if broken is not None:
                why = f"{stored.step.actor[:40]} does what its role forbids."
                yield Finding(MODE, stored.index, stored.index, (broken.quote, call.quote(stored)), 0.75, why)
                return
            if rules.quote is not None and _outside(call, rules.tools):
                why = f"{stored.step.actor[:40]} calls {call.name[:40]}, which is not among its tools."
                yield Finding(MODE, stored.index, stored.index, (rules.quote, call.quote(stored)), 0.7, why)
                return


def _outside(call: Call, tools: frozenset[str]) -> bool:
    return bool(call.tool) and call.tool not in tools and not call.acts & {"think", "todo", "ask", "finish"}


def _work_below(text: str, found: re.Match[str]) -> int | None:
    """Where the work itself stands below a heading with another's name; None if the heading hands work out."""
    rest = small(found["rest"])
    bare = found["mark"] is not None and not rest.strip("* _")
    is_work = (found["own"] is not None or found["mark"] is not None) and _WORK.search(rest.lstrip("* ")) is not None
    speaks = _SPEAKS.match(rest)
    if not is_work and not bare and speaks is None:
        return None
    after = rest[speaks.end() :] if speaks is not None else ""
    below = small(text[found.end() : found.end() + BELOW])
    # Up to the next heading or speaker; what comes after is somebody else's part.
    stop = _NEXT_PART.search(text[found.end() + 1 : found.end() + BELOW])
    below = below[: stop.start() + 1] if stop is not None else below
    # Instructions are prose: what code says is no instruction.
    if _SETS_WORK.search(f"{after} {below.split('```', 1)[0].strip()[:160]}"[:240]) is not None:
        return None
    done = _DONE.search(after)
    if done is not None and speaks is not None:
        return found.start("rest") + speaks.end() + done.start()
    done = _DONE.search(below)
    return found.end() + done.start() if done is not None else None


def _named_in(text: str) -> set[str]:
    """Participants that an instruction names: capitalised words that agents go by."""
    return {_plain(word) for word in re.findall(r"\b[A-Z][a-z]{3,20}\b", text[:6_000]) if word.lower() in _ROLE_NAMES}


def _plain(name: str) -> str:
    """A name as it is compared: small letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", name.lower())[:60]
