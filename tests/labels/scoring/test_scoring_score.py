"""Scores on runs made by hand, where every figure can be worked out on paper."""

import pytest
from labelled import REPETITION, RESET, claim, looked, truth

from labels.scoring.predict import Looked
from labels.scoring.score import ALWAYS, CHANCE, LENGTH, PRIOR, Scorer
from labels.scoring.truth import Judged, RunTruth, Span, Verdict


def one(*items: Looked, mode: str = REPETITION, detector: str = "words"):
    (found,) = Scorer(items).scores(detector, mode)
    return found


def test_a_score_by_hand() -> None:
    """Two of three found, one false alarm in three."""
    found = one(
        looked(truth("1", {REPETITION: True}), claim(score=0.9)),
        looked(truth("2", {REPETITION: True}), claim(score=0.4), claim(first=3, score=0.7)),
        looked(truth("3", {REPETITION: True})),
        looked(truth("4", {REPETITION: False}), claim(score=0.8)),
        looked(truth("5", {REPETITION: False}), claim(mode=RESET)),
        looked(truth("6", {REPETITION: False})),
        looked(truth("7", {RESET: False}), claim()),
    )
    assert (found.units, found.positives, found.fired, found.clusters) == (6, 3, 3, 6)
    assert found.precision.value == found.recall.value == found.f1.value == pytest.approx(2 / 3)
    assert found.prevalence == 0.5
    assert found.always_yes_f1 == pytest.approx(2 / 3)
    # ranked .9 yes, .8 no, .7 yes, then three without a score of which one is yes
    assert found.average_precision.value == pytest.approx((1 + 2 / 3 + 3 / 6) / 3)
    assert found.behind == (ALWAYS,), "equal is not better"
    assert found.beats is False
    assert found.without_system.why == "the labels are of one system"


def test_better_than_everything_is_said_to_be() -> None:
    runs = [
        looked(truth(str(place), {REPETITION: place < 4}, steps=20 - place), *([claim()] if place < 4 else []))
        for place in range(8)
    ]
    found = one(*runs, looked(truth("long", {REPETITION: False}, steps=99)))
    assert (found.beats, found.behind) == (True, ())
    assert found.ahead == pytest.approx(1.0, abs=0.01)
    assert found.length_ap is not None
    assert found.length_ap < 1


def test_a_mode_that_is_nowhere_leaves_everything_but_the_false_alarms_open() -> None:
    found = one(looked(truth("1", {REPETITION: False}), claim()), looked(truth("2", {REPETITION: False})))
    assert (found.fired, found.precision.value) == (1, 0.0)
    for figure in (found.recall, found.f1, found.average_precision):
        assert figure.value is None
        assert figure.why == "the mode is present nowhere"
    assert found.beats is None
    assert found.always_yes_f1 is None


def test_silence_has_no_precision_and_a_recall_of_zero() -> None:
    found = one(looked(truth("1", {REPETITION: True})), looked(truth("2", {REPETITION: False})))
    assert found.precision.value is None
    assert found.precision.why == "it never fired"
    assert (found.recall.value, found.f1.value) == (0.0, 0.0)
    assert found.behind == (ALWAYS, CHANCE, LENGTH, PRIOR)


def test_a_detector_counts_only_where_it_looked() -> None:
    found = one(
        looked(truth("1", {REPETITION: True}), claim()),
        Looked((truth("2", {REPETITION: True}),), [claim()], {}),
        looked(truth("3", {REPETITION: False}), detectors=("other",)),
    )
    assert (found.units, found.fired) == (1, 1)
    assert not list(Scorer([looked(truth("1", {REPETITION: True}))]).scores("unknown", REPETITION))


def test_labels_of_different_trust_never_meet() -> None:
    items = [
        looked(truth("1", {REPETITION: True}), claim()),
        looked(truth("1", {REPETITION: False}, trust="doubtful", corpus="x"), claim()),
        looked(truth("2", {REPETITION: False}, trust="staged"), claim()),
    ]
    found = {item.trust: item for item in Scorer(items).scores("words", REPETITION)}
    assert [item.by_corpus[0].right for item in found.values()] == [1, 0, 0]
    assert {trust: item.precision.value for trust, item in found.items()} == {"sound": 1, "doubtful": 0, "staged": 0}
    assert found["doubtful"].corpora == ("x",)


def test_chunks_of_a_run_are_units_and_the_run_one_draw() -> None:
    units = tuple(
        Judged(Span(first, first + 4), "ann", {REPETITION: Verdict(first == 5, (Span(6, 6),) if first == 5 else ())})
        for first in (0, 5, 10)
    )
    known = RunTruth("db", "sound", "1", "A", 15, units)
    found = one(looked(known, claim(first=6), claim(first=12, quoted=(11,))))
    assert (found.units, found.runs, found.clusters, found.fired) == (3, 1, 1, 2)
    assert found.precision.value == 0.5
    assert found.precision.why == "one run gives no interval"
    assert found.evidence is not None
    assert (found.evidence.n, found.evidence.hit.value) == (1, 1.0)


def test_a_rule_that_works_in_one_system_only_is_seen_through() -> None:
    runs = [looked(truth(f"a{n}", {REPETITION: n < 3}), *([claim()] if n < 3 else [])) for n in range(6)]
    runs += [looked(truth(f"b{n}", {REPETITION: n < 3}, system="B"), *([claim()] if n > 2 else [])) for n in range(6)]
    found = one(*runs)
    assert found.f1.value == 0.5
    assert (found.without_system.system, found.without_system.f1) == ("A", 0.0)


def test_evidence_hits_where_it_is_quoted_not_where_a_claim_is_wide() -> None:
    marked = Verdict(True, (Span(4, 5),))
    wide = claim(first=0, last=9, quoted=(0,))
    near = claim(first=5, last=6, quoted=(5,))
    missed, hit = (one(looked(truth("1", {REPETITION: marked}), item)).evidence for item in (wide, near))
    assert missed is not None
    assert hit is not None
    assert (missed.hit.value, missed.iou.value) == (0.0, pytest.approx(0.2))
    assert (hit.hit.value, hit.iou.value) == (1.0, pytest.approx(1 / 3))
    unmarked = one(looked(truth("1", {REPETITION: True}), wide))
    assert unmarked.evidence is None, "labels without steps say nothing of evidence"


# -- alerts -------------------------------------------------------------------------------------------------------


def test_alerts_on_good_runs_and_whether_they_track_failure() -> None:
    items = [
        looked(truth("1", good=True, steps=5), claim(), claim(mode=RESET)),
        looked(truth("2", good=True, steps=6)),
        looked(truth("3", good=False, steps=9), claim()),
        looked(truth("4", good=False, steps=8), claim(), claim(), claim()),
        looked(truth("5", {REPETITION: False}, corpus="other")),
        looked(truth("6", {REPETITION: True}, corpus="other"), claim()),
    ]
    (found,) = Scorer(items).alerts("words")
    assert (found.good, found.failed) == (3, 2)
    assert found.per_good.value == pytest.approx(2 / 3)
    assert found.on_good.value == pytest.approx(1 / 3)
    assert found.on_failed.value == 1.0
    # counts 2, 0 on good and 1, 3 on failed: of four pairs, 0 < 1, 0 < 3 and 2 < 3
    assert found.auroc.value == 0.75
    assert found.length_auroc.value == 1.0


def test_alerts_count_on_the_judged_chunks_only() -> None:
    units = (Judged(Span(0, 4), "ann", {REPETITION: Verdict(False)}),)
    known = RunTruth("db", "sound", "1", "A", 15, units)
    (found,) = Scorer([looked(known, claim(first=2), claim(first=9))]).alerts("words")
    assert found.per_good.value == 1.0
    assert found.auroc.why == "no corpus has good and failed runs"


def test_there_is_nothing_to_say_of_alerts_without_good_runs() -> None:
    (found,) = Scorer([looked(truth("1", good=False), claim())]).alerts("words")
    assert (found.per_good.value, found.per_good.why) == (None, "no run is known to be good")
    assert not list(Scorer([looked(truth("1"), claim())]).alerts("words"))
    assert not list(Scorer([looked(truth("1", {REPETITION: False}, trust="doubtful"))]).alerts("words"))
