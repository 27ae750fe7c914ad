"""The one place where text of strangers becomes text for a terminal.

Everything in a run, a codebook or another database may hold escapes that a terminal obeys, marks that turn the reading
direction, or letters that nobody sees. Each such code point is replaced by exactly one visible code point of one cell,
so that positions in the cleaned text are positions in the raw text. Both faces use these functions for every untrusted
string; nothing else in the program may decide what is safe to show.
"""

from __future__ import annotations

import re

#: What becomes of code points that turn the reading direction (a mirrored question mark), ...
BIDI_MARK = "\u2426"
#: ... of code points that nobody sees (zero width, soft hyphen, tags that smuggle text past the reader), ...
HIDDEN_MARK = "\u25cc"
#: ... of line and paragraph separators inside a line, ...
BREAK_MARK = "\u2424"
#: ... and of what stands for nothing at all (C1 controls, lone surrogates, noncharacters).
DAMAGE_MARK = "\ufffd"

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# The joiners U+200C and U+200D and the variation selectors U+FE00-FE0F stay: Persian and emoji are written with them.
_HIDDEN = (
    "\u00ad\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\U000e0100-\U000e01ef"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
)
_BREAKS = "\u2028\u2029"
_DAMAGE = "\x80-\x9f\ud800-\udfff\ufffe\uffff"
_HOSTILE = f"\x7f{_BIDI}{_HIDDEN}{_BREAKS}{_DAMAGE}"

_IN_LINE = re.compile(f"[\x00-\x1f{_HOSTILE}]")
_IN_BLOCK = re.compile(f"[\x00-\x08\x0b-\x1f{_HOSTILE}]")


def _table() -> dict[str, str]:
    """The replacements of the frequent ones; what is not here is damage (or a tag, see `_visible`)."""
    table = {chr(code): chr(0x2400 + code) for code in range(32)}
    table["\t"] = " "
    table["\x7f"] = "\u2421"
    for marks, mark in ((_BIDI, BIDI_MARK), (_HIDDEN, HIDDEN_MARK), (_BREAKS, BREAK_MARK)):
        for char in _expand(marks):
            table[char] = mark
    return table


def _expand(ranges: str) -> list[str]:
    found: list[str] = []
    for first, last in re.findall(r"(.)(?:-(.))?", ranges):
        found += map(chr, range(ord(first), ord(last or first) + 1))
    return found


_MARKS = _table()
_PLAIN_BYTES = bytes([9, 10, *range(32, 127)])


def _visible(match: re.Match[str]) -> str:
    return _MARKS.get(match.group(), DAMAGE_MARK)


def clean(text: str) -> str:
    """One line, safe to show: as long as the text given, each code point at its place. A tab becomes one space (a
    layout that wants columns expands it before), a line break its picture."""
    if text.isascii() and text.isprintable():
        return text
    return _IN_LINE.sub(_visible, text)


def clean_block(text: str) -> str:
    """The same for text of many lines: line feeds and tabs stay as they are."""
    # Deleting all that is harmless is the fastest question: 1 GB/s against 100 MB/s for the expression.
    if text.isascii() and not text.encode().translate(None, _PLAIN_BYTES):
        return text
    return _IN_BLOCK.sub(_visible, text)


def short(text: str, limit: int) -> str:
    """For names and titles: one line without blanks in a row, cut to `limit` code points with an ellipsis."""
    line = clean(" ".join(text[: limit * 4 + 200].split()))
    return line if len(line) <= limit else line[: max(0, limit - 1)] + "\u2026"


def json_escape(json: str) -> str:
    """JSON text in which whatever `clean` would replace is written as an escape: the same values for a program that
    reads it, and harmless on a terminal. (Such code points can only stand inside JSON strings.)"""
    return _IN_BLOCK.sub(_escaped, json)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
