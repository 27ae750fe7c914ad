"""What a run is made of: header, steps and parts. (What points into them is `labels.model.Evidence`.)

Readers make these objects, everything above uses them. They are plain slotted dataclasses, not
pydantic models, because opening a run builds hundreds of thousands of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from functools import cache
from typing import Any, Literal, TypeAlias

PartKind: TypeAlias = Literal["text", "reasoning", "tool_call", "tool_result", "raw"]
PART_KINDS: tuple[PartKind, ...] = ("text", "reasoning", "tool_call", "tool_result", "raw")

Role: TypeAlias = Literal["system", "user", "agent", "environment"]
ROLES: tuple[Role, ...] = ("system", "user", "agent", "environment")

#: A run's own agent, person and instructions have these actor names where the source gives no better ones,
#: so that one run told in two formats has the same actors (and so the same content id).
DEFAULT_ACTOR: Mapping[Role, str] = {
    "system": "system",
    "user": "user",
    "agent": "agent",
    "environment": "environment",
}


@dataclass(slots=True)
class Part:
    """One piece of a step: a text, a thought, a tool call, a tool's result, or a record kept raw.

    text: what is shown, searched and anchored. Evidence positions are code points into it, end exclusive.
        For a tool call it is `arguments_text(arguments)`; for `raw` the source's own JSON or line.
    name: the tool's name (tool_call, tool_result) or the record's type (raw).
    call_id: the source's id that pairs a call with its result; None where the source has none.
    arguments: a tool call's arguments as JSON values, or the string the source had if it was no JSON object.
    is_error: whether a result is an error; None where nobody knows.
    error_inferred: True if `is_error` was guessed from the text, False if the source states it.
    """

    kind: PartKind
    text: str
    name: str | None = None
    call_id: str | None = None
    arguments: Any = None
    is_error: bool | None = None
    error_inferred: bool = False


@dataclass(slots=True)
class Span:
    """Bytes of a source file that a step was read from. file: 0 for the opened file, else its place in `Run.files`.

    Never changed. It is not declared so (frozen), because then making one takes three times as long.
    """

    offset: int
    length: int
    file: int = 0


#: A record of the source, as a place in the file or, where a record is no line of it, as its JSON bytes.
Raw: TypeAlias = Span | bytes


@dataclass(slots=True)
class Step:
    """One turn of one actor: its text, reasoning, tool calls and their results.

    at: ISO 8601 time as the source states it (with its zone if it has one); None where unknown.
    native_id: the source's own id (uuid, span id, ATIF step_id ...).
    depth: 0 for the main agent, 1 for its sub-agents, and so on.
    parent_call: the `call_id` of the call that started the sub-agent this step belongs to.
    branch: None on the line that the run finally took; a short name on one that was abandoned (a rewind).
    stage: the chunk this step belongs to where the run itself declares its stages.
    tokens_in, tokens_out: counts of this step alone, as far as the source tells them without double counting.
    cost: US dollars of this step alone.
    raw: the source's own records that made this step, in order.
    """

    actor: str
    role: Role
    parts: list[Part] = field(default_factory=list)
    at: str | None = None
    native_id: str | None = None
    model: str | None = None
    depth: int = 0
    parent_call: str | None = None
    branch: str | None = None
    stage: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = None
    raw: list[Raw] = field(default_factory=list)


@dataclass(slots=True)
class Header:
    """What is known of a run before (and, through `Facts`, after) its steps.

    format: the reader's name, e.g. "claude-code".
    title: a short name for people; readers take the task's first line or the session's name.
    system: the agent system ("claude-code 2.0.76", "ChatDev", "Magentic-One"); None where unknown.
    item: the run's place in a file that holds several, from 0.
    reference: what the source knows of the answer (ground truth, reward, others' labels): kept apart from
        the steps and never shown to a blind reviewer.
    facts: everything else worth keeping (version, working folder, benchmark ...), JSON values.
    files: further files the run was read from (sub-agents' sessions), or folders that hold nothing but such files,
        absolute paths; `Span.file` counts from 1 here.
    """

    format: str
    title: str = ""
    task: str | None = None
    system: str | None = None
    model: str | None = None
    native_id: str | None = None
    started_at: str | None = None
    item: int = 0
    reference: dict[str, Any] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Facts:
    """What a reader learns about the current run only later: header fields to set, by name; `facts` and
    `reference` are merged key by key, `files` replaces."""

    values: dict[str, Any]


@dataclass(slots=True, frozen=True)
class Problem:
    """A record that could not be read. The rest of the file still opens.

    line: 1-based line of the file, None where the file has no lines (one JSON document).
    """

    path: str
    line: int | None
    reason: str


#: What a reader yields: a Header opens a run, Steps and Facts belong to the last Header, Problems to the file.
Record: TypeAlias = Header | Step | Facts | Problem


class Flag(IntFlag):
    """What the index row of a step says without its text being read."""

    ERROR = 1  # a result is an error, as stated or inferred
    EFFECT = 2  # a tool call changes the world
    RAW = 4  # holds records kept raw
    ABANDONED = 8  # on a branch that the run left
    UNANSWERED = 16  # a call without a result
    REASONING = 32
    TOOL = 64


def arguments_text(arguments: Any) -> str:
    """Show a tool call's arguments to a person: `name: value` lines, long or many-line strings as a block.

    Deterministic, because evidence positions count into it (canonical form, version 1). A single string
    argument, or arguments that are no object, stand alone without a name.
    """
    if arguments is None or arguments == {}:
        return ""
    if isinstance(arguments, str):
        return arguments
    if not isinstance(arguments, dict):
        return _value_text(arguments)
    if len(arguments) == 1:
        (value,) = arguments.values()
        if isinstance(value, str):
            return value
    lines = []
    for name, value in arguments.items():
        text = _value_text(value)
        lines.append(f"{name}:\n{text}" if "\n" in text else f"{name}: {text}")
    return "\n".join(lines)


def _value_text(value: Any) -> str:
    return value if isinstance(value, str) else _dumps()(value)


@cache
def _dumps() -> Callable[[Any], str]:
    """Imported on first use, for those who have no JSON to write (`sessions.gate`)."""
    from sessions.jsontext import dumps

    return dumps


@dataclass(slots=True)
class Run:
    """A whole run in memory: for tests, conversion and small tools. The station itself reads from the store."""

    header: Header
    steps: list[Step] = field(default_factory=list)


def apply_facts(header: Header, facts: Facts) -> None:
    """Set what a reader learnt later: `facts` and `reference` merge, everything else replaces."""
    for name, value in facts.values.items():
        if name == "facts":
            header.facts.update(value)
        elif name == "reference":
            header.reference = {**(header.reference or {}), **value}
        else:
            setattr(header, name, value)
