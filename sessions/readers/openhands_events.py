"""Events of OpenHands as steps: what its two generations have in common, and the first one (V0).

A response of the model is one step: its thought, its calls (events of one response are merged), and their results. An
observation finds its action by the call's id, in V0 also by `cause`; one that comes more than 64 steps later, or for no
action, is a step of the environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sessions.readers.leftovers import amount, count, is_trivial, iso_time, mapping, sequence, text_or_none
from sessions.readers.pairing import Turn, Window
from sessions.readers.shared import call_part, content_text, raw_part, result_part, string
from sessions.run import DEFAULT_ACTOR, Part, Raw, Role, Step

_AGENT, _ENVIRONMENT = DEFAULT_ACTOR["agent"], DEFAULT_ACTOR["environment"]
#: Book-keeping of V0 that nobody said or did. It is kept with the step beside it.
_SILENT_ACTIONS = frozenset(("change_agent_state", "null", "recall", "start", "condensation_request", "loop_recovery"))
_SILENT_OBSERVATIONS = frozenset(("agent_state_changed", "null", "recall", "condense", "loop_detection"))
#: Fields of a V0 action that the model did not write.
_NOT_ARGUMENTS = frozenset(
    (
        *("thought", "hidden", "blocking", "confirmation_state", "is_confirmed", "security_risk", "is_static"),
        *("impl_source", "keep_prompt", "wait_for_response", "cwd", "agent_class", "openhands_version"),
    )
)


class EventLog:
    """A run's events, one by one; steps come out when nothing can be added to them any more."""

    def __init__(self) -> None:
        self.window = Window()
        self.depth = 0
        self.parent_call: str | None = None
        self.actor = _AGENT
        self.branch: str | None = None

    def say(self, role: Role, parts: list[Part], event: Mapping[str, Any], raw: Raw, actor: str | None = None) -> Turn:
        """A step of its own."""
        return self._open(actor or DEFAULT_ACTOR[role], role, parts, event, raw, None)

    def act(self, parts: list[Part], response: str | None, event: Mapping[str, Any], raw: Raw) -> Turn:
        """Something of the agent. Events of one response of the model are one step. Its calls wait for results."""
        turn = self.window.messages.get(response) if response is not None else None
        if turn is None:
            turn = self._open(self.actor, "agent", parts, event, raw, response)
        else:
            turn.step.parts += parts
            turn.step.raw.append(raw)
        for part in parts:
            if part.kind == "tool_call":
                self.window.expect(turn, part)
        return turn

    def result(self, part: Part, event: Mapping[str, Any], raw: Raw) -> Turn:
        """What came of a call."""
        turn = self.window.answer(part.call_id, part, raw)
        return turn if turn is not None else self.say("environment", [part], event, raw)

    def keep(self, raw: Raw, part: Part | None = None) -> None:
        """An event that is no step."""
        self.window.attach(raw, part)

    def unknown(self, event: Any, raw: Raw, kind: str) -> None:
        self.keep(raw, raw_part(kind, event))

    def ready(self) -> Iterator[Step]:
        """The steps that are finished."""
        for turn in self.window.ready():
            yield turn.step

    def rest(self) -> Iterator[Step]:
        """All others, at the end of the run."""
        for turn in self.window.rest():
            yield turn.step

    def _open(
        self, actor: str, role: Role, parts: list[Part], event: Mapping[str, Any], raw: Raw, response: str | None
    ) -> Turn:
        step = Step(
            actor,
            role,
            list(parts),
            at=iso_time(event.get("timestamp")),
            native_id=text_or_none(event.get("id")),
            depth=self.depth,
            parent_call=self.parent_call,
            branch=self.branch,
            raw=[raw],
        )
        turn = Turn(step, message=response)
        self.window.add(turn)
        return turn


class V0Events:
    """The first generation: actions and observations, numbered; `cause` is the number of the action."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._calls: dict[int, str] = {}
        self._told: set[str] = set()
        self._cost = 0.0
        self._outer: list[tuple[int | None, str, str | None]] = []

    def take(self, event: dict[str, Any], raw: Raw) -> None:
        if isinstance(event.get("observation"), str):
            self._observation(event["observation"], event, raw)
        elif isinstance(event.get("action"), str):
            self._action(event["action"], event, raw)
        else:
            self._log.unknown(event, raw, "event")

    def _action(self, kind: str, event: dict[str, Any], raw: Raw) -> None:
        args = mapping(event.get("args"))
        if kind in _SILENT_ACTIONS:
            self._log.keep(raw)
        elif kind == "system":
            self._log.say("system", _texts(args.get("content")), event, raw)
        elif kind == "condensation":
            self._log.say("system", _texts(args.get("summary") or f"[condensed: {string(args)}]"), event, raw)
        elif kind == "message" and event.get("source") != "agent":
            role: Role = "user" if event.get("source") == "user" else "environment"
            self._log.say(role, _message(args, event), event, raw)
        else:
            self._act(kind, args, event, raw)

    def _act(self, kind: str, args: dict[str, Any], event: dict[str, Any], raw: Raw) -> None:
        metadata = mapping(event.get("tool_call_metadata"))
        response = mapping(metadata.get("model_response"))
        said = mapping(mapping(next(iter(sequence(response.get("choices"))), None)).get("message"))
        response_id = text_or_none(response.get("id"))
        parts: list[Part] = []
        if response_id is None or response_id not in self._told:
            parts = [Part("reasoning", text) for text in [string(said.get("reasoning_content"))] if text]
        if kind == "message":
            parts += _message(args, event)
        else:
            parts += _texts(args.get("thought"))
            parts.append(self._call(kind, args, metadata, event))
        if event.get("source") == "user":  # a person's own command
            turn = self._log.say("user", parts, event, raw)
            self._log.window.expect(turn, parts[-1])
            return
        turn = self._log.act(parts, response_id, event, raw)
        self._usage(turn, response, response_id, event)
        if kind == "delegate":
            self._outer.append((_number(event.get("id")), self._log.actor, self._log.parent_call))
            self._log.depth += 1
            self._log.actor, self._log.parent_call = string(args.get("agent")) or "sub-agent", parts[-1].call_id

    def _call(self, kind: str, args: dict[str, Any], metadata: dict[str, Any], event: dict[str, Any]) -> Part:
        number = _number(event.get("id"))
        call_id = text_or_none(metadata.get("tool_call_id"))
        if call_id is None and number is not None:
            call_id = f"event {number}"
        if number is not None and call_id is not None:
            self._calls[number] = call_id
            if len(self._calls) > 1000:
                del self._calls[next(iter(self._calls))]
        arguments = {key: value for key, value in args.items() if key not in _NOT_ARGUMENTS and not is_trivial(value)}
        return call_part(text_or_none(metadata.get("function_name")) or kind, arguments, call_id)

    def _usage(self, turn: Turn, response: dict[str, Any], response_id: str | None, event: dict[str, Any]) -> None:
        """Tokens of a response are counted once; costs are totals, of which the growth is the step's."""
        step, usage = turn.step, mapping(response.get("usage"))
        step.model = step.model or text_or_none(response.get("model"))
        if usage and (response_id is None or response_id not in self._told):
            step.tokens_in, step.tokens_out = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
        if response_id is not None:
            self._told.add(response_id)
        total = amount(mapping(event.get("llm_metrics")).get("accumulated_cost"))
        if total is not None and total > self._cost:
            step.cost = round((step.cost or 0.0) + total - self._cost, 9)
            self._cost = total

    def _observation(self, kind: str, event: dict[str, Any], raw: Raw) -> None:
        if kind in _SILENT_OBSERVATIONS:
            self._log.keep(raw)
            return
        cause = _number(event.get("cause"))
        if kind == "delegate":
            self._back(cause)
        call_id = text_or_none(mapping(event.get("tool_call_metadata")).get("tool_call_id"))
        if call_id is None and cause is not None:
            call_id = self._calls.get(cause)
        text = content_text(event.get("content")) or string(event.get("message"))
        if kind == "delegate" and not text:
            text = string(mapping(event.get("extras")).get("outputs"))
        self._log.result(result_part(text, name=kind, call_id=call_id, is_error=_failed(kind, event)), event, raw)

    def _back(self, cause: int | None) -> None:
        """A delegate is done: the agent that asked it goes on."""
        while self._outer:
            number, self._log.actor, self._log.parent_call = self._outer.pop()
            self._log.depth -= 1
            if number == cause or cause is None:
                break


def _failed(kind: str, event: dict[str, Any]) -> bool | None:
    """Stated by the kind of observation, the exit code, or `success`; None where nothing says."""
    if kind in ("error", "user_rejected"):
        return True
    extras = mapping(event.get("extras"))
    code = mapping(extras.get("metadata")).get("exit_code", extras.get("exit_code"))
    if isinstance(code, int) and not isinstance(code, bool) and code != -1:  # -1: it is still running
        return code != 0
    if extras.get("error") is True:
        return True
    success = event.get("success")
    return not success if isinstance(success, bool) else None


def _message(args: dict[str, Any], event: dict[str, Any]) -> list[Part]:
    text = content_text(args.get("content")) or string(event.get("message"))
    urls = [*sequence(args.get("image_urls")), *sequence(args.get("images_urls"))]
    images = [content_text([{"type": "image_url", "image_url": url}]) for url in dict.fromkeys(map(string, urls))]
    return _texts("\n".join(filter(None, (text, *images))))


def _texts(value: Any) -> list[Part]:
    text = content_text(value)
    return [Part("text", text)] if text else []


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
