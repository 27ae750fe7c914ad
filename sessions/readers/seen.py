"""Which ids came before, in a run of a million lines: hashes in one flat table, a fifth of the memory of a set."""

from __future__ import annotations

from array import array

_MASK = (1 << 64) - 1
_SMALLEST = 1 << 10


class Seen:
    """Texts by their 64-bit hashes: two that are different are taken for one in 1 of 10 million runs of a million."""

    def __init__(self) -> None:
        self._table = _empty(_SMALLEST)
        self._count = 0

    def add(self, text: str) -> bool:
        """Note a text; False if it was noted before."""
        key = hash(text) & _MASK or 1
        table = self._table
        most = len(table) - 1
        place = key & most
        while found := table[place]:
            if found == key:
                return False
            place = (place + 1) & most
        table[place] = key
        self._count += 1
        if self._count * 3 > len(table) * 2:
            self._grow()
        return True

    def __contains__(self, text: object) -> bool:
        key = hash(text) & _MASK or 1
        table = self._table
        most = len(table) - 1
        place = key & most
        while found := table[place]:
            if found == key:
                return True
            place = (place + 1) & most
        return False

    def __len__(self) -> int:
        return self._count

    def _grow(self) -> None:
        before, table = self._table, _empty(2 * len(self._table))
        most = len(table) - 1
        for key in before:
            if key:
                place = key & most
                while table[place]:
                    place = (place + 1) & most
                table[place] = key
        self._table = table


def _empty(size: int) -> array[int]:
    return array("Q", (0,)) * size
