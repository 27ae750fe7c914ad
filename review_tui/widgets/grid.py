"""Tables for a `RowList`: sections of rows under columns, which say at what width they are shown and how they sort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from review_tui.transcript.folding import cells
from review_tui.widgets.fitting import fit
from review_tui.widgets.rows import Pieces

#: What a cell shows: (text, look) pieces, given the record and the cells that there are.
Cell: TypeAlias = Callable[[Any, int], Sequence[tuple[str, str]]]
#: By what a column sorts; None where a record has nothing there, which comes last either way.
Sorter: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """width: cells; 0 takes what is left (one a table). from_width: shown on lists at least so wide. grow: cells it has
    on a list of 100 cells more. axis: its title stands on a line from 0 to 1."""

    title: str
    width: int
    cell: Cell
    sorter: Sorter | None = None
    right: bool = True
    from_width: int = 0
    grow: int = 0
    axis: bool = False

    def cells(self, width: int) -> int:
        """Its width on a list of that width."""
        return self.width + max(0, width - 80) * self.grow // 100 if self.width else 0


@dataclass(slots=True)
class Section:
    """Rows under one heading. records: (key, record) in their natural order. about: heading and record in plain words,
    for the reader. sorted_by: place in `columns`, -1 for the natural order."""

    heading: str
    columns: Sequence[Column]
    records: Sequence[tuple[str, Any]]
    explain: Callable[[Any], list[tuple[str, str]]]
    sorted_by: int = -1
    turned: bool = False

    def ordered(self) -> list[tuple[str, Any]]:
        """The records as they are sorted now."""
        rows = list(self.records)
        sorter = self.columns[self.sorted_by].sorter if self.sorted_by >= 0 else None
        if sorter is None:
            return rows[::-1] if self.turned else rows
        known = [row for row in rows if sorter(row[1]) is not None]
        known.sort(key=lambda row: sorter(row[1]), reverse=self.turned)
        return known + [row for row in rows if sorter(row[1]) is None]

    def visible(self, width: int) -> list[int]:
        return [place for place, column in enumerate(self.columns) if width >= column.from_width]

    def sort_next(self, width: int) -> str:
        """Sort by the next column that is shown; what it is called."""
        can = [-1, *(place for place in self.visible(width) if self.columns[place].sorter is not None)]
        at = can.index(self.sorted_by) if self.sorted_by in can else 0
        self.sorted_by = can[(at + 1) % len(can)]
        return self.columns[self.sorted_by].title if self.sorted_by >= 0 else "as they are"


@dataclass(slots=True)
class Grid:
    """Sections one below the other. A section's key is unique in the grid. Make a new one when anything changes."""

    sections: Sequence[Section]
    _rows: list[tuple[Section, str | None, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for section in self.sections:
            if section.heading:
                if self._rows:
                    self._rows.append((section, None, ""))
                self._rows.append((section, None, section.heading))
            self._rows += [(section, key, record) for key, record in section.ordered()]

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, index: int) -> str | None:
        return self._rows[index][1]

    def at(self, key: str | None) -> tuple[Section, Any] | None:
        """The section and the record of a key."""
        return next(((section, record) for section, own, record in self._rows if own == key and own is not None), None)

    def pieces(self, index: int, width: int) -> Pieces:
        section, key, record = self._rows[index]
        if key is None:
            return [(f" {record}", "heading")]
        return _laid_out(section, width, lambda column, room: column.cell(record, room))


def titles(section: Section, width: int) -> Pieces:
    """The names of a section's columns, with a mark at the one that it is sorted by."""

    def title(column: Column, room: int) -> list[tuple[str, str]]:
        mine = section.sorted_by >= 0 and section.columns[section.sorted_by] is column
        mark = ("▾" if section.turned else "▴") if mine else ""
        text = fit(column.title, room - len(mark)) + mark
        text = f"0{text:^{max(0, room - 2)}}1" if column.axis else text
        return [(text, "strong" if mine else "faint")]

    return _laid_out(section, width, title)


def _laid_out(section: Section, width: int, cell: Callable[[Column, int], Sequence[tuple[str, str]]]) -> Pieces:
    shown = [section.columns[place] for place in section.visible(width)]
    taken = sum(column.cells(width) + 1 for column in shown) + 1
    pieces: list[tuple[str, str]] = [(" ", "text")]
    for column in shown:
        room = column.cells(width) or max(8, width - taken)
        found = list(cell(column, room))
        blank = " " * max(0, room - sum(cells(text) for text, _ in found))
        pieces += [(blank, "text"), *found] if column.right else [*found, (blank, "text")]
        pieces.append((" ", "text"))
    return pieces


# -- cells ----------------------------------------------------------------------------------------------------------


def text_cell(get: Callable[[Any], str], look: str = "text") -> Cell:
    """Text of strangers, cut to the room."""
    return lambda record, room: [(fit(get(record), room), look)]


def number_cell(get: Callable[[Any], float | None], form: str = ".2f", look: str = "text") -> Cell:
    """A number; a dash where there is none."""

    def cell(record: Any, _room: int) -> list[tuple[str, str]]:
        value = get(record)
        return [("–", "faint")] if value is None else [(format(value, form), look)]

    return cell


def share_cell(get: Callable[[Any], tuple[int, int]], look: str = "text") -> Cell:
    """A count of a total, as `3/8` with a bar of its share where there is room for one."""

    def cell(record: Any, room: int) -> list[tuple[str, str]]:
        count, total = get(record)
        text = f"{count:,}/{total:,}" if total else "–"
        bar = bar_of(count / total if total else None, room - 9) if room >= 14 else []
        return [*bar, (f" {text:>8}" if bar else text, look if total else "faint")]

    return cell


def bar_of(share: float | None, room: int, look: str = "accent") -> list[tuple[str, str]]:
    """A share from 0 to 1 as a line of `room` cells; nothing where there is none."""
    if share is None:
        return []
    full = round(max(0.0, min(1.0, share)) * room)
    return [("━" * full, look), ("·" * (room - full), "faint")]


def interval_of(
    value: float | None, low: float | None, high: float | None, room: int, ticks: Sequence[float], look: str
) -> list[tuple[str, str]]:
    """A figure on a line from 0 to 1 of `room` cells, with its interval: `···├──●───┤···`. What lies below 0 ends in an
    arrow at the left. ticks: places that are marked on the line."""
    glyphs = [("·", "faint")] * room
    for tick in ticks:
        glyphs[_cell(tick, room)] = ("┊", "faint")
    if value is None:
        return _joined(glyphs)
    if low is not None and high is not None:
        first, last = _cell(low, room), _cell(high, room)
        glyphs[first : last + 1] = [("─", look)] * (last + 1 - first)
        glyphs[first] = ("◂" if low < 0 else "├", look)
        glyphs[last] = ("◂" if high < 0 else "┤", look)
    glyphs[_cell(value, room)] = ("◂" if value < 0 else "●", look)
    return _joined(glyphs)


def _cell(value: float, room: int) -> int:
    return max(0, min(room - 1, round(value * (room - 1))))


def _joined(glyphs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for glyph, look in glyphs:
        if found and found[-1][1] == look:
            found[-1] = (found[-1][0] + glyph, look)
        else:
            found.append((glyph, look))
    return found
