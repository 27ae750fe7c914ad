"""CSV tables: gold, labels, votes, runs. UTF-8, one header line, lists as JSON in a cell; null is an empty cell.

A cell of free text that a spreadsheet would take for a formula gets an apostrophe in front, and NUL characters, which
CSV readers stop at, become U+FFFD.
"""

from __future__ import annotations

import csv
import io
from typing import Any

from labels.gold import flat
from labels.gold.export import Export
from labels.gold.folder import File

#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Text(io.TextIOBase):
    """What the csv module writes to."""

    def __init__(self, file: File) -> None:
        self._file = file

    def write(self, text: str) -> int:
        self._file.write(text.encode("utf-8", "replace"))
        return len(text)


def export(export: Export) -> None:
    """Writes gold.csv, labels.csv, votes.csv and runs.csv; queue.csv, too, where the release is limited to a queue."""
    writers = {}
    for table, columns in export.tables.items():
        file = export.folder.file(f"{table}.csv")
        writers[table] = csv.writer(_Text(file), lineterminator="\n")
        writers[table].writerow(columns)
    for run in export.runs():
        for table, writer in writers.items():
            for row in flat.rows(table, run, export.modes):
                writer.writerow([_cell(value) for value in row.values()])
                export.folder.files[f"{table}.csv"].rows += 1


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    value = value.replace("\0", "\ufffd")
    return f"'{value}" if value.startswith(_FORMULA) else value
