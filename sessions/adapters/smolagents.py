"""smolagents (written against 1.26): agents unchanged; their memory goes back with the files, calls can be edited.

    from sessions.adapters.smolagents import ReviewedAgent

    reviewed = ReviewedAgent(CodeAgent(tools=[], model=model), Review(agent="fixer", workspace="."))
    answer = reviewed.run("Repair the build.")

The agent is run as a stream, which stands still between its steps and before every action. A gate opens after a step
when a chunk is complete, before calls (or code) that are asked for first, and at the end. Rejecting one call of a step
rejects the step. Python variables of a `CodeAgent` go back by name: an object that was changed in place stays changed.
Steps of managed agents are not seen, only what they are asked and answer.
"""

# The package need not be installed where types are checked.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from smolagents import ActionStep, ChatMessage, FinalAnswerStep, MessageRole, PlanningStep, ToolCall, ToolOutput
from smolagents.memory import MemoryStep
from smolagents.utils import AgentToolExecutionError

from sessions.adapters.base import START, Answer, Call, Review, calls_of, paired
from sessions.adapters.trail import arguments_of, plain
from sessions.readers.shared import content_text

_FINAL, _CODE = "final_answer", "python_interpreter"


@dataclass
class ReviewStep(MemoryStep):  # type: ignore[misc]  # of a package without types here
    """What the agent was told at a gate, as a message in its memory."""

    words: str

    def to_messages(self, summary_mode: bool = False) -> list[Any]:  # noqa: ARG002  # the package's parameter
        return [ChatMessage(role=MessageRole.USER, content=[{"type": "text", "text": self.words}])]


class _State(NamedTuple):
    """steps: how many the memory held. variables, python: names and values, None where there are none."""

    steps: int
    variables: dict[str, Any]
    python: dict[str, Any] | None


class ReviewedAgent:
    """An agent under review. One for each run."""

    def __init__(self, agent: Any, review: Review) -> None:
        self.agent, self.review = agent, review
        self._actor = agent.name or review.agent
        self._heard: Any = None
        self._calls: list[Call] = []
        self._edits: dict[str, Call | None] = {}
        self._open: list[Call] = []
        self._back: Answer | None = None
        self._later: str | None = None

    def run(self, task: str, *, reset: bool = True, max_steps: int | None = None, **options: Any) -> Any:
        """As the agent's own, without `stream` and `return_full_result`: the final answer. Raises Stopped and
        Unanswered too."""
        review, agent = self.review, self.agent
        review.start(["edit", "state"], task)
        left = max_steps or agent.max_steps
        own_model, own_executor = agent.model, getattr(agent, "python_executor", None)
        agent.model = _Heard(own_model, self)
        if own_executor is not None:
            agent.python_executor = _Executor(own_executor)
        try:
            stream, given = agent.run(task, stream=True, reset=reset, max_steps=left, **options), task
            review.trail.say("system", agent.memory.system_prompt.system_prompt)
            review.trail.say("user", given)
            review.keep(START, self._state())
            while True:
                answer, made = self._follow(stream)
                verdict = review.gate(final=True, state=self._state())
                if verdict.approved:
                    return answer
                words = str(review.words(verdict))
                if verdict.verdict == "rollback":
                    self._restore(verdict)
                review.tell(words)
                left = max(1, left - made)
                stream = agent.run(words, stream=True, reset=False, max_steps=left)
        finally:
            agent.model = own_model
            if own_executor is not None:
                agent.python_executor = own_executor

    def _follow(self, stream: Generator[Any, None, None]) -> tuple[Any, int]:
        """Run the agent to its final answer: that, and how many steps it took."""
        made, last, item = 0, None, next(stream)
        try:
            while not isinstance(item, FinalAnswerStep):
                self.review.unbroken()
                refusal = None
                if isinstance(item, ToolCall):
                    refusal = self._asked(item)
                elif isinstance(item, ToolOutput):
                    self._result(item.observation, item.id)
                elif isinstance(item, PlanningStep):
                    self._heard = None
                    self.review.replied(self._actor, item.plan)
                elif isinstance(item, ActionStep) and item is not last:  # the last one before the limit comes twice
                    made, last = made + 1, item
                    self._stepped(item)
                # Thrown in where the stream stands, before the call is made, an agent's error is the step's result.
                item = next(stream) if refusal is None else stream.throw(refusal)
        except BaseException:
            if isinstance(item, ToolCall):  # the stream must be led out of its step to be closed
                with suppress(Exception):
                    stream.throw(self._refusal("Not made."))
            raise
        finally:
            stream.close()
        self._note()
        return item.output, made

    # -- calls --------------------------------------------------------------------------------------------------------

    def heard(self, message: Any) -> None:
        """The model has replied."""
        self._note()
        self._heard = message
        made = [(call.function.name, call.function.arguments, call.id) for call in message.tool_calls or ()]
        self._calls = [Call(name, arguments_of(given), call_id) for name, given, call_id in made]

    def _note(self) -> None:
        """Put the model's reply on the trail, once."""
        message, self._heard = self._heard, None
        if message is not None:
            usage = message.token_usage
            self.review.replied(
                self._actor, content_text(message.content), tokens_in=usage.input_tokens if usage else None,
                tokens_out=usage.output_tokens if usage else None,
            )  # fmt: skip

    def _asked(self, item: Any) -> Exception | None:
        """A call is about to be made. None if it may be, as it stands in `item` by now, else the error for its step."""
        if item.name == _FINAL:
            self._note()
            self._make(Call(item.name, plain(item.arguments), item.id))
            return None
        if item.id not in self._edits:
            self._note()
            one = Call(item.name, plain(item.arguments), item.id)
            known = [call for call in self._calls if call.name != _FINAL]
            refusal = self._ask(known if any(call.id == item.id for call in known) else [one])
            if refusal is not None:
                return refusal
        made = self._edits.pop(item.id, None)
        if made is None:
            return self._refusal("The reviewer took this call out.")
        if made.name != item.name or plain(item.arguments) != made.arguments:
            item.name, item.arguments = made.name, made.arguments
            if made.name == _CODE:
                self.agent.python_executor.instead = str(_code(made.arguments))
        self._make(made)
        return None

    def _make(self, call: Call) -> None:
        self.review.trail.call(self._actor, [call])
        self._open.append(call)

    def _ask(self, calls: Sequence[Call]) -> Exception | None:
        """Ask for the calls of a step, if need be. None if they may be made, as `_edits` says."""
        self._edits = {str(call.id): call for call in calls}
        if not self.review.asks_for(calls):
            return None
        answer = self.review.gate(proposed=calls, state=self._state())
        if answer.verdict == "rollback":
            self._back = answer
            return self._refusal("Not made: the run is rolled back.")
        words = self.review.words(answer)
        if answer.verdict == "reject":
            self.review.tell(str(words))
            return self._refusal(str(words))
        if answer.edited is not None:
            pairs, _ = paired(calls, calls_of(answer.edited))
            self._edits = dict(zip((str(call.id) for call in calls), pairs, strict=True))
        if words is not None:
            self._later = words
        return None

    def _refusal(self, words: str) -> Exception:
        error: Exception = AgentToolExecutionError(words, self.agent.logger)
        return error

    def _result(self, text: str, call_id: str, is_error: bool | None = None) -> None:
        self._open = [call for call in self._open if call.id != call_id]
        self.review.trail.result(text, call_id=call_id, is_error=is_error)

    # -- steps --------------------------------------------------------------------------------------------------------

    def _stepped(self, step: Any) -> None:
        """A step is over, and the next has not begun."""
        self._note()
        for call in list(self._open):
            text = str(step.error.message if step.error else step.observations or "")
            self._result(text, str(call.id), is_error=step.error is not None)
        self._edits, self._calls = {}, []
        back, self._back = self._back, None
        if back is None and self.review.due() and not step.is_final_answer:
            answer = self.review.gate(state=self._state())
            back = answer if answer.verdict == "rollback" else None
            self._tell(self.review.words(answer) if back is None else None)
        if back is not None:
            self._restore(back)
            self._tell(self.review.words(back))
        words, self._later = self._later, None
        self._tell(words)

    def _tell(self, words: str | None) -> None:
        if words is not None:
            self.agent.memory.steps.append(ReviewStep(words))
            self.review.tell(words)

    def _state(self) -> _State:
        executor = getattr(self.agent, "python_executor", None)
        python = getattr(executor, "state", None)
        return _State(
            len(self.agent.memory.steps), dict(self.agent.state), dict(python) if isinstance(python, dict) else None
        )

    def _restore(self, answer: Answer) -> None:
        state: _State = self.review.state_at(answer)
        self._later = None
        del self.agent.memory.steps[state.steps :]
        for now, then in ((self.agent.state, state.variables), (self._python(), state.python)):
            if now is not None and then is not None:
                now.clear()
                now.update(then)

    def _python(self) -> dict[str, Any] | None:
        found = getattr(getattr(self.agent, "python_executor", None), "state", None)
        return found if isinstance(found, dict) else None


def _code(arguments: Any) -> Any:
    return arguments.get("code", "") if isinstance(arguments, dict) else arguments


class _Heard:
    """The agent's model; its replies are heard."""

    def __init__(self, model: Any, reviewed: ReviewedAgent) -> None:
        self._model, self._reviewed = model, reviewed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate(self, *args: Any, **named: Any) -> Any:
        message = self._model.generate(*args, **named)
        self._reviewed.heard(message)
        return message


class _Executor:
    """The agent's interpreter; `instead` is run in place of the next code."""

    def __init__(self, executor: Any) -> None:
        self._executor = executor
        self.instead: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._executor, name)

    def __call__(self, code: str) -> Any:
        code, self.instead = self.instead if self.instead is not None else code, None
        return self._executor(code)
