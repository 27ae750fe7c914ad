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
    """(parts JSON, text) of a step. Written out, because every step of an import passes here."""
    shape: dict[str, Any] = {}
    rows: list[tuple[Any, ...]] = []
    arguments: dict[str, Any] = {}
    for part in step.parts:
        error = part.is_error
        if error is not None:
            how = (1 if error else 0) + (2 if part.error_inferred else 0)
            rows.append((_KIND[part.kind], len(part.text), part.name, part.call_id, how))
        elif part.name is not None or part.call_id is not None:
            rows.append((_KIND[part.kind], len(part.text), part.name, part.call_id))
        else:
            rows.append((_KIND[part.kind], len(part.text)))
        if part.arguments is not None:
            arguments[str(len(rows) - 1)] = part.arguments
    if arguments:
        shape["g"] = arguments
    shape["p"] = rows
    _add_extras(shape, step)
    spans = [(raw.offset, raw.length, raw.file) for raw in step.raw if isinstance(raw, Span)]
    if spans:
        shape["r"] = spans
    return dump_bytes(shape), "\n".join([part.text for part in step.parts])


def _add_extras(shape: dict[str, Any], step: Step) -> None:
    """One by one: going through `_EXTRAS` by name takes three times as long, and there are very many steps."""
    if step.at is not None:
        shape["at"] = step.at
    if step.native_id is not None:
        shape["native_id"] = step.native_id
    if step.model is not None:
        shape["model"] = step.model
    if step.parent_call is not None:
        shape["parent_call"] = step.parent_call
    if step.branch is not None:
        shape["branch"] = step.branch
    if step.tokens_in is not None:
        shape["tokens_in"] = step.tokens_in
    if step.tokens_out is not None:
        shape["tokens_out"] = step.tokens_out
    if step.cost is not None:
        shape["cost"] = step.cost


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
