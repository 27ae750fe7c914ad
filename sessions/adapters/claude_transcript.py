"""The part of a Claude Code session that was not at a gate yet, read by the reader's own code.

A hook is a process of its own each time, so what it must know of the last one is kept as a small `memory`: for each
file the byte to read on from, and what of the last steps was shown. A session of any size costs what is new in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sessions.errors import UserError
from sessions.jsontext import BadJson, loads
from sessions.readers.base import MAX_LINE_BYTES, READ_BUFFER, Source
from sessions.readers.claude_code_files import AgentFiles
from sessions.readers.claude_code_lines import Lane, Lines
from sessions.run import DEFAULT_ACTOR, Flag, Problem, Step
from sessions.supervise.feed import Feed, View
from sessions.writing import flags_of


class Transcript:
    """A session with its sub-agents' files. memory: as the last process left it, {} for a new session."""

    def __init__(self, path: Path, memory: dict[str, Any]) -> None:
        self.path = path
        self._offsets: dict[str, int] = dict(memory.get("offsets", {}))
        self._sizes: dict[str, int] = dict(memory.get("sizes", {}))
        self.feed = Feed()
        self.feed.remember(memory.get("shown", []))
        self.session: str | None = None
        self._read: dict[Path, int] = {}

    def begin_here(self) -> None:
        """What stands in the files now is of an earlier time: it needs no gate."""
        for path in [self.path, *self._agent_paths()]:
            self._offsets[str(path)] = self._sizes[str(path)] = _size(path)

    def read(self) -> None:
        """Read what is new into `feed`. Raises UserError if the session's file cannot be read."""
        self._take(self.path, None)
        paths = [path for path in self._agent_paths() if _size(path) != self._sizes.get(str(path))]
        if not paths:
            return
        known = {file.path.absolute(): file for file in AgentFiles.of(self.path).files}
        for path in paths:
            file = known.get(path)
            actor = (file.type or file.agent) if file else path.stem.removeprefix("agent-")
            self._take(path, Lane(actor, 1, file.call if file else None, asker=DEFAULT_ACTOR["agent"]))

    def memory(self) -> dict[str, Any]:
        """What the next process must know, given that `feed` was shown as far as it says."""
        shown: list[list[Any]] = []
        for path, first in self._read.items():
            offset, known = self.feed.memory(path, first)
            self._offsets[str(path)] = offset
            self._sizes[str(path)] = _size(path)
            shown += known
        return {"offsets": self._offsets, "sizes": self._sizes, "shown": shown}

    def _take(self, path: Path, lane: Lane | None) -> None:
        first = self._offsets.get(str(path), 0)
        if _size(path) < first:  # written anew: all of it is new to us
            first = 0
        self._read[path] = first
        lines = Lines(_Part(path, first), lane=lane, alone=lane is not None)
        steps: list[Step] = []
        problems = 0
        try:
            for turn in lines.turns():
                if isinstance(turn, Problem):
                    problems += 1
                else:
                    lines.given(turn)
                    steps.append(turn.step)
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}.") from None
        conversation = lines.conversations[-1]
        self.session = self.session or conversation.session
        certain = next((place for place, step in enumerate(steps) if flags_of(step) & Flag.UNANSWERED), len(steps) - 1)
        certain = max(0, min(certain, len(steps) - 1))  # the last one may yet grow
        task = conversation.task if lane is None else None
        self.feed.take(path, 0, View(True, steps[:certain], steps[certain:], task, None, problems))

    def _agent_paths(self) -> list[Path]:
        found: list[Path] = []
        for top, _, names in os.walk(self.path.with_suffix("") / "subagents"):
            found += [
                Path(top, name).absolute() for name in names if name.startswith("agent-") and name.endswith(".jsonl")
            ]
        return sorted(found)


class _Part(Source):
    """A file from a byte on. A last line that is half is not there yet."""

    def __init__(self, path: Path, first: int) -> None:
        super().__init__(path)
        self._first = first

    def lines(self, path: Path | None = None) -> Iterator[tuple[int, int, bytes]]:  # noqa: ARG002 - it is one file
        offset = self._first
        with open(self.path, "rb", buffering=READ_BUFFER) as file:
            file.seek(offset)
            number = 0
            while line := file.readline(MAX_LINE_BYTES):
                number += 1
                body = line.rstrip(b"\r\n")
                if not line.endswith(b"\n") and not _is_json(body):
                    return
                if body.strip():
                    yield number, offset, body
                offset += len(line)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _is_json(line: bytes) -> bool:
    try:
        loads(line)
    except BadJson:
        return False
    return True
