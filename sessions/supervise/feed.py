"""Which steps of a session have yet to be shown at a gate.

Steps are shown once. A step that has grown after it was shown (a result came late, an agent's message went on) is
followed by another with what is new in it. Steps in which something is still going on wait for the next gate, unless
later ones are complete (a sub-agent works while the call that started it waits). What a client notes beside the
conversation (records kept raw) is left to its session file: there is much of it, and the agent did none of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from sessions.run import Flag, Part, Span, Step, arguments_text
from sessions.writing import flags_of

#: Names a step for good: the file, the source's id of it (or its place), and how many before it had the same.
Key = tuple[str, str, int]


class View(NamedTuple):
    """What is new in a session file. anew: `settled` begins with the first step. settled: steps that are certain.
    pending: those behind them that may still change. task: the first thing the user asked for. session: the source's
    own name of the session. problems: how many records could not be read so far."""

    anew: bool
    settled: list[Step]
    pending: list[Step]
    task: str | None
    session: str | None
    problems: int


@dataclass
class _File:
    """A session file. base: bytes of it that were there before the command. count: steps by name, for their keys.
    told: the settled steps of the last view. waiting: those that were not shown yet."""

    base: int
    count: Counter[str] = field(default_factory=Counter)
    place: int = 0
    earlier: bool = False
    told: list[tuple[Key, Step]] = field(default_factory=list)
    waiting: list[tuple[Key, Step]] = field(default_factory=list)
    pending: list[tuple[Key, Step]] = field(default_factory=list)


class Feed:
    """The steps of a command's session files. `take` what is read, ask for `steps`, and say when they were `shown`."""

    def __init__(self) -> None:
        self._files: dict[Path, _File] = {}
        #: What was shown of each step: a digest of every part.
        self._shown: dict[Key, list[bytes]] = {}
        self.earlier = 0
        self.task: str | None = None
        self.problems = 0

    def take(self, path: Path, base: int, view: View) -> None:
        """What is new in a file. base: bytes that were in it before the command was started."""
        file = self._files.setdefault(path, _File(base))
        if view.anew:
            self._files[path] = file = _File(base)
        file.told = [(self._named(path, file, step), step) for step in view.settled]
        file.waiting += [(key, step) for key, step in file.told if self._rest(key, step) is not None]
        count, place = file.count.copy(), file.place
        file.pending = [(self._named(path, file, step), step) for step in view.pending]
        file.count, file.place = count, place
        self.task = self.task or view.task
        self.problems = max(self.problems, view.problems)

    def _named(self, path: Path, file: _File, step: Step) -> Key:
        """The step's key. One that stood in the file before the command was started needs no gate, nor do the steps of
        the sub-agents that it started then."""
        key = _key(path, file, step)
        spans = [raw for raw in step.raw if isinstance(raw, Span)]
        if spans and spans[0].file == 0:
            file.earlier = spans[0].offset < file.base
        if file.earlier and key not in self._shown:
            self._shown[key] = _digests(step)
            self.earlier += 1
        return key

    def steps(self, *, everything: bool = False) -> list[Step]:
        """What is to be shown at a gate now. everything: what is not complete, too (the command has ended)."""
        return [step for _, step in self._due(everything)]

    def complete(self) -> list[Step]:
        """Of `steps`, those that nothing more is awaited of: they are what a chunk is counted by."""
        return [rest for file in self._files.values() for key, step in [*file.waiting, *_done(file.pending)]
                if (rest := self._rest(key, step)) is not None]  # fmt: skip

    def flying(self) -> list[Part]:
        """Calls that were made and have no result yet: they are about to run, or running."""
        return [part for file in self._files.values() for _, step in file.pending for part in _unanswered(step)]

    def tells_of(self, call_id: str) -> bool:
        """Whether a call with this id stands in what was read."""
        return any(part.call_id == call_id for part in self._parts())

    def says(self, text: str) -> bool:
        """Whether an agent's words stand in what was read."""
        wanted = text.strip()
        return any(part.kind == "text" and part.text.strip() == wanted for part in self._parts())

    def _parts(self) -> Iterator[Part]:
        for file in self._files.values():
            for _, step in (*file.told, *file.pending):
                yield from step.parts

    def shown(self, *, everything: bool = False) -> None:
        """What `steps` gave was shown."""
        for key, step in list(self._due(everything)):
            self._shown.setdefault(key, []).extend(_digests(step))
        for file in self._files.values():
            file.waiting = []

    # -- kept between processes -------------------------------------------------------------------------------------

    def remember(self, known: list[list[Any]]) -> None:
        """Take up what an earlier process has shown, as `memory` gave it."""
        for path, name, number, digests in known:
            self._shown[(path, name, number)] = [bytes.fromhex(digest) for digest in digests]

    def memory(self, path: Path, first: int) -> tuple[int, list[list[Any]]]:
        """What the next process must know of a file, which is read in parts: (byte to read on from, what was shown of
        the steps from there on). first: the byte that this part began with."""
        file = self._files.get(path)
        steps = [*file.told, *file.pending] if file else []
        open_ones = [step for key, step in steps if self._rest(key, step) is not None]
        # The last step may yet grow, so it is read again.
        begin = next((_offset(step) for step in [*open_ones[:1], *(step for _, step in steps[-1:])]), None)
        if begin is None:
            return first, []
        keys = [key for key, step in steps if (_offset(step) or 0) >= begin and key in self._shown]
        return begin, [[*key, [digest.hex() for digest in self._shown[key]]] for key in keys]

    def _due(self, everything: bool) -> Iterator[tuple[Key, Step]]:
        for file in self._files.values():
            last = max((place for place, (_, step) in enumerate(file.pending) if _is_done(step)), default=-1)
            chosen = file.pending if everything else file.pending[: last + 1]
            for key, step in [*file.waiting, *chosen]:
                if (rest := self._rest(key, step)) is not None:
                    yield key, rest

    def _rest(self, key: Key, step: Step) -> Step | None:
        """What of a step was not shown yet; None if all was."""
        said = [part for part in step.parts if part.kind != "raw"]
        if key not in self._shown:
            return replace(step, parts=said or step.parts, raw=[])
        known = Counter(self._shown[key])
        parts = []
        for part in said:
            digest = _digest(part)
            if known[digest]:
                known[digest] -= 1
            else:
                parts.append(part)
        return replace(step, parts=parts, raw=[]) if parts else None


def _key(path: Path, file: _File, step: Step) -> Key:
    file.place += 1
    name = step.native_id or f"#{file.place}"
    file.count[name] += 1
    return str(path), name, file.count[name]


def _offset(step: Step) -> int | None:
    """Where a step begins in its file; None where that is not known."""
    return next((raw.offset for raw in step.raw if isinstance(raw, Span)), None)


def _done(pending: Sequence[tuple[Key, Step]]) -> list[tuple[Key, Step]]:
    return [item for item in pending if _is_done(item[1])]


def _is_done(step: Step) -> bool:
    """Whether nothing more is awaited of an unsettled step. An agent's words alone may go on to a call."""
    flags = flags_of(step)
    if step.role == "agent" and not flags & Flag.TOOL:
        return False
    return not flags & Flag.UNANSWERED


def _unanswered(step: Step) -> list[Part]:
    if not flags_of(step) & Flag.UNANSWERED:
        return []
    answered = Counter(part.call_id for part in step.parts if part.kind == "tool_result")
    found = []
    for part in step.parts:
        if part.kind == "tool_call":
            if answered[part.call_id]:
                answered[part.call_id] -= 1
            else:
                found.append(Part("tool_call", arguments_text(part.arguments), part.name, part.call_id, part.arguments))
    return found


def _digests(step: Step) -> list[bytes]:
    return [_digest(part) for part in step.parts if part.kind != "raw"]


def _digest(part: Part) -> bytes:
    pieces = (part.kind, part.name or "", part.call_id or "", str(part.is_error), part.text)
    joined = b"\0".join(piece.encode("utf-8", "surrogatepass") for piece in pieces)
    return blake2b(joined, digest_size=16).digest()
