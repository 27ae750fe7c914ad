"""Pieces of a release made in several processes at once, where there is much to do and more than one processor.

A worker is `python -P -m labels.gold.workers`: it gets what it needs on standard input, opens the database for itself,
and answers each list of runs with its piece. It ends when its input does, so none outlives who started it. It works on
the database as it was at the moment that the release is of, or not at all. Whatever becomes of a worker, the piece is
then made here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from labels import events
from labels.collecting import no_collecting
from labels.gold.hiding import Review
from labels.gold.piece import Maker, Piece
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.store import Row, Store

#: Fewer votes are done before workers have started.
_WORTH_IT = 20_000
#: Workers, whatever the number of processors.
MOST = 4
#: Lists of runs that a worker has at a time: it need not wait for the next one.
_AHEAD = 2
_READY = "ready"
#: A piece is some megabytes: a worker that can put most of it down need not wait for who reads it.
_PIPE_BYTES = 1 << 20


@contextmanager
def crew(store: Store) -> Iterator[list[Worker]]:
    """Workers that are ready to begin; none where it is not worth it. Have them before the moment that the release is
    of: what takes them long is to start, and until they look at the database it must not have changed."""
    count = min(MOST, os.cpu_count() or 1)
    votes = store.query("SELECT count(*) FROM decision")[0][0]
    found = [Worker() for _ in range(count)] if count > 1 and votes >= _WORTH_IT else []
    try:
        for worker in found:
            worker.wait()
        yield found
    finally:
        for worker in found:
            worker.stop()


def pieces(
    maker: Maker, review: Review, batches: Sequence[Sequence[RunInfo]], heads: Sequence[Row], crew: Sequence[Worker]
) -> Iterator[Piece]:
    """The pieces of these lists of runs, in order. heads: of the logs, by which the moment is known."""
    count = len(crew)
    if not count:
        yield from map(maker.make, batches)
        return
    for worker in crew:
        worker.begin(maker, review, heads)
    for number, batch in enumerate(batches[: count * _AHEAD]):
        crew[number % count].ask(batch)
    for number, batch in enumerate(batches):
        worker = crew[number % count]
        piece = worker.answer()
        if number + count * _AHEAD < len(batches):
            worker.ask(batches[number + count * _AHEAD])
        yield maker.make(batch) if piece is None else piece


class Worker:
    """The other end of a worker."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "labels.gold.workers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in sys.path if path)},
        )
        self._ok = True
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, AttributeError):  # Linux; elsewhere pipes stay as small as they are
            fcntl.fcntl(self._process.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def wait(self) -> None:
        """Until it is ready."""
        self._ok = self._read() == _READY

    def begin(self, maker: Maker, review: Review, heads: Sequence[Row]) -> None:
        """Hand it what it needs."""
        if self._ok:
            own = Review(review.accept, review.choices)
            self._send((maker.store.path, maker.options, own, maker.books, heads))

    def _send(self, value: Any) -> None:
        assert self._process.stdin is not None
        try:
            pickle.dump(value, self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
        except OSError:
            self._ok = False

    def ask(self, runs: Sequence[RunInfo]) -> None:
        if self._ok:
            self._send([run.id for run in runs])

    def answer(self) -> Piece | None:
        """The next piece; None if the worker is gone."""
        piece = self._read() if self._ok else None
        return piece if isinstance(piece, Piece) else None

    def _read(self) -> Any:
        assert self._process.stdout is not None
        try:
            return pickle.load(self._process.stdout)  # noqa: S301 - from a process that we started
        except (EOFError, OSError, pickle.UnpicklingError):
            self._ok = False
            return None

    def stop(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.wait()


def _work(source: IO[bytes], target: IO[bytes]) -> None:
    pickle.dump(_READY, target)
    target.flush()
    path, options, review, books, heads = pickle.load(source)  # noqa: S301 - from who started us
    with Store.open(Path(path)) as store, store.snapshot():
        if events.heads(store) != heads:
            return  # somebody has decided since
        maker = Maker(store, options, review, books)
        while True:
            try:
                ids = pickle.load(source)  # noqa: S301
            except EOFError:
                return
            runs = [run for key in ids if (run := catalog.run_by_id(store, key)) is not None]
            pickle.dump(maker.make(runs), target, pickle.HIGHEST_PROTOCOL)
            target.flush()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(BrokenPipeError), no_collecting():
        _work(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
