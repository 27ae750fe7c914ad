"""Turning rows of a transcript into styled segments. Only visible rows ever come here.

Every segment has a style: an unstyled one crashes under NO_COLOR in Textual 8. Text arrives cleaned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from rich.segment import Segment
from rich.style import Style

from review_tui.sanitize import short
from review_tui.transcript.document import MAX_DEPTH, Document
from review_tui.transcript.folding import cells, crop, shown
from review_tui.transcript.layout import INDENT, PartLayout, Row, StepLayout, preview_of, size_of
from review_tui.transcript.marks import Marks, Passage
from review_tui.transcript.scroller import Place
from review_tui.words import steps_text
from sessions.bodies import StoredStep
from sessions.run import Flag

#: Cursor, mark and chunk bar, one cell each.
GUTTER = 3
VERDICT_GLYPH = {"approve": "✓", "rollback": "↶", "stop": "■", "abstain": "–", "reject": "✗"}
VERDICT_WORD = {
    "approve": "approved",
    "rollback": "rolled back",
    "stop": "stopped",
    "abstain": "abstained",
    "reject": "rejected",
}
_MARGIN_STYLE = {"user": "actor-user", "system": "actor-system", "agent": "actor-agent", "environment": "actor-system"}


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand in a row of `width` cells. number, actor: widths of those columns; body: room for text."""

    width: int
    number: int
    actor: int

    @classmethod
    def of(cls, width: int, total: int, longest_actor: int) -> Columns:
        room = 14 if width >= 100 else 10 if width >= 70 else 6 if width >= 50 else 0
        return cls(width, len(str(max(1, total))), min(room, longest_actor))

    @property
    def margin(self) -> int:
        return GUTTER + self.number + 1 + (self.actor + 1 if self.actor else 0)

    @property
    def body(self) -> int:
        return max(8, self.width - self.margin - 1)


def paint_row(
    document: Document,
    place: Place,
    columns: Columns,
    marks: Marks,
    look: Mapping[str, Style],
    *,
    cursor: bool,
) -> list[Segment]:
    """One row of the transcript, as wide as its text; the caller fills it up and lays the cursor's colour over it."""
    stored, layout = document.step(place.step), document.layout(place.step)
    row = layout.row(place.row)
    chunk = document.chunks.of_step(place.step)
    if row.kind == "rule":
        return _rule(document, chunk, columns, marks, look, cursor=cursor)
    first = place.row == layout.top
    segments = _gutter(stored, layout, row, place.step, marks, look, cursor=cursor, first=first)
    bar = look["bar"] if chunk == marks.current else look["text"]
    segments.append(Segment("▌" if chunk == marks.current else " ", bar))
    segments += _margin(stored, columns, look, first=first)
    if depth := min(stored.step.depth, MAX_DEPTH):
        segments.append(Segment("│ " * depth, look["faint"]))
    width = columns.body - 2 * depth
    if row.part >= 0:
        segments += _content(stored, layout.parts[row.part], row, place.step, width, marks, look)
    elif first:
        segments.append(Segment("(says nothing)", look["faint"]))
    return segments


def _rule(
    document: Document, chunk: int, columns: Columns, marks: Marks, look: Mapping[str, Style], *, cursor: bool
) -> list[Segment]:
    first, last = document.chunks.bounds(chunk)
    verdict = marks.verdicts.get(chunk)
    style = look["rule-current"] if chunk == marks.current else look["rule"]
    state = f" {VERDICT_GLYPH[verdict]} {VERDICT_WORD[verdict]} " if verdict in VERDICT_GLYPH else ""
    title = f"── chunk {chunk + 1:,} · {steps_text(first, last)} "
    room = columns.width - GUTTER - len(title) - len(state) - 2
    return [
        Segment("▸" if cursor else " ", look["cursor-glyph"]),
        Segment("  ", look["text"]),
        Segment(title + "─" * max(0, room), style),
        Segment(state, look.get(f"verdict-{verdict}", style)),
        Segment("──", style),
    ]


def _gutter(
    stored: StoredStep,
    layout: StepLayout,
    row: Row,
    index: int,
    marks: Marks,
    look: Mapping[str, Style],
    *,
    cursor: bool,
    first: bool,
) -> list[Segment]:
    glyph, style = " ", look["text"]
    part = layout.parts[row.part] if row.part >= 0 else None
    evidence = [
        item.style
        for item in marks.evidence.get(index, ())
        if item.part == row.part and item.start < max(row.end, row.start + 1) and item.end > row.start
    ]
    if row.kind == "head" and part is not None and part.part.is_error:
        glyph, style = "!", look["error"]
    if "suggestion" in evidence or (first and index in marks.suggested):
        glyph, style = ("▲", look["error"]) if index in marks.alarming else ("◇", look["suggestion"])
    if "label" in evidence or (first and index in marks.labelled):
        glyph, style = "◆", look["label"]
    elif first and glyph == " " and stored.flags & Flag.ERROR:
        glyph, style = "!", look["error"]
    return [Segment("▸" if cursor else " ", look["cursor-glyph"]), Segment(glyph, style)]


def _margin(stored: StoredStep, columns: Columns, look: Mapping[str, Style], *, first: bool) -> list[Segment]:
    if not first:
        return [Segment(" " * (columns.margin - GUTTER), look["text"])]
    abandoned = bool(stored.flags & Flag.ABANDONED)
    number = Segment(f"{stored.number:>{columns.number}} ", look["faint"] if abandoned else look["number"])
    if not columns.actor:
        return [number]
    name = short(("~" if abandoned else "") + stored.step.actor, columns.actor)
    name += " " * (columns.actor - cells(name) + 1)
    style = look["faint"] if abandoned else look[_MARGIN_STYLE[stored.step.role]]
    return [number, Segment(name, style)]


def _content(
    stored: StoredStep,
    part: PartLayout,
    row: Row,
    index: int,
    width: int,
    marks: Marks,
    look: Mapping[str, Style],
) -> list[Segment]:
    base = look["faint"] if stored.flags & Flag.ABANDONED else look[_body_style(stored, part)]
    if row.kind == "note":
        return [Segment(f"… {part.cut:,} more characters: / searches them, i shows them raw", look["faint"])]
    if row.kind == "head":
        return _head(stored, part, row, index, width, marks, look, base)
    segments = []
    if row.kind == "body":
        segments.append(Segment(" " * INDENT, base))
        width -= INDENT
    return segments + _text(part, row, index, width, marks, look, base)


def _body_style(stored: StoredStep, part: PartLayout) -> str:
    match part.part.kind:
        case "text":
            return "system-text" if stored.step.role == "system" else "text"
        case "tool_call":
            return "call"
        case "tool_result":
            return "error-text" if part.part.is_error and not part.part.error_inferred else "result"
        case _:
            return "thought"


def _head(
    stored: StoredStep,
    part: PartLayout,
    row: Row,
    index: int,
    width: int,
    marks: Marks,
    look: Mapping[str, Style],
    base: Style,
) -> list[Segment]:
    """`▸ bash  kubectl get pods ...            14 lines`: fold state, label, first line, size."""
    glyph = ("›" if part.part.kind == "tool_call" else "·") if part.inline else "▸" if part.folded else "▾"
    kind = "error" if part.part.is_error else "call-name" if part.part.kind == "tool_call" else "part"
    label_style = look[kind]
    segments = [Segment(f"{glyph} ", look["part"]), Segment(f"{part.label}  ", label_style)]
    room = width - INDENT - cells(part.label) - 2
    if part.inline:
        if not part.text:
            return [*segments, Segment("(empty)", look["faint"])]
        return segments + _text(part, row, index, room, marks, look, base)
    size = size_of(part)
    if part.part.kind == "tool_call" and not any(other.kind == "tool_result" for other in stored.step.parts):
        size += ", no result"
    hidden = [item for item in marks.evidence.get(index, ()) if part.folded and item.part == row.part]
    if hidden:
        size = f"{'◆' if any(item.style == 'label' for item in hidden) else '◇'} {size}"
    preview = ""
    if part.folded:
        preview = shown(crop(preview_of(part, width), max(0, room - len(size) - 2)))
    gap = " " * max(1, room - cells(preview) - len(size))
    return [*segments, Segment(preview, base), Segment(gap + size, look["faint"])]


def _text(
    part: PartLayout, row: Row, index: int, width: int, marks: Marks, look: Mapping[str, Style], base: Style
) -> list[Segment]:
    line = crop(part.text[row.start : row.end].rstrip("\n"), width)
    passages = marks.passages(index, row.part, row.start, row.start + len(line), part.text)
    if not passages:
        return [Segment(shown(line), base)]
    return _overlaid(line, row.start, passages, look, base)


def _overlaid(
    line: str, start: int, passages: Iterable[Passage], look: Mapping[str, Style], base: Style
) -> list[Segment]:
    """The line in pieces, each with the styles of the passages that cover it, later ones over earlier ones."""
    items = list(passages)
    edges = sorted({0, len(line), *(item.start - start for item in items), *(item.end - start for item in items)})
    segments = []
    for low, high in pairwise(edges):
        style = base
        for item in items:
            if item.start - start <= low and item.end - start >= high:
                style += look[item.style]
        segments.append(Segment(shown(line[low:high]), style))
    return segments
