"""Event logs to steps (ACP, AG-UI): what was streamed in pieces is put together, and what belongs to one turn.

A step is what an agent says and calls in one go: a thought, a text, calls, the results of these calls. It ends where
the agent speaks or thinks after it has called, calls after it was answered, or somebody else speaks. Sub-agents that
run at the same time are kept apart by lane. Late results find their step as in all session logs (`pairing.Window`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from sessions.readers.pairing import Turn, Window
from sessions.readers.shared import parse_arguments
from sessions.run import DEFAULT_ACTOR, Part, Raw, Role, Span, Step, arguments_text

#: A text in pieces is cut beyond this many characters and goes on in a further part.
MAX_TEXT_CHARS = 64 * 1024 * 1024
#: So many texts that were begun and not ended are remembered.
_MAX_STREAMS = 1000


@dataclass(slots=True, eq=False)
class Lane:
    """Somebody's turns: the main agent's, or a sub-agent's. asker: who speaks as its user."""

    actor: str = DEFAULT_ACTOR["agent"]
    depth: int = 0
    parent_call: str | None = None
    asker: str = DEFAULT_ACTOR["user"]
    current: Turn | None = None


@dataclass(slots=True, eq=False)
class Stream:
    """A text, a thought or a call's arguments coming in pieces."""

    turn: Turn
    part: Part
    pieces: list[str] = field(default_factory=list)
    size: int = 0
    open: bool = True

    def finish(self) -> None:
        """Put the pieces into the part."""
        if not self.pieces:
            return
        text = (self.part.text if self.part.kind != "tool_call" else "") + "".join(self.pieces)
        if self.part.kind == "tool_call":
            self.part.arguments = parse_arguments(text)
            self.part.text = arguments_text(self.part.arguments)
        else:
            self.part.text = text
        self.pieces = []


class Turns:
    """The turns of one run that are still open."""

    def __init__(self) -> None:
        self.window = Window()
        self.main = Lane()
        self._streams: dict[str, Stream] = {}

    # -- turns ------------------------------------------------------------------------------------------------------

    def begin(self, lane: Lane, role: Role, raw: Raw, at: str | None = None, actor: str | None = None) -> Turn:
        """A new turn in a lane, which is the lane's current one until the next."""
        self.close(lane)
        name = actor or {"agent": lane.actor, "user": lane.asker}.get(role, DEFAULT_ACTOR[role])
        step = Step(name, role, at=at, depth=lane.depth, parent_call=lane.parent_call, raw=[raw])
        turn = Turn(step, waiting=1)  # as long as it is current, more may come
        lane.current = turn
        self.window.add(turn)
        return turn

    def close(self, lane: Lane) -> None:
        """Nothing more comes to the lane's current turn but results."""
        if lane.current is not None:
            lane.current.waiting -= 1
            lane.current = None

    def agent(self, lane: Lane, raw: Raw, at: str | None, doing: Literal["say", "call"]) -> Turn:
        """The agent's turn in which it says or calls something now."""
        turn = lane.current
        if turn is not None and turn.step.role == "agent":
            called = any(part.kind == "tool_call" for part in turn.step.parts)
            answered = bool(turn.results)
            if not (called if doing == "say" else answered):
                note_raw(turn, raw)
                return turn
        return self.begin(lane, "agent", raw, at)

    def attach(self, raw: Raw, part: Part | None = None) -> None:
        """A record that is nobody's words goes beside the last turn."""
        turn = self.window.turns[-1] if self.window.turns else None
        if part is None and turn is not None:
            note_raw(turn, raw)
        else:
            self.window.attach(raw, part)

    # -- texts in pieces ----------------------------------------------------------------------------------------------

    def stream(self, key: str, turn: Turn, part: Part) -> Stream:
        """Begin a text that comes in pieces; the part must stand in the turn's step."""
        before = self._streams.pop(key, None)
        if before is not None:
            self._end(before)
        if len(self._streams) >= _MAX_STREAMS:
            self._end(self._streams.pop(next(iter(self._streams))))
        stream = self._streams[key] = Stream(turn, part)
        turn.waiting += 1
        return stream

    def piece(self, key: str, text: str, raw: Raw) -> bool:
        """Add a piece; False if no such text was begun."""
        stream = self._streams.get(key)
        if stream is None:
            return False
        note_raw(stream.turn, raw)
        stream.pieces.append(text)
        stream.size += len(text)
        if stream.size > MAX_TEXT_CHARS and stream.part.kind != "tool_call":
            stream.finish()
            stream.part = Part(stream.part.kind, "", name=stream.part.name)
            stream.turn.step.parts.append(stream.part)
            stream.size = 0
        return True

    def streaming(self, key: str) -> Stream | None:
        return self._streams.get(key)

    def end(self, key: str, raw: Raw | None = None) -> bool:
        """The text is whole."""
        stream = self._streams.pop(key, None)
        if stream is None:
            return False
        if raw is not None:
            note_raw(stream.turn, raw)
        self._end(stream)
        return True

    def _end(self, stream: Stream) -> None:
        stream.finish()
        if stream.open:
            stream.open = False
            stream.turn.waiting -= 1

    # -- finished steps -----------------------------------------------------------------------------------------------

    def finished(self) -> Iterator[Step]:
        for turn in self.window.ready():
            yield self._whole(turn)

    def rest(self) -> Iterator[Step]:
        """All that is left, at the end."""
        for stream in self._streams.values():
            stream.finish()
        self._streams.clear()
        for turn in self.window.rest():
            yield self._whole(turn)

    def _whole(self, turn: Turn) -> Step:
        """A turn that leaves the window takes what has come of its texts along; later pieces of them are others."""
        if self._streams and turn.waiting > 0:
            for key in [key for key, stream in self._streams.items() if stream.turn is turn]:
                self._streams.pop(key).finish()
        step = turn.step
        step.parts = [part for part in step.parts if part.text or part.kind not in ("text", "reasoning")]
        return step


def note_raw(turn: Turn, raw: Raw) -> None:
    """Add a record to a step's; lines that follow each other in the file are one place."""
    own = turn.step.raw
    last = own[-1] if own else None
    if isinstance(raw, Span) and isinstance(last, Span) and last.file == raw.file:
        gap = raw.offset - (last.offset + last.length)
        if 0 <= gap <= 2:
            own[-1] = Span(last.offset, raw.offset + raw.length - last.offset, raw.file)
            return
        if last.offset <= raw.offset and raw.offset + raw.length <= last.offset + last.length:
            return
    if last is not raw:
        own.append(raw)


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""
