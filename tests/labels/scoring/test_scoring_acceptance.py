"""How suggestions were answered: counted apart, by whoever gave the answer."""

from pathlib import Path

import pytest
from labelled import APPROVE, BOOKS, REPETITION, WordDetector, chunk, label, put_runs, say

from labels import views
from labels.detection import detect
from labels.model import SetAnswer, Shown
from labels.scoring.acceptance import Acceptance, acceptance
from sessions.store import Store


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "review.db") as opened:
        yield opened


def test_answers_by_detector_and_mode(store: Store, tmp_path: Path) -> None:
    run = put_runs(store, tmp_path, {"one": ["again 1", "again 2", "again 3", "again 4", "x"]})["one"]
    detect(store, run, [WordDetector()], BOOKS)
    found = [item.id for item in views.suggestions(store, run)]
    shown = tuple(Shown(id=key, detector="words", version="1") for key in found)
    target = chunk(store, run)
    made = label(store, run, "step-repetition", 0, suggestion=found[0])
    say(
        store, run, target, made, SetAnswer(suggestion=found[0], answer="accept", label=made.label.id, seconds=2.0),
        SetAnswer(suggestion=found[1], answer="reject", seconds=6.0), SetAnswer(suggestion=found[2], answer="relabel"),
        APPROVE, blind=False, shown=shown,
    )  # fmt: skip
    say(
        store,
        run,
        target,
        SetAnswer(suggestion=found[0], answer="reject", seconds=9.0),
        by="bob",
        blind=False,
        shown=shown,
    )
    say(
        store,
        run,
        target,
        SetAnswer(suggestion=found[3], answer="accept"),
        APPROVE,
        by="rule",
        blind=False,
        how="policy",
    )
    (item,) = acceptance(store).values()
    assert (item.detector, item.mode) == ("words", REPETITION)
    assert (item.accepted, item.rejected, item.relabelled) == (1, 2, 1)
    assert item.unanswered == 1, "ann saw the fourth and said nothing of it; bob is not done"
    assert sorted(item.seconds) == [2.0, 6.0, 9.0]
    assert item.median_seconds == 6.0
    assert item.text == "1 of 4 accepted"


def test_an_answer_that_was_taken_back_is_none(store: Store, tmp_path: Path) -> None:
    run = put_runs(store, tmp_path, {"one": ["again", "x"]})["one"]
    detect(store, run, [WordDetector()], BOOKS)
    (item,) = views.suggestions(store, run)
    say(store, run, chunk(store, run), SetAnswer(suggestion=item.id, answer="accept"), blind=False)
    say(store, run, chunk(store, run), SetAnswer(suggestion=item.id, answer=None), blind=False)
    assert acceptance(store) == {}
    assert (Acceptance("d", "m").text, Acceptance("d", "m").median_seconds) == ("", None)
