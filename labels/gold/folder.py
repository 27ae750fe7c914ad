"""Writing a folder that is there whole or not at all.

Everything goes into a hidden folder beside the target, which takes the target's name when it is complete. A full disk
or a killed program leaves the target as it was; what a killed one leaves of the hidden folder goes with the next try.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from sessions.errors import UserError
from sessions.jsontext import canonical

_BUFFER = 1 << 20


class File:
    """A file in the making: counts what goes in. name: its path in the folder, with `/`."""

    def __init__(self, path: Path, name: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.rows = self.bytes = 0
        self._hash = sha256()
        self._file: BinaryIO = path.open("xb", buffering=_BUFFER)

    def row(self, value: Any) -> None:
        """One JSON value as a line, with sorted keys."""
        self.write(canonical(value) + b"\n")
        self.rows += 1

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)
        self.bytes += len(data)

    def close(self) -> None:
        """On disk when this returns."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        finally:
            self._file.close()

    def as_json(self) -> dict[str, Any]:
        return {"sha256": self._hash.hexdigest(), "bytes": self.bytes, "rows": self.rows}


class Folder:
    """The hidden folder. files: what was made in it, by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: dict[str, File] = {}

    def file(self, name: str) -> File:
        """A new file; `close` of the folder closes it."""
        self.files[name] = File(self.path / name, name)
        return self.files[name]

    def text(self, name: str, text: str) -> None:
        file = self.file(name)
        file.write(text.encode("utf-8", "replace"))
        file.rows = text.count("\n")

    def close(self) -> None:
        for file in self.files.values():
            if not file._file.closed:
                file.close()

    def abandon(self) -> None:
        for file in self.files.values():
            with contextlib.suppress(OSError):
                file._file.close()
        shutil.rmtree(self.path, ignore_errors=True)


def check_free(target: Path) -> None:
    """Raises UserError if there is something at the target already, or nowhere to put it."""
    other = "Name a folder that does not exist yet."
    parent = target.absolute().parent
    try:
        if target.is_symlink():
            raise UserError(f"{target} is a link to elsewhere.", other)
        if target.is_dir() and os.path.ismount(target):
            raise UserError(f"{target} is where a file system begins.", "Name a folder inside it.")
        if target.exists():
            if not target.is_dir() or any(target.iterdir()):
                raise UserError(f"{target} is in use already.", other)
        elif not parent.is_dir():
            raise UserError(f"there is no folder {parent}.", "Make it first.")
    except OSError as error:
        raise UserError(f"{target} cannot be used: {error.strerror}.", "Name another folder.") from None


@contextmanager
def new_folder(target: Path, *, read_only: bool = False) -> Iterator[Folder]:
    """A folder that becomes `target` when the block ends well, and is gone when it raises.

    read_only: nobody may write to its files afterwards. Raises UserError: the target is in use, the disk is full.
    """
    check_free(target)
    target = target.absolute()
    try:
        _clear_away(target)
        hidden, lock = _hidden_folder(target)
    except OSError as error:
        raise UserError(f"{target} cannot be made: {error.strerror}.", "Name another folder.") from None
    folder = Folder(hidden)
    try:
        yield folder
        folder.close()
        if read_only:
            for name in folder.files:
                (hidden / name).chmod(0o444)
        _rename(hidden, target)
        _sync(target.parent)
    except OSError as error:
        folder.abandon()
        raise UserError(
            f"{target} could not be written: {error.strerror or error}.", "Nothing is left of it; try again elsewhere."
        ) from None
    except BaseException:
        folder.abandon()
        raise
    finally:
        os.close(lock)


#: What an error means when a folder takes its name: somebody else was there first.
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


def _rename(hidden: Path, target: Path) -> None:
    try:
        hidden.rename(target)
    except OSError as error:
        if error.errno in _TAKEN:
            raise UserError(f"{target} has come into use meanwhile.", "Name another folder.") from None
        raise


# -- the hidden folder ----------------------------------------------------------------------------------------------
# Whoever works in one holds a lock on it, which the system lets go of when the program ends, in whatever way. So what a
# killed program left behind is known from what another one is working on.


def _hidden_folder(target: Path) -> tuple[Path, int]:
    """A new hidden folder, and the handle that holds its lock."""
    while True:
        hidden = target.parent / f"{_prefix(target)}{secrets.token_hex(4)}{_SUFFIX}"
        hidden.mkdir()
        with contextlib.suppress(FileNotFoundError):  # taken for a left one before it was locked
            handle = _opened(hidden)
            if _locked(handle) is not False and hidden.is_dir():
                return hidden, handle
            os.close(handle)


_SUFFIX = ".partial"
#: Names are 255 bytes at most; of a longer one its hash stands in the hidden folder's.
_MOST_NAME = 200


def _prefix(target: Path) -> str:
    name = os.fsencode(target.name)
    return f".{target.name if len(name) <= _MOST_NAME else sha256(name).hexdigest()[:32]}."


def _clear_away(target: Path) -> None:
    """Delete what killed programs left of earlier attempts at this target."""
    left = re.compile(re.escape(_prefix(target)) + "[0-9a-f]{8}" + re.escape(_SUFFIX))
    for entry in os.scandir(target.parent):
        if left.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
            with contextlib.suppress(OSError):  # gone meanwhile, or somebody else's
                handle = _opened(entry.path)
                if _locked(handle):
                    shutil.rmtree(entry.path, ignore_errors=True)
                os.close(handle)


def _opened(folder: Path | str) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def _locked(handle: int) -> bool | None:
    """Lock a folder: whether that was possible. None where the file system knows no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _sync(folder: Path) -> None:
    """The new name, too, survives a power cut."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
