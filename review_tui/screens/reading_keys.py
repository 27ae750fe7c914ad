"""The keys that move through a transcript, on every screen that has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from review_tui.screens.base import StationScreen

if TYPE_CHECKING:
    from review_tui.widgets.transcript import Transcript


class ReadingKeys(StationScreen):
    """By lines and by pages. What a page is, and how far the end, the transcript knows."""

    transcript: Transcript

    def action_down(self) -> None:
        self.transcript.move(1)

    def action_up(self) -> None:
        self.transcript.move(-1)

    def action_page_down(self) -> None:
        self.transcript.page(1)

    def action_page_up(self) -> None:
        self.transcript.page(-1)

    def action_end(self) -> None:
        self.transcript.go_end()
