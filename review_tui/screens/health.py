"""How you review: your own figures, nobody else's. They are computed in a thread and can be scrolled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from review_tui.actions import HEALTH, Action
from review_tui.sanitize import short
from review_tui.screens.base import StationScreen
from review_tui.widgets.bar import Bar
from review_tui.widgets.rows import FixedRows, Pieces, RowList
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.health import Health


class HealthScreen(StationScreen):
    """The figures of whoever sits here."""

    ACTIONS: ClassVar[list[Action]] = HEALTH
    DEFAULT_CSS = """
    HealthScreen #figures { padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: Health | None = None

    def compose(self) -> ComposeResult:
        yield Bar(1, id="head")
        yield RowList(id="figures")
        yield Bar(1, id="footer")

    @property
    def figures(self) -> RowList:
        return self.query_one("#figures", RowList)

    def on_mount(self) -> None:
        self.ready = True
        self.show_keys()
        self.figures.focus()
        head: Pieces = [
            ("your own reviewing", "accent"), None,
            (f"shown to you alone · reviewer {short(self.station.reviewer, 24)}", "faint"),
        ]  # fmt: skip
        self.query_one("#head", Bar).show(head)
        self.show_figures()
        self.run_worker(self._load(), exit_on_error=False)

    def on_unmount(self) -> None:
        self.ready = False

    def on_resize(self) -> None:
        self.call_after_refresh(self.show_figures)

    async def _load(self) -> None:
        from labels.health import health

        try:
            found = await asyncio.to_thread(health, self.station.store, self.station.reviewer)
        except UserError as error:
            if self.ready:
                self.say(str(error), "error")
            return
        if self.ready:
            self.found = found
            self.show_figures()

    def show_figures(self) -> None:
        if not self.ready or not self.figures.size.width:
            return
        if self.found is None:
            self.figures.show(FixedRows([(None, []), (None, [(" looking at your decisions …", "faint")])]))
            return
        from review_tui.health_words import said

        lines = list(said(self.found, self.figures.size.width))
        self.figures.show(FixedRows([(None, line) for line in lines]))

    # -- keys ---------------------------------------------------------------------------------------------------

    def _scroll(self, rows: int) -> None:
        self.moved_on()
        self.figures.scroll_by(rows)

    def action_down(self) -> None:
        self._scroll(1)

    def action_up(self) -> None:
        self._scroll(-1)

    def action_page_down(self) -> None:
        self._scroll(max(1, self.figures.size.height - 2))

    def action_page_up(self) -> None:
        self._scroll(-max(1, self.figures.size.height - 2))

    def action_home(self) -> None:
        self._scroll(-(10**6))

    def action_end(self) -> None:
        self._scroll(10**6)

    async def action_again(self) -> None:
        await self._load()
        self.say("Looked again.")

    async def action_help(self) -> None:
        await self.station.show_help(self.ACTIONS, "Keys of your own reviewing")

    async def action_back(self) -> None:
        await self.station.pop_screen()
