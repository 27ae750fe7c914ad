"""Finding runs: the files that a person names, and those in the folders they name, by content.

Streaming: the first run of a large folder can be opened while the rest is still being looked for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sessions.errors import UserError
from sessions.readers import FOLDER_CONFIDENCE, Guess, choose, likeness, load, sniff
from sessions.readers.base import Head

#: Folders that hold no runs of their own. Hidden ones are left out too, unless named.
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__"})
#: Files that are no runs are told by name up to here.
MAX_UNREAD = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """A file with a run. confidence: how sure its format is (0 to 1). named: the user named it, not a folder."""

    path: Path
    format: str
    confidence: float
    named: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """A path that gave no run although the user named it, or a folder that could not be looked into."""

    path: Path
    error: UserError
    named: bool


class Search:
    """The runs under some paths; iterate it once.

    skipped: files looked at so far that are no runs. unread: the first MAX_UNREAD of these, each with the format that
    it looks most like, where there is one.
    """

    def __init__(self, paths: Iterable[Path], format: str | None = None) -> None:
        """format: read files as this format; in folders, only those it does not rule out.

        Raises UserError for an unknown format.
        """
        self.paths = list(paths)
        self.format = format
        self.skipped = 0
        self.unread: list[tuple[Path, Guess | None]] = []
        self.failures: list[Failure] = []
        self._claimed: set[str] = set()
        self._seen: set[tuple[int, int]] = set()
        if format is not None:
            load(format)

    def claim(self, files: Iterable[str]) -> None:
        """Say that these files and folders (absolute) belong to a run that was found already: they hold no others."""
        self._claimed.update(files)

    def _is_claimed(self, path: Path) -> bool:
        name = os.path.abspath(path)
        return name in self._claimed or os.path.dirname(name) in self._claimed

    def fail(self, path: Path, error: UserError, *, named: bool) -> None:
        """Note that a path gave no run."""
        self.failures.append(Failure(path, error, named))

    def __iter__(self) -> Iterator[Found]:
        for path in self.paths:
            if path.is_dir():
                yield from self._in_folder(path)
            elif found := self._named(path):
                yield found

    def _named(self, path: Path) -> Found | None:
        try:
            if path.exists() and not path.is_file():
                raise UserError(f"{path} is neither a file nor a folder.", "Save its content to a file first.")
            if not path.exists():
                raise UserError(f"there is no file {path}.", "Check the path.")
            reader = choose(path, self.format)
            assert reader is not None
            if self._is_new(os.stat(path)):
                return Found(path, reader.name, 1.0 if self.format else _confidence(path, reader.name), True)
        except UserError as error:
            self.fail(path, error, named=True)
        except OSError as error:
            self.fail(path, UserError(f"cannot read {path}: {error.strerror}."), named=True)
        return None

    def _in_folder(self, folder: Path) -> Iterator[Found]:
        for path in self._files(folder):
            if self._is_claimed(path):
                continue
            guess = self._guess(path)
            if guess is not None and guess.confidence >= (0 if self.format else FOLDER_CONFIDENCE):
                yield Found(path, guess.format, guess.confidence, named=False)
                continue
            self.skipped += 1
            if len(self.unread) < MAX_UNREAD:
                self.unread.append((path, guess))

    def _guess(self, path: Path) -> Guess | None:
        """What a file met in a folder is most likely; None if no reader wants it, or it cannot be read."""
        try:
            if self.format is not None:
                sure = likeness(self.format, Head.of(path))
                return Guess(self.format, sure) if sure > 0 else None
            return next(iter(sniff(path)), None)
        except UserError as error:
            self.fail(path, error, named=False)
            return None

    def _files(self, folder: Path) -> Iterator[Path]:
        """Regular files below a folder, each once: files before folders, in the order of their names."""
        try:
            entries = sorted(os.scandir(folder), key=_order)
            status = os.stat(folder)
        except OSError as error:
            reason = UserError(f"cannot look into {folder}: {error.strerror}.", "Its files were left out.")
            self.fail(folder, reason, named=folder in self.paths)
            return
        if not self._is_new(status):
            return  # a loop of links, or a folder named twice
        folders: list[Path] = []
        for entry in entries:
            try:
                status = entry.stat()
            except OSError:
                continue  # a dangling link, or removed meanwhile
            if stat.S_ISDIR(status.st_mode):
                if not entry.name.startswith(".") and entry.name not in SKIPPED_FOLDERS:
                    folders.append(folder / entry.name)
            elif stat.S_ISREG(status.st_mode) and self._is_new(status):
                yield folder / entry.name
        for below in folders:
            if not self._is_claimed(below):
                yield from self._files(below)

    def _is_new(self, status: os.stat_result) -> bool:
        key = (status.st_dev, status.st_ino)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


def find(paths: Iterable[Path], format: str | None = None) -> Search:
    """The runs under these paths, to be iterated once; what was left out can be asked of it afterwards."""
    return Search(paths, format)


def _order(entry: os.DirEntry[str]) -> tuple[bool, str]:
    """Sub-agents' files after the sessions they belong to, which claim them."""
    return entry.name.startswith("agent-"), entry.name


def _confidence(path: Path, format: str) -> float:
    return next((guess.confidence for guess in sniff(path) if guess.format == format), 0.0)
