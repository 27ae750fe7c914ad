"""The success of a step from reviews: against exact Beta quantiles, against weighing at random, and for coverage."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.planning.estimate import Tally, estimate
from labels.planning.quick import PRIOR_RIGHT, PRIOR_SUCCESS
from labels.planning.reviews import Reviewed, count
from tests.helpers import quick


def test_without_data_it_is_the_prior() -> None:
    found = estimate(Tally())
    assert found.success == pytest.approx(PRIOR_SUCCESS, abs=1e-6)
    assert PRIOR_SUCCESS == 0.95
    # Of Beta(n, 1) the quantile of q is q^(1/n).
    assert found.low == pytest.approx(0.025 ** (1 / PRIOR_RIGHT), abs=3e-5)
    assert found.high == pytest.approx(0.975 ** (1 / PRIOR_RIGHT), abs=3e-5)


@pytest.mark.parametrize("right", [1, 81, 100_000])
def test_steps_that_were_all_right_have_an_exact_answer(right: int) -> None:
    found, n = estimate(Tally(right=right)), PRIOR_RIGHT + right
    assert found.success == pytest.approx(n / (n + 1), rel=1e-6)
    assert found.low == pytest.approx(0.025 ** (1 / n), rel=3e-5)
    assert found.high == pytest.approx(0.975 ** (1 / n), rel=3e-5)


@pytest.mark.parametrize(("right", "wrong"), [(40, 6), (3, 30), (900, 100), (0, 500)])
def test_right_and_wrong_steps_give_a_beta_distribution(right: int, wrong: int) -> None:
    found = estimate(Tally(right=right, wrong=wrong))
    assert found.success == pytest.approx((19 + right) / (20 + right + wrong), rel=1e-6)
    draw = random.Random(3)
    drawn = sorted(draw.betavariate(19 + right, 1 + wrong) for _ in range(60_000))
    for value, share in ((found.low, 0.025), (found.high, 0.975)):
        below = sum(1 for item in drawn if item < value) / len(drawn)
        assert below == pytest.approx(share, abs=0.003)


def test_chunks_that_failed_somewhere_count_as_not_all_right() -> None:
    """Checked by drawing p from the prior and weighing it by the chance of what was seen."""
    tally = Tally(right=30, somewhere=Counter({5: 4, 3: 1}))
    found = estimate(tally)
    draw = random.Random(4)
    drawn = [draw.betavariate(19 + 30, 1) for _ in range(150_000)]
    weights = [(1 - p**5) ** 4 * (1 - p**3) for p in drawn]
    total = sum(weights)
    assert found.success == pytest.approx(sum(p * w for p, w in zip(drawn, weights, strict=True)) / total, abs=0.002)
    below = sum(w for p, w in zip(drawn, weights, strict=True) if p < found.low) / total
    above = sum(w for p, w in zip(drawn, weights, strict=True) if p > found.high) / total
    assert below == pytest.approx(0.025, abs=0.006)
    assert above == pytest.approx(0.025, abs=0.006)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Systems drawn from the prior; their runs are reviewed chunk by chunk until the first failure, whose step is
    known half of the time."""
    draw, held, systems = random.Random(5), 0, 400
    for _ in range(systems):
        success, tally = draw.betavariate(19, 1), Tally()
        for _ in range(6):
            chunks = []
            for start in range(0, 20, 5):
                wrong = next((step for step in range(start, start + 5) if draw.random() >= success), None)
                known = draw.random() < 0.5
                chunks.append(Reviewed(start, start + 4, wrong is not None, wrong if known else None))
            count(tally, chunks)
        found = estimate(tally)
        held += found.low <= success <= found.high
    assert 0.92 <= held / systems <= 0.98


@quick(60)
@given(
    st.integers(0, 200_000), st.integers(0, 5_000),
    st.dictionaries(st.integers(1, 100_000), st.integers(1, 1_000), max_size=6),
)  # fmt: skip
def test_any_tally_has_an_estimate(right: int, wrong: int, somewhere: dict[int, int]) -> None:
    found = estimate(Tally(right, wrong, Counter(somewhere)))
    assert 0 <= found.low < found.success < found.high <= 1


def test_finishing_is_all_steps_right() -> None:
    found = estimate(Tally(right=100, wrong=3))
    value, low, high = found.finish(20)
    assert (value, low, high) == (found.success**20, found.low**20, found.high**20)
    assert found.finish(0) == (1.0, 1.0, 1.0)


# -- from chunks to a tally ------------------------------------------------------------------------------------------


def tallied(*chunks: Reviewed) -> tuple[int, int, dict[int, int], int, int]:
    tally = Tally()
    count(tally, chunks)
    return tally.right, tally.wrong, dict(tally.somewhere), tally.chunks, tally.failed


def test_right_chunks_count_with_all_their_steps() -> None:
    assert tallied(Reviewed(0, 4, False), Reviewed(5, 7, False)) == (8, 0, {}, 2, 0)


def test_the_first_failure_ends_what_counts_of_a_run() -> None:
    assert tallied(Reviewed(0, 4, False), Reviewed(5, 9, True, 7), Reviewed(10, 14, False), Reviewed(15, 19, True)) == (
        7, 1, {}, 2, 1,
    )  # fmt: skip


def test_a_failure_that_nobody_has_placed_counts_with_the_size_of_its_chunk() -> None:
    assert tallied(Reviewed(0, 4, False), Reviewed(5, 9, True)) == (5, 0, {5: 1}, 2, 1)


def test_a_failure_that_began_in_a_chunk_before() -> None:
    assert tallied(Reviewed(0, 4, False), Reviewed(5, 9, False), Reviewed(10, 14, True, 3)) == (3, 1, {}, 3, 1)


def test_a_live_agent_that_was_sent_back_goes_on_counting() -> None:
    assert tallied(Reviewed(0, 4, True, 2, sent_back=True), Reviewed(5, 9, False)) == (7, 1, {}, 2, 1)
    assert tallied(Reviewed(0, 4, True, None, sent_back=True), Reviewed(5, 9, True, 5)) == (0, 1, {5: 1}, 2, 2)


def test_what_nobody_judged_does_not_count() -> None:
    assert tallied(Reviewed(0, 4, None), Reviewed(5, 9, False)) == (5, 0, {}, 1, 0)
    assert tallied() == (0, 0, {}, 0, 0)
