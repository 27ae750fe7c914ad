"""95 % intervals that more than one kind of figure has, in plain Python: of a share, of a difference of two shares, and
between which values of a sample its median lies.

Sources: Wilson 1927 (a share); Newcombe 1998, method 10 (a difference); order statistics (a median).
"""

from __future__ import annotations

import math

#: The 97.5 % point of the normal distribution.
Z = 1.959963984540054


def wilson(count: float, n: float) -> tuple[float, float]:
    """The interval of a share count / n. n: above 0; neither need be whole (an effective size)."""
    p = count / n
    middle = p + Z * Z / (2 * n)
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    whole = 1 + Z * Z / n
    # At the ends the bound is the end itself, whatever rounding says.
    low = 0.0 if count <= 0 else max(0.0, (middle - half) / whole)
    high = 1.0 if count >= n else min(1.0, (middle + half) / whole)
    return low, high


def apart(p1: float, within1: tuple[float, float], p2: float, within2: tuple[float, float]) -> tuple[float, float]:
    """The interval of the difference p1 - p2 of two shares that lie `within` intervals of their own."""
    (low1, high1), (low2, high2) = within1, within2
    low = p1 - p2 - math.hypot(p1 - low1, high2 - p2)
    high = p1 - p2 + math.hypot(high1 - p1, p2 - low2)
    return max(-1.0, low), min(1.0, high)


def median_rank(n: int) -> int:
    """r such that the median lies between the r-th smallest and the r-th largest of n values in at least 95 % of
    samples: the largest with P(Binomial(n, 1/2) < r) <= 0.025; 0 if there is none, which is so below six values."""
    if n > 1_000:
        return max(0, math.floor((n - Z * math.sqrt(n)) / 2))
    below, rank, log_half = 0.0, 0, -n * math.log(2)
    while True:
        below += math.exp(math.lgamma(n + 1) - math.lgamma(rank + 1) - math.lgamma(n - rank + 1) + log_half)
        if below > 0.025:
            return rank
        rank += 1
