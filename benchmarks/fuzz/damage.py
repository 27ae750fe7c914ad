"""Ways in which a file goes bad: on disk, on the way, by a program of another version, or by somebody's ill will."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from random import Random
from typing import Any

from benchmarks.samples import Sample, formats, samples

_DEEP = "\u0001deep\u0001"
_HUGE = "\u0001huge\u0001"
_ODD: list[Any] = [None, True, False, 0, -1, -1.5, 1e300, 2**53 + 1, 2**70, "", "x", "\x00", "\ud800", "\u202e\x1b[2J",
                   "1e999", "2026-99-99T99:99:99Z", [], {}, [[]], [None], {"": {"": []}}, {"role": 1}, _DEEP, _HUGE,
                   "[" * 500, '{"a":' * 300, ["x", 1, {}], "é" * 2000]  # fmt: skip
_STRAY = [b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"NaN", b"-Infinity", b"}", b"]", b"{", b"[", b'"', b"\n", b"\r",
          b"\r\n", b"\n\n{}\n", b"\\u0000", b"\\ud83d", b",", b"\xed\xa0\x80", b"\xf0\x9f", b"1" * 5000,
          b"\x1f\x8b\x08",
          b"null", b"[]\n", b'{"type":1}\n', b"\x1b]0;x\x07"]  # fmt: skip
#: Longest list and text of a sample that is damaged: so that a change hits something that matters, and quickly.
_ITEMS, _CHARACTERS, _BYTES = 24, 1500, 40_000

Way = Callable[[bytes, Random], bytes]


def damaged(sample: Sample, chance: Random, most: int = 3) -> Sample:
    """The sample with one file of it damaged in one to `most` ways, perhaps compressed, perhaps badly."""
    name = sample.main if len(sample.files) == 1 or chance.random() < 0.5 else chance.choice(sorted(sample.files))
    data = sample.files[name]
    for _ in range(chance.randrange(1, most + 1)):
        data = chance.choice(_WAYS)(data, chance)
    if chance.random() < 0.1:
        data = _compressed(data, chance)
    return Sample(sample.format, sample.main, {**sample.files, name: data})


@cache
def small(format: str) -> tuple[Sample, ...]:
    """The samples of a format cut down: lists to a few items, texts to a page. Binary ones as they are."""
    return tuple(
        Sample(found.format, found.main, {name: _cut(data) for name, data in found.files.items()})
        for found in samples(format)
    )


def _cut(data: bytes) -> bytes:
    if b"\0" in data[:8192]:
        return data
    try:
        value = json.loads(data)
        rows = value[:6] if isinstance(value, list) and len(data) > _BYTES else value
        return json.dumps(_short(rows)).encode()
    except ValueError:
        pass
    lines: list[bytes] = []
    for line in data.split(b"\n")[:40]:
        try:
            lines.append(json.dumps(_short(json.loads(line))).encode() if len(line) > _CHARACTERS else line)
        except ValueError:
            lines.append(line[:_CHARACTERS])
    return b"\n".join(lines)[:_BYTES]


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value[:_ITEMS]]
    if isinstance(value, str):
        return value[: _BYTES if value[:1] in ("{", "[") else _CHARACTERS]
    return value


# -- bytes --------------------------------------------------------------------------------------------------------


def _flipped(data: bytes, chance: Random) -> bytes:
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 64)) if made else 0):
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
    return bytes(made)


def _ended(data: bytes, chance: Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _beheaded(data: bytes, chance: Random) -> bytes:
    return data[chance.randrange(len(data) + 1) :]


def _stray(data: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(data) + 1)
    return data[:place] + chance.choice(_STRAY) + data[place:]


def _without(data: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(data) + 1)
    return data[:place] + data[place + chance.choice((1, 4, 100, 2000)) :]


def _noise(data: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(data) + 1)
    return data[:place] + chance.randbytes(20) + data[place + 20 :]


def _zeros(data: bytes, chance: Random) -> bytes:
    """A hole, as file systems leave it after a power cut."""
    place = chance.randrange(len(data) + 1)
    return data[:place] + bytes(chance.choice((1, 512, 4096))) + data[place + 512 :]


def _marked(data: bytes, chance: Random) -> bytes:
    """With a byte order mark, or in another encoding, as some editors save it."""
    text = data.decode("utf-8", "replace")
    return chance.choice((b"\xef\xbb\xbf" + data, text.encode("utf-16"), text.encode("utf-8-sig") + b"\x1a"))


def _windows(data: bytes, _: Random) -> bytes:
    return data.replace(b"\n", b"\r\n")


def _empty(_: bytes, chance: Random) -> bytes:
    return chance.choice((b"", b"\n", b" \n\n", b"{}", b"[]", b"null", b"\xef\xbb\xbf", b"0", b'""', b"{}\n" * 50))


# -- lines --------------------------------------------------------------------------------------------------------


def _shuffled(data: bytes, chance: Random) -> bytes:
    lines = data.split(b"\n")
    chance.shuffle(lines)
    return b"\n".join(lines)


def _doubled(data: bytes, chance: Random) -> bytes:
    lines = data.split(b"\n")
    place = chance.randrange(len(lines))
    return b"\n".join([*lines[:place], *[lines[place]] * chance.choice((2, 2, 40)), *lines[place + 1 :]])


def _mixed(data: bytes, chance: Random) -> bytes:
    """Records of another format among those of this one."""
    others = [sample for name in formats() if name != "inspect" for sample in small(name)]
    other = chance.choice(others).data.split(b"\n")
    lines = data.split(b"\n")
    place = chance.randrange(len(lines) + 1)
    return b"\n".join([*lines[:place], *other[: chance.choice((1, 3, 40))], *lines[place:]])


# -- JSON ---------------------------------------------------------------------------------------------------------


def _changed(data: bytes, chance: Random) -> bytes:
    """Values of other types, keys gone, renamed or twice, nesting and numbers without measure."""
    rows: list[Any] = []
    lines = [data]
    try:
        rows = [json.loads(data)]
    except (ValueError, RecursionError):
        lines = data.split(b"\n")
        for line in lines:
            try:
                rows.append(json.loads(line))
            except (ValueError, RecursionError):
                rows.append(line)
    places = [place for place, row in enumerate(rows) if not isinstance(row, bytes)]
    if not places:
        return _flipped(data, chance)
    place = chance.choice(places)
    try:
        value = _unfolded(rows[place])
        for _ in range(chance.choice((1, 1, 2, 5))):
            value = _one_change(value, chance)
        text = json.dumps(_folded(value), indent=chance.choice((None, None, 1)) if len(lines) == 1 else None)
    except RecursionError:
        return data
    text = text.replace(json.dumps(_DEEP), _deep(chance)).replace(
        json.dumps(_HUGE), "9" * chance.choice((20, 400, 5000))
    )
    if chance.random() < 0.15:
        text = _twice(text, chance)
    return b"\n".join([*lines[:place], text.encode("utf-8", "surrogatepass"), *lines[place + 1 :]])


def _deep(chance: Random) -> str:
    depth = chance.choice((100, 190, 199, 201, 260, 1000, 1010, 20_000))
    return chance.choice(("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth, "[" * depth))


def _twice(text: str, chance: Random) -> str:
    """One of the keys of the outermost object comes twice."""
    keys = [key for key in ("type", "id", "role", "messages", "content", "steps", "name") if f'"{key}": ' in text]
    if not keys:
        return text
    key = f'"{chance.choice(keys)}": '
    return text.replace(key, f"{key}{json.dumps(chance.choice(_ODD[:16]))}, {key}", 1)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _places(item, (*path, key))


def _one_change(value: Any, chance: Random) -> Any:
    path = chance.choice(list(_places(value)))
    if not path:
        return deepcopy(chance.choice(_ODD)) if chance.random() < 0.2 else value
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    act, key = chance.randrange(6), path[-1]
    if act == 0:
        del holder[key]
    elif act == 1 and isinstance(holder, dict):
        holder[chance.choice([*sorted(holder), "role", "content", ""])] = holder.pop(key)
    elif act == 2 and isinstance(holder, list):
        holder.insert(0, deepcopy(chance.choice(_ODD)))
    elif act == 3 and isinstance(holder, list):
        holder[key:key] = [deepcopy(holder[key]) for _ in range(chance.choice((1, 30)))]
    elif act == 4:
        holder[key] = {"text": holder[key]} if isinstance(holder[key], str) else [holder[key]]
    else:
        holder[key] = deepcopy(chance.choice(_ODD))
    return value


def _unfolded(value: Any) -> Any:
    """The value with JSON that stands in texts taken out, so that it is changed too."""
    if isinstance(value, dict):
        return {key: _unfolded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unfolded(item) for item in value]
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return {"\0text": _unfolded(json.loads(value))}
        except ValueError:
            return value
    return value


def _folded(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"\0text"}:
            return json.dumps(_folded(value["\0text"]))
        return {key: _folded(item) for key, item in value.items()}
    return [_folded(item) for item in value] if isinstance(value, list) else value


# -- compressed ---------------------------------------------------------------------------------------------------


def _compressed(data: bytes, chance: Random) -> bytes:
    try:
        import zstandard

        packers: list[Callable[[bytes], bytes]] = [gzip.compress, zstandard.ZstdCompressor().compress]
    except ImportError:
        packers = [gzip.compress]
    packed = chance.choice(packers)(data)
    return chance.choice(
        (packed, _flipped(packed, chance), _ended(packed, chance), packed + packed, packed + b"\0rest")
    )


_WAYS: tuple[Way, ...] = (_flipped, _ended, _beheaded, _stray, _without, _noise, _zeros, _marked, _windows, _empty,
                          _shuffled, _doubled, _mixed, *[_changed] * 12)  # fmt: skip
