"""JSON as the project reads and writes it: fast for good input, forgiving for the field's bad habits.

orjson does the work. The standard library takes over for what orjson refuses and real files hold: bare NaN
and Infinity (MAST's file), lone surrogates (cut-off emoji), huge integers.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

_LONE = dict.fromkeys(range(55296, 57344), "�")
#: Deepest nesting that is read: orjson writes 254 levels, and what is read must be writable again, in a few more.
MAX_DEPTH = 200
#: No longer integer is a number: the greatest double has 309 digits.
_MOST_DIGITS = 308
#: A text up to this length has not brackets enough to be deeper; in one over the other they are not counted.
_SHALLOW, _COUNTED = 2 * MAX_DEPTH, 1 << 20


class BadJson(ValueError):
    """The bytes are no JSON; the message is a reason for people."""


def loads(data: bytes | str) -> Any:
    """Parse one JSON document. NaN and Infinity become None, lone surrogates U+FFFD. Raises BadJson."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        value = _loads_slowly(data, error)
    if len(data) > _SHALLOW and _could_be_deep(data) and deeper_than(MAX_DEPTH, value):
        raise BadJson(f"nested too deeply (over {MAX_DEPTH} levels)")
    return value


def _could_be_deep(data: bytes | str) -> bool:
    """Whether there are enough brackets for it: spares most documents the look at every value.

    They are counted by taking them out, three times as fast as `count`; not those of large documents, for the copies.
    """
    if len(data) > _COUNTED:
        return True
    if isinstance(data, str):
        left = len(data.replace("[", "")) + len(data.replace("{", ""))
    else:
        left = len(data.replace(b"[", b"")) + len(data.replace(b"{", b""))
    return 2 * len(data) - left > MAX_DEPTH


def too_deep(value: Any) -> bool:
    """Whether a value that was not read by `loads` is nested deeper than what `loads` lets through."""
    return deeper_than(MAX_DEPTH, value)


def deeper_than(limit: int, value: Any) -> bool:
    """Whether lists and objects stand in each other more than `limit` deep. Level by level, so without recursion."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(limit):
        level = [
            child
            for outer in level
            for child in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return bool(level)


def _integer(digits: str) -> int | str:
    """A number beyond what a double holds stays text: neither SQLite nor orjson would give it back."""
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _loads_slowly(data: bytes | str, first: Exception) -> Any:
    try:
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        value = json.loads(text, parse_constant=lambda _: None, parse_int=_integer)
        return mend(value) if "\\u" in text or not is_whole(text) else value
    except RecursionError:
        raise BadJson(f"nested too deeply (over {MAX_DEPTH} levels)") from None
    except (ValueError, MemoryError) as error:
        raise BadJson(reason(error if isinstance(error, json.JSONDecodeError) else first)) from None


def reason(error: Exception) -> str:
    """A parser's error in a few words, without its address inside our code."""
    text = str(error).split("\n")[0]
    return f"not valid JSON: {text[:120]}"


def mend(value: Any) -> Any:
    """The value with lone surrogates (half an emoji) replaced by U+FFFD, in all its strings."""
    if isinstance(value, str):
        return value if value.isprintable() else value.translate(_LONE)
    if isinstance(value, list):
        return [mend(item) for item in value]
    if isinstance(value, dict):
        return {mend(key): mend(item) for key, item in value.items()}
    return value


def is_whole(text: str) -> bool:
    """Whether the text can be written as UTF-8: no lone surrogates."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def dumps(value: Any) -> str:
    """Compact JSON text, keys in the order given."""
    return dump_bytes(value).decode()


def dump_bytes(value: Any) -> bytes:
    """The same as UTF-8. In memory of its own size: orjson's own answer holds 4 kB at least, and ten times its text."""
    try:
        return b"%b" % orjson.dumps(value)
    except TypeError:
        return _dump_odd(value, sort=False)


def canonical(value: Any) -> bytes:
    """Compact JSON with sorted keys: one spelling for one value, for hashing."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return _dump_odd(value, sort=True)


def _dump_odd(value: Any, *, sort: bool) -> bytes:
    """What orjson does not take just so: keys that are no strings (which slow it down), half an emoji, other types."""
    option = orjson.OPT_NON_STR_KEYS | (orjson.OPT_SORT_KEYS if sort else 0)
    try:
        return orjson.dumps(value, option=option)
    except TypeError:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort, default=str)
        return text.encode("utf-8", "replace")
