"""The review screen in a queue: one item after another, each kept for the reviewer while they are at it.

Decisions are always on the item, wherever the reviewer reads: what stands before it is context.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import wait
from typing import TYPE_CHECKING

from labels import queue_progress
from labels.queue_hold import Hold
from review_tui.desk import Spot
from review_tui.queue_session import RENEW_S, QueueSession, Reading, Turn
from review_tui.sanitize import short
from review_tui.screens.review import GOODBYE_S, ReviewScreen
from review_tui.words import steps_text
from sessions import places
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.codebook import Codebooks

#: What comes next is not looked at before this one has been on the screen so long, in seconds.
SETTLE_S = 0.1


class QueueReviewScreen(ReviewScreen):
    """Review of what a queue gives. The first item has been taken already."""

    def __init__(self, session: QueueSession, reading: Reading) -> None:
        super().__init__(reading.run)
        self.session, self.reading = session, reading
        self._hold = Hold(True)
        self._preparing = self._left = False

    @property
    def _bounds(self) -> tuple[int, int]:
        """First and last step index of the item."""
        return self.reading.given.first, self.reading.given.last

    # -- opening ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        left = places.load(self.station.store, self.station.reviewer, self.opened)
        self._show_reading(self.reading)
        if self.reading.given.resumed and left is not None and self.desk.run.steps:
            self.return_to(left)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(RENEW_S, self.renew)
        self._prepare()
        self.run_worker(self._compare_codebooks(), exit_on_error=False)
        self.call_after_refresh(self._say_first)

    def _say_first(self) -> None:
        given = self.reading.given
        if given.lost:
            self.say(self._lost(given.lost), "warn")
        elif self.reading.again:
            self.say(f"You decided on this before. It is here again: {self.reading.again}.", "warn")
        elif given.resumed and not self._in_item(self.transcript.cursor.step):
            self.say(f"This is where you left off. }} goes to what you are to decide on: {self._item()}.")

    @staticmethod
    def _lost(who: str) -> str:
        return f"Your time on the item before ran out, and {short(who, 20)} has it now. This is your next one."

    def on_resize(self) -> None:
        super().on_resize()
        self.session.width, self.session.height = self._transcript_size()

    def _transcript_size(self) -> tuple[int, int]:
        size = self.transcript.size
        return (size.width or self.size.width), (size.height or self.size.height)

    def _show_reading(self, reading: Reading) -> None:
        """Put an item on the desk and show its beginning."""
        same = self.session.current is not None and reading.document is self.document
        self.session.current = self.reading = reading
        self._hold = Hold(True)
        if self.opened.id != reading.run.id:
            self.odds = self.odds.for_another_run(same_system=self.opened.system == reading.run.system)
        self.opened, self.desk, self.document = reading.run, reading.desk, reading.document
        self.desk.whole_run = reading.whole_run
        self.desk.enter(reading.chunk, anew=True)
        self.current = None
        if not same:
            self.clear_search()
            self.transcript.show(self.document)
        self.desk.seen = self.transcript.seen
        self._farthest = reading.given.last if same else 0
        self.transcript.clear_selection()
        self.transcript.go_to(reading.given.first, at_top=True)

    def _prepare(self) -> None:
        """Let what comes next be read, beside whatever the reviewer does; as soon as this item has been painted."""
        if not self._preparing:
            self._preparing = True
            self.set_timer(SETTLE_S, self._begin_to_look_ahead)

    def _begin_to_look_ahead(self) -> None:
        self.run_worker(self._look_ahead(), exit_on_error=False)

    async def _look_ahead(self) -> None:
        self.session.width, self.session.height = self._transcript_size()
        try:
            await asyncio.to_thread(self.session.look_ahead)
        except UserError:
            return  # then the next item comes a little later
        finally:
            self._preparing = False
        if self.ready:
            self.show_head()

    async def _compare_codebooks(self) -> None:
        """Say it if the failure modes are not those that the queue was made with."""
        try:
            self.session.changes = await asyncio.to_thread(self._changes)
        except UserError:
            return  # a codebook that cannot be read is told of where it is needed
        if self.session.changes and self.ready:
            self.show_head()
            self.mention(self.session.changes[0], "warn")

    def _changes(self) -> list[str]:
        return queue_progress.changes(self.station.store, self.session.queue, self.station.codebooks())

    # -- showing ------------------------------------------------------------------------------------------------

    def came_from(self) -> tuple[str, str]:
        name = short(self.session.queue.name, 16 if self.size.width < 120 else 40)
        number = self.reading.number
        return f"queue {name} {number:,} of {max(self.session.total, number):,} / ", "accent"

    def tally(self) -> str:
        """How far the run has come is not how far the reviewer has."""
        return "  "

    def note(self) -> tuple[str, str]:
        if self._hold.taken_by:
            return f"{short(self._hold.taken_by, 20)} has this item now; what you say counts all the same", "warn"
        if self._hold.elsewhere:
            return "you have gone on elsewhere: } follows", "warn"
        if self.reading.again:
            return short(f"here again: {self.reading.again}", max(20, self.size.width // 2)), "warn"
        if self.session.changes:
            return "a codebook has changed since the queue was made", "warn"
        return super().note()

    def _in_item(self, step: int) -> bool:
        first, last = self._bounds
        return first <= step <= last

    def _item(self) -> str:
        return steps_text(*self._bounds)

    def _follow(self, step: int) -> None:
        """Reading elsewhere in the run does not change what is decided on."""
        self._farthest = max(self._farthest, step)
        self.session.touch()
        self.moved_on()

    # -- from item to item --------------------------------------------------------------------------------------

    def turn(self, turn: Turn, said: str, look: str = "good") -> None:
        """Show what comes now, and say what was done."""
        if turn.reading is None:
            self.refresh_all()
            if turn.problem:
                self.say(f"{said} The next item cannot be fetched: {turn.problem} }} tries again.", "error")
            else:
                self.say(f"{said} There is nothing more for you in this queue now: q leaves it.", look)
            return
        self._show_reading(turn.reading)
        self.refresh_all()
        self.call_after_refresh(self.keep_place)
        lost = turn.reading.given.lost
        self.say(f"{said} {self._lost(lost)}" if lost else said, "warn" if lost else look)
        self._prepare()

    async def give_verdict(self, verdict: str, done: str, to: int | None = None, at: Spot | None = None) -> None:
        """Write a verdict on the item, and go on to the next."""
        desk, session, again = self.desk, self.session, bool(self.reading.again)

        def decide() -> Turn:
            first = again or desk.decision is None or desk.decision.verdict is None
            desk.verdict(verdict, to, at)
            return session.after(first)

        def show(turn: Turn) -> None:
            self.turn(turn, f"{done} u takes it back.")

        session.touch()
        found = await self.write(decide, then=show)
        if found is not None:
            show(found)

    @property
    def _chunk_read(self) -> int:
        """The chunk that the reviewer reads in, which need not be the one they decide on."""
        return self.desk.chunks.of_step(self.transcript.cursor.step)

    def action_next_chunk(self) -> None:
        self.go_chunk(self._chunk_read + 1)

    def action_previous_chunk(self) -> None:
        self.go_chunk(self._chunk_read - 1)

    async def action_next_undecided(self) -> None:
        """To the item, or on from it if it has a verdict."""
        decision = self.desk.decision
        decided = decision is not None and decision.verdict is not None
        if not decided and not self._hold.elsewhere:
            self.transcript.go_to(self.reading.given.first, at_top=True)
            self.say(f"Here begins what you are to decide on: {self._item()}.")
            return

        def go_on() -> Turn:
            return self.session.after(False)

        found = await self.write(go_on, then=lambda turn: self.turn(turn, "Next."))
        if found is not None:
            self.turn(found, "Next.")

    async def action_undo(self) -> None:
        await self._back_or_forth(self.session.undo, "Undone", "Nothing to undo in this queue.")

    async def action_redo(self) -> None:
        await self._back_or_forth(self.session.redo, "Done again", "Nothing to redo in this queue.")

    async def _back_or_forth(self, step: Callable[[], Turn | None], done: str, nothing: str) -> None:
        def call() -> tuple[Turn | None]:
            return (step(),)

        def show(found: tuple[Turn | None]) -> None:
            (turn,) = found
            if turn is None:
                self.say(nothing, "warn")
            elif turn.elsewhere:
                self.turn(turn, f"{done}, in {short(turn.elsewhere, 40)}: on what is not of this queue.", "warn")
            else:
                self.turn(turn, f"{done}: {self._words(turn)}.")

        found = await self.write(call, then=show)
        if found is not None:
            show(found)

    @staticmethod
    def _words(turn: Turn) -> str:
        assert turn.reading is not None
        given = turn.reading.given
        return "the whole run" if turn.reading.whole_run else steps_text(given.first, given.last)

    # -- what is fixed in a queue -------------------------------------------------------------------------------

    def action_whole_run(self) -> None:
        what = "whole runs" if self.reading.whole_run else "chunk by chunk"
        self.say(f"The queue {short(self.session.queue.name, 30)!r} is decided on {what}.", "warn")

    async def action_policy(self) -> None:
        queue = self.session.queue
        self.say(f"The queue {short(queue.name, 30)!r} cuts its runs by {queue.policy}, for every reviewer.", "warn")

    def judged_by(self) -> Codebooks:
        """Those that the queue names: nobody was asked about the others."""
        books, named = self.station.codebooks(), {ref.id for ref in self.session.queue.codebooks}
        here = [book.id for book in books if book.id in named]
        return books.only(*here) if here else books

    async def action_label(self) -> None:
        selection = self.transcript.selection
        step = selection.step if selection is not None and not selection.empty else self.transcript.cursor.step
        if self._in_item(step):
            await super().action_label()
        else:
            self.say(f"Step {step + 1} is not what you are to decide on: }} goes to {self._item()}.", "warn")

    # -- holding, and leaving -----------------------------------------------------------------------------------

    async def renew(self) -> None:
        """Keep the item for longer, and say so if that is not to be."""
        try:
            hold = await self.on_desk(self.session.renew)
        except UserError:
            return  # the lease is a courtesy: the next one renews it
        if hold is None or hold == self._hold or not self.ready:
            return
        self._hold = hold
        self.show_head()
        if hold.taken_by:
            who = short(hold.taken_by, 20)
            self.say(f"Your time ran out, and {who} has this item now. What you say counts all the same.", "warn")

    def leave(self) -> None:
        """Keep the place, and let others have the item meanwhile."""
        super().leave()
        if not self._left and not self.station.store.read_only:
            self._left = True
            wait([self._hands.submit(self._let_go_of_item)], timeout=GOODBYE_S)

    def _let_go_of_item(self) -> None:
        with contextlib.suppress(UserError):  # it ends by itself
            self.session.leave()

    async def action_back(self) -> None:
        """To where the queue was chosen."""
        from review_tui.screens.queues import QueuesScreen

        if len(self.station.screen_stack) > 1 and isinstance(self.station.screen_stack[-2], QueuesScreen):
            self.leave()
            await self.station.pop_screen()
        else:
            await self.station.back_to_inbox()
