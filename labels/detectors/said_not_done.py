"""Words and calls that do not fit together (MAST 2.6, reasoning-action mismatch).

Rules of this project, from the mode's definition. An agent says that it ran, tested, sent or changed something and the
run holds no call that could have. Or it announces one file, one entry of a list or one command, the call beside it is
of the same kind and takes another, and its next step does not do the announced thing either. Or it says that it leaves
something alone and the call beside it changes that. An announcement that the next step makes good is no mismatch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labels.detectors.base import Finding, Need, Quote, RunMeta
from labels.detectors.calls import Call, Ran, calls_of
from labels.detectors.claims import ran_in
from labels.detectors.words import Passage, Sentence, passages, sentence_at, small
from sessions.bodies import StoredStep

MODE = "reasoning-action-mismatch@mast"
MOST_IN_RUN, MOST_LISTINGS, MOST_NAMES = 8, 12, 200
#: A change reported as made. Some words are said of texts and thoughts as well, and need a thing that is none.
_DID = re.compile(
    r"(?:\bi(?:'ve| have)|\b(?:your|the) [^.\n]{3,60} (?:has|have) been) (?:now |just |already |also )?"
    r"(?:successfully )?(?:(?:sent|saved|updated|cancell?ed|booked|refunded|deployed|deleted|submitted|pushed|"
    r"committed|installed|restarted|scheduled|transferred|upgraded|rebooked|exchanged|fixed|applied|removed)\b(?! my\b)"
    r"|(?:added|created|written|modified|processed|changed)\b[^.\n]{0,60}"
    r"(?:\.[a-z]{1,5}\b|\b(?:file|files|database|config|configuration|branch|account|booking|reservation|order|ticket|"
    r"record|refund|payment|repository|server)\b))"
)
_MEANS_TO = re.compile(
    r"\b(?:let me|let's|i(?:'ll| will)|i(?:'m| am) going to|going to|now to|next,? i(?:'ll| will)|time to)\s+"
    r"(?:now |first |also |just |quickly |next |then ){0,3}"
    r"(?P<verb>open|read|view|look at|look into|check|inspect|see|edit|modify|update|change|fix|rewrite|run|execute|"
    r"restart|delete|remove|scale|describe)\b(?P<rest>[^\n]{0,160})"
)
#: What an agent says it keeps its hands off, in the very step in which it acts.
_SPARES = re.compile(
    r"\b(?:leave|leaving|keep|keeping) (?:the |our )?(?P<one>[\w./-]{3,60}) (?:alone|untouched|as it is|unchanged)\b"
    r"|\b(?:won't|will not|not going to|do not want to|don't want to|must not|without) (?:touch|chang|modify|delet|"
    r"edit|restart|remov)\w* (?:the |our )?(?P<other>[\w./-]{3,60})"
)
_NO_NAME = frozenset(
    "anything everything something rest others other any all existing code file files data it this".split()
)
_CLASSES: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        "open|read|view|look at|look into|check|inspect|see|describe".split("|"), frozenset(("read", "search"))
    ),
    **dict.fromkeys("edit|modify|update|change|fix|rewrite".split("|"), frozenset(("write",))),
    **dict.fromkeys(("run", "execute"), frozenset(("run", "test"))),
}  # fmt: skip
_FILE = re.compile(r"(?<![\w/.])/?(?:[\w.@-]+/)*[\w-][\w.-]*\.[a-z][a-z0-9]{0,5}(?![\w/(])")
_COMMAND = re.compile(
    r"\b(?:run|running|execute|executing)\s+(?:the (?:command|script) )?`(?P<command>[a-z][\w./-]*[^`\n]{0,200})`"
)
_NOT_NOW = re.compile(r"\b(?:later|afterwards|once|would|could|should|eventually|if|instead of|don't|not|whether)\b")
_ROW = re.compile(r"^(?P<name>[A-Za-z][\w.-]{2,60})[ \t]+\S")
_HASHED = re.compile(r"-(?=[a-z0-9]*\d)[a-z0-9]{4,12}(?=-|$)")


@dataclass(slots=True)
class _Announced:
    """Something announced that the call beside it is not. wanted: words one of which makes it good."""

    wanted: tuple[str, ...]
    first: int
    evidence: tuple[Quote, Quote]
    why: str


class SaidNotDoneDetector:
    """See the module's docstring."""

    id = "said-not-done"
    version = "1"
    title = "Said one thing, did another or nothing"
    source = "Own rule after MAST 2.6 (arXiv 2503.13657), on typed tool calls"
    modes: tuple[str, ...] = (MODE,)
    needs: frozenset[Need] = frozenset()
    default = False
    params: Mapping[str, Any] = {}

    def start(self, run: RunMeta) -> _Watch:
        return _Watch(run)


class _Watch:
    def __init__(self, run: RunMeta) -> None:
        self.ran = Ran(run.format)
        self.changed = False
        self.waiting: dict[str, list[_Announced]] = {}
        self.listings: list[frozenset[str]] = []
        self.told: set[str] = set()
        self.found = 0

    def feed(self, steps: Sequence[StoredStep]) -> Iterable[Finding]:
        for stored in steps:
            if stored.step.stage == "demonstration":
                continue
            for finding in self._step(stored):
                if self.found < MOST_IN_RUN:
                    self.found += 1
                    yield finding

    def finish(self) -> Iterable[Finding]:
        for announced in self.waiting.values():
            yield from (_finding(one) for one in announced[: MOST_IN_RUN - self.found])

    def _step(self, stored: StoredStep) -> Iterator[Finding]:
        calls = calls_of(stored)
        if stored.step.role == "agent":
            yield from self._made_good(stored, calls)
        self.ran.feed(stored)
        for call in calls:
            may_change = call.changes or not call.acts or bool(call.acts & {"write", "run"})
            self.changed = self.changed or (may_change and call.failed is not True)
        if stored.step.role == "agent":
            heard = passages(stored)
            yield from self._claimed(stored, heard)
            yield from _spared(stored, heard, calls)
            if calls:
                self._announced(stored, heard, calls)
        self._note_listings(stored)

    def _claimed(self, stored: StoredStep, heard: list[Passage]) -> Iterator[Finding]:
        for passage in heard:
            if passage.kind != "text":
                continue
            sentence = ran_in(passage) if self.ran.nothing and "ran" not in self.told else None
            if sentence is not None:
                self.told.add("ran")
                why = "It says that something was run, and no step of the run so far runs anything."
                yield Finding(MODE, stored.index, stored.index, (sentence.quote,), 0.6, why)
            if self.ran.called and not self.changed and "did" not in self.told:
                sentence = _said(passage, _DID)
                if sentence is not None:
                    self.told.add("did")
                    why = "It reports a change as made, and no call so far made one that succeeded."
                    yield Finding(MODE, stored.index, stored.index, (sentence.quote,), 0.6, why)

    def _announced(self, stored: StoredStep, heard: list[Passage], calls: tuple[Call, ...]) -> None:
        """Note what the step means to do, where its calls do something else of the same kind."""
        made = "\n".join(small(call.text[:4_000]) for call in calls)
        found: list[_Announced] = []
        for passage in heard:
            found += self._files(stored, passage, calls, made)
            found += self._entries(stored, passage, calls, made)
            found += _commands(stored, passage, calls, made)
        if found and len(self.waiting) < 50:
            self.waiting[stored.step.actor] = found[:3]

    def _files(self, stored: StoredStep, passage: Passage, calls: tuple[Call, ...], made: str) -> Iterator[_Announced]:
        for sentence, verb, rest in _meant(passage):
            names = _names(rest)
            wanted = _CLASSES.get(verb)
            if not names or wanted is None or any(name in made for name in names):
                continue
            for call in calls:
                others = [path for path in call.paths if _FILE.search(small(path)) is not None]
                if call.acts & wanted and others:
                    why = (
                        f"It announces {names[0]}; the call takes {others[0][:80]}, and the next step is no correction."
                    )
                    yield _Announced(names, stored.index, (sentence.quote, call.quote(stored)), why)
                    return

    def _entries(
        self, stored: StoredStep, passage: Passage, calls: tuple[Call, ...], made: str
    ) -> Iterator[_Announced]:
        """One entry of a list that a tool gave is announced, another one is taken."""
        if not self.listings:
            return
        for sentence, _, rest in _meant(passage):
            words = frozenset(re.findall(r"[a-z][a-z0-9_-]{2,60}", rest))
            for listing in self.listings:
                meant = listing & words
                if len(meant) != 1 or any(name in made for name in meant):
                    continue
                for call in calls:
                    taken = frozenset(re.findall(r"[a-z][a-z0-9_-]{2,60}", small(call.text[:2_000]))) & listing
                    if len(taken) == 1 and not taken & words:
                        (name,), (other,) = meant, taken
                        why = f"It announces {name}; the call takes {other}, another entry of the same list."
                        yield _Announced((name,), stored.index, (sentence.quote, call.quote(stored, other)), why)
                        return

    def _made_good(self, stored: StoredStep, calls: tuple[Call, ...]) -> Iterator[Finding]:
        """The actor's next step: does it do what was announced?"""
        announced = self.waiting.pop(stored.step.actor, None)
        if not announced:
            return
        made = "\n".join(small(call.text[:4_000]) for call in calls)
        if not calls:
            made = "\n".join(passage.lower for passage in passages(stored))
        for one in announced:
            if not any(word in made for word in one.wanted):
                yield _finding(one)

    def _note_listings(self, stored: StoredStep) -> None:
        for call in calls_of(stored):
            if call.result is None:
                continue
            names = _listed(stored.step.parts[call.result].text)
            if names and names not in self.listings:
                self.listings = [*self.listings[-MOST_LISTINGS:], names]


def _finding(one: _Announced) -> Finding:
    return Finding(MODE, one.first, one.first, one.evidence, 0.6, one.why)


def _spared(stored: StoredStep, heard: list[Passage], calls: tuple[Call, ...]) -> Iterator[Finding]:
    """A change to the very thing that the step says it leaves alone."""
    for passage in heard:
        for found in _SPARES.finditer(passage.lower):
            name = (found["one"] or found["other"]).strip(".,")
            if found["one"] is None and not re.search(r"[./_@\d]", name):
                continue  # "without changing the parser" may mean its behaviour
            call = next((call for call in calls if call.changes and _names_it(call, name)), None)
            sentence = sentence_at(passage, found.start())
            if name in _NO_NAME or call is None or sentence is None or sentence.text.endswith("?"):
                continue
            why = f"It says that it leaves {name[:40]} alone, and the call beside it changes that."
            evidence = (sentence.quote, call.quote(stored, name))
            yield Finding(MODE, stored.index, stored.index, evidence, 0.75, why)
            return


def _names_it(call: Call, name: str) -> bool:
    """Whether what a call changes goes by that name; a word inside a longer one does not count."""
    target = "\n".join(call.outputs).lower() if call.outputs else call.target
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", target) is not None


def _said(passage: Passage, pattern: re.Pattern[str]) -> Sentence | None:
    found = pattern.search(passage.lower)
    return sentence_at(passage, found.end() - 1) if found is not None else None


def _meant(passage: Passage) -> Iterator[tuple[Sentence, str, str]]:
    """What a passage says the agent is about to do now: the last two such sentences, with verb and object."""
    for found in list(_MEANS_TO.finditer(passage.lower))[-2:]:
        rest = re.split(r"[.!?;](?:\s|$)", found["rest"], maxsplit=1)[0]
        sentence = sentence_at(passage, found.start("verb"))
        if sentence is not None and _NOT_NOW.search(rest.split(" to ", 1)[0]) is None:
            yield sentence, found["verb"], rest


def _names(phrase: str) -> tuple[str, ...]:
    """The names of the files in a phrase, without their folders."""
    return tuple(dict.fromkeys(path.rsplit("/", 1)[-1] for path in _FILE.findall(phrase)))[:6]


def _commands(stored: StoredStep, passage: Passage, calls: tuple[Call, ...], made: str) -> Iterator[_Announced]:
    """`Running X` in so many words, and the shell gets something else."""
    shells = [call for call in calls if call.simple]
    if not shells or len(shells) != len(calls):
        return
    for found in list(_COMMAND.finditer(passage.lower))[-1:]:
        program = found["command"].split()[0].rsplit("/", 1)[-1]
        sentence = sentence_at(passage, found.start("command"))
        if sentence is None or program in made or _NOT_NOW.search(sentence.lower) is not None:
            continue
        why = f"It announces `{found['command'][:60]}`; neither this step nor the next runs it."
        yield _Announced((program,), stored.index, (sentence.quote, shells[0].quote(stored)), why)


def _listed(text: str) -> frozenset[str]:
    """The names in the first column of a table, without the hash that a replica's name ends in; none if it is no
    table."""
    names: set[str] = set()
    lines = text[:6_000].split("\n")[:MOST_NAMES]
    rows = [found for line in lines if (found := _ROW.match(line)) is not None]
    if len(rows) < 3 or len(rows) < 0.7 * len([line for line in lines if line.strip()]):
        return frozenset()
    for row in rows:
        name = small(row["name"])
        name = _HASHED.sub("", name)
        if len(name) > 2 and not row["name"].isupper():
            names.add(name)
    return frozenset(names) if len(names) >= 3 else frozenset()
