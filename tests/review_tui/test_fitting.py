"""Text cut and folded to cells: wide letters, joined emoji, what a terminal would obey."""

import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from review_tui.transcript.folding import cells
from review_tui.widgets.fitting import MOST_CHARS, fit, lines, pad

WIDE = "日本語のとても長い失敗モードの名前"
TEXTS = st.text(max_size=120) | st.text("日本ab \u202e\x1b[👩\u200d🚀é", max_size=120)


@quick(200)
@given(TEXTS, st.integers(2, 60))
def test_a_line_is_never_wider_than_its_room(text, room):
    assert cells(fit(text, room)) <= room
    padded = pad(text, room)
    assert cells(padded) == room or "\u200d" in padded  # a joiner at the end takes a blank in


@quick(200)
@given(TEXTS, st.integers(8, 60), st.integers(1, 5))
def test_lines_fit_and_are_no_more_than_asked_for(text, room, most):
    found = lines(text, room, most)
    assert len(found) <= most
    assert all(cells(line) <= room for line in found)
    assert not any(ord(char) < 32 or char == "\u202e" for line in found for char in line)


def test_nothing_is_lost_where_there_is_room():
    assert "".join(lines(WIDE, 10, 9)) == WIDE
    assert all(cells(line) <= 10 for line in lines(WIDE, 10, 9))
    assert " ".join(lines("one two three four", 9, 9)) == "one two three four"


def test_what_is_cut_says_so():
    assert fit(WIDE, 9) == "日本語の…"
    assert lines("one two three four", 9, 1) == ["one two …"]
    assert lines("", 9, 3) == []


@pytest.mark.parametrize("most", [3, 1000])
def test_of_a_huge_text_only_the_beginning_is_laid_out(most):
    found = lines("word " * 200_000, 40, most)
    assert found[-1].endswith(" …")
    assert sum(map(len, found)) <= MOST_CHARS
