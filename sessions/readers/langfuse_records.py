"""One record of a Langfuse export: its fields by either spelling, what it tells, and what of it judges the run."""

from __future__ import annotations

from typing import Any

from sessions.readers.langchain_messages import messages_in
from sessions.readers.leftovers import REFERENCE_KEYS, amount, count, is_trivial, iso_time, mapping, snake, text_or_none
from sessions.readers.otlp_attributes import json_or
from sessions.readers.shared import call_part, content_text, result_part, string
from sessions.readers.span_tree import Kind, Node
from sessions.readers.spans import Content
from sessions.readers.told import Said
from sessions.run import Part

KINDS: dict[str, Kind] = {
    "GENERATION": "model", "TOOL": "tool", "RETRIEVER": "tool", "EMBEDDING": "tool", "AGENT": "agent", "EVENT": "note",
    "EVALUATOR": "hidden",
}  # fmt: skip
#: Beginnings of names under which runs are judged, beside REFERENCE_KEYS.
_JUDGED = ("score", "expected", "correction", "comment", "evaluat", "annotation")


def get(record: dict[str, Any], key: str) -> Any:
    """A field by its name in camel case or in snake case."""
    if key in record:
        return record[key]
    return record.get(snake(key))


def has(record: dict[str, Any], key: str) -> bool:
    return key in record or snake(key) in record


def _is_judging(key: str) -> bool:
    small = key.lower()
    return small in REFERENCE_KEYS or small.startswith(_JUDGED)


def judged(record: dict[str, Any]) -> dict[str, Any]:
    """What of a trace or an observation tells how the run was judged, also in its metadata."""
    found = {key: value for key, value in record.items() if _is_judging(key) and not is_trivial(value)}
    metadata = mapping(json_or(record.get("metadata")))
    inside = {key: value for key, value in metadata.items() if _is_judging(key) and not is_trivial(value)}
    return found | ({"metadata": inside} if inside else {})


def without_judgement(record: dict[str, Any]) -> dict[str, Any]:
    """The record without what `judged` takes: what a blind reviewer may see; the record itself if there is nothing."""
    metadata = json_or(record.get("metadata"))
    inside = isinstance(metadata, dict) and any(map(_is_judging, metadata))
    if not inside and not any(map(_is_judging, record)):
        return record
    kept = {key: value for key, value in record.items() if not _is_judging(key)}
    if inside:
        kept["metadata"] = {key: value for key, value in metadata.items() if not _is_judging(key)}
    return kept


def start_of(record: dict[str, Any], key: str) -> Any:
    value = get(record, key)
    return value if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None


def node_of(record: dict[str, Any], number: int) -> Node:
    kind = KINDS.get(string(record.get("type")).upper(), "other")
    texts = any(not is_trivial(record.get(key)) for key in ("input", "output"))
    output = mapping(json_or(record.get("output")))
    call_id = text_or_none(output.get("tool_call_id")) if kind == "tool" else None
    return Node(
        text_or_none(record.get("id")) or f"#{number}",
        text_or_none(get(record, "parentObservationId")),
        kind,
        start_of(record, "startTime"),
        string(record.get("name")),
        call_id=call_id,
        failed=string(record.get("level")).upper() == "ERROR",
        has_text=texts,
    )


def content_of(record: dict[str, Any], node: Node, raw: list[bytes]) -> Content:
    content = Content(raw, iso_time(get(record, "startTime") or get(record, "timestamp")))
    given, answered = json_or(record.get("input")), json_or(record.get("output"))
    if node.failed:
        content.error = text_or_none(get(record, "statusMessage")) or "error"
    if node.kind == "tool":
        content.call = call_part(node.name, _arguments(given), node.call_id)
        if answered is not None or content.error:
            content.result = _result(answered, node, content.error)
    elif node.kind == "note":
        texts = [content_text(value) for value in (given, answered, get(record, "statusMessage")) if value is not None]
        content.note = "\n".join(filter(None, [node.name, *texts])) if any(texts) else None
    elif node.kind == "model":
        content.model = text_or_none(record.get("model")) or text_or_none(get(record, "providedModelName"))
        _count(content, record)
        content.inputs = _said(given, "user")
        content.outputs = _said(answered, "assistant")
    return content


def _arguments(value: Any) -> Any:
    """A tool's input: LangChain's call around it is taken off."""
    told = mapping(value)
    if isinstance(told.get("args"), dict) and told.get("type") == "tool_call":
        return told["args"]
    return {"input": value} if isinstance(value, list) else value


def _result(answered: Any, node: Node, error: str | None) -> Part:
    said = messages_in(answered) if isinstance(answered, (dict, list)) else []
    found = next((part for message in said for part in message.parts if part.kind == "tool_result"), None)
    text = found.text if found is not None else content_text(answered)
    if error and not text:
        text = error
    stated = True if error else found.is_error if found is not None and not found.error_inferred else None
    return result_part(text, name=node.name, call_id=node.call_id, is_error=stated)


def _said(value: Any, role: str) -> list[Said]:
    """A model's input or output: messages in some wrapping, else a text."""
    if value is None or value == "":
        return []
    found = messages_in(value)
    if found:
        return found
    if isinstance(value, dict) and isinstance(value.get("completion"), str):
        value = value["completion"]
    return [Said(role, [Part("text", content_text(value))], source=value)]


def _count(content: Content, record: dict[str, Any]) -> None:
    """Tokens and cost of a generation, by the newer fields or the older ones."""
    usage = mapping(json_or(get(record, "usageDetails")))
    cost = mapping(json_or(get(record, "costDetails")))
    older = mapping(json_or(record.get("usage")))
    ins = [number for key, value in usage.items() if "input" in key and (number := count(value)) is not None]
    outs = [number for key, value in usage.items() if "output" in key and (number := count(value)) is not None]
    content.tokens_in = sum(ins) if ins else count(older.get("input", get(older, "promptTokens")))
    content.tokens_out = sum(outs) if outs else count(older.get("output", get(older, "completionTokens")))
    if content.tokens_in is None:
        content.tokens_in = count(get(record, "promptTokens"))
        content.tokens_out = (
            content.tokens_out if content.tokens_out is not None else count(get(record, "completionTokens"))
        )
    found = (cost.get("total"), get(record, "totalCost"), get(record, "calculatedTotalCost"))
    content.cost = next((value for item in found if (value := amount(item)) is not None), None)
