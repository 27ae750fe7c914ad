"""Folding, layout, scrolling, selecting and marks: pure parts of the transcript, with made-up texts."""

import re

import pytest
from helpers import parts as made_parts
from helpers import quick
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len, split_graphemes

from review_tui.sanitize import clean_block
from review_tui.transcript import folding
from review_tui.transcript.folding import TAB_CELLS, cells, crop, fold, shown
from review_tui.transcript.layout import FOLD_ROWS, INDENT, lay_out, preview_of
from review_tui.transcript.marks import Marks, Passage
from review_tui.transcript.scroller import Place, Scroller
from review_tui.transcript.selection import Selection
from sessions.run import Part

PIECES = [
    "a",
    "word",
    " ",
    "  ",
    "\n",
    "\t",
    "\u8a9e",
    "\u660e\u308b\u3044",
    "e\u0301",
    "\u0301",
    "\U0001f44d\U0001f3fd",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "\U0001f1e9\U0001f1ea",
    "\u2764\ufe0f",
    "1\ufe0f\u20e3",
    "\u0e01\u0e33",
    "\u05d0\u05d1",
    "\u0928\u093f",
    "\uac00",
    "\u2026",
    "\u2500",
    "\u25cc",
    "\u20ac",
    "x" * 30,
    "\ufffd",
    "\u3000",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=120)
#: Joiners that join nothing have a test of their own.
CLEAN = TEXTS.map(lambda text: clean_block(re.sub("(?<!\U0001f469)\u200d", "", text)))
WIDTHS = st.integers(1, 40)


def rows_of(text: str, starts) -> list[str]:
    return [text[low:high] for low, high in zip(starts, [*starts[1:], len(text)], strict=True)]


# -- folding ------------------------------------------------------------------------------------------------------


@quick(400)
@given(CLEAN, WIDTHS)
@example("", 1)
@example("\n", 1)
@example("\n\n", 5)
@example("\t", 1)
@example("\u8a9e\u8a9e", 1)
def test_rows_partition_the_text(text, width):
    starts = list(fold(text, width))
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    assert "".join(rows_of(text, starts)) == text
    assert len(starts) >= text.count("\n") + 1
    for row in rows_of(text, starts):
        assert "\n" not in row[:-1]


@quick(400)
@given(CLEAN, WIDTHS)
def test_no_row_is_too_wide(text, width):
    for row in rows_of(text, fold(text, width)):
        line = row.rstrip("\n")
        if cells(line.rstrip(" ")) <= width:  # a blank at the end may hang over: it is cut when drawn
            continue
        graphemes = [span for span in split_graphemes(shown(line.rstrip(" ")))[0] if span[2]]
        assert len(graphemes) == 1 or "\t" in line, (line, width)
        assert max(width, 2, TAB_CELLS) >= cells(line.strip(" "))


@quick(300)
@given(CLEAN, WIDTHS)
def test_graphemes_are_not_torn(text, width):
    starts = set(fold(text, width))
    at = 0
    for line in text.split("\n"):
        edges = {at + start for start, _, _ in folding._graphemes(line)} | {at}
        assert {start for start in starts if at <= start < at + len(line)} <= edges
        at += len(line) + 1


@quick(200)
@given(CLEAN, WIDTHS)
def test_every_row_says_something_new(text, width):
    """Every row holds at least one code point: folding always goes on, however narrow the screen."""
    rows = rows_of(text, fold(text, width))
    assert all(rows[:-1])


def test_a_blank_at_the_end_takes_no_row_of_its_own():
    assert list(fold("hello ", 5)) == [0]
    assert list(fold("NAME  \nx", 5)) == [0, 7]


@quick(200)
@given(
    st.lists(st.text("abcdefgh", min_size=1, max_size=12), min_size=1, max_size=30).map(" ".join), st.integers(12, 40)
)
def test_words_stay_whole_where_they_fit(text, width):
    for row in rows_of(text, fold(text, width)):
        assert set(row.split()) <= set(text.split())


@quick(200)
@given(CLEAN, WIDTHS)
def test_plain_and_careful_folding_agree_on_ascii(text, width):
    """The fast way is an optimisation, no other rule."""
    line = re.sub(r"[^ -~]", "x", text.replace("\n", " "))
    fast: list[int] = []
    slow: list[int] = []
    folding._fold_plain(fast, line, 0, width)
    folding._fold_cells(slow, line, 0, width)
    assert [max(map(len, map(str.rstrip, rows_of(line, [0, *starts])))) <= width for starts in (fast, slow)] == [
        True
    ] * 2
    assert len(fast) <= len(slow) + 1


@quick(300)
@given(CLEAN.map(lambda text: text.replace("\n", "")), WIDTHS)
def test_cropping(text, width):
    cropped = crop(text, width)
    assert text.startswith(cropped)
    assert cells(cropped) <= width
    if cropped != text:
        rest = text[len(cropped) :]
        first = folding._graphemes(rest)[0] if not rest.isascii() or "\t" in rest else (0, 1, 1)
        assert cells(cropped) + max(1, first[2]) > width or "\u200d" in text or "\ufe0f" in text


@pytest.mark.xfail(strict=True, reason="rich counts a joiner that joins nothing in one way in a text, in another alone")
def test_a_joiner_that_joins_nothing():
    assert cells(crop("\u200d\u200dword", 1)) <= 1


@quick(300)
@given(CLEAN)
def test_cells_are_what_is_drawn(text):
    line = text.replace("\n", "")
    assert cells(line) == cell_len(shown(line))
    assert "\t" not in shown(line)


@quick(300)
@given(st.text(max_size=60))
def test_code_points_taken_for_narrow_are_narrow(text):
    """Whatever the fast check lets through is one cell a code point."""
    line = clean_block(text).replace("\n", "")
    if folding._MAYBE_WIDE.search(line) is None and "\t" not in line:
        assert cell_len(line) == len(line)


def test_every_code_point_taken_for_narrow_is_narrow():
    wrong = [
        code
        for code in range(0x20, 0x30000)
        if not 0xD800 <= code < 0xE000
        and folding._MAYBE_WIDE.search(chr(code)) is None
        and (clean_block(chr(code)) == chr(code))
        and cell_len(chr(code)) != 1
    ]
    assert [f"U+{code:04X}" for code in wrong if code != 0x0A] == []


def test_a_giant_text_folds():
    text = "\n".join(f"line {number} " + "x" * (number % 200) for number in range(60_000))
    starts = fold(text, 80)
    assert len(starts) > 60_000
    assert max(len(row) for row in rows_of(text, starts)) <= 82


# -- layout -------------------------------------------------------------------------------------------------------

CALLS = st.sampled_from(["c1", "c2", "c3", None])


@st.composite
def step_parts(draw) -> list[Part]:
    found = draw(st.lists(made_parts(CLEAN), max_size=6))
    for part in found:
        part.call_id = draw(CALLS)
    return found


FOLDS = st.dictionaries(st.integers(0, 5), st.booleans())


@quick(300)
@given(step_parts(), st.integers(4, 60), FOLDS, st.booleans())
def test_rows_and_heights_agree(parts, width, folds, opens):
    layout = lay_out(parts, width, folds, opens_chunk=opens)
    assert layout.height == max(layout.top + 1, layout.top + sum(part.rows for part in layout.parts)) + 1
    rows = [layout.row(number) for number in range(layout.height)]
    assert rows[-1].kind == "gap"
    assert [row.kind == "rule" for row in rows] == [opens and number == 0 for number in range(len(rows))]
    seen = [row.part for row in rows if row.part >= 0]
    assert list(dict.fromkeys(seen)) == layout.order
    for number, part in enumerate(layout.parts):
        assert seen.count(number) == part.rows


@quick(300)
@given(step_parts(), st.integers(4, 60), FOLDS, st.booleans())
def test_open_parts_show_their_whole_text(parts, width, folds, opens):
    layout = lay_out(parts, width, folds, opens_chunk=opens)
    for number, part in enumerate(layout.parts):
        rows = [row for at in range(layout.height) if (row := layout.row(at)).part == number]
        text = "".join(part.text[row.start : row.end] for row in rows if row.kind in ("text", "body", "head"))
        if part.is_text or part.inline or not part.folded:
            assert text == clean_block(part.part.text)
        for row in rows:
            assert 0 <= row.start <= row.end <= len(part.text)


@quick(300)
@given(step_parts(), st.integers(4, 60), FOLDS, st.booleans())
def test_a_position_is_on_the_row_that_shows_it(parts, width, folds, opens):
    layout = lay_out(parts, width, folds, opens_chunk=opens)
    for number, part in enumerate(layout.parts):
        for position in range(0, len(part.part.text), 7):
            at = layout.row_of(number, position)
            row = layout.row(at)
            assert row.part == number
            if row.kind in ("text", "body"):
                assert row.start <= position < max(row.end, row.start + 1)
    for at in range(layout.height):
        row = layout.row(at)
        if row.kind in ("text", "body") and row.end > row.start:
            assert layout.row_of(row.part, row.start) == at


@quick(300)
@given(step_parts())
def test_results_stand_under_their_calls(parts):
    layout = lay_out(parts, 80, {})
    order = layout.order
    assert sorted(order) == [number for number in range(len(parts)) if layout.parts[number].rows]
    first_call = {}
    for number, part in enumerate(parts):
        if part.kind == "tool_call" and part.call_id and part.call_id not in first_call:
            first_call[part.call_id] = number
    for number in order:
        part = parts[number]
        if part.kind == "tool_result" and part.call_id in first_call:
            call = first_call[part.call_id]
            between = order[order.index(call) + 1 : order.index(number)]
            assert order.index(call) < order.index(number)
            assert all(parts[item].kind == "tool_result" and parts[item].call_id == part.call_id for item in between)
    others = [
        number for number in order if not (parts[number].kind == "tool_result" and parts[number].call_id in first_call)
    ]
    assert others == sorted(others)


@pytest.mark.parametrize("kind", ["tool_call", "tool_result", "reasoning"])
def test_what_is_long_is_folded(kind):
    most = FOLD_ROWS[kind]
    at_most = lay_out([Part(kind, "\n".join(["x"] * most))], 80, {}).parts[0]
    beyond = lay_out([Part(kind, "\n".join(["x"] * (most + 1)))], 80, {}).parts[0]
    wrapped = lay_out([Part(kind, "word " * 30 * most)], 40, {}).parts[0]
    assert (at_most.folded, beyond.folded, wrapped.folded) == (False, True, True)
    assert (at_most.rows, beyond.rows, wrapped.rows) == (most + 1, 1, 1)


def test_wishes_win_over_rules():
    part = Part("tool_result", "\n".join(["x"] * 50))
    assert lay_out([part], 80, {0: False}).parts[0].rows == 51
    assert lay_out([Part("tool_result", "a\nb")], 80, {0: True}).parts[0].rows == 1


def test_a_message_is_never_folded():
    part = lay_out([Part("text", "x\n" * 100)], 80, {0: True}).parts[0]
    assert not part.folded
    assert part.rows == 101


def test_what_fits_stands_on_the_line_of_its_head():
    part = lay_out([Part("tool_call", "ls", name="bash")], 80, {}).parts[0]
    assert part.inline
    assert part.rows == 1
    narrow = lay_out([Part("tool_call", "l" * 30, name="bash")], 20, {}).parts[0]
    assert not narrow.inline


def test_an_empty_step_has_a_row_and_a_gap():
    layout = lay_out([], 80, {}, opens_chunk=True)
    assert layout.row(0).kind == "rule"
    assert layout.height == 3


@quick(200)
@given(CLEAN, st.integers(4, 60))
def test_a_preview_is_one_line_of_the_text(text, width):
    part = lay_out([Part("tool_result", text)], width, {0: True}).parts[0]
    preview = preview_of(part, width)
    assert "\n" not in preview
    assert preview == " ".join(preview.split())
    assert INDENT > 0


# -- scrolling ----------------------------------------------------------------------------------------------------

HEIGHTS = st.lists(st.integers(1, 30), max_size=20)
MOVES = st.lists(
    st.tuples(st.sampled_from(["move", "page", "scroll"]), st.integers(-60, 60))
    | st.tuples(st.just("resize"), st.integers(1, 40))
    | st.tuples(st.just("go"), st.tuples(st.integers(-2, 25), st.integers(-3, 40), st.booleans())),
    max_size=25,
)


def scroller_of(heights: list[int], screen: int = 10) -> Scroller:
    made = Scroller(lambda step: heights[step])
    made.set_total(len(heights))
    made.resize(screen)
    return made


def every_place(heights: list[int]) -> list[Place]:
    return [Place(step, row) for step, height in enumerate(heights) for row in range(height)]


@quick(200)
@given(HEIGHTS.filter(bool), st.data())
def test_walking_and_distance_are_inverse(heights, data):
    places = every_place(heights)
    made = scroller_of(heights)
    at, to = (data.draw(st.integers(0, len(places) - 1)) for _ in range(2))
    assert made.walk(places[at], to - at) == places[to]
    assert made.distance(places[at], places[to], 10_000) == to - at
    limit = data.draw(st.integers(1, 50))
    assert made.distance(places[at], places[to], limit) == max(-limit, min(limit, to - at))
    assert made.walk(places[at], 10_000) == places[-1]
    assert made.walk(places[at], -10_000) == places[0]


def check(made: Scroller, heights: list[int]) -> None:
    visible = made.visible()
    places = every_place(heights)
    if not places:
        assert (made.cursor, visible) == (Place(0, 0), [])
        return
    assert made.cursor in visible
    first = places.index(visible[0])
    assert visible == places[first : first + len(visible)]
    assert len(visible) == min(made.screen, len(places)) or len(visible) == len(places) - first < made.screen


@quick(300)
@given(HEIGHTS, st.integers(1, 30), MOVES)
def test_the_cursor_is_always_on_the_screen(heights, screen, moves):
    made = scroller_of(heights, screen)
    check(made, heights)
    for name, by in moves:
        if name == "go":
            made.go(Place(by[0], by[1]), at_top=by[2])
        else:
            getattr(made, name)(by)
        check(made, heights)


@quick(200)
@given(HEIGHTS.filter(bool), st.integers(1, 30), MOVES)
def test_the_last_screenful_stays_full(heights, screen, moves):
    made = scroller_of(heights, screen)
    for name, by in moves:
        if name == "go":
            made.go(Place(by[0], by[1]), at_top=by[2])
        elif name != "resize":
            getattr(made, name)(by)
        assert len(made.visible()) == min(screen, sum(heights))


@quick(200)
@given(HEIGHTS.filter(bool), st.integers(1, 30), MOVES, st.data())
def test_steps_may_be_folded_and_runs_may_shrink(heights, screen, moves, data):
    heights = list(heights)
    made = Scroller(lambda step: heights[step])
    made.set_total(len(heights))
    made.resize(screen)
    for name, by in moves:
        if name == "go":
            made.go(Place(by[0], by[1]), at_top=by[2])
        else:
            getattr(made, name)(by)
        heights[data.draw(st.integers(0, len(heights) - 1))] = data.draw(st.integers(1, 30))
        made.resize(made.screen)
        assert made.cursor in made.visible()
    del heights[1:]
    made.set_total(1)
    made.resize(screen)
    assert made.cursor.step == 0
    assert made.cursor in made.visible()


def test_an_empty_run_has_no_rows():
    made = scroller_of([])
    made.move(5)
    made.page(-3)
    made.scroll(2)
    made.go(Place(4, 4))
    assert made.visible() == []
    assert made.cursor == Place(0, 0)


def test_going_to_a_place_at_the_top():
    made = scroller_of([5] * 50, 20)
    made.go(Place(30, 0), at_top=True)
    assert made.cursor == Place(30, 0)
    assert made.visible().index(Place(30, 0)) <= Scroller.MARGIN


# -- selecting ----------------------------------------------------------------------------------------------------

SIDES = st.tuples(st.sampled_from(["start", "end"]), st.sampled_from(["+char", "-char", "+word", "-word"]))


@quick(300)
@given(CLEAN.filter(lambda text: text.strip()), st.lists(SIDES, max_size=12), st.data())
def test_an_adjusted_selection_stays_in_its_text(text, moves, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    selection = Selection(0, 0, start, end, text)
    for side, by in moves:
        before = selection
        selection = selection.adjusted(side, by)
        assert 0 <= selection.start < selection.end <= len(text)
        if side == "start":
            assert selection.end == before.end
            assert (selection.start >= before.start) if by[0] == "+" else (selection.start <= before.start)
        else:
            assert selection.start == before.start
            assert (selection.end >= before.end) if by[0] == "+" else (selection.end <= before.end)


def test_a_row_is_selected_without_its_blanks():
    selection = Selection.of_row(3, 1, 2, 8, "xx  ab  yy")
    assert selection.passage() == (3, Passage(1, 4, 6, "select"))


@quick(100)
@given(CLEAN, st.data())
def test_dragging_either_way_selects_the_same(text, data):
    ends = [data.draw(st.integers(0, len(text))) for _ in range(2)]
    there = Selection(0, 0, ends[0], ends[0], text).dragged_to(ends[1])
    back = Selection(0, 0, ends[1], ends[1], text).dragged_to(ends[0])
    assert there.passage() == back.passage()
    assert there.empty == (ends[0] == ends[1])


def test_words():
    text = "one two  three"
    selection = Selection(0, 0, 4, 7, text)
    assert selection.adjusted("end", "+word").end == 14
    assert selection.adjusted("start", "-word").start == 0
    assert selection.adjusted("end", "-word").end == 5
    assert text[Selection(0, 0, 0, 14, text).adjusted("end", "-word").end :] != ""


# -- marks --------------------------------------------------------------------------------------------------------

PASSAGES = st.builds(
    lambda part, ends, style: Passage(part, min(ends), max(ends), style),
    st.integers(0, 2),
    st.tuples(st.integers(0, 50), st.integers(0, 50)),
    st.sampled_from(["label", "suggestion"]),
).filter(lambda item: item.start < item.end)


@quick(300)
@given(st.lists(PASSAGES, max_size=5), st.integers(0, 50), st.integers(0, 50), st.integers(0, 2))
def test_passages_are_clipped_to_the_row(items, one, other, part):
    start, end = min(one, other), max(one, other) + 1
    marks = Marks(evidence={4: items})
    found = marks.passages(4, part, start, end, "x" * 51)
    for item in found:
        assert start <= item.start < item.end <= end
        assert item.part == part
    covered = {at for item in found for at in range(item.start, item.end)}
    wanted = {at for item in items if item.part == part for at in range(max(start, item.start), min(end, item.end))}
    assert covered == wanted
    assert marks.passages(5, part, start, end, "x" * 50) == []


@quick(300)
@given(st.text("ab .[", max_size=60), st.text("ab.[", min_size=1, max_size=4), st.integers(1, 20))
def test_the_search_is_marked_across_rows(text, query, width):
    """All rows together mark what a search of the whole text finds, also where a match goes over the row's end."""
    pattern = re.compile(re.escape(query), re.IGNORECASE)
    marks = Marks(search=pattern)
    covered = set()
    for start in range(0, len(text), width):
        for item in marks.passages(0, 0, start, min(len(text), start + width), text):
            assert item.style == "search"
            covered |= set(range(item.start, item.end))
    wanted = {at for match in pattern.finditer(text) for at in range(match.start(), match.end())}
    assert wanted <= covered
    assert all(
        any(text[low : low + len(query)].lower() == query.lower() for low in range(max(0, at - len(query) + 1), at + 1))
        for at in covered
    )


def test_a_selection_lies_over_everything():
    marks = Marks(
        evidence={0: [Passage(0, 0, 5, "label")]}, search=re.compile("b"), selection=(0, Passage(0, 1, 3, "select"))
    )
    assert [item.style for item in marks.passages(0, 0, 0, 5, "abcde")] == ["label", "search", "select"]
    assert [item.style for item in marks.passages(1, 0, 0, 5, "acde ")] == []
