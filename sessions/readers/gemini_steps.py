"""A Gemini CLI message as a step: texts, thoughts, calls and results out of the API's `PartListUnion`."""

from __future__ import annotations

from typing import Any

from sessions.readers.leftovers import count, iso_time, leftover_parts, mapping, sequence, text_or_none
from sessions.readers.shared import call_part, media_text, raw_part, result_part, string
from sessions.run import DEFAULT_ACTOR, Part, Raw, Role, Step

#: Types of the model's messages: Gemini CLI's, and those of programs made from it.
AGENT_TYPES = ("gemini", "qwen", "model", "assistant")
_NOTE_TYPES = ("info", "warning", "error")
#: What the program itself puts in the user's place: who and where it is, and what is left of a compressed history.
PREAMBLES = ("<session_context>", "<state_snapshot>")
_FAILED = ("error", "cancelled", "canceled")
_RECORD_KEYS = ("id", "timestamp", "type", "content", "displayContent", "toolCalls", "thoughts", "tokens", "model")
#: Of a call, what only tells how the screen shows it is left to the source record.
_CALL_KEYS = (
    *("id", "name", "args", "result", "status", "timestamp", "agentId", "displayName", "description", "resultDisplay"),
    *("renderOutputAsMarkdown",),
)


def parts_of(content: Any) -> list[Any]:
    """A `PartListUnion` as a list of parts: a string, a part, or a list of both."""
    return content if isinstance(content, list) else [] if content is None or content == "" else [content]


def plain_text(content: Any) -> str:
    """The text of a content, without thoughts, calls and results."""
    return "\n".join(text for part in parts_of(content) if (text := _text(part)) is not None)


def _text(part: Any) -> str | None:
    if isinstance(part, str):
        return part
    text = mapping(part).get("text")
    return text if isinstance(text, str) and mapping(part).get("thought") is not True else None


def responses(content: Any) -> list[dict[str, Any]]:
    """The function responses of a content that holds nothing else; [] if it does."""
    parts = parts_of(content)
    found = [mapping(mapping(part).get("functionResponse")) for part in parts]
    return found if parts and all(found) else []


def message_step(record: dict[str, Any], raw: list[Raw], *, injected: bool = False) -> Step:
    """A message as a step. injected: the program put it there, whatever its type says."""
    kind, content = record.get("type"), record.get("content")
    actor, role = _speaker(kind, content, injected)
    step = Step(actor, role, at=iso_time(record.get("timestamp")), native_id=text_or_none(record.get("id")), raw=raw)
    step.model = text_or_none(record.get("model"))
    if role == "environment" and kind in _NOTE_TYPES:
        text = plain_text(content)
        step.parts = [Part("text", text, name=str(kind), is_error=True if kind == "error" else None)] if text else []
        step.parts += leftover_parts(record, _RECORD_KEYS)
        return step
    calls = [call for call in sequence(record.get("toolCalls")) if isinstance(call, dict)]
    step.parts = _thoughts(record.get("thoughts")) + _content_parts(content, record, calls)
    results: list[Part] = []
    for call in calls:
        step.parts.append(call_part(string(call.get("name")), call.get("args"), text_or_none(call.get("id"))))
        results += _call_results(call)
    step.parts += results + _odd_calls(record) + leftover_parts(record, _RECORD_KEYS)
    shown = record.get("displayContent")
    if shown is not None and plain_text(shown) != plain_text(content):
        step.parts.append(raw_part("displayContent", shown))
    if role == "environment" and not step.parts:
        step.parts.append(raw_part(string(kind) or "unknown", record))
    _count_tokens(step, mapping(record.get("tokens")))
    return step


def _speaker(kind: Any, content: Any, injected: bool) -> tuple[str, Role]:
    if injected or (kind == "user" and plain_text(content).lstrip().startswith(PREAMBLES)):
        return DEFAULT_ACTOR["system"], "system"
    if kind in AGENT_TYPES:
        return DEFAULT_ACTOR["agent"], "agent"
    return (DEFAULT_ACTOR["user"], "user") if kind == "user" else (DEFAULT_ACTOR["environment"], "environment")


def _thoughts(thoughts: Any) -> list[Part]:
    parts = []
    for thought in sequence(thoughts):
        told = mapping(thought)
        texts = [text for key in ("subject", "description") if (text := text_or_none(told.get(key)))]
        parts.append(Part("reasoning", "\n".join(texts)) if texts else raw_part("thoughts", thought))
    return parts


def _content_parts(content: Any, record: dict[str, Any], calls: list[dict[str, Any]]) -> list[Part]:
    """Texts in a row are one part. Thoughts and calls that the record tells apart as well are not told twice."""
    parts: list[Part] = []
    texts: list[str] = []
    known = {text_or_none(call.get("id")) for call in calls}
    for item in parts_of(content):
        text = _text(item)
        if text is None and (placeholder := _media(item)) is not None:
            text = placeholder
        if text is not None:
            texts.append(text)
            continue
        _close(texts, parts)
        parts += _special(mapping(item), item, thought_told=bool(record.get("thoughts")), calls=known)
    _close(texts, parts)
    return parts


def _close(texts: list[str], parts: list[Part]) -> None:
    text = "\n".join(texts)
    if text:
        parts.append(Part("text", text))
    texts.clear()


def _special(part: dict[str, Any], item: Any, *, thought_told: bool, calls: set[str | None]) -> list[Part]:
    if part.get("thought") is True and isinstance(part.get("text"), str):
        return [] if thought_told or not part["text"] else [Part("reasoning", part["text"])]
    call = part.get("functionCall")
    if isinstance(call, dict):
        name = text_or_none(call.get("id"))
        if name is not None and name in calls:
            return []
        return [call_part(string(call.get("name")), call.get("args"), name)]
    if isinstance(part.get("functionResponse"), dict):
        return [response_part(part["functionResponse"])]
    return [] if not part and isinstance(item, dict) else [raw_part("part", item)]


def _media(item: Any) -> str | None:
    """A placeholder for data that is no text: kind and type, size and hash."""
    part = mapping(item)
    for key in ("inlineData", "fileData"):
        if isinstance(part.get(key), dict):
            kind = string(part[key].get("mimeType")).partition("/")[0] or "file"
            return media_text(kind[:20], part[key])
    return None


def response_part(response: dict[str, Any], status: Any = None) -> Part:
    """A function's response as a result. status: of the call, which says whether it failed; else its shape does."""
    answer = response.get("response")
    told = mapping(answer)
    error = status in _FAILED if isinstance(status, str) else True if "error" in told else None
    text = told.get("error", told.get("output"))
    if not isinstance(text, str) or len(told) > 1:
        text = string(answer)
    media = [placeholder for item in sequence(response.get("parts")) if (placeholder := _media(item))]
    name = text_or_none(response.get("name"))
    call_id = text_or_none(response.get("id"))
    return result_part(
        "\n".join([text, *media]) if text else "\n".join(media), name=name, call_id=call_id, is_error=error
    )


def _call_results(call: dict[str, Any]) -> list[Part]:
    """A call's result, if it has one yet, as a part of its own call; then what else the call says."""
    status, name, call_id = call.get("status"), text_or_none(call.get("name")), text_or_none(call.get("id"))
    texts: list[str] = []
    others: list[Part] = []
    for item in parts_of(call.get("result")):
        response = mapping(item).get("functionResponse")
        if isinstance(response, dict):
            texts.append(response_part(response, status).text)
        elif (text := _text(item) if _text(item) is not None else _media(item)) is not None:
            texts.append(text)
        elif item:
            others.append(raw_part("result", item))
    if not texts and isinstance(call.get("resultDisplay"), str):
        texts.append(call["resultDisplay"])
    parts: list[Part] = []
    if texts or status in ("success", *_FAILED):
        error = status in _FAILED if status == "success" or status in _FAILED else None
        parts.append(result_part("\n".join(texts), name=name, call_id=call_id, is_error=error))
    return parts + others + leftover_parts(call, _CALL_KEYS)


def _odd_calls(record: dict[str, Any]) -> list[Part]:
    calls = record.get("toolCalls")
    if calls is None or calls == []:
        return []
    if not isinstance(calls, list):
        return [raw_part("toolCalls", calls)]
    return [raw_part("toolCalls", call) for call in calls if not isinstance(call, dict)]


def _count_tokens(step: Step, tokens: dict[str, Any]) -> None:
    """In: the prompt (cached tokens are among it) and what tools put into it. Out: the answer and the thoughts."""
    for field, keys in (("tokens_in", ("input", "tool")), ("tokens_out", ("output", "thoughts"))):
        known = [number for key in keys if (number := count(tokens.get(key))) is not None]
        if known:
            setattr(step, field, sum(known))
