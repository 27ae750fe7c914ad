"""The parts of an open store, together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sessions.errors import UserError
from sessions.workspace.database import SnapshotDatabase
from sessions.workspace.guard import checked
from sessions.workspace.locks import Busy, Locks
from sessions.workspace.objects import Objects
from sessions.workspace.records import Records
from sessions.workspace.statcache import StatCache


@dataclass(slots=True)
class Base:
    """An open store. own: paths that must not lie in a workspace, besides the store itself."""

    folder: Path
    database: SnapshotDatabase
    records: Records
    objects: Objects
    locks: Locks
    cache: StatCache
    own: tuple[Path, ...]

    @classmethod
    def open(cls, folder: Path, own: tuple[Path, ...]) -> Base:
        database = SnapshotDatabase.within(folder)
        return cls(
            folder,
            database,
            Records(database),
            Objects(database, folder / "packs"),
            Locks(folder),
            StatCache(folder / "cache"),
            own,
        )

    def close(self) -> None:
        self.objects.close()
        self.database.close()

    def checked(self, workspace: Path) -> Path:
        """The real path of a workspace that may be one. Raises UserError."""
        return checked(workspace, (self.folder, *self.own))

    def generation(self) -> str:
        """Changes whenever contents were removed from the store."""
        row = self.database.one("SELECT value FROM meta WHERE name = 'generation'")
        return str(row[0]) if row else ""

    @contextmanager
    def looking(self, workspace_no: int) -> Iterator[None]:
        """Held while a workspace is read into the store. Raises UserError if a restore of it is unfinished."""
        with self.locks.using(), self.locks.looking(workspace_no):
            if unfinished := self.records.unfinished(workspace_no):
                raise Busy(
                    f"restore {unfinished[0].id[:8]} of this workspace was interrupted.",
                    "`review-tui workspace resume` finishes it.",
                )
            yield


def no_room(error: OSError, what: str, consequence: str) -> UserError:
    """A full disk (or quota, or size limit) in plain words; other errors with the system's reason."""
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(f"the disk that holds {what} is full: {consequence}.", "Free some space and try again.")
    if error.errno == errno.EFBIG:
        return UserError(
            f"a size limit does not let {what} grow: {consequence}.", "Raise it (ulimit -f) and try again."
        )
    return UserError(f"cannot write {what} ({error.strerror}): {consequence}.", "Check the folder and try again.")
