"""The transcript: a run read like a document, drawn line by line. Cost is what is on the screen, never the run.

It knows a `Document` and `Marks`, moves its cursor, and posts messages; decisions are none of its business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from review_tui.transcript.document import Document
from review_tui.transcript.layout import Row
from review_tui.transcript.marks import Marks, Passage
from review_tui.transcript.scroller import Place, Scroller
from review_tui.transcript.seen import Seen
from review_tui.transcript.selection import Selection, position_at
from review_tui.widgets.look import FAINT, SHARED, LookMixin, Looks
from review_tui.widgets.paint import Columns, paint_row

WHEEL_ROWS = 3


class Transcript(LookMixin, Widget, can_focus=True):
    """Shows a document; the cursor is a row, and a passage of text while selecting evidence."""

    LOOKS: ClassVar[Looks] = {
        **SHARED,
        "number": FAINT,
        "actor-user": "bold text-success",
        "actor-agent": "bold text-primary",
        "actor-system": f"bold {FAINT}",
        "system-text": FAINT,
        "call": "foreground",
        "call-name": "bold text-accent",
        "result": "foreground 80%",
        "part": FAINT,
        "thought": f"italic {FAINT}",
        "error": "bold text-error",
        "error-text": "text-error",
        "label": "text-warning on warning-muted",
        "suggestion": "underline on secondary-muted",
        "search": "bold background on accent",
        "select": "reverse",
        "bar": "primary",
        "rule": FAINT,
        "rule-current": "bold text-primary",
        "cursor": " on panel",
        "cursor-glyph": "bold accent",
        "map": f"{FAINT} on surface",
        "map-thumb": "primary on surface",
    }
    OVERLAYS: ClassVar[frozenset[str]] = frozenset({"select", "search", "label", "suggestion", "cursor", "map-thumb"})
    DEFAULT_CSS = """
    Transcript { height: 1fr; width: 1fr; background: $background; color: $foreground; }
    """

    @dataclass
    class SelectionChanged(Message):
        """Evidence is being selected, or no more (None)."""

        selection: Selection | None

    def __init__(self, follow: Callable[[int], None] = lambda step: None, *, id: str | None = None) -> None:
        """follow(step index): called when the cursor has moved, before anything is drawn. It is no message, because
        what depends on the cursor (head, side panel) must be in the same frame: a second one costs 16 ms a key."""
        super().__init__(id=id)
        self.follow = follow
        self.document: Document | None = None
        self.marks = Marks()
        self.scroller = Scroller(self._height_of)
        #: Which text has been on the screen; None until there is a document.
        self.seen: Seen | None = None
        self.selection: Selection | None = None
        self._rows: list[Place] = []
        #: Where to go once the widget has a size: the arguments of `go_to`.
        self._wanted: tuple[int, int | None, int, bool] | None = None
        self._columns = Columns.of(80, 1, 5)
        self._dragging = False
        self._pressed: tuple[int, int] | None = None
        #: One entry a screen row of the map at the right edge: a glyph and the look it has.
        self._map: list[tuple[str, str]] = []

    # -- what is shown ------------------------------------------------------------------------------------------

    def show(self, document: Document) -> None:
        """Show a document from its beginning (use `go` for another place)."""
        self.document = document
        self.selection = None
        self.scroller = Scroller(self._height_of)
        self.seen = Seen(document.layout)
        self._arrange()

    def changed(self) -> None:
        """The document has more steps, other chunks, or other folds."""
        self._arrange()

    def grown(self) -> None:
        """The document has more steps at its end: draw only if they are on the screen, or change the margin."""
        if self.document is None or not self.size.width:
            return
        if self._fitting_columns() != self._columns or len(self._rows) < self.size.height:
            self._arrange()
        else:
            self.scroller.set_total(self.document.run.steps)

    def set_marks(self, marks: Marks) -> None:
        marks.selection = self.selection.passage() if self.selection else None
        self.marks = marks
        self._map = []
        self.refresh()

    def _height_of(self, step: int) -> int:
        return self.document.height_of(step) if self.document else 1

    def _arrange(self) -> None:
        """Fit everything to the widget's size and the document's length."""
        if self.document is None or not self.size.width:
            return
        self._columns = self._fitting_columns()
        if self._columns.body != self.document.width:
            self._rewrap(self._columns.body)
        self.scroller.set_total(self.document.run.steps)
        self.scroller.resize(self.size.height)
        self._map = []
        if self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            self.go_to(*wanted)
        if self.seen is not None:
            self.seen.renew()
        self._place_rows()

    def _rewrap(self, width: int) -> None:
        """Take another width, with the same text under the cursor and at the top."""
        assert self.document is not None
        scroller, document = self.scroller, self.document
        marks = [document.text_at(place) for place in (scroller.top, scroller.cursor)] if scroller.total else []
        document.set_width(width)
        if marks:
            scroller.top, scroller.cursor = (document.place_of_text(*mark) for mark in marks)

    def _fitting_columns(self) -> Columns:
        assert self.document is not None
        run = self.document.run
        longest = max((len(actor) for actor in run.actors), default=5)
        # A growing run gets room for its numbers at once: a margin that widens would wrap everything anew.
        return Columns.of(self.size.width - 1, run.steps if run.complete else max(9999, run.steps), longest)

    def _place_rows(self) -> None:
        self._rows = self.scroller.visible()
        if self.seen is not None and self.scroller.total:
            self.seen.show(self._rows)
        self.refresh()

    def on_resize(self) -> None:
        self._arrange()

    # -- drawing ------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        look, width = self.look, self.size.width
        if self.document is None or y >= len(self._rows):
            return Strip([Segment(" " * (width - 1), look["text"]), self._map_cell(y)], width)
        place = self._rows[y]
        here = place == self.scroller.cursor
        segments = paint_row(self.document, place, self._columns, self.marks, look, cursor=here)
        strip = Strip(segments).adjust_cell_length(width - 1, look["text"])
        row = self.overlaid(strip, "cursor") if here else list(strip)
        return Strip([*row, self._map_cell(y)], width)

    def _map_cell(self, y: int) -> Segment:
        if not self._map:
            self._map = self._draw_map()
        glyph, name = self._map[y] if y < len(self._map) else (" ", "map")
        style = self.look[name]
        if self._in_thumb(y):
            style = self.look["map-thumb"] + Style(color=style.color) if glyph != " " else self.look["map-thumb"]
            glyph = "┃" if glyph == " " else glyph
        return Segment(glyph, style)

    def _in_thumb(self, y: int) -> bool:
        if self.document is None or not self._rows:
            return False
        total, height = max(1, self.scroller.total), self.size.height
        first, last = self._rows[0].step, self._rows[-1].step
        return first * height // total <= y <= max(first * height // total, last * height // total)

    def _draw_map(self) -> list[tuple[str, str]]:
        """The whole run in one column: where labels and suggestions are."""
        height, total = self.size.height, max(1, self.scroller.total)
        rows = [(" ", "map")] * height
        for steps, glyph, name in ((self.marks.suggested, "◇", "suggestion"), (self.marks.labelled, "◆", "label")):
            for step in steps:
                rows[min(height - 1, step * height // total)] = (glyph, name)
        return rows

    # -- moving -------------------------------------------------------------------------------------------------

    @property
    def cursor(self) -> Place:
        return self.scroller.cursor

    @property
    def row(self) -> Row:
        """The row under the cursor."""
        if self.document is None or not self.scroller.total:
            return Row("gap")
        return self.document.layout(self.cursor.step).row(self.cursor.row)

    def move(self, rows: int) -> None:
        self.scroller.move(rows)
        self._after_move()

    def page(self, screens: float) -> None:
        self.scroller.page(round(screens * max(1, self.size.height - 2)))
        self._after_move()

    def go(self, place: Place, *, at_top: bool = False) -> None:
        self.scroller.go(place, at_top=at_top)
        self._after_move()

    def go_to(self, index: int, part: int | None = None, position: int = 0, at_top: bool = False) -> None:
        """Go to a step, or to a position in one of its parts, which is opened; as soon as there is a size to go in."""
        if self.document is None or not self.size.width or not self.scroller.total:
            self._wanted = (index, part, position, at_top)
            return
        place = self.document.place_of(index, part, position)
        self.go(place, at_top=at_top)

    def go_end(self) -> None:
        total = self.scroller.total
        if total:
            self.go(Place(total - 1, self._height_of(total - 1) - 1))

    def _after_move(self) -> None:
        if self.selection and not self._dragging:
            self._extend_selection()
        self.follow(self.cursor.step)
        self._place_rows()

    def toggle_fold(self) -> bool:
        """Fold or open the part under the cursor. False if there is nothing to fold."""
        row = self.row
        if self.document is None or row.part < 0 or not self.document.toggle(self.cursor.step, row.part):
            return False
        self.scroller.cursor = Place(self.cursor.step, self.document.layout(self.cursor.step).first[row.part])
        self._arrange()
        return True

    # -- selecting evidence -------------------------------------------------------------------------------------

    def start_selection(self) -> bool:
        """Begin selecting at the cursor's row, or at the first row under a head. False where there is no text."""
        row = self.row
        if self.document is not None and row.kind == "head" and row.end <= row.start:
            self.document.open_part(self.cursor.step, row.part)
            self._arrange()
            self.scroller.move(1)
            self._place_rows()
            row = self.row
        if self.document is None or row.part < 0 or row.end <= row.start:
            return False
        text = self.document.layout(self.cursor.step).parts[row.part].text
        self._select(Selection.of_row(self.cursor.step, row.part, row.start, row.end, text))
        return True

    def adjust_selection(self, side: str, by: str) -> None:
        """Move the selection's start or end by a `char` or `word`, forward or back: by is `+word`, `-char` ..."""
        if self.selection is not None:
            self._select(self.selection.adjusted(side, by))

    def _extend_selection(self) -> None:
        row = self.row
        if self.selection and self.cursor.step == self.selection.step and row.part == self.selection.part:
            self._select(self.selection.extended_to(row.start, row.end))

    def clear_selection(self) -> None:
        self._select(None)

    def _select(self, selection: Selection | None) -> None:
        self.selection = selection
        self.marks.selection = selection.passage() if selection else None
        self.refresh()
        self.post_message(self.SelectionChanged(selection))

    # -- mouse --------------------------------------------------------------------------------------------------

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._wheel(WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._wheel(-WHEEL_ROWS)

    def _wheel(self, rows: int) -> None:
        self.scroller.scroll(rows)
        self.follow(self.cursor.step)
        self._place_rows()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if self.document is None or event.y >= len(self._rows):
            return
        if event.x >= self.size.width - 1:
            self.go_to(event.y * self.scroller.total // max(1, self.size.height), at_top=True)
            return
        place = self._rows[event.y]
        again = place == self.cursor
        self.clear_selection()
        self.scroller.cursor = place
        self._after_move()
        if self.row.kind == "head" and (again or event.x < self._columns.margin + 2):
            self.toggle_fold()
        self._pressed = position_at(self.document, self.cursor, event.x - self._columns.margin)
        self._dragging = True
        self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if not self._dragging or self.document is None or not 0 <= event.y < len(self._rows):
            return
        found = position_at(self.document, self._rows[event.y], event.x - self._columns.margin)
        if found is None:
            return
        part, position = found
        step = self._rows[event.y].step
        if self.selection is None:
            begin = self._pressed
            if begin is None or step != self.cursor.step or part != begin[0]:
                return
            text = self.document.layout(step).parts[part].text
            self._select(Selection(step, part, begin[1], position, text))
        elif (step, part) == (self.selection.step, self.selection.part):
            self._select(self.selection.dragged_to(position))

    def on_mouse_up(self, _event: events.MouseUp) -> None:
        if not self._dragging:
            return
        self._dragging = False
        self.release_mouse()
        if self.selection and self.selection.empty:
            self.clear_selection()


__all__ = ["Passage", "Transcript"]
