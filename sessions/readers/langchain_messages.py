"""LangChain's messages in its several spellings, and chat messages beside them, as `Said`.

- `{"lc": 1, "type": "constructor", "id": [..., "AIMessage"], "kwargs": {...}}` (serialised objects)
- `{"type": "ai", "data": {...}}` (message dicts), `{"type": "ai", "content": ...}` (dumped models)
- `{"role": "assistant", "content": ...}` (chat messages), `["user", "text"]` (pairs)
"""

from __future__ import annotations

from typing import Any

from sessions.readers.chat_messages import KNOWN_KEYS, message_step
from sessions.readers.chat_roles import TOOL_ROLES
from sessions.readers.leftovers import leftover_parts, mapping, sequence, text_or_none
from sessions.readers.shared import content_text, raw_part, result_part
from sessions.readers.told import Said
from sessions.run import Part

_ROLES = {
    "human": "user",
    "ai": "assistant",
    "system": "system",
    "tool": "tool",
    "function": "tool",
    "developer": "system",
}
_KEPT = ("content", "name", "tool_calls", "tool_call_id", "id", "usage_metadata", "status")
#: Lists of messages stand in lists at most so deep (one list a batch).
_NESTED = 3


def said_of(value: Any) -> Said | None:
    """One message in any of the spellings; None if it is none."""
    if isinstance(value, list):
        pair = (
            len(value) == 2
            and all(isinstance(item, str) for item in value)
            and value[0] in (*_ROLES, "user", "assistant")
        )
        return chat_said({"role": _ROLES.get(value[0], value[0]), "content": value[1]}, value) if pair else None
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("role"), str):
        return chat_said(value)
    kind, fields = value.get("type"), value
    if isinstance(value.get("kwargs"), dict) and isinstance(value.get("id"), list):
        fields = value["kwargs"]
        kind = fields.get("type") or _class_kind(value["id"])
    elif isinstance(value.get("data"), dict):
        fields = value["data"]
    if not isinstance(kind, str) or "content" not in fields:
        return None
    role = _ROLES.get(kind.removesuffix("MessageChunk").removesuffix("Message").lower())
    if role is None and kind in ("chat", "ChatMessage"):
        role = text_or_none(fields.get("role"))
    return _said(fields, role, value) if role is not None else None


def _class_kind(path: list[Any]) -> str:
    return path[-1] if path and isinstance(path[-1], str) else ""


def _said(fields: dict[str, Any], role: str, source: Any) -> Said:
    message = {key: fields[key] for key in _KEPT if key in fields and key not in ("usage_metadata", "id")}
    extra = mapping(fields.get("additional_kwargs"))
    if not message.get("tool_calls"):
        message["tool_calls"] = extra.get("tool_calls") or []
    if not message["tool_calls"] and isinstance(extra.get("function_call"), dict):
        message["function_call"] = extra["function_call"]
    if extra.get("reasoning_content"):
        message["reasoning_content"] = extra["reasoning_content"]
    said = chat_said({"role": role, **message}, source)
    said.parts += [raw_part("invalid_tool_call", call) for call in sequence(fields.get("invalid_tool_calls"))]
    return said


def chat_said(message: dict[str, Any], source: Any = None) -> Said:
    """A chat message: OpenAI's and Anthropic's dialects, and LangChain's `status` beside a tool's answer."""
    role = text_or_none(message.get("role")) or "assistant"
    name = text_or_none(message.get("name"))
    kept = message if source is None else source
    if role in TOOL_ROLES:
        return Said("tool", [_result(message, name), *leftover_parts(message, {*KNOWN_KEYS, "artifact"})], source=kept)
    if role == "assistant":  # who speaks is known from the trace; a name here is the model's or the application's
        message, name = {key: value for key, value in message.items() if key != "name"}, None
    return Said(role, _each_call_once(message_step(message, role).parts), name, kept)


def _each_call_once(parts: list[Part]) -> list[Part]:
    """LangChain tells Anthropic's calls twice: as content blocks, and in `tool_calls`."""
    kept: list[Part] = []
    seen: set[str] = set()
    for part in parts:
        if part.kind == "tool_call" and part.call_id is not None:
            if part.call_id in seen:
                continue
            seen.add(part.call_id)
        kept.append(part)
    return kept


def _result(message: dict[str, Any], name: str | None) -> Part:
    error = message.get("is_error")
    if message.get("status") in ("error", "success"):
        error = message["status"] == "error"
    return result_part(
        content_text(message.get("content")),
        name=name,
        call_id=text_or_none(message.get("tool_call_id")),
        is_error=error if isinstance(error, bool) else None,
    )


def messages_in(value: Any, depth: int = 0) -> list[Said]:
    """The messages in a state, an input or an output: alone, in a list, in a list of lists, or under `messages`,
    `output` or `generations`; [] if there are none."""
    said = said_of(value)
    if said is not None:
        return [said]
    if depth > _NESTED:
        return []
    if isinstance(value, dict):
        for key in ("messages", "output", "generations", "message"):
            found = messages_in(value[key], depth + 1) if isinstance(value.get(key), (list, dict)) else []
            if found:
                return found
        return []
    found = []
    for item in sequence(value):
        found += messages_in(item, depth + 1)
    return found
