"""Pieces of a release made in several processes at once, where there is much to do and more than one processor.

A worker is `python -P -m labels.gold.workers`: it gets what it needs on standard input, opens the database for itself,
and answers each list of runs with its piece. It ends when its input does, so none outlives who started it. Whatever
becomes of a worker, the piece is then made here.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from labels.gold.hiding import Review
from labels.gold.piece import Maker, Piece
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.store import Store

#: Fewer votes are done before workers have started.
_WORTH_IT = 20_000
_MOST = 4
#: Lists of runs that a worker has at a time: it need not wait for the next one.
_AHEAD = 2


def pieces(maker: Maker, review: Review, batches: Sequence[Sequence[RunInfo]]) -> Iterator[Piece]:
    """The pieces of these lists of runs, in order."""
    count = min(_MOST, os.cpu_count() or 1, len(batches))
    votes = maker.store.query("SELECT count(*) FROM decision")[0][0]
    if count < 2 or votes < _WORTH_IT:
        yield from map(maker.make, batches)
        return
    crew = [_Worker(maker, review) for _ in range(count)]
    try:
        for number, batch in enumerate(batches[: count * _AHEAD]):
            crew[number % count].ask(batch)
        for number, batch in enumerate(batches):
            worker = crew[number % count]
            piece = worker.answer()
            if number + count * _AHEAD < len(batches):
                worker.ask(batches[number + count * _AHEAD])
            yield maker.make(batch) if piece is None else piece
    finally:
        for worker in crew:
            worker.stop()


class _Worker:
    """The other end of a worker."""

    def __init__(self, maker: Maker, review: Review) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "labels.gold.workers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in sys.path if path)},
        )
        self._ok = True
        self._send((maker.store.path, maker.options, Review(review.accept, review.choices), maker.books))

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
        if not self._ok:
            return None
        assert self._process.stdout is not None
        try:
            piece: Piece = pickle.load(self._process.stdout)  # noqa: S301 - from a process that we started
        except (EOFError, OSError, pickle.UnpicklingError):
            self._ok = False
            return None
        return piece

    def stop(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.wait()


def _work(source: IO[bytes], target: IO[bytes]) -> None:
    path, options, review, books = pickle.load(source)  # noqa: S301 - from who started us
    with Store.open(Path(path)) as store:
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
    import gc

    gc.disable()  # as in labels.gold.release
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(BrokenPipeError):
        _work(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
