"""The saturation curve: against all orders, formulas worked by hand, and populations of which the truth is known."""

import random
import time
from itertools import permutations
from statistics import mean

import pytest
from coding_desk import CodingDesk

from labels.coding.saturation import AHEAD, chao2, coverage, expected, of_rows, saturation


def rows(*codes: str) -> list[tuple[str, frozenset[str]]]:
    return [(f"run {place}", frozenset(letters)) for place, letters in enumerate(codes)]


def test_the_mean_is_that_of_all_orders():
    runs = rows("ab", "a", "bc", "ad", "a")
    found = of_rows(runs)
    every = [
        [len(frozenset().union(*(codes for _, codes in order[: k + 1]))) for k in range(5)]
        for order in permutations(runs)
    ]
    assert found.mean == pytest.approx([mean(column) for column in zip(*every, strict=True)])
    assert found.observed == (2, 2, 3, 4, 4)
    assert [fresh for _, fresh in found.runs] == [2, 0, 1, 1, 0]
    assert (found.codes, found.once, found.twice, found.since) == (4, 2, 1, 1)
    assert len(found.low) == len(found.high) == len(found.points) == 5
    assert all(low <= value <= high for low, value, high in zip(found.low, found.mean, found.high, strict=True))


def test_chao2_and_coverage_by_hand():
    # 10 runs; 6 codes: 3 in one run, 2 in two, 1 in five.
    total, low, high = chao2(6, 3, 2, 10)
    assert total is not None
    assert total == pytest.approx(6 + 0.9 * 9 / 4)
    assert 6 < (low or 0) < total < (high or 0)
    assert coverage(3, 2, 12, 10) == pytest.approx(1 - 3 / 12 * (27 / 31))
    # None in two runs: the forms for that case.
    assert chao2(4, 3, 0, 10)[0] == pytest.approx(4 + 0.9 * 3)
    assert coverage(3, 0, 8, 10) == pytest.approx(1 - 3 / 8 * (18 / 20))
    # Everything seen at least twice: nothing is missing.
    assert chao2(4, 0, 2, 10) == (4.0, 4.0, 4.0)
    assert coverage(0, 2, 9, 10) == 1.0
    assert expected(7.0, 5, 2, 10, 0) == pytest.approx(0)
    assert expected(7.0, 5, 2, 10, 1) == pytest.approx(2 * 2 / 22)
    assert expected(7.0, 5, 2, 10, 100_000) == pytest.approx(2)


def test_against_a_population_that_is_known():
    """Forty codes of unequal frequency: the estimate does not exceed them much, and coverage is near the true share."""
    chance = random.Random(5)
    odds = [0.4 / (rank + 1) for rank in range(40)]
    totals, errors, ahead = [], [], []
    for _ in range(60):
        sample = [(str(n), frozenset(str(c) for c, odd in enumerate(odds) if chance.random() < odd)) for n in range(60)]
        sample = [item for item in sample if item[1]]
        found = of_rows(sample)
        seen = {int(code) for _, codes in sample for code in codes}
        assert found.total is not None
        assert found.coverage is not None
        totals.append(found.total)
        errors.append(found.coverage - sum(odds[c] for c in seen) / sum(odds))
        more = [{c for c, odd in enumerate(odds) if chance.random() < odd} for _ in range(AHEAD)]
        ahead.append((found.ahead or 0) - len(set().union(*more) - seen))
    assert 33 < mean(totals) < 43
    assert abs(mean(errors)) < 0.02
    assert abs(mean(ahead)) < 1.2


def test_few_runs_and_none_say_so():
    assert of_rows([]).sentence == "No run has a coded note yet."
    few = of_rows(rows("a", "b"))
    assert few.few
    assert few.sentence == "2 runs coded: fewer than 5 say nothing of saturation."
    assert few.points == ()
    done = of_rows(rows("ab", "ab", "ab", "ab", "ab", "ab"))
    assert (
        done.sentence
        == "2 codes in 6 runs, 5 runs since the last new one; nothing points to further ones (coverage 100%)."
    )
    grows = of_rows(rows("a", "b", "c", "d", "e", "f"))
    assert grows.since == 0
    assert "more are likely to be found" in grows.sentence


def test_runs_come_in_the_order_in_which_they_were_first_coded(desk: CodingDesk):
    keys = [desk.note(f"note {n}", run=n) for n in range(3)]
    coder = desk.coder()
    for place, name in ((2, "x"), (0, "y"), (2, "y"), (1, "x")):
        coder.assign(name, [keys[place]])
        time.sleep(0.002)
    found = saturation(desk.board())
    assert [run for run, _ in found.runs] == [desk.runs[n].id for n in (2, 0, 1)]
    assert found.observed == (2, 2, 2)
    code = desk.board().code("x")
    coder.merge([code.id], desk.board().code("y").id)
    assert saturation(desk.board()).observed == (1, 1, 1)


def test_ten_thousand_runs_take_a_moment():
    chance = random.Random(1)
    many = [(str(n), frozenset(str(int(chance.paretovariate(0.6))) for _ in range(3))) for n in range(10_000)]
    start = time.process_time()
    found = of_rows(many)
    assert time.process_time() - start < 5
    assert len(found.mean) == 10_000
    assert len(found.points) <= 200
