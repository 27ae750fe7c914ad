from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from labels.codebook_ref import CodebookRef
from labels.model import (
    Act,
    Answer,
    Decision,
    Evidence,
    Label,
    RemoveLabel,
    SetNote,
    SetVerdict,
    StepRef,
    Target,
)

STEP = {"id": "s1", "index": 0}
BOOK = {"id": "mast", "version": "1", "sha256": "00"}


def evidence(**change: object) -> Evidence:
    return Evidence.model_validate({"step": STEP, "part": 0, "start": 2, "end": 5, "quote": "abc", **change})


def label(**change: object) -> Label:
    return Label.model_validate({"id": "l1", "mode": "m", "codebook": BOOK, "first": STEP, "last": STEP, **change})


def target(**change: object) -> Target:
    return Target.model_validate(
        {"id": "c", "scope": "chunk", "number": 1, "first": STEP, "last": STEP, "policy": "every:5", **change}
    )


@pytest.mark.parametrize(
    "change",
    [
        {"end": 4},
        {"end": 6},
        {"start": 5, "end": 2},
        {"start": -1, "end": 2},
        {"part": -1},
        {"quote": ""},
        {"quote": "abcd"},
        {"quote": "\N{GRINNING FACE}"},
        {"quote": "a\ud800c"},
        {"quote": "x" * 100_001, "start": 0, "end": 100_001},
        {"step": {"id": "", "index": 0}},
        {"step": {"id": "s", "index": -1}},
        {"more": 1},
    ],
)
def test_evidence_must_fit_its_quote(change: dict) -> None:
    assert evidence().quote == "abc"
    with pytest.raises(ValidationError):
        evidence(**change)


@given(st.integers(0, 2**40), st.text(max_size=20))
def test_evidence_is_counted_in_code_points(start: int, quote: str) -> None:
    assert evidence(start=start, end=start + len(quote), quote=quote).quote == quote


@pytest.mark.parametrize(
    "change",
    [
        {"caused_by": "l1"},
        {"root_cause": True, "caused_by": "l2"},
        {"id": ""},
        {"mode": ""},
        {"codebook": None},
        {"first": {"id": "s2", "index": 1}},
        {"note": "x" * 100_001},
    ],
)
def test_a_label_that_contradicts_itself_is_refused(change: dict) -> None:
    assert label(caused_by="l2").caused_by == "l2"
    with pytest.raises(ValidationError):
        label(**change)


@pytest.mark.parametrize("verdict", ["approve", "reject", "stop", "abstain", None])
def test_only_a_rollback_names_a_step(verdict: str | None) -> None:
    assert SetVerdict.model_validate({"verdict": verdict}).to is None
    with pytest.raises(ValidationError):
        SetVerdict.model_validate({"verdict": verdict, "to": STEP})


def test_a_rollback_names_its_step() -> None:
    assert SetVerdict.model_validate({"verdict": "rollback", "to": STEP}).to == StepRef(id="s1", index=0)
    with pytest.raises(ValidationError):
        SetVerdict.model_validate({"verdict": "rollback"})
    with pytest.raises(ValidationError):
        SetVerdict.model_validate({"verdict": "maybe"})


def test_a_target_is_not_back_to_front() -> None:
    with pytest.raises(ValidationError):
        target(first={"id": "s2", "index": 1})


def test_an_act_is_read_back_as_it_was() -> None:
    act = Act(
        target=target(),
        ops=(
            SetVerdict(verdict="rollback", to=StepRef(id="s1", index=0)),
            RemoveLabel(id="x"),
            SetNote(text="a\nb \N{GRINNING FACE}\0"),
        ),
        blind_suggestions=True,
        blind_votes=False,
        seconds=1.5,
    )
    assert Act.model_validate_json(act.model_dump_json()) == act
    with pytest.raises(ValidationError):
        Act.model_validate({**act.model_dump(), "ops": [{"op": "nonsense"}]})
    with pytest.raises(ValidationError):
        Act.model_validate({**act.model_dump(), "how": "robot"})


def test_models_do_not_change() -> None:
    with pytest.raises(ValidationError):
        StepRef(id="s1", index=0).index = 2
    with pytest.raises(FrozenInstanceError):
        CodebookRef(**BOOK).version = "2"


def test_a_decision_is_empty_until_something_is_said() -> None:
    nothing = Decision(run="r", reviewer="ann", target=target())
    assert nothing.empty
    for said in (
        {"verdict": "approve"},
        {"none": (CodebookRef(**BOOK),)},
        {"labels": (label(),)},
        {"answers": {"s": Answer(answer="accept")}},
        {"note": "x"},
    ):
        assert not nothing.model_copy(update=said).empty
    labelled = nothing.model_copy(update={"labels": (label(),)})
    assert labelled.label("l1") == label()
    assert labelled.label("l2") is None
