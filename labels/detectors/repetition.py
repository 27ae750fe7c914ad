"""MAST 1.3, step repetition: the same thing is done again although nothing has happened that could give another
outcome.

Rule. Actions of one actor that are the same (equal tool and arguments, or texts that share 80 % of their shingles)
form a chain while their results stay the same and nothing new happens in between. A chain of three is a loop, whether
its members follow each other or are the same place of a cycle of up to five actions, or come back with only looks in
between. Progress ends a chain: a changed result, a new action that may change something, a new word of a person.
Letting time pass is no repetition, a state that moves by itself may be asked for often, and a call may be tried again
after an error that passes.

Sources: the definition of the mode (Cemri et al. 2025) for "finished", "no progress"; loop guards in use elsewhere for
the numbers (OpenHands: 4 equal actions, 3 with equal errors, A-B-A-B over 6 events, since the last word of the user;
Gemini CLI: cycles of 1 to 5 actions, reset by another file, argument or error; Cline and Roo Code: 3 equal calls).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labels.detectors import actions
from labels.detectors.actions import Action
from labels.detectors.base import Finding, Need, RunMeta
from labels.detectors.chains import (
    ALIKE,
    LONGEST_CYCLE,
    MODE,
    TIMES,
    TIMES_LONG_TEXT,
    TIMES_MOVING,
    TIMES_PASSING,
    Chain,
    State,
    report,
)
from labels.detectors.similar import Shingles, shingles_of
from sessions.bodies import StoredStep

#: A text or a call needs so many shingles to be compared for likeness; shorter ones must be equal.
LEAST_SHINGLES = 12
#: A short text says the same in other words if it shares so much of its matter, and of the names in it.
SAME_MATTER, SAME_NAMES = 0.7, 0.85
#: Actions of an actor that are remembered, and texts of others that tell what is only a template.
WINDOW, TEMPLATES = 40, 24
MOST_ACTORS = 32
#: What is said again so many steps after a loop of texts belongs to it.
TALK_REACH = 10
#: So many look-alikes that are not the same are looked into.
MOST_TRIES = 3
#: A result that says less than this ("", "ok") does not tell whether two calls did the same.
TELLING_RESULT = 20


@dataclass(slots=True, eq=False)
class _Loop:
    """A loop that was reported. last: the step it had come to since. times: how often it had been gone through."""

    last: int
    times: int


@dataclass(slots=True, eq=False)
class _Actor:
    """chains: by tool ("" for texts) and what is done, what was done last at the end. place: how much it has done."""

    place: int = 0
    chains: OrderedDict[str, OrderedDict[str, Chain]] = field(default_factory=OrderedDict)
    loop: _Loop | None = None

    def remember(self, chain: Chain) -> None:
        """Put a chain last, and drop what was done too long ago."""
        action = chain.action
        found = self.chains.setdefault(action.name, OrderedDict())
        found[action.key] = chain
        oldest = next(iter(found.values()))
        if len(found) > WINDOW or self.place - oldest.place > WINDOW:
            del found[oldest.action.key]
        if len(self.chains) > WINDOW:
            self.chains.popitem(last=False)


class RepetitionDetector:
    """See the module's docstring."""

    id = "repetition"
    version = "1"
    title = "Step repetition"
    source = "MAST 1.3; loop guards of OpenHands, Gemini CLI, Cline and Roo Code; exact Jaccard over word shingles"
    modes = (MODE,)
    needs: frozenset[Need] = frozenset()
    default = True
    params: Mapping[str, Any] = {
        "alike": ALIKE,
        "window": WINDOW,
        "times": [TIMES, TIMES_MOVING, TIMES_PASSING, TIMES_LONG_TEXT],
        "longest_cycle": LONGEST_CYCLE,
    }

    def start(self, run: RunMeta) -> _Watch:  # noqa: ARG002 - every detector is told of the run
        return _Watch()


class _Watch:
    """A run being watched. Holds WINDOW actions for each of at most MOST_ACTORS actors."""

    def __init__(self) -> None:
        self._now = State()
        self._actors: OrderedDict[str, _Actor] = OrderedDict()
        self._talk: _Loop | None = None
        self._others: deque[tuple[str, int, Shingles]] = deque(maxlen=TEMPLATES)
        self._waiting: Sequence[tuple[str | None, Action]] = ()
        self._caller: StoredStep | None = None
        self._unanswered: Action | None = None
        self._heard: OrderedDict[str, None] = OrderedDict()

    def feed(self, steps: Sequence[StoredStep]) -> Iterator[Finding]:
        for stored in steps:
            yield from self._agent(stored) if stored.step.role == "agent" else self._other(stored)

    def finish(self) -> Iterator[Finding]:
        yield from self._settle()

    # -- one step -------------------------------------------------------------------------------------------------

    def _other(self, stored: StoredStep) -> Iterator[Finding]:
        """A step of a person, of the world or of the instructions."""
        for part in stored.step.parts:
            if part.kind == "tool_result":
                actions.answer(self._waiting, part, None)
        if self._waiting and self._answered():
            yield from self._settle()
        texts = (part.text for part in stored.step.parts if part.kind in ("text", "tool_result"))
        text = max(texts, key=len, default="")
        if not text.strip():
            return
        if stored.step.role == "user" and self._new(text):
            self._happened(news=1)
        elif stored.step.role == "environment":
            self._happened(world=self._new(text))
            if self._unanswered is not None:
                self._unanswered.result, self._unanswered = actions.ends(text), None
        self._others.append((stored.step.actor, stored.index, shingles_of(text)))

    def _agent(self, stored: StoredStep) -> Iterator[Finding]:
        found = actions.calls_of(stored)
        for part in found.late:  # of calls of an earlier step
            actions.answer(self._waiting, part, None)
        yield from self._settle()
        if found.calls:
            self._waiting, self._caller = found.calls, stored
            if self._answered():
                yield from self._settle()
        elif (action := actions.said(stored)) is not None:
            self._unanswered = action
            yield from self._did(stored, action)
            self._others.append((stored.step.actor, stored.index, action.shingles))

    def _answered(self) -> bool:
        return all(action.result is not None for _, action in self._waiting)

    def _settle(self) -> Iterator[Finding]:
        """What was called has its answers, or will get none."""
        waiting, self._waiting = self._waiting, ()
        for _, action in waiting:
            if self._caller is not None:
                yield from self._did(self._caller, action)

    def _new(self, text: str) -> bool:
        """Whether this was not said lately, clocks and durations aside."""
        key = actions.timeless(" ".join(text[:2_000].split()))
        new = key not in self._heard
        self._heard[key] = None
        self._heard.move_to_end(key)
        if len(self._heard) > WINDOW:
            self._heard.popitem(last=False)
        return new

    def _happened(self, *, news: int = 0, world: int = 0, talk: int = 0) -> None:
        now = self._now
        self._now = State(now.news + news, now.world + world, now.talk + talk)

    # -- chains ---------------------------------------------------------------------------------------------------

    def _did(self, stored: StoredStep, action: Action) -> Iterator[Finding]:
        actor = self._actor(stored)
        actor.place += 1
        if not action.said and actions.ends_work(action):
            return
        if not action.said and actions.waits(action):
            self._happened(news=1)
            return
        chain = self._chain(stored.step.actor, actor, action)
        if chain is None:
            self._happened(talk=action.said, news=not action.said and not actions.only_looks(action))
            actor.remember(Chain.of(action, actor.place, self._now))
            return
        del actor.chains[action.name][chain.action.key]
        self._again(actor, chain, action)
        actor.remember(chain)
        yield from self._established(actor, chain)

    def _actor(self, stored: StoredStep) -> _Actor:
        step = stored.step
        key = f"{step.depth} {step.parent_call or ''} {step.branch or ''} {step.actor}"
        found = self._actors.get(key)
        if found is None:
            found = self._actors[key] = _Actor()
            if len(self._actors) > MOST_ACTORS:
                self._actors.popitem(last=False)
        self._actors.move_to_end(key)
        return found

    def _chain(self, name: str, actor: _Actor, action: Action) -> Chain | None:
        """The chain that an action goes on with: of the same actions, or of such that are all but the same. name: of
        the actor."""
        chains = actor.chains.get(action.name)
        if chains is None:
            return None
        actor.chains.move_to_end(action.name)
        chain = chains.get(action.key)
        if chain is not None or not (action.said or _telling(action)):
            return chain
        wording = action.wording
        if wording is not None:
            for chain in reversed(chains.values()):
                other = chain.action.wording
                if other is not None and wording.same_matter(other, SAME_MATTER, SAME_NAMES):
                    return chain
        return self._look_alike(name, chains, action)

    def _look_alike(self, name: str, chains: OrderedDict[str, Chain], action: Action) -> Chain | None:
        """The last chain of such actions as share most of their shingles with this one."""
        own = action.shingles
        size, tries = len(own.all), MOST_TRIES
        if size < LEAST_SHINGLES:
            return None
        for chain in reversed(chains.values()):
            other = chain.action.shingles
            if ALIKE * size <= len(other.all) <= size / ALIKE and other.alike(own, ALIKE):
                if self._near(name, chain.action, action):
                    return chain
                tries -= 1
                if not tries:
                    return None
        return None

    def _near(self, name: str, before: Action, action: Action) -> bool:
        """Whether two actions that look alike are all but the same. A call must have had the same answer too: other
        arguments with another answer are progress. In a text, what others had said before does not count."""
        if not action.said:
            return actions.same_answer(before, action)
        earlier = (said.all for who, index, said in self._others if index < before.index and who != name)
        template = frozenset[int]().union(*earlier)
        rest = len(action.shingles.all - template)
        return rest >= LEAST_SHINGLES and before.shingles.alike(action.shingles, ALIKE, without=template)

    def _again(self, actor: _Actor, chain: Chain, action: Action) -> None:
        """An action is done again: its chain grows, or begins anew because there was progress. A request that was
        followed by something new from the world ("the next one, please") is progress too."""
        if action.said:  # its own answer is still to come: the one before it is compared with that before
            last, chain.answer = chain.answer, chain.action.result
            changed = last is not None and chain.answer is not None and not actions.same_text(last, chain.answer)
        else:
            changed = not actions.same_answer(chain.action, action)
            self._happened(news=changed)
        asked_on = action.wording is not None and self._now.world != chain.then.world
        if changed or asked_on or self._now.news != chain.then.news:
            chain.begin(action, actor.place, self._now)
        else:
            chain.grow(action, actor.place, self._now)

    # -- loops ----------------------------------------------------------------------------------------------------

    def _established(self, actor: _Actor, chain: Chain) -> Iterator[Finding]:
        """Report a loop when it has become one, and again whenever it has doubled: it may go on for thousands of
        steps, and whoever let it pass once should hear that it did not end. A cycle is one loop and not one for each
        of its actions; what agents say goes round among all of them, so that is one as well."""
        if chain.count < chain.needed:
            return
        loop, reach = (self._talk, TALK_REACH) if chain.action.said else (actor.loop, 0)
        first, last = chain.done[0].index, chain.action.index
        if loop is not None and first <= loop.last + reach:
            loop.last = last
            if chain.count < 2 * loop.times:
                return
        found = _Loop(last, chain.count)
        if chain.action.said:
            self._talk = found
        else:
            actor.loop = found
        yield from report(chain)


def _telling(action: Action) -> bool:
    """Whether a call's answer tells that another one did the same: it says something, and the call changed nothing."""
    return (
        action.result is not None and len(action.result) >= TELLING_RESULT and not (action.effect and not action.error)
    )
