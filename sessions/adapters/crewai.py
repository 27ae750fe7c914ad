"""CrewAI (written against 1.15): a crew unchanged; calls can be edited, and inside a task messages go back too.

    from sessions.adapters.crewai import ReviewedCrew

    result = ReviewedCrew(crew, Review(agent="crew", task="Repair the build.", workspace=".")).kickoff()

A gate opens before a model request when a chunk is complete, before tool calls that are asked for first, and when the
crew has ended. A rollback to a gate in the same task cuts the agent's messages back to what it was last asked there;
one to an earlier task, or at the end, takes the files back and stops with a brief. So does a rejection at the end: a
crew cannot go on from there. CrewAI goes on when a hook fails; these block instead, and the run ends with the error.
Use `kickoff` only: a gate would stand in the way of an event loop.
"""

# The package need not be installed where types are checked.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from crewai.hooks import (
    register_after_llm_call_hook,
    register_after_tool_call_hook,
    register_before_llm_call_hook,
    register_before_tool_call_hook,
    unregister_after_llm_call_hook,
    unregister_after_tool_call_hook,
    unregister_before_llm_call_hook,
    unregister_before_tool_call_hook,
)
from crewai.hooks.dispatch import HookAborted

from sessions.adapters.base import START, Answer, Call, Review, calls_of, paired
from sessions.adapters.trail import plain
from sessions.errors import UserError
from sessions.readers.shared import content_text
from sessions.run import Role


class _State(NamedTuple):
    """A task, its agent's messages (the list is used again for other tasks), and how many there were."""

    task: Any
    messages: list[Any]
    length: int


class ReviewedCrew:
    """A crew under review. One for each run."""

    def __init__(self, crew: Any, review: Review) -> None:
        self.crew, self.review = crew, review
        self._lock = threading.Lock()
        self._ids = (f"call-{number}" for number in itertools.count(1))
        self._waiting: dict[int, str] = {}
        self._blocked: dict[int, str] = {}
        self._later: list[str] = []
        self._asked = _State(None, [], 0)
        self._silent = False
        self._back: Answer | None = None
        self._error: BaseException | None = None

    def kickoff(self, inputs: dict[str, Any] | None = None) -> Any:
        """As the crew's own. Raises Stopped and Unanswered too."""
        review = self.review
        review.start(["edit", "state"], "\n\n".join(task.description for task in self.crew.tasks))
        review.unbroken()
        try:
            with self._hooked():
                result = self.crew.kickoff(inputs=inputs)
        except Exception:
            if self._error is not None:
                raise self._error from None
            raise
        if self._error is not None:  # an agent made something of it and ended
            raise self._error
        if not review.has_state(START):
            raise UserError("the crew's agents did not ask at any gate.", "Make the crew anew for a reviewed run.")
        answer = review.gate(final=True)
        if not answer.approved:
            review.restart(answer, "a crew that has ended cannot go on")
        return result

    @contextmanager
    def _hooked(self) -> Iterator[None]:
        """Our hooks are CrewAI's while it lasts. Hooks for one execution only would not reach its threads."""
        hooks = (
            (register_before_llm_call_hook, unregister_before_llm_call_hook, self._guarded(self._before_llm)),
            (register_after_llm_call_hook, unregister_after_llm_call_hook, self._guarded(self._after_llm)),
            (register_before_tool_call_hook, unregister_before_tool_call_hook, self._guarded(self._before_tool)),
            (register_after_tool_call_hook, unregister_after_tool_call_hook, self._guarded(self._after_tool)),
        )
        for register, _, hook in hooks:
            register(hook)
        try:
            yield
        finally:
            for _, unregister, hook in hooks:
                unregister(hook)

    def _guarded(self, hook: Any) -> Any:
        """A hook for our crew only, that blocks where it fails: CrewAI would go on."""

        def guarded(context: Any) -> Any:
            if context.crew is not self.crew:
                return None
            with self._lock:
                try:
                    if self._error is not None:
                        raise HookAborted(str(self._error), source="review")
                    return hook(context)
                except HookAborted:
                    raise
                except BaseException as error:
                    self._error = error
                    raise HookAborted(str(error), source="review") from error

        return guarded

    # -- models -------------------------------------------------------------------------------------------------------

    def _before_llm(self, context: Any) -> None:
        messages = context.messages
        if context.task is not self._asked.task or messages is not self._asked.messages:
            for message in messages:
                role: Role = message["role"] if message["role"] in ("system", "user") else "environment"
                self.review.trail.say(role, content_text(message.get("content")))
        self._asked = _State(context.task, messages, len(messages))
        if not self.review.has_state(START):
            self.review.keep(START, self._asked)
        answer, self._back = self._back, None
        if answer is None and self.review.due():
            answer = self.review.gate(state=self._asked)
        if answer is not None and answer.verdict == "rollback":
            self._go_back(answer, context.task, messages)
        elif answer is not None and (words := self.review.words(answer)):
            self._later.append(words)
        for words in self._later:
            messages.append({"role": "user", "content": words})
            self.review.tell(words)
        self._later, self._silent = [], True
        self._asked = _State(context.task, messages, len(messages))

    def _go_back(self, answer: Answer, task: Any, messages: list[Any]) -> None:
        state: _State = self.review.state_at(answer)
        if state.task is not task or state.messages is not messages:
            self.review.restart(answer, "that gate is in another task")
        del messages[state.length :]
        self._later = [str(self.review.words(answer))]

    def _after_llm(self, context: Any) -> None:
        self._silent = False
        self.review.replied(context.agent.role.strip(), str(context.response or ""))

    # -- tools --------------------------------------------------------------------------------------------------------

    def _before_tool(self, context: Any) -> bool | None:
        actor = context.agent.role.strip() if context.agent is not None else self.review.agent
        if self._silent:  # a reply that holds nothing but calls is not told of
            self._silent = False
            self.review.replied(actor)
        given = context.tool_input
        call = Call(context.tool_name, plain(dict(given)), next(self._ids))
        why = "Not made: the run is rolled back." if self._back is not None else None
        if why is None and self.review.asks_for([call]):
            call, why = self._ask(call)
        if why is not None:
            self._blocked[id(given)] = why
            return False
        if call.arguments != plain(dict(given)):
            given.clear()
            given.update(call.arguments)
        self._waiting[id(given)] = str(call.id)
        self.review.trail.call(actor, [call])
        return None

    def _ask(self, call: Call) -> tuple[Call, str | None]:
        """What becomes of a call: the call to be made, and why it is not."""
        answer = self.review.gate(proposed=[call], state=self._asked)
        if answer.verdict == "rollback":
            self._back = answer
            return call, "Not made: the run is rolled back."
        words = self.review.words(answer)
        if answer.verdict == "reject":
            self.review.tell(str(words))
            return call, str(words)
        self._later += [words] if words else []
        if answer.edited is None:
            return call, None
        (edited,), _ = paired([call], calls_of(answer.edited))
        if edited is None or edited.name != call.name or not isinstance(edited.arguments, dict):
            return call, "Not made: the reviewer took it out, or asks for another tool. See what you are told next."
        return edited, None

    def _after_tool(self, context: Any) -> str | None:
        """The result goes to the trail; of a call that was blocked, the agent is told why."""
        key = id(context.tool_input)
        if key in self._blocked:
            return self._blocked.pop(key)
        call_id = self._waiting.pop(key, None)
        self.review.trail.result(str(context.tool_result or ""), call_id=call_id, name=context.tool_name)
        return None
