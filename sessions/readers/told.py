"""Histories that repeat: which messages of a model's input have been told before.

Each call of a model in a trace carries the whole conversation so far. Only what is new is to be read: the tail behind
what an earlier call's input and output said. Conversations (threads) are told apart by what they say, because
frameworks do not agree on what a conversation's span is:

- An input that begins with all that a thread has said goes on with that thread; its tail is new.
- Otherwise the nearest thread of the same lane (the same agent at the same place of the trace) is taken, if they begin
  alike: a history that was shortened, or a request made again. What was said in the lane before is not told again,
  message by message and as often as it was said.
- Otherwise a thread of another lane, if at least two pieces are common (an agent that takes over).
- An input that holds nothing new but comes from another invocation of the same agent is told anew: an agent that is
  asked the same thing twice was asked twice.

Messages are compared piece by piece (text, call, result), because some frameworks split a message that others keep.
System prompts are told once in each lane. Reasoning is left out of the comparison: histories often drop it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from sessions.jsontext import canonical
from sessions.readers.chat_roles import actor_and_role
from sessions.run import Part

#: Threads that are remembered. Each holds 16 bytes for every piece of its history.
_THREADS = 64


@dataclass(slots=True)
class Said:
    """One message of a model's input or output.

    role: as in chat formats; a role that is none of those names an agent. source: the message as the trace has it.
    choice: 0 for the answer that was taken, 1 and more for further candidates.
    """

    role: str
    parts: list[Part]
    name: str | None = None
    source: Any = None
    choice: int = 0
    _marks: list[bytes | None] | None = None

    def marks(self) -> list[bytes | None]:
        """Each part's fingerprint, made once: a message is looked at with every request that repeats it."""
        if self._marks is None:
            self._marks = [fingerprint(self, part) for part in self.parts]
        return self._marks


@dataclass(slots=True, eq=False)
class _Thread:
    lane: Hashable
    owner: Hashable
    told: list[bytes] = field(default_factory=list)


class Memory:
    """What has been told of one trace."""

    def __init__(self) -> None:
        self._threads: deque[_Thread] = deque(maxlen=_THREADS)
        self._counts: dict[Hashable, Counter[bytes]] = {}

    def new(self, messages: Sequence[Said], lane: Hashable, owner: Hashable, *, nested: bool) -> tuple[list[Said], Any]:
        """The messages not told so far, in order, and the thread to which `answer` adds what the model said.

        lane: the agent and its place. owner: the invocation of that agent. nested: whether it is a sub-agent.
        """
        counts = self._counts.setdefault(lane, Counter())
        marks = [message.marks() for message in messages]
        flat = [
            mark
            for message, row in zip(messages, marks, strict=True)
            if not _is_system(message)
            for mark in row
            if mark is not None
        ]
        thread, common, anew = self._choose(flat, lane, owner, nested)
        fresh: list[Said] = []
        seen: Counter[bytes] = Counter()
        place, last_new = 0, not thread.told
        for message, row in zip(messages, marks, strict=True):
            parts: list[Part] = []
            compared = [mark for mark in row if mark is not None]
            for part, mark in zip(message.parts, row, strict=True):
                if mark is None:
                    continue
                seen[mark] += 1
                if _is_system(message):
                    is_new = counts[mark] == 0
                else:
                    is_new = place >= common and (anew or counts[mark] < seen[mark])
                    place += 1
                if is_new:
                    parts.append(part)
            if compared:
                last_new = len(parts) == len(compared)
            if last_new:
                fresh.append(message)
            elif parts:
                fresh.append(Said(message.role, parts, message.name, message.source))
        counts |= seen  # the larger count of each: what this input holds has been said so often
        if thread in self._threads:
            self._threads.remove(thread)
        self._threads.append(thread)
        thread.told, thread.owner = flat, owner
        return fresh, thread

    def answer(self, thread: _Thread, messages: Sequence[Said]) -> None:
        """What the model said belongs to the thread's history from now on."""
        counts = self._counts[thread.lane]
        for message in messages:
            for mark in message.marks():
                if mark is not None:
                    thread.told.append(mark)
                    counts[mark] += 1

    def _choose(self, flat: list[bytes], lane: Hashable, owner: Hashable, nested: bool) -> tuple[_Thread, int, bool]:
        """The thread that goes on, how many pieces of it this input begins with, and whether to tell all anew."""
        best: tuple[_Thread, int] | None = None
        near: tuple[_Thread, int] | None = None
        for thread in reversed(self._threads):
            told = thread.told
            common = _common(told, flat)
            if common and common == len(told):
                if best is None or common > best[1]:
                    best = thread, common
            elif common >= (1 if thread.lane == lane else 2) and (near is None or common > near[1]):
                near = thread, common
        if best is not None and (best[0].lane == lane or not nested or best[1] > 1):
            return _moved(best[0], lane), best[1], False
        if near is None:
            return _Thread(lane, owner), 0, False
        thread, common = near
        if common == len(flat) and (nested or thread.lane == lane) and thread.owner != owner:
            return _Thread(lane, owner), 0, True
        return (thread if thread.lane == lane else _Thread(lane, owner, flat)), common, False


def _moved(thread: _Thread, lane: Hashable) -> _Thread:
    thread.lane = lane
    return thread


def _common(told: list[bytes], flat: list[bytes]) -> int:
    """How many pieces at the beginning are the same."""
    length = min(len(told), len(flat))
    if told[:length] == flat[:length]:
        return length
    low, high = 0, length
    while low < high:  # slices compare in C; the first difference is found by halving
        middle = (low + high + 1) // 2
        low, high = (middle, high) if told[:middle] == flat[:middle] else (low, middle - 1)
    return low


def _is_system(message: Said) -> bool:
    return message.role in ("system", "developer")


def fingerprint(message: Said, part: Part) -> bytes | None:
    """What a piece is recognised by in another copy of the history; None for reasoning, which is not compared.

    Calls and results with an id are recognised by it: long results are often cut in later copies.
    """
    kind = part.kind
    if kind == "reasoning":
        return None
    if kind in ("tool_call", "tool_result") and part.call_id is not None:
        pieces = [kind, part.call_id]
    elif kind == "tool_call":
        pieces = [kind, part.name or "", canonical(part.arguments).decode("utf-8", "replace")]
    elif kind == "tool_result":
        pieces = [kind, part.text.strip()]
    else:
        _, role, _ = actor_and_role(message.role, message.name)
        pieces = [kind, role, part.text.strip()]
    data = "\0".join(pieces).encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=16).digest()
