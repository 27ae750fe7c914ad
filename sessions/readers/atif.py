"""ATIF, the trajectory format of Harbor (Terminal-Bench 2 and later): one JSON document per run.

Versions read: 1.0 to 1.8, leniently (the official models refuse any unknown key; here it is kept). Seen: 1.5, 1.7.
Growth: written at the end, or every two seconds as a temporary file that is renamed over the old one.

What is put where:
- One ATIF step is one step: message, reasoning, calls and the results in its observation. A result stays in the step
  that holds it, also when it answers a call of an earlier step; `call_id` pairs the two.
- The main agent's actor is "agent", whatever its name (that is `Header.system`), so that one run in two formats has
  one content id. A sub-agent's actor is its name.
- Sub-agents' runs follow the step that refers to them, one level deeper: embedded ones (`subagent_trajectories`), and
  files beside this one. A reference that leads nowhere stays as a raw part.
- Steps copied from an earlier run (`is_copied_context`) are steps like all others; the fact `copied_context_steps`
  lists their ids. A continuation in another file is a fact and is not followed: it is a run of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from sessions.jsontext import dump_bytes
from sessions.readers.atif_kept import restore_call, restore_header, restore_result, restore_step, taken_apart
from sessions.readers.base import WHOLE_DOCUMENT_BYTES, Head, Source
from sessions.readers.leftovers import (
    amount,
    count,
    facts_and_reference,
    is_trivial,
    iso_time,
    leftover_parts,
    mapping,
    sequence,
    text_or_none,
)
from sessions.readers.salvage import Document, open_document
from sessions.readers.shared import call_part, content_text, raw_part, result_part, string, title_of
from sessions.run import DEFAULT_ACTOR, ROLES, Facts, Header, Part, Record, Role, Step

MAX_DEPTH = 8
_LOOK_AHEAD = 50
_ROOT_KEYS = frozenset(("schema_version", "session_id", "trajectory_id", "agent", "steps", "subagent_trajectories"))
_LISTS = ("steps", "subagent_trajectories")
_STEP_KEYS = frozenset(
    (
        *("step_id", "timestamp", "source", "model_name", "message", "reasoning_content", "tool_calls", "observation"),
        *("metrics", "is_copied_context", "llm_call_count", "reasoning_effort"),
    )
)
_CALL_KEYS = frozenset(("tool_call_id", "function_name", "arguments"))
_RESULT_KEYS = frozenset(("source_call_id", "content", "subagent_trajectory_ref"))
_ERROR_KEYS = frozenset(("is_error", "error_inferred"))


class AtifReader:
    name = "atif"
    title = "ATIF (Harbor, Terminal-Bench)"
    versions = "1.0-1.8"
    gaps = "A continuation in another file is a run of its own; the first run's facts name it."

    def sniff(self, head: Head) -> float:
        version = head.outline.get("schema_version")
        if isinstance(version, str):
            return 0.98 if version.upper().startswith("ATIF") else 0.0
        # A cut-off head may not reach the version where keys were sorted or steps come first.
        marks = {"steps.item.source", "steps.item.message"}
        return 0.6 if marks <= head.outline.keys() and "agent.name" in head.outline else 0.0

    def read(self, source: Source) -> Iterator[Record]:
        document = open_document(source, "steps")
        trajectory = _Trajectory(source, document.root)
        ahead = list(islice(document.items, _LOOK_AHEAD))
        if document.found or document.root:
            yield trajectory.header(ahead)
            yield from trajectory.steps(chain(ahead, document.items))
            yield from trajectory.learnt()
        if document.problem:
            yield source.problem(document.problem)
        elif not document.found or document.is_list:
            yield source.problem("the document has no list `steps`")


class _Trajectory:
    """One ATIF document being turned into records, with the sub-agents' ones inside and beside it."""

    def __init__(self, source: Source, root: dict[str, Any]) -> None:
        self._source = source
        self._root = root
        self._names: dict[str, str] = {}
        self._copied: list[Any] = []
        self._files: list[str] = []
        self._embedded = [item for item in sequence(root.get("subagent_trajectories")) if isinstance(item, dict)]
        self._used: set[int] = set()
        self._subagents: list[dict[str, Any]] = []
        self._ours, self._rest = taken_apart(root)

    def header(self, ahead: list[Any]) -> Header:
        root, agent = self._root, mapping(self._root.get("agent"))
        task = next((content_text(item.get("message")) for item in ahead if _is_user(item)), None)
        facts, reference = facts_and_reference(root, _ROOT_KEYS)
        agent_facts, _ = facts_and_reference(agent, ("name", "version", "model_name"))
        extra_facts, extra_reference = facts_and_reference(mapping(root.get("extra")), ())
        if isinstance(root.get("extra"), dict):
            facts["extra"] = extra_facts
        odd = self._odd_root()
        facts |= {"schema_version": root.get("schema_version")} | ({"agent": agent_facts} if agent_facts else {}) | odd
        name, version = text_or_none(agent.get("name")), text_or_none(agent.get("version"))
        header = Header(
            "atif",
            title_of(task),
            task,
            system=f"{name} {version}" if name and version else name,
            model=text_or_none(agent.get("model_name")),
            native_id=text_or_none(root.get("trajectory_id")) or text_or_none(root.get("session_id")),
            started_at=next(filter(None, (iso_time(mapping(item).get("timestamp")) for item in ahead)), None),
            reference={**(reference or {}), **(extra_reference or {})} or None,
            facts={key: value for key, value in facts.items() if not is_trivial(value)},
        )
        if self._ours:
            restore_header(header, self._ours, mapping(self._rest.get("extra")))
        return header

    def _odd_root(self) -> dict[str, Any]:
        """Root fields of a type that ATIF does not have there, so that they are not lost, and the session's id."""
        root = self._root
        odd: dict[str, Any] = {"session_id": root.get("session_id"), "steps": root.get("steps")}
        if not isinstance(root.get("agent"), dict):
            odd["agent"] = root.get("agent")
        subs = root.get("subagent_trajectories")
        if len(self._embedded) != len(sequence(subs)) or not isinstance(subs, list):
            odd["subagent_trajectories"] = subs
        return odd

    def learnt(self) -> Iterator[Facts]:
        values: dict[str, Any] = {}
        facts = {"copied_context_steps": self._copied, "subagents": self._subagents}
        if (self._copied or self._subagents) and not self._ours:
            values["facts"] = {key: value for key, value in facts.items() if value}
        if self._files:
            values["files"] = self._files
        if values:
            yield Facts(values)

    def steps(self, items: Iterator[Any], agent: str | None = None, depth: int = 0) -> Iterator[Record]:
        """The steps of a trajectory and, after each, those of the sub-agents it refers to.

        agent: the actor's name for agent steps; None for the main agent.
        """
        for item in items:
            step, references = self._step(item, agent or DEFAULT_ACTOR["agent"], depth)
            found = [(call, self._resolve(reference, depth)) for call, reference in references]
            lost = [reference for (_, reference), (_, sub) in zip(references, found, strict=True) if sub is None]
            step.parts += [raw_part("subagent_trajectory_ref", reference) for reference in lost]
            yield step
            for call, sub in found:
                if sub is not None:
                    yield from self._nested(sub, call, depth + 1)
        if depth == 0:
            yield from self._unreferenced()

    def _nested(self, sub: Document, call: str | None, depth: int) -> Iterator[Record]:
        agent = mapping(sub.root.get("agent"))
        self._subagents.append({key: sub.root[key] for key in sub.root if key not in _LISTS})
        name = text_or_none(agent.get("name")) or text_or_none(sub.root.get("session_id")) or "sub-agent"
        for record in self.steps(sub.items, name, depth):
            if isinstance(record, Step) and record.depth == depth and record.parent_call is None:
                record.parent_call = call
            yield record
        if sub.problem:
            yield self._source.problem(f"a sub-agent's trajectory: {sub.problem}")

    def _unreferenced(self) -> Iterator[Record]:
        """Embedded sub-agents' runs that no step refers to come last, so that none is lost."""
        for index, _ in enumerate(self._embedded):  # grows while it is walked
            if index not in self._used:
                yield from self._nested(self._take(index), None, 1)

    def _take(self, index: int) -> Document:
        self._used.add(index)
        item = self._embedded[index]
        self._embedded += [sub for sub in sequence(item.get("subagent_trajectories")) if isinstance(sub, dict)]
        return Document(item, False, iter(sequence(item.get("steps"))), True)

    def _resolve(self, reference: Any, depth: int) -> Document | None:
        """The sub-agent's trajectory a reference means: embedded, or a file in the folder of this one."""
        if not isinstance(reference, dict) or depth >= MAX_DEPTH:
            return None
        for key in ("trajectory_id", "session_id"):
            wanted = reference.get(key)
            for index, item in enumerate(self._embedded):
                if wanted and item.get(key) == wanted and index not in self._used:
                    return self._take(index)
        return self._file(reference.get("trajectory_path"))

    def _file(self, name: Any) -> Document | None:
        """A run's text is never a path: only a plain name of a small regular file beside this one is opened."""
        if not isinstance(name, str) or not name.endswith(".json") or "\0" in name or Path(name).name != name:
            return None
        path = self._source.path.parent / name
        if path.is_symlink() or not path.is_file() or str(path) in (*self._files, str(self._source.path)):
            return None
        if path.stat().st_size > WHOLE_DOCUMENT_BYTES:
            return None
        document = open_document(Source(path), "steps")
        if not document.found or document.is_list:
            return None
        self._files.append(str(path.absolute()))
        return document

    def _step(self, item: Any, agent: str, depth: int) -> tuple[Step, list[tuple[str | None, Any]]]:
        """A step, and its references to sub-agents' trajectories with the call that started each."""
        if not isinstance(item, dict):
            part = raw_part("unknown", item)
            return Step("environment", "environment", [part], depth=depth, raw=[dump_bytes(item)]), []
        raw = dump_bytes(item)
        kept, item = taken_apart(item)
        actor, role = _speaker(item.get("source"), agent)
        metrics = mapping(item.get("metrics"))
        if item.get("is_copied_context") is True:
            self._copied.append(item.get("step_id"))
        parts = _message_parts(item)
        parts += self._call_parts(item.get("tool_calls"))
        results, references = self._result_parts(item.get("observation"))
        parts += results + leftover_parts(item, _STEP_KEYS)
        step = Step(
            actor,
            role,
            parts,
            at=iso_time(item.get("timestamp")),
            native_id=text_or_none(item.get("step_id")),
            model=text_or_none(item.get("model_name")),
            depth=depth,
            tokens_in=count(metrics.get("prompt_tokens")),
            tokens_out=count(metrics.get("completion_tokens")),
            cost=amount(metrics.get("cost_usd")),
            raw=[raw],
        )
        if kept:
            restore_step(step, kept)
        return step, references

    def _call_parts(self, calls: Any) -> list[Part]:
        if not isinstance(calls, list):
            return [] if is_trivial(calls) else [raw_part("tool_calls", calls)]
        parts: list[Part] = []
        for call in calls:
            if not isinstance(call, dict):
                parts.append(raw_part("tool_calls", call))
                continue
            kept, call = taken_apart(call)
            name, call_id = string(call.get("function_name")), text_or_none(call.get("tool_call_id"))
            if call_id:
                self._names[call_id] = name
            parts.append(call_part(name, call.get("arguments"), call_id))
            if kept:
                restore_call(parts[-1], kept)
            parts += leftover_parts(call, _CALL_KEYS)
        return parts

    def _result_parts(self, observation: Any) -> tuple[list[Part], list[tuple[str | None, Any]]]:
        results = observation.get("results") if isinstance(observation, dict) else None
        if not isinstance(results, list):
            return ([] if is_trivial(observation) else [raw_part("observation", observation)]), []
        parts: list[Part] = leftover_parts(observation, ("results",))
        references: list[tuple[str | None, Any]] = []
        for result in results:
            if not isinstance(result, dict):
                parts.append(raw_part("observation", result))
                continue
            call_id = text_or_none(result.get("source_call_id"))
            found = result.get("subagent_trajectory_ref")
            references += [(call_id, item) for item in (found if isinstance(found, list) else [found]) if item]
            kept, result = taken_apart(result)
            if result.get("content") is not None or not found:
                parts.append(self._result(result, call_id))
                if kept:
                    restore_result(parts[-1], kept)
            parts += _result_leftovers(result)
        return parts, references

    def _result(self, result: dict[str, Any], call_id: str | None) -> Part:
        """ATIF has no error flag; some agents' converters state one in `extra`."""
        extra = mapping(result.get("extra"))
        error = extra["is_error"] if isinstance(extra.get("is_error"), bool) else None
        name = self._names.get(call_id or "")
        part = result_part(content_text(result.get("content")), name=name, call_id=call_id, is_error=error)
        if extra.get("error_inferred") is True:
            part.error_inferred = True
        return part


def _result_leftovers(result: dict[str, Any]) -> list[Part]:
    """What a result holds beside its content. Where `extra` says no more than whether it is an error, that is told."""
    told = mapping(result.get("extra")).keys() <= _ERROR_KEYS
    return leftover_parts(result, (*_RESULT_KEYS, "extra") if told else _RESULT_KEYS)


def _is_user(item: Any) -> bool:
    return isinstance(item, dict) and item.get("source") == "user" and bool(item.get("message"))


def _speaker(source: Any, agent: str) -> tuple[str, Role]:
    """Actor and role for ATIF's `source`; one that ATIF does not have names an agent."""
    if not isinstance(source, str) or not source or source == "agent":
        return agent, "agent"
    for role in ROLES:
        if source == role:
            return DEFAULT_ACTOR[role], role
    return source, "agent"


def _message_parts(item: dict[str, Any]) -> list[Part]:
    reasoning, message = content_text(item.get("reasoning_content")), content_text(item.get("message"))
    parts = [Part("reasoning", reasoning)] if reasoning else []
    return [*parts, Part("text", message)] if message else parts
