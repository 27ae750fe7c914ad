"""Looking after the database file: copies, sharing, removing runs, giving room back, checking it."""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.live import ending
from sessions.store import Store, Transaction, explain
from sessions.store import sqlite3 as sqlite3  # type: ignore[attr-defined]  # the store chooses which SQLite
from sessions.writing import remove_rows

SHARED_FOLDER, SHARED_FILE = 0o2770, 0o660


# -- copies ---------------------------------------------------------------------------------------------------------


def backup(store: Store, target: Path, *, replace: bool = False) -> int:
    """Write a copy of the database as it is at this moment, readable for its owner alone; its size in bytes.

    The copy gets an origin of its own: were it to go on under the old one, two files would continue one chain of events
    in two ways. Its events so far keep the origin that they have.
    """
    if target.exists() and not replace:
        raise UserError(f"{target} is there already.", "--yes replaces it.")
    if target.exists() and (not target.is_file() or target.samefile(store.path)):
        raise UserError(f"{target} cannot be replaced by a copy.", "Name another file.")
    partial = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with _plain_words(store.path):
            store.raw_connection().execute("VACUUM INTO ?", [str(partial)])
        with Store.open(partial) as copy, copy.write() as tx:
            tx.execute("UPDATE meta SET value = ? WHERE name = 'origin'", [uuid.uuid4().hex])
        _sync(partial)
        os.replace(partial, target)
        _sync(target.parent)
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}.", "Name another file.") from None
    finally:
        for leftover in _with_companions(partial):
            leftover.unlink(missing_ok=True)
    return target.stat().st_size


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _with_companions(path: Path) -> list[Path]:
    """The file and the two that SQLite keeps beside it."""
    return [path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))]


# -- sharing --------------------------------------------------------------------------------------------------------


def strangers(path: Path) -> list[str]:
    """Names in the database's folder that are not the database: they would be shared with it."""
    own = {item.name for item in _with_companions(path)}
    return sorted(name for name in os.listdir(path.absolute().parent) if name not in own)


def share(path: Path, group: str) -> list[Path]:
    """Let a group of the operating system read and write the database; what was changed.

    The folder's setgid bit hands the group on to the files that SQLite makes beside the database.
    """
    gid = _group_id(group)
    folder = path.absolute().parent
    if folder in (Path.home().absolute(), Path(folder.anchor)) or folder.stat().st_mode & stat.S_ISVTX:
        raise UserError(f"{folder} must not be shared as a whole.", "Move the database into a folder of its own first.")
    changed = []
    for item, mode in [(folder, SHARED_FOLDER), *((file, SHARED_FILE) for file in _with_companions(path.absolute()))]:
        if not item.exists():
            continue
        try:
            os.chown(item, -1, gid)
            os.chmod(item, mode)
        except OSError as error:
            raise UserError(
                f"cannot give {item} to the group {group}: {error.strerror}.",
                "Only its owner can, and only to a group of theirs; or the administrator.",
            ) from None
        if stat.S_IMODE(item.stat().st_mode) != mode:
            raise UserError(f"the system dropped the rights of {item}.", f"You must be a member of {group} yourself.")
        changed.append(item)
    return changed


def _group_id(group: str) -> int:
    try:
        import grp
    except ImportError:  # Windows
        raise UserError("this system has no groups to share with.") from None
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise UserError(f"there is no group {group!r} on this machine.", "`getent group` lists them.") from None


def closed_parents(path: Path, group: str) -> list[Path]:
    """Folders on the way to the database that the group may not pass through: sharing does not open those."""
    gid = _group_id(group)
    found = []
    for folder in path.absolute().parent.parents:
        status = folder.stat()
        way = stat.S_IXGRP if status.st_gid == gid else stat.S_IXOTH
        if not status.st_mode & way:
            found.append(folder)
    return found


# -- removing -------------------------------------------------------------------------------------------------------


def remove_run(tx: Transaction, run: RunInfo) -> None:
    """Delete a run's content and everything derived from it. Events on it, and what they say, stay."""
    remove_rows(tx, run.no)
    ending.forget(tx, run.id)
    for table in ("suggestion", "detection", "queue_run", "reading", "source"):
        tx.execute(f"DELETE FROM {table} WHERE run = ?", [run.id])
    if not tx.execute("SELECT 1 FROM run WHERE path = ? LIMIT 1", [run.path]):
        tx.execute("DELETE FROM problem WHERE path = ?", [run.path])


def reclaim(store: Store) -> int:
    """Give the room of deleted runs back to the disk, so that their text is gone too; how many bytes."""
    before = size(store.path)
    with _plain_words(store.path):
        connection = store.raw_connection()
        connection.execute("INSERT INTO words (words) VALUES ('optimize')")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return max(0, before - size(store.path))


def size(path: Path) -> int:
    """Bytes of the database with the files beside it."""
    return sum(item.stat().st_size for item in _with_companions(path) if item.exists())


# -- checking -------------------------------------------------------------------------------------------------------


def integrity(store: Store) -> list[str]:
    """What SQLite finds wrong with the file, one line each; [] if it is sound."""
    with _plain_words(store.path):
        rows = store.raw_connection().execute("PRAGMA integrity_check(20)").fetchall()
    return [row[0] for row in rows if row[0] != "ok"]


def counts(store: Store) -> tuple[int, int]:
    """How many runs and events there are."""
    return store.query("SELECT count(*) FROM run")[0][0], store.query("SELECT count(*) FROM event")[0][0]


@dataclass(frozen=True, slots=True)
class SqliteFacts:
    """The SQLite in use. wal_reset_bug: it can damage a database that two programs have open (fixed in 3.51.3)."""

    version: str
    module: str
    wal_reset_bug: bool


#: Releases with the fix, also carried back to two older lines: (first two numbers) -> least third one.
_FIXED = {(3, 44): 6, (3, 50): 7, (3, 51): 3}


def sqlite_facts() -> SqliteFacts:
    version: tuple[int, ...] = sqlite3.sqlite_version_info
    least = _FIXED.get((version[0], version[1]))
    fixed = version[:2] > (3, 51) or (least is not None and version[2] >= least)
    return SqliteFacts(sqlite3.sqlite_version, sqlite3.__name__.partition(".")[0], not fixed)


@contextmanager
def _plain_words(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error, path) from error


# -- where it lies --------------------------------------------------------------------------------------------------
