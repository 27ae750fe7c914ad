"""After the context was compacted, something that was known before is asked, looked up or broken again (MAST 1.4).

Rule of this project, from the mode's definition ("after a summary or a cut of the context, something that the rest of
the work depends on is gone"). It looks only at runs that show a compaction: Claude Code's `compact_boundary` and
summary, Codex's `compacted`, Harbor's context summarization, OpenHands' condensation, as the readers give them. Then:
a question that the user had answered is asked again; the agent says it does not know what such an answer told; several
things are read again at once with the same outcome; a prohibition that the summary leaves out is broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labels.detectors.bans import Ban, bans_in, breaks
from labels.detectors.base import Finding, Need, Quote, RunMeta, quote_line
from labels.detectors.calls import Call, calls_of
from labels.detectors.deeds import deeds_of
from labels.detectors.words import Sentence, keep, likeness, meaningful, passages, sentences
from sessions.bodies import StoredStep

MODE = "loss-of-conversation-history@mast"
#: Steps of the agent after a compaction in which a second reading is "at once"; how many readings make a hint; how
#: alike two questions are (Jaccard); what is remembered of the time before.
AT_ONCE, READ_AGAIN, ALIKE = 4, 2, 0.6
MOST_READS, MOST_ANSWERS, MOST_BANS = 2_000, 200, 40
_COMPACTED = re.compile(
    r"^\s*(?:conversation|context|history)(?: was| has been)? (?:compacted|summari[sz]ed|condensed|truncated)\b"
    r"|^\W{0,20}summary of (?:the |our |this |your |my )?(?:previous |earlier )?(?:conversation|session|work|context)"
    r"|this session is being continued from a previous conversation"
    r"|\b(?:context|conversation|history) (?:summari[sz]ation|compaction|condensation)\b"
    r"|\(?(?:context|conversation|history) (?:was |has been )?(?:summari[sz]ed|compacted|condensed)\b"
    r"|another language model started to solve this problem"
    r"|picking up work from a previous ai agent"
)
_IGNORANT = re.compile(
    r"\bnothing in (?:my|the) (?:notes?|summary|context|history)\b"
    r"|\bi (?:no longer|don't|do not) (?:have|know|remember|recall)\b"
    r"|\b(?:my|the) (?:notes?|summary) (?:do(?:es)?(?: not|n't)|says? nothing|leaves? out)\b"
    r"|\bi have no (?:record|memory|notes?)\b"
)
#: Formats whose sessions are Codex's: its summaries have no fixed words.
_CODEX = frozenset(("codex", "it-bench"))
_CLOCK = re.compile(r"^(?:Wall time|Chunk ID|Exit code|Process exited|Duration|Total output lines).*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Read:
    outcome: int
    quote: Quote


@dataclass(slots=True)
class _Asked:
    """A question of the agent's and, once it came, the user's answer. around: the words of the whole step."""

    words: frozenset[str]
    around: frozenset[str]
    quote: Quote
    answer: Quote | None = None
    answer_words: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Since:
    """What happens after a compaction. summary: its words in small letters. agent_steps: of the main agent since."""

    quote: Quote
    index: int
    summary: str
    agent_steps: int = 0
    again: list[tuple[Quote, Quote]] = field(default_factory=list)
    same: int = 0
    told: set[str] = field(default_factory=set)


class LostHistoryDetector:
    """See the module's docstring."""

    id = "lost-history"
    version = "1"
    title = "Known before a compaction, unknown after it"
    source = "Own rule after MAST 1.4 (arXiv 2503.13657) on the compaction events of the formats"
    modes: tuple[str, ...] = (MODE,)
    needs: frozenset[Need] = frozenset(("tools",))
    default = False
    params: Mapping[str, Any] = {"at_once": AT_ONCE, "read_again": READ_AGAIN, "alike": ALIKE}

    def start(self, run: RunMeta) -> _Watch:
        return _Watch(run)


class _Watch:
    def __init__(self, run: RunMeta) -> None:
        self.format = run.format
        self.spoke = False
        self.reads: dict[tuple[str, str], _Read] = {}
        self.asked: list[_Asked] = []
        self.bans: list[Ban] = []
        self.since: _Since | None = None

    def feed(self, steps: Sequence[StoredStep]) -> Iterable[Finding]:
        for stored in steps:
            if stored.step.role == "agent":
                yield from self._act(stored)
            elif self.spoke and (place := compaction_in(stored, self.format)) is not None:
                self._compacted(stored, place)
            elif stored.step.role == "user":
                self._answered(stored)

    def finish(self) -> Iterable[Finding]:
        return ()

    def _compacted(self, stored: StoredStep, place: tuple[int, int]) -> None:
        said = "\n".join(part.text[:20_000] for part in stored.step.parts[:5]).lower()
        if self.since is not None and self.since.agent_steps == 0:
            self.since.summary += said  # a boundary and the summary after it are one event
            return
        self.since = _Since(quote_line(stored, *place), stored.index, said)

    def _answered(self, stored: StoredStep) -> None:
        for passage in passages(stored, "text"):
            if self.asked and self.asked[-1].answer is None and passage.text.strip():
                last = self.asked[-1]
                first = next(iter(sentences(passage)), None)
                last.answer = first.quote if first is not None else None
                last.answer_words = meaningful(passage.lower)
            if self.since is None:
                self.bans += bans_in(passage)[: MOST_BANS - len(self.bans)]

    def _act(self, stored: StoredStep) -> Iterator[Finding]:
        self.spoke = True
        since = self.since
        if since is not None and stored.step.depth == 0:
            since.agent_steps += 1
            yield from self._words_after(stored, since)
            yield from self._calls_after(stored, since)
        self._remember(stored)

    def _remember(self, stored: StoredStep) -> None:
        if self.asked and self.asked[-1].answer is None:
            self.asked.pop()  # nobody answered before the agent went on
        question = _last_question(stored)
        if question is not None:
            around = meaningful(" ".join(passage.lower for passage in passages(stored, "text")))
            self.asked = [*self.asked[-MOST_ANSWERS:], _Asked(meaningful(question.lower), around, question.quote)]
        for call in calls_of(stored):
            if _looks(call) and call.result is not None:
                outcome = _outcome(stored, call)
                keep(self.reads, (call.tool, call.target[:1_000]), _Read(outcome, call.quote(stored)), MOST_READS)

    # After the compaction

    def _words_after(self, stored: StoredStep, since: _Since) -> Iterator[Finding]:
        question = _last_question(stored)
        if question is not None and "asked" not in since.told:
            words = meaningful(question.lower)
            for known in self.asked:
                if (
                    known.answer is not None
                    and known.quote.index < since.index
                    and likeness(words, known.words) >= ALIKE
                ):
                    since.told.add("asked")
                    why = f"The user answered this in step {known.answer.index + 1}, before the context was compacted."
                    yield self._finding(stored, (known.quote, known.answer, since.quote, question.quote), 0.8, why)
                    break
        if "ignorant" not in since.told:
            yield from self._ignorant(stored, since)

    def _ignorant(self, stored: StoredStep, since: _Since) -> Iterator[Finding]:
        """`Nothing in my notes says how ...`, where the user had said it."""
        heard = passages(stored)
        at = next(((one, found.start()) for one in heard if (found := _IGNORANT.search(one.lower)) is not None), None)
        if at is None:
            return
        passage, place = at
        sentence = next((one for one in sentences(passage) if one.end - passage.offset > place), None)
        if sentence is None:
            return
        gap = meaningful(sentence.lower)
        context = frozenset().union(*(meaningful(one.lower) for one in heard))
        for known in self.asked:
            told = known.around | known.answer_words
            if known.answer is not None and known.quote.index < since.index and gap & told and len(context & told) >= 3:
                since.told.add("ignorant")
                why = f"The user's answer in step {known.answer.index + 1} is what it says it does not know."
                yield self._finding(stored, (known.quote, known.answer, since.quote, sentence.quote), 0.7, why)
                return

    def _calls_after(self, stored: StoredStep, since: _Since) -> Iterator[Finding]:
        for call in calls_of(stored):
            if since.agent_steps <= AT_ONCE and "again" not in since.told and _looks(call):
                yield from self._read_again(stored, call, since)
            if "ban" not in since.told:
                yield from self._broken(stored, call, since)

    def _read_again(self, stored: StoredStep, call: Call, since: _Since) -> Iterator[Finding]:
        before = self.reads.get((call.tool, call.target[:1_000]))
        if before is None or before.quote.index >= since.index:
            return
        since.again.append((before.quote, call.quote(stored)))
        since.same += call.result is not None and before.outcome == _outcome(stored, call)
        if len(since.again) >= READ_AGAIN and since.same:
            since.told.add("again")
            old, new = zip(*since.again[:3], strict=True)
            why = f"{len(since.again)} look-ups from before the compaction are made again right after it."
            first = min(quote.index for quote in new)
            yield Finding(MODE, first, stored.index, (*old, since.quote, *new), 0.5, why)

    def _broken(self, stored: StoredStep, call: Call, since: _Since) -> Iterator[Finding]:
        deeds = deeds_of(call) if self.bans else frozenset()
        for ban in self.bans:
            if ban.kind != "limit" and breaks(call, deeds, ban) and not _kept(ban, since.summary):
                since.told.add("ban")
                why = f"The user's condition of step {ban.quote.index + 1} is not in the summary, and this breaks it."
                yield self._finding(stored, (ban.quote, since.quote, call.quote(stored)), 0.75, why)
                return

    @staticmethod
    def _finding(stored: StoredStep, evidence: tuple[Quote, ...], score: float, why: str) -> Finding:
        return Finding(MODE, stored.index, stored.index, evidence, score, why)


def compaction_in(stored: StoredStep, format: str) -> tuple[int, int] | None:
    """The part and the place in it that say that the context was compacted here; None if it was not."""
    step = stored.step
    for place, part in enumerate(step.parts[:20]):
        if part.kind == "raw":
            if "compact" in (part.name or "") or '"type":"compaction"' in part.text[:2_000].replace(" ", ""):
                return (0, 0) if step.parts[0].text.strip() else (place, 0)
        elif part.kind == "text" and step.role != "agent":
            head = part.text[:600].lower()
            found = _COMPACTED.search(head)
            if found is not None:
                return place, found.start()
            if format in _CODEX and step.role == "system" and "summary" in head and not head.startswith(("<", "#")):
                return place, head.find("summary")
    return None


def _looks(call: Call) -> bool:
    return (
        bool(call.acts & {"read", "search"}) and not call.acts & {"write", "run", "test", "check"} and not call.changes
    )


def _outcome(stored: StoredStep, call: Call) -> int:
    """A number for what a look-up showed, whatever the clock said."""
    assert call.result is not None
    text = stored.step.parts[call.result].text
    return hash(_CLOCK.sub("", text[:20_000])) ^ len(text)


def _last_question(stored: StoredStep) -> Sentence | None:
    """The last question of a step that asks something, among its last words."""
    found = None
    for passage in passages(stored, "text"):
        if "?" in passage.text:
            for sentence in sentences(passage):
                if sentence.text.endswith("?") and len(meaningful(sentence.lower)) >= 3:
                    found = sentence
    return found


def _kept(ban: Ban, summary: str) -> bool:
    """Whether a summary still tells of a prohibition: most of its words are there."""
    words = meaningful(ban.quote.text.lower())
    return bool(words) and sum(word in summary for word in words) >= 0.5 * len(words)
