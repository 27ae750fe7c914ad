"""Which text has been on the screen long enough to be read: what the share of a chunk that was read is made of.

A row counts once it has stood on the screen for `DWELL_S`, whether or not the cursor was in it; what is folded away
does not count. Whether it was read in truth nobody can know: this is what could have been.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence

from review_tui.transcript.layout import StepLayout
from review_tui.transcript.scroller import Place
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.store import Store

#: How long a row must stand on the screen, in seconds: a key that is held passes it in less, an eye does not.
DWELL_S = 0.3
#: The share of a whole run of more steps than this is taken from the run's length, without walking it.
LONG = 2000

#: A row's text: step, part, and the code points first..end of the part's.
Span = tuple[int, int, int, int]


class Seen:
    """Told by the transcript of the rows that it shows, asked by the desk (from its own thread) what was seen."""

    def __init__(self, layout: Callable[[int], StepLayout], clock: Callable[[], float] = time.monotonic) -> None:
        """layout: of a step, as it is shown now."""
        self._layout, self._clock = layout, clock
        self._lock = threading.Lock()
        #: What stands on the screen -> its text, and since when.
        self._shown: dict[Place, tuple[Span, float]] = {}
        #: Step -> its parts -> what was seen of each, as ranges in the order in which they were.
        self._spans: dict[int, dict[int, list[tuple[int, int]]]] = {}
        self._parts: dict[int, int] = {}

    def show(self, rows: Sequence[Place]) -> None:
        """These rows are on the screen now. Costs what has changed since."""
        now, shown = self._clock(), self._shown
        fresh = {row: shown.get(row) or (self._span(row), now) for row in rows}
        with self._lock:
            self._take(now, (item for row, item in shown.items() if row not in fresh))
            self._shown = fresh

    def renew(self) -> None:
        """The rows are about to mean other text (another width, folds): what they meant so far is settled."""
        with self._lock:
            self._take(self._clock(), self._shown.values())
            self._shown = {}

    def _span(self, row: Place) -> Span:
        layout = self._layout(row.step)
        if row.step not in self._parts:
            self._parts[row.step] = len(layout.parts)
        found = layout.row(row.row)
        return row.step, found.part, found.start, found.end

    def _take(self, now: float, items: Iterable[tuple[Span, float]]) -> None:
        for (step, part, start, end), since in items:
            if part >= 0 and end > start and now - since >= DWELL_S:
                ranges = self._spans.setdefault(step, {}).setdefault(part, [])
                if ranges and ranges[-1][1] == start:
                    ranges[-1] = (ranges[-1][0], end)
                elif not ranges or ranges[-1] != (start, end):
                    ranges.append((start, end))

    def characters(self, first: int, last: int) -> dict[int, int]:
        """Step index -> code points of it that were seen, of the steps first..last of which any were."""
        with self._lock:
            self._take(self._clock(), list(self._shown.values()))
            spans = {
                step: [list(ranges) for ranges in parts.values()]
                for step, parts in self._spans.items()
                if first <= step <= last
            }
        # The length of a step counts the line breaks between its parts.
        return {step: sum(map(_covered, parts)) + self._parts.get(step, 1) - 1 for step, parts in sorted(spans.items())}

    def share(self, store: Store, run: RunInfo, first: int, last: int) -> float:
        """The share of the text of steps first..last (indices) that has been on the screen so far, from 0 to 1."""
        seen = self.characters(first, last)
        if first == 0 and last >= run.steps - 1 >= LONG:
            return min(1.0, round(sum(seen.values()) / run.chars, 3)) if run.chars else 1.0
        total = read = 0
        for row in catalog.index_rows(store, run.no, first):
            if row.index > last:
                break
            total += row.chars
            read += min(row.chars, seen.get(row.index, 0))
        return round(read / total, 3) if total else 1.0


def _covered(ranges: list[tuple[int, int]]) -> int:
    """How many code points ranges cover, each once."""
    covered, reached = 0, 0
    for start, end in sorted(ranges):
        covered += max(0, end - max(start, reached))
        reached = max(reached, end)
    return covered
