"""File operations inside a workspace that cannot be led out of it.

Each name of a path is opened from the folder before it, never through a symlink (`openat` with O_NOFOLLOW), so that a
folder which somebody replaces by a link to elsewhere ends the operation instead of redirecting it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from sessions.errors import UserError

_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | os.O_CLOEXEC
#: O_NONBLOCK: a file that was replaced by a FIFO must not make the reader wait for a writer.
_TO_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TO_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_O_PATH: int = getattr(os, "O_PATH", 0)
_TO_HOLD = os.O_NOFOLLOW | os.O_CLOEXEC | (_O_PATH or os.O_RDONLY | os.O_NONBLOCK)


class WorkspaceTree:
    """An open workspace; a context manager. Paths are relative, as in `entries`; every method raises OSError."""

    def __init__(self, root: Path) -> None:
        """Raises UserError: not there, not a folder, no permission."""
        self.root = root
        try:
            self.fd = os.open(root, _FOLDER)
        except OSError as error:
            raise UserError(
                f"cannot open the workspace {root}: {error.strerror}.", "Was it moved or deleted?"
            ) from None
        self._at: tuple[str, int] | None = None

    def close(self) -> None:
        self.forget()
        os.close(self.fd)

    def __enter__(self) -> WorkspaceTree:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def is_gone(self) -> bool:
        """Whether the folder was removed since it was opened, or another one stands at its path."""
        mine = os.fstat(self.fd)
        try:
            there = os.stat(self.root)
        except OSError:
            return True
        return mine.st_nlink == 0 or (mine.st_dev, mine.st_ino) != (there.st_dev, there.st_ino)

    # -- on the way ---------------------------------------------------------------------------------------------------

    def folder(self, path: str) -> int:
        """A descriptor of a folder, good until the next call of any method. The last one is kept: work comes in
        order."""
        if not path:
            return self.fd
        if self._at is not None and self._at[0] == path:
            return self._at[1]
        descriptor = self._walk(path)
        self.forget()
        self._at = (path, descriptor)
        return descriptor

    def _walk(self, path: str) -> int:
        descriptor = os.dup(self.fd)
        try:
            for name in path.split("/"):
                inner = os.open(checked_name(name), _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def forget(self) -> None:
        """Drop the kept descriptor: after folders were moved, removed or made."""
        if self._at is not None:
            os.close(self._at[1])
            self._at = None

    def _split(self, path: str) -> tuple[int, str]:
        above, _, name = path.rpartition("/")
        return self.folder(above), checked_name(name)

    # -- looking ------------------------------------------------------------------------------------------------------

    def lstat(self, path: str) -> os.stat_result:
        if not path:
            return os.fstat(self.fd)
        folder, name = self._split(path)
        return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def lstat_or_none(self, path: str) -> os.stat_result | None:
        """None if nothing is there, also where a folder on the way is not one."""
        try:
            return self.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == _LOOP:  # a symlink where a folder was
                return None
            raise

    def readlink(self, path: str) -> str:
        folder, name = self._split(path)
        return os.readlink(name, dir_fd=folder)

    def names(self, path: str) -> list[str]:
        return os.listdir(self.folder(path))

    def open(self, path: str) -> int:
        """A descriptor to read a file with."""
        folder, name = self._split(path)
        return os.open(name, _TO_READ, dir_fd=folder)

    # -- changing -----------------------------------------------------------------------------------------------------

    def create(self, path: str) -> int:
        """A descriptor to write a new file with, for its owner alone so far."""
        folder, name = self._split(path)
        return os.open(name, _TO_CREATE, 0o600, dir_fd=folder)

    def replace(self, source: str, target: str) -> None:
        """Rename within one folder, over what is there (not over a folder)."""
        folder, name = self._split(target)
        os.replace(checked_name(source.rpartition("/")[2]), name, src_dir_fd=folder, dst_dir_fd=folder)

    def symlink(self, target: bytes, path: str) -> None:
        folder, name = self._split(path)
        os.symlink(os.fsdecode(target), name, dir_fd=folder)

    def unlink(self, path: str) -> None:
        folder, name = self._split(path)
        os.unlink(name, dir_fd=folder)

    def mkdir(self, path: str) -> None:
        folder, name = self._split(path)
        os.mkdir(name, 0o700, dir_fd=folder)

    def rmdir(self, path: str) -> None:
        self.forget()
        folder, name = self._split(path)
        os.rmdir(name, dir_fd=folder)

    def set_times(self, path: str, mtime_ns: int) -> None:
        """Set the mtime, of a link that of the link itself. The access time becomes the same."""
        if not path:
            os.utime(self.fd, ns=(mtime_ns, mtime_ns))
            return
        folder, name = self._split(path)
        os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=folder, follow_symlinks=False)

    def set_mode(self, path: str, mode: int) -> None:
        """Set the permission bits of a file or folder, never of what a link points to."""
        with self._held(path) as descriptor:
            if _O_PATH:
                os.chmod(f"/proc/self/fd/{descriptor}", mode)
            else:
                os.fchmod(descriptor, mode)

    def set_owner(self, path: str, uid: int, gid: int) -> None:
        if not path:
            os.fchown(self.fd, uid, gid)
            return
        folder, name = self._split(path)
        os.chown(name, uid, gid, dir_fd=folder, follow_symlinks=False)

    @contextmanager
    def _held(self, path: str) -> Iterator[int]:
        """A descriptor of a file or folder for its rights: also of one that may not be read, where the system can."""
        if not path:
            yield self.fd
            return
        folder, name = self._split(path)
        descriptor = os.open(name, _TO_HOLD, dir_fd=folder)
        try:
            if not stat.S_ISREG(mode := os.fstat(descriptor).st_mode) and not stat.S_ISDIR(mode):
                raise OSError(_LOOP, "is neither a file nor a folder", path)
            yield descriptor
        finally:
            os.close(descriptor)


_LOOP = errno.ELOOP


def checked_name(name: str) -> str:
    """A single name. Raises OSError for what would lead elsewhere."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise OSError(errno.EINVAL, "a path that leads elsewhere", name)
    return name
