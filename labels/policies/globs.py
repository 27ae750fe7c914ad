"""Globs of a policy at work: on commands and names of tools, on names of systems anywhere in a text, and on paths.

A glob is `*`, `?` and `[abc]`; `*` goes across slashes. The texts are an agent's, so nothing here takes long on any of
them: `fnmatch` makes patterns that do not go back over what they have matched, texts are bounded, and the longest piece
of a glob that stands in it letter by letter is looked for first, which says no to nearly everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import translate
from functools import lru_cache
from posixpath import isabs
from typing import NamedTuple

#: What a command may have to be compared with a glob; a longer one counts as unread.
LONGEST_COMMAND = 20_000
#: Deepest path, and longest, that is compared with globs.
MOST_PIECES, LONGEST_PATH = 64, 2_000
#: So many places of one name in one text are looked at. Whoever puts more there is taken to mean it.
MOST_PLACES = 100
#: Characters to either side of a name that may belong to it, as in `postgres://app:secret@db.prod:5432/billing`.
_LONGEST_WORD = 300
_WILD = re.compile(r"\*+|\?|\[!?\]?[^\]]*\]")
_NAME = re.compile(r"[\w.-]*")
_WORD = re.compile(r"[\w.@%+~/:=-]*")
_ENDS = ".:,;/"


class Glob(NamedTuple):
    """text: as written, or lower case where case does not count. fits: of a whole text. part: the longest piece without
    wildcards, "" if there is none. literal: no wildcard at all."""

    text: str
    fits: Callable[[str], re.Match[str] | None]
    part: str
    literal: bool


@lru_cache(maxsize=8_192)
def glob(text: str) -> Glob:
    pieces = _WILD.split(text)
    return Glob(text, re.compile(translate(text)).match, max(pieces, key=len), len(pieces) == 1)


def any_fits(globs: Iterable[str], text: str) -> bool:
    """Whether one of these globs fits a whole text. A longer one than LONGEST_COMMAND fits none."""
    return len(text) <= LONGEST_COMMAND and any(glob(one).fits(text) for one in globs)


# -- names --------------------------------------------------------------------------------------------------------


def named(globs: Iterable[str], texts: Iterable[str], *, dotted: bool = False) -> str | None:
    """The first name in these texts that one of the globs fits, upper and lower case alike. texts: in lower case.

    A name is a piece between other characters than letters, digits, `.`, `_` and `-`, or the whole word around it, with
    or without what stands before an `=` and behind a `-h`. dotted: so is a piece between dots (`shop.orders`).
    """
    texts = list(texts)
    for one in globs:
        wanted = glob(one.lower())
        for text in texts:
            if wanted.part in text and (found := _named(wanted, text, dotted)) is not None:
                return found
    return None


def _named(wanted: Glob, text: str, dotted: bool) -> str | None:
    if wanted.literal:
        return wanted.text if _literally(wanted.text, dotted).search(text) else None
    if not wanted.part:
        return text.split(None, 1)[0][:80] if text.strip() else None  # a glob of wildcards alone fits anything
    seen: set[str] = set()
    place, count = text.find(wanted.part), 0
    while place >= 0:
        if (count := count + 1) > MOST_PLACES:
            return wanted.part
        end = place + len(wanted.part)
        for run in (_WORD, _NAME):  # the search goes on behind the shorter one: the longer may hold more names
            word, end = _word(text, place, place + len(wanted.part), run)
            if word not in seen:
                seen.add(word)
                if found := next((name for name in _spellings(word, dotted) if wanted.fits(name)), None):
                    return found
        place = text.find(wanted.part, end)
    return None


@lru_cache(maxsize=4_096)
def _literally(name: str, dotted: bool) -> re.Pattern[str]:
    """A name without wildcards, as itself: not a piece of a longer one, but behind an option's letter (`-hdb`)."""
    dot, after = ("", "") if dotted else (".", r"|\.\w")
    return re.compile(rf"(?:(?<![\w{dot}-])|(?<![\w.-])-\w){re.escape(name)}(?![\w-]{after})")


def _word(text: str, start: int, end: int, run: re.Pattern[str]) -> tuple[str, int]:
    """The word of these characters around a place, of which no more than _LONGEST_WORD to either side, and its end."""
    before = _matched(run, text[max(0, start - _LONGEST_WORD) : start][::-1])[::-1]
    after = _matched(run, text[end : end + _LONGEST_WORD])
    return f"{before}{text[start:end]}{after}", end + len(after)


def _matched(run: re.Pattern[str], text: str) -> str:
    found = run.match(text)
    return found[0] if found else ""


def _spellings(word: str, dotted: bool) -> Iterator[str]:
    """A word as it is, without a full stop at its end, without its option (`-hdb`, `--host=db`)."""
    yield word
    if dotted and "." in word:
        yield from word.split(".")
    bare = word.strip(_ENDS)
    if bare != word:
        yield bare
    if bare.startswith("-"):
        yield bare.lstrip("-")
        yield bare[2:]
    if "=" in bare:
        yield bare.partition("=")[2]
        yield bare.rpartition("=")[2]


# -- paths --------------------------------------------------------------------------------------------------------


def path_fits(path: str, wanted: str) -> bool:
    """Whether a glob fits a path or a folder above it. A relative glob fits anywhere."""
    text = wanted.rstrip("/") or "/"
    one = glob(text)
    if one.part not in path or len(path) > LONGEST_PATH:
        return False
    anywhere = None if isabs(text) else glob(f"*/{text}")
    return any(one.fits(part) or (anywhere is not None and anywhere.fits(part)) for part in _and_above(path))


def _and_above(path: str) -> Iterator[str]:
    for _ in range(MOST_PIECES):
        if not path:
            return
        yield path
        path = path.rpartition("/")[0]


def is_above(path: str, wanted: str) -> bool:
    """Whether what an absolute glob is about lies inside a folder."""
    folder = path.rstrip("/")
    return isabs(wanted) and f"{_WILD.split(wanted)[0]}/".startswith(f"{folder}/")


def has_wildcards(path: str) -> bool:
    return any(mark in path for mark in "*?[")


def could_fit(path: str, wanted: str) -> bool:
    """Whether a path with wildcards of its own, as a shell takes them, could be one that an absolute glob is about, or
    a folder above it: piece by piece, as far as both go."""
    if not isabs(wanted) or len(path) > LONGEST_PATH:
        return False
    pairs = zip(path.strip("/").split("/"), wanted.strip("/").split("/"), strict=False)
    return all(_could_be(mine, its) for mine, its in list(pairs)[:MOST_PIECES])


def _could_be(mine: str, its: str) -> bool:
    if has_wildcards(its):
        return has_wildcards(mine) or glob(its).fits(mine) is not None
    return glob(mine).fits(its) is not None
