"""OpenAI Agents SDK (written against 0.24): agents, tools and handoffs unchanged; state goes back with the files.

    from sessions.adapters.openai_agents import ReviewedRunner

    review = Review(agent="fixer", task="Repair the build.", workspace=".")
    result = await ReviewedRunner(review).run(agent, "Repair the build.", max_turns=50)

Takes what `Runner.run_streamed` takes, and gives its result. A gate opens after a turn when a chunk is complete, before
calls that are asked for first (those that the tools' own `needs_approval` names always are), and at the end. The SDK
cannot run edited calls; reject with words instead. For a rollback the `RunState` of every gate is kept as JSON, and
the context in it if that is a mapping (another object stays as it is). With `session` or `conversation_id` the history
lies elsewhere and cannot go back: the files do, and the agent is stopped with a brief.

While a run is reviewed, `needs_approval` of its tools is set, so do not share these with other runs at the same time.
Calls to MCP servers that require no approval themselves can be held, but not refused: a refusal stops the agent. Not
asked for are tools that the model's provider runs, and those inside an agent that is used as a tool.
"""

# The package need not be installed where types are checked.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, NamedTuple

from agents import Agent, Handoff, RunContextWrapper, RunHooks, Runner, RunState
from agents.exceptions import UserError as SdkUserError

from sessions.adapters.base import START, Answer, Call, Review
from sessions.adapters.trail import arguments_of, plain
from sessions.readers.shared import content_text

#: Calls that the SDK makes itself; it reports them to hooks. All others were made by the model's provider.
_LOCAL = ("function_call", "shell_call", "local_shell_call", "apply_patch_call", "computer_call", "custom_tool_call")
_Items = list[Any]


class _Kept(NamedTuple):
    """The state at a gate: a RunState as JSON, or (where a run of the SDK begins) the input and the context."""

    agent: Any
    state: str | None
    input: _Items | None = None
    context: Any = None


class ReviewedRunner:
    """Runs agents under review. One for each run; for one task at a time."""

    def __init__(self, review: Review) -> None:
        self.review = review
        self._later: list[str] = []
        self._context: Any = None
        self._watching: _Watching | None = None

    def run_sync(self, agent: Any, input: Any, **options: Any) -> Any:
        """As `run`, where no event loop runs."""
        return asyncio.run(self.run(agent, input, **options))

    async def run(self, agent: Any, input: str | _Items, *, hooks: Any = None, **options: Any) -> Any:
        """As `Runner.run`; the result of the run that was approved at its end. Raises Stopped and Unanswered too."""
        remembered = not (options.get("session") or options.get("conversation_id"))
        self._context = options.pop("context", None)
        items: _Items = [{"role": "user", "content": input}] if isinstance(input, str) else list(input)
        self.review.start(["state"] if remembered else [], _task(items))
        self.review.keep(START, _Kept(agent, None, items, _copy(self._context)) if remembered else None)
        for item in items:
            _note_input(self.review, item)
        watching = self._watching = _Watching(self.review, hooks)
        given: Any = input
        with _asking(agent) as own:
            while True:
                result = await self._segment(agent, given, watching, options)
                if result.interruptions:
                    agent, given = await self._proposed(agent, result, own, remembered)
                elif not watching.ended:
                    agent, given = await self._chunk(agent, result, remembered)
                else:
                    agent, given = await self._end(agent, result, remembered)
                    if given is None:
                        return result

    async def _segment(self, agent: Any, given: Any, watching: _Watching, options: dict[str, Any]) -> Any:
        """Run until the SDK stops: for an approval, after a turn that completes a chunk, or at the end."""
        watching.ended = False
        self.review.unbroken()
        if not isinstance(given, RunState):  # which has the context in itself
            options = {**options, "context": self._context}
        result = Runner.run_streamed(agent, given, hooks=watching, **options)
        try:
            async for _ in result.stream_events():
                if self.review.due():
                    result.cancel(mode="after_turn")
        except Exception:
            self.review.unbroken()  # what a gate raised, without what the SDK makes of it
            raise
        return result

    # -- gates --------------------------------------------------------------------------------------------------------

    async def _proposed(self, agent: Any, result: Any, own: Mapping[int, Any], remembered: bool) -> tuple[Any, Any]:
        """Calls wait to be made: ask for them if need be. (agent, state) to go on with."""
        state, waiting = result.to_state(), list(result.interruptions)
        calls = [_call_of(item) for item in waiting]
        asked = [await _wanted(item, call, own, result) for item, call in zip(waiting, calls, strict=True)]
        if not any(asked) and not self.review.asks_for(calls):
            self._approve(state, waiting)
            return agent, state
        kept = _Kept(agent, state.to_string()) if remembered else None
        answer = await self.review.gate_async(proposed=calls, state=kept)
        if answer.verdict == "rollback":
            return await self._go_back(answer)
        if answer.verdict == "reject":
            self._refuse(state, str(self.review.words(answer)))
            return agent, state
        self._approve(state, waiting)
        self._tell(state, self.review.words(answer))
        return agent, state

    def _approve(self, state: Any, waiting: Sequence[Any]) -> None:
        for item in waiting:
            state.approve(item)
            if self._watching is not None:
                self._watching.passed.add(str(_call_of(item).id))

    async def _chunk(self, agent: Any, result: Any, remembered: bool) -> tuple[Any, Any]:
        state = result.to_state()
        answer = await self.review.gate_async(state=_Kept(agent, state.to_string()) if remembered else None)
        if answer.verdict == "rollback":
            return await self._go_back(answer)
        self._tell(state, self.review.words(answer))
        return agent, state

    async def _end(self, agent: Any, result: Any, remembered: bool) -> tuple[Any, Any]:
        """The last gate: (agent, input) if the agent has to go on, else (agent, None)."""
        items, self._context = result.to_input_list(), result.context_wrapper.context
        kept = _Kept(result.last_agent, None, items, _copy(self._context)) if remembered else None
        answer = await self.review.gate_async(final=True, state=kept)
        if answer.verdict == "rollback":
            return await self._go_back(answer)
        if answer.verdict == "reject":
            told = _user(self._noted(str(self.review.words(answer))))
            return result.last_agent, [*items, told] if remembered else [told]
        return agent, None

    async def _go_back(self, answer: Answer) -> tuple[Any, Any]:
        """The agent and the state (or input) as they were at a gate, with the brief."""
        kept: _Kept | None = self.review.state_at(answer)
        if kept is None:
            self.review.restart(answer, "its conversation is kept elsewhere")
        self._later = []
        words = str(self.review.words(answer))
        if kept.state is None:
            self._context = _copy(kept.context)
            return kept.agent, [*(kept.input or []), _user(self._noted(words))]
        inside = self._context is None or isinstance(self._context, Mapping)
        override = None if inside else RunContextWrapper(self._context)
        state = await RunState.from_string(kept.agent, kept.state, context_override=override)
        if state.get_interruptions():
            self._refuse(state, words)
        else:
            self._tell(state, words)
        return kept.agent, state

    # -- telling ------------------------------------------------------------------------------------------------------

    def _refuse(self, state: Any, words: str) -> None:
        """The calls are not made; the first is answered with the words."""
        for place, item in enumerate(state.get_interruptions()):
            state.reject(item, rejection_message=words if place == 0 else "Not made either.")
        self._noted(words)

    def _tell(self, state: Any, words: str | None) -> None:
        """Stage words for the next model request. Where the SDK takes none (a tool's result may end the run), they are
        kept for the next gate."""
        self._later += [words] if words is not None else []
        if self._later:
            text = "\n\n".join(self._later)
            try:
                state.add_input(text)
            except SdkUserError:
                return
            self._later = []
            self._noted(text)

    def _noted(self, words: str) -> str:
        self.review.tell(words)
        return words


class _Watching(RunHooks):  # type: ignore[misc]  # of a package without types here
    """Puts what happens on the trail, and passes it on to the user's own hooks. ended: there is a final output.
    passed: the calls that the run was interrupted for; others (of MCP servers, of agents that we could not see before)
    are asked for here, where they can be held, but a refusal ends the run."""

    def __init__(self, review: Review, hooks: Any) -> None:
        self.ended = False
        self.passed: set[str] = set()
        self._review, self._hooks = review, hooks or RunHooks()
        self._told: set[str] = set()
        self._lock = asyncio.Lock()

    async def on_llm_start(self, context: Any, agent: Any, system_prompt: str | None, input_items: _Items) -> None:
        self._review.unbroken()
        if system_prompt and system_prompt not in self._told:
            self._told.add(system_prompt)
            self._review.trail.say("system", system_prompt)
        await self._hooks.on_llm_start(context, agent, system_prompt, input_items)

    async def on_llm_end(self, context: Any, agent: Any, response: Any) -> None:
        items = [plain(item.model_dump(exclude_none=True)) for item in response.output if hasattr(item, "model_dump")]
        texts = [content_text(item.get("content")) for item in items if item["type"] == "message"]
        thoughts = [content_text(item.get("summary") or item.get("content") or "") for item in items
                    if item["type"] == "reasoning"]  # fmt: skip
        self._review.replied(
            agent.name, "\n".join(texts), "\n".join(filter(None, thoughts)),
            model=agent.model if isinstance(agent.model, str) else None,
            tokens_in=response.usage.input_tokens or None, tokens_out=response.usage.output_tokens or None,
        )  # fmt: skip
        made = [item for item in items if item["type"].endswith("_call") and item["type"] not in _LOCAL]
        self._review.trail.call(agent.name, [Call(item["type"], item, item.get("id")) for item in made])
        await self._hooks.on_llm_end(context, agent, response)

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        call_id = getattr(context, "tool_call_id", None)
        call = Call(tool.name, arguments_of(getattr(context, "tool_arguments", None)), call_id)
        async with self._lock:
            if call_id not in self.passed and self._review.asks_for([call]):
                answer = await self._review.gate_async(proposed=[call])
                if not answer.approved:
                    self._review.restart(answer, "the SDK cannot refuse a call of this tool")
            self._review.unbroken()
            self._review.trail.call(agent.name, [call])
        await self._hooks.on_tool_start(context, agent, tool)

    async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: object) -> None:
        text = result if isinstance(result, str) else content_text(plain(result))
        self._review.trail.result(text, call_id=getattr(context, "tool_call_id", None), name=tool.name)
        await self._hooks.on_tool_end(context, agent, tool, result)

    async def on_agent_start(self, context: Any, agent: Any) -> None:
        await self._hooks.on_agent_start(context, agent)

    async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
        self.ended = True
        await self._hooks.on_agent_end(context, agent, output)

    async def on_handoff(self, context: Any, from_agent: Any, to_agent: Any) -> None:
        await self._hooks.on_handoff(context, from_agent, to_agent)


# -- approvals ----------------------------------------------------------------------------------------------------


_set: dict[int, tuple[Any, Any, int]] = {}


@contextmanager
def _asking(agent: Any) -> Iterator[dict[int, Any]]:
    """While it lasts, every call of the agent's tools, and of those it hands over to, interrupts the run. Gives what
    the tools' own `needs_approval` says, by the tool's identity."""
    tools = {id(tool): tool for one in _reachable(agent) for tool in one.tools if _can_wait(tool)}
    for key, tool in tools.items():
        known = _set.get(key, (tool, getattr(tool, "needs_approval", False), 0))
        _set[key] = (tool, known[1], known[2] + 1)
        tool.needs_approval = True
    try:
        yield {key: _set[key][1] for key in tools}
    finally:
        for key in tools:
            tool, own, users = _set.pop(key)
            if users > 1:
                _set[key] = (tool, own, users - 1)
            else:
                tool.needs_approval = own


def _can_wait(tool: Any) -> bool:
    """Whether the SDK makes the tool's calls itself, and lets them wait."""
    environment = getattr(tool, "environment", None)
    hosted = isinstance(environment, Mapping) and environment.get("type") not in (None, "local")
    return hasattr(tool, "needs_approval") and not hosted


def _reachable(agent: Any) -> list[Any]:
    """The agent and all agents that it may hand over to."""
    found: list[Any] = []
    ahead = [agent]
    while ahead:
        one = ahead.pop()
        if isinstance(one, Handoff):
            reference = getattr(one, "_agent_ref", None)
            one = reference() if callable(reference) else None
        if isinstance(one, Agent) and all(one is not known for known in found):
            found.append(one)
            ahead += one.handoffs
    return found


async def _wanted(item: Any, call: Call, own: Mapping[int, Any], result: Any) -> bool:
    """Whether the tool itself asks for approval: by its own `needs_approval`, or because we have not set that."""
    tool = next(
        (tool for tool in item.agent.tools if getattr(tool, "name", None) == call.name and id(tool) in own), None
    )
    if tool is None:
        return True
    policy = own[id(tool)]
    if not callable(policy):
        return bool(policy)
    given = call.arguments if isinstance(call.arguments, dict) else {}
    return bool(await policy(result.context_wrapper, given, str(call.id)))


def _call_of(item: Any) -> Call:
    """The call that waits, of whatever kind of tool."""
    raw = item.raw_item
    fields = raw if isinstance(raw, Mapping) else plain(raw.model_dump(exclude_none=True))
    given = fields.get("arguments", fields.get("input", fields.get("action", fields.get("operation"))))
    return Call(item.name or str(fields.get("type")), arguments_of(given), fields.get("call_id") or fields.get("id"))


# -- items --------------------------------------------------------------------------------------------------------


def _copy(context: Any) -> Any:
    """A context as it is now. One that is no mapping is kept by the SDK as an object, and by us."""
    return deepcopy(context) if isinstance(context, Mapping) else context


def _user(words: str) -> dict[str, str]:
    return {"role": "user", "content": words}


def _task(items: Iterable[Any]) -> str | None:
    said = [item for item in items if isinstance(item, Mapping) and item.get("role") == "user"]
    return content_text(said[0].get("content")) if said else None


def _note_input(review: Review, item: Any) -> None:
    """Put an item of the run's input on the trail: messages, and calls and results of an earlier run."""
    fields = item if isinstance(item, Mapping) else {}
    role, kind = fields.get("role"), str(fields.get("type", ""))
    text = content_text(fields.get("content"))
    if role in ("user", "system", "developer"):
        review.trail.say("user" if role == "user" else "system", text)
    elif role == "assistant":
        review.trail.reply("agent", text)
    elif kind == "function_call":
        call = Call(str(fields.get("name")), arguments_of(fields.get("arguments")), fields.get("call_id"))
        review.trail.call("agent", [call])
    elif kind.endswith("_output"):
        review.trail.result(content_text(fields.get("output")), call_id=fields.get("call_id"))


__all__: Sequence[str] = ["ReviewedRunner"]
