"""Small things that several readers need: text out of content blocks, arguments, titles, error guesses."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from sessions.jsontext import BadJson, dumps, loads
from sessions.run import Part, arguments_text

TITLE_LENGTH = 80
_ERROR_START = re.compile(
    r"\s*(?:<error>|Traceback \(most recent call last\)|(?:[\w.]*(?:Error|Exception)\b|error|fatal)[:\s])",
    re.IGNORECASE,
)
_ERROR_CODE = re.compile(
    r"<returncode>[1-9]\d*</returncode>|^(?:Process exited with code|exit code:?) [1-9]",
    re.IGNORECASE | re.MULTILINE,
)


def string(value: Any) -> str:
    """Any JSON value as text: strings as they are, None as nothing, the rest as compact JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else dumps(value)


def content_text(content: Any) -> str:
    """The text of a message's content: a string, or a list of blocks (text blocks joined by newlines).

    Images and other media become placeholders with size and hash (`media_text`); unknown blocks their JSON.
    """
    if not isinstance(content, list):
        return string(content)
    return "\n".join(block_text(block) for block in content)


def block_text(block: Any) -> str:
    if not isinstance(block, dict):
        return string(block)
    for key in ("text", "input_text", "output_text"):
        if isinstance(block.get(key), str):
            return str(block[key])
    kind = string(block.get("type"))
    if kind in ("image", "image_url", "input_image", "audio", "input_audio", "video", "file", "document"):
        return media_text(kind, block)
    return dumps(block)


def media_text(kind: str, block: dict[str, Any]) -> str:
    """A placeholder for an image or other media: kind, size in bytes of its encoded form, first 12 of its hash."""
    data = dumps(block)
    digest = hashlib.sha256(data.encode()).hexdigest()[:12]
    return f"[{kind}: {len(data)} bytes, sha256 {digest}]"


def parse_arguments(value: Any) -> Any:
    """Arguments as JSON values: a JSON string is parsed, any other string stays as it is."""
    if isinstance(value, str):
        start = value[:64].lstrip()[:1]
        if start and start not in "{[":
            return value  # shell commands mostly, whose refusal as JSON would cost more than all the rest
        try:
            parsed = loads(value)
        except BadJson:
            return value
        return parsed if isinstance(parsed, (dict, list)) else value
    return value


def call_part(name: str, arguments: Any, call_id: str | None = None) -> Part:
    parsed = parse_arguments(arguments)
    return Part("tool_call", arguments_text(parsed), name=name, call_id=call_id, arguments=parsed)


def result_part(
    text: str, *, name: str | None = None, call_id: str | None = None, is_error: bool | None = None
) -> Part:
    """A tool's result. Where the source does not say whether it is an error (None), the text is looked at."""
    if is_error is None and looks_like_error(text):
        return Part("tool_result", text, name=name, call_id=call_id, is_error=True, error_inferred=True)
    return Part("tool_result", text, name=name, call_id=call_id, is_error=is_error)


def looks_like_error(text: str) -> bool:
    """Whether a result reads like a failure: a traceback, `error:` at its start, a non-zero exit code."""
    head = text[:2000]
    if _ERROR_START.match(head) or "Traceback (most recent call last)" in text[-4000:]:
        return True
    small = head.lower()  # the search is slow and every result passes here: only where its words occur
    return ("returncode" in small or "exit" in small) and _ERROR_CODE.search(head) is not None


def raw_part(kind: str, value: Any) -> Part:
    """A record nobody here understands, kept as it is. kind: the record's own type, for the folded line."""
    return Part("raw", value if isinstance(value, str) else dumps(value), name=kind)


def title_of(text: str | None) -> str:
    """The first line that says something, cut to TITLE_LENGTH."""
    for line in (text or "").splitlines():
        words = " ".join(line.split())
        if words.strip("#*-=_ "):
            return words if len(words) <= TITLE_LENGTH else words[: TITLE_LENGTH - 1] + "\u2026"
    return ""
