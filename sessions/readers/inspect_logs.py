"""Inspect logs: `.eval` files and the `.json` ones, read by inspect_ai; each sample and epoch is a run.

Versions: what the installed inspect_ai reads (log version 2; seen: 0.3.135 and 0.3.285). Growth: finished samples are
added to the file; running ones are in Inspect's sample buffer beside it, and are read from there.

- `.eval` files are read sample by sample, `.json` ones whole. A sample that would unpack to more than 1 GB, or more
  than 200-fold beyond 64 MB, is reported and left out.
- The run is told by the sample's events where it has them: model and tool events as in `spans`, agents nested by their
  spans; else by its messages. Approvals, limits and interruptions are steps of the environment.
- Errors are stated: a tool event or message has an error or it has none.
- Target, scores, metadata and the store go to `Header.reference`: datasets keep answers in all of them. What
  scorers do is no part of the run.
Needs the package inspect_ai.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sessions.jsontext import BadJson, dump_bytes, loads
from sessions.readers.base import LARGEST_DOCUMENT_BYTES, Head, Source
from sessions.readers.chat_messages import Assembler
from sessions.readers.inspect_events import NOT_KEPT, Reading, Sample, content_of, plain, sample_of
from sessions.readers.leftovers import is_trivial, iso_time, mapping, sequence, text_or_none
from sessions.readers.shared import content_text, string, title_of
from sessions.readers.spans import Trace, begun
from sessions.run import DEFAULT_ACTOR, Header, Part, Problem, Record, Step
from sessions.streams import FREE_BYTES

_ZIP = b"PK\x03\x04"
_MEMBERS = (b"_journal/start.json", b"header.json")
_FOOTER_BYTES = 256 * 1024
_STATUSES = ("started", "success", "cancelled", "error")
#: A sample may unpack to so much, and to so many times its size beyond the size of a small one.
MAX_SAMPLE_BYTES = 1 << 30
MAX_RATIO = 200
#: So many samples, of so many bytes together, are read at a time.
_BATCH, _BATCH_BYTES = 32, 16 * 1024 * 1024
_MOST = LARGEST_DOCUMENT_BYTES
_REFERENCE = ("target", "scores", "metadata", "store")


class InspectReader:
    """Reads Inspect's logs. See the module's docstring."""

    name = "inspect"
    title = "Inspect log"
    versions = "log version 2"
    gaps = (
        "Needs inspect_ai (`pip install 'review-tui[inspect]'`), in either form. `.json` logs are read whole. "
        "Changes of state and store are left out, because they hold what the grader knows. Running samples are "
        "read from the buffer of the machine that runs them only."
    )
    binary = True

    def sniff(self, head: Head) -> float:
        if head.data.startswith(_ZIP):
            return 0.95 if any(name in head.data[:4096] for name in _MEMBERS) or _named_at_the_end(head) else 0.0
        outline = head.outline
        if head.is_binary or "eval.task" not in outline or outline.get("status") not in _STATUSES:
            return 0.0
        return 0.95

    def read(self, source: Source) -> Iterator[Record]:
        try:
            from inspect_ai import log
        except ImportError:
            yield source.problem("Inspect logs need the package inspect_ai: pip install 'review-tui[inspect]'")
            return
        if source.compression is not None:
            yield source.problem("an Inspect log that is compressed once more cannot be read: unpack it first")
            return
        with open(source.path, "rb") as file:
            is_zip = file.read(len(_ZIP)) == _ZIP
        try:
            yield from _Log(source, log, is_zip).runs()
        except Exception as error:  # the library raises errors of many kinds for damaged logs
            yield source.problem(_reason("inspect_ai cannot read it", error))


def _named_at_the_end(head: Head) -> bool:
    """Whether the zip's directory, which is at its end, names what an Inspect log has."""
    try:
        with open(head.path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _FOOTER_BYTES))
            footer = file.read()
    except OSError:
        return False
    return b"header.json" in footer and (b"summaries.json" in footer or b"_journal/" in footer)


def _reason(what: str, error: Exception) -> str:
    first = str(error).strip().split("\n")[0]
    return f"{what}: {type(error).__name__}: {first}"[:200]


class _Log:
    """One log file. library: `inspect_ai.log`."""

    def __init__(self, source: Source, library: Any, is_zip: bool) -> None:
        self._source = source
        self._library = library
        self._path = str(source.path.absolute())
        self._format = "eval" if is_zip else "json"

    def runs(self) -> Iterator[Record]:
        if self._format == "json" and self._source.size > _MOST:
            yield self._source.problem(
                f"a JSON log of {self._source.size / 1e6:.0f} MB is too large: convert it to .eval"
            )
            return
        if self._format == "json":
            whole = self._library.read_eval_log(self._path, format="json", resolve_attachments="full")
            about = plain_header(whole)
            for number, sample in enumerate(whole.samples or []):
                yield from _run(about, _finished(sample), number)
            number = len(whole.samples or [])
        else:
            about = plain_header(self._library.read_eval_log(self._path, header_only=True, format="eval"))
            number = 0
            for found in self._samples():
                if isinstance(found, Problem):
                    yield found
                    continue
                yield from _run(about, _finished(found), number)
                number += 1
        if about.get("status") == "started":
            for running in _running(self._path):
                yield from _run(about, running, number)
                number += 1
        if not number:
            yield self._source.problem("there is no sample in it")

    def _samples(self) -> Iterator[Any | Problem]:
        """The finished samples, in the log's order, a few at a time: the library looks for each in the zip anew."""
        sizes = _sizes(self._source.path)
        batch: list[tuple[Any, int]] = []
        held = 0
        for summary in self._library.read_eval_log_sample_summaries(self._path, format="eval"):
            size, packed = sizes.get(f"samples/{summary.id}_epoch_{summary.epoch}.json", (0, 0))
            if size > MAX_SAMPLE_BYTES or (size > FREE_BYTES and size > MAX_RATIO * packed):
                yield from self._batch(batch)
                batch, held = [], 0
                yield self._source.problem(
                    f"sample {summary.id}, epoch {summary.epoch}: it would unpack to {size / 1e6:.0f} MB, left out"
                )
                continue
            if batch and (held + size > _BATCH_BYTES or len(batch) == _BATCH):
                yield from self._batch(batch)
                batch, held = [], 0
            batch.append((summary.id, summary.epoch))
            held += size
        yield from self._batch(batch)

    def _batch(self, wanted: list[tuple[Any, int]]) -> Iterator[Any | Problem]:
        """Some samples together where the library can do that and all of them are well; else one by one."""
        together = getattr(self._library, "read_eval_log_samples_by_id", None)
        if together is not None and len(wanted) > 1:
            try:
                found = together(self._path, wanted, resolve_attachments="full", format="eval")
            except Exception:
                found = None  # one of them is damaged: which, is found below
            if found is not None:
                yield from found
                return
        for name, epoch in wanted:
            try:
                yield self._library.read_eval_log_sample(
                    self._path, name, epoch, resolve_attachments="full", format="eval"
                )
            except Exception as error:  # as above; the other samples are read
                yield self._source.problem(_reason(f"sample {name}, epoch {epoch}", error))


def _sizes(path: Path) -> dict[str, tuple[int, int]]:
    """Sizes of the zip's members: unpacked and packed, as its directory says."""
    with zipfile.ZipFile(path) as archive:
        return {member.filename: (member.file_size, member.compress_size) for member in archive.infolist()}


def plain_header(log: Any) -> dict[str, Any]:
    """What is said of the whole log."""
    about: dict[str, Any] = log.eval.model_dump(mode="json", exclude_none=True)
    return {**about, "status": log.status}


# -- samples --------------------------------------------------------------------------------------------------------


def _finished(sample: Any) -> tuple[dict[str, Any], Sample]:
    """A sample as its fields without messages and events, and its events."""
    about = sample.model_dump(mode="json", exclude_none=True, exclude={"events", "attachments", "messages", "output"})
    about["messages"] = sample.messages
    events = (
        (event.model_dump(mode="json", exclude_none=True, exclude=set(NOT_KEPT)), getattr(event, "input", ()))
        for event in sample.events
    )
    return about, sample_of((event, messages if event.get("event") == "model" else ()) for event, messages in events)


def _running(path: str) -> Iterator[tuple[dict[str, Any], Sample]]:
    """The samples that are still running, from the buffer that Inspect keeps of them. None where there is no buffer."""
    try:
        from inspect_ai.log._recorders.buffer.database import SampleBufferDatabase

        buffer = SampleBufferDatabase(path, create=False, read_only=True)
    except Exception:  # no buffer, or a version of the library that keeps it otherwise
        return
    with closing(buffer):
        listed: Any = buffer.get_samples()
        for summary in listed.samples if listed is not None else ():
            data = None if summary.completed else buffer.get_sample_data(summary.id, summary.epoch)
            if data is not None:  # else it has ended, perhaps just now
                yield {**plain(summary), "running": True}, sample_of(_buffered(data))


def _buffered(data: Any) -> Iterator[tuple[dict[str, Any], Iterable[Any]]]:
    """The events in the buffer, each as it was last, with their attachments and the messages of their inputs."""
    attachments = {item.hash: item.content for item in data.attachments}
    pool = [_resolved(_loaded(item.data), attachments) for item in data.message_pool]
    latest: dict[str, dict[str, Any]] = {}
    for item in data.events:
        latest[item.event_id] = item.event
    for event in latest.values():
        whole = _resolved({key: value for key, value in event.items() if key not in ("tools", "call")}, attachments)
        messages = sequence(whole.get("input"))
        for reference in sequence(event.get("input_refs")):
            if isinstance(reference, list) and len(reference) == 2 and all(isinstance(end, int) for end in reference):
                messages = messages + pool[max(0, reference[0]) : max(0, reference[1])]
        yield whole, messages if whole.get("event") == "model" else ()


def _loaded(data: str) -> Any:
    try:
        return loads(data)
    except BadJson:
        return {}


def _resolved(value: Any, attachments: dict[str, str], depth: int = 0) -> Any:
    """A value with texts that were set aside put back: `attachment://<hash>`."""
    if isinstance(value, str) and value.startswith("attachment://"):
        return attachments.get(value.removeprefix("attachment://"), value)
    if depth > 100:
        return value
    if isinstance(value, dict):
        return {key: _resolved(item, attachments, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, attachments, depth + 1) for item in value]
    return value


# -- runs -----------------------------------------------------------------------------------------------------------


def _run(about: dict[str, Any], sample: tuple[dict[str, Any], Sample], number: int) -> Iterator[Record]:
    fields, events = sample
    reading = Reading()
    told = Trace(events.nodes, lambda node: content_of(node, events.events[node.id], events.inputs[node.id], reading))
    steps = told.steps()
    ahead, task = begun(steps)
    if not any(step.role == "agent" for step in ahead) and not any(node.kind == "model" for node in events.nodes):
        ahead, steps = [*ahead, *_messages(fields.get("messages"), reading)], iter(())
        task = task or next((_text(step) for step in ahead if step.role == "user"), None)
    yield _header(about, fields, told, ahead, _input(fields.get("input")) or task, number)
    yield from ahead
    yield from steps
    error = mapping(fields.get("error"))
    if error and not any(node.kind == "other" and node.failed for node in events.nodes):
        yield _failure(error)


def _header(
    about: dict[str, Any], fields: dict[str, Any], told: Trace, ahead: list[Step], task: str | None, number: int
) -> Header:
    name, epoch = title_of(f"{string(about.get('task'))} / {string(fields.get('id'))}"), fields.get("epoch")
    facts = {
        "task": about.get("task"),
        "sample": fields.get("id"),
        "epoch": epoch,
        "dataset": mapping(about.get("dataset")).get("name"),
        "eval_id": about.get("eval_id"),
        "run_id": about.get("run_id"),
        "status": about.get("status"),
        "choices": fields.get("choices"),
        "running": fields.get("running"),
        "limit": fields.get("limit"),
        "total_time": fields.get("total_time"),
        "model_usage": fields.get("model_usage"),
        "agents": told.agents,
    }
    title = title_of(task)
    return Header(
        InspectReader.name,
        f"{name}{f' ({epoch})' if epoch not in (None, 1) else ''}{f': {title}' if title else ''}",
        task,
        system=text_or_none(about.get("solver")) or (told.agents[0] if len(told.agents) == 1 else None),
        model=text_or_none(about.get("model")) or next((step.model for step in ahead if step.model), None),
        native_id=text_or_none(fields.get("uuid")) or f"{string(fields.get('id'))}/{epoch}",
        started_at=iso_time(fields.get("started_at")) or told.start,
        item=number,
        reference={key: fields[key] for key in _REFERENCE if not is_trivial(fields.get(key))} or None,
        facts={key: value for key, value in facts.items() if not is_trivial(value)},
    )


def _input(value: Any) -> str | None:
    """The task: a text, or the last message of the user among the input."""
    if isinstance(value, str):
        return value or None
    users = [mapping(message) for message in sequence(value) if mapping(message).get("role") == "user"]
    return content_text(users[-1].get("content")) or None if users else None


def _messages(messages: Any, reading: Reading) -> Iterator[Step]:
    """The sample's messages, for one without events."""
    assembler = Assembler()
    for message in sequence(messages):
        said = reading.said(message)
        raw = dump_bytes(plain(message))
        calls = [
            {"id": part.call_id, "function": {"name": part.name, "arguments": part.arguments}}
            for part in said.parts
            if part.kind == "tool_call"
        ]
        chat: dict[str, Any] = {"role": said.role, "content": plain(message).get("content"), "tool_calls": calls}
        if said.role == "tool":
            part = said.parts[0]
            chat = {"role": "tool", "content": part.text, "tool_call_id": part.call_id, "is_error": part.is_error}
        yield from assembler.feed(chat, raw)
    yield from assembler.flush()


def _failure(error: dict[str, Any]) -> Step:
    text = "\n\n".join(filter(None, (string(error.get("message")), string(error.get("traceback"))))) or "error"
    return Step(
        DEFAULT_ACTOR["environment"],
        "environment",
        [Part("text", text, is_error=True)],
        raw=[dump_bytes({"error": error})],
    )


def _text(step: Step) -> str:
    return "\n".join(part.text for part in step.parts if part.kind == "text")
