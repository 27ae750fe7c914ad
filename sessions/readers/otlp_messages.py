"""What a model was asked and what it answered, as the conventions for OpenTelemetry spans spell it.

Conventions, in the order in which they are asked; the first that has inputs (outputs) gives them:
- GenAI semantic conventions: `gen_ai.input.messages`, `gen_ai.output.messages`, `gen_ai.system_instructions`, as JSON
  text or structured, on the span or in the event `gen_ai.client.inference.operation.details`
- their older events: `gen_ai.user.message`, `gen_ai.choice` and so on, as span events, log records, or pydantic-ai's
  attribute `events`; still older: `gen_ai.content.prompt`, `gen_ai.content.completion`
- OpenLLMetry: `gen_ai.prompt.N.*`, `gen_ai.completion.N.*`
- OpenInference: `llm.input_messages.N.message.*`, `llm.output_messages.N.message.*`
- Vercel's AI SDK: `ai.prompt.messages`, `ai.response.*`; Logfire: `request_data`, `response_data`
- whatever carries an input and an output as a whole: `input.value`, `traceloop.entity.input` and others
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any, TypeAlias

from sessions.jsontext import dump_bytes
from sessions.readers.langchain_messages import chat_said, messages_in
from sessions.readers.leftovers import count, mapping, sequence, text_or_none
from sessions.readers.otlp_attributes import first, json_or, numbered
from sessions.readers.shared import call_part, content_text, media_text, raw_part, result_part, string
from sessions.readers.told import Said
from sessions.run import Part

#: (name, attributes) of a span's event or of a log record that belongs to the span.
Event: TypeAlias = tuple[str, Mapping[str, Any]]
Attributes: TypeAlias = Mapping[str, Any]

#: Messages are remembered up to so many bytes.
_MEMO_BYTES = 16 * 1024 * 1024
DETAILS = "gen_ai.client.inference.operation.details"
_EVENT_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
#: Events that are read here; others are kept raw.
KNOWN_EVENTS = frozenset(
    (DETAILS, *_EVENT_ROLES, "gen_ai.choice", "gen_ai.content.prompt", "gen_ai.content.completion")
)
#: Attributes that carry an input or an output as a whole.
INPUTS = ("input.value", "traceloop.entity.input", "mlflow.spanInputs", "langfuse.observation.input", "lmnr.span.input")
OUTPUTS = (
    *("output.value", "traceloop.entity.output", "mlflow.spanOutputs", "langfuse.observation.output"),
    *("lmnr.span.output", "final_result"),
)
#: Attributes, or beginnings of numbered ones, that show that a span carries messages.
MESSAGE_KEYS = (
    *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.prompt", "gen_ai.completion", "llm.input_messages"),
    *("llm.output_messages", "ai.prompt", "ai.response", "request_data", "events", "pydantic_ai.all_messages"),
    *(*INPUTS, *OUTPUTS),
)


class Memo:
    """Messages that were read before: every request repeats those before it."""

    def __init__(self) -> None:
        self._known: dict[bytes, Said] = {}
        self._bytes = 0

    def said(self, message: dict[str, Any]) -> Said:
        """The message, read at most once as long as it is remembered."""
        data = dump_bytes(message)
        mark = blake2b(data, digest_size=16).digest()
        said = self._known.get(mark)
        if said is None:
            if self._bytes > _MEMO_BYTES:
                self._known, self._bytes = {}, 0
            said = self._known[mark] = parts_said(message)
            self._bytes += len(data)
        return said


def inputs_of(attributes: Attributes, events: list[Event], memo: Memo | None = None) -> list[Said]:
    """The messages that a model was given."""
    if memo is not None and "gen_ai.input.messages" in attributes:
        return _semantic_inputs(attributes, events, memo.said) or _first_of(attributes, events, _INPUTS)
    return _first_of(attributes, events, _INPUTS)


def outputs_of(attributes: Attributes, events: list[Event]) -> list[Said]:
    """The messages that a model answered."""
    return _first_of(attributes, events, _OUTPUTS)


_How: TypeAlias = Callable[[Attributes, list[Event]], list[Said]]


def _first_of(attributes: Attributes, events: list[Event], ways: Iterable[_How]) -> list[Said]:
    for way in ways:
        if found := way(attributes, events):
            return found
    return []


# -- GenAI semantic conventions -------------------------------------------------------------------------------------


def _semantic_inputs(
    attributes: Attributes, events: list[Event], read: Callable[[dict[str, Any]], Said] | None = None
) -> list[Said]:
    for source in (attributes, *(values for name, values in events if name == DETAILS)):
        messages = _messages(source.get("gen_ai.input.messages"), read)
        instructions = json_or(source.get("gen_ai.system_instructions"))
        if instructions:
            parts = instructions if isinstance(instructions, list) else [instructions]
            messages.insert(0, parts_said({"role": "system", "parts": parts}))
        if messages:
            return messages
    return []


def _semantic_outputs(attributes: Attributes, events: list[Event]) -> list[Said]:
    for source in (attributes, *(values for name, values in events if name == DETAILS)):
        messages = _messages(source.get("gen_ai.output.messages"))
        for number, message in enumerate(messages):
            message.choice = number  # by the conventions, each message is one candidate
        if messages:
            return messages
    return []


def _messages(value: Any, read: Callable[[dict[str, Any]], Said] | None = None) -> list[Said]:
    """Messages with `parts`, or chat messages, in a list or alone."""
    read = read or parts_said
    value = json_or(value)
    items = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
    return [read(item) if isinstance(item, dict) else _odd(item) for item in items]


def _odd(value: Any) -> Said:
    return Said("user", [raw_part("message", value)], source=value)


def parts_said(message: dict[str, Any]) -> Said:
    """A message of the conventions; one without `parts` is read as a chat message."""
    parts = message.get("parts")
    if not isinstance(parts, list):
        return chat_said(message)
    role = text_or_none(message.get("role")) or "user"
    return Said(role, [_part(part) for part in parts], text_or_none(message.get("name")), message)


def _part(part: Any) -> Part:
    if not isinstance(part, dict):
        return Part("text", string(part))
    kind = text_or_none(part.get("type")) or "part"
    match kind:
        case "text":
            return Part("text", string(part.get("content", part.get("text"))))
        case "reasoning" | "thinking":
            return Part("reasoning", string(part.get("content", part.get("text"))))
        case "tool_call":
            call_id = text_or_none(part.get("id"))
            return call_part(string(part.get("name")), part.get("arguments", part.get("args")), call_id)
        case "tool_call_response":
            text = content_text(part.get("response", part.get("result", part.get("content"))))
            return result_part(text, name=text_or_none(part.get("name")), call_id=text_or_none(part.get("id")))
        case "blob" | "file" | "uri" | "image-url" | "audio-url" | "video-url" | "document-url" | "binary":
            return Part("text", media_text(text_or_none(part.get("modality")) or kind, part))
    return raw_part(kind, part)


# -- events -----------------------------------------------------------------------------------------------------------


def _listed(attributes: Attributes) -> list[Event]:
    """Events in an attribute: pydantic-ai's first version."""
    items = json_or(attributes.get("events") or attributes.get("all_messages_events"))
    return [(string(item.get("event.name")), item) for item in sequence(items) if isinstance(item, dict)]


def _event_inputs(attributes: Attributes, events: list[Event]) -> list[Said]:
    found: list[Said] = []
    for name, values in events or _listed(attributes):
        if name in _EVENT_ROLES:
            found.append(_event_said(values, _EVENT_ROLES[name]))
        elif name == "gen_ai.content.prompt":
            found += _whole(values.get("gen_ai.prompt"), "user")
    return found


def _event_outputs(attributes: Attributes, events: list[Event]) -> list[Said]:
    found: list[Said] = []
    for name, values in events or _listed(attributes):
        if name == "gen_ai.choice":
            message = json_or(values.get("message"))
            if not isinstance(message, dict):  # some write only the content there
                message = values if message is None else {"content": message}
            said = _event_said(message, "assistant")
            said.choice, said.source = count(values.get("index")) or 0, dict(values)
            found.append(said)
        elif name == "gen_ai.content.completion":
            found += _whole(values.get("gen_ai.completion"), "assistant")
    return found


def _event_said(values: Mapping[str, Any], role: str) -> Said:
    content = json_or(values.get("gen_ai.event.content"))
    message = {**(content if isinstance(content, dict) else values)}
    message = {key: json_or(item) if key in ("content", "tool_calls") else item for key, item in message.items()}
    if isinstance(message.get("content"), dict):
        message["content"] = string(message["content"])
    if role == "tool" and "tool_call_id" not in message and "id" in message:
        message["tool_call_id"] = message["id"]
    kept = {key: item for key, item in message.items() if key in _MESSAGE_FIELDS}
    return chat_said({"role": role, **kept}, dict(values))


_MESSAGE_FIELDS = ("role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content", "reasoning", "refusal")


# -- numbered attributes ----------------------------------------------------------------------------------------------


def _openllmetry_inputs(attributes: Attributes, _: list[Event]) -> list[Said]:
    return [_numbered_said(item, "user") for item in numbered(attributes, "gen_ai.prompt")]


def _openllmetry_outputs(attributes: Attributes, _: list[Event]) -> list[Said]:
    found = [_numbered_said(item, "assistant") for item in numbered(attributes, "gen_ai.completion")]
    for number, said in enumerate(found):
        said.choice = number
    return found


def _numbered_said(item: Any, role: str) -> Said:
    if not isinstance(item, dict):
        return Said(role, [Part("text", string(item))], source=item)
    content = json_or(item.get("content"))
    blocks = isinstance(content, list) and all(isinstance(block, dict) and "type" in block for block in content)
    kept = {key: value for key, value in item.items() if key in _MESSAGE_FIELDS}
    return chat_said({"role": role, **kept, "content": content if blocks else item.get("content")}, item)


def _openinference_inputs(attributes: Attributes, _: list[Event]) -> list[Said]:
    return _openinference(attributes, "llm.input_messages", "user")


def _openinference_outputs(attributes: Attributes, _: list[Event]) -> list[Said]:
    return _openinference(attributes, "llm.output_messages", "assistant")


def _openinference(attributes: Attributes, prefix: str, role: str) -> list[Said]:
    found = []
    for item in numbered(attributes, prefix):
        message = mapping(item).get("message", item)
        found.append(_openinference_said(message, role) if isinstance(message, dict) else _odd(item))
    return found


def _openinference_said(message: dict[str, Any], role: str) -> Said:
    calls = [mapping(mapping(call).get("tool_call", call)) for call in sequence(message.get("tool_calls"))]
    chat = {"role": role, **{key: message[key] for key in _MESSAGE_FIELDS if key in message}, "tool_calls": calls}
    if message.get("function_call_name"):
        arguments = message.get("function_call_arguments_json")
        chat["function_call"] = {"name": message["function_call_name"], "arguments": arguments}
    if isinstance(message.get("contents"), list) and not message.get("content"):
        chat["content"] = [_block(block) for block in message["contents"]]
    return chat_said(chat, message)


def _block(block: Any) -> Any:
    """One entry of `contents`: text, reasoning, or an image."""
    inner = mapping(mapping(block).get("message_content", block))
    if inner.get("type") in ("reasoning", "thinking"):
        return {"type": "reasoning", "text": string(inner.get("text") or inner.get("reasoning"))}
    if isinstance(inner.get("text"), str):
        return {"type": "text", "text": inner["text"]}
    return {**inner, "type": string(inner.get("type")) or "block"} if inner else block


# -- other libraries --------------------------------------------------------------------------------------------------


def _vercel_inputs(attributes: Attributes, _: list[Event]) -> list[Said]:
    messages = json_or(attributes.get("ai.prompt.messages"))
    if messages is None:
        prompt = json_or(attributes.get("ai.prompt"))
        if not isinstance(prompt, dict):
            return [Said("user", [Part("text", prompt)], source=prompt)] if isinstance(prompt, str) else []
        system = [{"role": "system", "content": prompt["system"]}] if prompt.get("system") else []
        asked = [{"role": "user", "content": prompt["prompt"]}] if prompt.get("prompt") else []
        messages = [*system, *sequence(prompt.get("messages")), *asked]
    return [_vercel_said(item) if isinstance(item, dict) else _odd(item) for item in sequence(messages)]


def _vercel_outputs(attributes: Attributes, _: list[Event]) -> list[Said]:
    parts = []
    if reasoning := text_or_none(attributes.get("ai.response.reasoning")):
        parts.append(Part("reasoning", reasoning))
    if text := text_or_none(first(attributes, "ai.response.text", "ai.response.object")):
        parts.append(Part("text", text))
    parts += [_vercel_part(call) for call in sequence(json_or(attributes.get("ai.response.toolCalls")))]
    source = {key: value for key, value in attributes.items() if key.startswith("ai.response.")}
    return [Said("assistant", parts, source=source)] if parts else []


def _vercel_said(message: dict[str, Any]) -> Said:
    content = message.get("content")
    if not isinstance(content, list):
        return chat_said(message)
    return Said(string(message.get("role")) or "user", [_vercel_part(block) for block in content], source=message)


def _vercel_part(block: Any) -> Part:
    if not isinstance(block, dict):
        return Part("text", string(block))
    kind, call_id = block.get("type"), text_or_none(block.get("toolCallId"))
    if kind == "tool-result":
        output = block.get("output", block.get("result"))
        value = output.get("value", output) if isinstance(output, dict) else output
        error = block.get("isError")
        stated = (
            error if isinstance(error, bool) else True if str(mapping(output).get("type")).startswith("error") else None
        )
        return result_part(
            content_text(value), name=text_or_none(block.get("toolName")), call_id=call_id, is_error=stated
        )
    if "toolName" in block:
        return call_part(string(block["toolName"]), block.get("input", block.get("args")), call_id)
    if kind in ("text", "reasoning"):
        return Part("reasoning" if kind == "reasoning" else "text", string(block.get("text")))
    if kind in ("image", "file"):
        return Part("text", media_text(kind, block))
    return raw_part(string(kind) or "part", block)


def _logfire_inputs(attributes: Attributes, _: list[Event]) -> list[Said]:
    return messages_in(mapping(json_or(attributes.get("request_data"))).get("messages"))


def _logfire_outputs(attributes: Attributes, _: list[Event]) -> list[Said]:
    return messages_in(mapping(json_or(attributes.get("response_data"))).get("message"))


def _plain_inputs(attributes: Attributes, _: list[Event]) -> list[Said]:
    history = _messages(attributes.get("pydantic_ai.all_messages"))
    return history or _whole(first(attributes, *INPUTS, "gen_ai.prompt"), "user")


def _plain_outputs(attributes: Attributes, _: list[Event]) -> list[Said]:
    if attributes.get("pydantic_ai.all_messages"):
        return []  # the history has the answer too
    return _whole(first(attributes, *OUTPUTS, "gen_ai.completion"), "assistant")


def _whole(value: Any, role: str) -> list[Said]:
    """An input or output in one piece: messages in some wrapping, else a text."""
    if value is None:
        return []
    return messages_in(json_or(value)) or [Said(role, [Part("text", string(value))], source=value)]


_INPUTS = (
    _semantic_inputs,
    _event_inputs,
    _openllmetry_inputs,
    _openinference_inputs,
    _vercel_inputs,
    _logfire_inputs,
    _plain_inputs,
)
_OUTPUTS = (
    *(_semantic_outputs, _event_outputs, _openllmetry_outputs, _openinference_outputs, _vercel_outputs),
    *(_logfire_outputs, _plain_outputs),
)
