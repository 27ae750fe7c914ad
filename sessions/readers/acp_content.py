"""What ACP's updates hold, as parts: calls told piece by piece, content blocks, plans."""

from __future__ import annotations

from typing import Any

from sessions.readers.event_turns import text_of
from sessions.readers.leftovers import mapping, sequence, text_or_none
from sessions.readers.pairing import Turn
from sessions.readers.shared import content_text, result_part, string
from sessions.run import Part, arguments_text

#: The states in which a call is over.
OVER = ("completed", "failed")


class Call:
    """A call as its updates have told it so far."""

    def __init__(self, turn: Turn, part: Part) -> None:
        self.turn, self.part = turn, part
        self.seen: dict[str, Any] = {}

    def update(self, update: dict[str, Any]) -> None:
        self.seen |= {key: value for key, value in update.items() if value is not None}
        given = self.seen.get("rawInput")
        if given is None:
            given = {key: self.seen[key] for key in ("title", "locations") if self.seen.get(key)}
        self.part.name = _name(self.seen)
        self.part.arguments = given
        self.part.text = arguments_text(given)

    def result(self) -> Part:
        content, raw = self.seen.get("content"), self.seen.get("rawOutput")
        text = "\n".join(_content(item) for item in sequence(content)) or (string(raw) if raw is not None else "")
        status = self.seen.get("status")
        error = status == "failed" if status in OVER else None
        return result_part(text, call_id=self.part.call_id, is_error=error)


def _name(call: dict[str, Any]) -> str:
    """Agents tell their tools' own names in `_meta`, one level down under their own name."""
    for meta in mapping(call.get("_meta")).values():
        name = text_or_none(mapping(meta).get("toolName"))
        if name is not None:
            return name
    kind = text_or_none(call.get("kind"))
    return kind if kind is not None and kind != "other" else text_or_none(call.get("title")) or "tool"


def parent_of(update: dict[str, Any]) -> str | None:
    for meta in mapping(update.get("_meta")).values():
        for key in ("parentToolUseId", "parentToolCallId"):
            if name := text_or_none(mapping(meta).get(key)):
                return name
    return None


def _content(item: Any) -> str:
    """A piece of a call's content: a block, a change of a file, or a terminal."""
    told = mapping(item)
    if told.get("type") == "content":
        return block_text(told.get("content"))
    if told.get("type") == "diff":
        old = [f"-{line}" for line in text_of(told.get("oldText")).splitlines()]
        new = [f"+{line}" for line in text_of(told.get("newText")).splitlines()]
        return "\n".join([string(told.get("path")), *old, *new])
    return string(item)


def block_text(block: Any) -> str:
    """The text of a content block. Resources are shown by their text, or where they are."""
    told = mapping(block)
    if told.get("type") == "resource_link":
        return f"[{text_or_none(told.get('name')) or 'resource'}: {string(told.get('uri'))}]"
    if told.get("type") == "resource":
        resource = mapping(told.get("resource"))
        if isinstance(resource.get("text"), str):
            return f"[{string(resource.get('uri'))}]\n{resource['text']}"
        return content_text([{**told, "type": "document"}])
    return content_text([block]) if block is not None else ""


def plan_text(entries: Any) -> str:
    marks = {"completed": "x", "in_progress": ">"}
    lines = [
        f"[{marks.get(string(mapping(entry).get('status')), ' ')}] {string(mapping(entry).get('content'))}"
        for entry in sequence(entries)
    ]
    return "\n".join(lines)
