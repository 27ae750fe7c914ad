"""Near-duplicates among codes and notes: the cosine of character n-grams, weighted by how rare they are.

Each word is cut into runs of three letters with its edges marked, so that order of words, endings and slips of the pen
matter little ("wrong timezone", "time zone wrong", "wrong timezones"). Synonyms are not found: no model of language is
asked, so that it works offline and costs a millisecond. What is found is pointed out and never merged by itself.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from labels.coding.fold import Code, NoteKey
from labels.coding.notes import Board, Note

#: From these on two names, or two notes, are pointed out as near. Among nine names, "ignores tool error" and "tool
#: error ignored" have 0.82, "wrong time zone" and "wrong timezone used" 0.67, "stops too early" and "stopped early"
#: 0.59, "tool error ignored" and "tool error hidden" 0.51, "no verification" and "not verified" 0.43, "hallucinated
#: file" and "invented file" 0.31, "wrong metric" and "wrong service" 0.29.
NEAR_NAME, NEAR_NOTE = 0.5, 0.5
#: Of a note, only its beginning is compared: a page of pasted text says no more.
MOST_CHARS = 600
#: An n-gram that more notes than this have tells none of them apart, and comparing by it would cost the square.
COMMON = 200
#: Different notes that are compared with each other.
MOST_TEXTS = 4000
N = 3


def grams(text: str) -> Counter[str]:
    """The n-grams of a text, each word by itself with its edges marked."""
    found: Counter[str] = Counter()
    for word in _words(text[:MOST_CHARS]):
        edged = f" {word} "
        found.update(edged[at : at + N] for at in range(max(1, len(edged) - N + 1)))
    return found


def _words(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in text.casefold()).split()


class Vectors:
    """Texts as vectors of length 1, by n-gram. Weight: (1 + log count) x (1 + log(texts / texts that have it))."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [grams(text) for text in texts]
        self._spread = Counter(gram for count in counts for gram in count)
        self._number = max(1, len(texts))
        self.vectors = [self._weighted(count) for count in counts]
        self._having: dict[str, list[int]] = {}
        for place, vector in enumerate(self.vectors):
            for gram in vector:
                self._having.setdefault(gram, []).append(place)

    def _weighted(self, count: Counter[str]) -> dict[str, float]:
        weights = {
            gram: (1 + math.log(times)) * (1 + math.log((1 + self._number) / (1 + self._spread[gram])))
            for gram, times in count.items()
        }
        length = math.sqrt(sum(value * value for value in weights.values()))
        return {gram: value / length for gram, value in weights.items()} if length else {}

    def near(self, text: str, least: float) -> list[tuple[int, float]]:
        """Places of the texts that are near to this one, with the cosine, nearest first."""
        return self._near(self._weighted(grams(text)), least)

    def near_place(self, place: int, least: float) -> list[tuple[int, float]]:
        """The same for one of the texts themselves."""
        return [item for item in self._near(self.vectors[place], least) if item[0] != place]

    def _near(self, vector: dict[str, float], least: float) -> list[tuple[int, float]]:
        sums: dict[int, float] = {}
        for gram, weight in vector.items():
            having = self._having.get(gram, ())
            if len(having) > COMMON and len(vector) > 4:
                continue
            for place in having:
                sums[place] = sums.get(place, 0.0) + weight * self.vectors[place][gram]
        found = [(place, min(1.0, value)) for place, value in sums.items() if value >= least]
        return sorted(found, key=lambda item: (-item[1], item[0]))


def near_names(name: str, codes: Iterable[Code], least: float = NEAR_NAME) -> list[tuple[Code, float]]:
    """Codes whose name, or a name they went by, is near to this one; nearest first."""
    names = [(code, text) for code in codes for text in (code.name, *code.former)]
    vectors = Vectors([text for _, text in names])
    best: dict[str, tuple[Code, float]] = {}
    for place, cosine in vectors.near(name, least):
        code = names[place][0]
        best.setdefault(code.id, (code, cosine))
    return list(best.values())


@dataclass(frozen=True, slots=True)
class CodePair:
    """Two codes that may be one. names, notes: cosines of their names, and of all that their notes say."""

    first: Code
    second: Code
    names: float
    notes: float


@dataclass(frozen=True, slots=True)
class NotePair:
    """Two notes that say nearly the same and have no code in common: one has none, or they have different ones."""

    first: Note
    second: Note
    cosine: float


def near_codes(board: Board) -> list[CodePair]:
    """Pairs of codes with near names, or with notes that say the same; the nearest first."""
    codes = board.codes
    names = Vectors([code.name for code in codes])
    said = Vectors([_together(board, code) for code in codes])
    pairs: dict[tuple[int, int], list[float]] = {}
    for kind, vectors, least in ((0, names, NEAR_NAME), (1, said, NEAR_NOTE)):
        for place in range(len(codes)):
            for other, cosine in vectors.near_place(place, least):
                if place < other:
                    pairs.setdefault((place, other), [0.0, 0.0])[kind] = cosine
    found = [CodePair(codes[one], codes[two], *cosines) for (one, two), cosines in pairs.items()]
    return sorted(found, key=lambda pair: (-max(pair.names, pair.notes), pair.first.name, pair.second.name))


def _together(board: Board, code: Code) -> str:
    """What a code's notes say, cut so that each has its share."""
    share = max(40, MOST_CHARS // max(1, min(len(code.notes), 12)))
    return " ".join(board.by_key[key].text[:share] for key in code.notes[:12])


def near_notes(board: Board, limit: int = 200) -> list[NotePair]:
    """Pairs of notes of which one may want the other's code; the nearest first, at most `limit`. Of very many notes,
    the first MOST_TEXTS different ones are compared: those without a code come first."""
    groups: dict[str, list[Note]] = {}
    for note in board.notes:
        groups.setdefault(" ".join(_words(note.text[:MOST_CHARS])), []).append(note)
    same = list(groups.values())[:MOST_TEXTS]
    found = [pair for notes in same for pair in _within(board, notes)]
    vectors = Vectors([notes[0].text for notes in same])
    for place, notes in enumerate(same):
        for other, cosine in vectors.near_place(place, NEAR_NOTE):
            if place < other and not _share_code(board, notes[0].key, same[other][0].key):
                found.append(NotePair(notes[0], same[other][0], cosine))
    found.sort(key=lambda pair: -pair.cosine)
    return found[:limit]


def _within(board: Board, notes: list[Note]) -> Iterator[NotePair]:
    """Notes that say the same as the first of them, word for word, and are coded otherwise."""
    for note in notes[1:]:
        if not _share_code(board, notes[0].key, note.key):
            yield NotePair(notes[0], note, 1.0)


def _share_code(board: Board, one: NoteKey, two: NoteKey) -> bool:
    """Whether they have a code in common, or neither has any yet."""
    first, second = ({code.id for code in board.of.get(key, ())} for key in (one, two))
    return bool(first & second) or not (first or second)


class Guesser:
    """Which codes a note may want: by its words, those of the notes that have the code, and the codes' names."""

    def __init__(self, board: Board) -> None:
        self.codes = [code for code in board.codes if code.notes]
        self._notes = [(code, board.by_key[key].text) for code in self.codes for key in code.notes[-50:]]
        self._said = Vectors([text for _, text in self._notes])
        self._names = Vectors([code.name for code in board.codes])
        self._all = board.codes

    def guesses(self, text: str, limit: int = 3) -> list[tuple[Code, float]]:
        """Codes of the notes nearest to this text, with the cosine."""
        best: dict[str, tuple[Code, float]] = {}
        for place, cosine in self._said.near(text, NEAR_NOTE / 2):
            code = self._notes[place][0]
            if code.id not in best:
                best[code.id] = (code, cosine)
        return list(best.values())[:limit]

    def names(self, typed: str) -> list[tuple[Code, float]]:
        """Codes whose names are near to what is typed."""
        return [(self._all[place], cosine) for place, cosine in self._names.near(typed, NEAR_NAME)]


def typical(notes: Sequence[Note]) -> list[Note]:
    """Notes of a code, the one most like all the others first."""
    few = list(notes[:200])
    vectors = Vectors([note.text for note in few])
    sums: Counter[str] = Counter()
    for vector in vectors.vectors:
        for gram, weight in vector.items():
            sums[gram] += weight  # type: ignore[assignment]  # weights are fractions
    scores = [sum(weight * sums[gram] for gram, weight in vector.items()) for vector in vectors.vectors]
    order = sorted(range(len(few)), key=lambda place: (-scores[place], place))
    return [few[place] for place in order] + list(notes[200:])
