"""Claude Code sessions: `~/.claude/projects/<folder>/<session>.jsonl`, and `claude -p --output-format stream-json`.

Undocumented; lines of versions 2.0.76 to 2.1.173 were seen (fixtures of Inspect Scout, public notes and issues:
formats.md 2.1). The file is append-only and has one JSON object a line: `type` user, assistant, system and a growing
list of others, tied to a tree by `uuid` and `parentUuid`.

How lines become steps:
- Lines with one `message.id` are one step (one line per content block, or growing snapshots of the message); its
  tokens are those of the last line. `tokens_in` is all input: fresh, written to and read from the cache.
- Results are lines of type "user"; they go to the step of their call. One that comes more than 64 steps later, or
  without a call, is a step of the environment where it stands. `is_error` is as stated; absent means no error.
- isMeta lines, compaction summaries and `system` lines with a text are steps of the system; output of local commands,
  API errors and other synthetic lines are the environment's; prompts typed during work (queued_command attachments)
  the user's. Everything else is a raw part of the step before it (of the first step if there is none yet).
- A line whose uuid came before is not read again; it is counted and stays in the `raw` of the step beside it.
- /clear ends a conversation: what follows is a run of its own (`Header.item`).
- A rewind's abandoned steps carry `branch` "rewind N" (`claude_code_files`). Files over 128 MB are not scanned
  first, and their steps are given on before the rewind is met: `facts.rewinds_unmarked` counts those.
- Sub-agents' steps (depth 1 and more, `parent_call`) come from lines with `isSidechain` or `parent_tool_use_id`, in
  place, and from their own files, put behind the step that started them, else at the end. Their prompt is a step of
  role user whose actor is the agent that asked. An `agent-*.jsonl` that is opened itself is a run of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sessions.readers.base import Head, Source
from sessions.readers.claude_code_conversation import Conversation
from sessions.readers.claude_code_files import SCAN_BYTES, AgentFile, AgentFiles, abandoned_branches, first_records
from sessions.readers.claude_code_lines import Lane, Lines, lane_of
from sessions.readers.pairing import Turn
from sessions.readers.shared import title_of
from sessions.run import DEFAULT_ACTOR, Facts, Header, Part, Problem, Record, Step

#: Sub-agents start sub-agents; files nested deeper than this are read at the end instead.
_MAX_DEPTH = 16


#: A line that begins like a JSON object: source code which names the format's keys has none.
_OBJECT = re.compile(rb'^\{"', re.MULTILINE)


class ClaudeCodeReader:
    """Reads a session with its sub-agents. See the module's docstring."""

    name = "claude-code"
    title = "Claude Code session"
    versions = "2.0.76-2.1.173"
    gaps = (
        "In files over 128 MB, steps that a rewind abandoned are counted but not marked. A rewind to the very "
        "first prompt looks like a resumed session and is not marked either. Texts that the program moved to "
        "`tool-results/` files are not fetched."
    )

    def sniff(self, head: Head) -> float:
        best = max((_likeness(line) for line in head.lines if isinstance(line, dict)), default=0.0)
        if (
            not head.lines
            and _OBJECT.search(head.data)
            and b'"parentUuid":' in head.data
            and b'"sessionId":' in head.data
        ):
            return 0.8  # the first line is damaged, or longer than the head
        return best

    def read(self, source: Source) -> Iterator[Record]:
        alone = _is_agent_file(source.path)
        agents = AgentFiles([]) if alone else AgentFiles.of(source.path)
        scanned = source.size <= SCAN_BYTES
        branches = {} if alone else abandoned_branches(source.path, source.size)
        lines = Lines(source, alone=alone, branches=branches, count_rewinds=not scanned)
        if alone:
            lines.conversations[0].facts["agentId"] = source.path.stem.removeprefix("agent-")
        header: Header | None = None
        for run, record in _family(source, lines, agents):
            if header is None or run != header.item:
                if header is not None:
                    yield _facts(header, lines.conversations[header.item])
                header = _header(source, lines.conversations[run], agents)
                yield header
            yield record
        if header is None:
            header = _header(source, lines.conversations[0], agents)
            yield header
        yield _facts(header, lines.conversations[header.item])


def _likeness(line: dict[str, Any]) -> float:
    kind = line.get("type")
    if "parentUuid" in line and ("sessionId" in line or "isSidechain" in line):
        return 0.97
    if kind == "system" and line.get("subtype") == "init" and "session_id" in line:
        return 0.95
    if kind in ("user", "assistant") and "parent_tool_use_id" in line and isinstance(line.get("message"), dict):
        return 0.9
    if (kind == "summary" and "leafUuid" in line) or (kind == "file-history-snapshot" and "snapshot" in line):
        return 0.8
    if kind in ("queue-operation", "ai-title", "custom-title", "last-prompt") and "sessionId" in line:
        return 0.8
    return 0.0


def _is_agent_file(path: Path) -> bool:
    """A sub-agent's own file: named so, or with no line but sidechain ones among the first."""
    if path.name.startswith("agent-"):
        return True
    marks = [record["isSidechain"] for record in first_records(path) if "isSidechain" in record]
    return bool(marks) and all(mark is True for mark in marks)


def _family(source: Source, lines: Lines, agents: AgentFiles) -> Iterator[tuple[int, Step | Problem]]:
    """The session's steps with its sub-agents' at their places, each with the number of its run."""
    run = 0
    for turn in lines.turns():
        if isinstance(turn, Problem):
            yield run, turn
            continue
        run = turn.run
        lines.given(turn)
        yield run, turn.step
        if agents.files:
            for record in _started(source, turn, agents):
                yield run, record
    for file in agents.rest():
        lane = Lane(file.type or file.agent, 1, file.call, asker=DEFAULT_ACTOR["agent"])
        for record in _agent(source, file, lane, agents):
            yield run, record


def _started(source: Source, turn: Turn, agents: AgentFiles) -> Iterator[Step | Problem]:
    if turn.step.depth >= _MAX_DEPTH:
        return
    for file, call in agents.started_by(turn):
        yield from _agent(source, file, _lane(file, call, turn.step), agents)


def _lane(file: AgentFile, call: Part | None, step: Step) -> Lane:
    if call is not None:
        return lane_of(call, step, file.agent, file.type)
    return Lane(file.type or file.agent, step.depth + 1, file.call, step.branch, asker=DEFAULT_ACTOR["agent"])


def _agent(source: Source, file: AgentFile, lane: Lane, agents: AgentFiles) -> Iterator[Step | Problem]:
    """A sub-agent's file, with the files of those it started itself."""
    lines = Lines(source, path=file.path, file=file.index, lane=lane, alone=True)
    try:
        for turn in lines.turns():
            if isinstance(turn, Problem):
                yield turn
                continue
            lines.given(turn)
            yield turn.step
            yield from _started(source, turn, agents)
    except OSError as error:
        yield Problem(str(file.path), None, f"cannot be read: {error.strerror}")


def _title(run: Conversation) -> str:
    """What the person, then the agent, then a summary calls the run, else the task."""
    title = run.titles.get("custom-title") or run.titles.get("ai-title") or run.titles.get("summary")
    return title_of(title) or title_of(run.task)


def _header(source: Source, run: Conversation, agents: AgentFiles) -> Header:
    return Header(
        ClaudeCodeReader.name,
        title=_title(run) or source.path.stem,
        task=run.task,
        system=f"claude-code {run.version}" if run.version else "claude-code",
        model=run.model,
        native_id=run.native_id,
        started_at=run.started_at,
        item=run.item,
        facts=dict(run.facts),
        files=[str(file.path.absolute()) for file in agents.files],
    )


def _facts(header: Header, run: Conversation) -> Facts:
    """What the header did not know yet when it was given."""
    values: dict[str, Any] = {"task": run.task, "model": run.model, "native_id": run.native_id}
    values["title"] = _title(run) or header.title
    values["started_at"] = run.started_at
    values["system"] = f"claude-code {run.version}" if run.version else header.system
    return Facts({**{name: value for name, value in values.items() if value is not None}, "facts": dict(run.facts)})
