"""OpenAI Agents SDK: exported traces (`object: trace`, `trace.span`), and the database files of `SQLiteSession`.

Seen: openai-agents of November 2026. A trace's spans stand one a line, in a list, or under `data` as the SDK sends
them; children stand before their parents, so the file is read to its end before the first step is given. A session's
file is SQLite (tables `agent_sessions`, `agent_messages`); it is opened read-only and never changed.

- A trace is a run; which span becomes which step is told in `spans`. Spans of generations hold messages. Spans of
  responses hold none (the SDK exports their id only): what the agent said is not in such a trace, its tools are.
  A turn's sum of tokens counts only where no model's span is in it. Handoffs and guardrails are steps of the
  environment.
- Errors are stated: a span has `error`. Times are UTC.
- A session is a run; its items are read as `responses_items` tells. Times are UTC, as SQLite writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessions.jsontext import BadJson, loads
from sessions.readers.base import Head, Source
from sessions.readers.langchain_messages import messages_in
from sessions.readers.leftovers import count, facts_and_reference, is_trivial, mapping, sequence, text_or_none
from sessions.readers.records import Shelf, entries
from sessions.readers.responses_items import Items
from sessions.readers.shared import call_part, content_text, result_part, string, title_of
from sessions.readers.span_tree import Kind, Node
from sessions.readers.spans import Content, Trace, begun
from sessions.readers.sqlite_file import SQLITE, opened
from sessions.run import Facts, Header, Part, Problem, Record
from sessions.streams import open_stream

_KINDS: dict[str, Kind] = {
    "agent": "agent",
    "generation": "model",
    "response": "model",
    "function": "tool",
    "handoff": "note",
    "guardrail": "note",
}
_TABLES = {"agent_sessions": {"session_id"}, "agent_messages": {"id", "session_id", "message_data"}}
_TRACE_KEYS = ("object", "phase", "id", "workflow_name", "group_id", "metadata", "tracing")


class OpenAIAgentsReader:
    """Reads traces and sessions. See the module's docstring."""

    name = "openai-agents"
    title = "OpenAI Agents SDK traces and sessions"
    versions = "2025-2026"
    gaps = (
        "The SDK exports spans of responses without their content, so such a trace shows tools and turns but not "
        "what was said. Sessions in tables of other names are not found. Encrypted sessions stay closed."
    )
    binary = True

    def sniff(self, head: Head) -> float:
        if head.data.startswith(SQLITE):
            return 0.95 if b"agent_messages" in head.data and b"message_data" in head.data else 0.0
        if any(_is_record(value) for value in _values(head.lines)):
            return 0.97
        for prefix in ("item", "data.item"):
            if head.outline.get(f"{prefix}.object") in ("trace", "trace.span"):
                return 0.97
        return 0.0

    def read(self, source: Source) -> Iterator[Record]:
        with open_stream(source.path) as file:
            is_database = file.read(len(SQLITE)) == SQLITE
        if is_database and source.compression is not None:
            yield Header(self.name, source.path.stem)
            yield source.problem("a database that is compressed cannot be read: unpack it first")
        else:
            yield from _sessions(source) if is_database else _traces(source)


def _values(lines: list[Any]) -> list[Any]:
    found = []
    for value in lines[:10]:
        found += value[:10] if isinstance(value, list) else sequence(mapping(value).get("data"))[:10] or [value]
    return found


def _is_record(value: Any) -> bool:
    return isinstance(value, dict) and value.get("object") in ("trace", "trace.span") and "id" in value


# -- traces ---------------------------------------------------------------------------------------------------------


def _traces(source: Source) -> Iterator[Record]:
    spans: dict[str, dict[str, Node]] = {}
    about: dict[str, dict[str, Any]] = {}
    with Shelf(source) as shelf:
        for entry in entries(source, "data"):
            if isinstance(entry, Problem):
                yield entry
                continue
            place, value = entry
            rows = value["data"] if isinstance(value, dict) and isinstance(value.get("data"), list) else [value]
            for row in rows:
                if not _is_record(row):
                    yield source.problem(f"neither a trace nor a span: {string(row)[:80]!r}")
                elif row["object"] == "trace":
                    trace = string(row["id"])
                    about.setdefault(trace, {}).update({key: item for key, item in row.items() if item is not None})
                    spans.setdefault(trace, {})
                else:
                    node = _node(row)
                    node.places.append(shelf.put(place if rows is not value.get("data") else None, row))
                    spans.setdefault(string(row.get("trace_id")), {})[node.id] = node
        for number, (trace, nodes) in enumerate(spans.items()):
            yield from _run(trace, about.get(trace, {}), list(nodes.values()), shelf, number)
            nodes.clear()


def _run(trace: str, about: dict[str, Any], nodes: list[Node], shelf: Shelf, number: int) -> Iterator[Record]:
    told = Trace(nodes, lambda node: _content(node, shelf))
    steps = told.steps()
    ahead, task = begun(steps)
    workflow = text_or_none(about.get("workflow_name"))
    facts, reference = facts_and_reference(about, _TRACE_KEYS)
    more, judged = facts_and_reference(mapping(about.get("metadata")), ())
    facts |= {"workflow": workflow, "group_id": about.get("group_id"), "metadata": more, "agents": told.agents}
    named = workflow if workflow != "Agent workflow" else None  # the SDK's default says nothing
    yield Header(
        OpenAIAgentsReader.name,
        title_of(task) or title_of(workflow) or title_of(trace),
        task,
        system=named or (told.agents[0] if len(told.agents) == 1 else None),
        model=next((step.model for step in ahead if step.model), None),
        native_id=trace or None,
        started_at=told.start,
        item=number,
        reference={**(reference or {}), **(judged or {})} or None,
        facts={key: value for key, value in facts.items() if not is_trivial(value)},
    )
    yield from ahead
    yield from steps


def _node(row: dict[str, Any]) -> Node:
    data = mapping(row.get("span_data"))
    custom = mapping(data.get("data"))
    kind = _KINDS.get(string(data.get("type")), "other")
    name = string(data.get("name") or data.get("type"))
    agent = None
    if custom.get("sdk_span_type") == "turn":
        kind, agent = "model", text_or_none(custom.get("agent_name"))
    return Node(
        string(row["id"]),
        text_or_none(row.get("parent_id")),
        kind,
        text_or_none(row.get("started_at")),
        name,
        agent,
        failed=bool(row.get("error")),
        has_text=data.get("type") in ("generation", "response"),
    )


def _content(node: Node, shelf: Shelf) -> Content:
    raw = [shelf.get(place) for place in node.places]
    row = mapping(loads(raw[0]))
    data, error = mapping(row.get("span_data")), row.get("error")
    content = Content(raw, node.start, error=_error(error) if error else None)
    match node.kind:
        case "tool":
            content.call = call_part(node.name, data.get("input"))
            content.result = _result(node, data, content.error)
        case "model":
            usage = mapping(data.get("usage") or mapping(data.get("data")).get("usage"))
            content.model = text_or_none(data.get("model"))
            content.tokens_in = count(usage.get("input_tokens", usage.get("prompt_tokens")))
            content.tokens_out = count(usage.get("output_tokens", usage.get("completion_tokens")))
            content.inputs, content.outputs = messages_in(data.get("input")), messages_in(data.get("output"))
        case "note":
            content.note = _note(data)
    return content


def _error(error: Any) -> str:
    fields = mapping(error)
    detail = string(mapping(fields.get("data")).get("error") or fields.get("data"))
    return "\n".join(filter(None, (string(fields.get("message", error)), detail)))


def _result(node: Node, data: dict[str, Any], error: str | None) -> Part | None:
    """What a function gave back; its error, stated by the span, where that is all there is."""
    output = data.get("output")
    if output is None:
        return result_part(error, name=node.name, is_error=True) if error else None
    return result_part(content_text(output), name=node.name, is_error=True if error else None)


def _note(data: dict[str, Any]) -> str:
    if data.get("type") == "handoff":
        return f"handoff from {string(data.get('from_agent')) or '?'} to {string(data.get('to_agent')) or '?'}"
    return f"guardrail {string(data.get('name'))}: {'triggered' if data.get('triggered') else 'not triggered'}"


# -- sessions ---------------------------------------------------------------------------------------------------------


def _sessions(source: Source) -> Iterator[Record]:
    with opened(source.path, _TABLES) as database:
        sessions = list(
            database.rows("SELECT session_id, created_at FROM agent_sessions ORDER BY created_at, session_id")
        )
        for number, (session, created_at) in enumerate(sessions):
            yield Header(
                OpenAIAgentsReader.name,
                title_of(string(session)) or source.path.stem,
                native_id=text_or_none(session),
                started_at=_utc(created_at),
                item=number,
            )
            yield from _session(source, database.rows(_MESSAGES, [session]))
        if not sessions:
            yield source.problem("there is no session in it")


_MESSAGES = "SELECT id, message_data, created_at FROM agent_messages WHERE session_id = ? ORDER BY id"


def _session(source: Source, rows: Iterator[tuple[Any, ...]]) -> Iterator[Record]:
    items = Items()
    titled = False
    for number, data, created_at in rows:
        raw = data if isinstance(data, bytes) else string(data).encode("utf-8", "replace")
        try:
            item = loads(raw)
        except BadJson as error:
            yield source.problem(f"message {number}: {error}")
            continue
        if not titled and mapping(item).get("role") == "user":
            task = content_text(item.get("content"))
            titled = bool(task)
            yield Facts({"task": task, "title": title_of(task)})
        items.take(item, raw, _utc(created_at))
        yield from items.ready()
    yield from items.rest()


def _utc(value: Any) -> str | None:
    """SQLite's CURRENT_TIMESTAMP ("2026-11-22 16:51:01") is UTC. Other values stay as they are."""
    text = text_or_none(value)
    if text is not None and len(text) == 19 and text[10] == " ":
        return f"{text[:10]}T{text[11:]}Z"
    return text
