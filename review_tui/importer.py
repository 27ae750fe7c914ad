"""Reading runs beside the screen: finds the files, imports them one by one, then indexes and archives them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from sessions import archive, catalog
from sessions.discover import find
from sessions.errors import UserError
from sessions.ingest import Cancelled, ImportReport, Watch, import_file
from sessions.store import Store


class Importer:
    """Work for one thread. Callbacks come in that thread.

    started(run id): a run's first steps can be read. finished(report): a file is in. failed(message): it could not be
    read. `busy` while files are being read.
    """

    def __init__(
        self,
        store: Store,
        *,
        started: Callable[[str], None],
        finished: Callable[[ImportReport], None],
        failed: Callable[[str], None],
    ) -> None:
        self.store, self.started, self.finished, self.failed = store, started, finished, failed
        self.stop = threading.Event()
        self.busy = False

    def run(self, paths: Iterable[Path], format: str | None) -> None:
        """Import everything, then finish what any earlier import left unfinished."""
        self.busy = True
        try:
            self._import(list(paths), format)
            self.busy = False
            for run in archive.unfinished(self.store):
                archive.finish_run(self.store, run, self.stop.is_set)
        except Cancelled:
            return
        except UserError as error:
            if not self.stop.is_set():
                self.failed(str(error))
        finally:
            self.busy = False
            self.store.close_thread()

    def _import(self, paths: list[Path], format: str | None) -> None:
        watch = Watch(started=self.started, cancelled=self.stop.is_set)
        search = find(paths, format)
        for item in search:
            if self.stop.is_set():
                return
            try:
                report = import_file(self.store, item.path, item.format, watch)
            except UserError as error:
                self.failed(str(error))
                continue
            for imported in report.runs:
                run = catalog.run_by_id(self.store, imported.run)
                search.claim(run.files if run else [])  # sub-agents' files are no runs of their own
            self.finished(report)
        for failure in search.failures:
            if failure.named:
                self.failed(str(failure.error))
