"""LangChain's messages: put on a trail, and changed as a reviewer edited their calls."""

# The package need not be installed where types are checked.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
)

from sessions.adapters.trail import Call, Trail, plain


def messages_of(value: Any) -> list[BaseMessage]:
    """Messages in any form in which a node may give them."""
    if value is None or value == []:
        return []
    return list(convert_to_messages(value if isinstance(value, list) else [value]))


def note(trail: Trail, message: BaseMessage, node: str, speaker: dict[str, str]) -> None:
    """Put a message on the trail. Calls follow when they are made; speaker: who made them, by their ids.

    node: that gave the message, "" for input. A node that speaks as a human does so for other agents.
    """
    text = str(message.text)
    if isinstance(message, AIMessage):
        actor = node or message.name or "agent"
        thoughts = [str(block.get("reasoning", "")) for block in message.content_blocks if block["type"] == "reasoning"]
        usage = message.usage_metadata
        trail.reply(
            actor,
            text,
            "\n".join(filter(None, thoughts)),
            model=message.response_metadata.get("model_name"),
            tokens_in=usage["input_tokens"] if usage else None,
            tokens_out=usage["output_tokens"] if usage else None,
        )
        speaker.update({str(call["id"]): actor for call in message.tool_calls})
    elif isinstance(message, ToolMessage):
        failed = message.status == "error"
        trail.result(text, call_id=message.tool_call_id, name=message.name or node, is_error=failed)
    elif isinstance(message, SystemMessage):
        trail.say("system", text)
    elif node:
        trail.reply(node, text)
    else:
        trail.say("user", text)


def note_all(trail: Trail, messages: Sequence[BaseMessage], speaker: dict[str, str]) -> None:
    """Put messages of the past on the trail, with the calls that were answered among them."""
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    for message in messages:
        note(trail, message, "", speaker)
        for call in message.tool_calls if isinstance(message, AIMessage) else ():
            if call["id"] in answered:
                trail.call(speaker[str(call["id"])], [Call(call["name"], call["args"], call["id"])])


def with_calls(message: AIMessage, new: Mapping[str | None, Call | None]) -> AIMessage:
    """The message with its calls as edited: in `tool_calls`, and in the blocks of providers that repeat them there."""
    calls = []
    for call in message.tool_calls:
        made = new.get(call["id"], Call(call["name"], call["args"], call["id"]))
        if made is not None:
            given = made.arguments if isinstance(made.arguments, Mapping) else {}
            calls.append({**call, "name": made.name, "args": dict(given)})
    content = message.content
    if isinstance(content, list):
        kept = {call["id"]: call for call in calls}
        content = [
            {**block, "name": kept[block["id"]]["name"], "input": kept[block["id"]]["args"]}
            if _is_call(block)
            else block
            for block in content
            if not _is_call(block) or block["id"] in kept
        ]
    raw = {name: value for name, value in message.additional_kwargs.items() if name != "tool_calls"}
    return message.model_copy(update={"tool_calls": calls, "content": content, "additional_kwargs": raw})


def _is_call(block: Any) -> bool:
    return isinstance(block, Mapping) and block.get("type") == "tool_use" and "id" in block


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a state as JSON values; messages among them as their text."""
    return {
        name: [m.text if isinstance(m, BaseMessage) else plain(m) for m in value]
        if isinstance(value, list)
        else plain(value.text if isinstance(value, BaseMessage) else value)
        for name, value in values.items()
    }
