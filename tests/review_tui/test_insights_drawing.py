"""Plots of letters: as wide as they should be, and never more certain than their figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.insights.figures import Figure
from review_tui.insights.drawing import Canvas, Mark, bar, columns, shade, span
from review_tui.insights.words import interval, mean_text, percent, share_text, wrapped
from review_tui.transcript.folding import cells
from review_tui.words import counted


def text(pieces: list[tuple[str, str]]) -> str:
    return "".join(piece[0] for piece in pieces)


def test_a_bar_shows_its_interval() -> None:
    assert text(bar(Figure(0.5, 0.25, 0.75, 40, 20), 20, 1.0)) == "█████▓▓▓▓▓░░░░░     "
    assert text(bar(Figure(0.5, 0.25, 0.75, 40, 20), 10, 0.5)) == "█████▓▓▓▓▓"
    assert text(bar(Figure(0.5, None, None, 40), 10, 1.0)) == "█████     "


def test_too_few_runs_are_no_bar() -> None:
    assert text(bar(Figure(1.0, 0.4, 1.0, 4, 4), 10, 1.0)).strip() == ""
    assert text(bar(Figure(None, why="none"), 10, 1.0)).strip() == ""
    assert "too few (4 of 5)" in share_text(Figure(1.0, 0.4, 1.0, 4, 4))
    assert mean_text(Figure(None, why="no run")) == "no run"


def test_marks_lie_over_a_bar_and_stay_inside() -> None:
    assert text(bar(Figure(0.5, 0.5, 0.5, 40, 20), 10, 1.0, [Mark(0.2, "◆"), Mark(5.0, "◇")])) == "██◆██    ◇"
    assert text(span([Mark(0.2, "○"), Mark(0.6, "●")], 10, 1.0)) == "··○───●···"
    assert text(span([], 5, 1.0)) == "·····"


@given(
    st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(1, 120), st.sampled_from([0.1, 0.5, 1.0]),
    st.lists(st.floats(-1, 3), max_size=3),
)  # fmt: skip
def test_a_bar_is_as_wide_as_it_should_be(
    a: float, b: float, c: float, width: int, top: float, marks: list[float]
) -> None:
    low, value, high = sorted((a, b, c))
    drawn = text(bar(Figure(value, low, high, 50), width, top, [Mark(at, "◆") for at in marks]))
    assert cells(drawn) == len(drawn) == width
    if not marks:
        assert drawn.rstrip(" ") == "".join(sorted(drawn.rstrip(" "), key="█▓░".index))


def test_a_histogram_stands_on_its_ground() -> None:
    rows = [text(row) for row in columns([4, 1, 0, 400], 4, 3)]
    assert [len(row) for row in rows] == [12] * 4
    assert rows[-1] == "▁▁ ▁▁    ██ "  # few among many are not none, and none is nothing
    assert rows[0] == "         ██ "
    assert all(row.strip() == "" for row in map(text, columns([0, 0], 3, 4)))


def test_a_curve_goes_through_its_points() -> None:
    canvas = Canvas(10, 4)
    canvas.line([(0.0, 0.0), (1.0, 1.0)])
    canvas.letter(0.0, 0.0, "s", "mark")
    rows = [text(row) for row in canvas.rows()]
    assert [len(row) for row in rows] == [10] * 4
    assert rows[-1][0] == "s"
    assert rows[0][-1] not in " s"
    assert rows[0][0] == " "
    canvas.point(-5, 99)  # outside is the edge
    assert text(canvas.rows()[0])[0] != " "


@pytest.mark.parametrize(("value", "letter"), [(0.0, " "), (0.05, "·"), (0.5, "▒"), (1.0, "█"), (9.0, "█")])
def test_a_shade_is_denser_for_more(value: float, letter: str) -> None:
    assert shade(value, 1.0) == letter
    assert shade(value, 0.0) == " "


def test_figures_in_few_letters() -> None:
    assert [percent(value) for value in (None, 0.0, 0.001, 0.4, 0.999, 1.0)] == [
        "–",
        "0%",
        "<1%",
        "40%",
        ">99%",
        "100%",
    ]
    assert interval(Figure(0.4, 0.321, 0.489, 50)) == "32–49"
    assert interval(Figure(0.4)) == ""
    assert share_text(Figure(0.4, 0.321, 0.489, 50, 20)) == "40% (32–49), 20/50"
    assert mean_text(Figure(4.7, 4.1, 5.3, 62)) == "4.7 (4.1–5.3), n 62"


def test_sentences_are_wrapped_to_the_width() -> None:
    rows = wrapped("one two three four five", 12)
    assert [row[1][0][0] for row in rows] == [" one two", " three four", " five"]
    assert len(wrapped("x" * 50, 10)) == 1  # a word is not torn; the list crops it


def test_a_word_stands_for_one_or_for_many() -> None:
    assert [counted(count, "run") for count in (0, 1, 2, 1_200)] == ["0 runs", "1 run", "2 runs", "1,200 runs"]
