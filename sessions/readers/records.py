"""Records of a file in whatever wrapping: one a line, a JSON list of them, or an object that holds the list.

Formats whose records must be put in order before they can be read (traces: children stand before their parents) need
each record twice. `Shelf` keeps the places of those that are lines of the file, and puts the others into memory, then
into a temporary file without a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from sessions.jsontext import BadJson, dump_bytes, loads
from sessions.readers.base import Source
from sessions.readers.salvage import open_document
from sessions.run import Problem, Span

#: Records that are no lines of the file are kept in memory up to so many bytes, then in a temporary file.
SHELF_MEMORY = 32 * 1024 * 1024
_SHELVED = -1


def is_jsonl(source: Source) -> bool:
    """Whether a file has several lines and one of the first two is a JSON object by itself.

    Two, so that one damaged line does not hide the rest. A document on a single line is a document.
    """
    lines = source.first_lines(2)
    return len(lines) == 2 and any(map(is_object, lines))


def is_object(line: bytes) -> bool:
    """Whether a line is a JSON object by itself."""
    if not line.lstrip().startswith(b"{"):
        return False
    try:
        return isinstance(loads(line), dict)
    except BadJson:
        return False


def entries(source: Source, member: str = "") -> Iterator[tuple[Span | None, Any] | Problem]:
    """Each record with its place, or None if it is no line of the file.

    member: the list inside an object that holds the records, of which the rest is let go; an object without it is a
    record itself, as a whole. A damaged document gives what stands before the damage, and a Problem at the end.
    """
    if is_jsonl(source):
        for entry in source.json_lines():
            yield entry if isinstance(entry, Problem) else (entry[1], entry[2])
        return
    document = open_document(source, member)
    if not document.found and document.root:
        yield None, document.root
    for value in document.items:
        yield None, value
    if document.problem is not None:
        yield source.problem(document.problem)


class Shelf(AbstractContextManager["Shelf"]):
    """Records set aside to be read again, one by one, in another order. To be closed after use."""

    def __init__(self, source: Source) -> None:
        # The temporary file is private to this process: mode 0600, and without a name as soon as it is there.
        self._others: IO[bytes] = SpooledTemporaryFile(max_size=SHELF_MEMORY)  # noqa: SIM115
        self._lines: IO[bytes] | None = None
        if source.compression is None:  # going back in a compressed one would mean to unpack it from its beginning
            self._lines = open(source.path, "rb")  # noqa: SIM115
        self._end = 0

    def __exit__(self, *_: object) -> None:
        self._others.close()
        if self._lines is not None:
            self._lines.close()

    def put(self, place: Span | None, value: Any) -> Span:
        """Set a record aside; where it is found again. place: of a record that is a line of the file."""
        if place is not None and self._lines is not None:
            return place
        data = value if isinstance(value, bytes) else dump_bytes(value)
        self._others.seek(self._end)
        self._others.write(data)
        place = Span(self._end, len(data), _SHELVED)
        self._end += len(data)
        return place

    def get(self, place: Span) -> bytes:
        """A record's bytes, as they were put here or as they stand in the file."""
        file = self._others if place.file == _SHELVED or self._lines is None else self._lines
        file.seek(place.offset)
        return file.read(place.length)
