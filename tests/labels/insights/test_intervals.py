"""Intervals against published examples, against scipy, and their properties."""

import math
from itertools import pairwise

import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from labels.insights import intervals
from labels.insights.figures import FEW, Figure
from labels.insights.intervals import (
    clustered_share,
    difference,
    fisher,
    holm,
    katz,
    mean,
    mean_difference,
    median,
    newcombe,
    share,
)
from labels.intervals import median_rank, wilson

stats = pytest.importorskip("scipy.stats")


@st.composite
def counted(draw: st.DrawFn) -> tuple[int, int]:
    """(count, n)"""
    n = draw(st.integers(1, 5_000))
    return draw(st.integers(0, n)), n


# Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_published(count: int, n: int, low: float, high: float):
    assert wilson(count, n) == pytest.approx((low, high), abs=5e-5)


# Newcombe 1998, "Interval estimation for the difference between independent proportions", table II, method 10.
@pytest.mark.parametrize(
    ("one", "two", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 10), 0.6075, 1.0),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 10), -0.2775, 0.2775),
    ],
)
def test_newcombe_as_published(one: tuple[int, int], two: tuple[int, int], low: float, high: float):
    assert newcombe(*one, *two) == pytest.approx((low, high), abs=5e-5)


@given(counted())
@quick(200)
def test_a_share_lies_in_its_interval_and_mirrors(pair: tuple[int, int]):
    count, n = pair
    figure, other = share(count, n), share(n - count, n)
    assert figure.value == count / n
    assert 0 <= figure.low <= figure.value <= figure.high <= 1
    assert figure.low < figure.high
    assert (1 - other.high, 1 - other.low) == pytest.approx((figure.low, figure.high), abs=1e-12)
    scipy = stats.binomtest(count, n).proportion_ci(method="wilson")
    assert (figure.low, figure.high) == pytest.approx((scipy.low, scipy.high), abs=1e-9)
    assert figure.too_few == (n < FEW)


@given(counted(), counted())
@quick(200)
def test_a_difference_lies_in_its_interval_and_turns_round(one: tuple[int, int], two: tuple[int, int]):
    figure, other = difference(*one, *two, "-"), difference(*two, *one, "-")
    assert -1 <= figure.low <= figure.value <= figure.high <= 1
    assert (-other.high, -other.low) == pytest.approx((figure.low, figure.high), abs=1e-12)
    assert figure.n == min(one[1], two[1])


@given(counted(), counted())
@quick(200)
def test_a_ratio_as_scipy_has_it(one: tuple[int, int], two: tuple[int, int]):
    figure = katz(*one, *two, "-")
    assert 0 < figure.low <= figure.value <= figure.high < math.inf
    (a, m), (b, n) = one, two
    if a and b and not (a == m and b == n):
        found = stats.contingency.relative_risk(a, m, b, n)
        interval = found.confidence_interval(0.95)
        assert figure.value == pytest.approx(found.relative_risk)
        assert (figure.low, figure.high) == pytest.approx((interval.low, interval.high), rel=1e-6)


def test_what_has_no_runs_is_undefined_and_says_why():
    assert share(0, 0).json() == {
        "value": None, "low": None, "high": None, "n": 0, "count": 0, "why": "no run was judged for it", "too_few": True
    }  # fmt: skip
    assert difference(1, 2, 0, 0, "none there") == Figure(None, why="none there")
    assert katz(0, 0, 1, 2, "none there").value is None
    assert mean(np.zeros(0), "nothing") == Figure(None, why="nothing")
    assert median(np.zeros(0), "nothing").why == "nothing"
    assert clustered_share(np.zeros(3), np.zeros(3), "no failure").why == "no failure"
    assert mean_difference(np.ones(2), np.zeros(0), "one side").why == "one side"


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
@quick(200)
def test_fisher_as_scipy_has_it(a: int, b: int, c: int, d: int):
    found = fisher(a, a + b, c, c + d)
    assert found == pytest.approx(stats.fisher_exact([[a, b], [c, d]]).pvalue, abs=1e-6)


def test_holm_on_an_example_by_hand():
    # Sorted: .01 x 4 = .04, .02 x 3 = .06, .03 x 2 = .06, .04 x 1 = .04, which may not fall below .06.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
@quick(100)
def test_holm_never_lowers_and_keeps_the_order(ps: list[float]):
    found = holm(ps)
    assert all(before <= after <= 1 for before, after in zip(ps, found, strict=True))
    order = sorted(range(len(ps)), key=lambda place: ps[place])
    assert all(found[one] <= found[two] for one, two in pairwise(order))


@pytest.mark.parametrize("df", [1, 1.2, 1.5, 1.95, 2, 2.5, 3, 3.3, 4, 5, 8, 12, 30, 200])
def test_student_t(df: int):
    assert intervals._t(df) == pytest.approx(stats.t.ppf(0.975, df), rel=0.01)


@given(st.integers(1, 400))
@quick(100)
def test_the_rank_of_a_median_covers_95_percent(n: int):
    rank = median_rank(n)
    covered = 1 - 2 * stats.binom.cdf(rank - 1, n, 0.5) if rank else 1.0
    assert covered >= 0.95 - 1e-9
    if rank:
        assert 1 - 2 * stats.binom.cdf(rank, n, 0.5) < 0.95  # and no narrower one does


def test_a_median_of_five_has_no_interval_and_of_six_its_ends():
    assert median(np.array([1.0, 2, 3, 4, 5]), "-") == Figure(3.0, n=5)
    assert median(np.array([6.0, 1, 2, 3, 4, 5]), "-") == Figure(3.5, 1.0, 6.0, 6)


@given(st.lists(st.integers(0, 14), min_size=2, max_size=60))
@quick(60)
def test_a_mean_lies_in_its_interval_and_is_the_same_every_time(values: list[int]):
    array = np.array(values)
    figure = mean(array, "-")
    assert figure.value == pytest.approx(sum(values) / len(values))
    assert figure == mean(array[::-1].copy(), "-")
    if len(set(values)) == 1:
        assert figure.low is None
        assert "no interval" in figure.why
    else:
        assert min(values) <= figure.low <= figure.value <= figure.high <= max(values)


def test_the_interval_of_a_mean_is_about_as_wide_as_theory_has_it():
    values = np.random.default_rng(1).poisson(3, size=400)
    figure = mean(values, "-")
    half = 1.96 * values.std(ddof=1) / 20
    assert (figure.high - figure.low) / 2 == pytest.approx(half, rel=0.1)


@given(st.lists(st.integers(0, 14), min_size=2, max_size=30), st.lists(st.integers(0, 14), min_size=2, max_size=30))
@quick(100)
def test_a_difference_of_means_is_welchs(one: list[int], two: list[int]):
    first, second = np.array(one, dtype=float), np.array(two, dtype=float)
    figure = mean_difference(first, second, "-")
    if min(first.var(), second.var()) == 0:  # scipy loses its precision there
        assert figure.low is None or first.var() + second.var() > 0
        return
    expected = stats.ttest_ind(second, first, equal_var=False).confidence_interval(0.95)
    width = expected.high - expected.low
    assert figure.low == pytest.approx(expected.low, abs=0.02 * width)
    assert figure.high == pytest.approx(expected.high, abs=0.02 * width)


def test_a_share_of_failures_widens_where_they_come_in_clusters():
    whole = np.full(50, 4.0)
    spread = np.tile([2.0, 2.0], 25)
    lumped = np.tile([4.0, 0.0], 25)
    even, clustered = clustered_share(spread, whole, "-"), clustered_share(lumped, whole, "-")
    assert even.value == clustered.value == 0.5
    assert (even.n, even.count) == (200, 100)
    assert (even.low, even.high) == pytest.approx(wilson(100, 200))
    # All or nothing in each run: 50 runs are 50 independent answers (49 of 50, for the mean was estimated).
    assert (clustered.low, clustered.high) == pytest.approx(wilson(24.5, 49), abs=1e-9)
    nothing = clustered_share(np.zeros(50), whole, "-")
    assert (nothing.low, nothing.high) == pytest.approx(wilson(0, 200))
