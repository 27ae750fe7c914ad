"""Where the reader is: the top row and the cursor, each as (step, row within the step).

A place is never a global row number: no height of the run is ever summed up, so opening a run of 100,000 steps, jumping
anywhere in it and changing the width all cost what is on the screen. Heights come from a callable that lays a step
out on demand; a step that was folded meanwhile is handled by clamping.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Place(NamedTuple):
    """A row of the transcript: the step's index, and the row within it."""

    step: int
    row: int


class Scroller:
    """Moves a cursor through rows and keeps it on the screen.

    height_of(step): rows of a step, at least 1. Call `resize` when the screen changes, `set_total` when steps arrive.
    """

    #: Rows kept between the cursor and the edge, where the screen is high enough.
    MARGIN = 2

    def __init__(self, height_of: Callable[[int], int]) -> None:
        self.height_of = height_of
        self.total = 0
        self.screen = 1
        self.top = Place(0, 0)
        self.cursor = Place(0, 0)

    # -- facts from outside -------------------------------------------------------------------------------------

    def set_total(self, total: int) -> None:
        self.total = total
        self._clamp()

    def resize(self, screen: int) -> None:
        self.screen = max(1, screen)
        self._clamp()
        self.show_cursor()

    def _clamp(self) -> None:
        self.top, self.cursor = self._clamped(self.top), self._clamped(self.cursor)

    def _clamped(self, place: Place) -> Place:
        step = min(max(0, place.step), max(0, self.total - 1))
        if not self.total:
            return Place(0, 0)
        return Place(step, min(max(0, place.row), self.height_of(step) - 1))

    # -- walking ------------------------------------------------------------------------------------------------

    def walk(self, place: Place, rows: int) -> Place:
        """The place `rows` further down (or up, if negative), stopping at the ends of the run."""
        step, row = place
        if not self.total:
            return Place(0, 0)
        row += rows
        while row < 0 and step > 0:
            step -= 1
            row += self.height_of(step)
        while step < self.total and row >= (height := self.height_of(step)):
            if step == self.total - 1:
                return Place(step, height - 1)
            row -= height
            step += 1
        return Place(step, max(0, row))

    def distance(self, start: Place, end: Place, limit: int) -> int:
        """Rows from start down to end, or `limit` if it is more (or end is above start: negative, at most -limit)."""
        if end < start:
            return -self.distance(end, start, limit)
        rows = -start.row
        for step in range(start.step, end.step):
            rows += self.height_of(step)
            if rows >= limit:
                return limit
        return min(limit, rows + end.row)

    def visible(self) -> list[Place]:
        """The rows on the screen, from the top; fewer than the screen's height at the end of the run."""
        found: list[Place] = []
        if not self.total:
            return found
        step, row = self.top
        while len(found) < self.screen and step < self.total:
            height = self.height_of(step)
            while row < height and len(found) < self.screen:
                found.append(Place(step, row))
                row += 1
            step, row = step + 1, 0
        return found

    # -- moving -------------------------------------------------------------------------------------------------

    def move(self, rows: int) -> None:
        """Move the cursor; the screen follows as far as it must."""
        self.cursor = self.walk(self.cursor, rows)
        self.show_cursor()

    def page(self, rows: int) -> None:
        """Move screen and cursor together, so that the cursor stays where the eye is."""
        self.top = self._not_beyond_end(self.walk(self.top, rows))
        self.cursor = self.walk(self.cursor, rows)
        self.show_cursor()

    def scroll(self, rows: int) -> None:
        """Move the screen (a mouse wheel); the cursor is pulled along only where it would leave the screen."""
        self.top = self._not_beyond_end(self.walk(self.top, rows))
        offset = self.distance(self.top, self.cursor, self.screen)
        margin = self._margin()
        if offset < margin:
            self.cursor = self.walk(self.top, margin)
        elif offset > self.screen - 1 - margin:
            self.cursor = self.walk(self.top, self.screen - 1 - margin)

    def go(self, place: Place, *, at_top: bool = False) -> None:
        """Put the cursor somewhere; far away it lands a third down the screen, or on its first row if asked."""
        self.cursor = self._clamped(place)
        offset = self.distance(self.top, self.cursor, self.screen)
        if at_top:
            self.top = self._not_beyond_end(self.cursor)
            return
        if not 0 <= offset < self.screen:
            self.top = self._not_beyond_end(self.walk(self.cursor, -(self.screen // 3)))
        self.show_cursor()

    def show_cursor(self) -> None:
        """Scroll as little as needed to have the cursor on the screen, with a margin."""
        margin = self._margin()
        offset = self.distance(self.top, self.cursor, self.screen + 1)
        if offset < margin:
            self.top = self.walk(self.cursor, -margin)
        elif offset > self.screen - 1 - margin:
            self.top = self._not_beyond_end(self.walk(self.cursor, -(self.screen - 1 - margin)))

    def _margin(self) -> int:
        return min(self.MARGIN, max(0, (self.screen - 1) // 4))

    def _not_beyond_end(self, place: Place) -> Place:
        """The last screenful stays full."""
        if not self.total:
            return Place(0, 0)
        last = Place(self.total - 1, self.height_of(self.total - 1) - 1)
        return min(place, self.walk(last, -(self.screen - 1)))
