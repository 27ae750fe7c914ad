"""How often a step comes out right, estimated from reviewed chunks. Pure numbers: nothing heavy is imported here.

Of a step's success p it is known that so many steps were right (p each), that so many were the first wrong one of their
chunk (1 - p each), and that of so many chunks not all k steps were right (1 - p^k each). With a Beta prior the product
is the density of p, but for a factor; without chunks of the last kind it is a Beta distribution itself. Mean and
quantiles are taken from it by numerical integration over the log-odds of p, where the density has one peak and falls
off quickly on both sides.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate

from labels.planning.quick import PRIOR_RIGHT, PRIOR_WRONG

#: The interval is between these quantiles.
LOW, HIGH = 0.025, 0.975
#: Places at which the density is taken, how far it has fallen at both ends (e^-35 of its peak), the widest log-odds.
_PLACES, _FALL, _WIDEST = 2_000, 35.0, 200.0


@dataclass
class Tally:
    """What reviews have shown. right, wrong: steps. somewhere: size of a chunk -> how many such failed without anybody
    saying at which step. chunks, failed: reviewed chunks that count, and those of them that failed. runs: of so many
    runs."""

    right: int = 0
    wrong: int = 0
    somewhere: Counter[int] = field(default_factory=Counter)
    chunks: int = 0
    failed: int = 0
    runs: int = 0


@dataclass(frozen=True)
class Estimate:
    """success: of a step, the mean; low, high: its 95 % interval. chunks, failed, runs: as in the tally, all 0 while
    there is only the prior. own: whether only one's own reviews were used."""

    success: float
    low: float
    high: float
    chunks: int = 0
    failed: int = 0
    runs: int = 0
    own: bool = False

    def finish(self, steps: int) -> tuple[float, float, float]:
        """The chance that so many steps all come out right, if nobody looks: at the mean and at both ends."""
        return self.success**steps, self.low**steps, self.high**steps


def estimate(tally: Tally, *, own: bool = False) -> Estimate:
    """The estimate that follows from reviews and the prior."""
    log_density = _log_density(tally)
    places, weights = _grid(log_density)
    total = math.fsum(weights)
    mean = math.fsum(_logistic(place) * weight for place, weight in zip(places, weights, strict=True)) / total
    below = [part / total for part in accumulate(weights)]
    low, high = (_logistic(_quantile(places, below, share)) for share in (LOW, HIGH))
    return Estimate(mean, low, high, tally.chunks, tally.failed, tally.runs, own)


def _log_density(tally: Tally) -> Callable[[float], float]:
    """Of the log-odds, but for a constant. The change of variable gives one more of each exponent."""
    right, wrong = PRIOR_RIGHT + tally.right, PRIOR_WRONG + tally.wrong
    somewhere = list(tally.somewhere.items())

    def at(odds: float) -> float:
        log_p, log_q = -_softplus(-odds), -_softplus(odds)
        found = right * log_p + wrong * log_q
        for size, count in somewhere:
            found += count * math.log(-math.expm1(size * log_p)) if log_p < 0 else -math.inf
        return found

    return at


def _softplus(value: float) -> float:
    """log(1 + e^value), without overflow."""
    return value + math.log1p(math.exp(-value)) if value > 0 else math.log1p(math.exp(value))


def _logistic(odds: float) -> float:
    return 1 / (1 + math.exp(-odds)) if odds > 0 else math.exp(odds) / (1 + math.exp(odds))


def _grid(log_density: Callable[[float], float]) -> tuple[list[float], list[float]]:
    """Places from end to end of where the density is, and its height at each."""
    peak = _peak(log_density)
    top = log_density(peak)
    low, high = (_end(log_density, peak, top, way) for way in (-1.0, 1.0))
    places = [low + (high - low) * number / _PLACES for number in range(_PLACES + 1)]
    return places, [math.exp(log_density(place) - top) for place in places]


def _peak(log_density: Callable[[float], float]) -> float:
    """By thirds: the density has one peak."""
    low, high = -30.0, 30.0
    for _ in range(80):
        third = (high - low) / 3
        if log_density(low + third) < log_density(high - third):
            low += third
        else:
            high -= third
    return (low + high) / 2


def _end(log_density: Callable[[float], float], peak: float, top: float, way: float) -> float:
    step = 1e-3
    while step < _WIDEST and log_density(peak + way * step) > top - _FALL:
        step *= 1.3
    return peak + way * step


def _quantile(places: list[float], below: list[float], share: float) -> float:
    """Between two places, in proportion. below: the share of the density up to the middle between a place and the next
    one (each place stands for the strip around it)."""
    place = min(bisect_left(below, share), len(places) - 1)
    before = below[place - 1] if place else 0.0
    inside = (share - before) / (below[place] - before) if below[place] > before else 0.5
    width = places[1] - places[0]
    return places[place] + (inside - 0.5) * width
