"""AutoGen agentchat messages as steps: what an agent thinks, calls and says up to the results is one turn.

`ToolCallSummaryMessage` repeats the results for the other agents; where it says just that, it is kept with the step and
not shown again. Chunks of a streamed answer come again as a whole, and are only kept too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessions.readers.ag2 import named_role
from sessions.readers.leftovers import count, iso_time, leftover_parts, mapping, sequence, text_or_none
from sessions.readers.pairing import Turn, Window
from sessions.readers.shared import call_part, content_text, media_text, raw_part, result_part, string
from sessions.run import DEFAULT_ACTOR, Part, Raw, Step

#: Messages that agents send to each other. "StructuredMessage[Plan]" is one too.
_CHAT = frozenset(
    ("TextMessage", "MultiModalMessage", "StopMessage", "HandoffMessage", "ToolCallSummaryMessage", "StructuredMessage")
)
_REQUESTS = ("ToolCallRequestEvent", "ToolCallMessage")
_RESULTS = ("ToolCallExecutionEvent", "ToolCallResultMessage")
_SPOKEN_EVENTS = frozenset(("SelectSpeakerEvent", "SelectorEvent", "CodeGenerationEvent", "MemoryQueryEvent"))
_SILENT = frozenset(("UserInputRequestedEvent", "ModelClientStreamingChunkEvent"))
EVENTS = frozenset(("ThoughtEvent", "CodeExecutionEvent", *_REQUESTS, *_RESULTS, *_SPOKEN_EVENTS, *_SILENT))
#: Messages of an agent's own model context, as its saved state holds them.
CONTEXT = frozenset(("SystemMessage", "UserMessage", "AssistantMessage", "FunctionExecutionResultMessage"))
_KNOWN = frozenset(
    (
        *(
            "id",
            "source",
            "models_usage",
            "metadata",
            "created_at",
            "content",
            "type",
            "tool_calls",
            "results",
            "target",
        ),
        *(
            "context",
            "result",
            "retry_attempt",
            "code_blocks",
            "thought",
            "format_string",
            "request_id",
            "full_message_id",
        ),
    )
)


def kind_of(message: Any) -> str | None:
    """A message's type without its parameter; None if it is no message."""
    kind = message.get("type") if isinstance(message, dict) else None
    return kind.partition("[")[0] if isinstance(kind, str) else None


def is_message(message: Any) -> bool:
    """Whether a record is a message or event that one of agentchat's agents sent."""
    kind = kind_of(message)
    return (kind in _CHAT or kind in EVENTS) and isinstance(message.get("source"), str)


class Messages:
    """Takes a run's messages one by one; steps come out when nothing can be added to them any more."""

    def __init__(self) -> None:
        self._window = Window()
        self._turn: Turn | None = None
        self._closed = True

    def take(self, message: Any, raw: Raw) -> None:
        kind = kind_of(message)
        if not isinstance(message, dict) or kind is None:
            self._window.attach(raw, raw_part("message", message))
        elif kind in _SILENT:
            self._window.attach(raw)
        elif kind in _RESULTS or kind == "FunctionExecutionResultMessage":
            self._results(message, raw)
        elif kind == "CodeExecutionEvent":
            self._code_result(message, raw)
        elif kind == "ToolCallSummaryMessage" and self._repeats(message):
            self._window.attach(raw)
        elif kind in _CHAT or kind in EVENTS or kind in CONTEXT:
            self._say(kind, message, raw)
        else:
            self._window.attach(raw, raw_part(kind, message))

    def add(self, step: Step) -> None:
        """A step that is one as it is."""
        self._window.add(Turn(step))
        self._closed = True

    def ready(self) -> Iterator[Step]:
        """The steps that are finished."""
        for turn in self._window.ready():
            yield turn.step

    def rest(self) -> Iterator[Step]:
        """All others, at the end of the run."""
        for turn in self._window.rest():
            yield turn.step

    def _say(self, kind: str, message: dict[str, Any], raw: Raw) -> None:
        turn = self._turn_of(kind, message, raw)
        parts = _parts(kind, message)
        turn.step.parts += parts
        turn.raws += leftover_parts(message, _KNOWN)
        for part in parts:
            if part.kind == "tool_call":
                self._window.expect(turn, part)
        # A message ends the turn; thoughts, calls and code are followed by more of it.
        self._closed = kind in _CHAT or kind in CONTEXT

    def _turn_of(self, kind: str, message: dict[str, Any], raw: Raw) -> Turn:
        """The agent's open turn, or a new one."""
        actor = string(message.get("source"))
        role = named_role(actor)
        if kind == "SystemMessage":
            actor, role = DEFAULT_ACTOR["system"], "system"
        actor = actor or DEFAULT_ACTOR["agent"]
        turn = self._turn
        if turn is None or self._closed or turn is not self._window.turns[-1] or turn.step.actor != actor:
            step = Step(actor, role, at=iso_time(message.get("created_at")), native_id=text_or_none(message.get("id")))
            step.raw.append(raw)
            turn = self._turn = Turn(step)
            self._window.add(turn)
        else:
            turn.step.raw.append(raw)
        _count(turn.step, message)
        return turn

    def _results(self, message: dict[str, Any], raw: Raw) -> None:
        for result in sequence(message.get("content")):
            fields = mapping(result)
            error = fields.get("is_error")
            part = result_part(
                content_text(fields.get("content")) if fields else string(result),
                name=text_or_none(fields.get("name")),
                call_id=text_or_none(fields.get("call_id")),
                is_error=error if isinstance(error, bool) else None,
            )
            turn = self._window.answer(part.call_id, part, raw)
            if turn is None:
                actor = DEFAULT_ACTOR["environment"]
                turn = Turn(Step(actor, "environment", [part], at=iso_time(message.get("created_at")), raw=[raw]))
                self._window.add(turn)
        if not sequence(message.get("content")):
            self._window.attach(raw)
        self._closed = True  # what the agent says next, it says with the results before it

    def _code_result(self, message: dict[str, Any], raw: Raw) -> None:
        result = mapping(message.get("result"))
        code = result.get("exit_code")
        stated = code != 0 if isinstance(code, int) and not isinstance(code, bool) else None
        turn = self._turn_of("CodeExecutionEvent", message, raw)
        turn.results.append(result_part(string(result.get("output")), name="code", is_error=stated))
        self._closed = True

    def _repeats(self, message: dict[str, Any]) -> bool:
        """Whether a summary says nothing but the results that the turn before it has."""
        turn = self._window.turns[-1] if self._window.turns else None
        if turn is None or turn.step.actor != message.get("source"):
            return False
        return content_text(message.get("content")).strip() == "\n".join(part.text for part in turn.results).strip()


def _count(step: Step, message: dict[str, Any]) -> None:
    """A turn may hold several answers of its model, each with its own usage."""
    usage = mapping(message.get("models_usage"))
    given, made = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    if given is not None:
        step.tokens_in = (step.tokens_in or 0) + given
    if made is not None:
        step.tokens_out = (step.tokens_out or 0) + made


def _parts(kind: str, message: dict[str, Any]) -> list[Part]:
    content = message.get("content")
    parts = [Part("reasoning", message["thought"])] if text_or_none(message.get("thought")) else []
    if kind in _REQUESTS or (kind == "AssistantMessage" and isinstance(content, list)):
        return [*parts, *(_call(call) for call in sequence(content))]
    if kind == "ThoughtEvent":
        return [Part("reasoning", string(content))]
    text = "\n".join(map(_block, content)) if isinstance(content, list) else string(content)
    name = f"to {message['target']}" if kind == "HandoffMessage" and text_or_none(message.get("target")) else None
    name = name or (kind if kind in _SPOKEN_EVENTS else None)
    return [*parts, Part("text", text, name=name)] if text else parts


def _block(block: Any) -> str:
    """One item of a message's content: a text, or an image as AutoGen writes it."""
    if isinstance(block, dict) and isinstance(block.get("data"), str):
        return media_text("image", block)
    return content_text([block])


def _call(call: Any) -> Part:
    fields = mapping(call)
    if not fields:
        return raw_part("call", call)
    return call_part(string(fields.get("name")), fields.get("arguments"), text_or_none(fields.get("id")))
