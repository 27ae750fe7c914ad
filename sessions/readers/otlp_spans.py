"""One OpenTelemetry span: what kind it is, and what it tells. Conventions differ by library; see `otlp_messages`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sessions.jsontext import dump_bytes
from sessions.readers.langchain_messages import messages_in
from sessions.readers.leftovers import REFERENCE_KEYS, amount, count, mapping, sequence, text_or_none
from sessions.readers.otlp_attributes import (
    attributes_of,
    first,
    hex_id,
    iso,
    json_or,
    nanoseconds,
    numbered,
    pairs_of,
    plain,
)
from sessions.readers.otlp_messages import (
    INPUTS,
    KNOWN_EVENTS,
    MESSAGE_KEYS,
    OUTPUTS,
    Event,
    Memo,
    inputs_of,
    outputs_of,
)
from sessions.readers.shared import call_part, raw_part, result_part, string
from sessions.readers.span_tree import Kind, Node
from sessions.readers.spans import Content
from sessions.run import Part

_MODEL_OPERATIONS = frozenset(("chat", "text_completion", "generate_content", "completion", "message_creation"))
_TOOL_OPERATIONS = frozenset(("execute_tool", "retrieval"))
_OPENINFERENCE: Mapping[str, Kind] = {"LLM": "model", "TOOL": "tool", "RETRIEVER": "tool", "AGENT": "agent"}
_TOOL_NAMES = ("gen_ai.tool.name", "tool.name", "ai.toolCall.name", "tool_call.function.name", "gen_ai.data_source.id")
_TOOL_IDS = ("gen_ai.tool.call.id", "ai.toolCall.id", "tool_call.id", "tool.id")
_TOOL_ARGUMENTS = (
    *("gen_ai.tool.call.arguments", "tool_arguments", "ai.toolCall.args", "tool_call.function.arguments"),
    *("gen_ai.retrieval.query.text", "tool.parameters", *INPUTS),
)
_TOOL_RESULTS = ("gen_ai.tool.call.result", "tool_response", "ai.toolCall.result", *OUTPUTS)
_TOKENS_IN = (
    *("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "ai.usage.inputTokens"),
    *("ai.usage.promptTokens", "llm.usage.prompt_tokens"),
)
_TOKENS_OUT = (
    *("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
    *("ai.usage.outputTokens", "ai.usage.completionTokens", "llm.usage.completion_tokens"),
)
_COSTS = ("gen_ai.usage.cost", "operation.cost", "llm.cost.total", "gen_ai.usage.total_cost")
_MODELS = (
    *("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "ai.response.model", "ai.model.id"),
    *("llm.request.model", "model_name"),
)
_ERROR_CODES = (2, "STATUS_CODE_ERROR", "ERROR", "Error", "StatusCode.ERROR")
_OK_CODES = (1, "STATUS_CODE_OK", "OK", "Ok", "StatusCode.OK")
#: Beginnings of attributes that tell how a run was judged, beside REFERENCE_KEYS.
_JUDGING = frozenset(("eval", "evaluation", "evaluations", "annotation", "annotations", "assertions"))
_EVALUATION = "gen_ai.evaluation."


@dataclass(slots=True)
class Span:
    """A span in one shape. record: as the file has it. ok: whether it says that it went well; None: it does not say."""

    record: dict[str, Any]
    trace: str
    id: str | None
    parent: str | None
    name: str
    start: Any
    attributes: dict[str, Any]
    events: list[Event] = field(default_factory=list)
    ok: bool | None = None
    message: str = ""


def span_of(record: dict[str, Any]) -> Span:
    """A span in OTLP's shape, or in that of SDKs and Phoenix (`context` with the ids, ISO times)."""
    context = mapping(record.get("context"))
    status = record.get("status", record.get("status_code"))
    code = status.get("code", status.get("status_code")) if isinstance(status, dict) else status
    ok = False if code in _ERROR_CODES else True if code in _OK_CODES else None
    start = first(record, "startTimeUnixNano", "start_time")
    message = mapping(status).get("message", mapping(status).get("description", record.get("status_message")))
    return Span(
        record,
        hex_id(record.get("traceId", context.get("trace_id", record.get("trace_id"))), 16) or "",
        hex_id(record.get("spanId", context.get("span_id", record.get("span_id"))), 8),
        hex_id(record.get("parentSpanId", record.get("parent_id", record.get("parent_span_id"))), 8),
        string(record.get("name")),
        nanoseconds(start) or text_or_none(start),
        attributes_of(record.get("attributes")),
        [_event(event) for event in sequence(record.get("events")) if isinstance(event, dict)],
        ok,
        string(message),
    )


def log_of(record: dict[str, Any]) -> tuple[str, str | None, Event]:
    """A log record as (trace, span, event): its body's fields and its attributes together."""
    values = attributes_of(record.get("attributes"))
    body = plain(record.get("body"))
    name = string(first(record, "eventName", "event_name") or first(values, "event.name") or "log")
    values = {**(body if isinstance(body, dict) else {"body": body}), **values}
    return hex_id(record.get("traceId"), 16) or "", hex_id(record.get("spanId"), 8), (name, values)


def _event(event: dict[str, Any]) -> Event:
    return string(event.get("name")), attributes_of(event.get("attributes"))


def node_of(span: Span, number: int) -> Node:
    """What is kept in memory. number: of the span in the file, which names one without an id."""
    attributes = span.attributes
    kind = kind_of(span)
    agent = text_or_none(first(attributes, "gen_ai.agent.name", "agent_name", "agent.name"))
    name = span.name
    if kind == "tool":
        name = text_or_none(first(attributes, *_TOOL_NAMES)) or _tool_name(span)
    elif kind == "agent":
        name = agent or text_or_none(attributes.get("traceloop.entity.name")) or name
    call_id = text_or_none(first(attributes, *_TOOL_IDS)) if kind == "tool" else None
    return Node(
        span.id or f"#{number}",
        span.parent,
        kind,
        span.start,
        name,
        agent if kind == "model" else None,
        call_id or (_answered(attributes) if kind == "tool" else None),
        failed=span.ok is False or "error.type" in attributes,
        has_text=any(key.startswith(MESSAGE_KEYS) for key in attributes)
        or any(name in KNOWN_EVENTS for name, _ in span.events),
    )


def _tool_name(span: Span) -> str:
    entity = text_or_none(span.attributes.get("traceloop.entity.name"))
    return entity or span.name.removeprefix("execute_tool ").removeprefix("running tool: ")


def _answered(attributes: Mapping[str, Any]) -> str | None:
    """The call that a tool's output names: LangChain's ToolMessage."""
    output = first(attributes, *OUTPUTS)
    if not isinstance(output, str) or "tool_call_id" not in output:
        return None
    said = messages_in(json_or(output))
    return said[0].parts[0].call_id if said and said[0].parts else None


def kind_of(span: Span) -> Kind:
    """What a span is, by the first convention that says."""
    attributes = span.attributes
    operation = string(attributes.get("gen_ai.operation.name"))
    vercel = string(attributes.get("ai.operationId") or attributes.get("operation.name")).split(" ")[0]
    described = string(attributes.get("openinference.span.kind")).upper()
    if described == "EVALUATOR" or span.name.startswith("evaluator: "):
        return "hidden"
    if described:
        return _OPENINFERENCE.get(described, "other")
    if vercel.startswith("ai."):
        return (
            "tool" if vercel == "ai.toolCall" else "model" if vercel.endswith((".doGenerate", ".doStream")) else "other"
        )
    if operation in _TOOL_OPERATIONS:
        return "tool"
    if operation in _MODEL_OPERATIONS:
        return "model"
    if operation:
        return "agent" if operation == "invoke_agent" else "other"
    if attributes.get("traceloop.span.kind") in ("tool", "agent"):
        return "tool" if attributes["traceloop.span.kind"] == "tool" else "agent"
    if "gen_ai.tool.name" in attributes or "gen_ai.tool.call.id" in attributes:
        return "tool"
    if attributes.get("llm.request.type") in ("chat", "completion") or "gen_ai.request.model" in attributes:
        return "model"
    return "agent" if "agent_name" in attributes and span.name == "agent run" else "other"


def content_of(span: Span, node: Node, raw: list[bytes], memo: Memo) -> Content:
    """What a span tells. raw: its records without what belongs to `judged`. memo: the messages read so far."""
    attributes = span.attributes
    content = Content(raw, iso(span.start))
    content.extra = [raw_part(name or "event", dict(values)) for name, values in span.events if _is_unknown(name)]
    if node.failed:
        content.error = _error(span)
    if node.kind == "tool":
        content.call = call_part(node.name, first(attributes, *_TOOL_ARGUMENTS), node.call_id)
        content.result = _result(span, node, content.error)
    elif node.kind == "model":
        content.model = text_or_none(first(attributes, *_MODELS))
        content.tokens_in = count(first(attributes, *_TOKENS_IN))
        content.tokens_out = count(first(attributes, *_TOKENS_OUT))
        content.cost = amount(first(attributes, *_COSTS))
        content.inputs = inputs_of(attributes, span.events, memo)
        content.outputs = outputs_of(attributes, span.events)
    return content


def _is_unknown(name: str) -> bool:
    return name not in KNOWN_EVENTS and name != "exception" and not name.startswith(_EVALUATION)


def _error(span: Span) -> str:
    """Why a span failed: the exception's type and message with its stack, else the status, else the type alone."""
    for name, values in span.events:
        if name == "exception":
            kind, message = string(values.get("exception.type")), string(values.get("exception.message"))
            stack = string(values.get("exception.stacktrace"))
            return (
                "\n\n".join(filter(None, (": ".join(filter(None, (kind, message))), stack))) or span.message or "error"
            )
    return span.message or string(span.attributes.get("error.type")) or "error"


def _result(span: Span, node: Node, error: str | None) -> Part | None:
    """A tool's result. The span's status states whether it is an error; where it is unset, the text is looked at."""
    value = first(span.attributes, *_TOOL_RESULTS)
    stated = False if span.ok else None
    if node.failed:
        stated = True
    documents = numbered(span.attributes, "retrieval.documents")
    if value is None and documents:
        texts = [mapping(mapping(item).get("document", item)) for item in documents]
        value = "\n\n".join(string(item.get("document.content", item.get("content"))) for item in texts)
    if value is None:
        return result_part(error, name=node.name, call_id=node.call_id, is_error=True) if error else None
    said = messages_in(json_or(value)) if isinstance(value, str) else []
    if said and said[0].parts and said[0].parts[0].kind == "tool_result":
        part = said[0].parts[0]
        if node.failed:
            part.is_error, part.error_inferred = True, False
        return part
    return result_part(string(value), name=node.name, call_id=node.call_id, is_error=stated)


# -- what is known of the answer --------------------------------------------------------------------------------------


@lru_cache(4096)
def _is_judging(key: str) -> bool:
    beginning = key.partition(".")[0].lower()
    return beginning in REFERENCE_KEYS or beginning in _JUDGING or key.startswith(_EVALUATION)


def judged(span: Span) -> dict[str, Any]:
    """What a span says of how the run was judged: expected outputs, scores, evaluations. {} for most."""
    found: dict[str, Any] = {key: value for key, value in span.attributes.items() if _is_judging(key)}
    evaluations = [dict(values) for name, values in span.events if name.startswith(_EVALUATION)]
    if kind_of(span) == "hidden":
        evaluations.append({"evaluator": span.name, **span.attributes})
    if evaluations:
        found["evaluations"] = evaluations
    return found


def without_judgement(record: dict[str, Any], data: bytes) -> bytes:
    """A span's record without what `judged` takes: what a blind reviewer may see. data: the record as JSON."""
    attributes, events = record.get("attributes"), record.get("events")
    keys = attributes if isinstance(attributes, dict) else [key for key, _ in pairs_of(sequence(attributes))]
    if _EVALUATION.encode() not in data and not any(map(_is_judging, keys)):
        return data
    kept = dict(record)
    if isinstance(attributes, list):
        kept["attributes"] = [
            item for item in attributes if not (isinstance(item, dict) and _is_judging(string(item.get("key"))))
        ]
    elif isinstance(attributes, dict):
        kept["attributes"] = {key: value for key, value in attributes.items() if not _is_judging(key)}
    if isinstance(events, list):
        kept["events"] = [event for event in events if not string(mapping(event).get("name")).startswith(_EVALUATION)]
    return dump_bytes(kept)
