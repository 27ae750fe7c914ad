"""One big JSON document with one long list in it: streamed when large, and read as far as it goes when damaged.

Most document formats are an object with one list that grows (ATIF `steps`, mini-swe-agent `messages`) or that list
alone. Their files are often cut off, because they are rewritten in place while the agent runs. Then everything that
stands before the damage is kept, down to the finished fields of the record that was being written.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import ijson

from sessions.jsontext import BadJson
from sessions.readers.base import WHOLE_DOCUMENT_BYTES, Source

#: Deeper than any real record. What lies deeper ends the salvage, because later code walks values recursively.
MAX_DEPTH = 200


@dataclass(slots=True)
class Document:
    """A document opened for its long list.

    root: the top object without that list; {} if the document is the list itself.
    is_list: whether the document is the list itself.
    items: the list's values, one by one; may be read once.
    found: whether there is such a list at all.
    problem: why the document could not be read to its end; complete only after `items` is used up.
    """

    root: dict[str, Any] = field(default_factory=dict)
    is_list: bool = False
    items: Iterator[Any] = field(default_factory=lambda: iter(()))
    found: bool = False
    problem: str | None = None


def open_document(source: Source, member: str) -> Document:
    """Open a document whose long list is `member` of the top object, or the document itself. Never raises BadJson."""
    if source.size > WHOLE_DOCUMENT_BYTES:
        return _streamed(source, member)
    try:
        return _split(source.document(), member)
    except BadJson as error:
        document = _split(salvage(source.path.read_bytes()), member)
        document.problem = str(error)
        return document


def _split(value: Any, member: str) -> Document:
    if isinstance(value, list):
        return Document(is_list=True, items=iter(value), found=True)
    if not isinstance(value, dict):
        return Document(problem="the document is neither an object nor a list")
    items = value.get(member)
    if not isinstance(items, list):
        return Document(root=value)
    return Document({key: item for key, item in value.items() if key != member}, False, iter(items), True)


def _streamed(source: Source, member: str) -> Document:
    """Two passes over a large file: all but the list first, because headers come before steps; then the list."""
    document = Document()
    builder = _Builder()
    try:
        with open(source.path, "rb") as file:
            for prefix, event, value in ijson.parse(file, use_float=True):
                if not prefix and event == "start_array":
                    document.is_list = document.found = True
                    break
                if prefix == member or prefix.startswith(member + "."):
                    document.found = document.found or event == "start_array"
                    continue
                builder.feed(event, value)
    except (ijson.JSONError, ValueError) as error:
        document.problem = _reason(error)
    if isinstance(builder.value, dict):
        document.root = builder.value
        document.root.pop(member, None)
    document.items = _stream_items(source, "item" if document.is_list else f"{member}.item", document)
    return document


def _stream_items(source: Source, prefix: str, document: Document) -> Iterator[Any]:
    try:
        yield from source.items(prefix)
    except ValueError as error:  # BadJson, or bytes that are no UTF-8
        document.problem = str(error) if isinstance(error, BadJson) else _reason(error)


def _reason(error: Exception) -> str:
    return f"not valid JSON: {str(error).splitlines()[0][:120]}" if str(error) else "not valid JSON"


def salvage(data: bytes) -> Any:
    """What can be read of a damaged JSON document, with unfinished lists and objects as far as they go; None: nothing.

    Damage below MAX_DEPTH levels counts too: what was read before is given back.
    """
    builder = _Builder()
    try:
        for event, value in ijson.basic_parse(io.BytesIO(data.removeprefix(b"\xef\xbb\xbf")), use_float=True):
            if not builder.feed(event, value):
                break
    except (ijson.JSONError, ValueError, OverflowError):  # expected: the data is known to be damaged
        return builder.value
    return builder.value


class _Builder:
    """Builds a value from parser events; `value` is valid at any moment."""

    def __init__(self) -> None:
        self.value: Any = None
        self._open: list[Any] = []
        self._key: str | None = None

    def feed(self, event: str, value: Any) -> bool:
        """Take one event in. False when the value is nested too deeply to go on."""
        if event == "map_key":
            self._key = value
        elif event in ("start_map", "start_array"):
            container: Any = {} if event == "start_map" else []
            self._add(container)
            self._open.append(container)
            return len(self._open) <= MAX_DEPTH
        elif event in ("end_map", "end_array"):
            if self._open:
                self._open.pop()
        else:
            self._add(value)
        return True

    def _add(self, value: Any) -> None:
        if not self._open:
            if self.value is None:
                self.value = value
            return
        container = self._open[-1]
        if isinstance(container, list):
            container.append(value)
        elif self._key is not None:
            container[self._key] = value
