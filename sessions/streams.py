"""Files opened for reading, whether they are compressed or not: gzip by the standard library, Zstandard by `zstandard`.

What a file is, its first bytes tell, never its name. A compressed file is decompressed as it is read, a bounded piece
at a time, so it streams like any other; a small file that expands without end is stopped (MAX_RATIO). Everything that
is wrong with the compressed data is an OSError whose `strerror` says so in words.

Places in a compressed file (`Span`) count bytes of the decompressed stream.
"""

from __future__ import annotations

import errno
import io
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from sessions.errors import UserError

#: Lines are read through a buffer of this size: the default of 8 kB costs a tenth of an import.
READ_BUFFER = 1 << 20
Compression = Literal["gzip", "zstd"]
_MAGIC: dict[bytes, Compression] = {b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
#: Runs compress 3- to 30-fold, with images told again and again perhaps 100-fold; what expands more is no run.
MAX_RATIO = 200
#: A file may expand to this size whatever its ratio.
FREE_BYTES = 64 * 1024 * 1024
#: And none to more than this.
MAX_EXPANDED = 64 * 1024 * 1024 * 1024
#: What a decoder may hold of what it gave: as much as `zstd --long` uses by default.
_MAX_WINDOW = 128 * 1024 * 1024
_MOST = 1 << 20


def compression_of(path: Path) -> Compression | None:
    """How a file is compressed, None if it is not. Raises OSError if it cannot be read."""
    with open(path, "rb") as file:
        return _by_magic(file.read(4))


def _by_magic(start: bytes) -> Compression | None:
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)


def open_stream(path: Path, buffering: int = READ_BUFFER) -> io.BufferedReader[Any]:
    """A file's content, decompressed where it is compressed; then it is not seekable.

    Raises OSError if the file cannot be opened, UserError if it is Zstandard and the package for it is missing.
    """
    file = io.BufferedReader(io.FileIO(path), buffering)
    try:
        kind = _by_magic(file.peek(4)[:4])
        return file if kind is None else io.BufferedReader(_Expanding(file, kind, path), buffering)
    except BaseException:
        file.close()
        raise


def read_up_to(file: io.BufferedReader[Any], size: int) -> tuple[bytes, str | None]:
    """At most `size` bytes, and what ended them early (None: the size, or the end of the file)."""
    pieces: list[bytes] = []
    left = size
    try:
        while left > 0 and (piece := file.read1(min(left, _MOST))):
            pieces.append(piece)
            left -= len(piece)
    except OSError as error:
        return b"".join(pieces), error.strerror or str(error)
    return b"".join(pieces), None


def read_places(path: Path, places: Iterable[tuple[int, int]]) -> list[bytes]:
    """The bytes at some (offset, length) of a file, in the order asked for. One pass over a compressed file.

    Raises OSError.
    """
    wanted = list(places)
    with open_stream(path, 1 << 16) as file:
        if not file.seekable():
            found = _read_in_order(file, sorted(set(wanted)))
            return [found[place] for place in wanted]
        pieces = []
        for offset, length in wanted:
            file.seek(offset)
            pieces.append(file.read(length))
        return pieces


def _read_in_order(file: io.BufferedReader[Any], places: list[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """What stands at sorted places of a stream that goes forward only; they may overlap."""
    found: dict[tuple[int, int], bytes] = {}
    at, held = 0, b""
    for offset, length in places:
        skip = offset - at - len(held)
        while skip > 0 and (piece := file.read(min(skip, _MOST))):
            skip -= len(piece)
        held = held[offset - at :]
        at = offset
        if len(held) < length:
            held += file.read(length - len(held))
        found[offset, length] = held[:length]
    return found


class _Expanding(io.RawIOBase):
    """The decompressed content of a file that is open at its start."""

    def __init__(self, file: io.BufferedReader[io.FileIO], kind: Compression, path: Path) -> None:
        self._file = file
        self._make = _GzipStream if kind == "gzip" else _zstd_streams(path)
        self._stream: _GzipStream | _ZstdStream | None = None
        self._input = b""
        self._output = memoryview(b"")
        self._taken = 0
        self._given = 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        while not self._output:
            if not self._more():
                return 0
        size = min(len(buffer), len(self._output))
        buffer[:size] = self._output[:size]
        self._output = self._output[size:]
        return size

    def _more(self) -> bool:
        """Decompress one piece into `_output` (perhaps nothing yet); False at the end of the file. Raises OSError."""
        if not self._input and not self._take():
            if self._stream is not None:
                raise OSError(errno.EIO, "the compressed data ends before its end mark")
            return False
        if self._stream is None:
            return self._begin()
        try:
            output, self._input = self._stream.expand(self._input)
        except _damage() as error:
            raise OSError(errno.EIO, f"the compressed data is damaged ({str(error)[:100]})") from None
        if self._stream.ended:
            self._stream = None
        self._output = memoryview(output)
        self._given += len(output)
        if self._given > MAX_EXPANDED or (self._given > FREE_BYTES and self._given > MAX_RATIO * self._taken):
            size = f"{self._given / 1e6:.0f} MB"
            raise OSError(errno.EFBIG, f"it expands without end (over {MAX_RATIO}-fold): stopped at {size}")
        return True

    def _take(self) -> bool:
        more = self._file.read(self._make.PIECE)
        self._taken += len(more)
        self._input += more
        return bool(more)

    def _begin(self) -> bool:
        """Begin a compressed stream: a file may hold several, one after another."""
        if self._make is _GzipStream:
            self._input = self._input.lstrip(b"\0")  # padding to whole blocks is allowed behind gzip
            if not self._input:
                return True
        while len(self._input) < 4 and self._take():
            pass
        if not self._make.is_start(self._input):
            raise OSError(errno.EIO, "something else follows the compressed data")
        self._stream = self._make()
        return True


class _GzipStream:
    """One gzip member. It can be told how much to give at most."""

    PIECE = 64 * 1024

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(31)
        self.ended = False

    @staticmethod
    def is_start(data: bytes) -> bool:
        return _by_magic(data[:4]) == "gzip"

    def expand(self, data: bytes) -> tuple[bytes, bytes]:
        """Some output, and what is left of the input. Raises zlib.error."""
        output = self._decoder.decompress(data, _MOST)
        self.ended = self._decoder.eof
        return output, self._decoder.unused_data if self.ended else self._decoder.unconsumed_tail


class _ZstdStream:
    """One Zstandard frame. It gives all that a piece holds, so the pieces are small: four bytes can hold 128 kB."""

    PIECE = 2048
    decompressor: Any = None

    def __init__(self) -> None:
        self._decoder = self.decompressor.decompressobj()
        self.ended = False

    @staticmethod
    def is_start(data: bytes) -> bool:
        """A frame, or one to be skipped that holds no data (as pzstd writes them)."""
        return _by_magic(data[:4]) == "zstd" or (data[1:4] == b"\x2a\x4d\x18" and data[0] >> 4 == 5)

    def expand(self, data: bytes) -> tuple[bytes, bytes]:
        """All output, and what of the input is behind the frame. Raises zstandard.ZstdError."""
        output: bytes = self._decoder.decompress(data)
        self.ended = self._decoder.eof
        return output, self._decoder.unused_data if self.ended else b""


def _zstd_streams(path: Path) -> type[_ZstdStream]:
    """The class, ready for use. Raises UserError where the package is missing."""
    try:
        import zstandard
    except ImportError:
        raise UserError(
            f"{path} is compressed with Zstandard, which needs a further package.",
            "Install it: pip install 'review-tui[zstd]'. Or unpack the file: zstd -d.",
        ) from None
    if _ZstdStream.decompressor is None:
        _ZstdStream.decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
    return _ZstdStream


def _damage() -> tuple[type[Exception], ...]:
    """What the decoders raise for data that is not as it should be."""
    zstd = sys.modules.get("zstandard")
    return (zlib.error, MemoryError) if zstd is None else (zlib.error, MemoryError, zstd.ZstdError)
