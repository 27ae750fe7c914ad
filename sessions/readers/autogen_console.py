"""AutoGen's console output: the text reader's turns, with what Python printed for calls and results read out of it.

`[FunctionCall(id='c1', arguments='{...}', name='f')]` and `[FunctionExecutionResult(content=..., call_id='c1')]` are
parsed as expressions, never run. `[Prompt tokens: 10, Completion tokens: 5]` below a message are its tokens, and the
summary at the end is a fact of the run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from sessions.readers.base import Source
from sessions.readers.pairing import Turn, Window
from sessions.readers.plain_text import PlainTextReader
from sessions.readers.shared import call_part, result_part, string
from sessions.run import Facts, Header, Part, Record, Step

#: An expression longer than this stays a text.
_MAX_EXPRESSION = 200_000
_TOKENS = re.compile(r"\n?\[Prompt tokens: (\d{1,12}), Completion tokens: (\d{1,12})\]\s*\Z")
_SUMMARY = "Summary"
_FACT = re.compile(r"^([A-Z][\w ]{2,40}): (.{1,200})$", re.MULTILINE)


def console_steps(source: Source, name: str) -> Iterator[Record]:
    """The records of a console log. name: the format's, for the header."""
    window = Window()
    for record in PlainTextReader().read(source):
        if isinstance(record, Header):
            record.format, record.system = name, "AutoGen"
            yield record
        elif isinstance(record, Step):
            if record.actor == _SUMMARY:
                yield Facts({"facts": {"summary": dict(_FACT.findall(_text(record)))}})
                window.attach(record.raw[0])
                continue
            if "Orchestrator" in record.actor:
                yield Facts({"system": "Magentic-One"})
            _take(window, record)
            for turn in window.ready():
                yield turn.step
        else:
            yield record
    for turn in window.rest():
        yield turn.step


def _take(window: Window, step: Step) -> None:
    kind = step.parts[0].name if step.parts else None
    _count(step)
    if kind in ("ToolCallRequestEvent", "ToolCallMessage"):
        calls = _objects(_text(step), "FunctionCall")
        if calls:
            step.parts = [call_part(string(call.get("name")), call.get("arguments"), call.get("id")) for call in calls]
    elif kind in ("ToolCallExecutionEvent", "ToolCallResultMessage"):
        results = [_result(fields) for fields in _objects(_text(step), "FunctionExecutionResult")]
        left = [part for part in results if window.answer(part.call_id, part, step.raw[0]) is None]
        if results and not left:
            return
        step.parts = left or step.parts
    last = window.turns[-1] if window.turns else None
    if _goes_on(last, step, kind) and last is not None:
        last.step.parts += step.parts
        last.step.raw += step.raw
        if step.tokens_in is not None:
            last.step.tokens_in, last.step.tokens_out = step.tokens_in, step.tokens_out
        turn = last
    else:
        turn = Turn(step)
        window.add(turn)
    for part in step.parts:
        if part.kind == "tool_call":
            window.expect(turn, part)


def _goes_on(last: Turn | None, step: Step, kind: str | None) -> bool:
    """Whether a turn goes on: an agent's thought, then its call or message. Magentic-One's own thoughts stand alone."""
    if last is None or last.step.actor != step.actor or not (kind or "").endswith(("Event", "Message")):
        return False
    return bool(last.step.parts) and all(part.name == "ThoughtEvent" for part in last.step.parts)


def _text(step: Step) -> str:
    return "\n".join(part.text for part in step.parts)


def _count(step: Step) -> None:
    """Tokens stand below the message."""
    if not step.parts:
        return
    part = step.parts[-1]
    found = _TOKENS.search(part.text[-200:])
    if found is not None:
        step.tokens_in, step.tokens_out = int(found[1]), int(found[2])
        part.text = part.text[: len(part.text) - len(part.text[-200:]) + found.start()].rstrip()


def _objects(text: str, name: str) -> list[dict[str, Any]]:
    """The fields of objects in a printed list: `[Name(a='x', b=True), ...]`; [] if it is anything else."""
    text = text.strip()
    if not text.startswith("[") or len(text) > _MAX_EXPRESSION:
        return []
    try:
        tree = ast.parse(text, mode="eval").body
        found = [_fields(item, name) for item in tree.elts] if isinstance(tree, ast.List) else []
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [fields for fields in found if fields]


def _fields(item: ast.expr, name: str) -> dict[str, Any]:
    if not isinstance(item, ast.Call) or not isinstance(item.func, ast.Name) or item.func.id != name:
        return {}
    return {
        keyword.arg: keyword.value.value
        for keyword in item.keywords
        if keyword.arg is not None and isinstance(keyword.value, ast.Constant)
    }


def _result(fields: dict[str, Any]) -> Part:
    error = fields.get("is_error")
    call_id, name = fields.get("call_id"), fields.get("name")
    return result_part(
        str(fields.get("content", "")),
        name=name if isinstance(name, str) else None,
        call_id=call_id if isinstance(call_id, str) else None,
        is_error=error if isinstance(error, bool) else None,
    )
