"""Reading answers: the habits of models are forgiven, and nothing makes the reader fall."""

from __future__ import annotations

import json

import pytest
from helpers import JSON_VALUES, quick
from hypothesis import given
from hypothesis import strategies as st

from labels.judge.answer import BadAnswer, SaidQuote, read_answer

NAMES = {"a-mode": "a-mode", "1.1": "a-mode", "the a mode": "a-mode", "b-mode": "b-mode"}
CLAIM = {
    "quotes": [{"step": 3, "quote": "x y"}],
    "why": "be\ncause",
    "first_step": 2,
    "last_step": 4,
    "confidence": 0.7,
}
GOOD = {"modes": [{"mode": "a-mode", "verdict": "yes", "claims": [CLAIM]}, {"mode": "b-mode", "verdict": "no"}]}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(GOOD),
        json.dumps(GOOD["modes"]),
        f"```json\n{json.dumps(GOOD, indent=2)}\n```",
        f"<think>Is it? {{}} </think>\n{json.dumps(GOOD)}",
        f"Here is the answer:\n{json.dumps(GOOD)}\nI hope this helps.",
        json.dumps(GOOD).replace("a-mode", " The  A Mode "),
        json.dumps(GOOD).replace("a-mode", "1.1"),
        json.dumps(GOOD).replace(": 3", ': "step 3"').replace(": 2", ': "2"').replace("0.7", '"70%"'),
        json.dumps(GOOD).replace(": 3", ": 3.0").replace("0.7", "70"),
        json.dumps(GOOD).replace('"no"', "false"),
    ],
)
def test_one_answer_in_many_dresses(text: str) -> None:
    answer = read_answer(text, NAMES)
    (first, second) = answer.modes
    (claim,) = first.claims
    assert (first.mode, first.verdict, second.mode, second.verdict) == ("a-mode", "yes", "b-mode", "no")
    assert claim.quotes == (SaidQuote(3, "x y"),)
    assert (claim.first, claim.last, claim.why) == (2, 4, "be cause")
    assert claim.confidence == pytest.approx(0.7)
    assert (answer.unknown, answer.unanswered) == (0, ())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("<think>only thoughts</think>", "empty"),
        ("none", "not valid JSON"),
        ('{"modes": [{"mode": "a-mode", "cla', "not valid JSON"),
        ("[1, 2", "not valid JSON"),
        ("7", "no list"),
        ('{"answer": []}', "no list"),
        ('{"modes": []}', "names none"),
        ('{"modes": [{"mode": "c-mode"}, 7, null]}', "names none"),
        ("[" * 10_000, "nested|JSON"),
    ],
)
def test_what_cannot_be_used(text: str, reason: str) -> None:
    with pytest.raises(BadAnswer, match=reason):
        read_answer(text, NAMES)


def test_unknown_doubled_and_missing_modes() -> None:
    rows = [{"mode": "a-mode", "verdict": "maybe"}, {"mode": "a-mode", "verdict": "yes"}, {"mode": "zz"}]
    answer = read_answer(json.dumps({"modes": rows}), NAMES)
    assert [(item.mode, item.verdict) for item in answer.modes] == [("a-mode", "unsure")]
    assert (answer.unknown, answer.unanswered) == (1, ("b-mode",))


@pytest.mark.parametrize(("said", "read"), [(None, 0.5), ("high", 0.5), (True, 0.5), (-1, 0.0), (1e9, 1.0), (85, 0.85)])
def test_confidence(said: object, read: float) -> None:
    rows = [{"mode": "a-mode", "verdict": "yes", "claims": [{**CLAIM, "confidence": said}]}]
    assert read_answer(json.dumps(rows), NAMES).modes[0].claims[0].confidence == read


@pytest.mark.parametrize("said", [None, True, "three", 2.5, [1], "1 2", 1e300])
def test_a_number_that_is_none(said: object) -> None:
    rows = [{"mode": "a-mode", "verdict": "yes", "claims": [{**CLAIM, "first_step": said}]}]
    assert read_answer(json.dumps(rows), NAMES).modes[0].claims[0].first is None


@quick(200)
@given(st.dictionaries(st.sampled_from(["mode", "verdict", "claims", "x"]), JSON_VALUES, max_size=4), JSON_VALUES)
def test_any_json_is_read_or_refused(row: object, other: object) -> None:
    for value in (
        row,
        other,
        {"modes": [row, other]},
        {"modes": [{"mode": "a-mode", "claims": [row, {"quotes": other}]}]},
    ):
        try:
            read_answer(json.dumps(value), NAMES)
        except BadAnswer:
            pass
