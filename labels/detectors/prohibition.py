"""A call that does what the instructions forbid in so many words (MAST 1.1, disobey task specification).

Rule of this project, from the mode's definition: the condition "must be written in the task". Read are prohibitions,
freezes, read-only things and limits in the words of the user and the system (`bans`); held against them is every later
call (`deeds`). A user who says yes lifts what was to be asked for; one who later asks for the very thing lifts it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labels.detectors.bans import VERB_DEEDS, Ban, bans_in, breaks
from labels.detectors.base import Finding, Need, RunMeta
from labels.detectors.calls import Call, calls_of
from labels.detectors.deeds import Deed, deeds_of
from labels.detectors.words import passages
from sessions.bodies import StoredStep

MODE = "disobey-task-specification@mast"
MOST_BANS, MOST_PER_BAN, MOST_IN_RUN = 60, 2, 12
_GRANT = re.compile(
    r"\b(?:go ahead|proceed|you (?:may|can)|please do|approved?|yes|yep|ok(?:ay)?|sure|do it|feel free|that's fine|"
    r"fine by me|permission|lifted|is over|confirm(?:ed)?)\b"
)
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)?")
_NEGATED = re.compile(r"\b(?:not|never|no|without|only|avoid)\b|n't\b|n\u2019t\b")


@dataclass(slots=True)
class _Held:
    """A prohibition in force. general: whether it names nothing. fired: how often it was broken."""

    ban: Ban
    from_user: bool
    count: int = 0
    fired: int = 0


class ProhibitionDetector:
    """See the module's docstring."""

    id = "prohibition"
    version = "1"
    title = "A call that the instructions forbid"
    source = "Own rule after MAST 1.1 (arXiv 2503.13657): explicit prohibitions and limits against later calls"
    modes: tuple[str, ...] = (MODE,)
    needs: frozenset[Need] = frozenset(("task", "tools"))
    default = False
    params: Mapping[str, Any] = {"per_ban": MOST_PER_BAN}

    def start(self, run: RunMeta) -> _Watch:
        return _Watch(run)


class _Watch:
    def __init__(self, run: RunMeta) -> None:
        self.task = (run.task or "").strip()[:2_000]
        self.held: list[_Held] = []
        self.asked = False
        self.found = 0

    def feed(self, steps: Sequence[StoredStep]) -> Iterable[Finding]:
        for stored in steps:
            if is_instruction(stored, self.task):
                self._hear(stored)
            elif stored.step.role == "agent" and self.held:
                yield from self._judge(stored)
                self.asked = any("?" in part.text[-400:] for part in stored.step.parts if part.kind == "text")

    def finish(self) -> Iterable[Finding]:
        return ()

    def _hear(self, stored: StoredStep) -> None:
        """Take in what a user or the system says: new prohibitions, and what lifts old ones."""
        heard = passages(stored, "text")
        from_user = stored.step.role != "system"
        if from_user:
            self.held = [held for held in self.held if not self._lifted(held, heard[0].lower[:600] if heard else "")]
            for held in self.held:
                held.count = 0
        for passage in heard:
            for ban in bans_in(passage):
                if len(self.held) < MOST_BANS:
                    self.held.append(_Held(ban, from_user))

    def _lifted(self, held: _Held, said: str) -> bool:
        if held.ban.kind in ("only", "limit") or "?" in said[-2:]:
            return False
        granted = _GRANT.search(said) is not None and _NEGATED.search(said[:60]) is None
        if granted and (held.ban.ask or self.asked):
            return True
        if _NEGATED.search(said) is not None:
            return False
        wanted = {deed for word in _WORD.findall(said) for deed in VERB_DEEDS.get(word, ())}
        return bool(wanted & held.ban.deeds) and not held.ban.things

    def _judge(self, stored: StoredStep) -> Iterator[Finding]:
        calls = [call for call in calls_of(stored) if not call.acts & {"todo", "think", "ask", "finish"}]
        for call in calls:
            deeds = deeds_of(call)
            broken = [held for held in self.held if held.fired < MOST_PER_BAN and _broken(held, call, deeds)]
            if not broken or self.found >= MOST_IN_RUN:
                continue
            # One suggestion a step, for the prohibition that says most about it: what it names, not what it implies.
            held = max(broken, key=lambda one: (bool(one.ban.things or one.ban.commands), one.from_user))
            for one in broken:
                one.fired += 1
            self.found += 1
            yield _finding(stored, call, held)
            return


def _broken(held: _Held, call: Call, deeds: frozenset[Deed]) -> bool:
    if held.ban.kind != "limit":
        return breaks(call, deeds, held.ban)
    if not _counts(held.ban.what, call):
        return False
    held.count += 1
    return held.count == held.ban.count + 1


def _counts(what: str, call: Call) -> bool:
    """Whether a call is one of the kind that a limit counts."""
    if what.startswith(("tool", "function")):
        return True
    if "command" in what:
        return bool(call.simple)
    if "search" in what:
        return "search" in call.acts
    if "quer" in what:
        return "sql" in call.tool or "query" in call.tool
    return "write" in call.acts


def _finding(stored: StoredStep, call: Call, held: _Held) -> Finding:
    ban = held.ban
    named = next((name for name in ban.names if name in call.text.lower()), "")
    evidence = (ban.quote, call.quote(stored, named))
    if ban.kind == "limit":
        why = f"The instructions allow {ban.count} {ban.what}s; this is number {ban.count + 1}."
    elif ban.kind == "only":
        why = f"The instructions limit edits to {ban.names[0]}; this call writes {call.outputs[0][:80]}."
    else:
        listed = f" ({', '.join(ban.names[:3])})" if ban.names else ""
        why = f"The instructions of step {ban.quote.index + 1} forbid this{listed}, and nobody lifted it since."
    score = 0.55 + 0.2 * bool(ban.things or ban.commands or ban.kind == "limit") + 0.1 * held.from_user
    return Finding(MODE, stored.index, stored.index, evidence, score, why)


def is_instruction(stored: StoredStep, task: str) -> bool:
    """Whether a step tells the agent what to do: the system's or the user's, or an agent's that hands on the task as
    it stands (group chats begin so). Demonstrations are none."""
    step = stored.step
    if step.stage == "demonstration":
        return False
    if step.role in ("system", "user"):
        return True
    return bool(task) and step.role == "agent" and stored.index < 3 and _says(stored, task)


def _says(stored: StoredStep, task: str) -> bool:
    return any(part.kind == "text" and part.text.strip()[: len(task)] == task for part in stored.step.parts[:3])
