"""Which adjudications stand, of those that were made on one unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

_Row: TypeAlias = dict[str, Any]


def standing(rows: Sequence[_Row]) -> dict[tuple[str, str], _Row | None]:
    """(codebook, mode) -> the adjudication that stands; None where several that did not know of each other differ.

    One that was made in knowledge of another replaces it; never the clock.
    """
    by_mode: dict[tuple[str, str], list[_Row]] = {}
    for row in rows:
        by_mode.setdefault((row["codebook"]["id"], row["mode"]), []).append(row)
    found: dict[tuple[str, str], _Row | None] = {}
    for key, mine in by_mode.items():
        known = {(origin, seq) for row in mine for origin, seq in _knew(row, mine)}
        last = [row for row in mine if _event(row) not in known]
        found[key] = last[-1] if len({row["outcome"] for row in last}) == 1 else None
    return found


def _event(row: _Row) -> tuple[str, int]:
    origin, _, seq = row["event_id"].rpartition(":")
    return origin, int(seq)


def _knew(row: _Row, others: Iterable[_Row]) -> list[tuple[str, int]]:
    """The adjudications that were known when this one was made: the earlier ones of its origin, and those it names."""
    origin, seq = _event(row)
    heads = {**row.get("after", {}), origin: seq - 1}
    return [(where, number) for where, number in map(_event, others) if number <= heads.get(where, 0)]
