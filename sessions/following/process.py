"""Following in a process of its own, so that reading never makes a key wait for Python's lock.

Run as `python -P -m sessions.following.process --db FILE [--format NAME] PATH`. It tells what happens as JSON lines on
standard output, those of `sessions.importing`: `started` for each run that begins in the file, `failed`, and when all
that was there at the beginning is read, `finished` and `imported`. It goes on until whoever started it closes its
standard input, or is gone, or sends SIGTERM; the run is complete then.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

from sessions.errors import UserError
from sessions.following.watch import POLLED_S, WATCHED_S, FolderWatch, folder_watch
from sessions.importing import Importer
from sessions.jsontext import dumps

#: How long a follower may take to complete its run when it is stopped, in seconds.
GOODBYE_S = 1.0
#: Behind the reviewer's own process, but not far: somebody waits for what an agent has just done.
NICENESS = 5


class FollowerProcess(Importer):
    """Starts following at once; `follow` then tells what happens, until `stop`."""

    def __init__(self, db: Path, path: Path, format: str | None = None) -> None:
        import subprocess  # this module is on the way to the first frame

        command = [sys.executable, "-P", "-m", "sessions.following.process", "--db", str(db)]
        if format is not None:
            command += ["--format", format]
        self._process = subprocess.Popen(
            [*command, "--", os.path.abspath(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self.busy = True

    def stop(self) -> None:
        """End the following now. The run is complete, as far as the file was read."""
        if self._process.poll() is None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            end = time.monotonic() + GOODBYE_S
            while self._process.poll() is None and time.monotonic() < end:
                time.sleep(0.005)
        super().stop()

    def leave(self) -> None:
        """As `stop`: the run must be complete when the station is gone."""
        self.stop()


# -- the other process ----------------------------------------------------------------------------------------------


def main() -> int:
    """Follow as told by the command line; see the module's docstring."""
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--format")
    parser.add_argument("path", type=Path)
    options = parser.parse_args()
    os.nice(NICENESS)
    try:
        _follow(options.db, options.path, options.format)
    except UserError as error:
        _tell("failed", message=str(error))
    return 0


def _follow(db: Path, path: Path, format: str | None) -> None:
    from sessions.following.follower import Follower, Listener
    from sessions.keys import path_text
    from sessions.store import Store

    stopped = Stopped(path)
    told: list[str] = []

    def started(run: str) -> None:
        _tell("started", run=run)
        told.append(run)

    with Store.open(db) as store:
        follower = Follower(store, path, format, Listener(started=started))

        def wait(sleep: bool) -> bool:
            if told:  # the first round is over, and all that was there is in
                _tell("finished", path=path_text(path), runs=told, reason=None)
                _tell("imported")
                told.clear()
            return stopped.wait(sleep)

        follower.run(wait)


class Stopped:
    """Whether it is time to go: SIGTERM, SIGINT or SIGHUP came, or the other end of standard input is closed."""

    def __init__(self, path: Path, *, stdin: bool = True) -> None:
        """path: of the file that is followed; a change in its folder wakes. stdin: whether its end means anything."""
        self._told = False
        self._stdin = [0] if stdin else []
        self._watch = folder_watch([Path(os.path.abspath(path)).parent])
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._tell)

    def _tell(self, _number: int, _frame: Any) -> None:
        self._told = True

    def wait(self, sleep: bool) -> bool:
        """Whether it is time to go. sleep: until the file has changed, or should be looked at in case it has."""
        if not self._told:
            watched: list[FolderWatch | int] = [self._watch] if self._watch is not None else []
            pause = (WATCHED_S if watched else POLLED_S) if sleep else 0.0
            ready, _, _ = select.select([*self._stdin, *watched], [], [], pause)
            if self._watch is not None and self._watch in ready:
                self._watch.drain()
            if 0 in ready:
                self._told = not os.read(0, 4096)
        return self._told


def _tell(event: str, **values: Any) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(dumps({"event": event, **values}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
