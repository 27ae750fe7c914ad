"""Shares, medians and changes with their 95 % intervals, in plain Python.

Chunks of one run are alike, so a share of chunks is known less well than their number says: its variance is taken
between runs (linearised), and the interval is Wilson's (1927) for the number of independent cases that would have that
variance. A difference of two shares has Newcombe's (1998) interval, a median the exact one from order statistics.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from labels.intervals import Z, apart, median_rank, wilson

#: Fewer cases than this are told as such.
FEW = 5


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure. value: None where there is none. n: cases; groups: runs they are in. low, high: of its interval."""

    value: float | None
    n: int
    groups: int = 0
    low: float | None = None
    high: float | None = None

    @property
    def few(self) -> bool:
        return self.n < FEW

    def json(self) -> dict[str, Any]:
        named = {"value": self.value, "low": self.low, "high": self.high}
        rounded = {key: None if value is None else round(value, 4) for key, value in named.items()}
        return {**rounded, "n": self.n, "runs": self.groups, "too_few": self.few}


def share(cases: Iterable[tuple[str, bool]]) -> Estimate:
    """The share of True. cases: (run, whether)."""
    groups: dict[str, list[int]] = {}
    for run, value in cases:
        counts = groups.setdefault(run, [0, 0])
        counts[0] += value
        counts[1] += 1
    yes, n = (sum(counts[place] for counts in groups.values()) for place in (0, 1))
    if not n:
        return Estimate(None, 0)
    p = yes / n
    effective = n / _design_effect(p, n, list(groups.values()))
    low, high = wilson(p * effective, effective)
    return Estimate(p, n, len(groups), low, high)


def _design_effect(p: float, n: int, groups: Sequence[Sequence[int]]) -> float:
    """How much larger the variance between runs is than that of as many independent cases; 1 where nobody can tell."""
    number = len(groups)
    if number < 2 or not 0 < p < 1:
        return 1.0
    between = number / (number - 1) * sum((yes - p * size) ** 2 for yes, size in groups) / n**2
    return max(1.0, between / (p * (1 - p) / n))


def difference(after: Estimate, before: Estimate) -> Estimate:
    """after - before, for shares. n: the smaller of the two."""
    n, groups = min(after.n, before.n), min(after.groups, before.groups)
    parts = (after.value, after.low, after.high, before.value, before.low, before.high)
    if any(part is None for part in parts):
        return Estimate(None, n, groups)
    a, a_low, a_high, b, b_low, b_high = (float(part or 0) for part in parts)
    low, high = apart(a, (a_low, a_high), b, (b_low, b_high))
    return Estimate(a - b, n, groups, low, high)


def quantile(values: Sequence[float], q: float) -> float:
    """The q-quantile of sorted values, between neighbours."""
    place = q * (len(values) - 1)
    low = math.floor(place)
    return values[low] + (values[min(low + 1, len(values) - 1)] - values[low]) * (place - low)


def median(values: Iterable[float], groups: int = 0) -> Estimate:
    """The median, with the interval between the order statistics that hold it in 95 % of samples; none below six."""
    found = sorted(values)
    n = len(found)
    if not n:
        return Estimate(None, 0)
    rank = median_rank(n)
    if not rank:
        return Estimate(quantile(found, 0.5), n, groups)
    return Estimate(quantile(found, 0.5), n, groups, found[rank - 1], found[n - rank])


def ratio(after: Sequence[float], before: Sequence[float]) -> Estimate:
    """How many times as long: the ratio of geometric means, with the interval of Welch's on logarithms."""
    n = min(len(after), len(before))
    if n < 2:
        return Estimate(None, n)
    logs = [[math.log(max(0.1, value)) for value in values] for values in (after, before)]
    means = [sum(values) / len(values) for values in logs]
    errors = [
        sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values)
        for values, mean in zip(logs, means, strict=True)
    ]
    middle, half = means[0] - means[1], Z * math.sqrt(sum(errors))
    return Estimate(math.exp(middle), n, 0, math.exp(middle - half), math.exp(middle + half))


def slope(points: Sequence[tuple[float, float]]) -> Estimate:
    """Change of ln y by one of x, least squares; None for fewer than three points or one x only. points: (x, y)."""
    n = len(points)
    if n < 3:
        return Estimate(None, n)
    ys = [math.log(max(0.1, y)) for _, y in points]
    x_mean, y_mean = sum(x for x, _ in points) / n, sum(ys) / n
    spread = sum((x - x_mean) ** 2 for x, _ in points)
    if spread < 1e-9:
        return Estimate(None, n)
    b = sum((x - x_mean) * (y - y_mean) for (x, _), y in zip(points, ys, strict=True)) / spread
    rest = sum((y - y_mean - b * (x - x_mean)) ** 2 for (x, _), y in zip(points, ys, strict=True))
    half = Z * math.sqrt(rest / (n - 2) / spread)
    return Estimate(math.exp(b) - 1, n, 0, math.exp(b - half) - 1, math.exp(b + half) - 1)
