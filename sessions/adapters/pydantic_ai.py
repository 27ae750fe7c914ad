"""Pydantic AI (written against 2.68): the agent unchanged; messages go back with the files, calls can be edited.

    from sessions.adapters.pydantic_ai import ReviewedAgent

    review = Review(agent="fixer", task="Repair the build.", workspace=".")
    result = await ReviewedAgent(agent, review).run("Repair the build.", deps=deps)

Takes what `agent.run` takes. A gate opens before a model request when a chunk is complete, before calls that are asked
for first, for tools that require approval themselves (`requires_approval`, `ApprovalRequired`), and at the end. After a
rollback the agent runs on from the messages of that gate, with the same usage counted on. `deps` stay as they are. Of
agents inside tools only the tool's call and result are seen.
"""

# The hooks' parameters have the package's names, used or not.
# ruff: noqa: ARG002

# The package need not be installed where types are checked.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.exceptions import SkipToolValidation
from pydantic_ai.messages import (
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    RetryPromptPart,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturn,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.tools import DeferredToolResults, ToolApproved, ToolDenied
from pydantic_ai.usage import RunUsage

from sessions.adapters.base import START, Answer, Call, Review, calls_of, paired
from sessions.adapters.trail import arguments_of, plain
from sessions.jsontext import dumps
from sessions.readers.shared import content_text

_TAKEN_OUT = "The call was not made: the reviewer took it out."


class _State(NamedTuple):
    """messages: as JSON. done: what the calls of the last of them have given back by then, by their ids."""

    messages: bytes
    done: Mapping[str, Any]


class _GoBack(Exception):
    """Ends a run that was rolled back."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.brief)
        self.answer = answer


class ReviewedAgent:
    """An agent under review. One for each run; for one task at a time."""

    def __init__(self, agent: Any, review: Review) -> None:
        self.agent, self.review = agent, review

    def run_sync(self, prompt: Any = None, **options: Any) -> Any:
        """As `run`, where no event loop runs."""
        return asyncio.run(self.run(prompt, **options))

    async def run(self, prompt: Any = None, *, message_history: Sequence[Any] | None = None, **options: Any) -> Any:
        """As the agent's own. Raises Stopped and Unanswered too."""
        review = self.review
        review.start(["edit", "state"], prompt if isinstance(prompt, str) else None)
        history = list(message_history or [])
        review.keep(START, _State(_dumped(history), {}))
        options.setdefault("usage", RunUsage())
        given, gating = prompt, _Gating(review, self.agent.name or review.agent)
        while True:
            review.unbroken()
            gating.begin(history)
            mine = [*(options.get("capabilities") or ()), gating]
            try:
                result = await self.agent.run(given, message_history=history, **{**options, "capabilities": mine})
                answer = await review.gate_async(final=True, state=_State(_dumped(result.all_messages()), {}))
            except _GoBack as back:
                answer = back.answer
            options.pop("deferred_tool_results", None)  # they belonged to the first request
            if answer.verdict == "rollback":
                history, given = self._back(answer, prompt)
            elif answer.verdict == "reject":
                history, given = result.all_messages(), gating.noted(str(review.words(answer)))
            else:
                return result

    def _back(self, answer: Answer, prompt: Any) -> tuple[list[Any], Any]:
        """The history of a gate, with every call answered, and what the agent is told."""
        state: _State = self.review.state_at(answer)
        history, words = list(ModelMessagesTypeAdapter.validate_json(state.messages)), str(self.review.words(answer))
        self.review.tell(words)
        if answer.to_gate == START:
            return history, [*([prompt] if isinstance(prompt, str) else prompt or []), words]
        calls = _calls(history[-1]) if history and isinstance(history[-1], ModelResponse) else []
        if not calls:
            return history, words
        answers: list[Any] = []
        for part in calls:
            made = part.tool_call_id in state.done
            said = state.done[part.tool_call_id] if made else "Not made." if answers else words
            answers.append(ToolReturnPart(part.tool_name, said, part.tool_call_id))
        told = all(part.tool_call_id in state.done for part in calls)
        return [*history, ModelRequest([*answers, *([UserPromptPart(words)] if told else [])])], None


class _Gating(AbstractCapability[Any]):  # type: ignore[misc]  # of a package without types here
    """Reports what happens, and opens gates where the agent would go on."""

    def __init__(self, review: Review, actor: str) -> None:
        self._review, self._actor = review, actor
        self.begin([])

    def begin(self, history: Sequence[Any]) -> None:
        """A run of the agent begins, from a history that is on the trail, or was before."""
        self._noted = len(history)
        self._refused: dict[str, str] = {}
        self._approved: set[str] = set()
        self._done: dict[str, Any] = {}

    def noted(self, words: str) -> str:
        self._review.tell(words)
        return words

    # -- before and after the model -----------------------------------------------------------------------------------

    async def before_model_request(self, ctx: Any, request_context: Any) -> Any:
        for message in ctx.messages[self._noted :]:
            _note_request(self._review, message)
        self._noted = len(ctx.messages)
        if self._review.due():
            answer = await self._review.gate_async(state=_State(_dumped(ctx.messages), {}))
            if answer.verdict == "rollback":
                raise _GoBack(answer)
            self._tell(ctx, answer)
        return request_context

    async def after_model_request(self, ctx: Any, *, request_context: Any, response: Any) -> Any:
        self._refused, self._approved, self._done = {}, set(), {}
        _note_response(self._review, self._actor, response)
        outputs = {tool.name for tool in request_context.model_request_parameters.output_tools}
        parts = [part for part in _calls(response) if part.tool_name not in outputs]
        calls = [_call(part) for part in parts]
        if not self._review.asks_for(calls):
            return response
        state = _State(_dumped([*ctx.messages, response]), {})
        answer = await self._review.gate_async(proposed=calls, state=state)
        if answer.verdict == "rollback":
            raise _GoBack(answer)
        if answer.verdict == "reject":
            words = self.noted(str(self._review.words(answer)))
            self._refused = {part.tool_call_id: "Not made either." for part in parts} | {parts[0].tool_call_id: words}
            return response
        self._approved = {part.tool_call_id for part in parts}
        self._tell(ctx, answer)
        return response if answer.edited is None else self._edited(response, parts, calls, calls_of(answer.edited))

    def _edited(self, response: Any, parts: Sequence[Any], calls: Sequence[Call], edited: Sequence[Call]) -> Any:
        """The response with the calls as they may be made. Those taken out stay in it, and are answered."""
        pairs, _ = paired(calls, edited)
        new = dict(zip((part.tool_call_id for part in parts), pairs, strict=True))
        self._refused = {key: _TAKEN_OUT for key, call in new.items() if call is None}
        changed = [
            replace(part, tool_name=call.name, args=call.arguments)
            if isinstance(part, ToolCallPart) and (call := new.get(part.tool_call_id)) is not None
            else part
            for part in response.parts
        ]
        return replace(response, parts=changed)

    def _tell(self, ctx: Any, answer: Answer) -> None:
        """Words go into the next request, after the results of calls that it carries."""
        if (words := self._review.words(answer)) is not None:
            ctx.enqueue(words)

    # -- tools --------------------------------------------------------------------------------------------------------

    async def before_tool_validate(self, ctx: Any, *, call: Any, tool_def: Any, args: Any) -> Any:
        if call.tool_call_id in self._refused:
            raise SkipToolValidation({})
        return args

    async def wrap_tool_execute(
        self, ctx: Any, *, call: Any, tool_def: Any, args: Any, handler: Callable[[Any], Any]
    ) -> Any:
        self._review.unbroken()
        if call.tool_call_id in self._refused:
            return self._refused[call.tool_call_id]
        self._review.trail.call(self._actor, [Call(call.tool_name, plain(args), call.tool_call_id)])
        try:
            result = await handler(args)
        except Exception as error:
            text = str(error) or type(error).__name__
            self._review.trail.result(text, call_id=call.tool_call_id, name=call.tool_name, is_error=True)
            raise
        self._done[call.tool_call_id] = result.return_value if isinstance(result, ToolReturn) else result
        text = _text(self._done[call.tool_call_id])
        self._review.trail.result(text, call_id=call.tool_call_id, name=call.tool_name)
        return result

    async def handle_deferred_tool_calls(self, ctx: Any, *, requests: Any) -> Any:
        """Tools that require approval themselves. Calls for something else outside the agent are not ours."""
        parts = list(requests.approvals)
        if not parts:
            return None
        known = {part.tool_call_id for part in parts} & {*self._approved, *self._refused}
        asked = [part for part in parts if part.tool_call_id not in known]
        approvals: dict[str, Any] = {
            key: ToolDenied(self._refused[key]) if key in self._refused else ToolApproved() for key in known
        }
        answer = None
        if asked:
            calls = [_call(part) for part in asked]
            state = _State(_dumped(ctx.messages), dict(self._done))
            answer = await self._review.gate_async(proposed=calls, state=state)
            if answer.verdict == "rollback":
                raise _GoBack(answer)
            approvals |= self._deferred(ctx, answer, asked, calls)
        by = {part.tool_call_id: answer.by for part in asked} if answer else {}
        return DeferredToolResults(approvals=approvals, answered_by=by)

    def _deferred(self, ctx: Any, answer: Answer, parts: Sequence[Any], calls: Sequence[Call]) -> dict[str, Any]:
        if answer.verdict == "reject":
            words = self.noted(str(self._review.words(answer)))
            denied = [ToolDenied(words), *(ToolDenied("Not made either.") for _ in parts[1:])]
            return {part.tool_call_id: no for part, no in zip(parts, denied, strict=True)}
        self._tell(ctx, answer)
        if answer.edited is None:
            return {part.tool_call_id: ToolApproved() for part in parts}
        pairs, _ = paired(calls, [call for call in calls_of(answer.edited) if call.name in {c.name for c in calls}])
        return {
            part.tool_call_id: ToolDenied(_TAKEN_OUT) if call is None else ToolApproved(override_args=call.arguments)
            for part, call in zip(parts, pairs, strict=True)
        }


# -- messages -----------------------------------------------------------------------------------------------------


def _dumped(messages: Sequence[Any]) -> bytes:
    return bytes(ModelMessagesTypeAdapter.dump_json(list(messages)))


def _calls(response: Any) -> list[Any]:
    """The calls that the agent is to make. Those of the provider's own tools are made by then."""
    return [part for part in response.parts if isinstance(part, ToolCallPart)]


def _call(part: Any) -> Call:
    return Call(part.tool_name, arguments_of(part.args) if part.args is not None else {}, part.tool_call_id)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else dumps(plain(value))


def _note_response(review: Review, actor: str, response: Any) -> None:
    texts = [part.content for part in response.parts if isinstance(part, TextPart)]
    thoughts = [part.content for part in response.parts if isinstance(part, ThinkingPart)]
    review.replied(
        actor, "\n".join(filter(None, texts)), "\n".join(filter(None, thoughts)), model=response.model_name,
        tokens_in=response.usage.input_tokens or None, tokens_out=response.usage.output_tokens or None,
    )  # fmt: skip


def _note_request(review: Review, message: Any) -> None:
    """What is said to the model. Results of calls are on the trail; not those of calls that could not be made."""
    for part in message.parts if isinstance(message, ModelRequest) else ():
        if isinstance(part, SystemPromptPart):
            review.trail.say("system", part.content)
        elif isinstance(part, UserPromptPart):
            text = part.content if isinstance(part.content, str) else content_text(plain(list(part.content)))
            review.trail.say("user", text)
        elif isinstance(part, RetryPromptPart):
            review.trail.say("environment", part.model_response())
