"""What is derived of runs, derived in several processes at once: the first time, where there is much to do and more
than one processor.

A helper is `python -P -m labels.insights.reading.workers JOB DB AS-OF`: it gets lists of runs, one JSON line each,
derives and writes what the job is about into the database for itself, and answers each with a line. It ends when its
input does, so none outlives who started it. What a helper does not get done is done here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from sessions.store import Store

#: Helpers beside this process, whatever the number of processors.
_MOST = 3
_DONE = b"done\n"


class Batches:
    """Lists of runs that are still to do, for several threads."""

    def __init__(self, items: Sequence[Sequence[str]], progress: Callable[[int, int], None] | None) -> None:
        self._left = deque(items)
        self._every = sum(map(len, items))
        self._done = 0
        self._progress = progress
        self._lock = threading.Lock()

    def take(self) -> Sequence[str] | None:
        with self._lock:
            return self._left.popleft() if self._left else None

    def back(self, batch: Sequence[str]) -> None:
        """It was not done."""
        with self._lock:
            self._left.append(batch)

    def done(self, batch: Sequence[str]) -> None:
        with self._lock:
            self._done += len(batch)

    def tell(self) -> None:
        """Tell whoever asked for progress; in the thread that asked, which it may well stop by an error."""
        if self._progress and self._every:
            self._progress(self._done, self._every)

    def stop(self) -> None:
        """Nothing more is to be done."""
        with self._lock:
            self._left.clear()


def share_out(
    store: Store, job: str, batches: Batches, derive: Callable[[Sequence[str]], None], as_of: int = 0
) -> None:
    """Have every batch done: here by `derive`, and by helpers. job: as in `JOBS`. as_of: see `cache.derive`."""
    count = min(_MOST, (os.cpu_count() or 1) - 1)
    helpers = [
        threading.Thread(target=_helper, args=(job, store.path, as_of, batches), daemon=True) for _ in range(count)
    ]
    for helper in helpers:
        helper.start()
    try:
        here(batches, derive)
    finally:
        if sys.exc_info()[0] is not None:
            batches.stop()
        for helper in helpers:
            helper.join()
    here(batches, derive)  # what a helper gave back
    batches.tell()


def here(batches: Batches, derive: Callable[[Sequence[str]], None]) -> None:
    """Do what is left, in this process."""
    while (batch := batches.take()) is not None:
        derive(batch)
        batches.done(batch)
        batches.tell()


def _helper(job: str, path: Path, as_of: int, batches: Batches) -> None:
    """Hand batches to a process, one after the other."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "labels.insights.reading.workers", job, os.fspath(path), str(as_of)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(os.path.abspath(item) for item in sys.path if item)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        while (batch := batches.take()) is not None:
            try:
                process.stdin.write(orjson.dumps(list(batch)) + b"\n")
                process.stdin.flush()
                answer = process.stdout.readline()
            except OSError:
                answer = b""
            if answer != _DONE:
                batches.back(batch)
                break
            batches.done(batch)
        process.stdin.close()


def _votes(store: Store, runs: Sequence[str], as_of: int) -> None:
    from labels.insights.reading.cache import derive

    derive(store, runs, as_of)


def _times(store: Store, runs: Sequence[str], _as_of: int) -> None:
    from labels.insights.reading.runs import derive_times

    derive_times(store, runs)


VOTES, TIMES = "votes", "times"
JOBS: dict[str, Callable[[Store, Sequence[str], int], None]] = {VOTES: _votes, TIMES: _times}


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    job, path, as_of = JOBS[sys.argv[1]], Path(sys.argv[2]), int(sys.argv[3])
    with Store.open(path) as store:
        for line in sys.stdin.buffer:
            job(store, orjson.loads(line), as_of)
            sys.stdout.buffer.write(_DONE)
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
