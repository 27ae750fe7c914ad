"""What every reader is given and what it must give back.

A reader is one file in this folder plus one entry point (group `review_tui.readers`) in pyproject.toml. It has
a name, says by content how sure it is that a file is its format, and streams the file's runs:

    class MyReader:
        name = "my-format"
        title = "My format"
        versions = "1.0-1.3"

        def sniff(self, head: Head) -> float: ...
        def read(self, source: Source) -> Iterator[Record]: ...

`gaps`, a text, says what a reader does not read, or reads otherwise than one would think; it is shown in the docs.
A reader of a binary format (SQLite, zip) also has `binary = True`; others are not asked about binary files.

Rules for `read`: yield a Header first, then Steps in the order to be read; never raise for bad content (yield a
Problem and go on); never drop a record (what is unknown becomes a `raw` part of the step beside it); keep what
the source knows of the answer in `Header.reference`; hold no more than a window of the file in memory.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import ijson

from sessions.errors import UserError
from sessions.jsontext import MAX_DEPTH, BadJson, loads
from sessions.readers.long_text import PIECE, shortened_line
from sessions.run import Problem, Raw, Record, Span
from sessions.streams import READ_BUFFER as READ_BUFFER
from sessions.streams import compression_of, open_stream, read_up_to

HEAD_BYTES = 256 * 1024
#: A document up to this size is parsed at once (into up to six times as much memory); a larger one is streamed item by
#: item with ijson.
WHOLE_DOCUMENT_BYTES = 24 * 1024 * 1024
#: A document that cannot be streamed is read up to this size.
LARGEST_DOCUMENT_BYTES = 512 * 1024 * 1024
#: A line beyond this is shortened as it is read (`long_text`).
LONG_LINE_BYTES = 16 * 1024 * 1024
#: One that is longer even so is reported and passed over: no agent step is that long, and memory is bounded.
MAX_LINE_BYTES = 64 * 1024 * 1024
#: So much is given of a line that is passed over.
_CUT_LINE_BYTES = 1 << 20
#: A line's end is looked for so far when the file's first lines are looked at.
_SKIPPED_BYTES = 256 * 1024 * 1024
#: So much of a compressed file's lines is remembered for the steps that are still to come of them.
KEPT_BYTES = 64 * 1024 * 1024
#: Of a compressed file, the size is counted up to here, which tells all that its size decides.
COUNTED_BYTES = 2 * WHOLE_DOCUMENT_BYTES + 1


class Reader(Protocol):
    """See the module's docstring."""

    name: str
    title: str
    versions: str

    def sniff(self, head: Head) -> float:
        """How sure this reader is that the file is its format: 0 not at all, 1 certain.

        0.9 and more: a mark that only this format has. 0.5: the shape fits. Under 0.3: only if the user insists
        (a folder is not searched for those).
        """
        ...

    def read(self, source: Source) -> Iterator[Record]: ...


class Head:
    """The first bytes of a file, looked at in the ways that sniffing needs. Never raises for content.

    Of a compressed file: of what it holds. `size` is then only known to be more than `data` where that is not all.
    """

    def __init__(self, path: Path, data: bytes, size: int) -> None:
        self.path = path
        self.data = data
        self.size = size

    @classmethod
    def of(cls, path: Path) -> Head:
        """Read the head of a file. Raises UserError if it cannot be read."""
        try:
            with open_stream(path, HEAD_BYTES) as file:
                data, cut = read_up_to(file, HEAD_BYTES)
                if file.seekable():
                    return cls(path, data, os.fstat(file.fileno()).st_size)
                return cls(path, data, len(data) + (cut is not None or bool(read_up_to(file, 1)[0])))
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}.") from None

    @cached_property
    def whole(self) -> bool:
        """Whether `data` is the entire file."""
        return self.size <= len(self.data)

    @cached_property
    def is_binary(self) -> bool:
        """NUL bytes, or a text that is mostly not text."""
        sample = self.data[:8192]
        if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
            return False
        return b"\0" in sample

    @cached_property
    def text(self) -> str:
        return self.data.decode("utf-8", "replace")

    @cached_property
    def lines(self) -> list[Any]:
        """The first JSON values of a JSONL file (up to 20 lines): [] if the first line is no whole JSON value."""
        values: list[Any] = []
        rows = self.data.lstrip(b"\xef\xbb\xbf").split(b"\n")
        if not self.whole and len(rows) > 1:
            rows.pop()
        for row in rows[:40]:
            if not row.strip():
                continue
            try:
                values.append(loads(row))
            except BadJson:
                if not values:
                    return []
            if len(values) == 20:
                break
        return values

    @cached_property
    def first(self) -> dict[str, Any]:
        """The first line's JSON object, {} where there is none. For JSONL formats."""
        for value in self.lines:
            if isinstance(value, dict):
                return value
        return {}

    @cached_property
    def outline(self) -> dict[str, Any]:
        """Shape of a single JSON document, as far as the head shows it: ijson prefix -> first scalar (or None).

        {"schema_version": "ATIF-v1.5", "steps": None, "steps.item.step_id": 1, ...}; a list document has the prefix
        "item". The empty prefix "" maps to "map" or "array". Depth up to 5. {} if it is no JSON.
        """
        found: dict[str, Any] = {}
        try:
            # ijson spells out the whole path of each value in its buffer: hostile depth would fill the memory.
            for prefix, event, value in ijson.parse(io.BytesIO(self.data), buf_size=1024, use_float=True):
                if (level := prefix.count(".")) > 5:
                    if level > MAX_DEPTH:
                        break
                    continue
                if event in ("start_map", "start_array"):
                    kind = "map" if event == "start_map" else "array"
                    found.setdefault(prefix, kind if not prefix else None)
                elif event in ("string", "number", "boolean", "null"):
                    found.setdefault(prefix, value)
        except Exception:  # ijson's back ends raise many kinds; a cut-off head is the normal case
            return found
        return found


class Source:
    """A file being read: streams its lines or documents and notes what was wrong with it.

    A compressed file is read as what it holds; all places and sizes are of that.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._status = path.stat()
            if not stat.S_ISREG(self._status.st_mode):
                raise UserError(f"{path} is not a regular file.", "Give a file or a folder of runs.")
            self.compression = compression_of(path)
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}.") from None
        self._kept: dict[int, bytes] = {}
        self._kept_bytes = 0
        #: What was wrong with the file on the way, to be said beside what the reader says; `read` takes them.
        self.notes: list[Problem] = []

    @cached_property
    def size(self) -> int:
        """Bytes; of a compressed file at most COUNTED_BYTES, for which it is read that far."""
        if self.compression is None:
            return self._status.st_size
        size = 0
        try:
            with open_stream(self.path) as file:
                while size < COUNTED_BYTES and (piece := file.read1(READ_BUFFER)):
                    size += len(piece)
        except OSError:
            return size  # said when it is read
        return min(size, COUNTED_BYTES)

    def problem(self, reason: str, line: int | None = None) -> Problem:
        return Problem(str(self.path), line, reason)

    def lines(self, path: Path | None = None) -> Iterator[tuple[int, int, bytes]]:
        """(line number from 1, byte offset, line without its newline), skipping blank lines.

        Of a line over LONG_LINE_BYTES, long texts are shortened; if it is still over MAX_LINE_BYTES, only its beginning
        is given, which is no JSON. Both are noted.
        """
        offset = 0
        where = path or self.path
        keeps = self.compression is not None and path in (None, self.path)
        with open_stream(where) as file:
            number = 0
            while line := file.readline(LONG_LINE_BYTES):
                number += 1
                size = len(line)
                if size == LONG_LINE_BYTES and not line.endswith(b"\n"):
                    line, size = self._long_line(file, line, where, number)
                body = line.rstrip(b"\r\n")
                if keeps:
                    self.keep(offset, line)
                if number == 1 and body.startswith(b"\xef\xbb\xbf"):
                    yield 1, offset + 3, body[3:]
                elif body.strip():
                    yield number, offset, body
                offset += size

    def _long_line(self, file: io.BufferedReader[Any], start: bytes, path: Path, number: int) -> tuple[bytes, int]:
        """(a line that goes on behind `start`, shortened; its bytes in the file)."""
        line, size, left_out = shortened_line(file, start, MAX_LINE_BYTES)
        what = f"a line of {size / 1e6:.0f} MB"
        if line is None:
            self.note(f"{what} is too long to be read", number, path)
            return start[:_CUT_LINE_BYTES], size
        if left_out:
            self.note(f"{what}: {left_out / 1e6:.0f} MB of its texts are left out", number, path)
        return line, size

    def note(self, reason: str, line: int | None = None, path: Path | None = None) -> None:
        """Say that something is wrong with the file, or that it was not read as a whole; reading goes on."""
        self.notes.append(Problem(str(path or self.path), line, reason))

    def take_notes(self) -> list[Problem]:
        notes, self.notes = self.notes, []
        return notes

    def first_lines(self, count: int) -> list[bytes]:
        """The first lines that are not blank, without a byte order mark, to tell what the file is.

        Of a line over LONG_LINE_BYTES, only its beginning, which is no JSON. What has no line end for long is taken to
        be one line.
        """
        found: list[bytes] = []
        with open_stream(self.path, 1 << 16) as file:
            while len(found) < count and (line := file.readline(LONG_LINE_BYTES)):
                if len(line) == LONG_LINE_BYTES and not line.endswith(b"\n"):
                    line = line[:PIECE]
                    if not _skip_line(file):
                        return [*found, line]
                if line.strip():
                    found.append(line if found else line.removeprefix(b"\xef\xbb\xbf"))
        return found

    def json_lines(self, file: int = 0, path: Path | None = None) -> Iterator[tuple[int, Span, Any] | Problem]:
        """Each line's JSON value with its place; a Problem for a line that is none (cut off, damaged)."""
        where = path or self.path
        for number, offset, line in self.lines(path):
            try:
                value = loads(line)
            except BadJson as error:
                yield Problem(str(where), number, str(error))
                continue
            yield number, Span(offset, len(line), file), value

    def document(self) -> Any:
        """The whole file as one JSON value. Raises BadJson, or UserError where it is too large to hold."""
        data, cut = self.content()
        if cut is not None:
            raise BadJson(cut)
        return loads(data.removeprefix(b"\xef\xbb\xbf"))

    def content(self) -> tuple[bytes, str | None]:
        """The whole file's bytes, and what is wrong with their end, if anything. Raises BadJson for too many."""
        most = LARGEST_DOCUMENT_BYTES
        if self.compression is None:
            if self.size > most:
                raise BadJson(f"one JSON document of {self.size / 1e6:.0f} MB is too large for this format")
            return self.path.read_bytes(), None
        with open_stream(self.path) as file:
            data, cut = read_up_to(file, most + 1)
        if len(data) > most:
            raise BadJson(f"one JSON document of over {most / 1e6:.0f} MB is too large for this format")
        return data, cut

    # -- records of a compressed file ---------------------------------------------------------------------------------
    # Going back to a place in such a file means to decompress all before it. So what was just read is remembered until
    # the steps come that were made of it, and their raw records are stored with them.

    def keep(self, offset: int, data: bytes) -> None:
        """Remember some bytes of a compressed file; the oldest are forgotten beyond KEPT_BYTES."""
        self._kept[offset] = data
        self._kept_bytes += len(data)
        while self._kept_bytes > KEPT_BYTES and len(self._kept) > 1:
            self._kept_bytes -= len(self._kept.pop(next(iter(self._kept))))

    def kept(self, raw: Raw) -> Raw:
        """A raw record of a compressed file with its bytes, where they are still known; else as it was."""
        if isinstance(raw, bytes) or raw.file:
            return raw
        pieces, at, left = [], raw.offset, raw.length
        while left > 0:
            piece = self._kept.get(at)
            if piece is None:
                return raw
            pieces.append(piece[:left])
            at += len(piece)
            left -= len(piece)
        return b"".join(pieces)


def _skip_line(file: io.BufferedReader[Any]) -> bool:
    """Go to the beginning of the next line. False if it does not come soon, or never."""
    for _ in range(_SKIPPED_BYTES // LONG_LINE_BYTES):
        line = file.readline(LONG_LINE_BYTES)
        if not line or line.endswith(b"\n"):
            return bool(line)
    return False
