"""SQLite files of others, read with care: nothing is written, nothing in them is run, and no query goes on for ever.

A file alone is opened where it is, as immutable. One with a write-ahead log beside it belongs to a program that may be
at work: it and the log are copied to a temporary folder and read there, so that what is in the log is seen and the
program is not disturbed.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from sessions.jsontext import BadJson

#: How such a file begins.
SQLITE = b"SQLite format 3\0"
#: Files with a log beside them are copied up to this size; of larger ones the log is not read.
MAX_COPIED = 1 << 30
#: Steps of SQLite's machine that one query may take without giving a row.
_MAX_STEPS = 50_000_000
_STEPS_AT_ONCE = 100_000
#: No message is larger.
_MAX_VALUE = 256 * 1024 * 1024
#: What a damaged file makes of a query; sqlite3 decodes messages and names of columns as strict UTF-8.
_ERRORS = (sqlite3.Error, OverflowError, MemoryError, UnicodeDecodeError)


class Database:
    """An open file. Rows come as tuples; damage is a BadJson, as with any other file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._left = 0
        connection.set_progress_handler(self._go_on, _STEPS_AT_ONCE)

    def _go_on(self) -> int:
        self._left -= _STEPS_AT_ONCE
        return 1 if self._left < 0 else 0

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, one by one. Raises BadJson where the file is damaged or the query takes too long."""
        try:
            self._left = _MAX_STEPS
            cursor = self._connection.execute(sql, values)
            while row := cursor.fetchone():
                yield row
                self._left = _MAX_STEPS
        except _ERRORS as error:
            raise _bad(error) from None


def _bad(error: Exception) -> BadJson:
    """SQLite's own words are quoted with the file's text in them, line breaks and all."""
    return BadJson(f"the database cannot be read: {' '.join(str(error).split())[:100]}")


@contextmanager
def opened(path: Path, tables: Mapping[str, Collection[str]]) -> Iterator[Database]:
    """A file that must have these tables with these columns. Raises BadJson if it has not, or is no database."""
    log = path.with_name(f"{path.name}-wal")
    size = path.stat().st_size + (log.stat().st_size if log.is_file() else 0)
    if not log.is_file() or not log.stat().st_size or size > MAX_COPIED:
        with _connected(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", tables) as database:
            yield database
        return
    with TemporaryDirectory(prefix="review-tui-") as folder:
        copy = Path(folder) / "copy.db"
        shutil.copyfile(path, copy)
        shutil.copyfile(log, f"{copy}-wal")
        with _connected(f"file:{quote(str(copy))}", tables) as database:
            yield database


@contextmanager
def _connected(uri: str, tables: Mapping[str, Collection[str]]) -> Iterator[Database]:
    try:
        connection = sqlite3.connect(uri, uri=True)
    except sqlite3.Error as error:
        raise BadJson(f"the database cannot be opened: {str(error)[:100]}") from None
    try:
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA query_only = ON")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
        database = Database(connection)
        _check(database, tables)
        yield database
    except _ERRORS as error:
        raise _bad(error) from None
    finally:
        connection.close()


def _check(database: Database, tables: Mapping[str, Collection[str]]) -> None:
    """Only real tables: a view or a virtual table could compute anything."""
    real = {
        row[0]
        for row in database.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'")
    }
    for table, columns in tables.items():
        found = {row[1] for row in database.rows(f"PRAGMA table_info({table})")} if table in real else set()
        missing = sorted(set(columns) - found)
        if missing:
            raise BadJson(f"the database has no table {table} with {', '.join(missing)}")
