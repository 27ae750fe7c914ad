"""The SQLite file beside the packs: which snapshots, restores and objects there are.

It is a file of its own, not a part of the review database, because it lives and dies with the packs: several review
databases share one store, so that equal files are kept once; collecting garbage must see every snapshot there is; the
journal of a restore has to be readable where a review database is locked, moved or damaged; and a backup of decisions
need not carry lists of files. Gates refer to a snapshot by its id alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sessions.errors import UserError
from sessions.store import Store

FILE_NAME = "snapshots.db"
VERSION = 1
#: The folder of the store, if not the user's own.
STORE_VARIABLE = "REVIEW_TUI_SNAPSHOTS"

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE workspace (no INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL UNIQUE);
CREATE TABLE run (id TEXT PRIMARY KEY, pinned INTEGER NOT NULL);
CREATE TABLE pack (no INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL);
CREATE TABLE object (
  hash BLOB PRIMARY KEY, pack INTEGER NOT NULL, start INTEGER NOT NULL, stored INTEGER NOT NULL, size INTEGER NOT NULL,
  codec INTEGER NOT NULL
);
CREATE INDEX object_pack ON object (pack);
CREATE TABLE manifest (no INTEGER PRIMARY KEY AUTOINCREMENT, base INTEGER, data BLOB NOT NULL);
CREATE TABLE snapshot (
  no INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, workspace INTEGER NOT NULL, run TEXT NOT NULL,
  key TEXT NOT NULL, kind TEXT NOT NULL, manifest INTEGER NOT NULL, at TEXT NOT NULL, facts TEXT NOT NULL,
  policy TEXT NOT NULL, others BLOB NOT NULL
);
CREATE INDEX snapshot_run ON snapshot (run, workspace);
CREATE TABLE restore (
  no INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, workspace INTEGER NOT NULL, run TEXT NOT NULL,
  target INTEGER NOT NULL, before INTEGER NOT NULL, after INTEGER, undoes TEXT, undone_by TEXT, state TEXT NOT NULL,
  at TEXT NOT NULL, journal BLOB NOT NULL, result TEXT NOT NULL
);
"""


def default_folder() -> Path:
    """The store used when none is named: $REVIEW_TUI_SNAPSHOTS, or `snapshots` in the user's state folder."""
    if named := os.environ.get(STORE_VARIABLE):
        return Path(named).expanduser()
    from platformdirs import user_state_path

    return user_state_path("review-tui", appauthor=False) / "snapshots"


class SnapshotDatabase(Store):
    """As the review database (WAL, FULL, BEGIN IMMEDIATE, errors in plain words), with tables of its own."""

    @classmethod
    def within(cls, folder: Path) -> SnapshotDatabase:
        """The database of a store, made if need be; the folder and what is in it are their owner's alone.

        Raises UserError: no permission, a network file system, no space, written by a newer version.
        """
        _make_folders(folder)
        database = cls.open(folder / FILE_NAME)
        assert isinstance(database, cls)
        if database.read_only:
            database.close()
            raise UserError(f"no permission to write in {folder}.", "Name another store with --store.")
        return database

    def _bring_up_to_date(self) -> None:
        with self._plain_words():
            (version,) = self._connect().execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise UserError(
                f"{self.path.parent} was written by a newer review-tui (version {version}; this one knows {VERSION}).",
                "Upgrade review-tui, or name another store with --store.",
            )
        if version < VERSION:
            with self.write() as tx:
                if tx.execute("PRAGMA user_version")[0][0] == 0:  # or another process was first
                    for statement in _TABLES.split(";"):
                        if statement.strip():
                            tx.execute(statement)
                    tx.execute("INSERT INTO meta VALUES ('generation', ?)", [os.urandom(16).hex()])
                    tx.execute(f"PRAGMA user_version={VERSION}")

    @contextmanager
    def _plain_words(self) -> Iterator[None]:
        try:
            with super()._plain_words():
                yield
        except UserError as error:
            if "--db" in error.hint:
                raise UserError(error.message, "Name another store with --store.") from error
            raise


def _make_folders(folder: Path) -> None:
    from sessions.filesystem import file_system, is_remote

    try:
        for name in ("", "packs", "cache", "locks"):
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise UserError(
            f"cannot keep snapshots in {folder}: {error.strerror}.", "Name another folder with --store."
        ) from None
    kind = file_system(folder)
    if is_remote(kind):
        raise UserError(
            f"the snapshot store {folder} is on a network file system ({kind}), which keeps no locks.",
            "Name a folder on a local disk with --store.",
        )
