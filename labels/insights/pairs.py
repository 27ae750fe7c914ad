"""Modes that occur together in one run, more or less often than chance would have it."""

from __future__ import annotations

import math
from dataclasses import replace

from labels.insights.figures import FEW, Pair
from labels.insights.intervals import fisher, holm
from labels.insights.reading.settled import ABSENT, PRESENT
from labels.insights.shares import Table

#: Up to so many runs the test is Fisher's exact one; beyond, the chi-square test, which is then as good.
_EXACT = 400


def pairs(table: Table) -> tuple[Pair, ...]:
    """Modes that are both somewhere in the runs judged for both, those that go together most first. Pairs judged in too
    few runs are not tested."""
    known, there = (table.value >= ABSENT).astype(float), (table.value == PRESENT).astype(float)
    n, both, single = known.T @ known, there.T @ there, there.T @ known
    found = []
    for one in range(len(table.slugs)):
        for two in range(one + 1, len(table.slugs)):
            first, second = int(single[one, two]), int(single[two, one])
            if first and second:
                found.append(
                    _pair(table.slugs[one], table.slugs[two], int(n[one, two]), first, second, int(both[one, two]))
                )
    # What goes together most by chance-corrected measure, then what is most frequent.
    found.sort(key=lambda pair: (-(pair.phi or 0.0), -pair.both, pair.first, pair.second))
    tested = [place for place, pair in enumerate(found) if pair.p is not None]
    for place, adjusted in zip(tested, holm([found[place].p or 0.0 for place in tested]), strict=True):
        found[place] = replace(found[place], adjusted=adjusted)
    return tuple(found)


def _pair(first: str, second: str, n: int, one: int, two: int, both: int) -> Pair:
    expected = one * two / n
    spread = (one * (n - one) * two * (n - two)) ** 0.5
    phi = (n * both - one * two) / spread if spread else None
    p = chance(n, one, two, both) if n >= FEW else None
    return Pair(first, second, n, one, two, both, expected, both / expected if expected else None, phi, p)


def chance(n: int, one: int, two: int, both: int) -> float:
    """How likely a table as uneven as this one is if the modes have nothing to do with each other. one, two, both: runs
    of n with the first mode, with the second, with both."""
    if not 0 < one < n or not 0 < two < n:
        return 1.0
    if n <= _EXACT:
        return fisher(both, one, two - both, n - one)
    phi = (n * both - one * two) / math.sqrt(one * (n - one) * two * (n - two))
    return math.erfc(math.sqrt(n * phi**2 / 2))
