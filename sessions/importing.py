"""Importing in a process of its own, so that reading a gigabyte never makes a key wait for Python's lock.

Run as `python -P -m sessions.importing --db FILE [--format NAME] PATH...`. It reads the runs into the database,
then indexes and archives what is unfinished, and tells what happened as JSON lines on standard output:

    {"event": "started", "run": ID}              a run's first steps can be read
    {"event": "finished", "path": ..., "runs": [ID...], "reason": why there is none, or null}
    {"event": "failed", "message": ...}          a file, or everything, could not be read
    {"event": "imported"}                        all paths are read; what follows is index and archive

It ends by itself when whoever started it is gone. `Importer` is the other end of it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sessions.errors import UserError
from sessions.jsontext import BadJson, dumps, loads

if TYPE_CHECKING:  # only the other process needs them: this module is on the way to the first frame
    from sessions.ahead import ReadAhead
    from sessions.store import Store

#: 256 MB of WAL: copying it back takes a tenth of an import, and can wait until the runs are there.
WAL_PAGES = 64_000
#: How long a stopped import may take to end by itself, in seconds; it is killed then (it can be killed any time).
GRACE_S = 0.3

#: How long an import goes on at most when whoever started it has gone, in seconds.
PATIENCE_S = 5.0

#: And so long it waits for them to go, with all done.
OUTLAST_S = 2.0


class Importer:
    """Starts an import at once; `follow` then tells what happens. Callbacks come in the thread that follows.

    started(run id), finished(path, run ids, reason), failed(message): as the events above. `busy`: still reading paths.
    """

    #: Whether it was told to end by itself.
    _left = False

    def __init__(self, db: Path, paths: Iterable[Path], format: str | None = None) -> None:
        import subprocess  # this module is on the way to the first frame

        command = [sys.executable, "-P", "-m", "sessions.importing", "--db", str(db)]
        if format is not None:
            command += ["--format", format]
        command += ["--", *(os.path.abspath(path) for path in paths)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self.busy = True

    def follow(
        self,
        *,
        started: Callable[[str], None],
        finished: Callable[[str, list[str], str | None], None],
        failed: Callable[[str], None],
    ) -> None:
        """Pass events on until the import has ended."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                event = loads(line)
            except BadJson:
                continue
            match event["event"]:
                case "started":
                    started(event["run"])
                case "finished":
                    finished(event["path"], event["runs"], event["reason"])
                case "failed":
                    failed(event["message"])
                case "imported":
                    self.busy = False
        if self._left:
            self._process.stdout.close()
            return
        code = self._process.wait()
        if self.busy and code > 0:
            failed("The import ended before it was done. Open the runs again to go on.")
        self.busy = False

    def leave(self) -> None:
        """End the import and do not wait for it: what it has not finished starts over next time. It closes the database
        after this process has, and so has the WAL to copy back, which takes longer than a person waits."""
        self.busy = False
        self._left = True
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def stop(self) -> None:
        """End the import now, unless it was left. What it has not finished starts over next time."""
        self.busy = False
        if self._left:
            return
        if self._process.poll() is None:
            self._process.terminate()
            end = time.monotonic() + GRACE_S
            while self._process.poll() is None and time.monotonic() < end:
                time.sleep(0.005)
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


# -- the other process ----------------------------------------------------------------------------------------------


def main() -> int:
    """Import as told by the command line; see the module's docstring."""
    import argparse
    import gc

    from sessions.ahead import SELDOM, ReadAhead
    from sessions.background import stand_back

    parser = argparse.ArgumentParser()
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--format")
    parser.add_argument("paths", nargs="*", type=Path)
    options = parser.parse_args()
    stand_back()
    gc.set_threshold(*SELDOM)
    with ReadAhead() as reader:
        gone = threading.Event()
        threading.Thread(target=_watch_parent, args=[gone], daemon=True).start()
        try:
            _work(options.db, options.paths, options.format, gone, reader)
        except UserError as error:
            _tell("failed", message=str(error))
    return 0


def _watch_parent(gone: threading.Event) -> None:
    """The parent holds the other end of standard input and never writes: its end means that the parent is gone.

    The import ends after the batch it is at. Where there is none for long, it is ended here: it can be at any time.
    """
    os.read(0, 1)
    gone.set()
    time.sleep(PATIENCE_S)
    os._exit(1)


def _tell(event: str, **values: Any) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(dumps({"event": event, **values}) + "\n")
        sys.stdout.flush()


def _work(db: Path, paths: list[Path], format: str | None, gone: threading.Event, reader: ReadAhead) -> None:
    """Import, then finish what is unfinished, until whoever started this has gone."""
    parent = os.getppid()
    from sessions import archive
    from sessions.ingest import Cancelled
    from sessions.store import CHECKPOINT_PAGES, Store

    with Store.open(db) as store:
        try:
            store.copy_back_after(WAL_PAGES)
            _import(store, paths, format, gone, reader)
            _tell("imported")
            reader.close()
            store.copy_back()
            store.copy_back_after(CHECKPOINT_PAGES)
            for run in archive.unfinished(store):
                archive.finish_run(store, run, gone.is_set)
        except Cancelled:
            reader.close()
        if gone.is_set():
            _outlast(parent)


def _outlast(parent: int) -> None:
    """Wait for the station to go. Who closes a database last copies its WAL back, and a reviewer who quits should not
    have to wait for that."""
    sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing more is told: the station need not listen any longer
    end = time.monotonic() + OUTLAST_S
    while os.getppid() == parent and time.monotonic() < end:
        time.sleep(0.01)


def _import(store: Store, paths: list[Path], format: str | None, gone: threading.Event, reader: ReadAhead) -> None:
    from sessions import catalog
    from sessions.discover import find
    from sessions.ingest import Watch, import_file

    watch = Watch(started=lambda run: _tell("started", run=run), cancelled=gone.is_set)
    search = find(paths, format)
    for item in search:
        if gone.is_set():
            return
        try:
            # Only a format that the user asked for is passed on: without one, a file is known by its stamp.
            records = reader.read(item.path, item.format)
            report = import_file(store, item.path, item.format if format else None, watch, records)
        except UserError as error:
            _tell("failed", message=str(error))
            continue
        for imported in report.runs:
            run = catalog.run_by_id(store, imported.run)
            search.claim(run.files if run else [])  # sub-agents' files are no runs of their own
        reason = report.problems[0].reason if report.problems else "there is no run in it"
        ids = [imported.run for imported in report.runs]
        _tell("finished", path=report.path, runs=ids, reason=None if ids else reason)
    for failure in search.failures:
        if failure.named:
            _tell("failed", message=str(failure.error))


if __name__ == "__main__":
    sys.exit(main())
