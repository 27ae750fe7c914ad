"""Finding a mode while typing: by code, slug, name, alias or a word of what it says; small slips are forgiven.

One index over all modes: words point to modes, so a key press looks words up instead of reading every text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_CODE_EXACT, _CODE_PREFIX, _PHRASE = 300.0, 150.0, 60.0
_NAME, _ALIAS, _DEFINITION, _CATEGORY, _WHEN = 100.0, 70.0, 40.0, 25.0, 20.0
_INITIALS, _SUBSTRING, _TYPO, _SUBSEQUENCE = 80.0, 55.0, 0.5, 30.0
_MAX_WORDS, _MAX_WORD = 12, 40
_ENDING = re.compile(r"(?:ing|ed|es|s|ly)$")


@dataclass(frozen=True, slots=True)
class Searchable:
    """What is searched of one mode."""

    codes: tuple[str, ...]
    name: str
    slug: str
    aliases: tuple[str, ...]
    category: str
    definition: str
    when: str


def words_of(text: str) -> list[str]:
    """Lower-case words without accents."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", plain)


def _compact(text: str) -> str:
    return "".join(words_of(text))


class Index:
    """Searches a fixed list of modes; results are places in that list, best first, ties in list order."""

    def __init__(self, items: Sequence[Searchable]) -> None:
        self._codes = [tuple(_compact(code) for code in item.codes if code) for item in items]
        self._names = [_compact(item.name) for item in items]
        self._phrases = [" ".join(words_of(item.name)) for item in items]
        self._initials = ["".join(word[0] for word in words_of(item.name)) for item in items]
        self._postings: dict[str, dict[int, float]] = {}
        for place, item in enumerate(items):
            self._add(place, words_of(f"{item.name} {item.slug}"), _NAME)
            self._add(place, words_of(" ".join(item.aliases)), _ALIAS)
            self._add(place, words_of(item.definition), _DEFINITION)
            self._add(place, words_of(item.category), _CATEGORY)
            self._add(place, words_of(item.when), _WHEN)
        self._vocabulary = sorted(self._postings)
        heads = (word for word in self._vocabulary if max(self._postings[word].values()) >= _ALIAS)
        self._heads = [(word, frozenset(word)) for word in heads if len(word) > 3]
        self._size = len(items)

    def _add(self, place: int, words: Iterable[str], weight: float) -> None:
        for word in words:
            entry = self._postings.setdefault(word, {})
            entry[place] = max(entry.get(place, 0.0), weight)

    def search(self, query: str) -> list[int]:
        """Places of the modes that fit, best first; all of them, in order, for an empty query."""
        words = self._query_words(query)
        if not words:
            return list(range(self._size)) if not query.strip() else []
        total: dict[int, float] = {}
        matched: dict[int, int] = {}
        for word in words:
            for place, score in self._score(word).items():
                total[place] = total.get(place, 0.0) + score
                matched[place] = matched.get(place, 0) + 1
        # All words must fit; only where no mode does, the ones that fit half of them are offered.
        need = len(words) if len(words) in matched.values() else (len(words) + 1) // 2
        phrase = " ".join(words)
        ranked = [
            (-(score + (_PHRASE if self._phrases[place].startswith(phrase) else 0.0)), place)
            for place, score in total.items()
            if matched[place] >= need
        ]
        return [place for _, place in sorted(ranked)]

    def _query_words(self, query: str) -> list[str]:
        """The query's words; "2.6", "2 6" and "FM-2.6" stay one word where a code begins so."""
        text = query[:400]
        whole = _compact(text)
        if whole.isdigit() and self._is_code(whole):
            return [whole]
        found: list[str] = []
        for token in text.split():
            joined = _compact(token)
            found.extend([joined] if joined and self._is_code(joined) else words_of(token))
        return [word[:_MAX_WORD] for word in found[:_MAX_WORDS]]

    def _is_code(self, word: str) -> bool:
        return any(code.startswith(word) for codes in self._codes for code in codes)

    def _score(self, word: str) -> dict[int, float]:
        best = self._by_prefix(word)
        for place, codes in enumerate(self._codes):
            for code in codes:
                if code.startswith(word):
                    best[place] = max(best.get(place, 0.0), _CODE_EXACT if code == word else _CODE_PREFIX)
        if len(word) > 1:
            self._by_shape(word, best)
        if not best:
            best = self._by_slip(word) or self._by_stem(word) or self._by_subsequence(word)
        return best

    def _by_prefix(self, word: str) -> dict[int, float]:
        best: dict[int, float] = {}
        start = bisect_left(self._vocabulary, word)
        for place in range(start, len(self._vocabulary)):
            known = self._vocabulary[place]
            if not known.startswith(word):
                break
            self._merge(best, known, 1.0 if known == word else 0.6 + 0.3 * len(word) / len(known))
        return best

    def _by_shape(self, word: str, best: dict[int, float]) -> None:
        """Initials ("ram" for reasoning-action mismatch) and pieces inside the name."""
        for place, name in enumerate(self._names):
            if self._initials[place].startswith(word):
                best[place] = max(best.get(place, 0.0), _INITIALS)
            elif len(word) > 2 and word in name:
                best[place] = max(best.get(place, 0.0), _SUBSTRING)

    def _by_slip(self, word: str) -> dict[int, float]:
        """Names and aliases one slip away (two in long words), also while the word is still being typed."""
        best: dict[int, float] = {}
        if len(word) < 4:
            return best
        limit = 1 if len(word) < 8 else 2
        letters = frozenset(word)
        for known, known_letters in self._heads:
            if len(letters - known_letters) > limit or len(known) < len(word) - limit:
                continue
            away = min(
                slips(word, known, limit),
                slips(word, known[: len(word)], limit),
                slips(word, known[: len(word) + 1], limit),
            )
            if away <= limit:
                self._merge(best, known, _TYPO * (1 - 0.2 * away))
        return best

    def _by_stem(self, word: str) -> dict[int, float]:
        """Words that share the beginning without the ending: "repeats" for "repeatedly"."""
        stem = _ENDING.sub("", word)
        return self._by_prefix(stem) if 4 <= len(stem) < len(word) else {}

    def _by_subsequence(self, word: str) -> dict[int, float]:
        """The letters in order somewhere in the name: "rsnact"; the tighter they stand, the better."""
        best: dict[int, float] = {}
        if len(word) < 3:
            return best
        for place, name in enumerate(self._names):
            span = _span(word, name)
            if span and len(word) * 4 >= span:
                best[place] = _SUBSEQUENCE * len(word) / span
        return best

    def _merge(self, best: dict[int, float], known: str, quality: float) -> None:
        for place, weight in self._postings[known].items():
            best[place] = max(best.get(place, 0.0), weight * quality)


def _span(letters: str, text: str) -> int:
    """How much of `text` it takes to hold the letters in order, begun at the first; 0 where they do not occur."""
    start = at = text.find(letters[0])
    for letter in letters[1:]:
        if at < 0:
            return 0
        at = text.find(letter, at + 1)
    return at - start + 1 if at >= 0 else 0


def slips(one: str, other: str, limit: int) -> int:
    """Edits (insert, delete, change, swap of neighbours) from one word to the other; `limit` + 1 if there are more."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, start=1):
        earlier, before, row = before, row, [i]
        for j, right in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]
