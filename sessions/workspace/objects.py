"""Contents of files, each kept once under its hash, in packs: files to which a snapshot writes all that is new at once.

A pack costs one file and one fsync where single files cost thousands. It is written beside, put on the disk and renamed
before the rows that point into it are committed; so what the database knows is there, and a pack that it does not know
is litter of a crash, which collecting garbage removes. Hashes are BLAKE2b of 32 bytes; contents are compressed where
that helps.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path

from sessions.errors import UserError
from sessions.store import Transaction
from sessions.workspace.database import SnapshotDatabase
from sessions.workspace.reading import HASH_BYTES, PIECE

RAW, ZLIB = 0, 1
#: A pack that has grown to this many bytes is closed and another one begun.
PACK_BYTES = 256_000_000
#: Compression must save at least this share, or the content is kept as it is, which is faster to read.
_WORTH = 0.95
_TRY = 16_384
_OPEN_PACKS = 16
_ASK_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where a content is. size: bytes of the content; stored: bytes that it takes in the pack."""

    pack: str
    start: int
    stored: int
    size: int
    codec: int


def packed(data: bytes) -> tuple[int, bytes]:
    """A content as it is kept: codec and bytes."""
    if len(data) < 64 or not _compressible(data):
        return RAW, data
    small = zlib.compress(data, 1)
    return (ZLIB, small) if len(small) < len(data) * _WORTH else (RAW, data)


def _compressible(data: bytes) -> bool:
    """Judged by the beginning of long data: compressing what does not shrink is the slowest thing there is."""
    if len(data) <= _TRY * 2:
        return True
    return len(zlib.compress(data[:_TRY], 1)) < _TRY * _WORTH


@dataclass(slots=True)
class _Pack:
    name: str
    file: int
    bytes: int = 0


class PackWriter:
    """Adds contents; not for several threads. Nothing counts until `record` is committed; `discard` takes it back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: _Pack | None = None
        self._done: list[_Pack] = []
        self.added: dict[bytes, Place] = {}
        self.published = False

    def add(self, hash: bytes, size: int, codec: int, data: bytes) -> None:
        """Add a content as `packed` gave it, unless it was added already. Raises OSError."""
        if hash in self.added:
            return
        pack = self._pack()
        start = pack.bytes
        self._write(pack, data)
        self.added[hash] = Place(pack.name, start, len(data), size, codec)

    def add_pieces(self, pieces: Iterable[bytes]) -> tuple[bytes, int]:
        """Add a large content piece by piece; its hash and size. Raises OSError."""
        pack = self._pack()
        start, size, state, codec = pack.bytes, 0, blake2b(digest_size=HASH_BYTES), RAW
        squeeze = zlib.compressobj(1)
        for piece in pieces:
            if not size:
                codec = ZLIB if _compressible(piece) else RAW
            size += len(piece)
            state.update(piece)
            self._write(pack, squeeze.compress(piece) if codec == ZLIB else piece)
        if codec == ZLIB:
            self._write(pack, squeeze.flush())
        content = state.digest()
        if content in self.added:
            os.ftruncate(pack.file, start)
            os.lseek(pack.file, start, os.SEEK_SET)
            pack.bytes = start
        else:
            self.added[content] = Place(pack.name, start, pack.bytes - start, size, codec)
        return content, size

    def add_stored(self, content: bytes, place: Place, pieces: Iterable[bytes]) -> None:
        """Add a content as it is kept in another pack. Raises OSError."""
        pack = self._pack()
        start = pack.bytes
        for piece in pieces:
            self._write(pack, piece)
        self.added[content] = replace(place, pack=pack.name, start=start)

    def publish(self) -> None:
        """Put all packs on the disk under their final names. Raises OSError."""
        self._close()
        self.published = True
        for pack in self._done:
            os.replace(self._path(pack, ".partial"), self._path(pack, ".pack"))
        if self._done:
            sync_folder(self._folder)

    def record(self, tx: Transaction) -> None:
        """Make the database know them, in the transaction of what needs them."""
        numbers = self._record_packs(tx)
        rows = ([content, numbers[p.pack], p.start, p.stored, p.size, p.codec] for content, p in self.added.items())
        tx.many("INSERT INTO object VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING", rows)

    def move(self, tx: Transaction) -> None:
        """Make the database look for them here instead of where they were."""
        numbers = self._record_packs(tx)
        rows = ([numbers[place.pack], place.start, content] for content, place in self.added.items())
        tx.many("UPDATE object SET pack = ?, start = ? WHERE hash = ?", rows)

    def _record_packs(self, tx: Transaction) -> dict[str, int]:
        sql = "INSERT INTO pack (name, bytes) VALUES (?, ?) RETURNING no"
        return {pack.name: tx.execute(sql, [pack.name, pack.bytes])[0][0] for pack in self._done}

    def discard(self, known: Callable[[list[str]], set[str]]) -> None:
        """Remove whatever was written: the snapshot did not come about. known: which of some packs the database knows,
        because an interruption may come when the commit is already through. Nothing is removed where it cannot be
        asked."""
        if self._open is not None:
            os.close(self._open.file)
            self._done.append(self._open)
            self._open = None
        kept = known([pack.name for pack in self._done]) if self.published else set()
        for pack in self._done:
            if pack.name not in kept:
                for end in (".partial", ".pack"):
                    self._path(pack, end).unlink(missing_ok=True)

    def _pack(self) -> _Pack:
        if self._open is not None and self._open.bytes >= PACK_BYTES:
            self._close()
        if self._open is None:
            name = os.urandom(16).hex()
            path = self._folder / f"{name}.partial"
            self._open = _Pack(name, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        return self._open

    def _close(self) -> None:
        if self._open is not None:
            os.fsync(self._open.file)
            os.close(self._open.file)
            self._done.append(self._open)
            self._open = None

    def _write(self, pack: _Pack, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.write(pack.file, view)
            view = view[written:]
            pack.bytes += written

    def _path(self, pack: _Pack, end: str) -> Path:
        return self._folder / f"{pack.name}{end}"


@dataclass(slots=True)
class Objects:
    """The contents in a store. May be asked by several threads, but `read` only by one."""

    database: SnapshotDatabase
    folder: Path
    _files: dict[str, int] = field(default_factory=dict)

    def writer(self) -> PackWriter:
        return PackWriter(self.folder)

    def has(self, hash: bytes) -> bool:
        return self.database.one("SELECT 1 FROM object WHERE hash = ?", [hash]) is not None

    def known_packs(self, names: list[str]) -> set[str]:
        marks = ",".join("?" * len(names))
        return {row[0] for row in self.database.query(f"SELECT name FROM pack WHERE name IN ({marks})", names)}

    def places(self, hashes: Iterable[bytes]) -> dict[bytes, Place]:
        """Where contents are; those that are not there are not in the answer."""
        asked = list(set(hashes))
        found: dict[bytes, Place] = {}
        for first in range(0, len(asked), _ASK_AT_ONCE):
            some = asked[first : first + _ASK_AT_ONCE]
            marks = ",".join("?" * len(some))
            sql = (
                "SELECT object.hash, pack.name, object.start, object.stored, object.size, object.codec "
                f"FROM object JOIN pack ON pack.no = object.pack WHERE object.hash IN ({marks})"
            )
            found.update((bytes(row[0]), Place(*row[1:])) for row in self.database.query(sql, some))
        return found

    def read(self, hash: bytes, place: Place) -> Iterator[bytes]:
        """A content in pieces. Raises UserError if it is damaged or gone; only the end of the iteration proves that it
        is whole."""
        state, size = blake2b(digest_size=HASH_BYTES), 0
        try:
            for piece in self._unpacked(place):
                state.update(piece)
                size += len(piece)
                yield piece
        except (OSError, zlib.error) as error:
            raise _damaged(hash, str(error)) from None
        if state.digest() != hash or size != place.size:
            raise _damaged(hash, "its bytes are not those that were kept")

    def stored(self, place: Place) -> Iterator[bytes]:
        """The bytes of a place as they are kept, in pieces. Raises OSError."""
        file, at, end = self._file(place.pack), place.start, place.start + place.stored
        while at < end and (piece := os.pread(file, min(PIECE, end - at), at)):
            at += len(piece)
            yield piece

    def _unpacked(self, place: Place) -> Iterator[bytes]:
        expand = zlib.decompressobj() if place.codec == ZLIB else None
        for piece in self.stored(place):
            if expand is None:
                yield piece
                continue
            out = expand.decompress(piece, PIECE)
            while out:
                yield out
                out = expand.decompress(expand.unconsumed_tail, PIECE) if expand.unconsumed_tail else b""
        if expand is not None and (rest := expand.flush()):
            yield rest

    def _file(self, name: str) -> int:
        if name not in self._files:
            if len(self._files) >= _OPEN_PACKS:
                self.close()
            self._files[name] = os.open(self.folder / f"{name}.pack", os.O_RDONLY | os.O_CLOEXEC)
        return self._files[name]

    def close(self) -> None:
        """Close the packs that were read from: an open file keeps its room on the disk after it was collected."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()


def _damaged(hash: bytes, reason: str) -> UserError:
    return UserError(
        f"the kept content {hash.hex()[:12]} is damaged or gone ({reason}).",
        "`review-tui workspace verify` lists what is damaged; other snapshots may be whole.",
    )


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
