"""MAST: multi-agent runs with failure modes (Cemri et al. 2025), in the two shapes it was published in.

- human-labelled (MAD_human_labelled_dataset.json): a list of `{round, mas_name, benchmark_name, trace_id, trace,
  annotations}`; `trace` is a string, the benchmark and the system are swapped in two rows, NaN stands bare;
- full set (MAD_full_dataset.json; also as JSONL): `{mas_name, llm_name, benchmark_name, trace_id, trace: {key, index,
  trajectory}, mast_annotation: {"1.1": 0|1|null}}`.

Each row is one run. The trace string is JSON (AG2, HyperAgent, MetaGPT: an object with `trajectory` or `content`),
Python dicts one after another (AG2 in the full set), or the system's own log, which log_cuts.py cuts. Labels, and all
that is not known to be harmless, go to the reference: traces carry notes, answers, gold patches and evaluations inside.
The files are written once; they do not grow.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from sessions.jsontext import BadJson, dump_bytes, loads
from sessions.readers.ag2 import Trajectory, conversation_step, take_apart
from sessions.readers.base import Head, Source
from sessions.readers.leftovers import text_or_none
from sessions.readers.log_cuts import choose, cut, string_lines
from sessions.readers.log_usage import usage_in
from sessions.readers.plain_text import task_of
from sessions.readers.rows import row_prefix, rows
from sessions.readers.shared import title_of
from sessions.run import Header, Problem, Record, Step

#: Systems by their names in small letters; a row whose benchmark is one of them has the two swapped.
_SYSTEMS = frozenset(("ag2", "appworld", "chatdev", "hyperagent", "magentic", "magentic-one", "metagpt", "openmanus"))
_ROW_FACTS = ("round", "llm_name")
_TRACE_FACTS = ("key", "index")
#: What MetaGPT's trace object says beside its `content`.
_METAGPT_FACTS = ("run_id", "log_file", "cost", "timestamp")
_DICT_START = re.compile(r"\{['\"](?:content|role|name)['\"]:")
#: Dicts longer than this are not evaluated: no message is, and the parser's memory is many times the text.
_MAX_DICT_CHARS = 4 * 1024 * 1024


class MastReader:
    """See the module's docstring."""

    name = "mast"
    title = "MAST failure taxonomy data"
    versions = "2025-2026"
    gaps = "Some systems' logs do not say where one agent ends and the next begins; such stretches are one step."

    def sniff(self, head: Head) -> float:
        prefix = row_prefix(head)
        if prefix is None or f"{prefix}mas_name" not in head.outline or f"{prefix}trace" not in head.outline:
            return 0.0
        labelled = any(f"{prefix}{key}" in head.outline for key in ("annotations", "mast_annotation"))
        return 0.98 if labelled else 0.9

    def read(self, source: Source) -> Iterator[Record]:
        for entry in rows(source, "annotations"):
            if isinstance(entry, Problem):
                yield entry
            else:
                yield from _run(source, *entry)


def _run(source: Source, item: int, row: dict[str, Any]) -> Iterator[Record]:
    header = Header("mast", item=item, model=text_or_none(row.get("llm_name")))
    header.native_id = text_or_none(row.get("trace_id"))
    header.facts = {key: row[key] for key in _ROW_FACTS if key in row}
    known = (*_ROW_FACTS, "mas_name", "benchmark_name", "trace_id", "trace")
    reference = {key: value for key, value in row.items() if key not in known}
    _name_system(header, row)
    trace = _outer(row.get("trace"), header, reference)
    steps = _steps(trace, header, reference)
    header.title = title_of(header.task) or title_of(f"{header.system or 'run'} {header.native_id or item + 1}")
    header.reference = reference or None
    yield header
    if not steps:
        yield source.problem(f"row {item + 1}: there is no trace that can be read")
    yield from steps


def _name_system(header: Header, row: dict[str, Any]) -> None:
    system, benchmark = text_or_none(row.get("mas_name")), text_or_none(row.get("benchmark_name"))
    if _is_system(benchmark) and not _is_system(system):
        system, benchmark = benchmark, system
        header.facts["swapped"] = True
    header.system = system
    if benchmark is not None:
        header.facts["benchmark_name"] = benchmark


def _is_system(name: str | None) -> bool:
    return (name or "").lower() in _SYSTEMS


def _outer(trace: Any, header: Header, reference: dict[str, Any]) -> Any:
    """The trajectory inside the full set's `trace` object; the human set's trace as it is."""
    if not isinstance(trace, dict) or not isinstance(trace.get("trajectory"), str):
        return trace
    for key, value in trace.items():
        if key in _TRACE_FACTS:
            header.facts[f"trace_{key}"] = value
        elif key != "trajectory":
            reference[key] = value
    return trace["trajectory"]


def _steps(trace: Any, header: Header, reference: dict[str, Any]) -> list[Step]:
    """All steps of a row. The trace is in memory as it is, and the task stands inside it but belongs in the header."""
    if isinstance(trace, str):
        trace = _parsed(trace)
    if isinstance(trace, dict):
        trace = _inner(trace, header, reference)
    if isinstance(trace, list) and trace and all(isinstance(line, str) for line in trace):
        trace = "\n".join(trace)
    if isinstance(trace, str):
        return _log_steps(trace, header, reference)
    messages = trace if isinstance(trace, list) else [] if trace is None else [trace]
    return [conversation_step(message) for message in messages]


def _parsed(trace: str) -> Any:
    """A trace string's JSON, or its Python dicts; the string itself where it is neither."""
    start = trace.lstrip()[:1]
    if start not in ("{", "["):
        return trace
    try:
        value = loads(trace)
    except BadJson:
        return _python_dicts(trace) or trace
    return value if isinstance(value, (dict, list)) else trace


def _inner(trace: dict[str, Any], header: Header, reference: dict[str, Any]) -> Any:
    """The messages or the log inside a trace object. Its task goes to the header, its answers to the reference."""
    if isinstance(trace.get("content"), str) and "trajectory" not in trace:
        parts = Trajectory(task=text_or_none(trace.get("prompt")))
        for key, value in trace.items():
            if key not in ("content", "prompt"):
                (parts.facts if key in _METAGPT_FACTS else parts.reference)[key] = value
        inner: Any = trace["content"]
        header.started_at = text_or_none(parts.facts.get("timestamp"))
    else:
        parts = take_apart(trace)
        lines = parts.messages
        inner = lines[0] if len(lines) == 1 and isinstance(lines[0], str) else lines
    header.task = parts.task
    header.facts.update(parts.facts)
    reference.update(parts.reference)
    return inner


def _log_steps(text: str, header: Header, reference: dict[str, Any]) -> list[Step]:
    steps = []
    if (usage := usage_in(text)) is not None:
        header.facts["usage"] = usage
    for step, start, end, judges in cut(string_lines(text), choose(text, header.system)):
        if judges:
            reference["evaluation"] = text[start:end]
            continue
        step.raw.append(dump_bytes(text[start:end]))
        if header.task is None:
            header.task = task_of(step.role, [part.text for part in step.parts], step.actor)
        steps.append(step)
    return steps


def _python_dicts(text: str) -> list[Any]:
    """Message dicts as Python prints them, one after another; [] if any of the text is something else.

    A dict may hold the start of another in its text, so a piece that does not parse is tried with the next one.
    """
    starts = [found.start() for found in _DICT_START.finditer(text)]
    if not starts or text[: starts[0]].strip(" \n[,"):
        return []
    messages: list[Any] = []
    begin, failures = starts[0], 0
    for end in [*starts[1:], len(text)]:
        value = _literal(text[begin:end])
        if value is None:
            failures += 1
            if failures > 50:
                return []
            continue
        messages.append(value)
        begin = end
    return messages if begin == len(text) else []


def _literal(text: str) -> dict[str, Any] | None:
    if len(text) > _MAX_DICT_CHARS:
        return None
    try:
        value = ast.literal_eval(text.strip(" \r\n\t,]"))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
