"""Codex CLI rollouts (`~/.codex/sessions/YYYY/MM/DD/rollout-*.jsonl`) and `codex exec --json`.

Undocumented and versioned by the CLI; lines `{timestamp, type, payload}` of 2025 to 0.15x were seen (fixtures of
public viewers, openai/codex issues and changes: formats.md 2.2). Append-only, files of gigabytes exist, so it streams.

How lines become steps:
- The agent's reasoning, messages and calls up to their outputs are one step; the next item after an output, or a
  message of somebody else, begins another. Outputs find their call by `call_id`, up to 64 steps later; then, or
  without a call, they are a step of the environment.
- A message stands in the log as `response_item` and again as `event_msg` (since 0.147 `item_completed`). The second
  record of an equal pair adds nothing but its place in `raw`; an event that no item repeats is the message itself.
- Messages of role developer or system, and those of role user that the program injects (AGENTS.md, environment
  context, permissions ...) are steps of role and actor "system".
- Exit codes in an output's text or metadata are inferred errors; an `exec_command_end` states them.
- `token_count` is cumulative: the last one is `facts.tokens`. A step gets tokens only where the totals grew by exactly
  the last call's usage and one step began since. tokens_in includes cached input.
- Sub-agents have files of their own, each a run (`facts.parent_thread_id`, `spawned_by_call`). The prefix inherited
  from the parent is one system step that says so; its records are in that step's `raw`.
- session_meta, turn_context, token_count and the turns' beginnings and ends are facts, kept in the `raw` of the step
  beside them; a compaction and an aborted turn are steps of the system, errors of the environment; all else is a
  raw part. Encrypted reasoning is never shown.
Not read: `.jsonl.zst`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sessions.readers.base import Head, Source
from sessions.readers.codex_lines import Rollout
from sessions.run import Facts, Header, Part, Problem, Record

_RECORDS = ("response_item", "event_msg", "turn_context", "compacted")
_EXEC = ("turn.started", "item.started", "item.completed", "turn.completed")
_LATE = ("title", "task", "system", "model", "native_id", "started_at", "facts")


#: A line that begins like a JSON object: source code which names the format's keys has none.
_OBJECT = re.compile(rb'^\{"', re.MULTILINE)


class CodexReader:
    """Reads one rollout. See the module's docstring."""

    name = "codex"
    title = "Codex CLI rollout"
    versions = "2025-06 to 0.15x"
    gaps = "Encrypted reasoning stays closed."

    def sniff(self, head: Head) -> float:
        best = max((_likeness(line) for line in head.lines if isinstance(line, dict)), default=0.0)
        if (
            not head.lines
            and _OBJECT.search(head.data)
            and b'"session_meta"' in head.data
            and b'"payload":' in head.data
        ):
            return 0.8  # the first line is damaged, or longer than the head
        return best

    def read(self, source: Source) -> Iterator[Record]:
        header = Header(self.name, title=source.path.stem, system="codex")
        rollout = Rollout(source, header)
        given = False
        for turn in rollout.turns():
            if not given:  # the header is filled from the lines read so far, and copied: it fills up further
                given = True
                yield _copy(header)
            if isinstance(turn, Problem):
                yield turn
                continue
            if not turn.step.parts:
                turn.step.parts.append(Part("reasoning", "[encrypted reasoning]"))
            yield turn.step
        if not given:
            yield _copy(header)
        yield Facts({name: value for name in _LATE if (value := getattr(header, name)) is not None})


def _copy(header: Header) -> Header:
    return Header(
        header.format,
        title=header.title,
        task=header.task,
        system=header.system,
        model=header.model,
        native_id=header.native_id,
        started_at=header.started_at,
        facts=dict(header.facts),
    )


def _likeness(line: dict[str, Any]) -> float:
    kind, payload = line.get("type"), line.get("payload")
    if isinstance(payload, dict):
        if kind == "session_meta":
            return 0.98
        return 0.9 if kind in _RECORDS else 0.0
    if kind == "thread.started" and "thread_id" in line:
        return 0.95
    if kind in _EXEC and ("item" in line or "usage" in line or len(line) == 1):
        return 0.7
    if kind is None and "id" in line and "timestamp" in line and ("instructions" in line or "git" in line):
        return 0.7
    return 0.7 if line.get("record_type") == "state" else 0.0
