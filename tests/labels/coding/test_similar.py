"""Near-duplicates: what is pointed out, what is not, and that it ends on anything."""

import time

import pytest
from coding_desk import CodingDesk
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from labels.coding.fold import Code
from labels.coding.similar import Guesser, Vectors, grams, near_codes, near_names, near_notes, typical

NAMES = ["wrong metric", "tool error ignored", "invented file", "no verification", "stopped early", "wrong region"]


def near(name: str, *names: str) -> list[str]:
    codes = [Code(str(place), text) for place, text in enumerate((*NAMES, *names))]
    return [code.name for code, _ in near_names(name, codes)]


@pytest.mark.parametrize(
    ("typed", "there"),
    [
        ("wrong timezone used", "wrong time zone"),
        ("ignores tool error", "tool error ignored"),
        ("stops too early", "stopped early"),
        ("Metric wrong", "wrong metric"),
        ("invented files", "invented file"),
    ],
)
def test_names_that_may_be_one(typed: str, there: str):
    assert near(typed, there)[0] == there


@pytest.mark.parametrize("typed", ["wrong service", "asks nobody", "x", "", "???", "loops"])
def test_names_that_are_not(typed: str):
    assert near(typed) == []


def test_a_former_name_counts():
    code = Code("1", "time zone", ["wrong clock"])
    assert [(found.name, round(cosine, 2)) for found, cosine in near_names("clock wrong", [code])] == [
        ("time zone", 1.0)
    ]


def test_codes_and_notes_that_may_belong_together(desk: CodingDesk):
    one = desk.note("the agent reads the clock of the wrong time zone", run=0)
    two = desk.note("agent reads a clock in the wrong time zone", run=1)
    three = desk.note("stops before the tests have run", run=2)
    coder = desk.coder()
    coder.assign("wrong time zone", [one])
    board = desk.board()
    (pair,) = near_notes(board)
    assert {pair.first.key, pair.second.key} == {one, two}
    assert [code.name for code, _ in Guesser(board).guesses(board.by_key[two].text)] == ["wrong time zone"]
    coder.assign("timezone wrong", [two])
    coder.assign("stops early", [three])
    (codes,) = near_codes(desk.board())
    assert {codes.first.name, codes.second.name} == {"wrong time zone", "timezone wrong"}
    assert codes.notes > 0.5
    coder.merge([desk.board().code("timezone wrong").id], desk.board().code("wrong time zone").id)
    assert near_codes(desk.board()) == []
    assert near_notes(desk.board()) == []


def test_the_typical_note_is_the_one_most_like_the_others(desk: CodingDesk):
    keys = [
        desk.note(text, run=place)
        for place, text in enumerate(["something else entirely", "reads the wrong clock", "reads a wrong clock again"])
    ]
    desk.coder().assign("clock", keys)
    board = desk.board()
    assert typical(board.notes_of(board.code("clock")))[-1].text == "something else entirely"


@quick(60)
@given(st.lists(st.text(max_size=80), max_size=8), st.text(max_size=80))
def test_any_text_has_a_cosine_between_0_and_1(texts: list[str], text: str):
    found = Vectors(texts).near(text, 0.1)
    assert all(0.1 <= cosine <= 1 for _, cosine in found)
    if text in texts and grams(text):
        assert found[0][1] == pytest.approx(1, abs=0.01)


def test_a_thousand_notes_and_hostile_ones_take_a_moment():
    texts = [f"note {n} says that the agent failed at service {n % 97}" for n in range(3000)] + [
        "a" * 1_000_000,
        "\u202e" * 9,
    ]
    start = time.process_time()
    vectors = Vectors(texts)
    for place in range(0, 3000, 10):
        vectors.near_place(place, 0.5)
    assert time.process_time() - start < 10
