"""What a Claude Code session needs beside its own lines: its sub-agents' files, and which branch was left.

Sub-agents' files: `<session>/subagents/**/agent-<id>.jsonl` with an `agent-<id>.meta.json` (agentType, toolUseId)
beside each, or, from older versions, `agent-<id>.jsonl` next to the session with the same `sessionId` in its lines.

Branches: the session is a tree by `parentUuid`. Parallel tool calls fork it all the time; a rewind is a fork of
another kind: two prompts of the person with one parent. The branch that the file's last line descends from is live,
the prompts beside it begin abandoned branches. That needs the whole file, so it is scanned first: cheaply for the
prompts' parents and, only if two of them agree, once more for the tree. Files over SCAN_BYTES are not scanned.
A rewind to the very first prompt makes a second root, which looks like a resumed session: it is not marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions.jsontext import BadJson, loads
from sessions.readers.pairing import Turn
from sessions.readers.shared import content_text
from sessions.run import Part
from sessions.streams import open_stream

#: The scan runs at over 1 GB/s, so it delays the first step by an eighth of a second at most.
SCAN_BYTES = 128 * 1024 * 1024
_PEEK_LINES = 20
_PEEK_BYTES = 1 << 20
_SMALL_BUFFER = 8192
_SUBAGENT_TOOLS = ("Task", "Agent")


@dataclass(slots=True)
class AgentFile:
    """A sub-agent's session file. index: its place in `Header.files`, from 1."""

    path: Path
    index: int
    agent: str
    type: str | None
    call: str | None
    prompt: str | None
    placed: bool = False


class AgentFiles:
    """The sub-agents' files of one session, each to be placed behind the step that started it."""

    def __init__(self, files: list[AgentFile]) -> None:
        self.files = files
        self._by_call = {file.call: file for file in files if file.call}
        self._by_agent = {file.agent: file for file in files}
        self._by_prompt: dict[str, list[AgentFile]] = {}
        for file in files:
            if file.prompt:
                self._by_prompt.setdefault(file.prompt, []).append(file)

    @classmethod
    def of(cls, session: Path) -> AgentFiles:
        """Look for the files of the session at that path."""
        found = sorted(session.with_suffix("").glob("subagents/**/agent-*.jsonl"))
        beside = sorted(session.parent.glob("agent-*.jsonl"))
        if beside:
            own = _peek(session).session
            found += [path for path in beside if own is not None and _peek(path).session == own]
        paths = [path for path in found if path.is_file()]
        return cls([_agent_file(path, index) for index, path in enumerate(paths, 1)])

    def started_by(self, turn: Turn) -> Iterator[tuple[AgentFile, Part | None]]:
        """The files of the sub-agents that this step's calls started, with the call where it is known."""
        agents = {call_id: agent for agent, call_id in turn.started}
        for part in turn.step.parts:
            if part.kind != "tool_call":
                continue
            file = self._of_call(part, agents.get(part.call_id))
            if file is not None and not file.placed:
                file.placed = True
                yield file, part
        for agent, _ in turn.started:
            file = self._by_agent.get(agent)
            if file is not None and not file.placed:
                file.placed = True
                yield file, None

    def _of_call(self, call: Part, agent: str | None) -> AgentFile | None:
        file = self._by_call.get(call.call_id or "") or self._by_agent.get(agent or "")
        if file is None and call.name in _SUBAGENT_TOOLS and isinstance(call.arguments, dict):
            prompt = call.arguments.get("prompt")
            same = self._by_prompt.get(prompt, []) if isinstance(prompt, str) else []
            file = next((file for file in same if not file.placed and not file.call), None)
        return file

    def rest(self) -> Iterator[AgentFile]:
        """Files that no step is known to have started."""
        for file in self.files:
            if not file.placed:
                file.placed = True
                yield file


@dataclass(slots=True)
class _Peek:
    session: str | None = None
    agent: str | None = None
    prompt: str | None = None


def _peek(path: Path) -> _Peek:
    """Session, agent and first prompt, as far as the first lines tell them."""
    peek = _Peek()
    for record in first_records(path):
        peek.session = peek.session or _text(record.get("sessionId"))
        peek.agent = peek.agent or _text(record.get("agentId"))
        message = record.get("message")
        if peek.prompt is None and record.get("type") == "user" and isinstance(message, dict):
            peek.prompt = content_text(message.get("content"))
        if peek.session and peek.prompt:
            break
    return peek


def first_records(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects among a file's first lines; nothing if it cannot be read (the reader will say so)."""
    try:
        with open_stream(path, _SMALL_BUFFER) as file:
            for _ in range(_PEEK_LINES):
                try:
                    record = loads(file.readline(_PEEK_BYTES))
                except BadJson:
                    continue
                if isinstance(record, dict):
                    yield record
    except OSError:
        return


def _agent_file(path: Path, index: int) -> AgentFile:
    peek = _peek(path)
    meta = _meta(path.with_suffix(".meta.json"))
    agent = peek.agent or path.stem.removeprefix("agent-")
    return AgentFile(path, index, agent, _text(meta.get("agentType")), _text(meta.get("toolUseId")), peek.prompt)


def _meta(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            value = loads(file.read(_PEEK_BYTES))
    except (OSError, BadJson):
        return {}  # an agent without a readable meta file is still an agent
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def is_prompt(record: dict[str, Any]) -> bool:
    """Whether a line is something the person typed: not a result, not injected, not a sub-agent's, no interruption."""
    if record.get("type") != "user" or any(
        record.get(key) is True for key in ("isSidechain", "isMeta", "isCompactSummary")
    ):
        return False
    message = record.get("message")
    content = message.get("content") if isinstance(message, dict) else message
    if isinstance(content, str):
        return not content.startswith(("[Request interrupted", "<local-command-stdout>", "<task-notification>"))
    if not isinstance(content, list):
        return False
    for block in content:
        if not isinstance(block, dict) or block.get("type") == "tool_result":
            return False
        text = block.get("text")
        if isinstance(text, str) and text.startswith("[Request interrupted"):
            return False
    return True


def abandoned_branches(path: Path, size: int) -> dict[str, str]:
    """Line uuid -> name of the branch ("rewind 1") for every line on a branch that the run left."""
    if size > SCAN_BYTES or not _has_fork(path):
        return {}
    tree = _Tree()
    for record in _parsed(_lines(path)):
        tree.add(record)
    return tree.abandoned()


def _has_fork(path: Path) -> bool:
    """Whether two prompts have one parent. Only lines that can be prompts are parsed.

    What most lines are is told by their first bytes; looking for that first spares searching their whole text.
    """
    prompts: dict[Any, Any] = {}
    for record in _parsed(
        line
        for line in _lines(path)
        if b'"type":"assistant"' not in line and b'"user"' in line and b'"tool_result"' not in line
    ):
        uuid, parent = record.get("uuid"), record.get("parentUuid")
        known = isinstance(uuid, str) and isinstance(parent, str) and is_prompt(record)
        if known and prompts.setdefault(parent, uuid) != uuid:
            return True
    return False


def _lines(path: Path) -> Iterator[bytes]:
    """A file's lines; what is wrong with the end of it (of compressed data) is said when it is read."""
    with suppress(OSError), open_stream(path) as file:
        yield from file


def _parsed(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            record = loads(line)
        except BadJson:
            continue  # reported when the file is read
        if isinstance(record, dict):
            yield record


class _Tree:
    """The session's lines by parent, in file order."""

    def __init__(self) -> None:
        self._parents: dict[str, str | None] = {}
        self._prompts: dict[str, list[str]] = {}
        self._last: str | None = None

    def add(self, record: dict[str, Any]) -> None:
        uuid = record.get("uuid")
        if not isinstance(uuid, str) or uuid in self._parents:
            return
        parent = _text(record.get("parentUuid")) or _text(record.get("logicalParentUuid"))
        self._parents[uuid] = parent
        if record.get("isSidechain") is not True:
            self._last = uuid
            if parent is not None and is_prompt(record):
                self._prompts.setdefault(parent, []).append(uuid)

    def abandoned(self) -> dict[str, str]:
        roots = self._abandoned_roots()
        branches: dict[str, str] = {}
        for uuid, parent in self._parents.items():
            name = roots.get(uuid) or (branches.get(parent) if parent is not None else None)
            if name is not None:
                branches[uuid] = name
        return branches

    def _abandoned_roots(self) -> dict[str, str]:
        """The first prompts of abandoned branches, numbered by when they were left: the next prompt beside them."""
        live = self._live()
        order = {uuid: place for place, uuid in enumerate(self._parents)}
        left: list[tuple[int, str]] = []
        for prompts in self._prompts.values():
            kept = next((uuid for uuid in reversed(prompts) if uuid in live), prompts[-1])
            for place, uuid in enumerate(prompts):
                if uuid != kept:
                    left.append((order[prompts[min(place + 1, len(prompts) - 1)]], uuid))
        return {uuid: f"rewind {number}" for number, (_, uuid) in enumerate(sorted(left), 1)}

    def _live(self) -> set[str]:
        live: set[str] = set()
        uuid = self._last
        while uuid is not None and uuid not in live:
            live.add(uuid)
            uuid = self._parents.get(uuid)
        return live
