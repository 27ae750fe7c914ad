"""Reading ahead in a process of its own: one processor parses the next lines while another stores the last ones.

Parsing and storing take about as long as each other, and Python does one of them at a time. Steps cross between the
processes as pickled tuples, because pickling the dataclasses themselves takes three times as long.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from sessions.errors import UserError
from sessions.run import Part, Record, Span, Step

#: Records that cross together. The first are few, because somebody waits for the first chunk.
FIRST_BATCH, BATCH = 40, 100
BATCH_CHARS = 500_000
#: How far the reader may be ahead, in bytes between the two, where the system lets one choose (Linux).
AHEAD_BYTES = 1 << 20
#: Thresholds of the garbage collector: reading and storing make no garbage, and looking for it takes 3 % of an import.
SELDOM = (20_000, 50, 100)

_FIELDS = Step.__match_args__
_PARTS, _RAW = _FIELDS.index("parts"), _FIELDS.index("raw")


class ReadAhead:
    """A process that reads files for this one: `read` is `sessions.readers.read`.

    Make it before any thread is started or database opened, because it is a fork of this process. Where there is no
    fork, and after a file that was not read to its end, `read` works in this process.
    """

    def __init__(self) -> None:
        self._pid = 0
        self._idle = True
        if not hasattr(os, "fork"):
            return
        requests, ask = os.pipe()
        answers, answer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(ask)
            os.close(answers)
            _serve(requests, answer)
        os.close(requests)
        os.close(answer)
        self._ask, self._answers = os.fdopen(ask, "wb"), os.fdopen(answers, "rb")

    def read(self, path: Path, format: str | None = None) -> Iterator[Record]:
        """The records of a file, in order. Raises UserError as `sessions.readers.read`, or if the process died."""
        if not self._pid:
            from sessions import readers

            yield from readers.read(path, format)
            return
        self._idle = False
        try:
            for batch in self._batches(path, format):
                for item in batch:
                    yield _joined(item) if type(item) is tuple else item
        finally:
            if not self._idle:  # but in the middle of a file that nobody wants any more
                self.close()

    def _batches(self, path: Path, format: str | None) -> Iterator[list[Any]]:
        try:
            pickle.dump((os.fspath(path), format), self._ask)
            self._ask.flush()
            while type(answer := pickle.load(self._answers)) is list:  # noqa: S301 (our own process wrote it)
                yield answer
        except (EOFError, OSError, pickle.UnpicklingError):
            raise UserError(f"{path} was not read to its end: the process that read it ended.", "Try again.") from None
        self._idle = True
        if answer is not None:
            raise UserError(*answer)

    def close(self) -> None:
        """End the other process, whatever it is doing."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0
            for pipe in (self._ask, self._answers):
                with contextlib.suppress(OSError):
                    pipe.close()

    def __enter__(self) -> ReadAhead:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


# -- the other process ----------------------------------------------------------------------------------------------


def _serve(requests: int, answer: int) -> NoReturn:
    """Read the files that are asked for, until nobody asks. Batches are lists; None, or what is wrong, ends a file."""
    code = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)  # who waits for the end of these must not wait for this process
        os.dup2(nothing, 1)
        gc.set_threshold(*SELDOM)
        _widen(answer)
        with open(requests, "rb") as asked, open(answer, "wb") as out:
            while True:
                path, how = pickle.load(asked)  # noqa: S301 (our own process wrote it)
                _read(Path(path), how, out)
    except (EOFError, BrokenPipeError):
        code = 0
    finally:
        os._exit(code)


def _widen(pipe: int) -> None:
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, AHEAD_BYTES)


def _read(path: Path, format: str | None, out: BinaryIO) -> None:
    from sessions import readers

    problem = None
    try:
        for batch in _in_batches(readers.read(path, format)):
            pickle.dump(batch, out, pickle.HIGHEST_PROTOCOL)
            out.flush()
    except UserError as error:
        problem = (error.message, error.hint)
    pickle.dump(problem, out)
    out.flush()


def _in_batches(records: Iterable[Record]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    chars, limit = 0, FIRST_BATCH
    for record in records:
        if type(record) is Step:
            batch.append(_parted(record))
            for part in record.parts:
                chars += len(part.text)
        else:
            batch.append(record)
        if len(batch) >= limit or chars > BATCH_CHARS:
            yield batch
            batch, chars, limit = [], 0, BATCH
    yield batch


def _parted(step: Step) -> tuple[Any, ...]:
    """A step as plain values, in the order of its fields."""
    parts = [
        (part.kind, part.text, part.name, part.call_id, part.arguments, part.is_error, part.error_inferred)
        for part in step.parts
    ]
    raw = [(raw.offset, raw.length, raw.file) if type(raw) is Span else raw for raw in step.raw]
    return (
        step.actor, step.role, parts, step.at, step.native_id, step.model, step.depth, step.parent_call, step.branch,
        step.stage, step.tokens_in, step.tokens_out, step.cost, raw,
    )  # fmt: skip


def _joined(fields: tuple[Any, ...]) -> Step:
    """The step that `_parted` took apart."""
    step = Step(*fields)
    step.parts = [Part(*part) for part in fields[_PARTS]]
    step.raw = [Span(*place) if type(place) is tuple else place for place in fields[_RAW]]
    return step
