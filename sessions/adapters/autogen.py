"""AutoGen AgentChat (written against 0.7.5): teams; their state goes back with the files, calls can be edited.

    from sessions.adapters.autogen import ReviewedTeam

    gated = ReviewedTeam(Review(agent="team", workspace="."))
    fixer = AssistantAgent("fixer", model, workbench=gated.tools([bash]))
    team = RoundRobinGroupChat([fixer, critic], termination_condition=gated.until(TextMentionTermination("DONE")))
    result = await gated.run(team, "Repair the build.")

A gate opens after an agent's turn when a chunk is complete (`every:N` counts turns), before calls of `gated.tools` that
are asked for first, and when the team ends. The team's state is kept at the gates between turns, so roll back to those:
a gate before a call is in the middle of a turn, and a rollback to one stops the team with a brief. Words with an
approval of a call are told after the turn. Give limits to `until`, not as `max_turns`, which AutoGen counts anew after
each gate.
"""

# The package need not be installed where types are checked.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from autogen_agentchat.base import TerminationCondition
from autogen_agentchat.messages import (
    BaseChatMessage,
    StopMessage,
    TextMessage,
    ThoughtEvent,
    ToolCallExecutionEvent,
    ToolCallRequestEvent,
    ToolCallSummaryMessage,
)
from autogen_core.tools import StaticWorkbench, TextResultContent, ToolResult, Workbench

from sessions.adapters.base import START, Answer, Call, Review, calls_of, paired
from sessions.adapters.trail import arguments_of
from sessions.errors import UsageError

_USER, _TAKEN_OUT = "user", "The call was not made: the reviewer took it out."
#: Seconds that a call waits for its own announcement, so that its gate shows what was said before.
_CATCH_UP_S = 2.0


class ReviewedTeam:
    """A team under review. One for each run; for one task at a time."""

    def __init__(self, review: Review) -> None:
        self.review = review
        self._end = _Until(self)
        self._lock = asyncio.Lock()
        self._seen: set[str] = set()
        self.briefs: set[str] = set()
        self._announced: dict[str, asyncio.Event] = {}
        self._made: dict[str, Call | None] = {}
        self._thought = ""
        self._later: list[str] = []
        self._back: Answer | None = None

    def tools(self, tools: Sequence[Any] | Workbench) -> Workbench:
        """A workbench of these tools (or another workbench) whose calls are asked for."""
        return _Tools(self, tools if isinstance(tools, Workbench) else StaticWorkbench(list(tools)))

    def until(self, condition: TerminationCondition | None = None) -> TerminationCondition:
        """The team's termination condition: the user's own, and the end of a chunk."""
        self._end.inner = condition
        return self._end

    async def run(self, team: Any, task: Any = None, **options: Any) -> Any:
        """As the team's own; the result of its last part. Raises Stopped and Unanswered too."""
        self.review.start(["edit", "state"], task if isinstance(task, str) else None)
        self.review.keep(START, (await team.save_state(), task))
        given = task
        while True:
            result = await self._part(team, given, options)
            answer, final = self._back, not self._end.met
            if answer is None:
                answer = await self.review.gate_async(final=final, state=(await team.save_state(), None))
            if answer.verdict == "rollback":
                given = await self._go_back(team, answer)
            elif final and answer.approved:
                return result
            else:
                given = self._told(self.review.words(answer))

    async def _part(self, team: Any, given: Any, options: dict[str, Any]) -> Any:
        """Run the team until a chunk is complete, a call was answered with a rollback, or it ends."""
        self.review.unbroken()
        self._end.met, self._back = False, None
        result = None
        async for message in team.run_stream(task=given, **options):
            if hasattr(message, "source"):
                self.note(message)
            else:
                result = message
        self.review.unbroken()
        if not self._end.asked:
            raise UsageError("the team does not end at gates.", "Give it termination_condition=gated.until(...).")
        return result

    async def _go_back(self, team: Any, answer: Answer) -> Any:
        """The team as it stood at a gate; what to give it."""
        kept = self.review.state_at(answer)
        if kept is None:
            self.review.restart(answer, "that gate is in the middle of a turn")
        state, task = kept
        self._later, self._made, self._thought = [], {}, ""
        await team.reset()
        await team.load_state(state)
        words = self._told(self.review.words(answer))
        first = [TextMessage(content=task, source=_USER)] if isinstance(task, str) else [task] if task else []
        return [*first, words] if first else words

    def _told(self, words: str | None) -> Any:
        """The message by which the team is told something; None for nothing."""
        said, self._later = [*self._later, *([words] if words else [])], []
        if not said:
            return None
        message = TextMessage(content="\n\n".join(said), source=_USER)
        self._seen.add(message.id)
        self.briefs.add(message.id)
        self.review.tell(message.content)
        return message

    # -- what happens -------------------------------------------------------------------------------------------------

    def note(self, message: Any) -> None:
        """Put a message or an event on the trail, once."""
        if message.id in self._seen:
            return
        self._seen.add(message.id)
        trail, source = self.review.trail, message.source
        if isinstance(message, ThoughtEvent):
            self._thought = message.content
        elif isinstance(message, ToolCallRequestEvent):
            trail.reply(source, "", self._thought, **_tokens(message))
            self._thought = ""
            for call in message.content:
                self._made.setdefault(call.id, Call(call.name, arguments_of(call.arguments), call.id))
                self._announced.setdefault(call.id, asyncio.Event()).set()
        elif isinstance(message, ToolCallExecutionEvent):
            for result in message.content:
                made = self._made.pop(result.call_id, None)
                if made is not None:
                    trail.call(source, [made])
                    trail.result(result.content, call_id=result.call_id, name=result.name, is_error=result.is_error)
        elif isinstance(message, BaseChatMessage) and source == _USER:
            trail.say("user", message.to_text())
        elif isinstance(message, BaseChatMessage) and not isinstance(message, StopMessage):
            text = "" if isinstance(message, ToolCallSummaryMessage) else message.to_text()  # the results once more
            self.review.replied(source, text, self._thought, **_tokens(message))
            self._thought = ""

    async def ask(self, name: str, arguments: Mapping[str, Any], call_id: str | None) -> tuple[Call | None, str]:
        """What becomes of a call: the call to be made, or None and why not."""
        call = Call(name, dict(arguments), call_id)
        async with self._lock:
            if self._back is not None:
                return self._refuse(call, "Not made: the run is rolled back.")
            if not self.review.asks_for([call]):
                return call, ""
            if call_id is not None:
                announced = self._announced.setdefault(call_id, asyncio.Event())
                try:
                    await asyncio.wait_for(announced.wait(), _CATCH_UP_S)
                except TimeoutError:
                    pass
            answer = await self.review.gate_async(proposed=[call])
            if answer.verdict == "rollback":
                self._back = answer
                return self._refuse(call, "Not made: the run is rolled back.")
            words = self.review.words(answer)
            if answer.verdict == "reject":
                self.review.tell(str(words))
                return self._refuse(call, str(words))
            self._later += [words] if words else []
            if answer.edited is None:
                return call, ""
            (edited,), _ = paired([call], calls_of(answer.edited))
            if edited is None:
                return self._refuse(call, _TAKEN_OUT)
            self._made[str(call_id)] = edited
            return edited, ""

    def _refuse(self, call: Call, why: str) -> tuple[None, str]:
        self._made[str(call.id)] = None
        return None, why

    @property
    def must_end(self) -> bool:
        """Whether the team has to stop after this turn."""
        return self._back is not None or self.review.is_broken or self.review.due() or bool(self._later)


class _Until(TerminationCondition):  # type: ignore[misc]  # of a package without types here
    """Ends a team's run where the user's condition does, or (met) where a chunk is complete."""

    def __init__(self, team: ReviewedTeam) -> None:
        self.inner: Any = None
        self.met = self.asked = self._ended = False
        self._team = team

    @property
    def terminated(self) -> bool:
        return self.met or self._ended

    async def __call__(self, messages: Sequence[Any]) -> Any:
        self.asked = True
        for message in messages:
            self._team.note(message)
        others = [message for message in messages if message.id not in self._team.briefs]
        # What a reviewer says ends no run: a brief may well hold the word that the team ends with.
        stop = await self.inner(others) if self.inner is not None and others else None
        if stop is not None:
            self._ended = True
            return stop
        if self._team.must_end:
            self.met = True
            return StopMessage(content="A chunk is complete.", source="review")
        return None

    async def reset(self) -> None:
        """The user's condition goes on counting over the gates; it is reset where it ended the run."""
        if self._ended and self.inner is not None:
            await self.inner.reset()
        self._ended = False


class _Tools(Workbench):  # type: ignore[misc]
    """A workbench whose calls are asked for. Everything else is the inner one's."""

    def __init__(self, team: ReviewedTeam, inner: Workbench) -> None:
        self._team, self._inner = team, inner

    async def list_tools(self) -> Any:
        return await self._inner.list_tools()

    async def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        cancellation_token: Any = None,
        call_id: str | None = None,
    ) -> Any:
        try:
            made, why = await self._team.ask(name, arguments or {}, call_id)
        except Exception as error:  # AutoGen would wait for ever; the run is ended after this turn
            made, why = None, f"Not made: {error}"
        if made is None:
            return ToolResult(name=name, result=[TextResultContent(content=why)], is_error=True)
        return await self._inner.call_tool(made.name, made.arguments, cancellation_token, call_id)

    async def start(self) -> None:
        await self._inner.start()

    async def stop(self) -> None:
        await self._inner.stop()

    async def reset(self) -> None:
        await self._inner.reset()

    async def save_state(self) -> Any:
        return await self._inner.save_state()

    async def load_state(self, state: Any) -> None:
        await self._inner.load_state(state)


def _tokens(message: Any) -> dict[str, Any]:
    usage = message.models_usage
    return {"tokens_in": usage.prompt_tokens or None, "tokens_out": usage.completion_tokens or None} if usage else {}
