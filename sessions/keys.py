"""The integer key of a step in the store: `run number << 32 | index`. See `sessions.schema` for why."""

from __future__ import annotations

INDEX_BITS = 32
_MASK = (1 << INDEX_BITS) - 1


def base_key(no: int) -> int:
    """The key of a run's first step. no: `run.no`, not the run's id."""
    return no << INDEX_BITS


def key_range(no: int) -> tuple[int, int]:
    """First and last possible key of a run, for BETWEEN."""
    return no << INDEX_BITS, (no << INDEX_BITS) | _MASK


def run_of(k: int) -> int:
    return k >> INDEX_BITS


def index_of(k: int) -> int:
    return k & _MASK
