"""Doing the steps of a journal, each as often as it takes: a step that was done is recognised and passed over."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from sessions.workspace import entries as e
from sessions.workspace.entries import Entry, StatKey, owners_count, parent
from sessions.workspace.journal import LINK, MKDIR, RIGHTS, RMDIR, UNLINK, WRITE, Journal, Step
from sessions.workspace.objects import Objects, Place
from sessions.workspace.reading import digest_of
from sessions.workspace.tree import WorkspaceTree

#: A path that is in neither of the states that the journal knows.
CHANGED = "somebody else changed it meanwhile: left as it is"
#: Zeros of this size at once become a hole.
_HOLE = 4096
_ZEROS = bytes(_HOLE)
#: Errors that hold for one path. Any other (a full disk, a broken one) stops the restore, which can be resumed.
_OF_ONE_PATH = frozenset({errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY, errno.EINVAL, errno.ENAMETOOLONG,
                          errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP,
                          errno.EOPNOTSUPP})  # fmt: skip


class Stopped(Exception):
    """The restore cannot go on now, and can be resumed later. Its cause is an OSError."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(slots=True)
class Worker:
    """Does the steps. failed: path -> why it was left. written: bytes."""

    tree: WorkspaceTree
    objects: Objects
    places: dict[bytes, Place]
    tag: str
    failed: dict[str, str] = field(default_factory=dict)
    written: int = 0

    def run(self, journal: Journal) -> None:
        """All steps, then the folders' rights and times, then the disk. Raises Stopped, UserError (a damaged
        content)."""
        self.tree.forget()
        for number, step in enumerate(journal.steps):
            self._guarded(step.path, lambda step=step, number=number: self._step(step, number))  # type: ignore[misc]
        self.tree.forget()
        for path, entry in journal.folders.items():
            self._guarded(path, lambda path=path, entry=entry: self._finish_folder(path, entry))  # type: ignore[misc]
        if not journal.steps and not journal.folders:
            return
        try:
            sync_all(self.tree.fd)
        except OSError as error:
            raise Stopped(error) from None

    def _guarded(self, path: str, act: Callable[[], str | None]) -> None:
        try:
            reason = act()
        except OSError as error:
            if error.errno not in _OF_ONE_PATH:
                raise Stopped(error) from None
            reason = error.strerror or str(error)
        if reason is not None:
            self.failed.setdefault(path, reason)

    def _step(self, step: Step, number: int) -> str | None:
        """Do a step unless it is done; why it was not, None if it is. Raises OSError."""
        temporary = _beside(step.path, f".review-tui-{self.tag}-{number}")
        there = self.tree.lstat_or_none(step.path)
        try:
            return _DO[step.kind](self, step, there, temporary)
        except PermissionError:
            if not self._unlock_folder(parent(step.path)):
                raise
            return _DO[step.kind](self, step, there, temporary)

    def _unlock_folder(self, path: str) -> bool:
        """Let ourselves write in a folder of ours; its own mode comes back at the end, as for every folder with
        steps."""
        status = self.tree.lstat(path)
        if status.st_uid != os.geteuid() or status.st_mode & stat.S_IWUSR:
            return False
        self.tree.set_mode(path, stat.S_IMODE(status.st_mode) | stat.S_IRWXU)
        return True

    # -- one by one -----------------------------------------------------------------------------------------------

    def _unlink(self, step: Step, there: os.stat_result | None, _temporary: str) -> str | None:
        if there is None or (step.target is not None and stat.S_ISDIR(there.st_mode)):
            return None
        if not self._is_before(step, there):
            return CHANGED
        self.tree.unlink(step.path)
        return None

    def _rmdir(self, step: Step, there: os.stat_result | None, _temporary: str) -> str | None:
        if there is None or not stat.S_ISDIR(there.st_mode):
            return None
        self.tree.rmdir(step.path)
        return None

    def _mkdir(self, step: Step, there: os.stat_result | None, _temporary: str) -> str | None:
        if there is None:
            self.tree.mkdir(step.path)
        elif not stat.S_ISDIR(there.st_mode):
            return CHANGED
        return None

    def _write(self, step: Step, there: os.stat_result | None, temporary: str) -> str | None:
        assert step.target is not None
        self._remove(temporary)
        if there is not None and self._is_target(step.path, step.target, there):
            return None
        if there is not None and not self._is_before(step, there):
            return CHANGED
        with self._removed_on_failure(temporary):
            descriptor = self.tree.create(temporary)
            try:
                self._fill(descriptor, step.target)
                self._own(temporary, step.target)
                os.fchmod(descriptor, step.target.mode)
                os.utime(descriptor, ns=(step.target.mtime_ns, step.target.mtime_ns))
            finally:
                os.close(descriptor)
            self.tree.replace(temporary, step.path)
        return None

    @contextmanager
    def _removed_on_failure(self, temporary: str) -> Iterator[None]:
        try:
            yield
        except BaseException:
            with suppress(OSError):
                self._remove(temporary)
            raise

    def _fill(self, descriptor: int, target: Entry) -> None:
        """Write the content; a file that had holes gets holes for its zeros."""
        holes = bool(target.flags & e.SPARSE)
        for piece in self.objects.read(target.content, self.places[target.content]):
            self.written += len(piece)
            view = memoryview(piece)
            while view:
                block = view[:_HOLE] if holes else view
                if holes and block == _ZEROS[: len(block)]:
                    os.lseek(descriptor, len(block), os.SEEK_CUR)
                    view = view[len(block) :]
                else:
                    view = view[os.write(descriptor, block) :]
        if holes:
            os.ftruncate(descriptor, target.size)

    def _link(self, step: Step, there: os.stat_result | None, temporary: str) -> str | None:
        assert step.target is not None
        self._remove(temporary)
        if there is not None and self._is_target(step.path, step.target, there):
            return None
        if there is not None and not self._is_before(step, there):
            return CHANGED
        with self._removed_on_failure(temporary):
            self.tree.symlink(step.target.content, temporary)
            self._own(temporary, step.target)
            self.tree.set_times(temporary, step.target.mtime_ns)
            self.tree.replace(temporary, step.path)
        return None

    def _rights(self, step: Step, there: os.stat_result | None, _temporary: str) -> str | None:
        assert step.target is not None
        if there is None or not self._is_on_the_way(step, there):
            return CHANGED
        self._own(step.path, step.target)
        if step.target.kind == e.FILE and stat.S_IMODE(there.st_mode) != step.target.mode:
            self.tree.set_mode(step.path, step.target.mode)
        self.tree.set_times(step.path, step.target.mtime_ns)
        return None

    def _finish_folder(self, path: str, entry: Entry) -> str | None:
        there = self.tree.lstat_or_none(path)
        if there is None or not stat.S_ISDIR(there.st_mode):
            return CHANGED
        if stat.S_IMODE(there.st_mode) != entry.mode or not _owned(there, entry):
            self._own(path, entry)
            self.tree.set_mode(path, entry.mode)
        self.tree.set_times(path, entry.mtime_ns)
        return None

    def _own(self, path: str, entry: Entry) -> None:
        if not _owned(self.tree.lstat(path), entry):
            self.tree.set_owner(path, entry.uid, entry.gid)

    def _remove(self, temporary: str) -> None:
        """What an earlier attempt left behind."""
        try:
            self.tree.unlink(temporary)
        except FileNotFoundError:
            pass

    # -- recognising ------------------------------------------------------------------------------------------------

    def _is_before(self, step: Step, there: os.stat_result) -> bool:
        """Whether a path is still as it was planned on."""
        before = step.before
        if before is None:
            return False
        if before.kind == e.FILE and step.key is not None:
            seen = StatKey.of(there)
            if before.flags & e.HARD_LINKED:  # removing or replacing another name of it has set its ctime
                seen = seen._replace(ctime_ns=step.key.ctime_ns)
            return step.key == seen
        return stat.S_ISLNK(there.st_mode) and self._is_link(step.path, before, there)

    def _is_link(self, path: str, entry: Entry, there: os.stat_result) -> bool:
        return os.fsencode(self.tree.readlink(path)) == entry.content and there.st_mtime_ns == entry.mtime_ns

    def _is_target(self, path: str, target: Entry, there: os.stat_result) -> bool:
        if target.kind == e.LINK:
            return stat.S_ISLNK(there.st_mode) and self._is_link(path, target, there)
        if not stat.S_ISREG(there.st_mode) or (there.st_size, there.st_mtime_ns) != (target.size, target.mtime_ns):
            return False
        return stat.S_IMODE(there.st_mode) == target.mode and self._content(path) == target.content

    def _is_on_the_way(self, step: Step, there: os.stat_result) -> bool:
        """Whether only rights and time were changed, by an earlier attempt at this step."""
        before, target = step.before, step.target
        assert before is not None
        assert target is not None
        if before.kind == e.LINK:
            return stat.S_ISLNK(there.st_mode) and os.fsencode(self.tree.readlink(step.path)) == before.content
        assert step.key is not None
        return (
            (there.st_ino, there.st_size) == (step.key.ino, step.key.size)
            and stat.S_IMODE(there.st_mode) in (before.mode, target.mode)
            and there.st_mtime_ns in (before.mtime_ns, target.mtime_ns)
        )

    def _content(self, path: str) -> bytes | None:
        """The hash of what a file holds; None if it cannot be read."""
        try:
            descriptor = self.tree.open(path)
        except PermissionError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            return digest_of(file.read)


_DO: dict[str, Callable[[Worker, Step, os.stat_result | None, str], str | None]] = {
    UNLINK: Worker._unlink,
    RMDIR: Worker._rmdir,
    MKDIR: Worker._mkdir,
    WRITE: Worker._write,
    LINK: Worker._link,
    RIGHTS: Worker._rights,
}


def _beside(path: str, name: str) -> str:
    folder = parent(path)
    return f"{folder}/{name}" if folder else name


def _owned(status: os.stat_result, entry: Entry) -> bool:
    """Whether there is nothing to be done about the owner."""
    return (status.st_uid, status.st_gid) == (entry.uid, entry.gid) or not owners_count()


def sync_all(descriptor: int) -> None:
    """Put the whole file system that a descriptor is on to the disk: one wait, where a fsync of every file and folder
    would be two for each path, and no less is written for it."""
    import ctypes

    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) == 0:
            return
    except (OSError, AttributeError):  # no such call on this system
        pass
    os.sync()
