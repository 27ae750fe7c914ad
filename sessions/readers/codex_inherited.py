"""What a sub-agent's rollout begins with and its parent said: all up to the call that spawned it, and what is older."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from sessions.jsontext import dump_bytes
from sessions.readers.pairing import Turn
from sessions.readers.shared import string
from sessions.run import Part, Span
from sessions.streams import open_stream

#: The spawning call is looked for in this much of the file.
_MOST_BYTES = 64 * 1024 * 1024


class Inherited:
    """The inherited records, told in one step with them in its `raw`. turn: that step's, once there is one."""

    def __init__(self, born: str, own_from: int) -> None:
        """born: when the sub-agent began. own_from: offset of the first byte that is not its parent's."""
        self._born, self._own_from = born, own_from
        self.turn: Turn | None = None
        self._records = 0

    @classmethod
    def of(cls, payload: dict[str, Any], path: Path, facts: dict[str, Any]) -> Inherited | None:
        """Of the session's first record; None if it is no sub-agent's. What it says of the parent goes to the facts."""
        source = payload.get("source")
        agent = source.get("subagent") if type(source) is dict else None
        spawn = agent.get("thread_spawn") if type(agent) is dict else None
        if type(spawn) is not dict:
            return None
        for key, name in (("parent_thread_id", "parent_thread_id"), ("spawn_call_id", "spawned_by_call")):
            if type(spawn.get(key)) is str:
                facts[name] = spawn[key]
        call_id = spawn.get("spawn_call_id")
        own_from = _end_of(path, call_id) if type(call_id) is str and call_id else 0
        return cls(string(payload.get("timestamp")) or "?", own_from)

    def has(self, record: dict[str, Any], span: Span) -> bool:
        """Whether a record is the parent's. The first one that is not ends them all."""
        at = record.get("timestamp")
        older = type(at) is str and len(at) == len(self._born) and at < self._born
        if not older and span.offset >= self._own_from:
            return False
        if self.turn is not None:
            self.turn.step.raw.append(span)
        self._records += 1
        return True

    def close(self, facts: dict[str, Any]) -> None:
        """There are no more: say how many there were."""
        if self.turn is None:
            return
        parent = facts.get("parent_thread_id")
        name = parent if type(parent) is str else "the parent"
        records = "1 record" if self._records == 1 else f"{self._records} records"
        self.turn.step.parts.append(Part("text", f"{records} inherited from {name}"))
        facts["inherited_records"] = self._records


def _end_of(path: Path, call_id: str) -> int:
    """Byte offset behind the last record that names the call which spawned this agent; 0 if none does."""
    needles = [b'"call_id":' + space + dump_bytes(call_id) for space in (b"", b" ")]
    end = offset = 0
    with suppress(OSError), open_stream(path) as file:  # what is wrong with it is said when it is read
        for line in file:
            offset += len(line)
            if any(needle in line for needle in needles):
                end = offset
            if offset > _MOST_BYTES:
                break
    return end
