"""Detection in a process of its own, so that looking at a run never makes a key wait for Python's lock.

Run as `python -P -m labels.detection_process --db FILE [--first RUN] [--codebook PATH]...`. It lets the detectors that
are on look at every complete run they have not looked at, the named one first, then the newest, and tells what happened
as JSON lines on standard output:

    {"event": "looked", "run": ID}        the detectors are through with this run
    {"event": "failed", "message": ...}   something went wrong: one line

It ends when there is nothing left, or when whoever started it is gone. `DetectionProcess` is the other end of it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sessions.background import stand_back
from sessions.errors import UserError
from sessions.jsontext import BadJson, dumps, loads

if TYPE_CHECKING:
    from sessions.catalog import RunInfo
    from sessions.store import Store


class DetectionProcess:
    """Starts detection at once; `follow` then tells what happens, in the thread that follows."""

    def __init__(self, db: Path, first: str | None = None, codebook_paths: Iterable[Path] = ()) -> None:
        """first: id of the run to begin with."""
        import subprocess  # this module is on the way to the first frame

        command = [sys.executable, "-P", "-m", "labels.detection_process", "--db", str(db)]
        if first is not None:
            command += ["--first", first]
        for path in codebook_paths:
            command += ["--codebook", os.path.abspath(path)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def follow(self, *, looked: Callable[[str], None], failed: Callable[[str], None]) -> None:
        """Pass events on until the process has ended."""
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError):  # closed by `stop` meanwhile
            for line in self._process.stdout:
                with contextlib.suppress(BadJson):
                    event = loads(line)
                    if event["event"] == "looked":
                        looked(event["run"])
                    else:
                        failed(event["message"])
        self._process.wait()

    def stop(self) -> None:
        """End it now; what it was in the middle of is begun again next time."""
        if self._process.poll() is None:
            self._process.kill()  # it writes in transactions: nothing is left half done
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


# -- the other process ----------------------------------------------------------------------------------------------


def main() -> int:
    """Look at what has not been looked at; see the module's docstring."""
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--first")
    parser.add_argument("--codebook", type=Path, action="append", default=[])
    options = parser.parse_args()
    stand_back()
    gone = threading.Event()
    threading.Thread(target=_watch_parent, args=[gone], daemon=True).start()
    try:
        _work(options.db, options.first, options.codebook, gone)
    except UserError as error:
        _tell("failed", message=str(error))
    return 0


def _watch_parent(gone: threading.Event) -> None:
    """The parent holds the other end of standard input and never writes: its end means that the parent is gone."""
    os.read(0, 1)
    gone.set()


def _tell(event: str, **values: Any) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(dumps({"event": event, **values}) + "\n")
        sys.stdout.flush()


def _work(db: Path, first: str | None, codebook_paths: list[Path], gone: threading.Event) -> None:
    from labels import detection
    from labels.codebook import load_all
    from labels.codebook_paths import user_codebook_folder
    from sessions.store import Store

    with Store.open(db) as store:
        wanted = detection.enabled(store)
        books = load_all(codebook_paths, folder=user_codebook_folder())
        for run in _in_order(store, first):
            if gone.is_set():
                return
            if detection.stale(store, run, wanted):
                detection.detect(store, run, wanted, books, cancelled=gone.is_set)
            _tell("looked", run=run.id)


def _in_order(store: Store, first: str | None) -> list[RunInfo]:
    from sessions import catalog

    runs = [run for run in catalog.runs(store) if run.complete]
    return sorted(runs, key=lambda run: run.id != first)


if __name__ == "__main__":
    sys.exit(main())
