"""One run of LangSmith (a span of a trace): what kind it is, and what it tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessions.jsontext import dump_bytes
from sessions.readers.langchain_messages import messages_in
from sessions.readers.leftovers import REFERENCE_KEYS, amount, count, mapping, sequence, text_or_none
from sessions.readers.responses_items import is_item, said_of_item
from sessions.readers.shared import call_part, parse_arguments, result_part, string
from sessions.readers.span_tree import Kind, Node, outer
from sessions.readers.spans import Content
from sessions.readers.told import Said
from sessions.run import Part

_KINDS: dict[str, Kind] = {"llm": "model", "tool": "tool", "retriever": "tool"}
#: Fields that tell how the run was judged.
_JUDGING = frozenset(("feedback_stats", "feedback", "reference_outputs", "reference_example", *REFERENCE_KEYS))
#: How LangGraph calls a graph without a name: an agent of its own, when it runs inside another.
GRAPH = "LangGraph"
_NEAR = 5
_STAMP = 20


def run_id(row: dict[str, Any]) -> str | None:
    return text_or_none(row.get("id")) or (_way(row)[-1][1] if _way(row) else None)


def trace_id(row: dict[str, Any]) -> str:
    """The trace a run belongs to: stated, else the first run of its way, else the run itself."""
    way = _way(row)
    return text_or_none(row.get("trace_id")) or (way[0][1] if way else None) or run_id(row) or ""


def parent_id(row: dict[str, Any]) -> str | None:
    stated = text_or_none(row.get("parent_run_id"))
    if stated is None and (parents := sequence(row.get("parent_run_ids"))):
        stated = text_or_none(parents[-1])
    way = _way(row)
    return stated or (way[-2][1] if len(way) > 1 else None)


def _way(row: dict[str, Any]) -> list[tuple[str, str]]:
    """The runs from the root to this one as (time, id), out of `dotted_order`: `20261122T164947457000Z<id>.…`"""
    order = row.get("dotted_order")
    if not isinstance(order, str):
        return []
    stamp = order.find("Z") + 1
    return [(piece[:stamp], piece[stamp:]) for piece in order.split(".")] if 0 < stamp <= _STAMP + 4 else []


def started_at(row: dict[str, Any]) -> str | None:
    """When a run began. A time without a zone is UTC if the run's `dotted_order`, which has one, says the same."""
    at = text_or_none(row.get("start_time"))
    way = _way(row)
    if at is None or at.endswith("Z") or "+" in at[10:] or not way:
        return at
    digits = "".join(filter(str.isdecimal, at))
    same = len(digits) >= 14 and "".join(filter(str.isdecimal, way[-1][0])).startswith(digits[:14])
    return f"{at}Z" if same else at


def node_of(row: dict[str, Any], number: int) -> Node:
    """What is kept in memory. number: of the row in the file, which names one without an id."""
    metadata = mapping(mapping(row.get("extra")).get("metadata"))
    kind = _KINDS.get(string(row.get("run_type")), "other")
    name = string(row.get("name"))
    if kind == "other" and name == GRAPH:
        kind = "agent"
    agent = text_or_none(metadata.get("lc_agent_name") or metadata.get("langgraph_node"))
    return Node(
        run_id(row) or f"#{number}",
        parent_id(row),
        kind,
        started_at(row),
        name if kind != "agent" else agent or name,
        agent if kind == "model" else None,
        _call_id(row) if kind == "tool" else None,
        failed=bool(row.get("error")),
        has_text=bool(row.get("inputs") or row.get("outputs")),
    )


def merge_nodes(before: Node, now: Node, row: dict[str, Any]) -> None:
    """A run that is told twice, when it began and when it ended: the second one may leave out what the first said."""
    if "run_type" not in row:
        now.kind, now.agent = before.kind, before.agent
    now.parent, now.start = now.parent or before.parent, now.start or before.start
    now.name, now.call_id = now.name or before.name, now.call_id or before.call_id
    now.failed, now.has_text = now.failed or before.failed, now.has_text or before.has_text
    now.places = before.places + now.places


def merged(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows of one run as one: what a later one says, it says."""
    row: dict[str, Any] = {}
    for newer in rows:
        row |= {key: value for key, value in newer.items() if value not in (None, {}, [], "")}
    return row


def _call_id(row: dict[str, Any]) -> str | None:
    stated = text_or_none(mapping(row.get("extra")).get("tool_call_id"))
    if stated is not None:
        return stated
    said = messages_in(mapping(row.get("outputs")).get("output"))
    return said[0].parts[0].call_id if said and said[0].parts else None


def content_of(row: dict[str, Any], node: Node, raw: list[bytes], load: Callable[[Node], dict[str, Any]]) -> Content:
    """What a run tells. load: gives the row of another run, for inputs that this one has only as a text."""
    content = Content(raw, started_at(row), error=text_or_none(row.get("error")))
    if node.kind == "tool":
        inputs = row.get("inputs")
        if isinstance(inputs, dict) and inputs.keys() == {"input"}:
            inputs = parse_arguments(inputs["input"])
        content.call = call_part(node.name, inputs, node.call_id)
        content.result = _result(row, node, content.error)
    elif node.kind == "model":
        content.inputs = _inputs(row, node, load)
        content.outputs = _outputs(row.get("outputs"))
        _usage(content, row)
    return content


# -- models ---------------------------------------------------------------------------------------------------------


def _inputs(row: dict[str, Any], node: Node, load: Callable[[Node], dict[str, Any]]) -> list[Said]:
    inputs = mapping(row.get("inputs"))
    found = messages_in(inputs) or _items(inputs.get("input"), "user")
    if found:
        instructions = text_or_none(inputs.get("instructions"))
        return ([_text("system", instructions)] if instructions else []) + found
    prompts = sequence(inputs.get("prompts"))
    if prompts:
        prompt = string(prompts[0])
        for count_, around in enumerate(outer(node)):
            if count_ == _NEAR:
                break
            if near := messages_in(load(around).get("inputs")):
                return _with_system(prompt, near)
        return [_text("user", prompt)]
    values = list(inputs.values())
    return [_text("user", string(values[0] if len(values) == 1 else inputs))] if values else []


def _with_system(prompt: str, messages: list[Said]) -> list[Said]:
    """The messages of the state around a model, and the system prompt that only its prompt as a text has."""
    beginning = "System: "
    if not prompt.startswith(beginning) or any(message.role == "system" for message in messages):
        return messages
    first = next((part.text for message in messages[:1] for part in message.parts if part.kind == "text"), "")
    end = prompt.find(f"\nHuman: {first[:200]}")
    return [_text("system", prompt[len(beginning) : end]), *messages] if end > 0 else messages


def _outputs(outputs: Any) -> list[Said]:
    fields = mapping(outputs)
    candidates = sequence(fields.get("generations"))
    if candidates and isinstance(candidates[0], list):
        candidates = candidates[0]
    if not candidates:
        candidates = [mapping(choice).get("message", choice) for choice in sequence(fields.get("choices"))]
    found = []
    for number, candidate in enumerate(candidates):
        said = messages_in(candidate) or [_text("assistant", string(mapping(candidate).get("text", candidate)))]
        for message in said:
            message.choice = number
        found += said
    found = found or messages_in(outputs) or _items(fields.get("output"), "assistant")
    return found or ([_text("assistant", string(fields.get("output", outputs)))] if outputs else [])


def _items(value: Any, role: str) -> list[Said]:
    """Items of OpenAI's Responses interface, or a text."""
    if isinstance(value, str) and value:
        return [_text(role, value)]
    items = sequence(value)
    return [said_of_item(item) for item in items] if items and all(map(is_item, items)) else []


def _text(role: str, text: str) -> Said:
    return Said(role, [Part("text", text)] if text else [], source=text)


def _usage(content: Content, row: dict[str, Any]) -> None:
    """Tokens and cost of one call of a model, from the first place that has them."""
    outputs = mapping(row.get("outputs"))
    generation = _first(_first(outputs.get("generations")))
    message = mapping(mapping(generation).get("message"))
    message = mapping(message.get("kwargs")) or message
    metadata = mapping(mapping(row.get("extra")).get("metadata"))
    for usage in (
        mapping(message.get("usage_metadata")),
        mapping(outputs.get("usage_metadata")),
        mapping(mapping(outputs.get("llm_output")).get("token_usage")),
        mapping(outputs.get("usage")),
        mapping(metadata.get("usage_metadata")),
        row,
    ):
        content.tokens_in = count(usage.get("input_tokens", usage.get("prompt_tokens")))
        content.tokens_out = count(usage.get("output_tokens", usage.get("completion_tokens")))
        if content.tokens_in is not None or content.tokens_out is not None:
            break
    content.cost = amount(_number(row.get("total_cost")))
    asked = mapping(mapping(row.get("extra")).get("invocation_params"))
    content.model = text_or_none(
        asked.get("model")
        or asked.get("model_name")
        or metadata.get("ls_model_name")
        or mapping(row.get("inputs")).get("model")
    )


def _number(value: Any) -> Any:
    """Costs are decimals, which JSON may have as texts."""
    try:
        return float(value) if isinstance(value, str) and len(value) < 40 else value
    except ValueError:
        return None


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


# -- tools ------------------------------------------------------------------------------------------------------------


def _result(row: dict[str, Any], node: Node, error: str | None) -> Part | None:
    """A tool's result. A run with `error` failed; one with outputs and without it went well as far as it states."""
    outputs = row.get("outputs")
    if not outputs:
        return result_part(error, name=node.name, call_id=node.call_id, is_error=True) if error else None
    fields = mapping(outputs)
    output = fields.get("output", outputs)
    said = messages_in(output)
    if said and said[0].parts and said[0].parts[0].kind == "tool_result":
        part = said[0].parts[0]
        if error:
            part.is_error, part.error_inferred = True, False
        return part
    documents = [mapping(document) for document in sequence(fields.get("documents"))]
    if documents:
        texts = [
            string(document.get("page_content", mapping(document.get("kwargs")).get("page_content")))
            for document in documents
        ]
        output = "\n\n".join(texts)
    return result_part(string(output), name=node.name, call_id=node.call_id, is_error=True if error else None)


# -- what is known of the answer --------------------------------------------------------------------------------------


def judged(row: dict[str, Any]) -> dict[str, Any]:
    """What a run's row says of how it was judged."""
    return {key: row[key] for key in row if key in _JUDGING and row[key] not in (None, {}, [], "")}


def without_judgement(row: dict[str, Any], data: bytes) -> bytes:
    """A row without what `judged` takes. data: the row as JSON."""
    if _JUDGING.isdisjoint(row):
        return data
    return dump_bytes({key: value for key, value in row.items() if key not in _JUDGING})
