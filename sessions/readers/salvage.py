"""One big JSON document with one long list in it: streamed when large, and read as far as it goes when damaged.

Most document formats are an object with one list that grows (ATIF `steps`, mini-swe-agent `messages`) or that list
alone. Their files are often cut off, because they are rewritten in place while the agent runs. Then everything that
stands before the damage is kept, down to the finished fields of the record that was being written.
"""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import ijson

from sessions.jsontext import MAX_DEPTH, BadJson, loads
from sessions.readers.base import WHOLE_DOCUMENT_BYTES, Source
from sessions.readers.long_text import ShortTexts
from sessions.streams import open_stream

_STARTS = ("start_map", "start_array")
_ENDS = ("end_map", "end_array")
_ERRORS = (ijson.JSONError, ValueError, OverflowError)
_NOTHING = object()
#: Behind the list of a large document are totals, tools, an outcome: not more than this.
_TAIL_BYTES = 2 * 1024 * 1024
_BACKWARDS = re.compile(rb'"[^"]*+(?:"(?=\\)[^"]*+)*+"|["\[\]{}]')


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
        document = _split(salvage(source.content()[0]), member)
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
    """A large document: what stands around the list first, because headers come before steps, then the list.

    What stands behind it is read from the file's end. Where that cannot be, the file is gone through twice.
    """
    document = Document()
    builder = _Builder()
    behind = members_at_end(source) if source.compression is None else None
    try:
        with open_stream(source.path) as file:
            for place, event, value in _placed(ShortTexts(file), member):
                if place == "root":
                    builder.feed(event, value)
                elif place == "edge":
                    document.found = True
                    document.is_list = builder.value is _NOTHING
                    if document.is_list or behind is not None:
                        break
    except _ERRORS as error:
        document.problem = _reason(error)
    if isinstance(builder.value, dict):
        document.root = builder.value | (behind or {} if document.found else {})
    document.items = _stream_items(source, member, document)
    return document


def _stream_items(source: Source, member: str, document: Document) -> Iterator[Any]:
    """The list's values; the last one as far as it goes if the document ends there."""
    builder = _Builder()
    try:
        with open_stream(source.path) as file:
            texts = ShortTexts(file)
            events = ijson.basic_parse(texts, use_float=True)
            if _to_list(events, member):
                for value in _values(events, builder):
                    yield value
                    if texts.shortener.texts:
                        _note_shortened(source, texts)
                deque(events, maxlen=0)  # whatever is wrong behind the list is to be said too
    except _ERRORS as error:
        document.problem = _reason(error)
        if builder.value is not _NOTHING:
            yield builder.value


def _placed(file: Any, member: str) -> Iterator[tuple[str, str, Any]]:
    """A document's parser events with their place: in the "list", on its "edge", or elsewhere in the "root".

    Without ijson's prefixes, which take memory without bounds where lists stand in lists a hundred thousand deep.
    """
    depth, base, key = 0, 0, None
    for event, value in ijson.basic_parse(file, use_float=True):
        if event in _ENDS:
            depth -= 1
        if base and depth < base:
            base = 0
            yield "edge", event, value
        elif base:
            yield "list", event, value
        elif event == "start_array" and (depth == 0 or (depth == 1 and key == member)):
            base = depth + 1
            yield "edge", event, value
        else:
            key = value if depth == 1 and event == "map_key" else key
            yield "root", event, value
        if event in _STARTS:
            depth += 1


def _note_shortened(source: Source, texts: ShortTexts) -> None:
    left, texts.shortener.texts, texts.shortener.left_out = texts.shortener.left_out, 0, 0
    source.note(f"a text that is too long: {left / 1e6:.0f} MB of it are left out")


def _to_list(events: Iterator[tuple[str, Any]], member: str) -> bool:
    """Go into the list; False if the document has none."""
    depth, key = 0, None
    for event, value in events:
        if event == "start_array" and (depth == 0 or (depth == 1 and key == member)):
            return True
        if event in _STARTS:
            depth += 1
        elif event in _ENDS:
            depth -= 1
        elif event == "map_key" and depth == 1:
            key = value
    return False


def _values(events: Iterator[tuple[str, Any]], builder: _Builder) -> Iterator[Any]:
    """The values of a list from behind its bracket to the one that closes it. builder: has the unfinished one."""
    for event, value in events:
        if event == "end_array":
            return
        yield _value(event, value, events, builder)


def _value(event: str, value: Any, events: Iterator[tuple[str, Any]], builder: _Builder) -> Any:
    """The value that begins with this event. builder: has it as far as it goes, if an error ends it.

    With plain variables: through calls of `_Builder.feed` it takes more than twice as long.
    """
    if event not in _STARTS:
        return value
    stack, key = builder.open, ""
    inner: Any = {} if event == "start_map" else []
    builder.value = inner
    stack.append(inner)
    for event, value in events:
        if event == "map_key":
            key = value
            continue
        if event in _ENDS:
            stack.pop()
            if not stack:
                break
            inner = stack[-1]
            continue
        begins = event in _STARTS
        if begins:
            if len(stack) >= MAX_DEPTH:
                raise BadJson(f"nested too deeply (over {MAX_DEPTH} levels)")
            value = {} if event == "start_map" else []
        if type(inner) is list:
            inner.append(value)
        else:
            inner[key] = value
        if begins:
            stack.append(value)
            inner = value
    found, builder.value = builder.value, _NOTHING
    return found


def members_at_end(source: Source) -> dict[str, Any] | None:
    """The members behind the long list of a document, read from the end of its file; None if they cannot be told.

    Walks back over brackets and texts until it stands inside what does not fit into _TAIL_BYTES: that is taken to be
    the list. A text's first quote is the one without a backslash before it.
    """
    try:
        with open(source.path, "rb") as file:
            file.seek(max(0, source.size - _TAIL_BYTES))
            tail = file.read()
    except OSError:
        return None
    opened: list[int] = []
    for found in _BACKWARDS.finditer(tail[::-1]):
        mark = found.group()
        if mark == b'"':  # the text that began before the tail
            break
        if mark in (b"}", b"]"):
            opened.append(found.start())
        elif mark in (b"{", b"["):
            if len(opened) < 2:  # the beginning of the document, or what is none
                return None
            opened.pop()
    if len(opened) < 2 or tail[-opened[1] - 1 : -opened[1]] != b"]":
        return None
    behind = tail[len(tail) - opened[1] :].lstrip()
    try:
        members = loads(b"{" + behind.removeprefix(b","))
    except BadJson:
        return None
    return members if isinstance(members, dict) else None


def _reason(error: Exception) -> str:
    text = str(error).split("\n")[0][:120]
    return text if isinstance(error, BadJson) else f"not valid JSON: {text}"


def salvage(data: bytes) -> Any:
    """What can be read of a damaged JSON document, with unfinished lists and objects as far as they go; None: nothing.

    Damage below MAX_DEPTH levels counts too: what was read before is given back.
    """
    builder = _Builder()
    with suppress(*_ERRORS):  # the data is known to be damaged
        for event, value in ijson.basic_parse(io.BytesIO(data.removeprefix(b"\xef\xbb\xbf")), use_float=True):
            builder.feed(event, value)
    return None if builder.value is _NOTHING else builder.value


class _Builder:
    """Builds a value from parser events; `value` is valid at any moment."""

    def __init__(self) -> None:
        self.value: Any = _NOTHING
        #: Lists and objects that are not finished, each inside the one before it.
        self.open: list[Any] = []
        self._key = ""

    @property
    def depth(self) -> int:
        return len(self.open)

    def feed(self, event: str, value: Any) -> None:
        """Take one event in. Raises BadJson when the value is nested too deeply."""
        if event == "map_key":
            self._key = value
        elif event in _STARTS:
            container: Any = {} if event == "start_map" else []
            if len(self.open) >= MAX_DEPTH:
                raise BadJson(f"nested too deeply (over {MAX_DEPTH} levels)")
            self._add(container)
            self.open.append(container)
        elif event in _ENDS:
            self.open.pop()
        else:
            self._add(value)

    def _add(self, value: Any) -> None:
        if not self.open:
            self.value = value
        elif isinstance(self.open[-1], list):
            self.open[-1].append(value)
        else:
            self.open[-1][self._key] = value


def values_at(source: Source, wanted: Collection[tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Stream the values at some places of a document, in its order; everything else is passed over.

    wanted: paths of keys, "*" for any place in a list: ("resourceSpans", "*", "resource"). A value inside another
    wanted one is part of that only. Raises BadJson at damage, after the value that was being read there, as far as it
    goes.
    """
    longest = max(map(len, wanted))
    way: list[str] = []
    builder = _Builder()
    place: tuple[str, ...] = ()
    try:
        with open_stream(source.path) as file:
            texts = ShortTexts(file)
            events = ijson.basic_parse(texts, use_float=True)
            for event, value in events:
                if event == "map_key":
                    way[-1] = value
                elif event in _ENDS:
                    way.pop()
                elif len(way) <= longest and (place := tuple(way)) in wanted:
                    yield place, _value(event, value, events, builder)
                    if texts.shortener.texts:
                        _note_shortened(source, texts)
                elif event in _STARTS:
                    way.append("*" if event == "start_array" else "")
    except _ERRORS as error:
        if builder.value is not _NOTHING:
            yield place, builder.value
        raise BadJson(_reason(error)) from None
