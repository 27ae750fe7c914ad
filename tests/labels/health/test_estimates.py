"""Intervals against published figures and against what they promise: to hold the truth in 95 % of samples."""

import random
from statistics import mean

import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from labels.health.estimates import Estimate, difference, median, quantile, ratio, share, slope
from labels.intervals import wilson


def test_wilson_and_newcombe_as_published():
    """Newcombe (1998): 56/70 - 48/80 has (0.0524, 0.3339) by his method 10; 0/10 alone has (0, 0.2775)."""
    a, b = (Estimate(y / n, n, n, *wilson(y, n)) for y, n in ((56, 70), (48, 80)))
    found = difference(a, b)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson(10, 10)[1] == 1


def test_a_share_of_chunks_in_few_runs_is_known_less_well():
    alone = share([(str(n), n % 2 == 0) for n in range(40)])
    together = share([(str(n // 20), n < 20) for n in range(40)])
    assert (alone.value, together.value) == (0.5, 0.5)
    assert (alone.groups, together.groups) == (40, 2)
    assert (together.high or 0) - (together.low or 0) > 2 * ((alone.high or 0) - (alone.low or 0))
    assert share([]).value is None
    assert share([("a", True)]).few


def test_clustered_intervals_hold_the_truth_as_often_as_they_say():
    chance = random.Random(3)
    held = 0
    for _ in range(400):
        cases = []
        for run in range(25):
            p = chance.betavariate(3, 2)  # mean 0.6, runs differ
            cases += [(str(run), chance.random() < p) for _ in range(8)]
        found = share(cases)
        held += (found.low or 0) <= 0.6 <= (found.high or 0)
    assert 0.91 <= held / 400 <= 0.99


def test_medians_hold_the_truth_as_often_as_they_say():
    chance = random.Random(4)
    for size in (9, 40):
        held = 0
        for _ in range(500):
            found = median(chance.lognormvariate(3, 1) for _ in range(size))
            held += (found.low or 0) <= 20.0855 <= (found.high or 0)
        assert 0.93 <= held / 500 <= 1.0
    assert median([]).value is None
    assert median([7.0]).value == 7.0
    assert median([1.0, 2, 3, 4, 5]).low is None, "1 to 5 holds it in 93.75 % of samples only"
    assert (median([1.0, 2, 3, 4, 5, 6]).low, median([1.0, 2, 3, 4, 5, 6]).high) == (1.0, 6.0)
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.25) == 1.75


def test_ratios_and_slopes_find_what_was_put_in():
    chance = random.Random(5)
    before = [chance.lognormvariate(3, 0.5) for _ in range(300)]
    after = [2 * chance.lognormvariate(3, 0.5) for _ in range(300)]
    found = ratio(after, before)
    assert 1.7 < (found.low or 0) < 2 < (found.high or 0) < 2.25
    points = [(week, 30 * 1.1**week * chance.lognormvariate(0, 0.1)) for week in range(8) for _ in range(20)]
    growth = slope(points)
    assert growth.value == pytest.approx(0.1, abs=0.01)
    assert (growth.low or 0) < 0.1 < (growth.high or 0)
    assert ratio([1.0], [1.0, 2.0]).value is None
    assert slope([(0.0, 1.0), (0.0, 2.0), (0.0, 3.0)]).value is None
    assert mean(after) > mean(before)


@quick(150)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), min_size=1, max_size=40))
def test_an_interval_holds_its_figure_and_stays_between_0_and_1(cases: list[tuple[str, bool]]):
    found = share(cases)
    assert found.value is not None
    assert 0 <= (found.low or 0) <= found.value <= (found.high or 0) <= 1
