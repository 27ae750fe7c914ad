"""Exports as tables, a row a record: Parquet (needs the package pyarrow) and CSV. Rows come one by one.

What a row's cells hold is the formats' affair: JSON as text stays text here.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Collection, Iterator
from typing import Any

from sessions.readers.base import Head, Source
from sessions.run import Problem
from sessions.streams import open_stream

PARQUET = b"PAR1"
#: A Parquet file's columns are named at its end.
_FOOTER_BYTES = 256 * 1024
_ROWS_AT_ONCE = 200
#: No cell is larger: a quote that is never closed takes in the rest of the file.
_MAX_CELL = 64 * 1024 * 1024
#: After so many rows that are none, a file is given up.
_MAX_BAD = 1000


def is_parquet(head: Head) -> bool:
    return head.data.startswith(PARQUET)


def has_columns(head: Head, names: Collection[bytes]) -> bool:
    """Whether a Parquet file's footer has all these names. False where it cannot be read."""
    try:
        with open(head.path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _FOOTER_BYTES))
            footer = file.read()
    except OSError:
        return False
    return all(name in footer for name in names)


def parquet_rows(source: Source) -> Iterator[dict[str, Any] | Problem]:
    """The rows of a Parquet file, times as ISO 8601; a Problem where pyarrow is missing or refuses."""
    try:
        from pyarrow import parquet
    except ImportError:
        yield source.problem("Parquet files need the package pyarrow: pip install 'review-tui[parquet]'")
        return
    try:
        with parquet.ParquetFile(source.path) as file:
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
                for row in batch.to_pylist():
                    yield {key: _plain(value) for key, value in row.items()}
    except Exception as error:  # pyarrow's errors are of many kinds
        said = str(error).splitlines()[0][:120] if str(error) else repr(error)
        yield source.problem(f"cannot be read as Parquet: {said}")


def _plain(value: Any) -> Any:
    """One value as JSON has it."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def csv_columns(head: Head) -> list[str]:
    """The names in the first line; [] if it is no line of names."""
    line = head.text.removeprefix("\ufeff").lstrip("\r\n").partition("\n")[0]
    if not line or line[0] in "[{<" or "," not in line or len(line) > 10_000:
        return []
    try:
        names = next(csv.reader([line]), [])
    except csv.Error:
        return []
    return [name.strip() for name in names]


def csv_rows(source: Source) -> Iterator[tuple[int, dict[str, str]] | Problem]:
    """(line, the cells that are not empty, by column) for each row; rows of another length are Problems."""
    csv.field_size_limit(_MAX_CELL)
    with io.TextIOWrapper(open_stream(source.path), encoding="utf-8-sig", errors="replace", newline="") as file:
        table = csv.reader(file)
        names: list[str] | None = None
        bad = 0
        while bad < _MAX_BAD:
            line = table.line_num + 1
            try:
                row = next(table)
            except StopIteration:
                return
            except csv.Error as error:
                bad += 1
                yield source.problem(f"no row of a table: {error}", line)
                continue
            if not any(cell.strip() for cell in row):
                continue
            if names is None:
                names = [name.strip() for name in row]
            elif len(row) != len(names):
                bad += 1
                yield source.problem(f"a row of {len(row)} cells, where the table has {len(names)} columns", line)
            else:
                yield line, {name: cell for name, cell in zip(names, row, strict=True) if cell}
        yield source.problem(f"given up after {bad} rows that are none", line)
