"""tau2-bench results: one JSON document `{info, tasks, simulations}`, each simulation a run; or one simulation alone.

Versions read: 2025 (all in `results.json`), and 2026 (`simulations/<id>.json` beside an index). Rewritten after each
simulation. Agent and user (played by another model) both call tools; a result goes to the call it names.

- The task is what the simulated user was told. The policy, the agent's instructions, is a fact: it is no message.
- `error` on a result states an error. Tokens and costs are per message. Times are local and have no zone.
- Rewards, checks, evaluation criteria, a task's description and every field that is not known here are what a grader
  knows: they go to `Header.reference`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sessions.errors import UserError
from sessions.jsontext import BadJson, dump_bytes
from sessions.readers.base import WHOLE_DOCUMENT_BYTES, Head, Source
from sessions.readers.leftovers import (
    amount,
    count,
    is_trivial,
    iso_time,
    leftover_parts,
    mapping,
    sequence,
    text_or_none,
)
from sessions.readers.salvage import open_document
from sessions.readers.shared import call_part, content_text, media_text, raw_part, result_part, string, title_of
from sessions.run import DEFAULT_ACTOR, Header, Part, Record, Role, Step

_ACTORS: dict[str, Role] = {"assistant": "agent", "user": "user", "system": "system"}
_FACTS = (
    *(
        "task_id",
        "trial",
        "seed",
        "termination_reason",
        "duration",
        "agent_cost",
        "user_cost",
        "start_time",
        "end_time",
    ),
    *("timestamp", "mode"),
)
_MARKS = ("reward_info", "termination_reason", "task_id", "trial", "agent_cost", "start_time")
#: Of a message, what is put somewhere, and what only tells how it was made or heard.
_MESSAGE_KEYS = (
    *("role", "content", "tool_calls", "turn_idx", "timestamp", "cost", "usage", "raw_data", "is_audio", "id", "error"),
    *(
        "requestor",
        "generation_time_seconds",
        "audio_format",
        "audio_path",
        "is_final_chunk",
        "contains_speech",
        "source",
    ),
    *("utterance_ids", "chunk_id", "tool_messages"),
)
_PLAIN_NAME = re.compile(r"\w[\w.-]{0,199}")
_INDEX = ("results.json", "../results.json")


class Tau2Reader:
    """See the module's docstring."""

    name = "tau2"
    title = "tau2-bench results"
    versions = "2025-2026"
    gaps = "Runs of the voice modes are read as far as they have messages."

    def sniff(self, head: Head) -> float:
        keys = head.outline.keys()
        if "simulations" in keys and ("tasks" in keys or "info.environment_info" in keys or "info.agent_info" in keys):
            return 0.97
        for prefix in ("simulations.item.", ""):
            if f"{prefix}messages.item.role" in keys and sum(f"{prefix}{mark}" in keys for mark in _MARKS) >= 4:
                return 0.93
        return 0.95 if "tasks.item.evaluation_criteria" in keys and "info.environment_info.domain_name" in keys else 0.0

    def read(self, source: Source) -> Iterator[Record]:
        document = open_document(source, "simulations")
        root, items = document.root, document.items
        if not document.found and ("messages" in root or "reward_info" in root):
            items = iter([root])
            root = _index_beside(source.path)
        tasks = {string(mapping(task).get("id")): mapping(task) for task in sequence(root.get("tasks"))}
        number = -1
        for number, item in enumerate(items):
            if isinstance(item, dict):
                yield from _run(source, root, tasks, item, number)
            else:
                yield source.problem(f"simulation {number + 1} is no object")
        if document.problem:
            yield source.problem(document.problem)
        elif number < 0:
            yield source.problem("there is no simulation in it")


def _index_beside(path: Path) -> dict[str, Any]:
    """The results' index, for a simulation that lies in a file of its own; {} if there is none."""
    for name in _INDEX:
        index = path.parent / name
        with suppress(BadJson, UserError, OSError):
            if index.is_file() and index.stat().st_size <= WHOLE_DOCUMENT_BYTES:
                found = mapping(Source(index).document())
                if "tasks" in found or "info" in found:
                    return found
    return {}


def _run(
    source: Source, root: dict[str, Any], tasks: dict[str, dict[str, Any]], item: dict[str, Any], number: int
) -> Iterator[Record]:
    task = tasks.get(string(item.get("task_id"))) or mapping(item.get("task"))
    header = _header(root, task, item, number)
    if "messages" not in item and (found := _file_of(source.path, item)) is not None:
        item = {**item, **found[1]}
        header = _header(root, task, item, number)
        header.files = [str(found[0].absolute())]
    yield header
    messages = item.get("messages")
    run = _Messages()
    for message in sequence(messages):
        yield from run.take(message)
    yield from run.rest()
    if not isinstance(messages, list):
        yield source.problem(f"simulation {number + 1} has no list `messages`")


def _file_of(index: Path, item: dict[str, Any]) -> tuple[Path, dict[str, Any]] | None:
    """The file of a simulation that its index only names. Its id is a plain name: a run's text is never a path."""
    name = item.get("id")
    if isinstance(name, str) and _PLAIN_NAME.fullmatch(name):
        path = index.parent / "simulations" / f"{name}.json"
        with suppress(BadJson, UserError, OSError):
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= WHOLE_DOCUMENT_BYTES:
                return path, mapping(Source(path).document())
    return None


def _header(root: dict[str, Any], task: dict[str, Any], item: dict[str, Any], number: int) -> Header:
    info = mapping(root.get("info"))
    environment, agent = mapping(info.get("environment_info")), mapping(info.get("agent_info"))
    told = _instruction(mapping(task.get("user_scenario")))
    facts = {
        "benchmark": "tau2-bench",
        "domain": environment.get("domain_name"),
        **{key: item[key] for key in _FACTS if key in item},
        "policy": item.get("policy") or environment.get("policy"),
        "agent": agent,
        "user": mapping(info.get("user_info")),
        "ticket": task.get("ticket"),
        "git_commit": info.get("git_commit"),
    }
    known = {"messages", "id", *_FACTS, "policy", "task"}
    reference = {key: value for key, value in item.items() if key not in known and not is_trivial(value)}
    reference |= {
        key: task[key] for key in task if key not in ("id", "user_scenario", "ticket") and not is_trivial(task[key])
    }
    return Header(
        "tau2",
        title_of(told) or title_of(f"task {string(item.get('task_id'))}"),
        told,
        system=text_or_none(agent.get("implementation")),
        model=text_or_none(agent.get("llm")),
        native_id=text_or_none(item.get("id")),
        started_at=iso_time(item.get("start_time")),
        item=number,
        reference=reference or None,
        facts={key: value for key, value in facts.items() if not is_trivial(value)},
    )


def _instruction(scenario: dict[str, Any]) -> str | None:
    """What the simulated user was told: a text, or fields in the order in which the benchmark shows them."""
    given = scenario.get("instructions")
    if isinstance(given, dict):
        order = ("reason_for_call", "known_info", "unknown_info", "task_instructions")
        texts = [content_text(given[key]) for key in order if given.get(key)]
        return "\n".join(texts) or None
    return text_or_none(given)


class _Messages:
    """Messages to steps. A step waits for the results of its calls, as long as no other message comes between."""

    def __init__(self) -> None:
        self._step: Step | None = None
        self._names: dict[str, str] = {}

    def take(self, message: Any) -> Iterator[Step]:
        if not isinstance(message, dict):
            part = raw_part("message", message)
            yield from self._begin(Step(DEFAULT_ACTOR["environment"], "environment", [part]), dump_bytes(message))
        elif message.get("role") in ("tool", "multi_tool") or "tool_messages" in message:
            inner = sequence(message.get("tool_messages")) or [message]
            raw = dump_bytes(message)
            for result in inner:
                yield from self._result(mapping(result), raw)
        else:
            yield from self._begin(_message_step(message, self._names), dump_bytes(message))

    def rest(self) -> Iterator[Step]:
        if self._step is not None:
            yield self._step
        self._step = None

    def _begin(self, step: Step, raw: bytes) -> Iterator[Step]:
        yield from self.rest()
        step.raw.append(raw)
        self._step = step

    def _result(self, message: dict[str, Any], raw: bytes) -> Iterator[Step]:
        """A result belongs to the step before it, if that asked for it (or, without an id, asked for anything)."""
        call_id, error = text_or_none(message.get("id")), message.get("error")
        text = content_text(message.get("content"))
        stated = error if isinstance(error, bool) else None
        part = result_part(text, name=self._names.get(call_id or ""), call_id=call_id, is_error=stated)
        parts = [part, *leftover_parts(message, _MESSAGE_KEYS)]
        step = self._step
        calls = [item for item in step.parts if item.kind == "tool_call"] if step is not None else []
        if step is not None and any(call_id in (None, call.call_id) for call in calls):
            step.parts += parts
            if step.raw[-1] is not raw:
                step.raw.append(raw)
        else:
            at = iso_time(message.get("timestamp"))
            yield from self._begin(Step(DEFAULT_ACTOR["environment"], "environment", parts, at=at), raw)


def _message_step(message: dict[str, Any], names: dict[str, str]) -> Step:
    role = _ACTORS.get(string(message.get("role")), "environment")
    step = Step(DEFAULT_ACTOR[role], role, at=iso_time(message.get("timestamp")))
    reasoning = _reasoning(mapping(message.get("raw_data")))
    if reasoning:
        step.parts.append(Part("reasoning", reasoning))
    content = message.get("content")
    if message.get("is_audio") is True and isinstance(content, str):
        step.parts.append(Part("text", media_text("audio", {"content": content})))
    elif text := content_text(content):
        step.parts.append(Part("text", text))
    for call in sequence(message.get("tool_calls")):
        told = mapping(call)
        if not told:
            step.parts.append(raw_part("tool_calls", call))
            continue
        part = call_part(string(told.get("name")), told.get("arguments"), text_or_none(told.get("id")))
        if part.call_id is not None and part.name:
            names[part.call_id] = part.name
        step.parts.append(part)
    step.parts += leftover_parts(message, _MESSAGE_KEYS)
    usage = mapping(message.get("usage"))
    step.tokens_in, step.tokens_out = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    step.cost = amount(message.get("cost"))
    return step


def _reasoning(raw: dict[str, Any]) -> str:
    """A model's reasoning, which only its own response has."""
    choices = sequence(raw.get("choices"))
    for said in (mapping(raw.get("message")), mapping(mapping(choices[0]).get("message")) if choices else {}, raw):
        if isinstance(said.get("reasoning_content"), str):
            return str(said["reasoning_content"])
    return ""
