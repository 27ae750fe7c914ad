"""Gemini CLI sessions: `~/.gemini/tmp/<project>/chats/session-*.jsonl`, and the older `session-*.json`.

Undocumented, without a version in the files; read as the program's own recorder writes them (`ChatRecordingService`,
2025-09 to 0.61). JSONL grows at its end (`gemini_log.py` says how its records make messages), a `.json` is rewritten.

- A message of the model is one step: thoughts, text, calls, results. `tokens_in` is the prompt with what is cached.
- The environment's preamble, and what a compressed history is replaced by, are the system's. Info, warnings and errors
  are the environment's. A message that a rewind dropped carries `branch`.
- A call's `status` says whether it failed; "cancelled" counts as failed.
- Sub-agents' steps (depth 1 and more) come from `chats/<session>/<agent>.jsonl`, behind the call that names the agent
  (`agentId`), else at the end. Opened itself, such a file is a run of its own.
- In files over 128 MB, a rewind marks only the last 64 messages (`facts.rewinds_unmarked`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sessions.errors import UserError
from sessions.jsontext import BadJson, dump_bytes, loads
from sessions.readers.base import Head, Source
from sessions.readers.gemini_log import Log, Message, abandoned, history, is_message
from sessions.readers.gemini_steps import message_step, plain_text
from sessions.readers.leftovers import is_trivial, iso_time, mapping, sequence, text_or_none
from sessions.readers.salvage import open_document
from sessions.readers.shared import raw_part, string, title_of
from sessions.run import DEFAULT_ACTOR, Facts, Header, Problem, Raw, Record, Step

#: Larger files are not looked through for rewinds first.
SCAN_BYTES = 128 * 1024 * 1024
_MAX_DEPTH = 8
#: More sub-agents' files than this are not looked for.
_MAX_AGENTS = 1000
_PLAIN_NAME = re.compile(r"\w[\w.-]{0,199}")
_ROOT_KEYS = ("sessionId", "startTime", "messages")


class GeminiReader:
    """See the module's docstring."""

    name = "gemini"
    title = "Gemini CLI session"
    versions = "2025-09 to 0.61"
    gaps = (
        "In files over 128 MB, a rewind marks only the last 64 messages. A message that is written again more "
        "than 64 messages later is kept raw. Checkpoints (`checkpoint-*.json`) and `logs.json` are not read."
    )

    def sniff(self, head: Head) -> float:
        if "sessionId" in head.first and "projectHash" in head.first:
            return 0.97
        outline = head.outline if not head.lines else {}
        if {"sessionId", "projectHash"} <= outline.keys():
            return 0.97
        # The first line is damaged or longer than the head, or the file was cut at its beginning.
        if any(_is_log_line(line) for line in head.lines):
            return 0.8
        return 0.7 if b'"projectHash":"' in head.data and b'"type":"gemini"' in head.data else 0.0

    def read(self, source: Source) -> Iterator[Record]:
        session = _Session(source, _AgentFiles(source.path))
        header: Header | None = None
        for record in session.steps(_records(source), branches=_branches(source)):
            if header is None:
                header = session.header()
                yield header
            yield record
        if header is None:
            yield session.header()
        yield session.learnt()


def _is_log_line(line: Any) -> bool:
    if not isinstance(line, dict):
        return False
    rewind = isinstance(line.get("$rewindTo"), str)
    return rewind or (line.get("type") == "gemini" and "content" in line and "timestamp" in line and "id" in line)


def _branches(source: Source) -> dict[str, str] | None:
    """The messages on branches that the run left; None if the file is too large to be looked through for them."""
    if source.size > SCAN_BYTES:
        return None
    with suppress(OSError):  # what is wrong with the file is said when it is read
        if any(b'"$rewindTo"' in line for _, _, line in source.lines()):
            return abandoned(entry[2] for entry in source.json_lines() if not isinstance(entry, Problem))
    return {}


def _records(source: Source) -> Iterator[tuple[Raw, Any] | Problem]:
    """A file's records, whether it is JSONL or one document."""
    if _is_jsonl(source):
        for entry in source.json_lines():
            yield entry if isinstance(entry, Problem) else (entry[1], entry[2])
        return
    document = open_document(source, "messages")
    if document.root:
        yield dump_bytes(document.root), document.root
    for item in document.items:
        yield dump_bytes(item), item
    if document.problem is not None:
        yield source.problem(document.problem)


def _is_jsonl(source: Source) -> bool:
    """Whether the first line is an object by itself, or the second one looks like one (the first may be damaged)."""
    for number, line in enumerate(source.first_lines(2)):
        if number and line.startswith(b'{"'):
            return True
        with suppress(BadJson):
            if isinstance(loads(line), dict):
                return True
    return False


class _Session:
    """A session, or a sub-agent's, being turned into steps. The facts are of the run; the last values win."""

    def __init__(self, source: Source, agents: _AgentFiles) -> None:
        self._source, self._agents = source, agents
        self._facts: dict[str, Any] = {}
        self._root: dict[str, Any] = {}
        self._task: str | None = None
        self._model: str | None = None

    def steps(self, records: Iterator[tuple[Raw, Any] | Problem], branches: dict[str, str] | None) -> Iterator[Record]:
        log = Log(branches)
        for entry in records:
            if isinstance(entry, Problem):
                yield entry
                continue
            self._take(log, *entry)
            for message in log.finished():
                yield from self._give(message)
        for message in log.rest():
            yield from self._give(message)
        if log.unmarked:
            self._facts["rewinds_unmarked"] = log.unmarked
        yield from self._unplaced()

    def _take(self, log: Log, raw: Raw, record: Any) -> None:
        """Feed one record to the log. Also notes what it says of the session."""
        if is_message(record):
            log.message(record, raw)
        elif not isinstance(record, dict):
            log.attach(raw, raw_part("unknown", record))
        elif isinstance(record.get("$rewindTo"), str):
            log.rewind(record["$rewindTo"], raw)
        elif isinstance(record.get("$set"), dict) or "sessionId" in record:
            self._note(mapping(record.get("$set")) or record)
            messages = history(record)
            if messages is None:
                log.attach(raw)
            else:
                log.sync(messages, raw)
        else:
            log.attach(raw, raw_part(string(record.get("type")) or "unknown", record))

    def _note(self, patch: dict[str, Any]) -> None:
        self._root |= {key: patch[key] for key in ("sessionId", "startTime", "summary") if key in patch}
        facts = {key: value for key, value in patch.items() if key not in _ROOT_KEYS and not is_trivial(value)}
        self._facts |= facts

    def _give(self, message: Message) -> Iterator[Record]:
        step = build(message)
        self._note_step(step, message.record)
        yield step
        yield from self._agents.started_by(self._source, message.record, step, 1)

    def _note_step(self, step: Step, record: dict[str, Any]) -> None:
        if self._task is None and step.role == "user" and step.branch is None:
            shown = plain_text(record.get("displayContent")) or plain_text(record.get("content"))
            self._task = shown if shown.strip() else None
        if self._model is None and step.role == "agent":
            self._model = step.model

    def _unplaced(self) -> Iterator[Record]:
        for path in self._agents.rest():
            yield from self._agents.read(self._source, path, None, 1)

    def header(self) -> Header:
        return Header("gemini", **self._values(), files=[str(path.absolute()) for path in self._agents.files])

    def learnt(self) -> Facts:
        return Facts(self._values())

    def _values(self) -> dict[str, Any]:
        native_id = text_or_none(self._root.get("sessionId"))
        title = title_of(text_or_none(self._root.get("summary"))) or title_of(self._task)
        return {
            "title": title or self._source.path.stem,
            "task": self._task,
            "system": "gemini-cli",
            "model": self._model,
            "native_id": native_id,
            "started_at": iso_time(self._root.get("startTime")),
            "facts": dict(self._facts),
        }


def build(message: Message) -> Step:
    """The step of a message, with the results that came as messages of their own."""
    record = message.record
    if not record:
        return Step("environment", "environment", message.raws, branch=message.branch, raw=message.raw)
    step = message_step(record, message.raw, injected=message.injected)
    told = {part.call_id for part in step.parts if part.kind == "tool_result"}
    names = {part.call_id: part.name for part in step.parts if part.kind == "tool_call"}
    for call_id, result in message.results.items():
        if call_id not in told:
            result.name = names.get(call_id, result.name)
            step.parts.append(result)
    step.parts += message.raws
    step.branch = message.branch
    return step


class _AgentFiles:
    """The files of a session's sub-agents, each to be placed behind the call that names it."""

    def __init__(self, session: Path) -> None:
        self.files: list[Path] = []
        self._by_agent: dict[str, Path] = {}
        self._placed: set[Path] = set()
        own = _session_id(session)
        if own is None:
            return
        try:
            found = sorted(path for path in (session.parent / own).glob("*.jsonl") if path.is_file())
        except OSError:
            return
        self.files = found[:_MAX_AGENTS]
        for path in self.files:
            self._by_agent[path.stem] = path
            inner = _session_id(path)
            if inner is not None:
                self._by_agent.setdefault(inner, path)

    def started_by(self, source: Source, record: dict[str, Any], step: Step, depth: int) -> Iterator[Record]:
        """The steps of the sub-agents that a message's calls name."""
        for call in sequence(record.get("toolCalls")):
            path = self._by_agent.get(str(mapping(call).get("agentId")))
            if path is not None and path not in self._placed and depth <= _MAX_DEPTH:
                yield from self.read(source, path, (mapping(call), step), depth)

    def rest(self) -> Iterator[Path]:
        return (path for path in self.files if path not in self._placed)

    def read(
        self, source: Source, path: Path, caller: tuple[dict[str, Any], Step] | None, depth: int
    ) -> Iterator[Step | Problem]:
        """A sub-agent's file as steps of the run; its prompt is said by whoever called it."""
        self._placed.add(path)
        call, step = caller if caller is not None else ({}, None)
        actor = _agent_name(call) or path.stem
        log = Log(None)
        session = _Session(source, self)
        try:
            for entry in source.json_lines(self.files.index(path) + 1, path):
                if isinstance(entry, Problem):
                    yield entry
                    continue
                session._take(log, entry[1], entry[2])
                for message in log.finished():
                    yield from self._nested(source, message, actor, call, step, depth)
        except OSError as error:
            yield Problem(str(path), None, f"cannot be read: {error.strerror}")
        for message in log.rest():
            yield from self._nested(source, message, actor, call, step, depth)

    def _nested(
        self, source: Source, message: Message, actor: str, call: dict[str, Any], caller: Step | None, depth: int
    ) -> Iterator[Any]:
        step = build(message)
        step.depth = depth
        step.parent_call = text_or_none(call.get("id"))
        step.branch = step.branch or (caller.branch if caller is not None else None)
        if step.role == "agent":
            step.actor = actor
        elif step.role == "user":
            step.actor = caller.actor if caller is not None else DEFAULT_ACTOR["agent"]
        yield step
        yield from self.started_by(source, message.record, step, depth + 1)


def _agent_name(call: dict[str, Any]) -> str | None:
    """The sub-agent's name: told to the tool that starts any of them, or the name of its own tool."""
    arguments = mapping(call.get("args"))
    for key in ("agent_name", "agentName", "subagent_type"):
        if name := text_or_none(arguments.get(key)):
            return name
    return text_or_none(call.get("name"))


def _session_id(path: Path) -> str | None:
    """The session's id by its first line, if it is a plain name: a run's text is never a path."""
    name: Any = None
    with suppress(OSError, UserError):
        for entry in Source(path).json_lines():
            name = None if isinstance(entry, Problem) else mapping(entry[2]).get("sessionId")
            break
    return name if isinstance(name, str) and _PLAIN_NAME.fullmatch(name) else None
