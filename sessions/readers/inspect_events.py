"""The events of one sample of Inspect as the spans of a trace, and its messages as `Said`.

Events are taken as plain values, as the log's JSON has them. Spans of scorers and all in them are no part of the run.
Changes of state and store are left out: they repeat the messages, and hold what the grader knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sessions.jsontext import dump_bytes
from sessions.readers.langchain_messages import chat_said
from sessions.readers.leftovers import amount, count, is_trivial, iso_time, mapping, sequence, text_or_none
from sessions.readers.shared import call_part, content_text, raw_part, result_part, string
from sessions.readers.span_tree import Kind, Node
from sessions.readers.spans import Content
from sessions.readers.told import Said
from sessions.run import Part

#: Fields of a model's event that are told otherwise, or are the provider's own form of the same.
NOT_KEPT = frozenset(("input", "input_refs", "tools", "call", "call_refs"))
_LEFT_OUT = frozenset(("state", "store", "sample_init", "span_end", "score", "score_edit", "review"))
_PLUMBING = frozenset(("sandbox", "logger", "subtask", "branch", "checkpoint", "anchor"))
_NOTES = frozenset(("approval", "interrupt", "sample_limit", "input", "compaction", "info"))
_AGENT, _SCORERS, _TOOL = "agent", ("scorers", "scorer"), "tool"


class Reading:
    """Turns messages into `Said`, each object once: every request holds those before it again."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Said]] = {}

    def said(self, message: Any) -> Said:
        """message: a plain value, or one of Inspect's own objects."""
        known = self._known.get(id(message))
        if known is None:
            known = self._known[id(message)] = message, said_of(plain(message))
        return known[1]


def plain(value: Any) -> dict[str, Any]:
    """One of Inspect's objects as a plain value without empty fields."""
    if isinstance(value, dict) or not hasattr(value, "model_dump"):
        return mapping(value)
    dumped: dict[str, Any] = value.model_dump(mode="json", exclude_none=True)
    return dumped


def said_of(message: dict[str, Any]) -> Said:
    """One of Inspect's chat messages. A tool's error is stated; without one, its result is none."""
    error = mapping(message.get("error"))
    if message.get("role") == "tool":
        part = result_part(
            content_text(message.get("content")) or string(error.get("message")),
            name=text_or_none(message.get("function")),
            call_id=text_or_none(message.get("tool_call_id")),
            is_error=bool(error),
        )
        return Said("tool", [part], source=message)
    calls = [mapping(call) for call in sequence(message.get("tool_calls"))]
    chat = {"role": message.get("role"), "content": _content(message.get("content"))}
    said = chat_said({key: value for key, value in chat.items() if value is not None}, message)
    said.parts += [_call(call) for call in calls]
    return said


def _content(content: Any) -> Any:
    """Blocks as `chat_messages` knows them: reasoning that is closed is shown by its summary or a placeholder."""
    if not isinstance(content, list):
        return content
    blocks: list[Any] = []
    for block in content:
        if isinstance(block, dict) and block.get("type") == "reasoning":
            closed = string(block.get("summary")) or "[encrypted reasoning]"
            blocks.append({"type": "reasoning", "text": closed if block.get("redacted") else block.get("reasoning")})
        elif isinstance(block, dict) and block.get("type") == "tool_use":
            blocks.append({**block, "input": block.get("arguments")})
            result = block.get("error") or block.get("result")
            if result:
                answer = {"type": "tool_result", "tool_use_id": block.get("id"), "content": result}
                blocks.append(answer | ({"is_error": True} if block.get("error") else {}))
        else:
            blocks.append(block)
    return blocks


def _call(call: dict[str, Any]) -> Part:
    part = call_part(string(call.get("function")), call.get("arguments"), text_or_none(call.get("id")))
    if call.get("parse_error") and not part.arguments:
        part.text = part.text or string(call["parse_error"])
    return part


@dataclass(slots=True)
class Sample:
    """A sample's events. objects: by the number of the event, those whose input is held as objects."""

    nodes: list[Node] = field(default_factory=list)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    inputs: dict[str, Iterable[Any]] = field(default_factory=dict)


def sample_of(events: Iterable[tuple[dict[str, Any], Iterable[Any]]]) -> Sample:
    """The nodes of a sample. events: each with the messages of its input (empty but for models' events)."""
    sample = Sample()
    open_tools: dict[tuple[str | None, str], list[Node]] = {}
    steps: list[str] = []
    for number, (event, messages) in enumerate(events):
        kind = string(event.get("event"))
        outer = text_or_none(event.get("span_id")) or (steps[-1] if steps else None)
        if kind == "step":  # older logs
            outer = _step(event, number, steps, sample)
            continue
        node = _node(kind, event, number, outer)
        if node is None:
            continue
        if kind == "span_begin" and event.get("type") == _TOOL:
            open_tools.setdefault((node.parent, node.name), []).append(node)
        elif node.kind == "tool" and (waiting := open_tools.get((outer, node.name))):
            waiting.pop(0).parent = node.id  # what happens in the tool is inside its call
        sample.nodes.append(node)
        sample.events[node.id] = event
        sample.inputs[node.id] = messages
    return sample


def _step(event: dict[str, Any], number: int, steps: list[str], sample: Sample) -> str | None:
    """Solvers and scorers of older logs, which are begun and ended rather than identified."""
    if event.get("action") == "end":
        if steps:
            steps.pop()
        return None
    name = f"step {number}"
    kind: Kind = "hidden" if event.get("type") in _SCORERS else "other"
    sample.nodes.append(Node(name, steps[-1] if steps else None, kind, text_or_none(event.get("timestamp"))))
    sample.events[name], sample.inputs[name] = event, ()
    steps.append(name)
    return name


def _node(kind: str, event: dict[str, Any], number: int, outer: str | None) -> Node | None:
    """A node for an event; None for what is left out."""
    at = text_or_none(event.get("timestamp"))
    name = text_or_none(event.get("uuid")) or f"#{number}"
    if kind in _LEFT_OUT:
        return None
    if kind == "span_begin":
        described = string(event.get("type"))
        is_hidden = described in _SCORERS
        made: Kind = "hidden" if is_hidden else "agent" if described == _AGENT else "other"
        parent = text_or_none(event.get("parent_id"))
        return Node(string(event.get("id")) or name, parent, made, at, string(event.get("name")))
    if kind == "model":
        return Node(
            name, outer, "model", at, string(event.get("model")), failed=bool(event.get("error")), has_text=True
        )
    if kind == "tool":
        call_id = text_or_none(event.get("id"))
        failed = not is_trivial(event.get("error")) or event.get("failed") is True
        return Node(name, outer, "tool", at, string(event.get("function")), call_id=call_id, failed=failed)
    return Node(name, outer, "note" if kind in _NOTES else "other", at, kind, failed=kind == "error")


def content_of(node: Node, event: dict[str, Any], messages: Iterable[Any], reading: Reading) -> Content:
    """What an event tells."""
    kept = {key: value for key, value in event.items() if key not in NOT_KEPT}
    content = Content([dump_bytes(kept)], iso_time(event.get("timestamp")))
    kind = string(event.get("event"))
    if node.kind == "model":
        _model(content, event, [reading.said(message) for message in messages])
    elif node.kind == "tool":
        content.call = call_part(node.name, event.get("arguments"), node.call_id)
        error = mapping(event.get("error"))
        text = content_text(event.get("result")) or string(error.get("message"))
        if "result" in event or error:
            content.result = result_part(text, name=node.name, call_id=node.call_id, is_error=node.failed)
    elif kind == "error":
        error = mapping(event.get("error"))
        content.error = (
            "\n\n".join(filter(None, (string(error.get("message")), string(error.get("traceback"))))) or "error"
        )
    elif node.kind == "note":
        content.note = _note(kind, event)
    elif kind not in _PLUMBING and kind not in ("span_begin", "step"):
        content.extra = [raw_part(kind or "event", kept)]
    return content


def _model(content: Content, event: dict[str, Any], inputs: list[Said]) -> None:
    output = mapping(event.get("output"))
    usage = mapping(output.get("usage"))
    content.inputs = inputs
    for number, choice in enumerate(sequence(output.get("choices"))):
        message = mapping(mapping(choice).get("message"))
        if message:
            said = said_of(message)
            said.choice = number
            content.outputs.append(said)
    content.model = text_or_none(output.get("model")) or text_or_none(event.get("model"))
    content.tokens_out = count(usage.get("output_tokens"))
    fresh, total = count(usage.get("input_tokens")), count(usage.get("total_tokens"))
    if fresh is not None:  # the total also counts what came from the cache
        content.tokens_in = max(fresh, (total or 0) - (content.tokens_out or 0))
    content.cost = amount(usage.get("total_cost"))
    error = event.get("error") or output.get("error")
    content.error = string(error) if error else None


def _note(kind: str, event: dict[str, Any]) -> str:
    """A line for what happened beside the conversation."""
    match kind:
        case "approval":
            call = mapping(event.get("call"))
            why = f": {string(event['explanation'])}" if event.get("explanation") else ""
            decided = f"{string(event.get('decision'))} by {string(event.get('approver'))}"
            return f"{string(call.get('function'))}: {decided}{why}"
        case "sample_limit":
            return f"limit reached: {string(event.get('message') or event.get('type'))}"
        case "input":
            return string(event.get("input"))
        case "info":
            return "\n".join(filter(None, (string(event.get("source")), string(event.get("data")))))
    told = {
        key: value for key, value in event.items() if key in ("type", "reason", "source", "message", "tokens_after")
    }
    return f"{kind}: {string(told)}" if told else kind
