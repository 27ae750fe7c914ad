"""How a step's content lies in the store: one text, and a small JSON that says where its parts are.

The texts of all parts stand one after another in `body.text`, plain until the archive compresses them, so that a
search can scan them in SQL; `body.parts` holds kinds, lengths, names, arguments and the places of the raw records.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import orjson

from sessions.jsontext import dump_bytes
from sessions.run import PART_KINDS, Part, Role, Span, Step

PLAIN, ZLIB = 0, 1
_KIND = {kind: number for number, kind in enumerate(PART_KINDS)}
#: The step fields that are in no index column; an empty one takes no room.
_EXTRAS = ("at", "native_id", "model", "parent_call", "branch", "tokens_in", "tokens_out", "cost")


@dataclass(slots=True)
class StoredStep:
    """A step as read back: its content, its identity and its place (index from 0, number from 1)."""

    index: int
    id: str
    flags: int
    step: Step

    @property
    def number(self) -> int:
        return self.index + 1


def encode(step: Step) -> tuple[bytes, str]:
    """(parts JSON, text) of a step."""
    shape: dict[str, Any] = {}
    parts = []
    for place, part in enumerate(step.parts):
        row: list[Any] = [_KIND[part.kind], len(part.text)]
        if part.name is not None or part.call_id is not None or part.is_error is not None:
            row += [part.name, part.call_id]
            if part.is_error is not None:
                row.append((1 if part.is_error else 0) + (2 if part.error_inferred else 0))
        if part.arguments is not None:
            shape.setdefault("g", {})[str(place)] = part.arguments
        parts.append(row)
    shape["p"] = parts
    for name in _EXTRAS:
        value = getattr(step, name)
        if value is not None:
            shape[name] = value
    spans = [[raw.offset, raw.length, raw.file] for raw in step.raw if isinstance(raw, Span)]
    if spans:
        shape["r"] = spans
    return dump_bytes(shape), "\n".join([part.text for part in step.parts])


def decode(parts: bytes, text: str, *, actor: str, role: Role, depth: int, stage: str | None) -> Step:
    """The step that `encode` wrote."""
    shape = orjson.loads(parts)
    arguments = shape.get("g", {})
    step = Step(actor=actor, role=role, depth=depth, stage=stage)
    position = 0
    for place, row in enumerate(shape["p"]):
        end = position + row[1]
        error = row[4] if len(row) > 4 else None
        step.parts.append(
            Part(
                PART_KINDS[row[0]],
                text[position:end],
                name=row[2] if len(row) > 2 else None,
                call_id=row[3] if len(row) > 3 else None,
                arguments=arguments.get(str(place)),
                is_error=None if error is None else bool(error & 1),
                error_inferred=bool((error or 0) & 2),
            )
        )
        position = end + 1
    for name in _EXTRAS:
        if name in shape:
            setattr(step, name, shape[name])
    step.raw = [Span(*span) for span in shape.get("r", [])]
    return step


def compress(data: bytes) -> bytes:
    """Fast rather than small: the archive runs beside a person who is reading."""
    return zlib.compress(data, 1)


def pack_records(records: list[bytes]) -> bytes:
    """The source's records of a step as they lie in the table `raw`: their lengths on a line, then they themselves."""
    return compress(b"\n".join([dump_bytes([len(record) for record in records]), *records]))


def unpack_records(data: bytes) -> list[bytes]:
    """The records that `pack_records` packed, byte for byte."""
    lengths, _, joined = zlib.decompress(data).partition(b"\n")
    records, start = [], 0
    for length in orjson.loads(lengths):
        records.append(joined[start : start + length])
        start += length + 1
    return records


def text_of(codec: int, data: bytes | str) -> str:
    """The text column as text, whichever way it is kept."""
    if codec == ZLIB:
        assert isinstance(data, bytes)
        return zlib.decompress(data).decode("utf-8", "surrogatepass")
    return data if isinstance(data, str) else data.decode("utf-8", "surrogatepass")
