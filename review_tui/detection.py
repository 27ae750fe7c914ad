"""The station's side of detection: starts the process that looks at runs, and lets the screens know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from labels.detection_process import DetectionProcess
from review_tui.sanitize import clean

if TYPE_CHECKING:
    from review_tui.app import ReviewApp


T = TypeVar("T")


class Detection:
    """One process at a time looks at the runs. All methods are called in the UI thread."""

    def __init__(self, app: ReviewApp) -> None:
        self._app = app
        self._process: DetectionProcess | None = None
        self._looked: set[str] = set()
        self._first: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = self._stopped = False

    def start(self) -> None:
        """Let the detectors look at what they have not looked at."""
        if self._stopped:
            return
        self._end_process()
        self._ended = False
        self._loop = asyncio.get_running_loop()
        self._process = DetectionProcess(self._app.store.path, self._first, self._app.codebook_paths)
        work = partial(self._follow, self._process)
        self._app.run_worker(work, thread=True, group="detection", exit_on_error=False)

    def prefer(self, run_id: str) -> None:
        """The reviewer opens this run: it comes next."""
        self._first = run_id
        if self._process is not None and self.waits(run_id):
            self.start()

    def waits(self, run_id: str) -> bool:
        """Whether the detectors have yet to look at this run."""
        return not self._ended and run_id not in self._looked

    def stop(self) -> None:
        self._ended = self._stopped = True
        self._end_process()

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    # -- in the worker's thread ---------------------------------------------------------------------------------

    def _follow(self, process: DetectionProcess) -> None:
        process.follow(
            looked=lambda run: self._soon(self._through_with, run),
            failed=lambda message: self._soon(self._warn, message),
        )
        self._soon(self._over, process)

    def _soon(self, call: Callable[[T], None], argument: T) -> None:
        """Let the UI thread do something, without waiting for it: it may be about to end."""
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(call, argument)

    # -- in the UI thread again -----------------------------------------------------------------------------------

    def _warn(self, message: str) -> None:
        self._app.notify(clean(message), severity="warning", markup=False)

    def _through_with(self, run_id: str) -> None:
        self._looked.add(run_id)
        self._app.looked_at(run_id)

    def _over(self, process: DetectionProcess) -> None:
        if process is self._process:  # not one that was stopped to begin another
            self._process = None
            self._ended = True
            self._app.looked_at(None)
