"""LangSmith runs (LangChain, LangGraph): JSONL, a JSON list, or the Parquet files of its bulk export.

Seen: what `langsmith` 0.15 writes, and the columns of the bulk export (2025). A trace is a tree of runs: `run_type`
llm, tool, chain and others, with `parent_run_id` and `dotted_order`. The file is read to its end before the first step
is given; its records stay in the file (those of Parquet wait in a temporary one).

- A trace is one run here, in the order in which traces first appear. Which of its spans become steps is told in
  `spans`: models and tools; chains, prompts and parsers are plumbing, kept with the step before them.
- A model whose input is only a text (`prompts`) gets its messages from the nearest chain around it that has them.
- A graph's node is the actor's name where several nodes ask models; else the actor is "agent".
- A run that was written twice, at its beginning and at its end, is put together.
- An error is stated by a run's `error` and by a ToolMessage's `status`; else a result's text is looked at.
- Feedback, reference outputs and their like go to `Header.reference`.
Parquet needs the package pyarrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessions.jsontext import BadJson, loads
from sessions.readers.base import Head, Source
from sessions.readers.langsmith_runs import (
    GRAPH,
    content_of,
    judged,
    merge_nodes,
    merged,
    node_of,
    trace_id,
    without_judgement,
)
from sessions.readers.leftovers import is_trivial, mapping, text_or_none
from sessions.readers.records import Shelf, entries
from sessions.readers.shared import string, title_of
from sessions.readers.span_tree import Node
from sessions.readers.spans import Content, Trace, begun
from sessions.readers.tables import has_columns, is_parquet, parquet_rows
from sessions.run import DEFAULT_ACTOR, Header, Problem, Record, Span

_RUN_TYPES = ("llm", "chain", "tool", "retriever", "prompt", "parser", "embedding")
_MARKS = ("dotted_order", "parent_run_id", "trace_id", "session_name", "inputs")
#: Columns of the bulk export that hold JSON.
_JSON_COLUMNS = ("inputs", "outputs", "extra", "serialized", "events", "feedback_stats", "reference_outputs")
_PLUMBING = ("ls_", "langgraph_", "checkpoint_", "lc_", "revision_id", "LANGSMITH_", "LANGCHAIN_", "thread_id")


class LangSmithReader:
    """Reads traces of runs. See the module's docstring."""

    name = "langsmith"
    title = "LangSmith runs"
    versions = "2024-2026"
    gaps = (
        "Parquet needs pyarrow (`pip install 'review-tui[parquet]'`). As with `otlp`, the file is read to its end "
        "first, and chains, prompts and parsers are kept with the step before them. A graph inside another one is "
        "a deeper agent only in a tool, or if it has no name of its own."
    )
    binary = True

    def sniff(self, head: Head) -> float:
        if is_parquet(head):
            return 0.9 if has_columns(head, (b"run_type", b"trace_id")) else 0.0
        if head.is_binary:
            return 0.0
        values = head.lines
        if len(values) == 1 and isinstance(values[0], list):
            values = values[0][:10]
        if values:
            return max(map(_likeness, values[:5]))
        outline = head.outline
        for prefix in ("item.", "runs.item.", ""):
            if outline.get(f"{prefix}run_type") in _RUN_TYPES:
                return 0.95 if f"{prefix}dotted_order" in outline else 0.6
        return 0.0

    def read(self, source: Source) -> Iterator[Record]:
        table = is_parquet(Head.of(source.path))
        with Shelf(source) as shelf:
            traces = _Traces(shelf)
            for entry in _parquet_rows(source) if table else entries(source, "runs"):
                if isinstance(entry, Problem):
                    yield entry
                elif isinstance(entry[1], dict):
                    traces.take(*entry)
                else:
                    yield source.problem(f"no run: {string(entry[1])[:80]!r}")
            yield from traces.runs()


def _likeness(value: Any) -> float:
    if not isinstance(value, dict) or value.get("run_type") not in _RUN_TYPES:
        return 0.0
    return 0.95 if "dotted_order" in value else 0.8 if sum(mark in value for mark in _MARKS) >= 3 else 0.3


def _parquet_rows(source: Source) -> Iterator[tuple[None, Any] | Problem]:
    """The rows of the bulk export, JSON columns unpacked."""
    for row in parquet_rows(source):
        yield row if isinstance(row, Problem) else (None, {key: _cell(key, value) for key, value in row.items()})


def _cell(column: str, value: Any) -> Any:
    if column in _JSON_COLUMNS and isinstance(value, str):
        try:
            return loads(value)
        except BadJson:
            return value
    return value


class _Known:
    """What is gathered of one trace while the file is read."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.reference: dict[str, Any] = {}
        self.root: dict[str, Any] = {}


class _Traces:
    """All traces of a file."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._traces: dict[str, _Known] = {}
        self._number = 0

    def take(self, place: Span | None, row: dict[str, Any]) -> None:
        """The next row of the file."""
        self._number += 1
        node = node_of(row, self._number)
        known = self._traces.setdefault(trace_id(row) or node.id, _Known())
        node.places.append(self._shelf.put(place, row))
        before = known.nodes.get(node.id)
        if before is not None:
            merge_nodes(before, node, row)
        known.nodes[node.id] = node
        if node.parent is None:
            kept = ("name", "session_name", "session_id", "tags", "start_time")
            known.root |= {key: row[key] for key in kept if row.get(key)}
            known.root["metadata"] = {
                **known.root.get("metadata", {}),
                **mapping(mapping(row.get("extra")).get("metadata")),
            }
        if found := judged(row):
            known.reference |= found if node.parent is None else {f"{string(row.get('name'))} {node.id}": found}

    def runs(self) -> Iterator[Record]:
        """A run for each trace; what is known of one is let go when it is told."""
        for number, trace in enumerate(list(self._traces)):
            yield from self._run(trace, self._traces[trace], number)
            self._traces[trace] = _Known()

    def _run(self, trace: str, known: _Known, number: int) -> Iterator[Record]:
        told = Trace(known.nodes.values(), self._fetch)
        steps = told.steps()
        ahead, task = begun(steps)
        metadata = mapping(known.root.get("metadata"))
        name = text_or_none(known.root.get("name"))
        named = [agent for agent in told.agents if agent != DEFAULT_ACTOR["agent"]]
        facts = {
            "project": known.root.get("session_name"),
            "tags": known.root.get("tags"),
            "thread_id": metadata.get("thread_id") or metadata.get("session_id"),
            "metadata": {key: value for key, value in metadata.items() if not key.startswith(_PLUMBING)},
            "agents": told.agents,
        }
        yield Header(
            LangSmithReader.name,
            title_of(task) or title_of(name) or title_of(trace),
            task,
            system=name if name != GRAPH else named[0] if len(named) == len(told.agents) == 1 else name,
            model=next((step.model for step in ahead if step.model), None),
            native_id=trace or None,
            started_at=told.start,
            item=number,
            reference=known.reference or None,
            facts={key: value for key, value in facts.items() if not is_trivial(value)},
        )
        yield from ahead
        yield from steps

    def _load(self, node: Node) -> dict[str, Any]:
        return merged([mapping(loads(self._shelf.get(place))) for place in node.places])

    def _fetch(self, node: Node) -> Content:
        data = [self._shelf.get(place) for place in node.places]
        rows = [mapping(loads(item)) for item in data]
        return content_of(merged(rows), node, [*map(without_judgement, rows, data)], self._load)
