"""Which modes are fatal and which recoverable in this scope: how much more often runs with a mode fail.

The prior is the published list of fatal and recoverable modes, carried by the codebook (`severity`): a mode that the
list calls recoverable is expected to make no difference; one that it calls fatal is expected to raise the odds of
failing as much as the list's fatal modes did in the IT-Bench study's own charts (Mantel and Haenszel's common odds
ratio over its three models, `fatal_odds_ratio`); of any other nothing is expected. Each expectation weighs as much as
four runs with the mode and four without (`WEIGHT`), so it rules where there is next to nothing, and is outvoted by a
dozen runs. The posterior is beta-binomial: of the share that fails with the mode, and of the share without.

A mode is called fatal here where it raises the share of failures with a probability of at least 95 % and by ten points
or more after the prior; recoverable where it raises it by less than ten points with that probability; else it is
unclear. It says what goes together, not what causes what: long hard runs have more of everything.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from labels.insights import published
from labels.insights.figures import FEW, Figure, Lift
from labels.insights.intervals import difference, katz, share
from labels.intervals import Z

if TYPE_CHECKING:
    from labels.insights.intervals import Array

WEIGHT = 4.0
MARGIN, SURE_ENOUGH = 0.10, 0.95
#: Of the distribution of a share; above so many runs a side the normal distribution is as good.
_GRID, _MANY = 1_000, 400
NO_BOTH = "needs failed and successful runs"


def lift(with_failed: int, with_all: int, without_failed: int, without_all: int, level: str) -> Lift:
    """with_failed of with_all runs with the mode failed, and so on. level: the codebook's class of the mode."""
    one = share(with_failed, with_all, "no run with the mode has a known outcome")
    two = share(without_failed, without_all, "no run without the mode has a known outcome")
    failed, every = with_failed + without_failed, with_all + without_all
    why = NO_BOTH if every and failed in (0, every) else one.why or two.why
    expected = _expected(level)
    if not with_all or not without_all:
        nothing = Figure(None, n=min(with_all, without_all), why=why)
        return Lift(one, two, nothing, nothing, nothing, None, "too few runs", level, expected)
    shrunk, probability, small = _posterior(with_failed, with_all, without_failed, without_all, level)
    return Lift(
        one, two, difference(with_failed, with_all, without_failed, without_all, why),
        katz(with_failed, with_all, without_failed, without_all, why), shrunk, probability,
        _here(shrunk, probability, small, failed in (0, every)), level, expected,
    )  # fmt: skip


def _here(shrunk: Figure, probability: float, small: float, one_sided: bool) -> str:
    if one_sided or shrunk.n < FEW:
        return "too few runs"
    if probability >= SURE_ENOUGH and (shrunk.value or 0.0) >= MARGIN:
        return "fatal"
    return "recoverable" if small >= SURE_ENOUGH else "unclear"


def _expected(level: str) -> str:
    if level == "fatal":
        return f"published as fatal: {fatal_odds_ratio():.1f} times the odds of failing expected"
    if level == "recoverable":
        return "published as recoverable: no difference expected"
    return "not on the published list: no difference expected"


def _posterior(k1: int, n1: int, k0: int, n0: int, level: str) -> tuple[Figure, float, float]:
    """(difference after the prior, P(difference > 0), P(difference < MARGIN))"""
    rate = (k1 + k0 + 0.5) / (n1 + n0 + 1)
    odds = rate / (1 - rate) * (fatal_odds_ratio() if level == "fatal" else 1.0)
    expected = odds / (1 + odds)
    a1, b1 = WEIGHT * expected + k1, WEIGHT * (1 - expected) + n1 - k1
    a0, b0 = WEIGHT * rate + k0, WEIGHT * (1 - rate) + n0 - k0
    value = a1 / (a1 + b1) - a0 / (a0 + b0)
    n = min(n1, n0)
    if n > _MANY:
        spread = math.sqrt(_variance(a1, b1) + _variance(a0, b0))
        figure = Figure(value, max(-1.0, value - Z * spread), min(1.0, value + Z * spread), n)
        return figure, _normal(value / spread), _normal((MARGIN - value) / spread)
    places, weight = _difference(_beta(a1, b1), _beta(a0, b0))
    total = weight.cumsum()
    low, high = (float(places[int((total >= point).argmax())]) for point in (0.025, 0.975))
    # The figure lies in its interval even where the grid is coarser than the figure.
    figure = Figure(value, min(low, value), max(high, value), n)
    half = weight / 2
    above = float((weight * (places > 0)).sum() + half[places == 0].sum())
    below = float((weight * (places < MARGIN - 1e-9)).sum())
    return figure, min(1.0, above), min(1.0, below)  # sums of a thousand weights may come out a hair above 1


def _variance(a: float, b: float) -> float:
    return a * b / ((a + b) ** 2 * (a + b + 1))


def _normal(z: float) -> float:
    return (1 + math.erf(z / math.sqrt(2))) / 2


def _beta(a: float, b: float) -> Array:
    """Weights of a beta distribution on the middles of a grid."""
    import numpy as np

    x = (np.arange(_GRID) + 0.5) / _GRID
    log = (a - 1) * np.log(x) + (b - 1) * np.log1p(-x)
    weight = np.exp(log - log.max())
    found: Array = weight / weight.sum()
    return found


def _difference(one: Array, two: Array) -> tuple[Array, Array]:
    """The distribution of one - two: places from -1 to 1, and their weights."""
    import numpy as np

    weight = np.convolve(one, two[::-1])
    places = (np.arange(len(weight)) - (_GRID - 1)) / _GRID
    return places, weight


@cache
def fatal_odds_ratio() -> float:
    """How much higher the odds of failing were in the study's charts for runs with a mode that its list calls fatal:
    Mantel and Haenszel's common odds ratio over its models and those modes."""
    top = bottom = 0.0
    for chart in published.charts():
        every = chart.success + chart.failed
        for slug in published.fatal():
            with_failed, with_good = chart.in_failed[slug] * chart.failed, chart.in_success[slug] * chart.success
            top += with_failed * (chart.success - with_good) / every
            bottom += with_good * (chart.failed - with_failed) / every
    return top / bottom
