"""JSON as the project reads and writes it: fast for good input, forgiving for the field's bad habits.

orjson does the work. The standard library takes over for what orjson refuses and real files hold: bare NaN
and Infinity (MAST's file), lone surrogates (cut-off emoji), huge integers.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

_LONE = dict.fromkeys(range(55296, 57344), "�")


class BadJson(ValueError):
    """The bytes are no JSON; the message is a reason for people."""


def loads(data: bytes | str) -> Any:
    """Parse one JSON document. NaN and Infinity become None, lone surrogates U+FFFD. Raises BadJson."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return _loads_slowly(data, error)


def _loads_slowly(data: bytes | str, first: Exception) -> Any:
    try:
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        value = json.loads(text, parse_constant=lambda _: None)
        return _mend(value) if "\\u" in text else value
    except RecursionError:
        raise BadJson("nested too deeply (over 900 levels)") from None
    except (ValueError, MemoryError) as error:
        raise BadJson(reason(error if isinstance(error, json.JSONDecodeError) else first)) from None


def reason(error: Exception) -> str:
    """A parser's error in a few words, without its address inside our code."""
    text = str(error).split("\n")[0]
    return f"not valid JSON: {text[:120]}"


def _mend(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isprintable() else value.translate(_LONE)
    if isinstance(value, list):
        return [_mend(item) for item in value]
    if isinstance(value, dict):
        return {_mend(key): _mend(item) for key, item in value.items()}
    return value


def dumps(value: Any) -> str:
    """Compact JSON text, keys in the order given."""
    return dump_bytes(value).decode()


def dump_bytes(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, orjson.JSONEncodeError):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")


def canonical(value: Any) -> bytes:
    """Compact JSON with sorted keys: one spelling for one value, for hashing."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except (TypeError, orjson.JSONEncodeError):
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str)
        return text.encode("utf-8", "replace")
