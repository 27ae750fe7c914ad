"""What every reader is given and what it must give back.

A reader is one file in this folder plus one entry point (group `review_tui.readers`) in pyproject.toml. It has
a name, says by content how sure it is that a file is its format, and streams the file's runs:

    class MyReader:
        name = "my-format"
        title = "My format"
        versions = "1.0-1.3"

        def sniff(self, head: Head) -> float: ...
        def read(self, source: Source) -> Iterator[Record]: ...

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
from sessions.run import Problem, Record, Span

HEAD_BYTES = 256 * 1024
#: A document up to this size is parsed at once; a larger one is streamed item by item with ijson.
WHOLE_DOCUMENT_BYTES = 64 * 1024 * 1024
#: Lines are read through a buffer of this size: the default of 8 kB costs a tenth of an import.
READ_BUFFER = 1 << 20
#: A single line beyond this is reported and skipped: no agent step is that long, and memory is bounded.
MAX_LINE_BYTES = 256 * 1024 * 1024


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
    """The first bytes of a file, looked at in the ways that sniffing needs. Never raises for content."""

    def __init__(self, path: Path, data: bytes, size: int) -> None:
        self.path = path
        self.data = data
        self.size = size

    @classmethod
    def of(cls, path: Path) -> Head:
        """Read the head of a file. Raises UserError if it cannot be read."""
        try:
            with open(path, "rb") as file:
                return cls(path, file.read(HEAD_BYTES), os.fstat(file.fileno()).st_size)
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
    """A file being read: streams its lines or documents and notes what was wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            status = path.stat()
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}.") from None
        if not stat.S_ISREG(status.st_mode):
            raise UserError(f"{path} is not a regular file.", "Give a file or a folder of runs.")
        self.size = status.st_size

    def problem(self, reason: str, line: int | None = None) -> Problem:
        return Problem(str(self.path), line, reason)

    def lines(self, path: Path | None = None) -> Iterator[tuple[int, int, bytes]]:
        """(line number from 1, byte offset, line without its newline), skipping blank lines.

        A line over MAX_LINE_BYTES is given in pieces of that size; only the first would parse, so callers report it.
        """
        offset = 0
        with open(path or self.path, "rb", buffering=READ_BUFFER) as file:
            number = 0
            while line := file.readline(MAX_LINE_BYTES):
                number += 1
                body = line.rstrip(b"\r\n")
                if number == 1 and body.startswith(b"\xef\xbb\xbf"):
                    yield 1, offset + 3, body[3:]
                elif body.strip():
                    yield number, offset, body
                offset += len(line)

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
        if self.size > 8 * WHOLE_DOCUMENT_BYTES:
            raise BadJson(f"one JSON document of {self.size / 1e6:.0f} MB is too large for this format")
        return loads(self.path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
