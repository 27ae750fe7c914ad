"""Chat messages to steps, for every format that holds them (OpenAI chat, tau-bench, mini-swe-agent).

A step is an assistant's message with the tool messages that answer it; any other message is a step of its own. Both
dialects are read, message by message: OpenAI's (`tool_calls`, role `tool`, the older `function_call`) and Anthropic's
(content blocks `tool_use`, and `tool_result` in a user message). Parts stand in the order reasoning, text, calls,
results; Anthropic's blocks in their own order.
"""

from __future__ import annotations

from typing import Any

from sessions.readers.chat_roles import TOOL_ROLES, actor_and_role, message_parts
from sessions.readers.leftovers import count, leftover_parts, mapping, sequence, text_or_none, time_of
from sessions.readers.shared import call_part, content_text, raw_part, result_part, string
from sessions.run import DEFAULT_ACTOR, Part, Raw, Step

REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")
#: Fields that `message_step` puts somewhere, and fields that only number or decorate a message.
KNOWN_KEYS = frozenset(
    (
        *("role", "content", "name", "tool_calls", "tool_call_id", "function_call", *REASONING_KEYS, "refusal"),
        *("id", "model", "usage", "timestamp", "created_at", "created", "time", "is_error"),
        *("type", "object", "index", "status", "weight", "cache_control", "stop_reason", "finish_reason"),
    )
)
_PLAIN_KEYS = frozenset(("role", "content", "name", "tool_calls", "tool_call_id", "function_call"))


class Assembler:
    """Turns messages, fed one by one, into steps. A step is given out once nothing can belong to it any more."""

    def __init__(self) -> None:
        self._pending: Step | None = None
        self._finished: list[Step] = []
        self._names: dict[str, str] = {}

    def feed(self, message: Any, raw: Raw) -> list[Step]:
        """Take a message in; gives the steps that are finished by it."""
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(role, str):
            self._unknown(message, raw)
        elif role in TOOL_ROLES:
            self._answer(self._tool_result(message), message, raw)
        elif role == "user" and _has_results(message.get("content")):
            self._user_with_results(message, raw)
        else:
            self._start(message_step(message, role), raw)
        return self._take_finished()

    def flush(self) -> list[Step]:
        """The last step, at the end of the run."""
        self._finish()
        return self._take_finished()

    def _take_finished(self) -> list[Step]:
        steps, self._finished = self._finished, []
        return steps

    def _finish(self) -> None:
        if self._pending is not None:
            self._finished.append(self._pending)
            self._pending = None

    def _start(self, step: Step, raw: Raw) -> Step:
        self._finish()
        step.raw.append(raw)
        for part in step.parts:
            if part.kind == "tool_call" and part.call_id is not None and part.name:
                self._names[part.call_id] = part.name
        self._pending = step
        return step

    def _answer(self, result: Part, message: dict[str, Any], raw: Raw) -> None:
        """A result belongs to the agent's step before it; without one it is a step of the environment's."""
        step = self._pending
        if step is None or step.role not in ("agent", "environment"):
            step = self._start(Step(DEFAULT_ACTOR["environment"], "environment", at=time_of(message)), raw)
        elif step.raw[-1] is not raw:  # one message may hold several results
            step.raw.append(raw)
        step.parts.append(result)
        if not message.keys() <= _PLAIN_KEYS:
            step.parts += leftover_parts(message, KNOWN_KEYS)

    def _tool_result(self, message: dict[str, Any]) -> Part:
        call_id = text_or_none(message.get("tool_call_id"))
        name = text_or_none(message.get("name")) or self._names.get(call_id or "")
        error = message.get("is_error")
        text = content_text(message.get("content"))
        return result_part(text, name=name, call_id=call_id, is_error=error if isinstance(error, bool) else None)

    def _user_with_results(self, message: dict[str, Any], raw: Raw) -> None:
        rest: list[Any] = []
        nothing: dict[str, Any] = {}
        for block in sequence(message.get("content")):
            if isinstance(block, dict) and block.get("type") == "tool_result":
                self._answer(self._block_result(block), nothing, raw)
            else:
                rest.append(block)
        if rest:
            self._start(message_step({**message, "content": rest}, "user"), raw)

    def _block_result(self, block: dict[str, Any]) -> Part:
        call_id = text_or_none(block.get("tool_use_id"))
        error = block.get("is_error")
        return result_part(
            content_text(block.get("content")),
            name=self._names.get(call_id or ""),
            call_id=call_id,
            is_error=error if isinstance(error, bool) else None,
        )

    def _unknown(self, value: Any, raw: Raw) -> None:
        """What is no message is kept beside the step before it."""
        step = self._pending
        if step is None:
            step = self._start(Step(DEFAULT_ACTOR["environment"], "environment"), raw)
        else:
            step.raw.append(raw)
        step.parts.append(raw_part(_kind_of(value), value))


def _kind_of(value: Any) -> str:
    return (text_or_none(value.get("type")) if isinstance(value, dict) else None) or "unknown"


def _has_results(content: Any) -> bool:
    return isinstance(content, list) and any(
        isinstance(block, dict) and block.get("type") == "tool_result" for block in content
    )


def message_step(message: dict[str, Any], role: str) -> Step:
    """A step of one message, without the answers to its calls."""
    name = message.get("name")
    name = name if isinstance(name, str) else None
    content = message.get("content")
    if isinstance(content, list):
        actor, step_role, _ = actor_and_role(role, name)
        parts = _block_parts(content)
    else:
        actor, step_role, parts = message_parts(role, name, string(content))
    step = Step(actor, step_role, parts)
    if "tool_calls" in message or "function_call" in message:
        parts += _call_parts(message)
    if not message.keys() <= _PLAIN_KEYS:  # most messages hold nothing else, and there are very many
        _add_details(step, message)
    return step


def _add_details(step: Step, message: dict[str, Any]) -> None:
    """What only some messages tell: reasoning, time, model, tokens, and fields unknown here."""
    step.parts = [*_reasoning_parts(message), *step.parts]
    if message.get("refusal") and isinstance(message["refusal"], str):
        step.parts.append(Part("text", message["refusal"], name="refusal"))
    step.parts += leftover_parts(message, KNOWN_KEYS)
    step.at = time_of(message)
    step.native_id = text_or_none(message.get("id"))
    step.model = text_or_none(message.get("model"))
    usage = mapping(message.get("usage"))
    step.tokens_in = count(usage.get("prompt_tokens", usage.get("input_tokens")))
    step.tokens_out = count(usage.get("completion_tokens", usage.get("output_tokens")))


def _reasoning_parts(message: dict[str, Any]) -> list[Part]:
    for key in REASONING_KEYS:
        text = content_text(message[key]) if message.get(key) else ""
        if text:
            return [Part("reasoning", text)]  # providers repeat one text under two of these names
    return []


def _block_parts(content: list[Any]) -> list[Part]:
    """Content blocks: texts and media in a row are one part, as `content_text` joins them."""
    parts: list[Part] = []
    plain: list[Any] = []
    for block in content:
        special = _special_block(block) if isinstance(block, dict) else None
        if special is None:
            plain.append(block)
            continue
        _close_text(plain, parts)
        parts.append(special)
    _close_text(plain, parts)
    return parts


def _close_text(plain: list[Any], parts: list[Part]) -> None:
    text = content_text(plain) if plain else ""
    if text:
        parts.append(Part("text", text))
    plain.clear()


def _special_block(block: dict[str, Any]) -> Part | None:
    kind = block.get("type")
    if kind in ("thinking", "reasoning"):
        return Part("reasoning", string(block.get("thinking") or block.get("text") or block.get("reasoning")))
    if kind == "redacted_thinking":
        return Part("reasoning", "", name="redacted")
    if kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
        return call_part(string(block.get("name")), block.get("input"), text_or_none(block.get("id")))
    if isinstance(kind, str) and kind.endswith("tool_result"):
        return result_part(content_text(block.get("content")), call_id=text_or_none(block.get("tool_use_id")))
    return None


def _call_parts(message: dict[str, Any]) -> list[Part]:
    calls = message.get("tool_calls")
    parts = [_call(call) for call in (calls if isinstance(calls, list) else [calls]) if call]
    legacy = message.get("function_call")
    if isinstance(legacy, dict):
        parts.append(call_part(string(legacy.get("name")), legacy.get("arguments")))
    elif legacy:
        parts.append(raw_part("function_call", legacy))
    return parts


def _call(call: Any) -> Part:
    """One entry of `tool_calls`: a function, a custom tool (`input` is a string), or the same without its wrapper."""
    if not isinstance(call, dict):
        return raw_part("tool_calls", call)
    function = call.get("function") or call.get("custom")
    if not isinstance(function, dict):
        function = call
    arguments = function.get("arguments", function.get("input", function.get("args")))
    name = function.get("name") or function.get("function_name")
    if not name and arguments is None:
        return raw_part("tool_calls", call)
    return call_part(string(name), arguments, text_or_none(call.get("id")))
