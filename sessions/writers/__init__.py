"""Formats that runs can be written in: `review-tui convert`, and whoever else hands a run on.

A writer is one file here with a function `write(run: Recorded) -> Iterator[str]`, which gives the document piece by
piece, and a line in WRITERS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from sessions.errors import UsageError
from sessions.writers.base import Recorded

#: Name of the format -> (module, what it is).
WRITERS: dict[str, tuple[str, str]] = {
    "canonical": ("sessions.writers.canonical", "our own JSONL, without loss"),
    "atif": ("sessions.writers.atif", "ATIF 1.7, as Harbor reads it"),
}


def writer(name: str) -> Callable[[Recorded], Iterator[str]]:
    """The function that writes this format. Raises UsageError for an unknown one."""
    if name not in WRITERS:
        raise UsageError(f"runs cannot be written as {name!r}.", f"Formats: {', '.join(WRITERS)}.")
    write: Callable[[Recorded], Iterator[str]] = import_module(WRITERS[name][0]).write
    return write
