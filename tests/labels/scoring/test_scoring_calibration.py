"""Probabilities: the curves against scikit-learn's, what they are learnt from, and where they are shown."""

import random
from pathlib import Path

import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st
from labelled import (
    APPROVE,
    BOOKS,
    REPETITION,
    RESET,
    WordDetector,
    chunk,
    claim,
    label,
    put_runs,
    say,
    truth,
)
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression

from labels import views
from labels.detection import detect
from labels.ledger import Ledger
from labels.scoring import calibrate
from labels.scoring.calibrate import Sample, blend, entries, is_right, samples
from labels.scoring.calibration import Blend, Calibration, Isotonic, Platt, curve_of, load_kept, pav
from labels.scoring.predict import Looked, Troubles
from labels.scoring.truth import Account, Span, Verdict
from sessions.store import Store

OUTCOMES = st.lists(
    st.tuples(st.sampled_from([0.1, 0.25, 0.4, 0.55, 0.7, 0.9]), st.booleans()), min_size=2, max_size=60
)


@quick(150)
@given(OUTCOMES)
def test_platts_curve_is_scikit_learns_where_it_rises(pairs) -> None:
    scores, right = zip(*pairs, strict=True)
    mine = Platt.fit(scores, right)
    assert mine.slope >= 0
    assert all(0 < mine(score) < 1 for score in (0.0, 0.5, 1.0))
    if len(set(scores)) > 1 and len(set(right)) > 1:
        theirs = _SigmoidCalibration().fit(np.array(scores), np.array(right))
        if -theirs.a_ > 1e-3:
            assert [mine(score) for score in (0.1, 0.5, 0.9)] == pytest.approx(
                theirs.predict(np.array([0.1, 0.5, 0.9])), abs=2e-3
            )


def test_a_detector_that_is_more_often_wrong_when_surer_gets_a_flat_curve() -> None:
    falling = Platt.fit([0.1] * 10 + [0.9] * 10, [True] * 8 + [False] * 2 + [True] * 2 + [False] * 8)
    assert falling.slope == 0
    assert falling(0.1) == falling(0.9) == pytest.approx(0.5)


def test_twenty_right_ones_are_not_certainty() -> None:
    same = Platt.fit([0.8] * 20, [True] * 20)
    assert same(0.8) == pytest.approx(21 / 22)
    assert Isotonic.fit([0.8] * 300, [True] * 300)(0.8) == pytest.approx(301 / 302)


@quick(150)
@given(OUTCOMES)
def test_pooling_adjacent_violators_is_scikit_learns_isotonic_regression(pairs) -> None:
    scores, right = zip(*pairs, strict=True)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, [float(ok) for ok in right])
    points = pav(scores, right)
    assert [value for _, value in points] == sorted(value for _, value in points)
    assert [value for _, value in points] == pytest.approx(list(theirs.predict([score for score, _ in points])))
    straight = Isotonic(tuple(score for score, _ in points), tuple(value for _, value in points))
    for score in (0.0, 0.1, 0.33, 0.5, 0.9, 1.0):
        assert straight(score) == pytest.approx(float(theirs.predict([score])[0]))
    edge = 1 / (len(scores) + 2)
    assert all(edge <= value <= 1 - edge for value in Isotonic.fit(scores, right).values)


def test_nothing_gives_no_curve() -> None:
    for kind in (Platt, Isotonic):
        with pytest.raises(ValueError, match="nothing"):
            kind.fit([], [])


@pytest.mark.parametrize("curve", [Platt(2.0, -1.0), Isotonic((0.1, 0.6), (0.2, 0.9))])
def test_curves_come_back_as_they_were_kept(curve) -> None:
    again = curve_of(curve.json())
    assert again == curve
    assert [again(score) for score in (0.0, 0.3, 1.0)] == [curve(score) for score in (0.0, 0.3, 1.0)]


# -- what is learnt from -------------------------------------------------------------------------------------------


def test_a_claim_is_right_where_its_mode_was_marked() -> None:
    marked = truth("1", {REPETITION: Verdict(True, (Span(3, 4),)), RESET: False})
    assert is_right(claim(first=4), marked) is True
    assert is_right(claim(first=6, quoted=(3,)), marked) is True
    assert is_right(claim(first=6), marked) is False
    assert is_right(claim(mode=RESET), marked) is False
    assert is_right(claim(mode="task-derailment@mast"), marked) is None
    assert is_right(claim(first=9), truth("1", {REPETITION: True})) is True, "marked without steps"


def test_samples_are_claims_on_judged_steps_of_detectors_that_looked() -> None:
    known = truth("1", {REPETITION: False})
    items = [Looked((known,), [claim(score=0.3), claim("other"), claim(mode=RESET)], {"words": "1"})]
    assert [(item.detector, item.mode, item.score, item.right) for item in samples(items)] == [
        ("words", REPETITION, 0.3, False)
    ]


def drawn(number: int, mode: str = REPETITION, seed: int = 1) -> list[Sample]:
    """Samples of a detector that is right as often as its score says, five to a run."""
    random_ = random.Random(seed)
    found = []
    for place in range(number):
        score = random_.random()
        found.append(Sample("words", "1", mode, score, random_.random() < score, place // 5))
    return found


def test_no_curve_below_twenty_platt_to_two_hundred_isotonic_beyond() -> None:
    for number, method in ((19, None), (20, "platt"), (199, "platt"), (200, "isotonic")):
        (entry,) = entries(drawn(number))
        assert (entry["decisions"], entry["curve"] and entry["curve"]["own"]["method"]) == (number, method)
        assert (entry["reliability"] is not None) == (number >= 20)


def test_a_mode_with_few_decisions_leans_on_its_detector() -> None:
    often = drawn(150)
    wrong = [Sample("words", "1", RESET, 0.5, False, 100 + place) for place in range(20)]
    curve = blend(wrong, [*often, *wrong])
    alone, pooled = Platt.fit([0.5] * 20, [False] * 20)(0.5), curve.pooled(0.5)
    assert curve.weight == 0.5
    assert curve(0.5) == pytest.approx((alone + pooled) / 2)
    assert alone < curve(0.5) < pooled


def test_held_out_reliability_states_its_n_and_is_near_for_an_honest_detector() -> None:
    (entry,) = entries(drawn(400))
    found = entry["reliability"]
    assert (found["n"], found["bins"]) == (400, 10)
    assert found["ece"] < 0.08
    assert found["brier"] < found["constant"]
    one_run = [Sample("words", "1", REPETITION, 0.5, place % 2 == 0, 0) for place in range(30)]
    assert entries(one_run)[0]["reliability"] is None, "there is nothing else to learn from"


def test_probabilities_are_for_the_version_that_was_calibrated() -> None:
    curve = Blend(Platt(0.0, 0.0), Platt(0.0, 0.0), 1.0).json()
    kept = {"entries": [{"detector": "d", "version": "1", "mode": REPETITION, "curve": curve}]}
    calibration = Calibration(kept)
    assert calibration.probability("d", "1", REPETITION, 0.3) == 0.5
    assert calibration.probability("d", "2", REPETITION, 0.3) is None
    assert calibration.probability("d", "1", RESET, 0.3) is None


# -- in the database ----------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "review.db") as opened:
        yield opened


def reviewed(store: Store, folder: Path, runs: int) -> dict:
    """Runs of five steps with three suspicious ones each, of which the one with most words is marked, blind."""
    steps = ["start", "again", "again again again", "again " * 9, "end"]
    found = put_runs(store, folder, {f"run {place}": [f"{text} {place}" for text in steps] for place in range(runs)})
    for run in found.values():
        say(store, run, chunk(store, run), label(store, run, "step-repetition", 3), APPROVE)
    return found


def test_suggestions_carry_no_probability_until_calibrated_and_one_from_then_on(store: Store, tmp_path: Path) -> None:
    detector = WordDetector()
    runs = reviewed(store, tmp_path / "runs", 8)
    for run in runs.values():
        detect(store, run, [detector], BOOKS)
    first = runs["run 0"]
    assert {item.probability for item in views.suggestions(store, first)} == {None}

    value = calibrate.calibrate(store, BOOKS, [detector], Account(), Troubles())
    (entry,) = value["entries"]
    assert (entry["decisions"], entry["right"]) == (24, 8)
    assert load_kept(store) == value
    by_score = {item.score: item.probability for item in views.suggestions(store, first)}
    assert by_score[0.9] > 0.7 > 0.4 > by_score[0.1]

    (late,) = put_runs(store, tmp_path / "late", {"late": ["again", "x"]}).values()
    detect(store, late, [detector], BOOKS)
    assert [item.probability for item in views.suggestions(store, late)] == [by_score[0.1]]

    newer = WordDetector()
    newer.version = "2"
    detect(store, late, [newer], BOOKS)
    assert [item.probability for item in views.suggestions(store, late)] == [None]


def test_what_is_not_known_any_more_loses_its_probability(store: Store, tmp_path: Path) -> None:
    detector = WordDetector()
    runs = reviewed(store, tmp_path / "runs", 8)
    for run in runs.values():
        detect(store, run, [detector], BOOKS)
    calibrate.calibrate(store, BOOKS, [detector], Account(), Troubles())
    for run in list(runs.values())[:4]:
        Ledger(store, "ann").undo(run)
    (entry,) = calibrate.calibrate(store, BOOKS, [detector], Account(), Troubles())["entries"]
    assert (entry["decisions"], entry["curve"]) == (12, None)
    assert {item.probability for run in runs.values() for item in views.suggestions(store, run)} == {None}


def test_calibrating_without_anything_keeps_nothing(store: Store) -> None:
    assert calibrate.calibrate(store, BOOKS, [], Account(), Troubles())["entries"] == []
    assert Calibration.load(store).curves == {}
