"""The station on a file that an agent is writing: the ordinary review screen, whose run grows. There is no gate."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from textual.await_complete import AwaitComplete
from textual.screen import Screen
from textual.worker import get_current_worker

from review_tui.app import DEBUG_VARIABLE, ReviewApp
from review_tui.sanitize import clean
from review_tui.screens.review import ReviewScreen
from review_tui.transcript.scroller import Place
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.following.process import FollowerProcess
from sessions.live.waiting import SAFETY_S, Waiter
from sessions.store import Store

#: A reader holds back at most so many steps; only these may still change (`sessions.readers.pairing`).
UNSETTLED = 80
SAYS = "Following, not gating: the agent does not wait for you."


class FollowScreen(ReviewScreen):
    """Review of a run that grows. Who stands at its end is taken along."""

    _was_complete = True

    def on_mount(self) -> None:
        super().on_mount()
        if self._growing is not None:
            self._growing.stop()
            self._growing = None
        self._was_complete = self.desk.run.complete
        self.run_worker(self._wait_for_growth, thread=True, group="growth", exit_on_error=False)
        self.call_after_refresh(self.say, SAYS, "warn")

    def _wait_for_growth(self) -> None:
        """In a thread: sleep until something was written to the database, and let the screen look."""
        worker = get_current_worker()
        with Waiter(self.station.store) as waiter:
            while not worker.is_cancelled:
                if waiter.changed(SAFETY_S):
                    self.station.call_from_thread(self._grow)  # type: ignore[arg-type]  # a union
        self.station.store.close_thread()

    async def _look_for_growth(self) -> None:
        await self._grow()

    async def _grow(self) -> bool:
        """Show what has come, and what has changed of the last steps; whether anything was."""
        if not self.ready:
            return False
        before, at_end = self.desk.run.steps, self._at_end()
        if not await self.on_desk(self.desk.refresh_run) or not self.ready:
            return False
        self._forget_changed(max(0, min(before, self.desk.run.steps) - UNSETTLED))
        self.document.grown(self.desk.run, self.desk.chunks)
        self.transcript.changed()
        if at_end and self.transcript.selection is None:
            self.transcript.go_end()
        if self.desk.run.complete != self._was_complete:
            self._was_complete = self.desk.run.complete
            self.desk.reload()
            self.refresh_all()
            self._detect()
        else:
            self.show_head()
        return True

    def _detect(self) -> None:
        if self._was_complete and isinstance(self.app, FollowApp):
            self.app.detect_again()

    def _at_end(self) -> bool:
        """Whether the reviewer stands on the run's last row."""
        total = self.desk.run.steps
        if not total:
            return True
        return self.transcript.cursor >= Place(total - 1, self.document.height_of(total - 1) - 1)

    def _forget_changed(self, first: int) -> None:
        """Drop what was read of steps that are not stored like that any more."""
        stored = {row.index: row for row in catalog.index_rows(self.station.store, self.desk.run.no, first)}
        self.document.drop_changed(first, stored)

    def _progress(self) -> tuple[str, str]:
        return ("following, no gate", "good" if self.desk.run.complete else "warn")


class FollowApp(ReviewApp):
    """The station with one file that is followed."""

    def __init__(self, store: Store, reviewer: str, path: Path, follower: FollowerProcess, **options: Any) -> None:
        super().__init__(store, reviewer, [path], importer=follower, **options)
        self._followed: set[str] = set()

    # Wherever a followed run is opened, it is opened on a screen that follows it.

    def push_screen(self, screen: Screen[Any] | str, *args: Any, **options: Any) -> Any:
        return super().push_screen(self._following(screen), *args, **options)

    def switch_screen(self, screen: Screen[Any] | str) -> AwaitComplete:
        return super().switch_screen(self._following(screen))

    def _following(self, screen: Screen[Any] | str) -> Screen[Any] | str:
        if type(screen) is ReviewScreen and screen.opened.id in self._followed:
            return FollowScreen(screen.opened, place=screen.first_place, find=screen.first_search)
        return screen

    def _single_known_run(self) -> RunInfo | None:
        run = super()._single_known_run()
        if run is not None:
            self._followed.add(run.id)
        return run

    def _run_started(self, run_id: str) -> None:
        again = self._opened and run_id not in self._followed
        self._followed.add(run_id)
        super()._run_started(run_id)
        if again:
            self._soon(self._open_next(run_id))

    async def _open_next(self, run_id: str) -> None:
        """The file holds another run now: the conversation was cleared, or the file was replaced."""
        run = catalog.run_by_id(self.store, run_id)
        if run is not None and isinstance(self.screen, FollowScreen) and self.screen.opened.id != run.id:
            await self.open_run(run)
            self.notify("Another run begins in the file.", markup=False)

    def _file_read(self, path: str, runs: list[str], reason: str | None) -> None:
        self._found = self._found or bool(runs)
        self.call_from_thread(self.detect_again)
        if reason is not None:
            self._failed(f"{path}: {reason}.")

    def detect_again(self) -> None:
        """Let the detectors look: what was there is read, or the run has come to rest."""
        if self._detection is not None:
            self._detection.start()


def run(
    db: Path, path: Path, reviewer: str, follower: FollowerProcess, format: str | None = None,
    codebook_paths: Iterable[Path] = (),
) -> None:  # fmt: skip
    """Open the station on a followed file until the reviewer quits. Raises UserError."""
    with Store.open(db) as store:
        app = FollowApp(store, reviewer, path, follower, format=format, codebook_paths=codebook_paths)
        app.run()
    if app.fault is not None:
        raise UserError(
            f"something went wrong inside ({type(app.fault).__name__}: {clean(str(app.fault))[:120]}).",
            f"Everything decided is kept. {DEBUG_VARIABLE}=1 shows the details.",
        )
