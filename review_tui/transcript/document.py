"""A run as the transcript reads it: steps from the store through small caches, laid out for one width.

Only what is on the screen (and a little around it) is in memory. Reading a step is 0.01 ms, so caches are short.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TypeVar

from review_tui.transcript.layout import StepLayout, lay_out
from review_tui.transcript.scroller import Place
from sessions import catalog
from sessions.bodies import StoredStep
from sessions.catalog import RunInfo, StepIndex
from sessions.chunks import Chunks
from sessions.run import Part, Step
from sessions.store import Store

Kept = TypeVar("Kept")

STEPS_KEPT = 128
LAYOUTS_KEPT = 64
#: A step larger than this is not kept beside others: ten of them would be the whole memory budget.
LARGE_CHARS = 2_000_000
#: Sub-agents are indented by two cells each, to this depth.
MAX_DEPTH = 3


class Document:
    """The steps of one run, laid out at `width` cells. Change them through the methods."""

    def __init__(self, store: Store, run: RunInfo, chunks: Chunks) -> None:
        self.store, self.run, self.chunks = store, run, chunks
        self.width = 80
        self._steps: OrderedDict[int, StoredStep] = OrderedDict()
        self._layouts: OrderedDict[int, StepLayout] = OrderedDict()
        self._folds: dict[int, dict[int, bool]] = {}
        self._fold_all: bool | None = None

    # -- reading ------------------------------------------------------------------------------------------------

    def step(self, index: int) -> StoredStep:
        """A step with its content."""
        found = self._steps.get(index)
        if found is None:
            found = self._read(index)
            self._keep(self._steps, index, found, STEPS_KEPT, found)
        return found

    def _read(self, index: int) -> StoredStep:
        """The step from the store, which other programs write to as well: an import that ends may join this run with
        one of the same content, and somebody may delete it."""
        try:
            return catalog.step(self.store, self.run.no, index)
        except LookupError:
            joined = catalog.run_by_id(self.store, self.run.id)
        try:
            if joined is not None:
                self._forget()
                self.run = joined
            return catalog.step(self.store, self.run.no, index)
        except LookupError:
            gone = Part("text", "(this step is no longer in the database: the run was deleted meanwhile)")
            return StoredStep(index, "", 0, Step("system", "system", [gone]))

    def layout(self, index: int) -> StepLayout:
        found = self._layouts.get(index)
        if found is None:
            stored = self.step(index)
            width = self.width - 2 * min(stored.step.depth, MAX_DEPTH)
            opens = self.chunks.starts[self.chunks.of_step(index)] == index if len(self.chunks) else index == 0
            found = lay_out(stored.step.parts, width, self._folds_of(index, stored), opens_chunk=opens)
            self._keep(self._layouts, index, found, LAYOUTS_KEPT, stored)
        return found

    def _keep(self, cache: OrderedDict[int, Kept], index: int, item: Kept, most: int, stored: StoredStep) -> None:
        if sum(len(part.text) for part in stored.step.parts) > LARGE_CHARS:
            most = 4
        cache[index] = item
        while len(cache) > most:
            cache.popitem(last=False)

    def height_of(self, index: int) -> int:
        return self.layout(index).height

    def _folds_of(self, index: int, stored: StoredStep) -> dict[int, bool]:
        own = self._folds.get(index, {})
        if self._fold_all is None:
            return own
        return {number: own.get(number, self._fold_all) for number in range(len(stored.step.parts))}

    # -- changing -----------------------------------------------------------------------------------------------

    def set_width(self, width: int) -> None:
        if width != self.width:
            self.width = width
            self._layouts.clear()

    def grown(self, run: RunInfo, chunks: Chunks) -> None:
        """More steps have come. What is laid out stays: nothing before the end has changed."""
        if run.no != self.run.no:
            self._forget()
        self.run, self.chunks = run, chunks

    def drop_changed(self, first: int, stored: Mapping[int, StepIndex]) -> None:
        """Drop what was read of steps from index `first` on that are not stored like that any more (a file that is
        followed). stored: the index rows as they are now, by step index."""
        for index, known in list(self._steps.items()):
            row = stored.get(index)
            chars = len("\n".join(part.text for part in known.step.parts))
            if index >= first and (row is None or (row.id, row.flags, row.chars) != (known.id, known.flags, chars)):
                del self._steps[index]
                self._layouts.pop(index, None)

    def _forget(self) -> None:
        """The run was joined with one of the same content, whose raw parts may differ: nothing read of it holds."""
        self._steps.clear()
        self._layouts.clear()
        self._folds.clear()

    def recut(self, chunks: Chunks) -> None:
        """The chunks begin elsewhere now."""
        self.chunks = chunks
        self._layouts.clear()

    def toggle(self, index: int, part: int) -> bool:
        """Fold or open a part. False if there is nothing to fold there."""
        shown = self.layout(index).parts[part]
        if shown.is_text or shown.inline:
            return False
        self._folds.setdefault(index, {})[part] = not shown.folded
        self._layouts.pop(index, None)
        return True

    def toggle_step(self, index: int) -> None:
        """Open all parts of a step if any is folded, else fold them all."""
        parts = self.layout(index).parts
        fold = not any(part.folded for part in parts)
        self._folds[index] = dict.fromkeys(range(len(parts)), fold)
        self._layouts.pop(index, None)

    def toggle_all(self) -> str:
        """Go through: as each is best, all open, all folded. Returns which it is now."""
        self._fold_all = {None: False, False: True, True: None}[self._fold_all]
        self._folds.clear()
        self._layouts.clear()
        return {None: "long ones folded", False: "everything open", True: "everything folded"}[self._fold_all]

    def open_part(self, index: int, part: int) -> None:
        """Make sure a part's text is shown: something in it is being jumped to."""
        if self.layout(index).parts[part].folded:
            self.toggle(index, part)

    # -- places -------------------------------------------------------------------------------------------------

    def place_of(self, index: int, part: int | None = None, position: int = 0) -> Place:
        """The row of a step's beginning, or of a position in one of its parts (which is opened)."""
        if part is None:
            return Place(index, self.layout(index).top)
        self.open_part(index, part)
        return Place(index, self.layout(index).row_of(part, position))

    def text_at(self, place: Place) -> tuple[int, int, int, int]:
        """(step, part, position, row) of what a row shows: holds at any width, unlike the row. part -1: no text."""
        row = self.layout(place.step).row(place.row)
        return place.step, row.part, row.start, place.row

    def place_of_text(self, step: int, part: int, position: int, row: int) -> Place:
        """Where `text_at` is now, without opening anything."""
        layout = self.layout(step)
        return Place(step, layout.row_of(part, position) if part >= 0 else min(row, layout.height - 1))
