"""OpenTelemetry traces of agents: OTLP JSON (one document, or one a line) with GenAI or OpenInference attributes.

Spans are read as the collector's file exporter and the libraries write them; also spans in the shape of the SDKs'
console exporters and of Phoenix (`context`, `start_time`), one a line or in a list. Conventions known: GenAI semantic
conventions (messages on spans, in events, in log records), OpenInference, OpenLLMetry, Vercel's AI SDK, Logfire, and
pydantic-ai's versions 1 to 5. Growth: lines appended; children stand before their parents.

- A trace is a run, in the order in which traces first appear. A trace's root comes last, so its steps are given when
  all of it is there: how often the file names each trace is counted first, at a gigabyte a second. What is not at hand
  waits in a temporary file, not in memory.
- Which span becomes which step is told in `spans`; a repeated history is told once (`told`).
- Tokens and costs are those of the spans of models; sums on the agents around them are not counted again.
- A span's status states an error. Where it is unset, the result's text is looked at.
- Evaluations (events, spans of evaluators with all in them, expected outputs) go to `Header.reference`.
- Attributes that are not read stay in the step's own record; a span without a model or tool in it is plumbing, and its
  record is kept with the step before it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from sessions.jsontext import BadJson, loads
from sessions.readers.base import WHOLE_DOCUMENT_BYTES, Head, Source
from sessions.readers.leftovers import is_trivial, mapping, sequence, text_or_none
from sessions.readers.otlp_attributes import attributes_of, first, hex_id, iso
from sessions.readers.otlp_messages import Memo
from sessions.readers.otlp_spans import (
    Span,
    content_of,
    judged,
    log_of,
    node_of,
    span_of,
    without_judgement,
)
from sessions.readers.records import Shelf, is_jsonl
from sessions.readers.salvage import salvage, values_at
from sessions.readers.shared import string, title_of
from sessions.readers.span_tree import Node
from sessions.readers.spans import Content, Trace, begun
from sessions.run import DEFAULT_ACTOR, Header, Problem, Record
from sessions.run import Span as Place

_TRACE_ID = re.compile(rb'"traceId"\s{0,20}:\s{0,20}"([0-9a-zA-Z+/=]{1,64})"')
#: The file is looked through for them in pieces; one may begin so far before the end of a piece.
_PIECE, _ID_BYTES = 1 << 20, 128
_ROOTS = ("resourceSpans", "resourceLogs")
_SCOPES = ("scopeSpans", "instrumentationLibrarySpans", "scopeLogs")
_RECORDS = ("spans", "logRecords")
#: Evaluations kept of one trace.
_MAX_EVALUATIONS = 1000
_PLACES = {
    *((root, "*", "resource") for root in _ROOTS),
    *((root, "*", scope, "*", "scope") for root in _ROOTS for scope in _SCOPES),
    *((root, "*", scope, "*", record, "*") for root in _ROOTS for scope in _SCOPES for record in _RECORDS),
}


class OtlpReader:
    """Reads traces. See the module's docstring."""

    name = "otlp"
    title = "OpenTelemetry (GenAI, OpenInference)"
    versions = "OTLP JSON 1.x"
    gaps = (
        "The file is read to its end before the first step is shown, because spans stand in the order of their "
        "ends. A trace is a run: a conversation of several traces is several runs, with `conversation` among "
        "their facts. Protobuf files are not read, only JSON. Spans without a model or tool are kept with the "
        "step before them, not shown. Times of users' messages are unknown; those of steps are the starts of "
        "their spans. A conversation that is told twice by two libraries in nested spans is told once, by the "
        "outer span."
    )

    def sniff(self, head: Head) -> float:
        if any(root in value for value in head.lines if isinstance(value, dict) for root in _ROOTS):
            return 0.97
        if any(prefix + root in head.outline for prefix in ("", "item.") for root in _ROOTS):
            return 0.97
        values = head.lines[0] if head.lines and isinstance(head.lines[0], list) else head.lines
        if any(_is_sdk_span(value) for value in values[:5]):
            return 0.9
        marks = {"context.trace_id", "context.span_id"}
        prefix = "item." if head.outline.get("") == "array" else ""
        return 0.9 if all(prefix + mark in head.outline for mark in marks) else 0.0

    def read(self, source: Source) -> Iterator[Record]:
        with Shelf(source) as shelf:
            traces = _Traces(shelf, _mentions(source))
            for found in _records(source):
                if isinstance(found, Problem):
                    yield found
                elif traces.take(*found):
                    yield from traces.runs()
            yield from traces.runs(all_of_them=True)
            if not traces.found:
                yield source.problem("there is no span in it")


def _is_sdk_span(value: Any) -> bool:
    context = value.get("context") if isinstance(value, dict) else None
    return isinstance(context, dict) and "trace_id" in context and "span_id" in context


# -- the records of a file ------------------------------------------------------------------------------------------


def _records(source: Source) -> Iterator[tuple[str, Any] | Problem]:
    """What a file holds, in order: ("resource", ...), ("scope", ...), ("spans", span), ("logRecords", record)."""
    if is_jsonl(source):
        for entry in source.json_lines():
            if isinstance(entry, Problem):
                yield entry
            else:
                yield from _inside(entry[2])
        return
    if source.size > WHOLE_DOCUMENT_BYTES:
        try:
            for place, value in values_at(source, _PLACES):
                yield ("resource" if len(place) == 3 else "scope" if len(place) == 5 else place[4]), value
        except BadJson as error:
            yield source.problem(str(error))
        return
    try:
        document, reason = source.document(), None
    except BadJson as error:
        document, reason = salvage(source.content()[0]), str(error)
    yield from _inside(document)
    if reason is not None:
        yield source.problem(reason)


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, dict):
            continue
        if not any(root in item for root in _ROOTS):
            if _is_sdk_span(item):
                yield "resource", item.get("resource")
                yield "spans", item
            continue
        for entry in [mapping(entry) for root in _ROOTS for entry in sequence(item.get(root))]:
            yield "resource", entry.get("resource")
            for scope in [mapping(scope) for key in _SCOPES for scope in sequence(entry.get(key))]:
                yield "scope", scope.get("scope", scope.get("instrumentationLibrary"))
                for key in _RECORDS:
                    for record in sequence(scope.get(key)):
                        yield key, record


def _mentions(source: Source) -> Counter[str]:
    """How often the file names each trace; nothing of a compressed file, which would have to be unpacked for it."""
    found: Counter[str] = Counter()
    if source.compression is None:
        with open(source.path, "rb") as file:
            before = b""
            while piece := file.read(_PIECE):
                data = before + piece
                for match in _TRACE_ID.finditer(data):
                    if match.end() > len(before):
                        found[match.group(1).decode("ascii", "replace")] += 1
                before = data[-_ID_BYTES:]
    known: Counter[str] = Counter()
    for name, count in found.items():
        known[hex_id(name, 16) or ""] += count
    return known


def _named(record: dict[str, Any]) -> Iterator[str]:
    """The traces that a span or log record names: its own, and those that it links to."""
    for item in (record, *sequence(record.get("links"))):
        if isinstance(item, dict) and "traceId" in item:
            yield hex_id(item["traceId"], 16) or ""


# -- traces -------------------------------------------------------------------------------------------------------


class _Known:
    """What is gathered of one trace while the file is read."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.logs: dict[str, list[Place]] = {}
        self.facts: dict[str, Any] = {}
        self.scopes: dict[str, None] = {}
        self.reference: dict[str, Any] = {}


class _Traces:
    """All traces of a file."""

    def __init__(self, shelf: Shelf, mentions: Counter[str]) -> None:
        """mentions: how often each trace is named in what is to come."""
        self._shelf = shelf
        self._mentions = mentions
        self._given = 0
        self._traces: dict[str, _Known] = {}
        self._resource: dict[str, Any] = {}
        self._scope = ""
        self._number = 0
        self._memo = Memo()

    @property
    def found(self) -> bool:
        return bool(self._traces or self._given)

    def take(self, kind: str, record: Any) -> bool:
        """The next record of the file. True if some trace is complete with it."""
        if kind == "resource":
            self._resource = _resource(record)
        elif kind == "scope":
            name, version = string(mapping(record).get("name")), string(mapping(record).get("version"))
            self._scope = f"{name} {version}".strip()
        elif isinstance(record, dict):
            self._number += 1
            (self._span if kind == "spans" else self._log)(record)
            complete = False
            for trace in _named(record):
                self._mentions[trace] -= 1
                complete = complete or not self._mentions[trace]
            return complete
        return False

    def _span(self, record: dict[str, Any]) -> None:
        span = span_of(record)
        known = self._known(span.trace)
        node = node_of(span, self._number)
        node.places.append(self._shelf.put(None, record))
        before = known.nodes.get(node.id)
        if before is not None:  # told twice: the later one has what the earlier one has, and its end
            node.places += before.places
        known.nodes[node.id] = node
        _merge_reference(known.reference, judged(span))
        conversation = first(span.attributes, "gen_ai.conversation.id", "session.id")
        if conversation is not None:
            known.facts.setdefault("conversation", conversation)

    def _log(self, record: dict[str, Any]) -> None:
        trace, span, (name, values) = log_of(record)
        known = self._known(trace)
        if name.startswith("gen_ai.evaluation."):
            _merge_reference(known.reference, {"evaluations": [dict(values)]})
            return
        place = self._shelf.put(None, record)
        if name.startswith("gen_ai."):
            known.logs.setdefault(span or f"#{self._number}", []).append(place)
        else:
            node = Node(f"log {self._number}", span, "other", record.get("timeUnixNano"), name)
            node.places.append(place)
            known.nodes[node.id] = node

    def _known(self, trace: str) -> _Known:
        known = self._traces.get(trace)
        if known is None:
            known = self._traces[trace] = _Known()
            known.facts |= self._resource
        if self._scope:
            known.scopes.setdefault(self._scope)
        return known

    def runs(self, *, all_of_them: bool = False) -> Iterator[Record]:
        """A run for each trace that is complete and not behind one that is not; what is known of it is let go then."""
        for trace in list(self._traces):
            if not all_of_them and self._mentions[trace]:
                return
            known = self._traces.pop(trace)
            for span, places in known.logs.items():
                if span not in known.nodes:  # the events of a model's span that is not in the file
                    known.nodes[span] = Node(span, None, "model", None, "model", has_text=True)
                known.nodes[span].places += places
                known.nodes[span].has_text = True
            yield from self._run(trace, known, self._given)
            self._given += 1
            self._memo = Memo()

    def _run(self, trace: str, known: _Known, number: int) -> Iterator[Record]:
        told = Trace(known.nodes.values(), self._fetch)
        steps = told.steps()
        ahead, task = begun(steps)
        known.facts |= {"scopes": list(known.scopes), "agents": told.agents}
        yield Header(
            "otlp",
            title_of(task) or title_of(trace),
            task,
            system=_system(known, told.agents),
            model=next((step.model for step in ahead if step.model), None),
            native_id=trace or None,
            started_at=iso(told.start),
            item=number,
            reference=known.reference or None,
            facts={key: value for key, value in known.facts.items() if not is_trivial(value)},
        )
        yield from ahead
        yield from steps

    def _fetch(self, node: Node) -> Content:
        data = [self._shelf.get(place) for place in node.places]
        records = [loads(item) for item in data]
        spans = [record for record in records if not _is_log(record)]
        span = span_of(spans[0]) if spans else Span({}, "", node.id, None, node.name, None, {})
        for record in records:
            if _is_log(record):
                span.start = span.start or record.get("timeUnixNano")
                span.events.append(log_of(record)[2])
        return content_of(span, node, [*map(without_judgement, records, data)], self._memo)


def _is_log(record: dict[str, Any]) -> bool:
    return "timeUnixNano" in record or "body" in record or "observedTimeUnixNano" in record


def _resource(record: Any) -> dict[str, Any]:
    """What of a resource is worth a fact: not the SDK's own data, nor names that it makes up."""
    attributes = attributes_of(mapping(record).get("attributes"))
    kept = {key: value for key, value in attributes.items() if not key.startswith(("telemetry.", "process.", "host."))}
    if string(kept.get("service.name")).startswith("unknown_service"):
        del kept["service.name"]
    return kept


def _system(known: _Known, agents: list[str]) -> str | None:
    """The service, else the one agent, else the library that made the spans."""
    service = text_or_none(known.facts.get("service.name"))
    named = [agent for agent in agents if agent != DEFAULT_ACTOR["agent"]]
    return service or (named[0] if len(agents) == len(named) == 1 else None) or next(iter(known.scopes), None)


def _merge_reference(reference: dict[str, Any], found: dict[str, Any]) -> None:
    evaluations = found.pop("evaluations", [])
    reference |= {key: value for key, value in found.items() if len(reference) < _MAX_EVALUATIONS or key in reference}
    if evaluations:
        kept = reference.setdefault("evaluations", [])
        kept += evaluations[: _MAX_EVALUATIONS - len(kept)]
