"""The lines of a file that grows, given to a reader that has no idea of it.

A reader asks its source for lines until there are none. A growing file has no last line; so where nothing more is
there yet, the source gives a line that is no JSON, with the number PAUSE. Readers answer such a line with a Problem and
go on (that is their contract), and the Problem with this number is how the caller knows that all is read: the reader
itself stands still, with everything it remembers, until the caller asks it for more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from sessions.jsontext import BadJson, loads
from sessions.readers.base import MAX_LINE_BYTES, READ_BUFFER, Source
from sessions.run import Problem

#: The number of the line that is none.
PAUSE = -1
_MARK_BYTES = 256


class GrowingSource(Source):
    """A file whose lines are read as far as they are there.

    ended: what is there is all; the half line at the end is given too, if it is whole JSON. offset: of the first byte
    that was not given on. seen: called with each line and its offset before it is given on.
    """

    def __init__(self, path: Path, seen: Callable[[bytes, int], None] = lambda line, offset: None) -> None:
        super().__init__(path)
        self.ended = False
        self.offset = 0
        self._seen = seen
        self._file = open(path, "rb", buffering=READ_BUFFER)  # noqa: SIM115 - closed by `close`
        status = os.fstat(self._file.fileno())
        #: Which file it is, whatever its name: device and inode.
        self.identity = (status.st_dev, status.st_ino)

    def close(self) -> None:
        self._file.close()

    def lines(self, path: Path | None = None) -> Iterator[tuple[int, int, bytes]]:
        """As `Source.lines`, with a line PAUSE wherever the file has no further line yet. Other files (path) are read
        to their end as they are; the half line at the end of one is left out."""
        if path is not None and path != self.path:
            yield from _whole_lines(super().lines(path))
            return
        number, half = 0, bytearray()
        while True:
            # Once it has ended nothing is read: a forked copy shares its place in the file with the original.
            half += b"" if self.ended else self._file.readline(MAX_LINE_BYTES - len(half))
            if not half.endswith(b"\n") and len(half) < MAX_LINE_BYTES:
                if self.ended:
                    if _is_json(half):
                        yield number + 1, self.offset, bytes(half).rstrip(b"\r\n")
                    return
                yield PAUSE, self.offset, b""
                continue
            line, half = bytes(half), bytearray()
            number += 1
            start, body = self.offset, line.rstrip(b"\r\n")
            if number == 1 and body.startswith(b"\xef\xbb\xbf"):
                start, body = start + 3, body[3:]
            self.offset += len(line)
            if body.strip():
                self._seen(body, start)
                yield number, start, body

    def marks(self) -> tuple[bytes, bytes]:
        """The first bytes, and those before `offset`: they show whether the file was written anew in place."""
        fd, size = self._file.fileno(), min(_MARK_BYTES, self.offset)
        return os.pread(fd, size, 0), os.pread(fd, size, self.offset - size)


def is_pause(problem: Problem) -> bool:
    """Whether a reader's problem says that all lines were read."""
    return problem.line == PAUSE


def _whole_lines(lines: Iterator[tuple[int, int, bytes]]) -> Iterator[tuple[int, int, bytes]]:
    """All lines but a last one that is half."""
    before: tuple[int, int, bytes] | None = None
    for line in lines:
        if before is not None:
            yield before
        before = line
    if before is not None and _is_json(before[2]):
        yield before


def _is_json(line: bytes | bytearray) -> bool:
    if not line.strip():
        return False
    try:
        loads(bytes(line))
    except BadJson:
        return False
    return True
