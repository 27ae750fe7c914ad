"""How steps and files are named in the store.

A step's key is one integer, `run number << 32 | index` (`sessions.schema` says why); a file is its absolute path.
"""

from __future__ import annotations

import os
from pathlib import Path

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


def path_text(path: Path) -> str:
    """An absolute path as text that SQLite takes, whatever bytes are in the name."""
    return os.fsencode(os.path.abspath(path)).decode("utf-8", "backslashreplace")
