"""Where a failure mode was labelled: a list of chunks, newest run first. Enter opens one in its transcript."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult

from review_tui.actions import LABELLED, Action
from review_tui.sanitize import clean, short
from review_tui.screens.base import StationScreen
from review_tui.screens.review import ReviewScreen
from review_tui.transcript.scroller import Place
from review_tui.widgets.bar import Bar
from review_tui.widgets.rows import FixedRows, Pieces, RowList
from review_tui.words import counted, steps_text
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.insights.reading.material import Material
    from labels.labelled import Places


class LabelledScreen(StationScreen):
    """The places of one mode among the runs that the figures are about."""

    ACTIONS: ClassVar[list[Action]] = LABELLED

    def __init__(self, material: Material, codebook: str, mode: str, name: str) -> None:
        """mode: slug. name: code and name, as people read them."""
        super().__init__()
        self.material, self.codebook, self.mode, self.mode_name = material, codebook, mode, name
        self.found: Places | None = None

    def compose(self) -> ComposeResult:
        yield Bar(1, id="head")
        yield RowList(id="places")
        yield Bar(1, id="footer")

    @property
    def places(self) -> RowList:
        return self.query_one("#places", RowList)

    def on_mount(self) -> None:
        self.ready = True
        self.show_keys()
        self.places.focus()
        self.places.show(FixedRows([(None, [(" reading …", "faint")])]))
        self._show_head()
        self.run_worker(self._load(), exit_on_error=False)

    def on_unmount(self) -> None:
        self.ready = False

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    async def _load(self) -> None:
        from labels.labelled import places

        try:
            found = await asyncio.to_thread(places, self.material, self.codebook, self.mode, self.station.reviewer)
        except UserError as error:
            if self.ready:
                self.say(str(error), "error")
            return
        if self.ready:
            self.found = found
            self._show()

    # -- showing ------------------------------------------------------------------------------------------------

    def _show_head(self) -> None:
        many = f"{len(self.found.places):,} places" if self.found else ""
        more = f", {self.found.more:,} more not listed" if self.found and self.found.more else ""
        name = short(self.mode_name, max(10, self.size.width - 50))
        self.query_one("#head", Bar).show(
            [("insights / ", "faint"), (name, "strong"), (f"  {many}{more}", "faint"), None,
             (short(self.material.scope.words, 40), "warn")]
        )  # fmt: skip

    def _show(self) -> None:
        if not self.ready or self.found is None:
            return
        self._show_head()
        rows = self._rows(max(40, self.size.width))
        if self.found.hidden:
            rows.append((None, [("", "text")]))
            said = (
                f" {counted(self.found.hidden, 'label of others is', 'labels of others are')} hidden until you have"
                " decided on their chunks yourself"
            )
            rows.append((None, [(said, "warn")]))
        self.places.show(FixedRows(rows))

    def _rows(self, width: int) -> list[tuple[str | None, Pieces]]:
        assert self.found is not None
        rows: list[tuple[str | None, Pieces]] = []
        last = ""
        for number, place in enumerate(self.found.places):
            run = place.run
            if run.id != last:
                system = short(run.system or run.format, 24)
                title = short(run.title or run.id, max(12, width - len(system) - 6))
                rows.append((None, [(f" {title}", "strong"), None, (f"{system} ", "faint")]))
            last = run.id
            steps = steps_text(place.first, place.last) if place.placed else "whole run"
            who = short(", ".join(place.reviewers), max(10, width - 40))
            sure = "" if place.sure else "  maybe"
            rows.append((str(number), [(f"   {steps:<20}", "label"), (who, "text"), (sure, "warn")]))
        if not rows:
            rows.append((None, [(" No label of this mode that you may see.", "faint")]))
        return rows

    # -- keys ---------------------------------------------------------------------------------------------------

    @on(RowList.Chosen, "#places")
    async def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        await self.action_open()

    async def action_open(self) -> None:
        key = self.places.selected
        if self.found is None or key is None:
            return
        place = self.found.places[int(key)]
        if not place.run.steps:
            self.say("This run has no steps any more.", "warn")
            return
        first = min(place.first, place.run.steps - 1) if place.placed else 0
        await self.station.push_screen(LabelledReview(place.run, place=Place(first, 0), mode=self.mode_name))

    async def action_help(self) -> None:
        await self.station.show_help(self.ACTIONS, "Keys of the labelled chunks")

    async def action_back(self) -> None:
        await self.station.pop_screen()


class LabelledReview(ReviewScreen):
    """The review screen of a run that was come to from a label: back leads to the list."""

    def __init__(self, *args: object, mode: str, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self.mode_name = mode

    def came_from(self) -> tuple[str, str]:
        return f"{short(clean(self.mode_name), 24)} / ", "faint"

    async def action_back(self) -> None:
        self.leave()
        await self.station.pop_screen()
