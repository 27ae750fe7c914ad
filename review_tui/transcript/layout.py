"""Laying one step out: which rows it takes at a width, with some parts folded to a line.

Rows are not made until they are asked for: a layout holds the row starts of each part's text and finds the n-th row by
bisection, so a step of 60,000 lines costs one fold and then only what is on the screen.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from review_tui.sanitize import clean, clean_block
from review_tui.transcript.folding import cells, fold
from sessions.run import Part

#: Parts are folded to one line when they take more rows than this; what an agent does is hidden last.
FOLD_ROWS = {"tool_call": 8, "tool_result": 4, "reasoning": 6, "raw": 0}
#: Text beyond this is not laid out (searching and the raw view still reach it): one fold stays under 50 ms.
MAX_CHARS = 8_000_000
#: Cells that the rows of a call, result or thought are indented by.
INDENT = 2

RowKind = Literal["rule", "text", "head", "body", "note", "gap"]


@dataclass(slots=True, frozen=True)
class Row:
    """One row of a step. part: -1 for rows of no part. start, end: code points in the part's text.

    kind: `rule` opens a chunk, `text` is a row of a message, `head` the line of a call, result, thought or raw record
    (folded, or with its rows below), `body` one of those rows, `note` a remark of ours, `gap` the space after a step.
    """

    kind: RowKind
    part: int = -1
    start: int = 0
    end: int = 0


@dataclass(slots=True)
class PartLayout:
    """How one part is shown.

    text: cleaned, same positions as the part's own (only its beginning while folded). inline: all of it stands on the
    head's row. folded: only the head is shown. starts: row starts of the text, None while folded. lines: lines of the
    source text. cut: characters left out.
    """

    part: Part
    text: str
    label: str
    lines: int
    inline: bool = False
    folded: bool = False
    starts: array[int] | None = None
    cut: int = 0

    @property
    def is_text(self) -> bool:
        return self.part.kind == "text"

    @property
    def rows(self) -> int:
        """Rows the part takes."""
        head = 0 if self.is_text else 1
        body = 0 if self.inline or self.folded or self.starts is None else len(self.starts)
        return head + body + (1 if self.cut and not self.folded else 0)

    def row(self, n: int, number: int) -> Row:
        """The n-th row. number: this part's index in the step."""
        if not self.is_text:
            if n == 0:
                return Row("head", number, 0, len(self.text) if self.inline else 0)
            n -= 1
        starts = self.starts
        if starts is None or n >= len(starts):
            return Row("note", number)
        end = starts[n + 1] if n + 1 < len(starts) else len(self.text)
        return Row("text" if self.is_text else "body", number, starts[n], end)

    def row_of(self, position: int) -> int:
        """The row that shows a position of the text."""
        head = 0 if self.is_text else 1
        if self.inline or self.folded or self.starts is None:
            return 0
        return head + max(0, bisect_right(self.starts, position) - 1)


@dataclass(slots=True)
class StepLayout:
    """The rows of one step. parts: by their number in the step. opens_chunk: a chunk rule stands above it.

    order: part numbers as they are shown, each result right under its call. first: each part's first row.
    """

    parts: list[PartLayout]
    opens_chunk: bool
    order: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    height: int = 0
    _tops: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.order = [number for number in _reading_order(self.parts) if self.parts[number].rows]
        self.first = [0] * len(self.parts)
        at = self.top
        for number in self.order:
            self.first[number] = at
            self._tops.append(at)
            at += self.parts[number].rows
        self.height = max(at, self.top + 1) + 1

    @property
    def top(self) -> int:
        """The step's first row of content, under the chunk's rule."""
        return 1 if self.opens_chunk else 0

    def row(self, n: int) -> Row:
        if n == 0 and self.opens_chunk:
            return Row("rule")
        if n >= self.height - 1 or not self.order:
            return Row("gap")
        number = self.order[bisect_right(self._tops, n) - 1]
        return self.parts[number].row(n - self.first[number], number)

    def row_of(self, part: int, position: int) -> int:
        """The row that shows a position in a part's text."""
        return self.first[part] + self.parts[part].row_of(position)


def _reading_order(parts: list[PartLayout]) -> list[int]:
    """A source may tell all calls first and then all results; a reader wants each result under its call."""
    results: dict[str, list[int]] = {}
    calls = {part.part.call_id for part in parts if part.part.kind == "tool_call" and part.part.call_id}
    for number, part in enumerate(parts):
        if part.part.kind == "tool_result" and part.part.call_id in calls:
            results.setdefault(str(part.part.call_id), []).append(number)
    moved = {number for numbers in results.values() for number in numbers}
    order: list[int] = []
    for number, part in enumerate(parts):
        if number not in moved:
            order.append(number)
        if part.part.kind == "tool_call":
            order += results.pop(str(part.part.call_id), [])
    return order


def lay_out(parts: list[Part], width: int, folds: Mapping[int, bool], *, opens_chunk: bool = False) -> StepLayout:
    """Lay a step out in `width` cells. folds: parts that the reader folded (True) or opened (False)."""
    return StepLayout([_part(part, width, folds.get(number)) for number, part in enumerate(parts)], opens_chunk)


def _part(part: Part, width: int, wish: bool | None) -> PartLayout:
    found = PartLayout(part, "", label_of(part), part.text.count("\n") + 1, cut=max(0, len(part.text) - MAX_CHARS))
    if found.is_text:
        found.text = clean_block(part.text[:MAX_CHARS])
        found.starts = fold(found.text, width)
        return found
    room = width - INDENT - len(found.label) - 2
    if found.lines == 1 and len(part.text) <= room:
        found.text = clean_block(part.text)
        found.inline = cells(found.text) <= room
        if found.inline:
            return found
    most = FOLD_ROWS[part.kind]
    if wish or (wish is None and found.lines > most):
        found.folded = True  # its text is not even folded: the common case of a long result costs nothing
        found.text = clean_block(part.text[: 4 * width + 400])
        return found
    found.text = clean_block(part.text[:MAX_CHARS])
    starts = fold(found.text, width - INDENT)
    found.folded = wish is None and len(starts) > most
    found.starts = None if found.folded else starts
    return found


def label_of(part: Part) -> str:
    """What stands at the head of a part: the tool's name, or what the part is."""
    name = clean(part.name or "")[:40]
    match part.kind:
        case "tool_call":
            return name or "call"
        case "tool_result":
            return ("error?" if part.error_inferred else "error") if part.is_error else "result"
        case "reasoning":
            return f"thinking ({name})" if name and name != "thought" else "thinking"
        case "raw":
            return f"record {name}".strip()
        case _:
            return name


def size_of(part: PartLayout) -> str:
    """How much is folded away, for the right end of a head."""
    if part.lines > 1:
        return f"{part.lines:,} lines"
    return f"{len(part.part.text):,} characters"


def preview_of(part: PartLayout, width: int) -> str:
    """The first line that says something, for a folded head."""
    for line in part.text[: 4 * width + 400].split("\n"):
        if words := " ".join(line.split()):
            return words
    return ""
