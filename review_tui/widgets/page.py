"""A list that is read more than chosen from: rows of plots, of which some can be chosen."""

from __future__ import annotations

from typing import ClassVar

from textual import events

from review_tui.widgets.look import FAINT, Looks
from review_tui.widgets.rows import RowList


class PageList(RowList):
    """Moves its cursor from row to row that can be chosen, and on from the last one scrolls to what is only read."""

    LOOKS: ClassVar[Looks] = {
        **RowList.LOOKS,
        "bar": "text-primary",
        "bar-far": f"{FAINT}",
        "mark": "bold text-warning",
    }

    def move(self, step: int, times: int = 1) -> None:
        before = self.cursor
        super().move(step, times)
        if self.cursor == before:
            self.scroll_by(step * times)
        elif self.cursor == self._next(-1, 1):
            self.scroll_by(-len(self.source))  # what stands above the first row to be chosen is seen with it

    def to_top(self) -> None:
        """Show another page from its beginning."""
        self.cursor, self.top = -1, 0

    def on_key(self, event: events.Key) -> None:
        """Home and End go to the ends of what can be read; all other keys are the list's (it gets them after this)."""
        if event.key in ("home", "end", "G") and len(self.source):
            event.stop()
            event.prevent_default()
            start, step = (-1, 1) if event.key == "home" else (len(self.source), -1)
            self._set_cursor(self._next(start, step))
            self.scroll_by(-step * len(self.source))
