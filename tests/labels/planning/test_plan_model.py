"""The arithmetic of stages, held to a simulation of the work itself and to what is known beforehand."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.planning.choice import choose, sizes_to_try, variations
from labels.planning.model import Costs, Outcome, Plan, success_per_chunk, with_review, without_review
from labels.planning.quick import ends_right
from sessions.errors import UsageError
from tests.helpers import quick

#: Standard errors by which a simulated mean may be off. The seeds are fixed, so this never fails by chance.
SIGMAS = 4.0


# -- a simulation that knows the process and none of the formulas ----------------------------------------------------


@dataclass
class Task:
    """What happened in one simulated task."""

    end: str
    steps: int = 0
    reviews: int = 0


def simulated(plan: Plan, draw: random.Random) -> Task:
    """Somebody does the steps one by one and somebody looks after each chunk. `spoiled` is the chunk in which an error
    lies that was missed; everything after it is built on it."""
    task = Task("")
    sizes, place, tries, spoiled = plan.sizes, 0, 0, None
    while place < len(sizes):
        fine = True
        for _ in range(sizes[place]):
            task.steps += 1
            fine = draw.random() < plan.success and fine
        task.reviews += 1
        if spoiled is not None:
            if draw.random() >= plan.late_catch:
                place += 1
                continue
            alarm, place, spoiled = True, spoiled, None
        else:
            alarm = draw.random() < (plan.false_alarm if fine else plan.catch)
            if not alarm:
                if fine:
                    tries = 0
                else:
                    spoiled = place
                place += 1
        if alarm:
            if plan.retries is not None and tries == plan.retries:
                task.end = "given_up"
                return task
            tries += 1
    task.end = "right" if spoiled is None else "wrong"
    return task


PLANS = [
    Plan(),
    Plan(steps=23, chunk=5),
    Plan(chunk=1, catch=0.7, retries=1),
    Plan(steps=12, chunk=4, success=0.8, catch=0.6, late_catch=0.5, retries=3),
    Plan(steps=17, chunk=6, success=0.9, catch=0.5, late_catch=0.3, false_alarm=0.15, retries=1),
    Plan(steps=10, chunk=3, success=0.7, catch=0.9, late_catch=1.0, false_alarm=0.1, retries=0),
    Plan(steps=8, chunk=2, success=0.6, catch=1.0, retries=None),
    Plan(steps=9, chunk=20, success=0.85, catch=0.75, false_alarm=0.3, retries=None),
]


@pytest.mark.parametrize("plan", PLANS)
def test_what_is_calculated_is_what_happens(plan: Plan) -> None:
    draw = random.Random(20)
    tasks = [simulated(plan, draw) for _ in range(6_000)]
    outcome = with_review(plan)
    for name in ("right", "wrong", "given_up"):
        expected = getattr(outcome, name)
        share = sum(task.end == name for task in tasks) / len(tasks)
        assert share == pytest.approx(expected, abs=SIGMAS * math.sqrt(expected * (1 - expected) / len(tasks)) + 1e-12)
    for name in ("steps", "reviews"):
        counts = [getattr(task, name) for task in tasks]
        mean = sum(counts) / len(counts)
        spread = math.sqrt(sum((count - mean) ** 2 for count in counts) / len(counts))
        assert getattr(outcome, name) == pytest.approx(mean, abs=SIGMAS * spread / math.sqrt(len(counts)) + 1e-12)


def test_the_simulation_tells_a_wrong_formula_from_a_right_one() -> None:
    """The test above can fail: another catch rate is far outside of what it lets pass."""
    draw = random.Random(20)
    right = sum(simulated(Plan(), draw).end == "right" for _ in range(6_000)) / 6_000
    assert abs(right - with_review(Plan(catch=0.85)).right) > SIGMAS * math.sqrt(0.25 / 6_000)


# -- what is known beforehand ----------------------------------------------------------------------------------------


def test_the_figures_the_product_starts_from() -> None:
    plan = Plan(steps=20, success=0.95, chunk=5)
    assert without_review(plan).right == 0.95**20
    assert success_per_chunk(plan) == 0.95**5
    assert round(without_review(plan).right, 2) == 0.36
    assert round(success_per_chunk(plan), 2) == 0.77


def test_a_reviewer_who_sees_nothing_changes_nothing_but_the_cost() -> None:
    plan = Plan(catch=0.0)
    outcome, alone = with_review(plan), without_review(plan)
    assert outcome.right == pytest.approx(alone.right)
    assert (outcome.steps, outcome.reviews, outcome.given_up) == (20.0, 4.0, 0.0)
    assert outcome.cost == alone.cost + 4


def test_a_reviewer_who_sees_everything_and_never_gives_up_always_ends_right() -> None:
    outcome = with_review(Plan(catch=1.0, retries=None))
    assert outcome.right == pytest.approx(1.0)
    assert outcome.wrong == outcome.given_up == 0
    # A chunk takes 1 / 0.95^5 attempts on average.
    assert outcome.reviews == pytest.approx(4 / 0.95**5)
    assert outcome.steps == pytest.approx(20 / 0.95**5)


def test_steps_that_are_always_right() -> None:
    outcome = with_review(Plan(success=1.0))
    assert (outcome.right, outcome.wrong, outcome.steps, outcome.reviews) == (1.0, 0.0, 20.0, 4.0)
    assert choose(Plan(success=1.0)).cheapest.chunk == 20
    assert [item.value for item in variations(Plan(success=1.0)) if item.what == "success"] == [0.99]


def test_steps_that_are_never_right() -> None:
    outcome = with_review(Plan(success=0.0, catch=1.0))
    assert (outcome.right, outcome.given_up, outcome.reviews) == (0.0, 1.0, 3.0)
    assert math.isinf(outcome.cost_per_right)
    endless = with_review(Plan(success=0.0, catch=1.0, retries=None))
    assert endless.endless == 1.0
    assert math.isinf(endless.steps)
    assert math.isinf(endless.cost)
    assert with_review(Plan(success=0.0, catch=1.0, retries=None, costs=Costs(0, 0, 0, 0))).cost == 0
    assert with_review(Plan(success=0.0, catch=0.0, retries=None)).wrong == 1.0


def test_a_chunk_longer_than_the_task_is_one_review_at_its_end() -> None:
    assert with_review(Plan(chunk=50)) == with_review(Plan(chunk=20))
    assert success_per_chunk(Plan(chunk=50)) == 0.95**20


def test_the_last_chunk_has_what_is_left() -> None:
    assert Plan(steps=23, chunk=5).sizes == [5, 5, 5, 5, 3]
    assert Plan(steps=20, chunk=5).sizes == [5] * 4
    assert Plan(steps=3, chunk=5).sizes == [3]


def test_costs_are_what_is_done_times_its_price() -> None:
    plan = Plan(costs=Costs(step=2, review=3, read=0.5, wrong=100))
    outcome = with_review(plan)
    expected = outcome.steps * 2.5 + outcome.reviews * 3 + outcome.wrong * 100
    assert outcome.cost == pytest.approx(expected)
    assert outcome.cost_per_right == pytest.approx(expected / outcome.right)


rates = st.one_of(st.sampled_from([0.0, 1.0, 1e-12, 1 - 1e-12]), st.floats(0, 1))
plans = st.builds(
    Plan, st.integers(1, 60), rates, st.integers(1, 70), rates, rates, rates,
    st.one_of(st.none(), st.integers(0, 5), st.just(1_000_000)),
)  # fmt: skip


@quick(300)
@given(plans)
def test_probabilities_are_probabilities(plan: Plan) -> None:
    outcome = with_review(plan)
    ends = (outcome.right, outcome.wrong, outcome.given_up, outcome.endless)
    assert all(-1e-12 <= end <= 1 + 1e-12 for end in ends)
    # Where hardly any attempt ends at all, the sum is a sum of huge and tiny numbers.
    assert sum(ends) == pytest.approx(1.0, abs=1e-6)
    assert outcome.reviews > 0
    assert outcome.steps > 0


@quick(100)
@given(plans, rates)
def test_more_care_never_leaves_more_tasks_wrong_and_unnoticed(plan: Plan, other: float) -> None:
    less, more = sorted((plan.catch, other))
    assert with_review(replace(plan, catch=more)).wrong <= with_review(replace(plan, catch=less)).wrong + 1e-6


@quick(200)
@given(plans)
def test_the_quick_way_to_the_same_chance(plan: Plan) -> None:
    plan = replace(plan, late_catch=0.0, false_alarm=0.0, retries=plan.retries or 0)
    found = ends_right(plan.steps, plan.success, plan.chunk, plan.catch, plan.retries or 0)
    assert found == pytest.approx(with_review(plan).right, abs=1e-9)


# -- the best size and what hangs on it ------------------------------------------------------------------------------


def test_the_cheapest_size_is_the_cheapest_of_all() -> None:
    plan = Plan(steps=30, success=0.97, costs=Costs(review=4, read=0.2))
    choice = choose(plan)
    costs = {size: with_review(plan.with_chunk(size)).cost_per_right for size in range(1, 31)}
    assert [point.chunk for point in choice.curve] == list(costs)
    assert choice.cheapest.chunk == min(costs, key=lambda size: costs[size])
    assert choice.surest.outcome.right == max(point.outcome.right for point in choice.curve)


@pytest.mark.parametrize(("price", "success"), [(1, 0.999), (8, 0.99), (60, 0.999)])
def test_of_a_long_task_a_selection_comes_close_to_the_cheapest(price: float, success: float) -> None:
    plan = Plan(steps=400, success=success, costs=Costs(review=price))
    best = min(with_review(plan.with_chunk(size)).cost_per_right for size in range(1, 401))
    assert choose(plan).cheapest.outcome.cost_per_right == pytest.approx(best, rel=0.01)
    assert len(sizes_to_try(plan)) < 100


def test_dearer_reviews_are_fewer() -> None:
    sizes = [choose(Plan(costs=Costs(review=price))).cheapest.chunk for price in (0.1, 1, 10)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_variations_halve_and_double_the_errors() -> None:
    found = {(item.what, item.times): item for item in variations(Plan())}
    assert {key: round(item.value, 6) for key, item in found.items()} == {
        ("success", 0.5): 0.975, ("success", 2.0): 0.9, ("catch", 0.5): 0.95, ("catch", 2.0): 0.8,
    }  # fmt: skip
    assert found["success", 0.5].outcome.right > with_review(Plan()).right > found["success", 2.0].outcome.right
    assert found["catch", 0.5].outcome == with_review(Plan(catch=1 - (1 - 0.9) * 0.5))


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0}, {"steps": 10_001}, {"chunk": 0}, {"retries": -1}, {"retries": 10**7}, {"success": 1.01},
        {"success": -0.1}, {"success": math.nan}, {"catch": math.inf}, {"late_catch": 2.0}, {"false_alarm": -1.0},
        {"costs": Costs(step=-1)}, {"costs": Costs(review=math.inf)}, {"costs": Costs(wrong=math.nan)},
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_one_line(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        replace(Plan(), **wrong)
    assert "\n" not in str(caught.value)


def test_the_longest_task_is_calculated_soon() -> None:
    outcome: Outcome = with_review(Plan(steps=10_000, success=0.9999, chunk=1))
    assert 0 < outcome.right < 1
    assert outcome.reviews > 10_000
