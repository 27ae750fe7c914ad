"""A list drawn line by line: any number of rows, drawn only when on the screen. Used for runs, labels, modes, hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from review_tui.transcript.folding import cells, crop
from review_tui.widgets.look import FAINT, SHARED, LookMixin, Looks

#: A row as pieces of (text, look). Text must be clean. `None` in place of a piece fills up to the right end.
Pieces = Sequence[tuple[str, str] | None]


class RowSource(Protocol):
    """What a `RowList` shows. Rows with the same key belong together and are chosen together; None cannot be chosen."""

    def __len__(self) -> int: ...

    def key(self, index: int) -> str | None: ...

    def pieces(self, index: int, width: int) -> Pieces: ...


@dataclass(frozen=True)
class FixedRows:
    """Rows made beforehand, for short lists: (key, pieces) each."""

    rows: Sequence[tuple[str | None, Pieces]] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, index: int) -> str | None:
        return self.rows[index][0]

    def pieces(self, index: int, _width: int) -> Pieces:
        return self.rows[index][1]


class RowList(LookMixin, Widget, can_focus=True):
    """A virtual list with a cursor on a key. Up, down, page keys, Home, End, Enter, click and wheel work."""

    LOOKS: ClassVar[Looks] = {
        **SHARED,
        "strong": "bold foreground",
        "heading": f"bold {FAINT}",
        "label": "text-warning",
        "suggestion": "text-secondary",
        "error": "text-error",
        "good": "text-success",
        "warn": "text-warning",
        "accent": "bold text-accent",
        "cursor": " on primary-muted",
        "cursor-far": " on panel",
    }
    OVERLAYS: ClassVar[frozenset[str]] = frozenset({"cursor", "cursor-far"})
    DEFAULT_CSS = """
    RowList { height: 1fr; width: 1fr; }
    """

    @dataclass
    class Highlighted(Message):
        """The cursor is on another key."""

        rows: RowList
        key: str

        @property
        def control(self) -> RowList:
            return self.rows

    @dataclass
    class Chosen(Message):
        """Enter or a second click on a key."""

        rows: RowList
        key: str

        @property
        def control(self) -> RowList:
            return self.rows

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.source: RowSource = FixedRows()
        self.cursor = -1
        self.top = 0
        #: What each row of the screen shows, to redraw only those that change.
        self._drawn: list[object] = []

    # -- content ------------------------------------------------------------------------------------------------

    def show(self, source: RowSource, *, select: str | None = None, at_top: bool = False) -> None:
        """Show other rows, keeping the cursor on its key (or putting it on `select`) where that still exists. at_top:
        the first rows are on the screen, wherever the cursor is."""
        wanted = select or self.selected
        self.source = source
        self.cursor = self._find(wanted) if wanted is not None else -1
        if self.cursor < 0 and len(source):
            self.cursor = self._next(-1, 1)
        if at_top:
            self.top = 0
        else:
            self._follow()
        self._refresh_changed()

    def renew(self) -> None:
        """Draw again what the rows say differently by now: ages of what waits."""
        self._refresh_changed()

    def _refresh_changed(self) -> None:
        """Redraw the rows that are not what they were: a list beside the transcript changes in few."""
        width, height = self.size
        now: list[object] = []
        for index in range(self.top, min(self.top + height, len(self.source))):
            key = self.source.key(index)
            now.append((list(self.source.pieces(index, width)), key is not None and key == self.selected))
        now += [None] * (height - len(now))
        before, self._drawn = self._drawn, now
        if len(before) != len(now):
            self.refresh()
            return
        rows = [Region(0, y, width, 1) for y in range(height) if before[y] != now[y]]
        if rows:
            self.refresh(*rows)

    @property
    def selected(self) -> str | None:
        """The key under the cursor."""
        return self.source.key(self.cursor) if 0 <= self.cursor < len(self.source) else None

    def select(self, key: str) -> None:
        if (index := self._find(key)) >= 0:
            self._set_cursor(index)

    def _find(self, key: str) -> int:
        return next((index for index in range(len(self.source)) if self.source.key(index) == key), -1)

    def _next(self, start: int, step: int) -> int:
        """The next row with another key than the one at `start`; -1 if there is none that way."""
        before = self.source.key(start) if 0 <= start < len(self.source) else None
        index = start + step
        while 0 <= index < len(self.source):
            key = self.source.key(index)
            if key is not None and key != before:
                while step < 0 and index > 0 and self.source.key(index - 1) == key:
                    index -= 1
                return index
            index += step
        return -1

    # -- drawing ------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        look, width, index = self.look, self.size.width, self.top + y
        if index >= len(self.source):
            return Strip([Segment(" " * width, look["text"])], width)
        segments = self._segments(self.source.pieces(index, width), width)
        strip = Strip(segments).adjust_cell_length(width, look["text"])
        key = self.source.key(index)
        if key is not None and key == self.selected:
            return Strip(self.overlaid(strip, "cursor" if self.has_focus else "cursor-far"), width)
        return strip

    def _segments(self, pieces: Pieces, width: int) -> list[Segment]:
        used = sum(cells(piece[0]) for piece in pieces if piece is not None)
        segments = []
        for piece in pieces:
            if piece is None:
                segments.append(Segment(" " * max(1, width - used), self.look["text"]))
            else:
                segments.append(Segment(crop(piece[0], width), self.look[piece[1]]))
        return segments

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self._follow()
        self._drawn = []

    # -- moving -------------------------------------------------------------------------------------------------

    def move(self, step: int, times: int = 1) -> None:
        """Move the cursor by `times` keys up (step -1) or down (1)."""
        index = self.cursor
        for _ in range(times):
            further = self._next(index, step)
            if further < 0:
                break
            index = further
        self._set_cursor(index)

    def to_end(self, way: int) -> None:
        """Move the cursor to the first (-1) or last (1) key."""
        self._set_cursor(self._next(-1, 1) if way < 0 else self._next(len(self.source), -1))

    def scroll_by(self, rows: int) -> None:
        """Move the rows without the cursor, for lists that are only read."""
        self.top = max(0, min(self.top + rows, len(self.source) - max(1, self.size.height)))
        self._refresh_changed()

    def _set_cursor(self, index: int) -> None:
        if index < 0 or index == self.cursor:
            return
        self.cursor = index
        self._follow()
        self._refresh_changed()
        key = self.source.key(index)
        if key is not None:
            self.post_message(self.Highlighted(self, key))

    def _follow(self) -> None:
        """Keep the cursor's key, and the heading right above it, on the screen."""
        height = max(1, self.size.height)
        self.top = min(self.top, max(0, len(self.source) - height))
        if self.cursor < 0:
            return
        last = self.cursor
        while last + 1 < len(self.source) and self.source.key(last + 1) == self.source.key(self.cursor):
            last += 1
        first = self.cursor - 1 if self.cursor and self.source.key(self.cursor - 1) is None else self.cursor
        if last >= self.top + height:
            self.top = last - height + 1
        self.top = min(self.top, first)

    def on_key(self, event: events.Key) -> None:
        page = max(1, self.size.height - 1)
        moves = {"up": (-1, 1), "k": (-1, 1), "down": (1, 1), "j": (1, 1), "pageup": (-1, page), "pagedown": (1, page)}
        if event.key == "enter" and self.selected is not None:
            event.stop()
            self.post_message(self.Chosen(self, self.selected))
        elif event.key in ("home", "g", "end", "G") and len(self.source):
            event.stop()
            self.to_end(-1 if event.key in ("home", "g") else 1)
        elif event.key in moves:
            event.stop()
            self.move(*moves[event.key])

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(1, 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(-1, 3)

    def on_click(self, event: events.Click) -> None:
        index = self.top + event.y
        if index >= len(self.source) or (key := self.source.key(index)) is None:
            return
        again = key == self.selected
        while index > 0 and self.source.key(index - 1) == key:
            index -= 1
        self._set_cursor(index)
        if again or event.chain > 1:
            self.post_message(self.Chosen(self, key))
