"""OpenAI Responses: files of items, or of whole responses, as JSON or JSONL.

Seen: items of 2025 and 2026 (no version is in the files). Growth: JSONL grows at its end; the other forms are written
whole.

- items, one a line, as a list, or in an object (`items`, `input`, `data` or `output`): one run
- responses (`object: response`), alone, in a list or one a line, with the request that they answer or without; one that
  continues another of the file by `previous_response_id` belongs to the same run
Which items become one step is told in `responses_items`. Instructions are a step of the system. Only shells' exit codes
and MCP's errors state an error; else the result's text is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessions.jsontext import dump_bytes
from sessions.readers.base import Head, Source
from sessions.readers.leftovers import facts_and_reference, iso_time, mapping, sequence, text_or_none
from sessions.readers.records import entries
from sessions.readers.responses_items import Items, is_item, is_telling
from sessions.readers.shared import content_text, title_of
from sessions.run import Facts, Header, Problem, Raw, Record

_MEMBERS = ("items", "input", "data", "output")
_RESPONSE_KEYS = (
    "object",
    "id",
    "output",
    "usage",
    "model",
    "instructions",
    "previous_response_id",
    "created_at",
    "input",
)


class OpenAIResponsesReader:
    """Reads items and responses. See the module's docstring."""

    name = "openai-responses"
    title = "OpenAI Responses items"
    versions = "2025-2026"
    gaps = (
        "The events of a stream are not put together; responses that repeat their whole input are runs of their "
        "own, unless they name the response before."
    )

    def sniff(self, head: Head) -> float:
        values = head.lines
        if len(values) == 1 and isinstance(values[0], list):
            values = values[0][:50]
        elif len(values) == 1 and isinstance(values[0], dict) and (items := _items_of(values[0])):
            values = items[:50]
        if values and all(_response_of(value) is not None for value in values if isinstance(value, dict)):
            return 0.93
        if values and all(is_item(value) for value in values):
            return 0.85 if any(map(is_telling, values)) else 0.0
        return 0.0 if values else _sniff_outline(head.outline)

    def read(self, source: Source) -> Iterator[Record]:
        runs = _Runs(source)
        for entry in entries(source):
            if isinstance(entry, Problem):
                yield entry
                continue
            place, value = entry
            yield from runs.take(value, place)
        yield from runs.close()


def _sniff_outline(outline: dict[str, Any]) -> float:
    """A document over several lines."""
    for prefix in ("", "item.", "response.", "item.response."):
        if outline.get(f"{prefix}object") == "response" and f"{prefix}output" in outline:
            return 0.93
    for prefix in ("item", *(f"{member}.item" for member in _MEMBERS)):
        if outline.get(f"{prefix}.content.item.type") in ("input_text", "output_text"):
            return 0.8
        if f"{prefix}.call_id" in outline and (f"{prefix}.arguments" in outline or f"{prefix}.output" in outline):
            return 0.8
    return 0.0


def _response_of(value: Any) -> dict[str, Any] | None:
    """The response in a record: the record itself, or what is under `response` (and `body`, in batches)."""
    for _ in range(3):
        if not isinstance(value, dict):
            return None
        if value.get("object") == "response" and isinstance(value.get("output"), list):
            return value
        value = value.get("response", value.get("body"))
    return None


def _items_of(value: dict[str, Any]) -> list[Any]:
    """The items in an object that is none itself."""
    if is_item(value):
        return []
    return next((value[key] for key in _MEMBERS if isinstance(value.get(key), list) and value[key]), [])


class _Runs:
    """The runs of a file. Items that stand alone are all of one run."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._number = 0
        self._items: Items | None = None
        self._titled = False
        self._on_lines = False  # all raw records of a run are places in the file, or none
        self._last_response: str | None = None

    def take(self, value: Any, place: Raw | None) -> Iterator[Record]:
        """A record of the file: an item, a response with or without its request, or an object that holds items."""
        response = _response_of(value)
        if response is not None:
            yield from self._response(value, response)
        elif isinstance(value, dict) and (items := _items_of(value)):
            facts, reference = facts_and_reference(value, _MEMBERS)
            yield from self._begin(
                Header("", reference=reference, facts=facts, native_id=text_or_none(value.get("id")))
            )
            for item in items:
                yield from self._item(item, dump_bytes(item))
        else:
            if self._items is None:
                yield from self._begin(Header(""))
                self._on_lines = place is not None
            yield from self._item(value, place if place is not None and self._on_lines else dump_bytes(value))

    def close(self) -> Iterator[Record]:
        """The last steps of the run that is open."""
        if self._items is not None:
            yield from self._items.rest()
            self._items = None

    def _begin(self, header: Header) -> Iterator[Record]:
        yield from self.close()
        header.format, header.item = OpenAIResponsesReader.name, self._number
        header.title = header.title or self._source.path.stem
        self._number += 1
        self._items, self._titled, self._on_lines, self._last_response = Items(), False, False, None
        yield header

    def _item(self, item: Any, raw: Raw, at: str | None = None) -> Iterator[Record]:
        assert self._items is not None
        if not self._titled and isinstance(item, dict) and item.get("role") == "user":
            task = content_text(item.get("content"))
            self._titled = bool(task)
            if task:
                yield Facts({"task": task, "title": title_of(task)})
        self._items.take(item, raw, at)
        yield from self._items.ready()

    def _response(self, record: dict[str, Any], response: dict[str, Any]) -> Iterator[Record]:
        request = mapping(record.get("request") or record.get("body")) if record is not response else {}
        asked = request.get("input", response.get("input"))
        at = iso_time(response.get("created_at"))
        if (
            self._items is None
            or self._last_response is None
            or response.get("previous_response_id") != self._last_response
        ):
            facts, reference = facts_and_reference(response, _RESPONSE_KEYS)
            model, native_id = text_or_none(response.get("model")), text_or_none(response.get("id"))
            yield from self._begin(
                Header("", model=model, native_id=native_id, started_at=at, reference=reference, facts=facts)
            )
            for item in _instructions(response.get("instructions") or request.get("instructions")):
                yield from self._item(item, dump_bytes(item))
        for item in [{"role": "user", "content": asked}] if isinstance(asked, str) else sequence(asked):
            yield from self._item(item, dump_bytes(item))
        assert self._items is not None
        for item in response["output"]:
            yield from self._item(item, dump_bytes(item), at)
        self._items.usage(response)
        self._last_response = text_or_none(response.get("id"))
        if response.get("error"):
            self._items.failure(response["error"], at)


def _instructions(value: Any) -> list[Any]:
    """Instructions are a text, or items themselves."""
    if isinstance(value, list):
        return value
    return [{"role": "system", "content": value}] if value else []
