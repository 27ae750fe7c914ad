"""What the parts of the review screen share: its desk, document, transcript, and the current item of the side panel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from labels.views import LabelView, SuggestionView
from review_tui.screens.base import StationScreen

if TYPE_CHECKING:
    from review_tui.desk import Desk
    from review_tui.transcript.document import Document
    from review_tui.widgets.transcript import Transcript

Result = TypeVar("Result")


class ReviewParts(StationScreen):
    """Base of the review screen's parts; `screens.review` fills in what is only declared here."""

    desk: Desk
    document: Document
    #: Key of the current item: `label:ID` or `suggestion:ID`.
    current: str | None = None

    transcript: Transcript

    def __init__(self) -> None:
        super().__init__()
        # One thread for all that the desk does: its acts come one after another, and never wait behind a search.
        self._hands = ThreadPoolExecutor(1, "desk")

    def on_desk(self, call: Callable[..., Result], *args: Any) -> asyncio.Future[Result]:
        """Let the desk do something, after what it is doing now."""
        return asyncio.wrap_future(self._hands.submit(call, *args))

    def refresh_all(self) -> None:
        """Show what is now said."""

    def refresh_side(self) -> None:
        """Show what is now said beside the transcript."""

    def show_head(self) -> None:
        """Show in the head where the reviewer is."""

    async def look_again(self) -> None:
        """Read what is said and suggested anew, and show it if it has changed."""

    def go_chunk(self, chunk: int) -> None:
        """Turn to a chunk."""

    def current_label(self) -> LabelView | None:
        """The current label, if the current item is one."""
        kind, _, wanted = (self.current or "").partition(":")
        return next((label for label in self.desk.labels() if kind == "label" and label.id == wanted), None)

    def current_suggestion(self) -> SuggestionView | None:
        """The current suggestion, or the first one here that waits for an answer."""
        kind, _, wanted = (self.current or "").partition(":")
        here = self.desk.open_suggestions()
        answers = self.desk.answers()
        chosen = next((item for item in here if kind == "suggestion" and item.id == wanted), None)
        return chosen or next((item for item in here if item.id not in answers), None)

    def show_current(self) -> None:
        """Jump to the current item's evidence, or to its first step."""
        item = self.current_label() or self.current_suggestion()
        if item is None:
            return
        if item.evidence:
            first = item.evidence[0]
            self.transcript.go_to(first.index, first.part, first.start)
        else:
            self.transcript.go_to(item.first)
        self.transcript.focus()
