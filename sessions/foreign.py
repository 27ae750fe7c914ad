"""Another database of this program, opened to be read: as it is at one moment, and without a byte of it changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sessions.errors import UserError
from sessions.store import SCHEMA_VERSION, Store

_MAGIC = b"SQLite format 3\0"


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """The database at `path`, as a store that only the calling thread may read. One of an older version is brought up
    to date in a copy. Raises UserError where it is not there, damaged, of another program or of a newer version."""
    version = _version(path)
    with TemporaryDirectory(prefix="review-tui-") as folder:
        source = path if version == SCHEMA_VERSION else _brought_up(path, Path(folder) / "other.db")
        store = Store(source, read_only=True)
        try:
            store.query("BEGIN")  # everything read from here on is of one moment
            yield store
        finally:
            store.close()


def _version(path: Path) -> int:
    try:
        with open(path, "rb") as file:
            head = file.read(len(_MAGIC))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.", "Check the path.") from None
    if head != _MAGIC:
        raise UserError(f"{path} is no review-tui database.", "Name the file that `review-tui db path` prints there.")
    store = Store(path, read_only=True)
    try:
        row = store.one("PRAGMA user_version")
        known = store.one(
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('meta', 'event', 'chain')"
        )
    finally:
        store.close()
    version = int(row[0]) if row else 0
    if version < 1 or known is None or known[0] != 3:
        raise UserError(f"{path} is a database of another program.", "Name one that review-tui made.")
    if version > SCHEMA_VERSION:
        raise UserError(
            f"{path} was written by a newer review-tui (version {version}; this one knows {SCHEMA_VERSION}).",
            "Upgrade review-tui first.",
        )
    return version


def _brought_up(path: Path, copy: Path) -> Path:
    old = Store(path, read_only=True)
    try:
        old.query("VACUUM INTO ?", [str(copy)])
    finally:
        old.close()
    Store.open(copy).close()
    return copy
