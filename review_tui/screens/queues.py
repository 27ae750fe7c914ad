"""The queues: how far each has come, for this reviewer and for all; Enter takes the next item of one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from labels import queue_progress
from labels.queue_progress import Overview
from labels.queues import Queue
from review_tui.actions import QUEUES, Action
from review_tui.queue_session import QueueSession, Reading
from review_tui.sanitize import short
from review_tui.screens.base import StationScreen
from review_tui.screens.queue_rows import QueueRows
from review_tui.widgets.bar import Bar
from review_tui.widgets.rows import FixedRows, Pieces, RowList

#: How often others' progress is looked for, in seconds; and how many times longer than it took to count, at least.
REFRESH_S, COUNTING_SHARE = 1.0, 10.0

EMPTY: Sequence[tuple[str, str]] = (
    ("There is no queue yet.", "strong"),
    ("", "text"),
    ("A queue is a set of runs that people review under one rule: cut the same", "text"),
    ("way, in one order, each chunk by so many people, and nobody sees what", "text"),
    ("others said of a chunk before having decided on it.", "text"),
    ("", "text"),
    ("review-tui queue create NAME RUN...", "accent"),
    ("    these runs, chunk by chunk, in the order given", "faint"),
    ("review-tui queue create NAME --all --order priority --reviewers 2", "accent"),
    ("    all runs, what is doubtful and grave first, each by two people", "faint"),
    ("review-tui queue create --help", "accent"),
    ("    whole runs, second readings, gold, shares decided blind", "faint"),
    ("", "text"),
    ("Then it stands here, and Enter takes your next item.", "text"),
)


class QueuesScreen(StationScreen):
    """Lists the queues."""

    ACTIONS: ClassVar[list[Action]] = QUEUES
    DEFAULT_CSS = """
    QueuesScreen #queues { padding: 0; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Overview] = []
        self.changes: dict[str, list[str]] = {}
        self._version = -1
        self._due = 0.0
        self._read_all = False

    def compose(self) -> ComposeResult:
        yield Bar(2, id="head")
        yield RowList(id="queues")
        yield Bar(1, id="footer")

    @property
    def rows(self) -> RowList:
        return self.query_one("#queues", RowList)

    async def on_mount(self) -> None:
        self.ready = True
        self.show_keys()
        self.rows.focus()
        self.rows.show(FixedRows([(None, [(" reading …", "faint")])]))
        self._show_head()
        self.run_worker(self._look(), exit_on_error=False)
        self.set_interval(REFRESH_S, self._look_again)

    def on_screen_resume(self) -> None:
        if self.is_mounted:
            self.run_worker(self._look(), exclusive=True, group="queues", exit_on_error=False)

    def on_resize(self) -> None:
        self._show_head()

    def _look_again(self) -> None:
        if not self.is_current or time.monotonic() < self._due:
            return
        if self.station.store.data_version() != self._version:
            self.run_worker(self._look(), exclusive=True, group="queues", exit_on_error=False)

    async def _look(self) -> None:
        began, self._version = time.monotonic(), self.station.store.data_version()
        found = await self.work(queue_progress.overview, self.station.store, self.station.reviewer)
        now = time.monotonic()
        self._due = now + COUNTING_SHARE * (now - began)
        if found is None or not self.ready:
            return
        self.found, self._read_all = found, True
        self._show()
        changes = await self.work(self._changes, [item.queue for item in found])
        if changes is not None and changes != self.changes:
            self.changes = changes
            self._show()

    def _changes(self, queues: list[Queue]) -> dict[str, list[str]]:
        books = self.station.codebooks()
        return {item.id: queue_progress.changes(self.station.store, item, books) for item in queues}

    # -- showing ------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        if self.found:
            self.rows.show(QueueRows(self.found, self.station.reviewer, self.changes))
        else:
            self.rows.show(FixedRows([(None, [("   ", "text"), piece]) for piece in (("", "text"), *EMPTY)]))
        self._show_head()

    def _show_head(self) -> None:
        left = sum(1 for item in self.found if item.left)
        count = f"   {len(self.found):,} {'queue' if len(self.found) == 1 else 'queues'}" if self._read_all else ""
        first: Pieces = [
            ("queues", "accent"),
            (count, "text"),
            (f", {left:,} with work for you" if left else "", "text"),
            None,
            (f"reviewer {short(self.station.reviewer, 24)}", "faint"),
        ]
        second = " Nobody sees what others said of a chunk before having decided on it." if self.found else ""
        self.query_one("#head", Bar).show(first, [(second, "faint")])

    # -- keys ---------------------------------------------------------------------------------------------------

    @on(RowList.Chosen, "#queues")
    async def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        await self.action_open()

    async def action_open(self) -> None:
        chosen = next((item for item in self.found if item.queue.id == self.rows.selected), None)
        if chosen is not None:
            await open_next(self, chosen)

    def action_down(self) -> None:
        self.rows.move(1)

    def action_up(self) -> None:
        self.rows.move(-1)

    async def action_help(self) -> None:
        await self.station.show_help(self.ACTIONS, "Keys of the queues")

    async def action_back(self) -> None:
        await self.station.back_to_inbox()


async def open_next(screen: StationScreen, chosen: Overview) -> None:
    """Take this reviewer's next item of a queue, and open the review at exactly that."""
    from review_tui.screens.review_queue import QueueReviewScreen

    station, queue = screen.station, chosen.queue
    session = QueueSession(station.store, queue, station.reviewer)
    session.total = max(1, chosen.mine + chosen.left)
    session.width, session.height = screen.size.width, screen.size.height

    def begin() -> tuple[Reading | None]:
        return (session.begin(),)

    found = await screen.work(begin)
    if found is None:  # the footer says why
        return
    (reading,) = found
    if reading is None:
        screen.say(nothing_for(chosen), "warn")
    else:
        await station.push_screen(QueueReviewScreen(session, reading))


def nothing_for(chosen: Overview) -> str:
    """Why a queue has nothing for the reviewer."""
    name = short(chosen.queue.name, 30)
    if not chosen.queue.items:
        return f"The queue {name!r} is empty: its runs had no steps when it was made."
    if chosen.left:
        who = ", ".join(short(who, 16) for who, _ in chosen.at[:3]) or "others"
        return f"What is left of {name!r} is with {who} now: come back later."
    return f"There is nothing left for you in {name!r}."
