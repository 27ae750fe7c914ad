"""The picker's search: what is found, in which order, and that slips of the finger are forgiven."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels.codebook import BUILT_IN, Codebook, Codebooks, Mode, load
from labels.codebook_search import Index, Searchable, slips

MAST = Codebooks((load(BUILT_IN / "mast.toml"),))
ORDER = [mode.slug for mode in MAST.items[0].modes]


def found(query: str) -> list[str]:
    return [mode.slug for _, mode in MAST.search(query)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("26", "reasoning-action-mismatch"),
        ("2.6", "reasoning-action-mismatch"),
        ("2 6", "reasoning-action-mismatch"),
        ("FM-2.6", "reasoning-action-mismatch"),
        ("reasoning-action-mismatch", "reasoning-action-mismatch"),
        ("mismatch", "reasoning-action-mismatch"),
        ("ram", "reasoning-action-mismatch"),
        ("rsnact", "reasoning-action-mismatch"),
        ("resoning", "reasoning-action-mismatch"),
        ("reasoning 2.6", "reasoning-action-mismatch"),
        ("verif incor", "incorrect-verification"),
        ("Weak Verif", "incorrect-verification"),
        ("clarifcation", "fail-to-ask-for-clarification"),
        ("claification ask", "fail-to-ask-for-clarification"),
        ("derial", "task-derailment"),
        ("withold", "information-withholding"),
        ("backtracking", "loss-of-conversation-history"),
        ("RÉSET", "conversation-reset"),
        ("premat", "premature-termination"),
        ("role", "disobey-role-specification"),
        ("disobey task specification", "disobey-task-specification"),
        ("same call again", "step-repetition"),
        ("repeats", "step-repetition"),
    ],
)
def test_the_first_hit(query: str, first: str) -> None:
    assert found(query)[0] == first


@pytest.mark.parametrize("mode", MAST.items[0].modes, ids=lambda mode: mode.slug)
def test_each_mode_comes_first_for_its_own_names(mode: Mode) -> None:
    assert found(mode.slug)[0] == mode.slug
    assert found(mode.name)[0] == mode.slug
    assert found(mode.code) == [mode.slug]
    assert found(mode.code.replace(".", "")) == [mode.slug]
    for alias in mode.aliases:
        assert found(alias)[0] == mode.slug, alias


@pytest.mark.parametrize("mode", MAST.items[0].modes, ids=lambda mode: mode.slug)
def test_one_slip_in_the_longest_word_still_finds_the_mode(mode: Mode) -> None:
    word = max(mode.slug.split("-"), key=len)
    middle = len(word) // 2
    for typed in (
        word[:middle] + word[middle + 1 :],
        word[:middle] + word[middle + 1] + word[middle] + word[middle + 2 :],
        word[:middle] + "q" + word[middle + 1 :],
    ):
        assert mode.slug in found(typed), typed


@pytest.mark.parametrize("query", ["", "   ", "\n\t"])
def test_an_empty_query_gives_all_in_codebook_order(query: str) -> None:
    assert found(query) == ORDER


def test_a_category_number_gives_its_modes_in_order() -> None:
    assert found("3")[:3] == ORDER[-3:]
    assert found("2.")[:6] == ORDER[5:11]


@pytest.mark.parametrize("query", ["xyzzyq", "!!!", "@", "\x1b[31m\x00", "🙈"])
def test_nonsense_finds_nothing(query: str) -> None:
    assert found(query) == [] or query.startswith("\x1b")


def test_where_no_mode_has_all_words_half_of_them_do() -> None:
    assert found("repeats finished call xyzzyq")[0] == "step-repetition"


def test_several_codebooks_are_searched_together() -> None:
    own = {"slug": "data-made-up", "code": "S1", "name": "Data made up", "definition": "Values come from nowhere."}
    both = Codebooks(
        (*MAST.items, Codebook.model_validate({"id": "own", "version": "1", "title": "Own", "mode": [own]}))
    )
    assert next((book.id, mode.slug) for book, mode in both.search("s1")) == ("own", "data-made-up")
    assert len(both.search("")) == 15


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_any_query_gives_each_mode_at_most_once_and_always_the_same(query: str) -> None:
    once = found(query)
    assert len(set(once)) == len(once)
    assert set(once) <= set(ORDER)
    again = Codebooks(MAST.items)
    assert [mode.slug for _, mode in again.search(query)] == once


def test_a_giant_query_and_an_index_of_nothing_are_harmless() -> None:
    assert isinstance(found("agent " * 100_000), list)
    assert found("a" * 1_000_000) == []
    assert Index([]).search("x") == []
    bare = Searchable(codes=("",), name="?", slug="x", aliases=(), category="", definition="", when="")
    assert Index([bare]).search("x") == [0]


@pytest.mark.parametrize(
    ("one", "other", "away"),
    [
        ("word", "word", 0),
        ("wrod", "word", 1),
        ("wor", "word", 1),
        ("wordy", "word", 1),
        ("ward", "word", 1),
        ("draw", "word", 4),
    ],
)
def test_slips(one: str, other: str, away: int) -> None:
    assert slips(one, other, 4) == slips(other, one, 4) == away
    assert slips(one, other, 0) == min(away, 1)
