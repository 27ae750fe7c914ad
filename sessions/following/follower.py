"""Keeps the stored run up to date with the file that an agent is writing, until it is told to stop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sessions import archive, catalog
from sessions.following.growing import Growing
from sessions.following.rows import Diverged, FollowedRun, Gone, known_run
from sessions.ingest import MAX_PROBLEMS
from sessions.keys import path_text
from sessions.run import Facts, Header, Problem, Record, Step, apply_facts
from sessions.store import Store

#: A file that has not changed for so long is quiet: its run is complete until it goes on.
QUIET_S = 5.0
#: Another program may change the run's rows once or twice; a file whose run never stays is given up.
_MOST_TRIES = 3


@dataclass
class Listener:
    """Who is told what happens, in the thread that follows.

    started(run id): a run's first steps can be read. grown(run id, first, count): its steps from index `first` on have
    come or changed, and there are `count` now. replaced(run id): the file holds another run now, `started` follows.
    rested(run id): the file is quiet.
    """

    started: Callable[[str], None] = lambda run: None
    grown: Callable[[str, int, int], None] = lambda run, first, count: None
    replaced: Callable[[str], None] = lambda run: None
    rested: Callable[[str], None] = lambda run: None


class Follower:
    """Follows one file into a store. `run` is the loop; `look` one round of it."""

    def __init__(self, store: Store, path: Path, format: str | None = None, listener: Listener | None = None) -> None:
        self.store, self.path = store, path
        self.listener = listener or Listener()
        self.growing = Growing(path, format)
        self.run_now: FollowedRun | None = None
        self._name = path_text(path)
        self._before: FollowedRun | None = None
        self._fresh = False  # the file has diverged: what is read next are rows of their own
        self._pending: list[Step] = []
        self._problems: list[Problem] = []
        self._told: set[str] = set()
        self._stamp = (0, 0)
        self._changed_at = time.monotonic()
        self._resting = True

    def run(self, wait: Callable[[bool], bool]) -> None:
        """Follow until `wait` says that it is time to go. wait(True) sleeps until it is time to look again; wait(False)
        only asks. Raises UserError if the file is in no known format."""
        ended = False
        try:
            while not ended:
                if not self.look() and not self._resting and time.monotonic() - self._changed_at > QUIET_S:
                    self.rest(lambda: wait(False) or self.growing.moved())
                ended = wait(True)
            self.look()
        finally:
            self.stop()

    def stop(self) -> None:
        """The following ends: the run is complete as it is."""
        if self.run_now is not None and not self._resting:
            self.rest(lambda: True)
        self.growing.close()

    # -- growth -----------------------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Take over what is new in the file; whether anything was. Raises UserError."""
        if not self.growing.look():
            return False
        for _ in range(_MOST_TRIES):
            try:
                self._take_all()
                break
            except Diverged:
                self._fresh, self._before = True, self.run_now
            except Gone:
                self._before = self.run_now = None
            self.run_now = None
            self.growing.restart()
            if not self.growing.look():
                return False
        self._changed_at = time.monotonic()
        return True

    def _take_all(self) -> None:
        records = self.growing.settled()
        self._stamp = self.growing.stamp
        if self.growing.anew:
            self._before = self.run_now or self._before
            self.run_now, self._problems = None, []
        for record in records:
            self._take(record)
        self._pending = self._take_pending(self.growing.pending())
        run = self.run_now
        if run is None:
            return
        self._tell(run, run.show(self._pending))
        if self._fresh:
            self._settle_fresh(run)

    def _take(self, record: Record) -> None:
        run = self.run_now
        if isinstance(record, Step):
            assert run is not None, "a reader must yield a Header first"
            if run.add(record):
                self._tell(run, True)
        elif isinstance(record, Header):
            self._open(record)
        elif isinstance(record, Facts):
            if run is not None:
                apply_facts(run.header, record)
        elif len(self._problems) < MAX_PROBLEMS:
            self._problems.append(record)

    def _open(self, header: Header) -> None:
        """A run begins in the file: the one that is followed (its header comes again), the next one, or a first."""
        run = self.run_now
        if run is not None and run.header.item == header.item:
            run.header = header
            return
        if run is not None:  # the conversation before was cleared: it is whole
            self._tell(run, run.show(()))
            self.rest(lambda: True)
        self.run_now = self._followed(header)

    def _followed(self, header: Header) -> FollowedRun:
        before = self._before
        if self._fresh:
            return FollowedRun(self.store, header, self._name)
        if before is not None and before.header.item == header.item:
            known = catalog.run_by_id(self.store, before.id)
            sure = before.settled if before.settled < before.count else max(1, before.count - 1)
        else:
            known = known_run(self.store, self._name, header.item)
            sure = max(1, known.steps - 1) if known else 0
        return FollowedRun(self.store, header, self._name, known, sure)

    def _take_pending(self, records: list[Record]) -> list[Step]:
        """The unsettled steps of the run that is followed; what is told of a later one waits until it is certain."""
        steps: list[Step] = []
        for record in records:
            if isinstance(record, Step):
                steps.append(record)
            elif isinstance(record, Header):
                if self.run_now is not None and self.run_now.header.item != record.item:
                    break
                if self.run_now is None:
                    self._open(record)
            elif isinstance(record, Facts) and self.run_now is not None:
                apply_facts(self.run_now.header, record)
        return steps

    def _settle_fresh(self, run: FollowedRun) -> None:
        """The file was read anew: the session it was before, told otherwise, or a run of its own."""
        before, self._before, self._fresh = self._before, None, False
        if before is None:
            return
        name = run.header.native_id
        if name is not None and name == before.session and run.header.item == before.header.item:
            run.replace(before)
        else:
            if not before.complete:
                before.rest((), (0, 0), ())
            self.listener.replaced(before.id)
        run.changed_from = 0
        self._tell(run, True)

    def _tell(self, run: FollowedRun, moved: bool) -> None:
        """Pass on that a run is there, and what of it has changed."""
        if moved or not run.complete:
            self._resting = False
        if self._fresh or not run.count:
            return
        if run.id not in self._told:
            self._told.add(run.id)
            self.listener.started(run.id)
        if moved:
            self.listener.grown(run.id, run.changed_from, run.count)

    # -- rest -------------------------------------------------------------------------------------------------------

    def rest(self, cancelled: Callable[[], bool]) -> None:
        """The file is quiet: its run is complete, and is indexed and archived as far as there is time."""
        run = self.run_now
        self._resting = True
        if run is None or not run.count:
            return
        try:
            name = run.rest(self._pending, self._stamp, self._problems)
        except Gone:
            self.run_now = self._before = None
            self.growing.restart()
            return
        self.listener.rested(name)
        found = catalog.run_by_id(self.store, name)
        if found is not None and os.path.exists(self.path):
            archive.finish_run(self.store, found, cancelled)
