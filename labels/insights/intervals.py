"""Figures with their intervals: shares, differences, ratios, means and medians, all at 95 %.

Sources: `labels.intervals` (a share, a difference, a median); Katz et al. 1978 with half a run added to each cell where
one is empty (a ratio of two shares); a percentile bootstrap over runs with a fixed seed (a mean); Rao and Scott 1992
(the effective size of a sample of clusters, for shares of failures, which come several to a run); Fisher's exact test
and Holm 1979 (comparisons).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from labels.insights.figures import Figure
from labels.intervals import Z, apart, median_rank, wilson

if TYPE_CHECKING:
    import numpy.typing

    Array: TypeAlias = numpy.typing.NDArray[Any]

_DRAWS, _SEED = 2_000, 20_251

NO_RUNS = "no run was judged for it"


def share(count: int, n: int, why: str = NO_RUNS) -> Figure:
    """A share with Wilson's interval; undefined where n is 0."""
    if n <= 0:
        return Figure(None, why=why, count=0)
    low, high = wilson(count, n)
    return Figure(count / n, low, high, n, count)


def newcombe(count1: int, n1: int, count2: int, n2: int) -> tuple[float, float]:
    """The interval of the difference count1 / n1 - count2 / n2."""
    return apart(count1 / n1, wilson(count1, n1), count2 / n2, wilson(count2, n2))


def difference(count1: int, n1: int, count2: int, n2: int, why: str) -> Figure:
    """count1 / n1 - count2 / n2; n is the smaller of the two. why: said where either has no runs."""
    if not n1 or not n2:
        return Figure(None, n=min(n1, n2), why=why)
    low, high = newcombe(count1, n1, count2, n2)
    return Figure(count1 / n1 - count2 / n2, low, high, min(n1, n2))


def katz(count1: int, n1: int, count2: int, n2: int, why: str) -> Figure:
    """The ratio of two shares. Where a share is 0 or both are 1, half a run is added to each cell, and to the figure
    too, so that it lies in its interval."""
    if not n1 or not n2:
        return Figure(None, n=min(n1, n2), why=why)
    a, b, m, n = float(count1), float(count2), float(n1), float(n2)
    if not a or not b or (a == m and b == n):
        a, b, m, n = a + 0.5, b + 0.5, m + 1, n + 1
    ratio = (a / m) / (b / n)
    spread = Z * math.sqrt(1 / a - 1 / m + 1 / b - 1 / n)
    return Figure(ratio, ratio * math.exp(-spread), ratio * math.exp(spread), min(n1, n2))


def mean(values: Array, why: str) -> Figure:
    """The mean of one value per run, with a percentile bootstrap over runs. No interval for a single run."""
    import numpy as np

    n = len(values)
    if not n:
        return Figure(None, why=why)
    value = float(values.mean())
    distinct, counts = np.unique(values, return_counts=True)
    if n == 1:
        return Figure(value, n=n)
    if len(distinct) == 1:
        return Figure(value, n=n, why="all runs have the same, so there is no interval")
    # Few distinct values stand for many runs, so a draw is a multinomial over those.
    drawn = np.random.default_rng(_SEED).multinomial(n, counts / n, size=_draws(len(distinct))) @ distinct / n
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Figure(value, float(low), float(high), n)


def _draws(distinct: int) -> int:
    """Fewer where every run has a value of its own, to bound the memory: 20 million cells."""
    return max(200, min(_DRAWS, 20_000_000 // distinct))


def mean_difference(first: Array, second: Array, why: str) -> Figure:
    """mean(second) - mean(first), by Welch's standard error. None of it where a side has fewer than two runs."""
    n = min(len(first), len(second))
    if not n:
        return Figure(None, why=why)
    value = float(second.mean() - first.mean())
    if n < 2:
        return Figure(value, n=n)
    spread = math.sqrt(float(first.var(ddof=1)) / len(first) + float(second.var(ddof=1)) / len(second))
    if not spread:
        return Figure(value, n=n, why="all runs of a side have the same, so there is no interval")
    point = _t(_welch(first, second))
    return Figure(value, value - point * spread, value + point * spread, n)


def _welch(first: Array, second: Array) -> float:
    """Degrees of freedom after Welch and Satterthwaite."""
    one, two = float(first.var(ddof=1)) / len(first), float(second.var(ddof=1)) / len(second)
    return (one + two) ** 2 / (one * one / (len(first) - 1) + two * two / (len(second) - 1))


#: ln of the 97.5 % point of Student's t at 1, 2 and 3 degrees of freedom.
_LOG_T = (2.5420899, 1.4592316, 1.1576525)


def _t(df: float) -> float:
    """The 97.5 % point of Student's t: by the expansion of Cornish and Fisher, and below 3 degrees of freedom between
    the known points, on the scale on which they bend least. Less than 1 % off."""
    if df < 3:
        x = 1 / max(df, 1.0)
        one, two, three = _LOG_T
        return math.exp(
            one * (x - 1 / 2) * (x - 1 / 3) / ((1 - 1 / 2) * (1 - 1 / 3))
            + two * (x - 1) * (x - 1 / 3) / ((1 / 2 - 1) * (1 / 2 - 1 / 3))
            + three * (x - 1) * (x - 1 / 2) / ((1 / 3 - 1) * (1 / 3 - 1 / 2))
        )
    z = Z
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return sum(term / df**place for place, term in enumerate(terms))


def median(values: Array, why: str) -> Figure:
    """The median with the interval between two order statistics that holds it in at least 95 % of samples. Below six
    runs there is no such interval."""
    import numpy as np

    n = len(values)
    if not n:
        return Figure(None, why=why)
    ordered = np.sort(values)
    value = float(np.median(ordered))
    rank = median_rank(n)
    if rank < 1:
        return Figure(value, n=n)
    return Figure(value, float(ordered[rank - 1]), float(ordered[n - rank]), n)


def clustered_share(part: Array, whole: Array, why: str) -> Figure:
    """The share sum(part) / sum(whole) where each run brings several: of failures. Wilson's interval at the effective
    size. n: sum(whole)."""
    n, count = int(whole.sum()), int(part.sum())
    if not n:
        return Figure(None, why=why, count=0)
    p = count / n
    runs = int((whole > 0).sum())
    effective = float(n)
    if 0 < p < 1 and runs > 1:
        residual = part - p * whole
        variance = runs / (runs - 1) * float((residual * residual).sum()) / n**2
        if variance > 0:
            effective = min(float(n), p * (1 - p) / variance)
    elif runs:
        effective = float(min(n, runs)) if runs == 1 else float(n)
    low, high = wilson(p * effective, effective)
    return Figure(p, low, high, n, count)


def fisher(count1: int, n1: int, count2: int, n2: int) -> float:
    """Two-sided p of Fisher's exact test: the sum over tables that are no likelier than this one."""
    total, hits = n1 + n2, count1 + count2
    low, high = max(0, hits - n2), min(hits, n1)
    base = math.lgamma(total + 1) - math.lgamma(hits + 1) - math.lgamma(total - hits + 1)

    def log_p(k: int) -> float:
        return (
            math.lgamma(n1 + 1) - math.lgamma(k + 1) - math.lgamma(n1 - k + 1)
            + math.lgamma(n2 + 1) - math.lgamma(hits - k + 1) - math.lgamma(n2 - hits + k + 1) - base
        )  # fmt: skip

    here = log_p(count1) + 1e-7
    return min(1.0, sum(math.exp(found) for k in range(low, high + 1) if (found := log_p(k)) <= here))


def holm(ps: Sequence[float]) -> list[float]:
    """The p values after Holm's correction for how many there are, in the order given."""
    order = sorted(range(len(ps)), key=lambda place: ps[place])
    found, so_far = [0.0] * len(ps), 0.0
    for rank, place in enumerate(order):
        so_far = max(so_far, min(1.0, ps[place] * (len(ps) - rank)))
        found[place] = so_far
    return found
