"""Our own canonical JSONL (`review-tui convert --to canonical`): a run without loss, one JSON object a line.

Schema `review-tui/run/1`. Written whole; a program that writes a run live may add lines at the end. By `type`, a line

- `run` begins a run: `schema`, `format` (of the first source), `title`, `task`, `system`, `model`, `native_id`,
  `started_at`, `facts`
- `step`: `step_number` (from 1), `step_index` (from 0), `id`, `actor`, `role`, `depth`, `at`, `native_id`, `model`,
  `parent_call`, `branch`, `stage`, `tokens_in`, `tokens_out`, `cost`, and `parts`: each `kind`, `text`, `name`,
  `call_id`, `arguments`, `is_error`, `error_inferred` (`sessions.run` says what each means)
- `raw`: `records`, the source's own of the step before it: text, or `{"base64": ...}` where the bytes are no UTF-8;
  without this line, the step's own line is its source record
- `facts`: `values`, header fields that became known only later
- `reference`: what the source knows of the answer; without this line, a file may be given to a blind reviewer
- `end`: `steps` and `content_id` of the run, which is whole; a run that does not fit it is reported
- `piece`: a piece of a very long line; the `text`s up to the one with `more` false, joined, are the line

What is null, empty or told by the rest is left out: a tool call's `text` is its arguments as `arguments_text` shows
them. A value nested over 180 levels stands as JSON text under its key with `_json` behind it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from sessions.identity import Identity
from sessions.jsontext import BadJson, loads
from sessions.readers.base import Head, Source
from sessions.readers.leftovers import amount, count, is_trivial, mapping, sequence, text_or_none
from sessions.readers.shared import raw_part
from sessions.run import (
    PART_KINDS,
    ROLES,
    Facts,
    Header,
    Part,
    Problem,
    Record,
    Span,
    Step,
    apply_facts,
    arguments_text,
)

SCHEMA = "review-tui/run/1"
_FAMILY = "review-tui/run/"
#: Values nested deeper are written as JSON text, so that a line with all its wrapping can be read again.
BARE_DEPTH = 180
#: Longer lines are cut into pieces, far below what a reader takes for a line.
LINE_CHARS = 16 * 1024 * 1024
#: Pieces that make more than this are no line of ours.
MAX_JOINED_CHARS = 1024 * 1024 * 1024
_MAX_DEPTH = 1000
_TEXTS = ("title", "task", "system", "model", "native_id", "started_at")
_STEP_TEXTS = ("at", "native_id", "model", "parent_call", "branch", "stage")
_RUN_KEYS = frozenset(("schema", "type", "format", "facts", "facts_json", *_TEXTS))
_STEP_KEYS = frozenset(("type", "step_number", "step_index", "id", "actor", "role", "depth", "parts", *_STEP_TEXTS)) | {
    "tokens_in",
    "tokens_out",
    "cost",
}


class CanonicalReader:
    """See the module's docstring."""

    name = "canonical"
    title = "review-tui run"
    versions = "review-tui/run/1"
    gaps = "A run that is still being written has no content id to be checked by."

    def sniff(self, head: Head) -> float:
        schema = head.first.get("schema")
        if isinstance(schema, str) and schema.startswith(_FAMILY):
            return 0.99
        # The first line is longer than the head, or damaged behind its beginning.
        return 0.97 if head.data.startswith(b'{"schema":"' + _FAMILY.encode()) else 0.0

    def read(self, source: Source) -> Iterator[Record]:
        file = _File(source)
        for entry in _joined(source):
            if isinstance(entry, Problem):
                yield entry
            else:
                yield from file.take(*entry)
        yield from file.close()


def _joined(source: Source) -> Iterator[tuple[int, Span, Any] | Problem]:
    """The file's lines, those in pieces put together."""
    pieces: list[str] = []
    size, first_line, first = 0, 0, Span(0, 0)
    for entry in source.json_lines():
        if isinstance(entry, Problem):
            yield entry
            continue
        line, span, value = entry
        if not isinstance(value, dict) or value.get("type") != "piece":
            if pieces:
                yield source.problem("a line in pieces is not whole", first_line)
                pieces, size = [], 0
            yield entry
            continue
        if not pieces:
            first_line, first = line, span
        text = value.get("text")
        pieces.append(text if isinstance(text, str) else "")
        size += len(pieces[-1])
        if size > MAX_JOINED_CHARS:
            yield source.problem("a line in pieces is too long", first_line)
            pieces, size = [], 0
        elif value.get("more") is not True:
            whole = Span(first.offset, span.offset + span.length - first.offset)
            try:
                yield first_line, whole, loads("".join(pieces))
            except BadJson as error:
                yield source.problem(f"a line in pieces: {error}", first_line)
            pieces, size = [], 0
    if pieces:
        yield source.problem("a line in pieces is not whole", first_line)


class _File:
    """The runs of a file. One step is held back, because its raw records come behind it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._runs = 0
        self._step: Step | None = None
        self._identity = Identity()
        self._steps = 0
        self._ended = True

    def take(self, line: int, span: Span, value: Any) -> Iterator[Record]:
        kind = value.get("type") if isinstance(value, dict) else None
        if isinstance(value, dict) and isinstance(value.get("schema"), str) and kind in ("run", None):
            yield from self.close()
            yield from self._open(value, line)
            return
        if not self._runs:
            yield from self._open({}, line)
        if kind == "step":
            yield from self._flush()
            self._step = _step(value, span)
        elif kind == "raw" and self._step is not None:
            yield from self._raw(value, span, line)
        elif kind == "facts" and isinstance(value.get("values"), dict):
            yield from _later(value["values"])
        elif kind == "reference" and (reference := mapping(_value(value, "reference"))):
            yield Facts({"reference": reference})
        elif kind == "end":
            yield from self._flush()
            yield from self._end(value, line)
        else:
            yield from self._unknown(value, span)

    def close(self) -> Iterator[Record]:
        """The end of a run, or of the file."""
        yield from self._flush()
        if self._runs and not self._ended:
            yield self._source.problem("the run has no line `end`: it may be cut off")
        self._ended = True

    def _open(self, value: dict[str, Any], line: int) -> Iterator[Record]:
        schema = value.get("schema")
        facts = mapping(_value(value, "facts"))
        facts = {**facts, **{key: value[key] for key in value if key not in _RUN_KEYS and not is_trivial(value[key])}}
        header = Header(text_or_none(value.get("format")) or "canonical", item=self._runs, facts=facts)
        apply_facts(header, Facts({name: text for name in _TEXTS if (text := text_or_none(value.get(name)))}))
        yield header
        self._runs += 1
        self._identity, self._steps, self._ended = Identity(), 0, False
        if schema != SCHEMA:
            reason = (
                "there is no line that begins a run" if schema is None else f"schema {schema!r:.60} is not {SCHEMA!r}"
            )
            yield self._source.problem(reason, line)

    def _flush(self) -> Iterator[Record]:
        if self._step is not None:
            self._identity.step_id(self._step)
            self._steps += 1
            yield self._step
            self._step = None

    def _raw(self, value: dict[str, Any], span: Span, line: int) -> Iterator[Record]:
        assert self._step is not None
        records = []
        for record in sequence(value.get("records")):
            found = _record(record)
            if found is None:
                self._step.parts.append(raw_part("raw", record))
                yield self._source.problem("a raw record is neither text nor base64", line)
            else:
                records.append(found)
        self._step.raw = list(records) if isinstance(value.get("records"), list) else [*self._step.raw, span]

    def _end(self, value: dict[str, Any], line: int) -> Iterator[Record]:
        self._ended = True
        steps, content = value.get("steps"), value.get("content_id")
        if steps is not None and steps != self._steps:
            yield self._source.problem(f"the run has {self._steps} steps, its end says {steps!r:.20}", line)
        elif content is not None and content != self._identity.content_id():
            yield self._source.problem("the run's content is not what it was when it was written", line)

    def _unknown(self, value: Any, span: Span) -> Iterator[Record]:
        kind = text_or_none(mapping(value).get("type")) or "unknown"
        if self._step is None:
            self._step = Step("environment", "environment")
        self._step.parts.append(raw_part(kind, value))
        self._step.raw.append(span)
        yield from ()


def _later(values: dict[str, Any]) -> Iterator[Facts]:
    known = {name: text for name in _TEXTS if (text := text_or_none(values.get(name)))}
    facts = mapping(_value(values, "facts"))
    facts = {**facts, **{key: values[key] for key in values if key not in (*_TEXTS, "facts", "facts_json")}}
    yield Facts({**known, "facts": facts})


def _value(line: dict[str, Any], key: str) -> Any:
    """The value under a key, or the one whose JSON text stands under it with `_json` behind."""
    text = line.get(f"{key}_json")
    if key in line or not isinstance(text, str):
        return line.get(key)
    try:
        return loads(text)
    except BadJson:
        return text


def _record(record: Any) -> bytes | None:
    if isinstance(record, str):
        return record.encode("utf-8", "replace")
    try:
        return base64.b64decode(mapping(record).get("base64", 0), validate=True)
    except (binascii.Error, ValueError, TypeError):
        return None


def _step(value: dict[str, Any], span: Span) -> Step:
    role, depth = value.get("role"), count(value.get("depth"))
    step = Step(
        text_or_none(value.get("actor")) or "environment",
        role if role in ROLES else "environment",
        [_part(part) for part in sequence(value.get("parts"))],
        depth=min(depth or 0, _MAX_DEPTH),
        tokens_in=count(value.get("tokens_in")),
        tokens_out=count(value.get("tokens_out")),
        cost=amount(value.get("cost")),
        raw=[span],
    )
    for name in _STEP_TEXTS:
        text = value.get(name)
        if isinstance(text, str):
            setattr(step, name, text)
    step.parts += [raw_part(key, value[key]) for key in value if key not in _STEP_KEYS and not is_trivial(value[key])]
    return step


def _part(value: Any) -> Part:
    kind = mapping(value).get("kind")
    if kind not in PART_KINDS:
        return raw_part("part", value)
    name, call_id, text = value.get("name"), value.get("call_id"), value.get("text")
    part = Part(kind, text if isinstance(text, str) else "")
    part.name = name if isinstance(name, str) else None
    part.call_id = call_id if isinstance(call_id, str) else None
    if kind == "tool_call":
        part.arguments = _value(value, "arguments")
        if not isinstance(text, str):
            part.text = arguments_text(part.arguments)
    error = value.get("is_error")
    if isinstance(error, bool):
        part.is_error, part.error_inferred = error, value.get("error_inferred") is True
    return part
