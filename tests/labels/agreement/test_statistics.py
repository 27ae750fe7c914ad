"""Agreement statistics against published examples, scikit-learn and krippendorff."""

import math
from collections.abc import Sequence
from typing import Any

import krippendorff
import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from labels.agreement import statistics as stat

#: Krippendorff 2011, C: 12 units, 4 observers, 5 values.
K2011 = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
#: Krippendorff 2011, A: two observers, 10 units, yes or no.
K2011_A = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]

#: Krippendorff 2011, B: two observers, 12 units, five values.
K2011_B = [[1, 1, 2, 2, 4, 3, 3, 3, 5, 4, 4, 1], [2, 1, 2, 2, 2, 3, 3, 3, 5, 4, 4, 4]]


def sums_of(ratings: list[list[int | None]], categories: list[int] | None = None) -> Any:
    """Raters x units of categories or None -> sums in one cluster."""
    categories = categories or [0, 1]
    counts = [[sum(row[unit] == value for row in ratings) for value in categories] for unit in range(len(ratings[0]))]
    return stat.unit_sums(np.array(counts), np.zeros(len(counts), dtype=int), 1)


def set_alpha(units: Sequence[Sequence[frozenset[Any]]]) -> float:
    """Alpha of the sets that raters gave to each unit."""
    sets = list({item: None for unit in units for item in unit})
    codes = np.array([sets.index(item) for unit in units for item in unit], dtype=np.int64)
    of = np.array([place for place, unit in enumerate(units) for _ in unit], dtype=np.int64)
    distance = stat.masi_table(sets)
    observed, totals = stat.set_sums(codes, of, np.zeros(len(units), dtype=np.int64), 1, distance)
    return only(stat.set_alphas(observed, totals, distance))


def only(value: Any) -> float:
    (found,) = value
    return float(found)


def as_sets(ratings: list[list[int | None]]) -> list[list[frozenset[int]]]:
    return [[frozenset([row[unit]]) for row in ratings if row[unit] is not None] for unit in range(len(ratings[0]))]


def test_krippendorffs_published_examples() -> None:
    assert only(stat.alpha(sums_of(K2011_A))) == pytest.approx(0.095, abs=5e-4)
    assert only(stat.alpha(sums_of(K2011_B, [1, 2, 3, 4, 5]))) == pytest.approx(0.692, abs=5e-4)
    assert only(stat.alpha(sums_of(K2011, [1, 2, 3, 4, 5]))) == pytest.approx(0.743, abs=5e-4)
    assert set_alpha(as_sets(K2011)) == pytest.approx(0.743, abs=5e-4)  # sets of one value each: nominal
    assert set_alpha(as_sets(K2011_A)) == pytest.approx(0.095, abs=5e-4)


def test_ac1_with_missing_judgements() -> None:
    """On the table of Krippendorff 2011, C, irrCAC 0.4.4 gives .77544, as the vignette of R's irrCAC does."""
    assert only(stat.ac1(sums_of(K2011, [1, 2, 3, 4, 5]))) == pytest.approx(0.77544, abs=5e-6)


def test_a_rare_mode_shows_why_one_figure_is_not_enough() -> None:
    """3 + 3 of 200: raters agree on 98 %, and kappa is .32."""
    one, two = [0] * 200, [0] * 200
    for place in (0, 1, 2):
        one[place] = 1
    for place in (2, 3, 4):
        two[place] = 1
    sums = sums_of([one, two])
    assert only(stat.raw(sums)) == pytest.approx(0.980)
    assert only(stat.pabak(sums)) == pytest.approx(0.960)
    assert only(stat.prevalence(sums)) == pytest.approx(0.015)
    assert only(stat.ac1(sums)) == pytest.approx(0.97939, abs=5e-6)
    assert only(stat.alpha(sums)) == pytest.approx(0.3249, abs=5e-5)
    table = np.array([[195, 2, 2, 1]], dtype=float)
    assert only(stat.cohen(table)) == pytest.approx(0.3232, abs=5e-5)


#: Fleiss 1971: 30 patients, 6 psychiatrists, 5 diagnoses; how many gave each.
FLEISS = [
    (0, 0, 0, 6, 0), (0, 3, 0, 0, 3), (0, 1, 4, 0, 1), (0, 0, 0, 0, 6), (0, 3, 0, 3, 0), (2, 0, 4, 0, 0),
    (0, 0, 4, 0, 2), (2, 0, 3, 1, 0), (2, 0, 0, 4, 0), (0, 0, 0, 0, 6), (1, 0, 0, 5, 0), (1, 1, 0, 4, 0),
    (0, 3, 3, 0, 0), (1, 0, 0, 5, 0), (0, 2, 0, 3, 1), (0, 0, 5, 0, 1), (3, 0, 0, 1, 2), (5, 1, 0, 0, 0),
    (0, 2, 0, 4, 0), (1, 0, 2, 0, 3), (0, 0, 0, 0, 6), (0, 1, 0, 5, 0), (0, 2, 0, 1, 3), (2, 0, 0, 4, 0),
    (1, 0, 0, 4, 1), (0, 5, 0, 1, 0), (4, 0, 0, 0, 2), (0, 2, 0, 4, 0), (1, 0, 5, 0, 0), (0, 0, 0, 0, 6),
]  # fmt: skip


def test_fleiss_published_example() -> None:
    """The kappa of all five categories is .430: the mean of the kappas of each against the rest, weighted by p(1-p)."""
    counts = np.array(FLEISS)
    top = bottom = 0.0
    for column in range(5):
        sums = stat.unit_sums(stat.binary(np.full(30, 6), counts[:, column]), np.zeros(30, dtype=int), 1)
        p = counts[:, column].sum() / 180
        top += p * (1 - p) * only(stat.fleiss(sums))
        bottom += p * (1 - p)
    assert top / bottom == pytest.approx(0.430, abs=5e-4)
    assert only(stat.fleiss(stat.unit_sums(counts, np.zeros(30, dtype=int), 1))) == pytest.approx(0.430, abs=5e-4)


def test_masi() -> None:
    empty, a, b, ab, bc = (frozenset(text) for text in ("", "a", "b", "ab", "bc"))
    assert stat.masi(empty, empty) == 0  # the commonest case: nobody found anything
    assert stat.masi(empty, a) == stat.masi(a, b) == 1
    assert stat.masi(a, ab) == pytest.approx(1 - 1 / 2 * 2 / 3)
    assert stat.masi(ab, bc) == pytest.approx(1 - 1 / 3 * 1 / 3)


RATINGS = st.lists(st.lists(st.sampled_from([0, 1, None]), min_size=3, max_size=3), min_size=2, max_size=25)


@quick(60)
@given(RATINGS)
def test_alpha_is_that_of_krippendorff(units: list[list[int | None]]) -> None:
    ratings = [list(row) for row in zip(*units, strict=True)]
    values = np.array([[np.nan if value is None else value for value in row] for row in ratings], dtype=float)
    sums = sums_of(ratings)
    ours = only(stat.alpha(sums))
    pairs = (~np.isnan(values)).sum(axis=0) > 1
    used = values[:, pairs]
    if not pairs.any() or len(np.unique(used[~np.isnan(used)])) < 2:
        assert math.isnan(ours)
        return
    theirs = krippendorff.alpha(reliability_data=values, level_of_measurement="nominal")
    assert ours == pytest.approx(theirs)
    assert set_alpha(as_sets(ratings)) == pytest.approx(theirs)


@quick(40)
@given(
    st.lists(
        st.lists(st.sets(st.sampled_from("abc"), max_size=3).map(frozenset), min_size=3, max_size=3),
        min_size=2,
        max_size=8,
    )
)
def test_set_alpha_is_that_of_krippendorff_with_our_distance(units: list[list[frozenset[str]]]) -> None:
    values = sorted({item for unit in units for item in unit}, key=sorted)
    if len(values) < 2:
        assert math.isnan(set_alpha(units))
        return
    counts = np.array([[unit.count(value) for value in values] for unit in units])
    distance = np.array([[stat.masi(one, two) for two in values] for one in values])

    def metric(v1: Any, v2: Any, i1: Any, i2: Any, n_v: Any, **_: Any) -> Any:
        return distance[i1, i2]

    theirs = krippendorff.alpha(value_counts=counts, value_domain=np.arange(len(values)), level_of_measurement=metric)
    assert set_alpha(units) == pytest.approx(theirs)


@quick(60)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=30))
def test_cohen_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    table = np.zeros((1, 4))
    for one, two in pairs:
        table[0, 2 * one + two] += 1
    ours = only(stat.cohen(table))
    if len({value for pair in pairs for value in pair}) == 1:
        assert math.isnan(ours)  # both said one thing only: agreement beyond chance has no meaning
        return
    one, two = zip(*pairs, strict=True)
    assert ours == pytest.approx(cohen_kappa_score(one, two))


def test_ac1_of_two_raters_is_gwets() -> None:
    """Gwet 2008 by hand: po = .85, p = (25 + 20) / 200."""
    table = {(1, 1): 15, (1, 0): 10, (0, 1): 5, (0, 0): 70}
    one = [pair[0] for pair, count in table.items() for _ in range(count)]
    two = [pair[1] for pair, count in table.items() for _ in range(count)]
    sums = sums_of([one, two])
    chance = 2 * 0.225 * 0.775
    assert only(stat.ac1(sums)) == pytest.approx((0.85 - chance) / (1 - chance))


def test_dawid_skene_finds_the_careless_rater_and_beats_the_majority() -> None:
    random = np.random.default_rng(1)
    truth = random.random(2000) < 0.3
    skill = [(0.95, 0.95), (0.9, 0.9), (0.6, 0.6), (0.6, 0.6), (0.55, 0.6)]
    judged = []
    for sensitivity, specificity in skill:
        right = random.random(2000) < np.where(truth, sensitivity, specificity)
        judged.append(np.where(right, truth, ~truth).astype(int))
    table = np.stack(judged, axis=1)
    there, sensitivity, specificity = stat.dawid_skene(table, np.ones(2000))
    majority = table.sum(axis=1) > 2.5
    assert ((there > 0.5) == truth).mean() > (majority == truth).mean() + 0.05
    assert min(sensitivity[:2]) > 0.85 > 0.75 > max(sensitivity[2:])
    assert specificity[0] > 0.85


def test_a_unit_that_nobody_judged_stays_open() -> None:
    there, _, _ = stat.dawid_skene(np.array([[1, -1], [-1, -1]]), np.ones(2))
    assert 0.5 <= there[0] <= 1
    assert 0 <= there[1] <= 1


def test_patterns_weigh_as_many_units() -> None:
    random = np.random.default_rng(2)
    table = random.integers(-1, 2, size=(300, 3))
    found, where, counts = np.unique(table, axis=0, return_inverse=True, return_counts=True)
    one, two = stat.dawid_skene(table, np.ones(300)), stat.dawid_skene(found, counts.astype(float))
    assert one[0] == pytest.approx(two[0][where.reshape(-1)], abs=1e-4)
    assert one[1] == pytest.approx(two[1], abs=1e-4)


SETS = st.lists(st.sets(st.sampled_from("abcd"), max_size=4).map(frozenset), min_size=1, max_size=12, unique=True)


@quick(60)
@given(SETS)
def test_the_table_of_distances_is_that_of_each_two(sets: list[frozenset[str]]) -> None:
    one_by_one = np.array([[stat.masi(one, two) for two in sets] for one in sets])
    assert stat.masi_table(sets) == pytest.approx(one_by_one)


@quick(60)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=40))
def test_sums_by_cluster_are_those_of_the_units_in_it(units: list[tuple[int, int, int]]) -> None:
    counts, cluster = np.array([unit[:2] for unit in units]), np.array([unit[2] for unit in units])
    found = stat.unit_sums(counts, cluster, 3)
    for number in range(3):
        alone = [stat.unit_sums(row[None], np.zeros(1, dtype=int), 1)[0] for row in counts[cluster == number]]
        assert found[number] == pytest.approx(sum(alone, np.zeros(found.shape[1])))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stat, "_MOST_CELLS", 0)  # as with very many different ways to vote
        assert stat.unit_sums(counts, cluster, 3) == pytest.approx(found)
