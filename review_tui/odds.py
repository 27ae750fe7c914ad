"""The line above the transcript that says what the rest of a run can be expected to do, alone and with review.

It begins with the prior, so that it is there with the first frame; what the reviews of this system say comes from a
thread a moment later, and again after each decision.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

from textual.timer import Timer

from labels.planning.quick import PRIOR_SUCCESS, ends_right
from sessions.catalog import RunInfo
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.planning.estimate import Estimate
    from labels.planning.reviews import SystemReviews
    from review_tui.screens.base import StationScreen

#: How long after the first frame, and after the last decision, reviews are read, in seconds.
FIRST_S, AGAIN_S = 0.2, 1.0


class Odds:
    """estimate: None until there is more than the prior."""

    def __init__(self) -> None:
        self.estimate: Estimate | None = None
        self._reviews: SystemReviews | None = None
        self._said: object = None
        self._timer: Timer | None = None
        self._reading = Lock()

    def for_another_run(self, *, same_system: bool) -> Odds:
        """To begin anew on another run. What is known of its system already is kept until it has been read again."""
        if self._timer is not None:
            self._timer.stop()
        fresh = Odds()
        fresh.estimate = self.estimate if same_system else None
        return fresh

    def follow(self, screen: StationScreen, run: RunInfo, decisions: object, show: Callable[[], None]) -> None:
        """Learn what reviews say of the run's system: a moment after the first call, and again where decisions have
        changed since; one who decides quickly is not disturbed by it. decisions: the reviewer's on this run, as they
        are. show: draws the line anew."""
        if self._timer is None or decisions != self._said:
            seconds = FIRST_S if self._timer is None else AGAIN_S
            self._said = decisions
            self._later(screen, run, show, seconds)

    def _later(self, screen: StationScreen, run: RunInfo, show: Callable[[], None], seconds: float) -> None:
        if self._timer is not None:
            self._timer.stop()

        async def learn() -> None:
            with suppress(UserError):  # the line is no reason to trouble anybody: it stays as it is
                before, self.estimate = self.estimate, await asyncio.to_thread(self._learn, screen, run)
                if screen.ready and self.estimate != before:
                    show()

        def start() -> None:
            screen.run_worker(learn(), group="odds", exit_on_error=False)

        self._timer = screen.set_timer(seconds, start)

    def _learn(self, screen: StationScreen, run: RunInfo) -> Estimate | None:
        """In a thread: nothing of it is imported before the first frame."""
        from labels.planning.reviews import SystemReviews

        with self._reading:
            if self._reviews is None:
                reviews = SystemReviews(screen.station.store, run, screen.station.reviewer)
                found = reviews.read()
                self._reviews = reviews
            else:
                found = self._reviews.read_again()
        return found if found.chunks else None

    def line(self, to_go: int, chunk: int, room: int) -> str:
        """What this chunk, and the rest of the run with it, can be expected to do. to_go: steps from the chunk's first
        one to the run's end. chunk: its steps. room: cells; the longest wording that fits is taken."""
        success = self.estimate.success if self.estimate else PRIOR_SUCCESS
        stage, rest = _percent(success**chunk), _percent(success**to_go)
        reviewed = _percent(ends_right(to_go, success, chunk))
        full = f": this chunk {stage}, rest of the run {rest}, with review {reviewed}"
        short = f": chunk {stage}, rest {rest}, reviewed {reviewed}"
        least = f": chunk {stage}, rest {rest}"
        step, brief, briefest = self._rests_on()
        words = [head + tail for head in (step, brief, briefest) for tail in (full, short)] + [briefest + least]
        return next((text for text in words if len(text) <= room), words[-1])

    def _rests_on(self) -> tuple[str, str, str]:
        """The success of a step and what that rests on, at three lengths."""
        known = self.estimate
        if known is None:
            step = f"step {_percent(PRIOR_SUCCESS)}"
            return f"{step} (assumed, nothing reviewed yet)", f"{step} (assumed)", f"{step}?"
        step = f"step {_percent(known.success)}"
        interval = f"{_percent(known.low)}–{_percent(known.high)}"
        many = "1 chunk" if known.chunks == 1 else f"{known.chunks:,} chunks"
        count = f"{'your' if known.own else 'n'} {known.chunks:,}"
        return (
            f"{step} ({interval}, {many} reviewed{' by you' if known.own else ''})",
            f"{step} ({interval}, {count})",
            f"{step} ({count})",
        )


def _percent(value: float) -> str:
    """Without a blank: the line is short of room. Nearly never is not never."""
    text = f"{value:.0%}"
    if text == "0%" and value > 0:
        return "<1%"
    return ">99%" if text == "100%" and value < 1 else text
