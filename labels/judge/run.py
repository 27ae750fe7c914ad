"""Judging runs: what would be sent, sending it, and keeping what holds.

`Judge.plan` only reads; `Judge.judge` sends. Each answer is kept at once, so that a judging that was interrupted, or
stopped at a cap, goes on where it was. What was claimed and verified becomes suggestions; that the judge looked, and at
which codebooks, stands in `detection`, so that "it found nothing" can be said.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from labels.codebook_model import Codebook
from labels.judge import cache, keep, prompt, votes
from labels.judge.answer import Answer, BadAnswer, read_answer
from labels.judge.client import Client, EndpointError, Request
from labels.judge.config import JudgeConfig
from labels.judge.cost import PER_MESSAGE, USUAL_ANSWER, Budget, CapReached, estimate_tokens
from labels.judge.pieces import Omitted, Window
from labels.judge.prompt import Group
from labels.judge.segment import Segmenter
from labels.judge.verify import Checker
from labels.judge.votes import Vote
from labels.suggestions import Suggestion
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.store import Store

#: Votes after the first are drawn warmer, or they would be the first one again.
_WARM = 0.7
#: So many useless answers in a row are no accident, and each costs.
_USELESS_IN_A_ROW = 3


@dataclass(frozen=True, slots=True)
class Call:
    """One request: a group of modes on a window. vote: 1, or 2 and 3 where a mode is voted on. tokens: an estimate."""

    window: Window
    group: Group
    vote: int
    messages: list[dict[str, str]]
    key: str
    tokens: int


@dataclass(slots=True)
class Amount:
    """Requests and their tokens, estimated."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def add(self, tokens_in: int) -> None:
        self.calls += 1
        self.tokens_in += tokens_in
        self.tokens_out += USUAL_ANSWER


@dataclass(slots=True)
class RunPlan:
    """What judging a run takes. send: requests to be sent. cached: those answered before. votes: requests that may come
    on top, at most, for second and third votes. redacted: kind -> different values hidden."""

    run: RunInfo
    windows: int = 0
    cached: int = 0
    send: Amount = field(default_factory=Amount)
    votes: Amount = field(default_factory=Amount)
    redacted: dict[str, int] = field(default_factory=dict)
    omitted: Omitted = field(default_factory=Omitted)


@dataclass(slots=True)
class Judged:
    """What came of judging a run. answers: usable ones, new or kept. calls: requests sent. failed: groups without a
    usable answer. dropped: reason -> claims thrown away. quotes: what became of each quote. unanswered: modes on which
    an answer was silent. stopped: why not all of it was judged, None where it was."""

    run: RunInfo
    found: list[Suggestion] = field(default_factory=list)
    answers: int = 0
    calls: int = 0
    cached: int = 0
    failed: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    quotes: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    stopped: UserError | None = None
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        return self.stopped is None and not self.failed


@dataclass(slots=True)
class Judge:
    """The judge at work. client: None while nothing is to be sent."""

    store: Store
    books: Sequence[Codebook]
    config: JudgeConfig
    client: Client | None = None
    budget: Budget | None = None
    cancelled: Callable[[], bool] = lambda: False
    #: Called after each answer with the run's state so far.
    on_answer: Callable[[Judged], None] = lambda judged: None
    _useless: int = 0

    # -- before -----------------------------------------------------------------------------------------------------

    def calls(self, segmenter: Segmenter) -> Iterator[Call]:
        """All first requests on a run, window by window."""
        asked = [group for book in self.books for group in prompt.groups(book)]
        for window in segmenter.windows():
            for group in asked:
                yield self._call(segmenter, window, group, 1)

    def prepare(self, run: RunInfo) -> Segmenter:
        """The run, ready to be rendered. Raises UserError for one that was not read to its end."""
        if not run.complete:
            raise UserError("this run was not read to its end.", "Import it again first.")
        return Segmenter.prepare(self.store, run, self.config, self.cancelled)

    def plan(self, run: RunInfo) -> RunPlan:
        """What would be sent. Nothing is."""
        plan = RunPlan(run)
        segmenter = self.prepare(run)
        for call in self.calls(segmenter):
            plan.windows = call.window.number
            answer = self._kept(call)
            if answer is None:
                plan.send.add(call.tokens)
            else:
                plan.cached += 1
            if self.config.votes > 1:
                self._plan_votes(plan, segmenter, call, answer)
        plan.redacted, plan.omitted = segmenter.redacted, segmenter.omitted
        return plan

    def _plan_votes(self, plan: RunPlan, segmenter: Segmenter, call: Call, answer: Answer | None) -> None:
        """Before the first answer any mode may come to a vote; after it, it is known which do."""
        group = call.group if answer is None else call.group.only(votes.contested(call.group, answer))
        if not group.modes:
            return
        for number in range(2, self.config.votes + 1):
            vote = self._call(segmenter, call.window, group, number)
            if self._kept(vote) is not None:
                plan.cached += 1
            elif answer is None:
                plan.votes.add(vote.tokens)
            else:
                plan.send.add(vote.tokens)

    def _call(self, segmenter: Segmenter, window: Window, group: Group, vote: int) -> Call:
        asked = prompt.messages(group, window, segmenter.mark)
        params = {"vote": vote, "max_output": self.config.max_output}
        key = cache.key_of(self.config, group.book.hash, asked, params)
        return Call(window, group, vote, asked, key, _tokens(asked))

    def _kept(self, call: Call) -> Answer | None:
        """The answer to a call if it was given before, and can be read."""
        text = cache.get(self.store, call.key)
        try:
            return None if text is None else read_answer(text, call.group.names)
        except BadAnswer:
            return None

    # -- judging ----------------------------------------------------------------------------------------------------

    def judge(self, run: RunInfo) -> Judged:
        """Judge a run and keep what comes of it. A cap or an endpoint that fails ends it early: see `Judged.stopped`.
        Raises Cancelled."""
        judged = Judged(run)
        begun = time.perf_counter()
        if self.budget is not None:
            self.budget.next_run()
        claims: list[votes.Held] = []
        try:
            segmenter = self.prepare(run)
            for call in self.calls(segmenter):
                claims += self._window(segmenter, call, judged)
        except (CapReached, EndpointError) as error:
            judged.stopped = error
        judged.seconds = time.perf_counter() - begun
        judged.found = keep.suggestions(self.books, self.config, claims)
        if judged.answers:
            keep.store(self.store, self.books, self.config, judged)
        return judged

    def _window(self, segmenter: Segmenter, call: Call, judged: Judged) -> list[votes.Held]:
        """What holds of the claims of one group on one window."""
        checker = Checker(call.window)
        first = self._vote(call, checker, judged)
        if first is None:
            return []
        cast = [first]
        group = call.group.only(votes.contested(call.group, first.answer))
        if self.config.votes > 1 and group.modes:
            for number in range(2, self.config.votes + 1):
                vote = self._vote(self._call(segmenter, call.window, group, number), checker, judged)
                cast += [vote] if vote is not None else []
        held = votes.count(call.group, cast, call.window.number, checker.dropped)
        judged.dropped += checker.dropped
        judged.quotes += checker.quotes
        return held

    def _vote(self, call: Call, checker: Checker, judged: Judged) -> Vote | None:
        """One answer with its claims verified, or None where there is no usable one."""
        answer = self._kept(call)
        if answer is not None:
            judged.cached += 1
        else:
            answer = self._ask(call, judged)
        judged.answers += answer is not None
        self.on_answer(judged)
        if answer is None:
            return None
        judged.unanswered.update(answer.unanswered)
        return Vote(
            answer,
            {
                item.mode: tuple(held for claim in item.claims if (held := checker.check(item.mode, claim)) is not None)
                for item in answer.modes
                if item.verdict != "no"
            },
        )

    def _ask(self, call: Call, judged: Judged) -> Answer | None:
        """Ask, and where the answer is of no use, once more. None (and a line in `failed`) if that is none either."""
        asked, longest = call.messages, self.config.max_output
        reason = ""
        for _ in range(2):
            try:
                answer, text, cut = self._send(call, asked, longest, judged)
            except BadAnswer as error:
                reason = str(error)
                continue
            if isinstance(answer, Answer):
                self._useless = 0
                return answer
            reason = f"{answer} (cut off at {longest:,} tokens)" if cut else str(answer)
            asked, longest = _again(call.messages, text, reason), longest * 2 if cut else longest
        judged.failed.append(f"{call.group.name} in part {call.window.number}: {reason}")
        self._useless += 1
        if self._useless >= _USELESS_IN_A_ROW:
            raise EndpointError(
                f"{self.config.host} gave no usable answer {self._useless} times in a row ({reason}).",
                "Try another model, or --max-output for one that thinks long.",
            )
        return None

    def _send(
        self, call: Call, asked: list[dict[str, str]], longest: int, judged: Judged
    ) -> tuple[Answer | BadAnswer, str, bool]:
        """One request: the answer (or what is wrong with it), its text, and whether it was cut off. A good one is kept.
        Raises BadAnswer for a reply that has no text to speak of."""
        assert self.client is not None
        assert self.budget is not None
        budget, tokens = self.budget, _tokens(asked)
        budget.admit(tokens, longest)
        judged.calls += 1
        request = Request(
            messages=asked,
            schema=prompt.schema([mode.slug for mode in call.group.modes]),
            max_output=longest,
            temperature=0.0 if call.vote == 1 else _WARM,
            on_lost=lambda: budget.lose(tokens, longest),
        )
        try:
            reply = self.client.ask(request)
        except BadAnswer:
            budget.lose(tokens, longest)
            raise
        budget.add(tokens, reply.tokens_in, reply.tokens_out, reply.text)
        try:
            answer = read_answer(reply.text, call.group.names)
        except BadAnswer as error:
            return error, reply.text, reply.cut
        cache.put(self.store, judged.run, call.key, self.config, tokens, reply)
        return answer, reply.text, reply.cut


def _tokens(messages: list[dict[str, str]]) -> int:
    return sum(estimate_tokens(message["content"]) + PER_MESSAGE for message in messages)


def _again(messages: list[dict[str, str]], text: str, reason: str) -> list[dict[str, str]]:
    """The same request, with the useless answer and what is wrong with it."""
    complaint = f"This cannot be read: {reason}. Answer again: the JSON object in the form given, and nothing else."
    return [
        *messages,
        {"role": "assistant", "content": text[:2_000] or "(nothing)"},
        {"role": "user", "content": complaint},
    ]
