"""Writing a folder that is there whole or not at all.

Everything goes into a hidden folder beside the target, which takes the target's name when it is complete. A full disk
or a killed program leaves the target as it was; what is left of the hidden folder can be deleted.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
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

    def rows_of(self, values: Sequence[Any]) -> None:
        """Many of them."""
        if values:
            self.write(b"\n".join([*map(canonical, values), b""]))
            self.rows += len(values)

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
    try:
        if target.is_symlink() or target.exists():
            if not target.is_dir() or target.is_symlink() or any(target.iterdir()):
                raise UserError(f"{target} is in use already.", "Name a folder that does not exist yet.")
        elif not target.absolute().parent.is_dir():
            raise UserError(f"there is no folder {target.absolute().parent}.", "Make it first.")
    except OSError as error:
        raise UserError(f"{target} cannot be used: {error.strerror}.", "Name another folder.") from None


@contextmanager
def new_folder(target: Path, *, read_only: bool = False) -> Iterator[Folder]:
    """A folder that becomes `target` when the block ends well, and is gone when it raises.

    read_only: nobody may write to its files afterwards. Raises UserError: the target is in use, the disk is full.
    """
    check_free(target)
    target = target.absolute()
    hidden = target.parent / f".{target.name}.{secrets.token_hex(4)}.partial"
    try:
        hidden.mkdir()
        folder = Folder(hidden)
    except OSError as error:
        raise UserError(f"{target} cannot be made: {error.strerror}.", "Name another folder.") from None
    try:
        yield folder
        folder.close()
        if read_only:
            for name in folder.files:
                (hidden / name).chmod(0o444)
        hidden.rename(target)
        _sync(target.parent)
    except OSError as error:
        folder.abandon()
        raise UserError(
            f"{target} could not be written: {error.strerror or error}.", "Nothing is left of it; try again elsewhere."
        ) from None
    except BaseException:
        folder.abandon()
        raise


def _sync(folder: Path) -> None:
    """The new name, too, survives a power cut."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
