"""How alike two texts are: exact Jaccard over word shingles, cheap enough to be asked for every step.

Own code on purpose: a library for this (datasketch) takes longer to import than a run takes to be looked at, and
estimates what 40 texts in a window let us compute.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

#: One changed word breaks three shingles: two changed words in fifty leave a likeness of 0.78.
WIDTH = 3
#: Of a longer text the first and the last characters are looked at: a step may have megabytes.
FROM_START, FROM_END = 6_000, 3_000
#: Shingles that are tried before two long texts are compared whole, and how many of them must be in the other.
_PROBES, _PROBES_NEEDED = 16, 6


class Shingles:
    """A text as it is compared. count: its words. all: hashes of every WIDTH words in a row, equal only within this
    process and never stored. probes: some of them, from all over the text."""

    __slots__ = ("all", "count", "probes")

    def __init__(self, text: str) -> None:
        words = words_of(text)
        self.count = len(words)
        rows = list(map(hash, zip(words, islice(words, 1, None), islice(words, 2, None), strict=False)))
        self.all = frozenset(rows)
        self.probes = tuple(rows[:: max(1, len(rows) // _PROBES)]) if len(rows) > 3 * _PROBES else ()

    def alike(self, other: Shingles, least: float, *, without: frozenset[int] = frozenset()) -> bool:
        """Whether both share at least `least` (0.7 or more) of their shingles, those in `without` aside."""
        small, large = len(self.all), len(other.all)
        if small > large:
            small, large = large, small
        if not small or small < least * large:
            return False
        if self.probes and sum(map(other.all.__contains__, self.probes)) < _PROBES_NEEDED:
            return False
        if without:
            return _jaccard(self.all - without, other.all - without) >= least
        return _jaccard(self.all, other.all) >= least


_recent: dict[int, tuple[str, Shingles]] = {}


def shingles_of(text: str) -> Shingles:
    """The shingles of a step's text. Several detectors ask this of the same texts one after another, so the last few
    answers are kept."""
    known = _recent.get(id(text))
    if known is not None and known[0] is text:
        return known[1]
    shingles = Shingles(text)
    if len(_recent) >= 48:
        _recent.clear()
    _recent[id(text)] = (text, shingles)
    return shingles


#: Words that carry a sentence and not its matter.
_COMMON = frozenset(
    "the and for are with from into this that these those please any all you your its our his her their can will would "
    "should could to of in on a an is it by or as at be if not no we i then now just also again".split()
)
#: A text about fewer things than this says too little to be compared by them.
LEAST_MATTER = 4
_QUOTES = "'\"`\u2018\u201c"
_EDGES = ".,:;!?()[]{}'\"`*"


class Wording:
    """A short text as what it is about. matter: its words, common ones aside. names: those that stand for a certain
    thing: with a digit, a path, in quotes, or with a capital letter inside a sentence."""

    __slots__ = ("matter", "names")

    def __init__(self, text: str) -> None:
        matter, names = set(), set()
        begins = True  # a sentence: its first capital letter makes no name
        for word in text.split():
            bare = word.strip(_EDGES)
            if bare:
                if bare.islower() and word[0] not in _QUOTES:
                    matter.add(bare)
                else:
                    lower = bare.lower().removesuffix("'s").removesuffix("\u2019s")
                    matter.add(lower)
                    if not begins or word[0] in _QUOTES or not bare.isalpha():
                        names.add(lower)
            begins = word[-1] in ".!?:"
        self.matter = frozenset(matter - _COMMON)
        self.names = frozenset(names)

    def same_matter(self, other: Wording, least: float, least_names: float) -> bool:
        """Whether both say the same in other words: they share `least` of their matter and `least_names` of the names
        (another name is another matter)."""
        if self.names != other.names and _jaccard(self.names, other.names) < least_names:
            return False
        small, large = len(self.matter), len(other.matter)
        if small > large:
            small, large = large, small
        return small >= LEAST_MATTER and small >= least * large and _jaccard(self.matter, other.matter) >= least


def words_of(text: str) -> list[str]:
    """The words of a text as they are compared: case and spacing aside, the middle of a long text left out."""
    if len(text) > FROM_START + FROM_END:
        text = f"{text[:FROM_START]} {text[-FROM_END:]}"
    return text.lower().split()


def _jaccard(one: frozenset[Any], other: frozenset[Any]) -> float:
    common = len(one & other)
    return common / (len(one) + len(other) - common) if common else 0.0
