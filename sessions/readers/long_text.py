"""Texts of a hundred megabytes in a record: their middle is left out on the way in, so that no memory has to hold them.

A tool that prints without end leaves one line of 200 MB in a session file. Held as bytes, as parsed text, on its way to
the importing process and there, it would be a gigabyte; and nobody reads it. `Shortener` passes JSON on as it is read,
and of a text longer than LONGEST_TEXT only its beginning and its end, with a line between them that says so.

JSON is not parsed for this, or everything would be read at a third of the speed. A piece of the file that has no quote
but escaped ones lies inside a text as a whole, or is all numbers; when many such pieces follow each other, a text is
too long.
"""

from __future__ import annotations

import io
import re
from collections import deque
from typing import Any

#: Bytes of JSON that a text may have: what is longer is cut. Far above what tools of agents let through by themselves.
LONGEST_TEXT = 6 * 1024 * 1024
#: Of a record that has more than ENOUGH even so (very many long texts), further texts are cut to SHORT_TEXT.
ENOUGH, SHORT_TEXT = 24 * 1024 * 1024, 256 * 1024
#: How much is to be fed at once: a text is measured in whole pieces.
PIECE = 64 * 1024
#: Of what a text may have, this share is its end: errors stand there.
_END_SHARE = 8

#: Where a text can be cut: behind letters which are not in the middle of an escape or of a UTF-8 character.
_SAFE = re.compile(
    rb"[^\\]{8}(?=[\x00-\x7f\xc0-\xff])"
    rb"|\\u(?![dD][89abAB])[0-9a-fA-F]{4}(?=\\)"
    rb"|(?<!\\)(?:\\\\)*?\\[\\\"nrtbf/]",
    re.DOTALL,
)
_QUOTE = re.compile(rb"(?<!\\)\"")
_TO_QUOTE = re.compile(rb"[^\"\\]*+(?:\\.[^\"\\]*+)*+", re.DOTALL)
#: A byte that stands in texts only: between them are numbers, brackets, true, false and null.
_IN_TEXT = re.compile(rb"[^\s,:\[\]{}0-9eE+\-.truefalsn]")


class Shortener:
    """JSON in, JSON out: feed it the bytes in order, in pieces of about PIECE, then `finish`.

    record: whether it is one record, of which no more than about ENOUGH is wanted.
    """

    def __init__(self, *, record: bool = False) -> None:
        #: Texts that were cut, and bytes that were left out.
        self.texts = 0
        self.left_out = 0
        #: Bytes that were passed on.
        self.given = 0
        self._record = record
        self._half = b""
        #: The last piece with a quote in it; how much came since, and whether that is text.
        self._before = b""
        self._length = 0
        self._is_text = False
        #: The end of the text that is being cut, as far as it is known.
        self._held: deque[bytes] | None = None
        self._held_bytes = 0
        self._dropped = 0

    def feed(self, piece: bytes) -> bytes:
        """The next piece of the file; what is to be read of it, perhaps nothing."""
        piece = self._half + piece
        backslashes = len(piece) - len(piece.rstrip(b"\\"))
        self._half = b"\\" if backslashes % 2 else b""
        if self._half:
            piece = piece[:-1]
        if self._held is not None:
            piece = self._go_on(piece)
        elif _QUOTE.search(piece) or (b'\\\\"' in piece and _end_of_text(piece) is not None):
            self._before, self._length, self._is_text = piece, 0, False
        else:
            piece = self._within(piece)
        self.given += len(piece)
        return piece

    def finish(self) -> bytes:
        """What is still held when the file has ended."""
        rest, self._half = self._half, b""
        return (self._resume(b"", 0) if self._held is not None else b"") + rest

    @property
    def _most(self) -> int:
        return SHORT_TEXT if self._record and self.given > ENOUGH else LONGEST_TEXT

    def _within(self, piece: bytes) -> bytes:
        """A piece without a quote: of a text, or all numbers."""
        self._is_text = self._is_text or _opens(self._before, piece) or _IN_TEXT.search(piece) is not None
        self._length += len(piece)
        begins = self._most - self._most // _END_SHARE
        place = _SAFE.search(piece) if self._is_text and self._length > begins else None
        if place is None:
            return piece
        self._held, self._held_bytes, self._dropped = deque(), 0, 0
        self._hold(piece[place.end() :])
        return piece[: place.end()]

    def _go_on(self, piece: bytes) -> bytes:
        """A piece that begins inside the text that is being cut."""
        end = _end_of_text(piece)
        if end is None:
            self._hold(piece)
            return b""
        return self._resume(piece, end)

    def _hold(self, piece: bytes) -> None:
        assert self._held is not None
        self._held.append(piece)
        self._held_bytes += len(piece)
        while self._held_bytes - len(self._held[0]) > self._most // _END_SHARE:
            gone = len(self._held.popleft())
            self._held_bytes -= gone
            self._dropped += gone

    def _resume(self, piece: bytes, end: int) -> bytes:
        """The piece in which the text ends that was too long, with what was kept of that text."""
        assert self._held is not None
        text = b"".join(self._held) + piece[:end]
        self._held, self._before, self._length, self._is_text = None, piece, 0, False
        if not self._dropped:
            return text + piece[end:]
        place = _SAFE.search(text)
        begin = place.end() if place else len(text)
        gone = self._dropped + begin
        self.texts += 1
        self.left_out += gone
        mark = f"\\n[... {gone:,} bytes of this text are left out here ...]\\n".encode()
        return mark + text[begin:] + piece[end:]


def shortened_line(file: io.BufferedReader[Any], start: bytes, most: int) -> tuple[bytes | None, int, int]:
    """The line that begins with `start` and goes on in the file: (the line shortened, its bytes, those left out).

    None for a line that is longer than `most` even so.
    """
    shortener = Shortener(record=True)
    size = len(start)
    short = [shortener.feed(start[place : place + PIECE]) for place in range(0, size, PIECE)]
    while piece := file.readline(PIECE):
        size += len(piece)
        short.append(shortener.feed(piece))
        if shortener.given > most:
            short.clear()
        if piece.endswith(b"\n"):
            break
    short.append(shortener.finish())
    return (None if shortener.given > most else b"".join(short)), size, shortener.left_out


class ShortTexts:
    """A file of JSON to be read as ijson reads, with its texts shortened. shortener: tells what was left out."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._ended = False
        self.shortener = Shortener()

    def read(self, size: int = PIECE) -> bytes:
        """The next bytes: about `size`, none at the end. Raises OSError."""
        if size == 0:
            return b""
        while not self._ended:
            piece = self._file.read(PIECE)
            self._ended = not piece
            if short := self.shortener.feed(piece) if piece else self.shortener.finish():
                return short
        return b""


def _end_of_text(piece: bytes) -> int | None:
    """Where the text ends in whose middle this piece begins; None if not in this piece."""
    if b'"' not in piece:
        return None
    found = _TO_QUOTE.match(piece)
    return found.end() if found and found.end() < len(piece) else None


def _opens(before: bytes, after: bytes) -> bool:
    """Whether the last quote of a piece begins a text, as far as the byte behind it tells."""
    place = before.rfind(b'"')
    while place > 0 and before[place - 1 : place] == b"\\":
        place = before.rfind(b'"', 0, place)
    if place < 0:
        return False
    return (before[place + 1 : place + 2] or after[:1]) not in (b",", b":", b"}", b"]", b" ", b"\t", b"\r", b"\n")
