"""Every figure against scikit-learn, scipy or a published example; the bootstrap against a loop."""

import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta
from sklearn import metrics as oracle

from labels.scoring import metrics
from labels.scoring.metrics import Rows

ROWS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([None, 0.1, 0.2, 0.5, 0.9]), st.integers(0, 4)), min_size=1, max_size=30
)


def rows_of(values) -> Rows:
    present, score, cluster = zip(*values, strict=True)
    return Rows.of(present, score, [7] * len(present), cluster, [0] * len(present))


def value(figure) -> float:
    return float(figure[0])


@quick(200)
@given(ROWS, st.data())
def test_figures_on_weighted_rows_are_those_of_scikit_learn(values, data) -> None:
    rows = rows_of(values)
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))), dtype=float)
    here = weights[None, :]
    positive, negative = weights @ rows.present, weights @ (1 - rows.present)
    fired = weights @ rows.fired
    with np.errstate(all="ignore"):
        if positive and fired:
            assert value(metrics.precision(rows, here)) == pytest.approx(
                oracle.precision_score(rows.present, rows.fired, sample_weight=weights)
            )
        if positive:
            for mine, theirs in ((metrics.recall, oracle.recall_score), (metrics.f1, oracle.f1_score)):
                expected = theirs(rows.present, rows.fired, sample_weight=weights, zero_division=0.0)
                assert value(mine(rows, here)) == pytest.approx(expected)
            always = oracle.f1_score(rows.present, np.ones(len(rows)), sample_weight=weights)
            assert value(metrics.f1_always(rows, here)) == pytest.approx(always)
            found = value(metrics.average_precision(rows.present, rows.score, here))
            kept = weights > 0  # scikit-learn counts thresholds of rows without weight
            assert found == pytest.approx(
                oracle.average_precision_score(rows.present[kept], rows.score[kept], sample_weight=weights[kept])
            )
        if positive and negative:
            area = oracle.roc_auc_score(rows.present, rows.score, sample_weight=weights)
            assert value(metrics.auroc(rows.present, rows.score, here)) == pytest.approx(area)


@quick(100)
@given(ROWS)
def test_what_is_undefined_is_nan_and_never_zero(values) -> None:
    rows = rows_of(values)
    weights = rows.once
    assert np.isnan(value(metrics.precision(rows, weights))) == (rows.fired.sum() == 0)
    for figure in (metrics.recall, metrics.f1, metrics.f1_always):
        assert np.isnan(value(figure(rows, weights))) == (rows.present.sum() == 0)
    assert np.isnan(value(metrics.average_precision(rows.present, rows.score, weights))) == (rows.present.sum() == 0)
    one_kind = rows.present.sum() in (0, len(rows))
    assert np.isnan(value(metrics.auroc(rows.present, rows.score, weights))) == one_kind


def test_average_precision_of_scikit_learns_own_example() -> None:
    """Its user guide: labels 0, 0, 1, 1 and scores .1, .4, .35, .8 give 0.83."""
    present, score = np.array([0.0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    assert value(metrics.average_precision(present, score, np.ones((1, 4)))) == pytest.approx(0.8333, abs=1e-4)


def test_an_estimate_is_the_loop_that_anybody_can_read() -> None:
    values = [(place % 3 == 0, 0.5 if place % 2 else None, place // 2) for place in range(24)]
    rows = rows_of(values)
    random = np.random.default_rng(metrics.SEED)
    drawn = []
    for _ in range(metrics.DRAWS):
        counts = random.multinomial(12, [1 / 12] * 12)
        chosen = [place for place, cluster in enumerate(rows.cluster) for _ in range(counts[cluster])]
        drawn.append(oracle.f1_score(rows.present[chosen], rows.fired[chosen], zero_division=0.0))
    found = metrics.estimate(lambda weights: metrics.f1(rows, weights), rows.cluster, "")
    assert found.value == pytest.approx(oracle.f1_score(rows.present, rows.fired))
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])))


def test_draws_take_whole_clusters_and_are_the_same_in_any_portions(monkeypatch) -> None:
    cluster = np.array([0, 0, 1, 2, 2, 2])
    together = np.concatenate(list(metrics.draws(cluster, 50)))
    monkeypatch.setattr(metrics, "_CELLS", 6 * 7)
    assert (np.concatenate(list(metrics.draws(cluster, 50))) == together).all()
    assert together.shape == (50, 6)
    assert (together[:, 0] == together[:, 1]).all()
    assert (together[:, [0, 2, 3]].sum(axis=1) == 3).all()


def test_more_of_one_run_does_not_make_it_surer() -> None:
    """Forty rows of four runs have the interval of four rows, not of forty."""
    once = rows_of([(True, 0.5, 0), (True, None, 1), (True, 0.5, 2), (True, None, 3)])
    tenfold = rows_of([(True, 0.5 if run % 2 == 0 else None, run) for run in range(4) for _ in range(10)])
    few, many = (
        metrics.estimate(lambda weights, rows=rows: metrics.recall(rows, weights), rows.cluster, "")
        for rows in (once, tenfold)
    )
    assert few == many


@pytest.mark.parametrize("number", [1, 2, 5, 30])
def test_all_or_none_has_the_exact_interval(number: int) -> None:
    """Clopper and Pearson, as scipy computes it."""
    assert metrics.all_or_none(1.0, number) == pytest.approx((beta.ppf(0.025, number, 1), 1.0))
    assert metrics.all_or_none(0.0, number) == pytest.approx((0.0, beta.ppf(0.975, 1, number)))


def test_a_perfect_share_of_few_is_not_certain() -> None:
    rows = rows_of([(True, 0.5, 0), (True, 0.5, 1), (False, None, 2)])
    found = metrics.estimate(lambda weights: metrics.precision(rows, weights), rows.cluster, "", among=rows.fired)
    assert found.value == 1.0
    assert found.low == pytest.approx(0.158, abs=1e-3)
    same = metrics.estimate(lambda weights: metrics.f1(rows, weights), rows.cluster, "")
    assert (same.value, same.low, same.why) == (1.0, None, metrics.ALL_EQUAL)


def test_reasons_for_what_there_is_not() -> None:
    nothing = Rows.of([], [], [], [], [])
    assert metrics.estimate(lambda weights: metrics.f1(nothing, weights), nothing.cluster, "").why == metrics.NO_ROWS
    silent = rows_of([(True, None, 0), (False, None, 1)])
    found = metrics.estimate(lambda weights: metrics.precision(silent, weights), silent.cluster, metrics.NEVER_FIRED)
    assert (found.value, found.low, found.why) == (None, None, metrics.NEVER_FIRED)
    single = rows_of([(True, 0.5, 0), (False, None, 0)])
    found = metrics.estimate(lambda weights: metrics.f1(single, weights), single.cluster, "")
    assert (found.value, found.low, found.why) == (1.0, None, metrics.ONE_CLUSTER)
    assert "why" in found.json()


def test_the_system_prior_does_not_know_the_run_itself() -> None:
    rows = Rows.of([True, False, True, True], [None] * 4, [1] * 4, [0, 1, 2, 3], [0, 0, 0, 1])
    # run 0: the others of its system are 0 and 1 of 2; everywhere else it is 2 of 3
    assert rows.prior[0] == pytest.approx((1 + 2 / 3) / 3)
    assert rows.prior[1] == pytest.approx((2 + 1) / 3)
    assert rows.prior[3] == pytest.approx(2 / 3)  # alone in its system: the rate of the others


# -- probabilities ------------------------------------------------------------------------------------------------


def test_calibration_error_of_a_published_example() -> None:
    """M. Pavlovic, "Expected Calibration Error (ECE): A Step-by-Step Visual Explanation", Towards Data Science 2023:
    nine samples, five bins, ECE 0.10444."""
    confidence = [0.78, 0.64, 0.92, 0.58, 0.51, 0.85, 0.7, 0.63, 0.83]
    right = [True, True, False, True, False, True, True, False, True]
    assert metrics.ece(confidence, right, bins=5) == pytest.approx(0.10444, abs=1e-5)


def test_brier_score_of_scikit_learns_own_example() -> None:
    found = metrics.reliability([0.1, 0.9, 0.8, 0.3], [False, True, True, False])
    assert found is not None
    assert found.brier == pytest.approx(0.0375)
    assert found.brier == pytest.approx(oracle.brier_score_loss([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3]))
    assert (found.n, found.bins, found.constant) == (4, 10, 0.25)


@quick(100)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40), st.integers(1, 12))
def test_calibration_error_is_what_its_definition_says(pairs, bins: int) -> None:
    expected = 0.0
    for place in range(bins):
        low, high = place / bins, (place + 1) / bins
        mine = [(p, y) for p, y in pairs if low < p <= high or (place == 0 and p == 0)]
        expected += abs(sum(p - y for p, y in mine)) / len(pairs)
    found = metrics.ece([p for p, _ in pairs], [y for _, y in pairs], bins)
    on_an_edge = any(abs(p * bins - round(p * bins)) < 1e-9 and p not in (0, 1) for p, _ in pairs)
    assert on_an_edge or found == pytest.approx(expected)
    assert metrics.ece([], [], bins) is None
    assert metrics.reliability([], []) is None


def test_share_ahead() -> None:
    cluster = np.array([0, 1, 2, 3])
    ahead = metrics.share_ahead(metrics.mean(np.array([1.0, 1.0, 1.0, 1.0])), cluster)
    level = metrics.share_ahead(metrics.mean(np.zeros(4)), cluster)
    assert (ahead, level) == (1.0, 0.5)
    assert metrics.share_ahead(metrics.mean(np.array([1.0])), np.array([0])) is None
