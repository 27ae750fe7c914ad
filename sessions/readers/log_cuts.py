"""Cuts the text of a log into steps, line by line, so that a log of any length passes through.

`choose` finds out by which marks a log tells its turns apart, `cut` follows them. A log without marks is cut at blank
lines into blocks that a person can take in at once. Every line but the mark itself ends up in a part's text; what the
mark said (actor, time, tool) is in the step's fields, and the verbatim lines are the step's raw.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from sessions.jsontext import BadJson, loads
from sessions.readers.ag2 import named_role
from sessions.readers.log_marks import GENERIC, LOG_ACTOR, Family, Mark
from sessions.readers.log_systems import SYSTEM_FAMILIES, SYSTEMS
from sessions.readers.shared import call_part, result_part
from sessions.run import Part, PartKind, Step

#: A step's text is cut beyond this many characters, and goes on in a further step of the same actor.
MAX_STEP_CHARS = 4 * 1024 * 1024
#: The name of a tool whose log line holds only its arguments.
UNNAMED_TOOL = "tool"
#: Blocks of a log without marks have at most so many lines.
BLOCK_LINES = 40
#: So many marks of a system's own kind, or of a general kind, make a family credible.
ENOUGH_MARKS = 2
_SAMPLE_CHARS = 256 * 1024
_SPEAKER_LINE = re.compile(r"(?P<actor>[A-Za-z]\w{1,40}): ?")
_NAME_LINE = re.compile(r" {2,8}name: (?P<actor>\S{1,60})\s*$")
_BRACKETED = re.compile(r"\s*(?P<name>[A-Za-z_][\w.\- ]{0,60}?)\s*[\[(](?P<arguments>.*)[\])]\s*", re.DOTALL)
_ACTION_INPUT = re.compile(r"^(?:Action[ _]Input|Arguments|Args)(?:\s+\d+)?:[ \t]*\n?", re.IGNORECASE | re.MULTILINE)


class Line(NamedTuple):
    """A line with its newline, and where it stands: bytes of a file or characters of a string, as the caller likes."""

    text: str
    start: int
    end: int


class Cut(NamedTuple):
    """A step and the place of its lines. judges: it says how the run was judged, so it belongs in the reference."""

    step: Step
    start: int
    end: int
    judges: bool = False


def string_lines(text: str) -> Iterator[Line]:
    """The lines of a string; places are characters."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        end = min(end, start + MAX_STEP_CHARS)
        yield Line(text[start:end], start, end)
        start = end


def count_marks(sample: str, families: Iterable[Family]) -> list[tuple[Family, int, int]]:
    """Each family with its number of marks and of different actors in a text, notes not counted."""
    found = []
    rows = sample[:_SAMPLE_CHARS].splitlines()
    for family in families:
        marks = [mark for row in rows if (mark := family.read(row)) is not None and mark.kind != "raw"]
        found.append((family, len(marks), len({(mark.actor, mark.kind) for mark in marks})))
    return found


def choose(sample: str, system: str | None = None) -> Family | None:
    """The family whose marks a log has; None if it has none worth following. system: who made it, if known."""
    for family, marks, _ in count_marks(sample, SYSTEMS.get((system or "").lower(), ())):
        if marks:
            return family
    for family, marks, _ in count_marks(sample, SYSTEM_FAMILIES):
        if marks >= ENOUGH_MARKS:
            return family
    best, marks, _ = max(count_marks(sample, GENERIC), key=lambda entry: entry[1])
    return best if marks >= ENOUGH_MARKS else None


def cut(lines: Iterable[Line], family: Family | None) -> Iterator[Cut]:
    """The steps of a log, in order."""
    if family is None:
        yield from _blocks(lines)
        return
    block: _Block | None = None
    stage: str | None = None
    for line in lines:
        row = line.text.rstrip("\r\n")
        mark = family.read(row)
        named = family.stage.search(row) if family.stage and mark is None else None
        stage = named[1] if named else (mark.stage if mark and mark.stage else stage)
        if block is None:
            block = _first(mark, line, row)
        elif mark is not None and not block.takes(mark):
            yield _marked(block.finish(), family)
            block = _Block(mark, line)
        else:
            if block.size + len(line.text) > MAX_STEP_CHARS:
                yield _marked(block.finish(), family)
                block = block.continued(line)
            block.add(mark, line)
        if block is not None:
            block.mark.stage = stage
    if block is not None:
        yield _marked(block.finish(), family)


def _marked(found: Cut, family: Family) -> Cut:
    """The step with its errors, where the system states them."""
    for part in found.step.parts:
        if part.kind == "tool_result" and family.failed is not None and family.failed.match(part.text):
            part.is_error, part.error_inferred = True, False
    return found


def _first(mark: Mark | None, line: Line, row: str) -> _Block | None:
    """The step that a log's first line opens; none where it is blank."""
    if mark is None and not row.strip():
        return None
    return _Block(mark or Mark(LOG_ACTOR, "environment", text=row), line)


@dataclass(slots=True)
class _Piece:
    kind: PartKind
    name: str | None
    call_id: str | None
    texts: list[str] = field(default_factory=list)

    def part(self) -> Part | None:
        text = _trimmed("".join(self.texts))
        if not text:
            return None
        if self.kind == "tool_call":
            return _call(text, self.name, self.call_id)
        if self.kind == "tool_result":
            return result_part(text, name=self.name, call_id=self.call_id)
        return Part(self.kind, text, name=self.name)


class _Block:
    """The lines of one step as they come."""

    def __init__(self, mark: Mark, line: Line) -> None:
        self.mark = mark
        self.start, self.end = line.start, line.start
        self.size = 0
        self.pieces: list[_Piece] = []
        self._rank = mark.rank
        self._open_actor = mark.open_actor
        self.add(mark, line)

    def takes(self, mark: Mark) -> bool:
        """Whether a mark belongs to this step instead of opening the next."""
        if mark.actor is None:
            return True
        if mark.actor != self.mark.actor:
            return False
        return mark.rank > self._rank or (mark.merges and self.mark.merges)

    def add(self, mark: Mark | None, line: Line) -> None:
        text = line.text.replace("\r\n", "\n")
        if mark is not None:
            self._open_piece(mark)
            text = mark.text + ("\n" if text.endswith("\n") else "")
        elif self._open_actor:
            text = self._name_actor(text)
        self.pieces[-1].texts.append(text)
        self.size += len(text)
        self.end = line.end

    def _open_piece(self, mark: Mark) -> None:
        if mark.rank > 0:
            self._rank = mark.rank
        last = self.pieces[-1] if self.pieces else None
        if last is None or (last.kind, last.name, last.call_id) != (mark.kind, mark.name, mark.call_id):
            self.pieces.append(_Piece(mark.kind, mark.name, mark.call_id))

    def _name_actor(self, text: str) -> str:
        """The speaker, where it stands in a line of its own or before the text; the text without it."""
        listed = _NAME_LINE.match(text)
        spoken = None if listed else _SPEAKER_LINE.match(text)
        found = listed or spoken
        if found is None:
            # A speaker stands before the first words or nowhere; a listing's name stands after them, indented.
            self._open_actor = not text.strip() or text[0] == " "
            return text
        self.mark.actor, self.mark.role = found["actor"], named_role(found["actor"])
        self._open_actor = False
        return text[spoken.end() :] if spoken else text

    def continued(self, line: Line) -> _Block:
        """An empty block of the same turn, for the line at which this one got too long."""
        last = self.pieces[-1]
        mark = Mark(self.mark.actor, self.mark.role, last.kind, name=last.name, at=self.mark.at, depth=self.mark.depth)
        return _Block(mark, Line("", line.start, line.start))

    def finish(self) -> Cut:
        mark = self.mark
        parts = [part for piece in self.pieces if (part := piece.part()) is not None]
        _name_calls(parts)
        role = "environment" if mark.actor is None else mark.role
        step = Step(mark.actor or LOG_ACTOR, role, parts, at=mark.at, depth=mark.depth, stage=mark.stage)
        return Cut(step, self.start, self.end, mark.judges)


def _name_calls(parts: list[Part]) -> None:
    """Gives a call the tool's name where only its result has it."""
    tools = [part for part in parts if part.kind in ("tool_call", "tool_result")]
    for call, result in pairwise(tools):
        if call.kind == "tool_call" and call.name == UNNAMED_TOOL and result.kind == "tool_result" and result.name:
            call.name = result.name


def _trimmed(text: str) -> str:
    """A text without the blank lines around it; the indentation of its first line stays."""
    text = text.rstrip()
    start = len(text) - len(text.lstrip())
    return text[text.rfind("\n", 0, start) + 1 :]


def _call(text: str, name: str | None, call_id: str | None) -> Part:
    """A tool call as logs write it: `search[query]`, or a name and `Action Input: {...}`, or JSON arguments."""
    split = _ACTION_INPUT.search(text)
    if split is not None:
        return call_part(name or text[: split.start()].strip() or "action", text[split.end() :], call_id)
    if name is None and _is_object(text):
        return call_part(UNNAMED_TOOL, text, call_id)
    bracketed = _BRACKETED.fullmatch(text) if name is None else None
    return call_part(name or (bracketed["name"] if bracketed else "action"), text, call_id)


def _is_object(text: str) -> bool:
    try:
        return text.startswith("{") and isinstance(loads(text), dict)
    except BadJson:
        return False


def _blocks(lines: Iterable[Line]) -> Iterator[Cut]:
    """Paragraphs, as many to a step as fit into BLOCK_LINES; longer ones are cut."""
    block: list[Line] = []
    paragraph: list[Line] = []
    size = 0
    for line in lines:
        size += len(line.text)
        if line.text.strip() and len(paragraph) < BLOCK_LINES and size < MAX_STEP_CHARS:
            paragraph.append(line)
            continue
        if len(block) + len(paragraph) > BLOCK_LINES or size >= MAX_STEP_CHARS:
            yield from _block(block)
            block = []
        block += [*paragraph, line] if not line.text.strip() else paragraph
        paragraph = [] if not line.text.strip() else [line]
        size = sum(len(entry.text) for entry in (*block, *paragraph))
    if len(block) + len(paragraph) > BLOCK_LINES:
        yield from _block(block)
        block = []
    yield from _block(block + paragraph)


def _block(lines: list[Line]) -> Iterator[Cut]:
    text = _trimmed("".join(line.text.replace("\r\n", "\n") for line in lines))
    if text:
        yield Cut(Step(LOG_ACTOR, "environment", [Part("text", text)]), lines[0].start, lines[-1].end)
