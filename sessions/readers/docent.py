"""Docent agent runs: JSONL, a JSON list or one object, each `{id, name, transcripts, transcript_groups, metadata}`.

Versions read: the models of the `docent` package, 0.1.88, and older ones (transcripts by name). Written once.

- Of several transcripts, each is a stage of the run, in the order given, and its agent has the transcript's name.
- Messages are like Inspect's: a tool's answer has the call's id, and an `error` states one. Reasoning may be told in
  its own blocks. There are no tokens; times only where a message's metadata has one.
- Scores, rewards and whatever else in the metadata (or beside it) tells how the run was judged go to
  `Header.reference`: scores by any name that begins so, labels, comments, judges' results.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessions.jsontext import dump_bytes
from sessions.readers.base import Head, Source
from sessions.readers.chat_messages import Assembler
from sessions.readers.leftovers import REFERENCE_KEYS, is_trivial, iso_time, mapping, sequence, text_or_none, time_of
from sessions.readers.rows import row_prefix, rows
from sessions.readers.shared import content_text, title_of
from sessions.run import Header, Problem, Record, Step

_RUN_KEYS = ("id", "name", "description", "transcripts", "transcript_groups", "metadata")
#: Beginnings of names under which runs are judged, beside REFERENCE_KEYS.
_JUDGED = ("score", "scoring", "default_score", "judge", "label", "comment", "eval", "grade", "reward", "annotation")
_LOOK_AHEAD = 50


class DocentReader:
    """See the module's docstring."""

    name = "docent"
    title = "Docent agent run"
    versions = "0.1"
    gaps = "Groups of transcripts are a fact, not a structure."

    def sniff(self, head: Head) -> float:
        for value in head.lines[:3]:
            if isinstance(value, list) and value:
                value = value[0]
            if isinstance(value, dict) and (found := _likeness(value)):
                return found
        prefix = row_prefix(head)
        if prefix is None or f"{prefix}transcripts" not in head.outline:
            return 0.0
        keys = {key.removeprefix(prefix) for key in head.outline}
        if "transcripts.item.messages.item.role" in keys or "transcripts.item.messages" in keys:
            return 0.95
        return (
            0.6 if any(key.startswith("transcripts.") and key.endswith("messages.item.role") for key in keys) else 0.0
        )

    def read(self, source: Source) -> Iterator[Record]:
        for entry in rows(source, "transcripts"):
            if isinstance(entry, Problem):
                yield entry
            else:
                yield from _run(source, *entry)


def _likeness(value: dict[str, Any]) -> float:
    transcripts = _transcripts(value.get("transcripts"))
    if not any(isinstance(item.get("messages"), list) for item in transcripts):
        return 0.0
    return 0.95 if isinstance(value.get("transcripts"), list) else 0.9 if "metadata" in value else 0.6


def _transcripts(value: Any) -> list[dict[str, Any]]:
    """The transcripts of a run, in a list, or by name in an object."""
    if isinstance(value, dict):
        return [{"name": name, **mapping(item)} for name, item in value.items()]
    return [mapping(item) for item in sequence(value)]


def _run(source: Source, number: int, row: dict[str, Any]) -> Iterator[Record]:
    transcripts = _transcripts(row.get("transcripts"))
    yield _header(row, transcripts, number)
    told = False
    for place, transcript in enumerate(transcripts, 1):
        messages = transcript.get("messages")
        told = told or isinstance(messages, list)
        name = _name(transcript, place) if len(transcripts) > 1 else None
        assembler = Assembler()
        for message in sequence(messages):
            for step in assembler.feed(_chat(message), dump_bytes(_shown(message))):
                yield _placed(step, name)
        for step in assembler.flush():
            yield _placed(step, name)
    if not told:
        yield source.problem(f"row {number + 1}: there is no transcript with messages")


def _name(transcript: dict[str, Any], place: int) -> str:
    return text_or_none(transcript.get("name")) or f"transcript {place}"


def _placed(step: Step, name: str | None) -> Step:
    """A step of one of several transcripts."""
    if name is not None:
        step.stage = name
        if step.role == "agent":
            step.actor = name
    return step


def _header(row: dict[str, Any], transcripts: list[dict[str, Any]], number: int) -> Header:
    messages = [item for transcript in transcripts for item in sequence(transcript.get("messages"))[:_LOOK_AHEAD]]
    task = next((content_text(item.get("content")) for item in messages if _is_user(item)), None)
    metadata, judged = _parted(mapping(row.get("metadata")))
    beside, judged_beside = _parted({key: row[key] for key in row if key not in _RUN_KEYS})
    names = [_name(transcript, place) for place, transcript in enumerate(transcripts, 1)]
    inside = {name: mapping(item.get("metadata")) for name, item in zip(names, transcripts, strict=True)}
    kept, judged_inside = _parted(inside)
    facts = {
        **metadata,
        **beside,
        "description": row.get("description"),
        "transcripts": names if len(names) > 1 else None,
        "transcript_metadata": kept,
        "transcript_groups": row.get("transcript_groups"),
    }
    reference = {**judged, **judged_beside, **judged_inside}
    models = [mapping(item).get("model") for item in messages]
    return Header(
        "docent",
        title_of(text_or_none(row.get("name"))) or title_of(task) or f"run {number + 1}",
        task,
        system=text_or_none(metadata.get("agent_scaffold")) or text_or_none(metadata.get("agent")),
        model=next(filter(None, map(text_or_none, [*models, metadata.get("model")])), None),
        native_id=text_or_none(row.get("id")),
        started_at=next((iso_time(item.get("created_at")) for item in transcripts if item.get("created_at")), None),
        item=number,
        reference=reference or None,
        facts={key: value for key, value in facts.items() if not is_trivial(value)},
    )


def _is_user(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "user" and bool(message.get("content"))


def _parted(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What may be shown, and what tells how the run was judged, also one level further in."""
    facts: dict[str, Any] = {}
    judged: dict[str, Any] = {}
    for key, value in values.items():
        if is_trivial(value) and value is not False:
            continue
        if _is_judging(key):
            judged[key] = value
        elif isinstance(value, dict) and any(map(_is_judging, value)):
            facts[key] = {name: item for name, item in value.items() if not _is_judging(name)}
            judged[key] = {name: item for name, item in value.items() if _is_judging(name)}
        else:
            facts[key] = value
    return facts, judged


def _is_judging(key: str) -> bool:
    small = key.lower()
    return small in REFERENCE_KEYS or small.startswith(_JUDGED)


def _shown(message: Any) -> Any:
    """A message without what in its metadata tells how the run was judged."""
    if not isinstance(message, dict) or not isinstance(message.get("metadata"), dict):
        return message
    return {**message, "metadata": _parted(message["metadata"])[0]}


def _chat(message: Any) -> Any:
    """A message as chat formats have it: a call's `function` is its name here, and an error is an object."""
    if not isinstance(message, dict):
        return message
    chat = {key: value for key, value in message.items() if key not in ("metadata", "function", "error")}
    metadata = mapping(_shown(message).get("metadata"))
    if not is_trivial(metadata):
        chat["metadata"] = metadata
    if (at := time_of(metadata)) is not None:
        chat.setdefault("timestamp", at)
    if isinstance(message.get("content"), list):
        chat["content"] = [_block(block) for block in message["content"]]
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        chat["tool_calls"] = [_call(call) for call in calls]
    if message.get("role") == "tool":
        error = message.get("error")
        chat |= {"name": message.get("function"), "is_error": not is_trivial(error)}
        if not is_trivial(error) and not content_text(message.get("content")):
            chat["content"] = text_or_none(mapping(error).get("message")) or content_text(error)
    elif message.get("role") == "user":
        chat.pop("tool_call_id", None)  # a list: of the calls that the message answers in some scaffolds' runs
    return chat


def _block(block: Any) -> Any:
    """Reasoning that is closed may have a summary."""
    told = mapping(block)
    if told.get("type") != "reasoning":
        return block
    return {"type": "reasoning", "text": text_or_none(told.get("reasoning")) or text_or_none(told.get("summary")) or ""}


def _call(call: Any) -> Any:
    told = mapping(call)
    if not isinstance(told.get("function"), str):
        return call
    return {"id": told.get("id"), "name": told["function"], "arguments": told.get("arguments")}
