"""Content blocks of Claude Code's messages as parts, and a message's tokens."""

from __future__ import annotations

from typing import Any

from sessions.readers.leftovers import MOST, amount
from sessions.readers.pairing import Turn
from sessions.readers.shared import content_text, media_text, raw_part, result_part, string
from sessions.run import Part, Step

_INPUT_TOKENS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_MEDIA = ("image", "document", "audio", "video")


def say(turn: Turn, kind: str, text: str, again: bool) -> None:
    """Add a text, or, where lines are snapshots of one growing message, let the longer one stand."""
    parts = turn.step.parts
    if again:
        for part in parts:
            if part.kind == kind and (part.text.startswith(text) or text.startswith(part.text)):
                if len(text) > len(part.text):
                    part.text = text
                return
    parts.append(Part("reasoning" if kind == "reasoning" else "text", text))


def tool_result(block: dict[str, Any], extra: Any) -> Part:
    """A tool's result. The API leaves `is_error` out where the tool did not fail, so its absence states False."""
    text = content_text(block.get("content"))
    if not text and type(extra) is str:
        text = extra
    call_id = block.get("tool_use_id")
    call_id = call_id if type(call_id) is str else None
    stated = block.get("is_error", False)
    if type(stated) is bool:
        return Part("tool_result", text, call_id=call_id, is_error=stated)
    return result_part(text, call_id=call_id)


def user_part(block: Any) -> Part:
    if type(block) is not dict:
        return raw_part("block", block)
    kind = block.get("type")
    if kind == "text" and type(block.get("text")) is str:
        return Part("text", block["text"])
    if kind in _MEDIA:
        return Part("text", media_text(kind, block))
    return raw_part(string(kind), block)


def set_usage(step: Step, usage: Any, cost: Any) -> None:
    """The last line of a message has its final counts. tokens_in holds fresh, cache-writing and cached input."""
    if type(usage) is dict:
        known = None
        for key in _INPUT_TOKENS:
            count = usage.get(key)
            if type(count) is int and 0 <= count <= MOST:
                known = count + (known or 0)
        if known is not None:
            step.tokens_in = known
        output = usage.get("output_tokens")
        if type(output) is int and 0 <= output <= MOST:
            step.tokens_out = output
    if cost is not None:
        step.cost = amount(cost)
