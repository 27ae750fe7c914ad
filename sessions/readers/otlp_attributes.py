"""Attributes of OpenTelemetry spans as plain values: OTLP's wrapped ones, flattened and numbered keys, ids, times."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sessions.jsontext import BadJson, loads
from sessions.readers.leftovers import sequence

_HEX = re.compile(r"[0-9a-fA-F]+")
#: Numbered keys are taken apart so deep: `llm.input_messages.0.message.tool_calls.0.tool_call.function.name`.
_MAX_PIECES = 16
_MAX_FLAT = 4


def plain(value: Any, depth: int = 0) -> Any:
    """The value in an OTLP `AnyValue` ({"stringValue": ...}); what is none stays as it is."""
    if not isinstance(value, dict) or len(value) != 1 or depth > 50:
        return value
    ((kind, inner),) = value.items()
    match kind:
        case "stringValue" | "boolValue" | "doubleValue" | "bytesValue":
            return inner
        case "intValue":
            return _integer(inner)
        case "arrayValue":
            return [plain(item, depth + 1) for item in sequence(inner.get("values"))] if isinstance(inner, dict) else []
        case "kvlistValue":
            pairs = sequence(inner.get("values")) if isinstance(inner, dict) else []
            return dict(pairs_of(pairs, depth + 1))
    return value


def _integer(value: Any) -> Any:
    """OTLP writes 64-bit integers as strings."""
    if isinstance(value, str) and len(value) < 25:
        try:
            return int(value)
        except ValueError:
            return value
    return value


def pairs_of(items: list[Any], depth: int = 0) -> list[tuple[str, Any]]:
    """OTLP's key-value pairs with their values as plain ones."""
    found = []
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("key"), str):
            continue
        value = item.get("value")
        # Most are texts, and every span has dozens.
        if type(value) is dict and len(value) == 1 and "stringValue" in value:
            found.append((item["key"], value["stringValue"]))
        else:
            found.append((item["key"], plain(value, depth)))
    return found


def attributes_of(value: Any) -> dict[str, Any]:
    """Attributes by name: from OTLP's list of pairs, or from an object, whose inner objects become dotted keys."""
    if isinstance(value, list):
        return dict(pairs_of(value))
    return _flat(value, "", 0) if isinstance(value, dict) else {}


def _flat(value: dict[str, Any], prefix: str, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict) and item and depth < _MAX_FLAT and prefix + key != "metadata":
            found |= _flat(item, f"{prefix}{key}.", depth + 1)
        else:
            found[prefix + key] = item
    return found


def numbered(attributes: Mapping[str, Any], prefix: str) -> list[Any]:
    """The list that keys like `prefix.0.message.role` spell out, each item an object (or a value); [] without any."""
    whole = attributes.get(prefix)
    if isinstance(whole, list):  # some exporters keep the list in one attribute
        return whole
    tree: dict[str, Any] = {}
    for key, value in attributes.items():
        if not key.startswith(prefix) or key[len(prefix) : len(prefix) + 1] != ".":
            continue
        *way, last = key[len(prefix) + 1 :].split(".", _MAX_PIECES)
        holder: Any = tree
        for piece in way:
            inner = holder.setdefault(piece, {})
            if not isinstance(inner, dict):
                inner = holder[piece] = {"": inner}
            holder = inner
        holder[last] = value
    lists = _lists(tree)
    return lists if isinstance(lists, list) else []


def _lists(value: Any) -> Any:
    """Objects whose keys are all numbers, as lists in the order of the numbers."""
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(item) for key, item in value.items()}
    if inner and all(key.isdecimal() and len(key) < 8 for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def json_or(value: Any) -> Any:
    """A JSON text's value; anything else, and a text that is no JSON object or list, as it is."""
    if isinstance(value, str) and value[:1] in ("{", "[", " ", "\n"):
        try:
            return loads(value)
        except BadJson:
            return value
    return value


def first(attributes: Mapping[str, Any], *names: str) -> Any:
    """The first of these attributes that is there and says something."""
    for name in names:
        value = attributes.get(name)
        if value is not None and value != "":
            return value
    return None


def hex_id(value: Any, size: int) -> str | None:
    """A trace's or span's id in lower-case hex. size: bytes; protobuf's own JSON has base64 where OTLP wants hex."""
    if not isinstance(value, str) or not value.strip("0"):
        return None
    text: str = value.removeprefix("0x")
    if len(text) == 2 * size and _HEX.fullmatch(text):
        return text.lower()
    if len(text) == 4 * ((size + 2) // 3):
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return text
        if len(raw) == size:
            return raw.hex() if any(raw) else None
    return text or None


def nanoseconds(value: Any) -> int | None:
    """A time in OTLP: unix nanoseconds, as a string or a number."""
    number = _integer(value)
    return number if isinstance(number, int) and 0 < number < 1 << 63 else None


def iso(value: Any) -> str | None:
    """A time in UTC, to the microsecond, from nanoseconds; a text (ISO 8601) as it is."""
    if isinstance(value, str) and not value.isdecimal():
        return value or None
    number = nanoseconds(value)
    if number is None:
        return None
    seconds, rest = divmod(number, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"
