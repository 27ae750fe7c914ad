"""Writes a run as our own canonical JSONL. `sessions/readers/canonical.py` says what stands on which line.

One run has one spelling: keys in a fixed order, nothing that differs from one database to another (random ids, paths,
times of import). So a run that is written, read and written again gives the same bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from sessions.identity import Identity
from sessions.jsontext import deeper_than, dumps
from sessions.readers.canonical import BARE_DEPTH, LINE_CHARS, SCHEMA
from sessions.run import Header, Part, Step, arguments_text
from sessions.writers.base import Recorded

_HEADER_TEXTS = ("title", "task", "system", "model", "native_id", "started_at")
_STEP_VALUES = ("at", "native_id", "model", "parent_call", "branch", "stage", "tokens_in", "tokens_out", "cost")


def write(run: Recorded) -> Iterator[str]:
    """The document's lines, each with its newline."""
    identity = Identity()
    steps = 0
    yield from _lines(_header(run.header))
    for stored, records in run.steps_with_raw() if run.with_raw else ((stored, None) for stored in run.steps()):
        steps += 1
        step_id = identity.step_id(stored.step)
        yield from _lines(_step(stored.step, stored.index, step_id))
        if records is not None:
            yield from _lines({"type": "raw", "records": [_record(raw) for raw in records]})
    if run.header.reference is not None:
        yield from _lines(_with_value({"type": "reference"}, "reference", run.header.reference))
    yield from _lines({"type": "end", "steps": steps, "content_id": identity.content_id()})


def _header(header: Header) -> dict[str, Any]:
    line: dict[str, Any] = {"schema": SCHEMA, "type": "run", "format": header.format}
    line |= {name: getattr(header, name) for name in _HEADER_TEXTS if getattr(header, name)}
    return _with_value(line, "facts", header.facts) if header.facts else line


def _step(step: Step, index: int, step_id: str) -> dict[str, Any]:
    line: dict[str, Any] = {"type": "step", "step_number": index + 1, "step_index": index, "id": step_id}
    line |= {"actor": step.actor, "role": step.role}
    if step.depth:
        line["depth"] = step.depth
    line |= {name: value for name in _STEP_VALUES if (value := getattr(step, name)) is not None}
    line["parts"] = [_part(part) for part in step.parts]
    return line


def _part(part: Part) -> dict[str, Any]:
    """A part; the text of a call is left out, because its arguments tell it."""
    line: dict[str, Any] = {"kind": part.kind}
    if part.name is not None:
        line["name"] = part.name
    if part.call_id is not None:
        line["call_id"] = part.call_id
    if part.arguments is not None:
        _with_value(line, "arguments", part.arguments)
    if part.is_error is not None:
        line["is_error"] = part.is_error
        if part.error_inferred:
            line["error_inferred"] = True
    if part.kind != "tool_call" or part.text != arguments_text(part.arguments):
        line["text"] = part.text
    return line


def _with_value(line: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Put a JSON value under a key; one that is nested too deeply for a line as the JSON text of it."""
    if deeper_than(BARE_DEPTH, value):
        line[f"{key}_json"] = dumps(value)
    else:
        line[key] = value
    return line


def _record(raw: bytes) -> Any:
    """A record's text, or, where its bytes are no UTF-8, the bytes themselves."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode("ascii")}


def _lines(line: dict[str, Any]) -> Iterator[str]:
    """A record as one line, or, if it is very long, as several that are joined before they are parsed."""
    text = dumps(line)
    if len(text) <= LINE_CHARS:
        yield text + "\n"
        return
    for start in range(0, len(text), LINE_CHARS):
        piece = text[start : start + LINE_CHARS]
        yield dumps({"type": "piece", "more": start + LINE_CHARS < len(text), "text": piece}) + "\n"
