"""One reviewer at work in one queue: what they have, what comes next, and the way back. No Textual in here.

The methods that read or write are called in the desk's thread, one after another; what they give is shown by the UI
thread afterwards.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from labels import queue_again, queue_hold, queue_next, queue_progress
from labels.ledger import Ledger, fill_judgements
from labels.queue_next import Given
from labels.queues import Queue
from review_tui.desk import Desk
from review_tui.transcript.document import Document
from review_tui.widgets.paint import Columns
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.store import Store

#: A lease is renewed so often, as long as the reviewer has done something within the last IDLE_S; in seconds.
RENEW_S, IDLE_S = 60.0, 900.0
#: How often it is counted how much is left: others take of it, and counting takes a second in a very large queue.
COUNT_S = 15.0


@dataclass
class Reading:
    """An item ready to be read. number: which one of this reviewer's in the queue, from 1. again: why they have it once
    more, having decided on it before; "" if they have not."""

    given: Given
    desk: Desk
    document: Document
    number: int
    again: str = ""

    @property
    def run(self) -> RunInfo:
        return self.desk.run

    @property
    def whole_run(self) -> bool:
        return not self.given.number

    @property
    def chunk(self) -> int:
        """The item's chunk, from 0; the first one where the whole run is decided on."""
        return self.desk.chunks.of_step(self.given.first)


@dataclass(frozen=True)
class Turn:
    """What comes after an act. reading: the item to be shown, None if there is nothing (more) for this reviewer.
    problem: why it could not be fetched, though the act itself is on disk. elsewhere: in words, where the act was that
    was undone or redone, if on no item of the queue."""

    reading: Reading | None
    problem: str = ""
    elsewhere: str = ""


class QueueSession:
    """A queue and a reviewer. width, height: of the transcript, so that what comes next can be laid out before it is
    shown."""

    def __init__(self, store: Store, queue: Queue, reviewer: str) -> None:
        self.store, self.queue, self.reviewer = store, queue, reviewer
        self.width, self.height = 80, 24
        self.current: Reading | None = None
        #: How many there are for this reviewer, done ones included.
        self.total = queue.items
        #: What has changed in the codebooks since the queue was made, one line each.
        self.changes: list[str] = []
        self._done = 0
        #: The place that was given last: what comes next is most likely behind it.
        self._after = -1
        self._counted = -COUNT_S
        self._ahead: Reading | None = None
        self._touched = time.monotonic()

    # -- forward ------------------------------------------------------------------------------------------------

    def begin(self) -> Reading | None:
        """The item to begin with. Raises UserError."""
        fill_judgements(self.store)
        self._done = queue_progress.readings(self.store, self.queue, self.reviewer)
        return self.next()

    def next(self) -> Reading | None:
        """This reviewer's next item, kept for them; None if there is nothing for them now. Raises UserError."""
        given = queue_next.take(self.store, self.queue, self.reviewer, filled=True, after=self._after)
        if given is not None and not given.repeat:
            self._after = given.place
        return None if given is None else self._reading(given)

    def after(self, said: bool) -> Turn:
        """The next item, after a verdict (said: it is the first one on the current item, in this reading)."""
        self._done += said
        try:
            return Turn(self.next())
        except UserError as error:
            return Turn(None, str(error))

    def look_ahead(self) -> None:
        """Read what would come next, so that it is there at once; nothing is kept for the reviewer by it. May run
        beside the desk's thread. Raises UserError."""
        here = self.current
        given = queue_next.ahead(self.store, self.queue, self.reviewer, after=self._after)
        if given is not None and (here is None or here.run.id != given.run):
            self._ahead = self._fresh(given, 0)
        if time.monotonic() - self._counted > COUNT_S:
            overview = queue_progress.of_queue(self.store, self.queue, self.reviewer)
            self.total = overview.mine + overview.left
            self._counted = time.monotonic()

    def _reading(self, given: Given) -> Reading:
        number, here, ahead = self._done + 1, self.current, self._ahead
        if ahead is not None and (ahead.given.place, ahead.given.repeat) == (given.place, given.repeat):
            ahead.desk.reload()
            return Reading(given, ahead.desk, ahead.document, number, self._again(given))
        if here is not None and here.run.id == given.run:
            if given.repeat or here.given.repeat:
                here.desk.reload()  # what is hidden of what was said before is another chunk's now
            return Reading(given, here.desk, here.document, number, self._again(given))
        return self._fresh(given, number)

    def _fresh(self, given: Given, number: int) -> Reading:
        run = catalog.run_by_id(self.store, given.run)
        if run is None:
            raise UserError("the run of your next item is no longer in the database.", "Somebody has deleted it.")
        desk = Desk(self.store, run, self.reviewer, self.queue.policy)
        reading = Reading(given, desk, Document(self.store, run, desk.chunks), number, self._again(given))
        desk.whole_run = reading.whole_run
        desk.enter(reading.chunk)
        self._lay_out(reading)
        return reading

    def _again(self, given: Given) -> str:
        return "" if given.repeat else queue_again.reason_for(self.store, given.run, given.chunk, self.reviewer)

    def _lay_out(self, reading: Reading) -> None:
        """Lay out the item's first screen."""
        run, document = reading.run, reading.document
        longest = max((len(actor) for actor in run.actors), default=5)
        document.set_width(Columns.of(self.width - 1, run.steps, longest).body)
        rows, index = 0, reading.given.first
        while rows < self.height and index < run.steps:
            rows += document.height_of(index)
            index += 1

    # -- holding ------------------------------------------------------------------------------------------------

    def touch(self) -> None:
        """The reviewer is there."""
        self._touched = time.monotonic()

    def renew(self) -> queue_hold.Hold | None:
        """Keep the current item for longer. None if nobody seems to be there. Raises UserError."""
        if self.current is None or time.monotonic() - self._touched > IDLE_S:
            return None
        return queue_hold.renew(self.store, self.queue, self.reviewer, self.current.given.place)

    def leave(self) -> None:
        """Let others have the current item until this reviewer comes back. Raises UserError."""
        if self.current is not None:
            queue_hold.leave(self.store, self.queue, self.reviewer, self.current.given.place)

    # -- back ---------------------------------------------------------------------------------------------------

    def undo(self) -> Turn | None:
        """Take the reviewer's last act in the queue back, on whatever item it was, and turn to that; None if there is
        nothing to undo. Raises UserError."""
        return self._step(undone=False)

    def redo(self) -> Turn | None:
        """Do again what was undone last; as `undo`."""
        return self._step(undone=True)

    def _step(self, *, undone: bool) -> Turn | None:
        act = queue_hold.last_act(self.store, self.queue, self.reviewer, undone=undone)
        run = catalog.run_by_id(self.store, act.run) if act is not None else None
        if act is None or run is None:
            return None
        # The item is taken first: whatever is said of it next must belong to the reading that is taken back.
        reading, here = self.current, self.current
        if act.place is not None:
            given = queue_hold.take_back(self.store, self.queue, self.reviewer, act.place, repeat=act.repeat)
            assert given is not None
            if here is None or here.given.place != act.place:
                self._ahead = None
                reading = self._reading(given)
        ledger = Ledger(self.store, self.reviewer)
        done = None
        try:
            done = ledger.redo(run) if undone else ledger.undo(run)
        finally:
            if done is None and here is not None and reading is not here:
                back = here.given
                queue_hold.take_back(self.store, self.queue, self.reviewer, back.place, repeat=back.repeat)
        if done is None or reading is None:
            return None
        reading.desk.reload()
        self._done = queue_progress.readings(self.store, self.queue, self.reviewer)
        said = any(item.chunk == reading.given.chunk and item.verdict for item in reading.desk.decisions)
        number = max(1, self._done + (not said))
        elsewhere = "" if act.place is not None else run.title or run.id
        return Turn(Reading(reading.given, reading.desk, reading.document, number), elsewhere=elsewhere)
