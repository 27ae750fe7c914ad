"""Langfuse exports: traces with their observations and scores, or observations alone, in a list or one a line.

Read as the API of 2024 to 2026, the blob export and the tables of the user interface (CSV too) write them: camel case
or snake case, input and output as values or as JSON text. The file is read to its end before the first step is given;
records wait in a temporary file, not in memory.

- A trace is a run, in the order in which traces first appear. Which observation becomes which step is told in `spans`:
  generations are models; tools, retrievers and embeddings tools; agents agents; events with a text notes of the
  environment; spans and chains plumbing. A trace without any of these is its own input and output.
- Observations of one session are several runs (`facts.session`), because a trace is what Langfuse judges.
- `tokens_in` holds all kinds of input that the usage tells (cached ones too), `tokens_out` all kinds of output; a sum
  on a trace is not counted again. Level ERROR states an error.
- Scores, corrections, comments, expected outputs and evaluators' observations go to `Header.reference`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from sessions.jsontext import dump_bytes, loads
from sessions.readers.base import Head, Source
from sessions.readers.langfuse_records import KINDS, content_of, get, has, judged, node_of, start_of, without_judgement
from sessions.readers.leftovers import is_trivial, iso_time, mapping, sequence, text_or_none
from sessions.readers.otlp_attributes import json_or
from sessions.readers.records import Shelf, entries
from sessions.readers.shared import string, title_of
from sessions.readers.span_tree import Node
from sessions.readers.spans import Content, Trace, begun
from sessions.readers.tables import csv_columns, csv_rows
from sessions.run import Header, Problem, Record, Span

_TYPES = frozenset((*KINDS, "SPAN", "CHAIN", "GUARDRAIL"))
#: How columns of numbers end.
_COUNTED = ("tokens", "cost", "latency", "price", "usage")
#: Of a trace, what is a fact; the rest is plumbing of the platform.
_FACTS = {"session": "sessionId", "user": "userId", "tags": "tags", "environment": "environment", "release": "release"}
_FACTS |= {"version": "version", "metadata": "metadata"}


class LangfuseReader:
    """See the module's docstring."""

    name = "langfuse"
    title = "Langfuse export"
    versions = "2024-2026"
    gaps = (
        "Of a CSV table of traces, only each trace's own input and output are known; its observations are a table "
        "of their own, which is read better. As with `otlp`, the file is read to its end first, and spans and "
        "chains are kept with the step before them. Traces of one session are runs of their own."
    )

    def sniff(self, head: Head) -> float:
        if columns := csv_columns(head):
            return _csv_likeness(columns)
        values = head.lines
        if len(values) == 1 and isinstance(values[0], list):
            values = values[0]
        if len(values) == 1 and isinstance(values[0], dict) and isinstance(values[0].get("data"), list):
            values = values[0]["data"]
        if values:
            return max((_likeness(value) for value in values[:10] if isinstance(value, dict)), default=0.0)
        keys = head.outline.keys()
        for prefix in ("", "item.", "data.item.", "observations.item."):
            known = {key.removeprefix(prefix): None for key in keys if key.startswith(prefix)}
            if found := _likeness(known | ({"type": head.outline.get(f"{prefix}type")} if "type" in known else {})):
                return found
        return 0.0

    def read(self, source: Source) -> Iterator[Record]:
        with Shelf(source) as shelf:
            traces = _Traces(shelf)
            is_table = bool(csv_columns(Head.of(source.path)))
            for entry in _table(source) if is_table else _entries(source):
                if isinstance(entry, Problem):
                    yield entry
                elif isinstance(entry[1], dict):
                    traces.take(*entry)
                else:
                    yield source.problem(f"neither a trace nor an observation: {string(entry[1])[:80]!r}")
            yield from traces.runs()


def _entries(source: Source) -> Iterator[tuple[Span | None, Any] | Problem]:
    """The records of a file; a page of the API's answers holds them under `data`."""
    for entry in entries(source, "data"):
        if not isinstance(entry, Problem) and isinstance(mapping(entry[1]).get("data"), list):
            yield from ((None, item) for item in entry[1]["data"])
        else:
            yield entry


def _table(source: Source) -> Iterator[tuple[None, Any] | Problem]:
    """The rows of a table as records: numbers as such where a column counts something, JSON unpacked in lists."""
    for row in csv_rows(source):
        if isinstance(row, Problem):
            yield row
        else:
            yield None, {name: _cell(name, cell) for name, cell in row[1].items()}


def _cell(name: str, cell: str) -> Any:
    if name.lower().endswith(_COUNTED):
        with suppress(ValueError):
            return int(cell) if cell.isdecimal() and len(cell) < 16 else float(cell)
    return json_or(cell) if cell.startswith("[") else cell


def _csv_likeness(columns: list[str]) -> float:
    """By the names of columns alone: the first row may be longer than the head."""
    record: dict[str, Any] = dict.fromkeys(columns)
    return _likeness(record | ({"type": "SPAN"} if "type" in record else {}))


def _likeness(record: dict[str, Any]) -> float:
    kind = record.get("type")
    if isinstance(kind, str) and kind.upper() in _TYPES and has(record, "traceId") and has(record, "startTime"):
        marks = ("parentObservationId", "usageDetails", "costDetails", "statusMessage", "modelParameters", "level")
        return 0.95 if sum(has(record, mark) for mark in marks) >= 2 else 0.5
    if "observations" in record and ("htmlPath" in record or "html_path" in record or "scores" in record):
        return 0.95
    of_trace = ("sessionId", "userId", "projectId", "htmlPath", "totalCost", "scores", "release", "bookmarked")
    return (
        0.7 if "timestamp" in record and "input" in record and sum(has(record, key) for key in of_trace) >= 4 else 0.0
    )


class _Known:
    """What is gathered of one trace while the file is read."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.root: dict[str, Any] = {}
        self.reference: dict[str, Any] = {}


class _Traces:
    """All traces of a file."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._traces: dict[str, _Known] = {}
        self._number = 0

    def take(self, place: Span | None, record: dict[str, Any]) -> None:
        """The next record of the file: a trace, perhaps with its observations in it, or an observation."""
        inner = sequence(record.get("observations"))
        if has(record, "traceId") or text_or_none(record.get("type")) in _TYPES:
            self._observation(place, record)
            return
        trace = text_or_none(record.get("id")) or f"#{self._number}"
        known = self._traces.setdefault(trace, _Known())
        bare = {key: value for key, value in record.items() if key != "observations"}
        known.root |= {key: value for key, value in bare.items() if not is_trivial(value)}
        self._judge(known, bare, "")
        shown = dump_bytes(without_judgement(bare))
        texts = any(not is_trivial(bare.get(key)) for key in ("input", "output"))
        node = Node(
            f"trace {trace}", None, "other", start_of(bare, "timestamp"), string(bare.get("name")), has_text=texts
        )
        node.places.append(self._shelf.put(None, shown))
        known.nodes[node.id] = node
        for item in inner:
            if isinstance(item, dict):
                self._observation(None, {"traceId": trace, **item})
        if place is not None and any(not isinstance(item, dict) for item in inner):
            known.root["odd_observations"] = [item for item in inner if not isinstance(item, dict)][:10]

    def _observation(self, place: Span | None, record: dict[str, Any]) -> None:
        self._number += 1
        trace = text_or_none(get(record, "traceId")) or ""
        known = self._traces.setdefault(trace, _Known())
        node = node_of(record, self._number)
        node.parent = node.parent or f"trace {trace}"
        self._judge(known, record, f"{string(record.get('name'))} {node.id}")
        shown = without_judgement(record)
        node.places.append(self._shelf.put(place if shown is record else None, shown))
        before = known.nodes.get(node.id)
        if before is not None:  # written twice: the later one knows more
            node.places = before.places + node.places
        known.nodes[node.id] = node

    def _judge(self, known: _Known, record: dict[str, Any], where: str) -> None:
        found = judged(record)
        if string(record.get("type")).upper() == "EVALUATOR":
            found |= {key: record[key] for key in ("input", "output") if not is_trivial(record.get(key))}
        if found:
            known.reference |= {where: found} if where else found

    def runs(self) -> Iterator[Record]:
        """A run for each trace; what is known of one is let go when it is told."""
        for number, trace in enumerate(list(self._traces)):
            known = self._traces[trace]
            told = Trace(known.nodes.values(), self._fetch)
            steps = told.steps()
            ahead, task = begun(steps)
            facts = {name: get(known.root, key) for name, key in _FACTS.items()}
            facts["metadata"] = without_judgement({"metadata": json_or(facts["metadata"])}).get("metadata")
            facts |= {"agents": told.agents, "odd_observations": known.root.get("odd_observations")}
            yield Header(
                LangfuseReader.name,
                title_of(task) or title_of(text_or_none(known.root.get("name"))) or title_of(trace),
                task,
                system=text_or_none(known.root.get("name")),
                model=next((step.model for step in ahead if step.model), None),
                native_id=trace or None,
                started_at=iso_time(get(known.root, "timestamp")) or text_or_none(told.start),
                item=number,
                reference=known.reference or None,
                facts={key: value for key, value in facts.items() if not is_trivial(value)},
            )
            yield from ahead
            yield from steps
            self._traces[trace] = _Known()

    def _fetch(self, node: Node) -> Content:
        raw = [self._shelf.get(place) for place in node.places]
        record: dict[str, Any] = {}
        for data in raw:
            record |= {key: value for key, value in mapping(loads(data)).items() if not is_trivial(value)}
        return content_of(record, node, raw)
