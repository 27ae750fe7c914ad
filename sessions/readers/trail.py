"""TRAIL traces (Patronus AI, 2025): nested OpenInference spans with annotated errors; you bring your own copy.

The data set may not be passed on, so none of it is here. Read: one trace a file, `{trace_id, spans}`, with its
annotation in `processed_annotations_*/<trace_id>.json` near it; and rows `{trace, labels}`, both as JSON text, in a
list, one a line, or as the Parquet files that the hub gives out (needs the package pyarrow). Written from the public
card and code, without the data at hand.

- Which span becomes which step is told in `spans` and `otlp_spans`. Spans hold their children in `child_spans`. A
  step's native id is its span's, by which the labels name it (`location`).
- The annotation is a vote of a named annotator: `Header.reference["votes"]`, each `{annotator, errors, scores}`.
- `logs` of spans, where the harness wrote the benchmark's answers and gold patches, go to the reference too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sessions.errors import UserError
from sessions.jsontext import BadJson, dump_bytes, loads
from sessions.readers.base import WHOLE_DOCUMENT_BYTES, Head, Source
from sessions.readers.leftovers import is_trivial, mapping, sequence, text_or_none
from sessions.readers.otlp_attributes import iso, json_or
from sessions.readers.otlp_messages import Memo
from sessions.readers.otlp_spans import content_of, judged, node_of, span_of, without_judgement
from sessions.readers.records import Shelf
from sessions.readers.rows import row_prefix, rows
from sessions.readers.shared import string, title_of
from sessions.readers.span_tree import Node
from sessions.readers.spans import Content, Trace, begun
from sessions.readers.tables import has_columns, is_parquet, parquet_rows
from sessions.run import DEFAULT_ACTOR, Header, Problem, Record

#: Who made the annotations, for those who count votes.
ANNOTATOR = "TRAIL (Patronus AI)"
_SPAN_KEYS = ("span_id", "span_name", "span_attributes", "child_spans")
_LABEL_KEYS = ("errors", "scores")
_ROW_KEYS = ("trace", "labels", "spans", "trace_id", *_LABEL_KEYS)
#: Spans of one trace beyond this are not read.
_MAX_SPANS = 200_000


class TrailReader:
    """See the module's docstring."""

    name = "trail"
    title = "TRAIL traces"
    versions = "2025"
    gaps = (
        "Parquet needs pyarrow (`pip install 'review-tui[parquet]'`). Written without the data at hand, which may "
        "not be passed on."
    )
    binary = True

    def sniff(self, head: Head) -> float:
        if is_parquet(head):
            return 0.6 if has_columns(head, (b"trace", b"labels")) else 0.0
        if head.is_binary:
            return 0.0
        prefix = row_prefix(head)
        if prefix is None:
            return 0.0
        outline = head.outline
        if sum(f"{prefix}spans.item.{key}" in outline for key in _SPAN_KEYS) >= 3:
            return 0.97
        trace, labels = outline.get(f"{prefix}trace"), outline.get(f"{prefix}labels")
        if isinstance(trace, str) and isinstance(labels, str) and '"span_id"' in trace and '"child_spans"' in trace:
            return 0.97
        return 0.3 if isinstance(trace, str) and '"span_attributes"' in trace else 0.0

    def read(self, source: Source) -> Iterator[Record]:
        annotations = _annotation_folders(source.path)
        for entry in _table(source) if is_parquet(Head.of(source.path)) else rows(source, "spans"):
            if isinstance(entry, Problem):
                yield entry
                continue
            number, row = entry
            trace = _object(row.get("trace")) if "trace" in row else row
            with Shelf(source) as shelf:
                yield from _Run(source, shelf, row, trace, number, annotations).records()


def _table(source: Source) -> Iterator[tuple[int, dict[str, Any]] | Problem]:
    number = 0
    for row in parquet_rows(source):
        if isinstance(row, Problem):
            yield row
        else:
            yield number, row
            number += 1


def _object(value: Any) -> dict[str, Any]:
    """An object, perhaps as JSON text."""
    return mapping(json_or(value))


def _spans(trace: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str | None]]:
    """All spans with the ids of those they stand in, children behind their parents."""
    stack: list[tuple[Any, str | None]] = [(span, None) for span in reversed(sequence(trace.get("spans")))]
    count = 0
    while stack and count < _MAX_SPANS:
        span, parent = stack.pop()
        if not isinstance(span, dict):
            continue
        count += 1
        yield span, parent
        name = text_or_none(span.get("span_id"))
        stack += [(child, name) for child in reversed(sequence(span.get("child_spans")))]


def _as_span(span: dict[str, Any], parent: str | None) -> dict[str, Any]:
    """A span in the shape that SDKs write, without what the harness logged beside it."""
    left_out = ("child_spans", "logs", "span_name", "span_attributes", "timestamp")
    return {
        **{key: value for key, value in span.items() if key not in left_out},
        "name": span.get("span_name"),
        "parent_span_id": parent or span.get("parent_span_id"),
        "start_time": span.get("timestamp"),
        "attributes": span.get("span_attributes"),
        "status": {"code": span.get("status_code"), "message": span.get("status_message")},
    }


class _Run:
    """One trace on its way to steps."""

    def __init__(
        self,
        source: Source,
        shelf: Shelf,
        row: dict[str, Any],
        trace: dict[str, Any],
        number: int,
        annotations: list[Path],
    ) -> None:
        self._source, self._shelf, self._number, self._annotations = source, shelf, number, annotations
        self._row, self._trace = row, trace
        self._memo = Memo()
        self._reference: dict[str, Any] = {}
        self._files: list[str] = []

    def records(self) -> Iterator[Record]:
        nodes = [self._node(span, parent, place) for place, (span, parent) in enumerate(_spans(self._trace), 1)]
        name = text_or_none(self._trace.get("trace_id"))
        if votes := self._votes(name):
            self._reference["votes"] = votes
        told = Trace(nodes, self._fetch)
        steps = told.steps()
        ahead, task = begun(steps)
        known = (*_ROW_KEYS, "name")
        facts = {key: value for holder in (self._row, self._trace) for key, value in holder.items() if key not in known}
        named = [agent for agent in told.agents if agent != DEFAULT_ACTOR["agent"]]
        yield Header(
            TrailReader.name,
            title_of(task) or title_of(name) or f"trace {self._number + 1}",
            task,
            system=named[0] if len(named) == len(told.agents) == 1 else None,
            model=next((step.model for step in ahead if step.model), None),
            native_id=name,
            started_at=iso(told.start),
            item=self._number,
            reference=self._reference or None,
            facts={"agents": told.agents, **{key: value for key, value in facts.items() if not is_trivial(value)}},
            files=self._files,
        )
        if not nodes:
            yield self._source.problem(f"row {self._number + 1}: there is no span in it")
        yield from ahead
        yield from steps

    def _node(self, span: dict[str, Any], parent: str | None, place: int) -> Node:
        record = _as_span(span, parent)
        found = span_of(record)
        node = node_of(found, place)
        # The ids of labels are spelled as the file spells them.
        node.id = text_or_none(span.get("span_id")) or node.id
        node.parent = parent or text_or_none(span.get("parent_span_id"))
        node.places.append(self._shelf.put(None, record))
        judging = judged(found)
        if not is_trivial(span.get("logs")):
            judging["logs"] = span["logs"]
        if judging:
            self._reference[node.id] = judging
        return node

    def _fetch(self, node: Node) -> Content:
        data = [self._shelf.get(place) for place in node.places]
        records = [mapping(loads(item)) for item in data]
        return content_of(span_of(records[0]), node, [*map(without_judgement, records, data)], self._memo)

    def _votes(self, name: str | None) -> list[dict[str, Any]]:
        """The annotation in the row, or in the file of that name near the trace's."""
        labels = json_or(self._row.get("labels"))
        if labels is None and any(key in self._row for key in _LABEL_KEYS):
            labels = {key: self._row[key] for key in _LABEL_KEYS if key in self._row}
        if labels is None:
            labels = self._labels_beside(name)
        return [_vote(item) for item in (labels if isinstance(labels, list) else [labels]) if not is_trivial(item)]

    def _labels_beside(self, name: str | None) -> Any:
        names = [f"{stem}.json" for stem in {self._source.path.stem, name} if stem and Path(stem).name == stem]
        for path in (folder / name for folder in self._annotations for name in names):
            with suppress(BadJson, UserError, OSError):
                if path.is_file() and path.stat().st_size <= WHOLE_DOCUMENT_BYTES:
                    labels = Source(path).document()
                    self._files.append(str(path))
                    return labels
        return None


def _annotation_folders(path: Path) -> list[Path]:
    """Folders near a trace's file that hold annotations."""
    folder = path.absolute().parent
    found: list[Path] = []
    for above in (folder, folder.parent, folder.parent.parent):
        with suppress(OSError):
            found += sorted(above.glob("*annotations*"))[:20]
    return found


def _vote(labels: Any) -> dict[str, Any]:
    told = mapping(labels)
    vote = {"annotator": ANNOTATOR, **{key: told.get(key, []) for key in _LABEL_KEYS}}
    others = {key: value for key, value in told.items() if key not in (*_LABEL_KEYS, "trace_id")}
    return vote | ({"other": others if told else string(dump_bytes(labels).decode())} if others or not told else {})
