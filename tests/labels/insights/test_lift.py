"""Which modes are fatal here: the prior from the published list, and what one's own runs make of it."""

import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st
from insight_desk import MAST

from labels.insights import published
from labels.insights.lift import MARGIN, fatal_odds_ratio, lift

stats = pytest.importorskip("scipy.stats")


def test_the_prior_is_the_list_and_its_own_charts():
    assert set(published.fatal()) == {mode.slug for mode in MAST.modes if mode.severity.level == "fatal"}
    # Mantel and Haenszel by hand, from the counts of the charts.
    top = bottom = 0.0
    for chart in published.charts():
        n = chart.success + chart.failed
        for slug in published.fatal():
            a, b = chart.in_failed[slug] * chart.failed, chart.in_success[slug] * chart.success
            c, d = chart.failed - a, chart.success - b
            top, bottom = top + a * d / n, bottom + b * c / n
    assert fatal_odds_ratio() == pytest.approx(top / bottom)
    assert 3 < fatal_odds_ratio() < 7


def test_many_runs_outvote_the_prior():
    fatal = lift(95, 100, 50, 100, "recoverable")
    assert (fatal.here, fatal.published) == ("fatal", "recoverable")
    assert fatal.shrunk.value == pytest.approx(0.45, abs=0.03)
    harmless = lift(50, 100, 50, 100, "fatal")
    assert harmless.here == "unclear"  # no difference seen, but 100 a side leave room for ten points
    assert lift(500, 1000, 500, 1000, "fatal").here == "recoverable"
    assert lift(300, 1000, 500, 1000, "fatal").here == "recoverable"


def test_few_runs_say_so_and_lean_on_the_prior():
    one, other = lift(2, 3, 4, 8, "fatal"), lift(2, 3, 4, 8, "unclear")
    assert one.here == other.here == "too few runs"
    assert one.shrunk.value > other.shrunk.value
    assert "published as fatal" in one.prior
    assert "no difference expected" in other.prior


def test_only_failed_runs_say_nothing():
    found = lift(10, 10, 20, 20, "fatal")
    assert found.here == "too few runs"
    assert found.difference.value == 0.0


@pytest.mark.parametrize(("k1", "n1", "k0", "n0"), [(9, 10, 5, 20), (3, 8, 6, 9), (0, 5, 5, 5), (40, 60, 100, 300)])
def test_the_posterior_is_beta_binomial(k1: int, n1: int, k0: int, n0: int):
    found = lift(k1, n1, k0, n0, "unclear")
    rate = (k1 + k0 + 0.5) / (n1 + n0 + 1)
    one = stats.beta(4 * rate + k1, 4 * (1 - rate) + n1 - k1)
    two = stats.beta(4 * rate + k0, 4 * (1 - rate) + n0 - k0)
    difference = one.rvs(200_000, random_state=1) - two.rvs(200_000, random_state=2)
    assert found.shrunk.value == pytest.approx(one.mean() - two.mean())
    assert found.probability == pytest.approx((difference > 0).mean(), abs=0.005)
    assert found.shrunk.low == pytest.approx(sorted(difference)[5_000], abs=0.01)
    assert found.shrunk.high == pytest.approx(sorted(difference)[195_000], abs=0.01)


@given(
    st.integers(1, 900), st.integers(1, 900), st.floats(0, 1), st.floats(0, 1), st.sampled_from(["fatal", "unclear"])
)
@quick(100)
def test_what_is_said_follows_from_the_figures(n1: int, n0: int, one: float, two: float, level: str):
    found = lift(round(one * n1), n1, round(two * n0), n0, level)
    assert -1 <= found.shrunk.low <= found.shrunk.value <= found.shrunk.high <= 1
    assert found.probability is not None
    assert 0 <= found.probability <= 1
    if found.here == "fatal":
        assert found.shrunk.value >= MARGIN
        assert found.probability >= 0.95
    if found.here == "recoverable":
        assert found.shrunk.value < MARGIN
    if min(n1, n0) < 5:
        assert found.here == "too few runs"
