"""AG2 (formerly AutoGen) conversations as the MAST project stores them.

Seen in two shapes:
- one run per file (MAST's `traces/AG2/*_human.json`): `{instance_id, problem_statement, other_data, trajectory:
  [{content, role, name}], note: {text, options: {mode: "yes"|"no"}}}`; `content` is a string or a list of lines;
- lists (or JSONL) of rows `{trace_id, mas_name: "AG2", benchmark_name, round, trace}` where `trace` is such an
  object, usually as a JSON string.

`note` and `other_data` (the answer, what was given, the seed solution) are labels and answers: reference only. So is
every field that is not known here. The files are written once, after the run; they do not grow.

`conversation_step` and `trajectory_run` serve Who&When and MAST too, whose runs hold the same messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sessions.jsontext import BadJson, dump_bytes, loads
from sessions.readers.base import Head, Source
from sessions.readers.chat_messages import message_step
from sessions.readers.leftovers import text_or_none
from sessions.readers.rows import row_prefix, rows
from sessions.readers.shared import content_text, raw_part, result_part, string, title_of
from sessions.run import Header, Problem, Record, Role, Step

#: AutoGen's own first line of what running a code block gave.
_EXIT_CODE = re.compile(r"exitcode: (-?\d+) \(")
#: Agents that stand in for a person, and agents that only run code, by the names that AutoGen users give them.
_PROXY = re.compile(r"proxy|^(?:user|human)$|^admin$", re.IGNORECASE)
_MACHINE = re.compile(r"terminal|executor", re.IGNORECASE)
#: What of a row or a trace may be shown before the review; the rest might tell the answer.
_FACT_KEYS = ("benchmark_name", "round", "instance_id", "run_id", "log_file", "llm_name")


def named_role(name: str) -> Role:
    """The role of a named agent. The source's `role` says only who was speaking to whom (each agent is its own
    assistant), so it cannot be used."""
    if _MACHINE.search(name):
        return "environment"
    return "user" if _PROXY.search(name) else "agent"


def conversation_step(message: Any) -> Step:
    """One message as one step: labels count messages, so none is merged into another."""
    raw = dump_bytes(message)
    if not isinstance(message, dict):
        return Step("environment", "environment", [raw_part("message", message)], raw=[raw])
    step = message_step(message, string(message.get("role")))
    step.raw.append(raw)
    name = message.get("name")
    if isinstance(name, str) and name.strip():
        step.role = named_role(step.actor)
        _mark_results(step, message)
    return step


def _mark_results(step: Step, message: dict[str, Any]) -> None:
    """What a code run or a tool gave, told apart from talk."""
    answers = message.get("tool_responses")
    if isinstance(answers, list) and answers:
        step.parts = [_answer_part(answer) for answer in answers]
    elif len(step.parts) == 1 and step.parts[0].kind == "text":
        found = _EXIT_CODE.match(step.parts[0].text)
        if found:
            step.parts = [result_part(step.parts[0].text, is_error=int(found[1]) != 0)]


def _answer_part(answer: Any) -> Any:
    if not isinstance(answer, dict):
        return raw_part("tool_responses", answer)
    return result_part(content_text(answer.get("content")), call_id=text_or_none(answer.get("tool_call_id")))


@dataclass(slots=True)
class Trajectory:
    """A trace object taken apart: what may be shown, what may not, and the messages (or lines) of the run."""

    messages: list[Any] = field(default_factory=list)
    task: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    reference: dict[str, Any] = field(default_factory=dict)
    complaint: str | None = None


def take_apart(trace: dict[str, Any]) -> Trajectory:
    """A trace object's parts. Never raises: a trajectory that is no list becomes one raw message."""
    result = Trajectory()
    for key, value in trace.items():
        if key == "trajectory":
            result.messages = value if isinstance(value, list) else [value]
            if not isinstance(value, list):
                result.complaint = "the trajectory is no list"
        elif key == "problem_statement":
            result.task = content_text(value) or None
        elif key in _FACT_KEYS:
            result.facts[key] = value
        else:
            result.reference[key] = value
    if "trajectory" not in trace:
        result.complaint = "there is no trajectory"
    return result


class Ag2Reader:
    """See the module's docstring."""

    name = "ag2"
    title = "AG2 / AutoGen conversation (MAST)"
    versions = "MAST 2025-2026"
    gaps = "AG2's own logs (its runtime_logging database) are not read, only conversations as MAST publishes them."

    def sniff(self, head: Head) -> float:
        outline = head.outline
        prefix = row_prefix(head)
        if prefix is None or any(f"{prefix}{key}" in outline for key in ("annotations", "mast_annotation")):
            return 0.0
        keys = {key.removeprefix(prefix) for key in outline if key.startswith(prefix)}
        if {"trajectory.item.content", "trajectory.item.name"} <= keys and "instance_id" in keys:
            return 0.95
        if {"trajectory.item.content", "problem_statement"} <= keys:
            return 0.8
        if outline.get(f"{prefix}mas_name") != "AG2" or "trace" not in keys:
            return 0.0
        return 0.97 if _holds_trajectory(outline.get(f"{prefix}trace"), keys) else 0.0

    def read(self, source: Source) -> Iterator[Record]:
        for entry in rows(source, "trajectory"):
            if isinstance(entry, Problem):
                yield entry
            else:
                yield from _run(source, *entry)


def _holds_trajectory(trace: Any, keys: set[str]) -> bool:
    if "trace.trajectory.item.content" in keys:
        return True
    return isinstance(trace, str) and '"trajectory"' in trace


def _run(source: Source, item: int, row: dict[str, Any]) -> Iterator[Record]:
    trace, outer = _trace_of(row)
    parts = take_apart(trace)
    header = Header("ag2", item=item, task=parts.task, system=text_or_none(row.get("mas_name")) or "AG2")
    header.native_id = text_or_none(row.get("trace_id")) or text_or_none(trace.get("instance_id"))
    header.model = text_or_none(row.get("llm_name"))
    header.title = title_of(parts.task) or title_of(header.native_id) or f"run {item + 1}"
    header.facts = {**{key: row[key] for key in _FACT_KEYS if key in outer}, **parts.facts}
    known = (*_FACT_KEYS, "mas_name", "trace_id")
    reference = {**{key: row[key] for key in outer if key not in known}, **parts.reference}
    header.reference = reference or None
    yield header
    if parts.complaint is not None:
        yield source.problem(f"row {item + 1}: {parts.complaint}")
    for message in parts.messages:
        yield conversation_step(message)


def _trace_of(row: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The trace object, and the keys of the row around it (none where the row is the trace)."""
    if "trace" not in row:
        return row, ()
    outer = tuple(key for key in row if key != "trace")
    trace = row["trace"]
    if isinstance(trace, str):
        try:
            trace = loads(trace)
        except BadJson:
            return {"trajectory": trace}, outer
    return (trace if isinstance(trace, dict) else {"trajectory": trace}), outer
