"""Choosing one queue, or all chunks."""

from __future__ import annotations

from collections.abc import Callable

from review_tui.sanitize import short
from review_tui.screens.base import StationScreen
from review_tui.screens.choice import Choice
from review_tui.widgets.rows import Pieces


async def choose_queue(screen: StationScreen, chosen: Callable[[str, str], None]) -> None:
    """Ask which queue is meant. chosen: called with its id and its name, both "" for all chunks."""
    from labels import queues

    known = await screen.work(queues.queues, screen.station.store)
    if not known:
        screen.say("There is no queue: review-tui queue create makes one.")
        return
    names = {queue.id: queue.name for queue in known}
    rows: list[tuple[str, Pieces]] = [("", [(" all chunks", "strong")])]
    rows += [(queue.id, [(f" {short(queue.name, 60)}", "text")]) for queue in known]

    def picked(key: str | None) -> None:
        if key is not None:
            chosen(key, names.get(key, ""))

    await screen.station.push_screen(Choice("Only the chunks of one queue", rows), picked)
