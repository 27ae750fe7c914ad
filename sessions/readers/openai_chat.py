"""Chat messages as OpenAI's and Anthropic's interfaces take them, in the wrappings that people store them in.

Versions read: Chat Completions with tools and with the older functions, Anthropic Messages. No version is in the
files. Growth: JSONL with one message a line grows at its end; the other forms are written whole.

- a bare list of messages, or an object with `messages` (and perhaps `system`, `tools`, `model`): one run
- JSONL with such a list or object on each line: a run a line
- JSONL with one message on each line: one run
- `{"request": {"messages": ...}, "response": {"choices": ...}}`: the run up to that response

Roles that are no chat roles name agents, so the lists of multi-agent systems (Magentic-One) are read too. A file's
JSON that stands on one line is JSONL with one line. Of several choices, the first is the run's line and the others
are branches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from sessions.jsontext import BadJson, dump_bytes, loads
from sessions.readers.base import Head, Source
from sessions.readers.chat_messages import Assembler, message_step
from sessions.readers.chat_roles import actor_and_role
from sessions.readers.leftovers import facts_and_reference, iso_time, mapping, sequence, text_or_none, time_of
from sessions.readers.salvage import open_document
from sessions.readers.shared import content_text, title_of
from sessions.run import Facts, Header, Problem, Raw, Record, Step

_LOOK_AHEAD = 50
CHAT_ROLES = frozenset(("system", "developer", "user", "assistant", "tool", "function", "human"))
_ID_KEYS = ("id", "run_id", "trajectory_id", "instance_id", "session_id", "conversation_id", "custom_id", "task_id")
_RUN_KEYS = frozenset(("messages", "system", "model", "request", "response", *_ID_KEYS[:1]))
#: How messages of Magentic-One are told: `Orchestrator (thought)`, `Orchestrator (-> WebSurfer)`.
_MAGENTIC = re.compile(r"Orchestrator \((?:thought|-> [^()]+)\)")
_CHOICE_KEYS = ("message", "index")
#: Marks of other formats whose records also hold messages with roles.
_FOREIGN = ("trajectory_format", "schema_version", "traj", "trajectory", "history", "mistake_agent", "steps", "samples")


class OpenAIChatReader:
    name = "openai-chat"
    title = "Chat messages (OpenAI, Anthropic)"
    versions = "Chat Completions, Anthropic Messages"
    gaps = "Of several choices, the first is the run's line and the others are abandoned branches."

    def sniff(self, head: Head) -> float:
        if head.lines:
            return _sniff_values(head.lines)
        return _sniff_outline(head.outline) or _sniff_values(_lines_after_damage(head))

    def read(self, source: Source) -> Iterator[Record]:
        yield from _read_lines(source) if _is_jsonl(source) else _read_document(source)


def _sniff_values(values: list[Any]) -> float:
    """JSONL, or a document on one line. All records must fit: Responses items begin with a message too."""
    if len(values) == 1 and isinstance(values[0], list):
        values = values[0][:20]
    sure = [_sniff_value(value) for value in values]
    return min(sure) if sure else 0.0


def _lines_after_damage(head: Head) -> list[Any]:
    """The first records of JSONL whose first line is damaged."""
    values = []
    for row in head.data.split(b"\n", 6)[1:6]:
        if row.startswith((b"{", b"[")) and len(row) < head.size:
            try:
                values.append(loads(row))
            except BadJson:
                continue
    return [value for value in values if value]


def _sniff_value(value: Any, depth: int = 0) -> float:
    if isinstance(value, list):
        return min((_sniff_value(item, depth + 1) for item in value[:20]), default=0.0) if depth < 2 else 0.0
    if not isinstance(value, dict) or any(key in value for key in _FOREIGN):
        return 0.0
    if "role" in value:
        return _sniff_role(value["role"]) if _is_message(value) else 0.0
    messages = mapping(value.get("request") or value).get("messages")
    return _sniff_value(messages, depth + 1) if isinstance(messages, list) else 0.0


def _is_message(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("role"), str)
        and ("content" in value or "tool_calls" in value or "function_call" in value)
        and "uuid" not in value
    )


def _sniff_role(role: Any) -> float:
    return (0.6 if role in CHAT_ROLES else 0.4) if isinstance(role, str) else 0.0


def _sniff_outline(outline: dict[str, Any]) -> float:
    if any(key in outline for key in _FOREIGN):
        return 0.0
    for prefix in ("item", "messages.item", "request.messages.item", "item.messages.item"):
        if f"{prefix}.role" in outline and (f"{prefix}.content" in outline or f"{prefix}.tool_calls" in outline):
            return 0.0 if f"{prefix}.history" in outline else _sniff_role(outline[f"{prefix}.role"])
    return 0.0


def _is_jsonl(source: Source) -> bool:
    """Whether a line by itself is a record. The first may be damaged, so the first three are looked at."""
    for line in source.first_lines(3):
        if line.lstrip()[:1] in (b"{", b"["):
            try:
                if loads(line):
                    return True
            except BadJson:
                continue
    return False


def _read_document(source: Source) -> Iterator[Record]:
    document = open_document(source, "messages")
    runs = _Runs()
    ahead = list(islice(document.items, _LOOK_AHEAD))
    if document.is_list and _holds_runs(ahead):
        for item in chain(ahead, document.items):
            yield from runs.whole(item)
    elif document.found:
        yield from runs.run(document.root, ahead, document.items)
    elif document.root:
        yield from runs.whole(document.root)
    if document.problem:
        yield source.problem(document.problem)


def _holds_runs(items: list[Any]) -> bool:
    """Whether a list is one of runs rather than of messages."""
    return any(isinstance(item, list) or (isinstance(item, dict) and _messages_of(item) is not None) for item in items)


def _read_lines(source: Source) -> Iterator[Record]:
    runs = _Runs()
    for record in source.json_lines():
        if isinstance(record, Problem):
            yield record
            continue
        _, place, value = record
        if isinstance(value, list) or (isinstance(value, dict) and _messages_of(value) is not None):
            yield from runs.close()
            yield from runs.whole(value)
        else:
            yield from runs.message(value, place)
    yield from runs.close()


def _messages_of(value: dict[str, Any]) -> list[Any] | None:
    """The messages of a record that is a run; None if it is none."""
    if isinstance(value.get("role"), str):
        return None
    for holder in (value, value.get("request"), value.get("body")):
        if isinstance(holder, dict) and isinstance(holder.get("messages"), list):
            return sequence(holder["messages"])
    return [] if "response" in value and "request" in value else None


class _Runs:
    """The runs of one file, numbered as they come. One may be open: that of the messages that stand on lines."""

    def __init__(self) -> None:
        self._number = 0
        self._open: Assembler | None = None
        self._titled = False

    def message(self, value: Any, place: Raw) -> Sequence[Record]:
        """A record on a line of its own, belonging to the run that is open."""
        if self._open is not None and self._titled:
            return self._open.feed(value, place)
        records: list[Record] = []
        if self._open is None:
            self._open, self._titled = Assembler(), False
            records.append(Header("openai-chat", item=self._next(), started_at=time_of(mapping(value))))
        if _is_user(value):
            self._titled, task = True, content_text(value.get("content"))
            records.append(Facts({"task": task, "title": title_of(task)}))
        return [*records, *self._open.feed(value, place)]

    def close(self) -> Iterator[Record]:
        """The last step of the run that is open."""
        if self._open is not None:
            yield from self._open.flush()
            self._open = None

    def whole(self, value: Any) -> Iterator[Record]:
        """A record that is a run: a list of messages, or an object that holds one."""
        if isinstance(value, list):
            yield from self.run({}, value, ())
            return
        messages = _messages_of(value) if isinstance(value, dict) else None
        if messages is None:
            yield from self.run({}, [value], ())
        else:
            yield from self.run(value, messages, ())

    def run(self, root: dict[str, Any], messages: list[Any], more: Iterable[Any]) -> Iterator[Record]:
        """A run's header and steps. root: what holds the messages; more: those after the first ones."""
        request = mapping(root.get("request") or root.get("body"))
        yield _header(root, request, messages, self._next())
        assembler = Assembler()
        for system in (root.get("system"), request.get("system")):
            if system:
                record = {"role": "system", "content": system}
                yield from assembler.feed(record, dump_bytes({"system": system}))
        for message in chain(messages, more):
            yield from assembler.feed(message, dump_bytes(message))
        if isinstance(root.get("response"), dict):
            yield from _response(root["response"], assembler)
        yield from assembler.flush()

    def _next(self) -> int:
        self._number += 1
        return self._number - 1


def _header(root: dict[str, Any], request: dict[str, Any], messages: list[Any], number: int) -> Header:
    response = mapping(root.get("response"))
    task = next((content_text(item.get("content")) for item in messages[:_LOOK_AHEAD] if _is_user(item)), None)
    facts, reference = facts_and_reference(root, _RUN_KEYS)
    if request:
        facts["request"] = {key: value for key, value in request.items() if key not in ("messages", "system")}
    for key in ("messages", "response", "request"):
        if key in root and not isinstance(root[key], (list if key == "messages" else dict)):
            facts[key] = root[key]
    model = response.get("model") or request.get("model") or root.get("model")
    native_id = next((text_or_none(root.get(key)) for key in _ID_KEYS if text_or_none(root.get(key))), None)
    started = time_of(root) or next(filter(None, (time_of(mapping(item)) for item in messages[:_LOOK_AHEAD])), None)
    return Header(
        "openai-chat",
        title_of(task),
        task,
        system=_system(messages),
        model=text_or_none(model),
        native_id=native_id,
        started_at=started,
        item=number,
        reference=reference,
        facts=facts,
    )


def _system(messages: list[Any]) -> str | None:
    """The multi-agent system whose way of naming roles this is; None for plain chat."""
    roles = (mapping(item).get("role") for item in messages[:_LOOK_AHEAD])
    return "Magentic-One" if any(isinstance(role, str) and _MAGENTIC.fullmatch(role) for role in roles) else None


def _response(response: dict[str, Any], assembler: Assembler) -> Iterator[Step]:
    """The answer to the request: OpenAI's choices, or Anthropic's message as it is. `body`: a batch's wrapping."""
    response = mapping(response.get("body")) or response
    choices = response.get("choices")
    if not isinstance(choices, list):
        kept = {"role": "assistant", **response} if "content" in response else response
        yield from assembler.feed(kept, dump_bytes(response))
        return
    shared = {key: value for key, value in response.items() if key != "choices"}
    for number, choice in enumerate(choices):
        raw = dump_bytes({**shared, "choices": [choice]})
        message = mapping(choice).get("message")
        if not isinstance(message, dict):
            yield from assembler.feed(choice, raw)
        elif number:
            yield from assembler.flush()
            step = message_step(message, text_or_none(message.get("role")) or "assistant")
            step.branch = f"choice {number}"
            step.raw.append(raw)
            yield step
        else:
            # Anything else in the response (system_fingerprint, logprobs) stays in the step's source record.
            said: dict[str, Any] = {key: shared[key] for key in ("id", "model", "usage") if key in shared}
            said["created"] = iso_time(shared.get("created"))
            yield from assembler.feed({**said, "role": "assistant", **message}, raw)


def _is_user(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("role"), str) or not value.get("content"):
        return False
    return actor_and_role(value["role"])[1] == "user"
