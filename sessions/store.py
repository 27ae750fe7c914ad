"""The one SQLite file that everything is kept in: connections, transactions, and errors in plain words.

All SQL goes through `Store`, so that a second thin driver (PostgreSQL) can stand here one day. SQL elsewhere keeps to
what both understand: no JSON operators, no `INSERT OR`, RETURNING rather than rowcount, `?` placeholders.

Why not sqlite-utils' own transactions: its `atomic()` begins deferred, which fails at once under several writers;
every write here is BEGIN IMMEDIATE and waits its turn. sqlite-utils does the migrations (`sessions.schema`) and is
imported only when there is one to run, because importing it costs more than opening the store.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sessions.errors import UserError

try:  # a newer SQLite than most systems have, without the WAL-reset bug (fixed in 3.51.3)
    from pysqlite3 import dbapi2 as sqlite3
except ImportError:  # no wheel for this platform
    import sqlite3

# Bound as they are. Without this, sqlite3 searches each bytes and None for adapting methods: a microsecond a value.
sqlite3.register_adapter(bytes, bytes)
sqlite3.register_adapter(type(None), lambda none: none)

Row: TypeAlias = tuple[Any, ...]
Params: TypeAlias = Sequence[Any]
#: FULL survives a power cut and is for decisions; NORMAL survives a crash of the program and is for imports.
Sync: TypeAlias = Literal["FULL", "NORMAL"]

#: Version of the schema that this program writes. A database of a later version is refused.
SCHEMA_VERSION = 10
BUSY_TIMEOUT_MS = 30_000
#: How long closing waits for other threads' statements, in seconds.
CLOSING_S = 2.0
#: 64 MB of WAL before it is copied back: during an import the default (4 MB) costs a third of the time.
CHECKPOINT_PAGES = 16000
DB_VARIABLE = "REVIEW_TUI_DB"


def default_path() -> Path:
    """The database used when none is named: $REVIEW_TUI_DB, or the user's data folder."""
    if named := os.environ.get(DB_VARIABLE):
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("review-tui", appauthor=False) / "review.db"


class Transaction:
    """A write transaction in progress; made by `Store.write`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: str, params: Params = ()) -> list[Row]:
        """Run one statement; its rows, if it gives any (RETURNING)."""
        rows: list[Row] = self._connection.execute(sql, params).fetchall()
        return rows

    def many(self, sql: str, rows: Iterable[Params]) -> None:
        self._connection.executemany(sql, rows)


class Store:
    """An open database. Thread-safe: each thread gets a connection of its own, all writes queue up in SQLite."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Use `Store.open`; this does not create or migrate anything."""
        self.path = path
        self.read_only = read_only
        self._local = threading.local()
        #: Each thread's connection, and how many statements each thread is in the middle of.
        self._all: list[tuple[int, Any]] = []
        self._using: dict[int, int] = {}
        self._lock = threading.Lock()
        self._closed = False

    @classmethod
    def open(cls, path: Path | None = None) -> Store:
        """Open the database, creating (0600) or migrating it as needed.

        Raises UserError: no permission, not a database, damaged, locked for long, written by a newer version.
        """
        path = path or default_path()
        store = cls(path, read_only=_ensure_file(path))
        try:
            store._bring_up_to_date()
        except BaseException:
            store.close()
            raise
        return store

    def _bring_up_to_date(self) -> None:
        with self._plain_words():
            version = int(self._connect().execute("PRAGMA user_version").fetchone()[0])
        if version == SCHEMA_VERSION:
            return
        if version > SCHEMA_VERSION:
            raise UserError(
                f"{self.path} was written by a newer review-tui (version {version}; this one knows {SCHEMA_VERSION}).",
                "Upgrade review-tui, or name another database with --db.",
            )
        from sessions.schema import migrate

        if self.read_only:
            raise UserError(
                f"{self.path} is read-only and of an older version (or not set up yet).",
                "Make it writable once to bring it up to date, or name another database with --db.",
            )
        with self._plain_words():
            migrate(self._connect(), SCHEMA_VERSION, self.path)

    # -- reading ----------------------------------------------------------------------------------------------

    def query(self, sql: str, params: Params = ()) -> list[Row]:
        """All rows of a SELECT."""
        with self._plain_words():
            rows: list[Row] = self._connect().execute(sql, params).fetchall()
        return rows

    def one(self, sql: str, params: Params = ()) -> Row | None:
        """The first row of a SELECT, None if it has none."""
        with self._plain_words():
            row: Row | None = self._connect().execute(sql, params).fetchone()
        return row

    def each(self, sql: str, params: Params = ()) -> Iterator[Row]:
        """The rows of a SELECT one by one, for more than fits in memory."""
        with self._plain_words():
            yield from self._connect().execute(sql, params)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that this thread reads in the block is as it was at its first query, whatever others write meanwhile.
        For reading only: this thread cannot write in it."""
        connection = self._connect()
        with self._plain_words():
            connection.execute("BEGIN")
        try:
            yield
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def data_version(self) -> int:
        """Changes whenever another connection (of any process) has committed: a cheap thing to poll."""
        row = self.one("PRAGMA data_version")
        return int(row[0]) if row else 0

    # -- writing ----------------------------------------------------------------------------------------------

    @contextmanager
    def write(self, sync: Sync = "FULL", *, eager: bool = False) -> Iterator[Transaction]:
        """A write transaction: committed when the block ends, rolled back if it raises.

        eager: ask for the lock every 1 to 4 ms. SQLite itself sleeps up to 100 ms between two tries, which is what
        makes the slowest of many writers slow; others, that can wait, are served behind.
        """
        if self.read_only:
            raise UserError(f"{self.path} cannot be written to.", "Nothing was saved; name another database with --db.")
        with self._plain_words():
            connection = self._connect()
            if self._local.sync != sync:
                connection.execute(f"PRAGMA synchronous={sync}")
                self._local.sync = sync
            _begin(connection, eager)
            try:
                yield Transaction(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk has rolled it back already
                    connection.execute("ROLLBACK")
                raise

    def copy_back_after(self, pages: int) -> None:
        """How large this thread's commits let the WAL become, in pages, before one of them copies it back."""
        self._connect().execute(f"PRAGMA wal_autocheckpoint={int(pages)}")

    def copy_back(self) -> None:
        """Copy the WAL back, as far as nobody reads from it. Writers need not wait."""
        with self._plain_words():
            self._connect().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def raw_connection(self) -> Any:
        """This thread's DB-API connection, for whole-file work (backup, sqlite-utils). Not for queries."""
        return self._connect()

    # -- connections --------------------------------------------------------------------------------------------

    def _connect(self) -> Any:
        connection = getattr(self._local, "connection", None)
        if connection is not None and not self._closed:
            return connection
        if self._closed:
            raise UserError("the database is closed.")
        connection = _open_to_read(self.path) if self.read_only else _open(self.path, "mode=rw")
        with self._lock:
            self._all.append((threading.get_ident(), connection))
        self._local.connection = connection
        self._local.sync = "FULL"
        connection.execute("PRAGMA foreign_keys=ON")
        if not self.read_only:
            _wal(connection)
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        connection.execute("PRAGMA cache_size=-8000")
        connection.execute("PRAGMA mmap_size=0")
        return connection

    def close_thread(self) -> None:
        """Close this thread's connection: for threads that end before the store does."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            self._local.connection = None
            with self._lock:
                self._all = [item for item in self._all if item[1] is not connection]
            connection.close()

    def close(self) -> None:
        """Close every thread's connection. What another thread is in the middle of gets a moment to end; one that does
        not is left its connection, because closing it under a running statement brings the whole program down."""
        self._closed = True
        end = time.monotonic() + CLOSING_S
        for thread, connection in self._all:
            while self._using.get(thread) and thread != threading.get_ident() and time.monotonic() < end:
                time.sleep(0.005)
            if thread == threading.get_ident() or not self._using.get(thread):
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
        self._all.clear()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @contextmanager
    def _plain_words(self) -> Iterator[None]:
        with self._lock:
            self._using[threading.get_ident()] = self._using.get(threading.get_ident(), 0) + 1
        try:
            yield
        except sqlite3.Error as error:
            raise explain(error, self.path) from error
        finally:
            with self._lock:
                self._using[threading.get_ident()] -= 1


def _open(path: Path, mode: str) -> Any:
    return sqlite3.connect(
        f"file:{_quote(path)}?{mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_TIMEOUT_MS / 1000,
    )


def _open_to_read(path: Path) -> Any:
    """A file that this user cannot write may well be written by another: then its WAL has to be read too.

    Where SQLite cannot do that (read-only medium, no WAL there), nobody writes and the file is taken as it is.
    """
    connection = _open(path, "mode=ro")
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError as error:
        connection.close()
        if "unable to open" not in str(error) and "readonly" not in str(error):
            raise
        return _open(path, "immutable=1")
    return connection


def _wal(connection: Any) -> None:
    """Switch to WAL. SQLite answers "locked" at once, without waiting, while another process does the same."""
    for attempt in range(100):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == 99:
                raise
            time.sleep(0.01 + 0.01 * (attempt % 7))


def _begin(connection: Any, eager: bool) -> None:
    if not eager:
        connection.execute("BEGIN IMMEDIATE")
        return
    end = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
            # 1 to 4 ms, not in step with others; the clock's last digits are chance enough for that.
            time.sleep(0.001 + time.perf_counter_ns() % 3_000_000 / 1e9)
    finally:
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def explain(error: Exception, path: Path) -> UserError:
    """SQLite's error as one line that says what happened and what to do."""
    text = str(error).lower()
    if "locked" in text or "busy" in text:
        return UserError(
            f"{path} has been locked by another program for {BUSY_TIMEOUT_MS // 1000} s.",
            "Close that program or wait, then try again; nothing was saved.",
        )
    if "full" in text:
        return UserError(f"the disk that holds {path} is full.", "Free some space and try again; nothing was saved.")
    if "readonly" in text or "read-only" in text:
        return UserError(f"{path} cannot be written to.", "Nothing was saved; name another database with --db.")
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return UserError(
            f"{path} is damaged or not a review-tui database ({error}).",
            "Put a backup in its place (review-tui db backup makes them), or name another with --db.",
        )
    if "unable to open" in text or "disk i/o" in text:
        return UserError(f"{path} cannot be opened ({error}).", "Check the folder, or name another database with --db.")
    return UserError(f"the database {path} answered: {error}.", "Run `review-tui doctor` to check it.")


def _ensure_file(path: Path) -> bool:
    """Create the file for its owner alone if it is not there. True if it can be read but not written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except IsADirectoryError:
        raise UserError(f"{path} is a folder, not a database.", "Name a file with --db.") from None
    except OSError as error:
        if path.is_file() and os.access(path, os.R_OK):
            return True
        raise UserError(f"cannot create the database {path}: {error.strerror}.", "Name another with --db.") from None
    return not os.access(path, os.W_OK)


def _quote(path: Path) -> str:
    from urllib.parse import quote

    return quote(os.fsencode(path.absolute()))
