"""Modes that occur together: counted, tested, and corrected for how many pairs there are."""

import math

import pytest
from insight_desk import LOOP, RESET, WRONG, Desk

from labels.insights.intervals import holm
from labels.insights.pairs import chance


def test_chance_is_fishers_and_beyond_its_limit_chi_square():
    assert chance(20, 10, 10, 10) == pytest.approx(2 / math.comb(20, 10))
    assert chance(20, 10, 10, 5) == pytest.approx(1.0)
    phi = (401 * 40 - 100 * 100) / (100 * 301)
    assert chance(401, 100, 100, 40) == pytest.approx(math.erfc(math.sqrt(401 / 2) * phi))
    assert chance(401, 100, 100, 40) == pytest.approx(chance(400, 100, 100, 40), rel=1.0)
    for one, two in ((0, 10), (10, 0), (20, 10), (10, 20)):  # a mode that is everywhere or nowhere goes with all
        assert chance(20, one, two, min(one, two)) == 1.0


def test_pairs_are_corrected_together(desk: Desk):
    for place in range(12):
        desk.judged(
            desk.run(), *[mode for mode, there in ((LOOP, place < 6), (WRONG, place < 6), (RESET, place % 2)) if there]
        )
    found = desk.profile().pairs
    assert (found[0].first, found[0].second) == (LOOP, WRONG)
    assert [pair.p for pair in found] == [
        chance(pair.n, pair.first_runs, pair.second_runs, pair.both) for pair in found
    ]
    assert [pair.adjusted for pair in found] == holm([pair.p or 0.0 for pair in found])
    assert found[0].p == pytest.approx(2 / math.comb(12, 6))
    assert found[0].adjusted == pytest.approx(3 * 2 / math.comb(12, 6))


def test_too_few_runs_are_not_tested(desk: Desk):
    for _ in range(3):
        desk.judged(desk.run(), LOOP, WRONG)
    (pair,) = desk.profile().pairs
    assert (pair.both, pair.p, pair.adjusted) == (3, None, None)
