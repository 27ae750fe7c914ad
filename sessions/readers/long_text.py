"""Texts of a hundred megabytes in a record: their middle is left out on the way in, so that no memory has to hold them.

A tool that prints without end leaves one line of 200 MB in a session file. Held as bytes, as parsed text, on its way to
the importing process and there, it would be a gigabyte; and nobody reads it. `Shortener` passes JSON on as it is read,
and of a text longer than LONGEST_TEXT only its beginning and its end, with a line between them that says so.

JSON is not parsed for this, or everything would be read at a third of the speed: only its quotes are counted. A text is
known to be long when whole pieces of the file lie inside it.
"""

from __future__ import annotations

import re
from collections import deque

#: Bytes of JSON that a text may have: what is longer is cut. Far above what tools of agents let through by themselves.
LONGEST_TEXT = 6 * 1024 * 1024
#: Of a record that has more than ENOUGH even so (very many long texts), further texts are cut to SHORT_TEXT.
ENOUGH, SHORT_TEXT = 24 * 1024 * 1024, 128 * 1024
#: How much is to be fed at once: a text is measured in whole pieces.
PIECE = 64 * 1024
#: Of what a text may have, this share is its end: errors stand there.
_END_SHARE = 8

#: Where a text can be cut: behind letters which are not in the middle of an escape or of a UTF-8 character.
_SAFE = re.compile(rb"[^\\]{8}(?=[\x00-\x7f\xc0-\xff])|\\u(?![dD][89abAB])[0-9a-fA-F]{4}(?=\\)", re.DOTALL)
_TO_QUOTE = re.compile(rb"[^\"\\]*+(?:\\.[^\"\\]*+)*+", re.DOTALL)


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
        self._inside = False
        self._length = 0
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
        quotes = _quotes(piece)
        before = self._inside
        self._inside = before != bool(quotes % 2)
        if before and not quotes:
            piece = self._within(piece)
        else:
            self._length = 0
            if self._held is not None:
                piece = self._resume(piece)
        self.given += len(piece)
        return piece

    def finish(self) -> bytes:
        """What is still held when the file has ended."""
        rest, self._half = self._half, b""
        return (self._resume(b"") if self._held is not None else b"") + rest

    @property
    def _most(self) -> int:
        return SHORT_TEXT if self._record and self.given > ENOUGH else LONGEST_TEXT

    def _within(self, piece: bytes) -> bytes:
        """A piece that lies inside a text as a whole."""
        if self._held is not None:
            self._hold(piece)
            return b""
        self._length += len(piece)
        place = _SAFE.search(piece) if self._length > self._most - self._most // _END_SHARE else None
        if place is None:
            return piece
        self._held, self._held_bytes, self._dropped = deque(), 0, 0
        self._hold(piece[place.end() :])
        return piece[: place.end()]

    def _hold(self, piece: bytes) -> None:
        """Remember the text's end, as far as it is known."""
        assert self._held is not None
        self._held.append(piece)
        self._held_bytes += len(piece)
        while self._held_bytes - len(self._held[0]) > self._most // _END_SHARE:
            gone = len(self._held.popleft())
            self._held_bytes -= gone
            self._dropped += gone

    def _resume(self, piece: bytes) -> bytes:
        """The piece in which a text ends that was too long, with what was kept of that text."""
        assert self._held is not None
        found = _TO_QUOTE.match(piece)
        end = found.end() if found else 0
        text = b"".join(self._held) + piece[:end]
        self._held = None
        if not self._dropped:
            return text + piece[end:]
        place = _SAFE.search(text)
        begin = place.end() if place else len(text)
        gone = self._dropped + begin
        self.texts += 1
        self.left_out += gone
        return b"\\n[... %d bytes of this text are left out here ...]\\n" % gone + text[begin:] + piece[end:]


def _quotes(piece: bytes) -> int:
    """How many quotes of a piece begin or end a text. It does not begin in the middle of an escape."""
    quotes = piece.count(b'"')
    if quotes and b'\\"' in piece:
        quotes -= (piece.replace(b"\\\\", b"") if b"\\\\" in piece else piece).count(b'\\"')
    return quotes
