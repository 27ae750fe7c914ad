"""mini-SWE-agent (written against 2.4): files and messages go back, calls can be edited, the agent is told.

    from sessions.adapters.mini_swe_agent import ReviewedAgent

    agent = ReviewedAgent(model, env, review=Review(agent="mini", workspace="."), **config)
    agent.run("Repair the build.")

or, with the package's own command: `mini -c mini.yaml -c agent.review.workspace=. --agent-class
sessions.adapters.mini_swe_agent.ReviewedAgent`. A subclass of the agent of your own: `class Mine(Reviewed, YourAgent)`.

A gate opens before the next model request when a chunk is complete, before commands that are asked for first, and when
the agent wants to end. `agent.messages` is cut back by a rollback; costs and counts of requests stay as they are.
"""

# The package need not be installed where types are checked.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from minisweagent.agents.default import DefaultAgent
from minisweagent.exceptions import FormatError, InterruptAgentFlow, UserInterruption

from sessions.adapters.base import START, Answer, Call, Review, calls_of, paired
from sessions.readers.chat_messages import message_step
from sessions.readers.shared import content_text

TOOL, ACTOR = "bash", "agent"
#: Marks messages by which the agent was told of a decision, as the package marks interruptions.
_TOLD = "Review"
_REFUSED = "review_refused"


class _State(NamedTuple):
    """messages: how many the agent had. asked: the last of them, if its commands were not run yet. errors: how many
    format errors came last."""

    messages: int
    asked: dict[str, Any] | None
    errors: int


class Reviewed:
    """What makes a `DefaultAgent` (or a subclass) a reviewed one. To stand before it among the bases."""

    def __init__(self, model: Any, env: Any, *, review: Review | Mapping[str, Any], **config: Any) -> None:
        """review: the review, or its settings (without an `agent`, that is "mini-swe-agent")."""
        self.review = review if isinstance(review, Review) else Review(**{"agent": "mini-swe-agent", **review})
        super().__init__(model, _Watched(env, self.review), **config)  # type: ignore[call-arg]  # the agent's

    def run(self: Any, task: str = "", **variables: Any) -> dict[str, Any]:
        """As the agent's own. Raises Stopped and Unanswered too."""
        self.review.start(["edit", "state"], task)
        return super().run(task, **variables)  # type: ignore[misc, no-any-return]

    def step(self: Any) -> list[dict[str, Any]]:
        try:
            return super().step()  # type: ignore[misc, no-any-return]
        except InterruptAgentFlow as end:
            if self._ends(end):
                self._last_gate(end)
            raise

    def query(self: Any) -> dict[str, Any]:
        if not self.review.has_state(START):
            self.review.keep(START, self._state(None))
        if self.review.due():
            self._follow(self.review.gate(state=self._state(None)))
        message: dict[str, Any] = super().query()  # type: ignore[misc]
        text, reasoning = _said(message)
        self.review.replied(ACTOR, text, reasoning, cost=message.get("extra", {}).get("cost"))
        return message

    def execute_actions(self: Any, message: dict[str, Any]) -> list[dict[str, Any]]:
        actions = message.get("extra", {}).get("actions", [])
        proposed = [_call(action) for action in actions]
        if not self.review.asks_for(proposed):
            return super().execute_actions(message)  # type: ignore[misc, no-any-return]
        answer = self.review.gate(proposed=proposed, state=self._state(message))
        if answer.verdict == "rollback":
            self._go_back(answer)
        if answer.verdict == "reject":
            return self._refuse(message, self.review.words(answer))  # type: ignore[no-any-return]
        if answer.edited is not None:
            message = _with_actions(message, _edited(actions, proposed, calls_of(answer.edited)))
        made: list[dict[str, Any]] = super().execute_actions(message)  # type: ignore[misc]
        self._told(self.review.words(answer))
        return made

    def add_messages(self: Any, *messages: dict[str, Any]) -> list[dict[str, Any]]:
        for message in messages:
            _note(self.review, message)
        return super().add_messages(*messages)  # type: ignore[misc, no-any-return]

    # -- what follows -------------------------------------------------------------------------------------------------

    def _state(self: Any, asked: dict[str, Any] | None) -> _State:
        return _State(len(self.messages), asked, self.n_consecutive_format_errors)

    def _follow(self: Any, answer: Answer) -> None:
        """What an answer means where no command waits to be run."""
        if answer.verdict == "rollback":
            self._go_back(answer)
        self._told(self.review.words(answer))

    def _told(self: Any, words: str | None) -> list[dict[str, Any]]:
        if words is None:
            return []
        told = self.model.format_message(role="user", content=words, extra={"interrupt_type": _TOLD})
        return self.add_messages(told)  # type: ignore[no-any-return]

    def _refuse(self: Any, message: dict[str, Any], words: str) -> list[dict[str, Any]]:
        """The commands are not run; each has an answer all the same, because models insist on it."""
        return self.add_messages(*self._refusals(message, words))  # type: ignore[no-any-return]

    def _refusals(self: Any, message: dict[str, Any], words: str) -> list[dict[str, Any]]:
        outputs = [_refused(words if place == 0 else "") for place in range(len(message["extra"]["actions"]))]
        made: list[dict[str, Any]] = self.model.format_observation_messages(message, outputs, self.get_template_vars())
        for place, item in enumerate(made):
            item["extra"] = {**item.get("extra", {}), "interrupt_type": _TOLD if place == 0 else _REFUSED}
        return made

    def _go_back(self: Any, answer: Answer) -> None:
        """Cut the messages back to where a gate stood, and go on from there with the brief."""
        state = self.review.state_at(answer)
        del self.messages[state.messages :]
        self.n_consecutive_format_errors = state.errors
        words = self.review.words(answer)
        if state.asked is not None:
            raise UserInterruption(*self._refusals(state.asked, words))
        raise UserInterruption(
            self.model.format_message(role="user", content=words, extra={"interrupt_type": _TOLD})
        )  # fmt: skip

    def _ends(self: Any, end: InterruptAgentFlow) -> bool:
        """Whether the run is over with what was raised, as far as the agent is concerned."""
        if isinstance(end, FormatError):
            return bool(0 < self.config.max_consecutive_format_errors <= self.n_consecutive_format_errors + 1)
        return any(message.get("role") == "exit" for message in end.messages)

    def _last_gate(self: Any, end: InterruptAgentFlow) -> None:
        for message in end.messages:
            self.review.trail.say("environment", content_text(message.get("content")))
        last = self.messages[-1] if self.messages else {}
        asked = last if last.get("extra", {}).get("actions") else None
        answer = self.review.gate(final=True, state=self._state(asked))
        if answer.verdict == "rollback":
            self._go_back(answer)
        if answer.verdict == "reject":
            words = self.review.words(answer)
            told = self.model.format_message(role="user", content=words, extra={"interrupt_type": _TOLD})
            raise UserInterruption(*(self._refusals(asked, words) if asked is not None else [told]))


class ReviewedAgent(Reviewed, DefaultAgent):  # type: ignore[misc]  # of a package without types here
    """The package's agent, under review."""


class _Watched:
    """The agent's environment: what it runs is noted, and what was refused is not run. Results are noted as the model
    is told them, so that the run reads as the agent's own trajectory does."""

    def __init__(self, env: Any, review: Review) -> None:
        self._env, self._review = env, review

    def __getattr__(self, name: str) -> Any:
        return getattr(self._env, name)

    def execute(self, action: dict[str, Any], *args: Any, **more: Any) -> dict[str, Any]:
        self._review.unbroken()
        if _REFUSED in action:
            return _refused(action[_REFUSED])
        self._review.trail.call(ACTOR, [_call(action)])
        output: dict[str, Any] = self._env.execute(action, *args, **more)
        return output


def _call(action: Mapping[str, Any]) -> Call:
    return Call(TOOL, {"command": action.get("command", "")}, action.get("tool_call_id"))


def _refused(words: str) -> dict[str, Any]:
    why = f"The command was not run.\n{words}".rstrip()
    return {"output": "", "returncode": -1, "exception_info": why}


def _edited(
    actions: Sequence[dict[str, Any]], proposed: Sequence[Call], edited: Sequence[Call]
) -> list[dict[str, Any]]:
    """The actions as they may run. What an edit adds is only told."""
    pairs, _ = paired(proposed, [call for call in edited if call.name == TOOL])
    return [
        {**action, "command": _command(call)} if call is not None else {**action, _REFUSED: "It was taken out."}
        for action, call in zip(actions, pairs, strict=True)
    ]


def _command(call: Call) -> str:
    given = call.arguments
    return str(given.get("command", "")) if isinstance(given, Mapping) else str(given)


def _with_actions(message: dict[str, Any], actions: list[dict[str, Any]]) -> dict[str, Any]:
    return {**message, "extra": {**message["extra"], "actions": actions}}


def _said(message: dict[str, Any]) -> tuple[str, str]:
    """(text, reasoning) of a model's reply: a chat message, or the items of OpenAI's Responses interface."""
    if "output" in message:
        items = [item for item in message["output"] if isinstance(item, dict)]
        texts = [content_text(item.get("content")) for item in items if item.get("type") == "message"]
        thoughts = [content_text(item.get("summary")) for item in items if item.get("type") == "reasoning"]
        return "\n".join(texts), "\n".join(filter(None, thoughts))
    parts = message_step({**message, "tool_calls": None}, "assistant").parts
    kinds = [("\n".join(part.text for part in parts if part.kind == kind)) for kind in ("text", "reasoning")]
    return kinds[0], kinds[1]


def _note(review: Review, message: dict[str, Any]) -> None:
    """Put a message on the trail that no model made."""
    extra = message.get("extra") or {}
    kind, text = str(extra.get("interrupt_type", "")), content_text(message.get("content", message.get("output")))
    if kind == _TOLD:
        review.tell(text)
    elif "returncode" in extra:
        if kind != _REFUSED:
            call_id = message.get("tool_call_id") or message.get("call_id")
            failed = extra["returncode"] != 0 or bool(extra.get("exception_info"))
            review.trail.result(text, call_id=call_id, name=TOOL, is_error=failed)
    elif message.get("role") in ("system", "user"):
        scaffold = kind and not kind.startswith("User")
        review.trail.say("environment" if scaffold else message["role"], text)
