"""Files that hold whole runs as rows: a JSON list of them, JSONL, or a single object.

The labelled corpora (Who&When, MAST, AG2) come in all three wrappings, depending on who exported them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessions.readers.base import Head, Source
from sessions.readers.records import is_object
from sessions.readers.salvage import open_document
from sessions.run import Problem


def rows(source: Source, member: str) -> Iterator[tuple[int, dict[str, Any]] | Problem]:
    """Each row with its place in the file, from 0. member: the long list inside a row that may be cut off.

    What is no object is a Problem; a damaged document gives what stands before the damage, and a Problem at the end.
    """
    values = _lines(source) if _is_jsonl(source) else _document(source, member)
    index = 0
    for line, value in values:
        if isinstance(value, Problem):
            yield value
            continue
        if isinstance(value, dict):
            yield index, value
        else:
            yield source.problem(f"row {index + 1} is no object", line)
        index += 1


def _is_jsonl(source: Source) -> bool:
    """Whether one of the first two lines is a JSON object by itself, so that one damaged line does not hide the rest.

    A pretty-printed document's lines are none; a document on a single line is JSONL with one row.
    """
    return any(map(is_object, source.first_lines(2)))


def _lines(source: Source) -> Iterator[tuple[int | None, Any]]:
    for entry in source.json_lines():
        if isinstance(entry, Problem):
            yield entry.line, entry
        else:
            number, _, value = entry
            yield number, value


def _document(source: Source, member: str) -> Iterator[tuple[int | None, Any]]:
    document = open_document(source, member)
    if document.is_list:
        for value in document.items:
            yield None, value
    elif document.root or document.found:
        row = dict(document.root)
        if document.found:
            row[member] = list(document.items)
        yield None, row
    if document.problem is not None:
        yield None, source.problem(document.problem)


def row_prefix(head: Head) -> str | None:
    """Where a row's keys stand in `Head.outline`: "" for an object (or JSONL), "item." for a list; None for neither."""
    return {"map": "", "array": "item."}.get(head.outline.get("", ""))
