"""Labels with the keyboard and the mouse: modes, evidence, causes; and answering suggestions."""

import re

import pytest
from station import CHECKOUT, FREEZE, SMALL, Station, station, suggest

from labels.views import LabelView
from review_tui.screens.picker import ModePicker
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.store import Store


def labels(here: Station) -> list[LabelView]:
    return [label for item in here.decisions() for label in item.labels]


def only(here: Station) -> LabelView:
    (label,) = labels(here)
    return label


def part_text(here: Station, index: int, part: int) -> str:
    with Store.open(here.db) as store:
        return catalog.step(store, here.run.no, index).step.parts[part].text


def check_quotes(here: Station) -> None:
    """All evidence quotes what really stands there."""
    for label in labels(here):
        for item in label.evidence:
            assert item.quote
            assert part_text(here, item.index, item.part)[item.start : item.end] == item.quote
            assert label.first <= item.index <= label.last


# -- choosing the mode --------------------------------------------------------------------------------------------


async def test_labelling_by_chord(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(8)
        await here.press("l")
        assert isinstance(here.app.screen, ModePicker)
        await here.press("2", "6")
        assert here.screen == "ReviewScreen"
        label = only(here)
        assert (label.mode, label.code, label.codebook) == ("reasoning-action-mismatch", "2.6", "mast")
        assert (label.first, label.last) == (7, 7)
        assert label.evidence == ()
        assert label.sure
        assert here.decision(2).labels == (label,)
        assert "2.6" in here.side
        assert "◆" in here.text


@pytest.mark.parametrize("keys", ["2 6", "2.6", "26"])
async def test_ways_to_write_a_code(checkout_db, keys):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", *("space" if key == " " else key for key in keys))
        assert only(here).code == "2.6"


async def test_labelling_by_letters_and_enter(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", *"mismatch")
        assert "Reasoning-action mismatch" in here.text
        await here.press("enter")
        assert only(here).code == "2.6"


async def test_choosing_with_the_arrow_keys(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", "down", "down", "up", "enter")
        assert only(here).code == "1.2"


async def test_the_picker_explains_the_mode(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", *"mismatch")
        assert "Applies when" in here.text
        before = here.text
        await here.press("pagedown")
        await here.until(lambda: here.text != before, "the help to move")
        await here.press("pageup")
        await here.until(lambda: here.text == before, "the help to be back")


async def test_a_search_for_no_mode_labels_nothing(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", *"qqqqzz")
        assert "no mode is called that" in here.text
        await here.press("enter")
        assert isinstance(here.app.screen, ModePicker)
        await here.press("escape")
        assert here.screen == "ReviewScreen"
        assert labels(here) == []


async def test_a_code_that_does_not_exist_labels_nothing(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", "9", "9", "enter", "escape")
        assert labels(here) == []


async def test_choosing_a_mode_by_clicking_twice(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l")
        await here.pilot.click("#modes", offset=(5, 1))
        await here.pilot.click("#modes", offset=(5, 1))
        await here.until(lambda: here.reviewing)
        assert only(here).code == "1.2"


# -- evidence -----------------------------------------------------------------------------------------------------


async def test_evidence_by_rows(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(2)
        await here.press("v")
        assert "l label" in here.footer
        await here.press("down", "down", "l", "2", "6")
        (item,) = only(here).evidence
        assert item.quote.startswith("Incident 4127: a third")
        assert "CheckoutFailing has been firing" in item.quote
        assert item.index == 1
        check_quotes(here)
        assert here.review.transcript.selection is None


async def test_evidence_by_rows_upwards(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(2)
        await here.press("down", "down", "v", "up", "up", "l", "2", "6")
        (item,) = only(here).evidence
        assert item.quote.startswith("Incident 4127: a third")
        assert "CheckoutFailing has been firing" in item.quote
        check_quotes(here)


async def test_evidence_by_rows_down_and_up_again(checkout_db):
    """Going back takes back what going on had taken."""
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(2)
        await here.press("v")
        before = here.review.transcript.selection
        await here.press("down", "down", "up", "up")
        assert here.review.transcript.selection.passage() == before.passage()


async def test_evidence_by_words(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(2)
        await here.press("v", "<", "<", ")")
        await here.press("l", "2", "6")
        (item,) = only(here).evidence
        text = "Incident 4127: a third of all orders fail at checkout."
        assert item.quote.strip() == text[text.index(" ") :].rsplit(" ", 2)[0].strip()
        check_quotes(here)


async def test_shortening_evidence_leaves_the_scope_alone(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(2)
        await here.press("v", "<")
        assert "WHOLE RUN" not in here.head


async def test_growing_evidence_by_a_word(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(2)
        await here.press("v", ">", "l", "2", "6")
        (item,) = only(here).evidence
        assert re.sub(r"\s+", " ", item.quote).endswith("fail at checkout. CheckoutFailing")


async def test_evidence_of_a_folded_result_opens_it(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(8)
        while "result" not in here.lines[here_row(here)]:
            await here.press("j")
        await here.press("v", "l", "2", "6")
        (item,) = only(here).evidence
        assert item.quote.startswith("14:05:02 INFO  charge 58060")
        check_quotes(here)


def here_row(here: Station) -> int:
    """The screen row of the cursor."""
    return next(number for number, line in enumerate(here.lines) if line.startswith("▸"))


async def test_evidence_by_dragging(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        row, column = find(here, "Incident 4127: a third of all orders", below=2)
        await drag(here, (column, row), (column + len("Incident 4127"), row))
        await here.press("l", "2", "6")
        (item,) = only(here).evidence
        assert item.quote == "Incident 4127"
        assert item.index == 1
        check_quotes(here)


async def test_evidence_by_dragging_backwards_over_rows(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        row, column = find(here, "waiting, most of them", below=2)
        await drag(here, (column + len("waiting, most"), row), (column, row - 1))
        await here.press("l", "2", "6")
        (item,) = only(here).evidence
        assert item.quote.startswith("CheckoutFailing has been")
        assert item.quote.endswith("waiting, most")
        check_quotes(here)


async def test_evidence_by_dragging_slowly(checkout_db):
    """As a terminal reports it: from cell to cell."""
    async with station(checkout_db, CHECKOUT) as here:
        row, column = find(here, "Incident 4127: a third of all orders", below=2)
        await drag(here, (column, row), *((column + cell, row) for cell in range(14)))
        await here.press("l", "2", "6")
        (item,) = only(here).evidence
        assert item.quote == "Incident 4127"
        check_quotes(here)


async def test_a_drag_that_leaves_the_part_stays_in_it(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        row, column = find(here, "waiting, most of them", below=2)
        await drag(here, (column, row), (column, row), (column, row + 1), (column + 5, row + 4))
        await here.press("l", "2", "6")
        (item,) = only(here).evidence
        assert item.index == 1
        assert item.quote.startswith("waiting, most")
        check_quotes(here)


async def test_a_drag_outside_the_transcript_ends_well(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        row, column = find(here, "waiting, most of them", below=2)
        await drag(here, (column, row), (column, row), (column + 10, row), (119, 0), (110, 30))
        await here.press("j")
        await here.press("l", "2", "6")
        check_quotes(here)


async def test_a_click_selects_nothing(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        row, column = find(here, "Incident 4127: a third of all orders", below=2)
        await here.pilot.click(offset=(column, row))
        assert here.review.transcript.selection is None
        assert here.cursor[0] == 1


async def test_dragging_in_a_wide_text_hits_the_right_characters(samples_db):
    """Cells are no characters where text is wide."""
    from station import HOSTILE

    async with station(samples_db, HOSTILE) as here:
        await here.press("slash", *"明", "enter")
        await here.until(lambda: "明" in here.text)
        await here.until(lambda: "1 of" in here.footer or "steps" in here.footer)
        line = next(line for line in here.lines if "明" in line)
        row = here.lines.index(line)
        from rich.cells import cell_len

        column = cell_len(line[: line.index("明")])
        await here.press("escape")
        await drag(here, (column, row), (column + 2, row))
        await here.press("l", "2", "6")
        (item,) = only(here).evidence
        assert item.quote == "明"
        check_quotes(here)


def find(here: Station, text: str, below: int = 0) -> tuple[int, int]:
    for number, line in enumerate(here.lines):
        if number >= below and text in line:
            return number, line.index(text)
    raise AssertionError(f"{text!r} is not on the screen:\n{here.text}")


async def drag(here: Station, start: tuple[int, int], *ways: tuple[int, int]) -> None:
    """Press, move over the places, let go at the last one."""
    await here.pilot.mouse_down(offset=start)
    for end in ways:
        await here.pilot.hover(offset=end)
    await here.pilot.mouse_up(offset=end)
    assert here.review.transcript.selection is not None


async def test_adding_evidence_to_the_current_label(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(2)
        await here.press("v", "l", "2", "6")
        await here.to_step(3)
        await here.press("v", "v")
        label = only(here)
        assert [item.index for item in label.evidence] == [1, 2]
        assert (label.first, label.last) == (1, 2)
        assert "Evidence added" in here.footer
        assert here.review.transcript.selection is None
        check_quotes(here)


async def test_evidence_needs_a_label_to_be_added_to(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(2)
        await here.press("v", "v")
        assert "no current label" in here.footer
        assert labels(here) == []
        assert here.review.transcript.selection is not None


async def test_a_selection_can_be_given_up(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(2)
        await here.press("v", "escape")
        assert here.screen == "ReviewScreen"
        assert here.review.transcript.selection is None
        await here.press("l", "2", "6")
        assert only(here).evidence == ()


async def test_there_is_nothing_to_select_on_a_rule(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("g", "v")
        assert "no text in this row" in here.footer


# -- changing labels ----------------------------------------------------------------------------------------------


async def test_unsure_and_sure_again(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", "2", "6", "m")
        assert not only(here).sure
        assert "maybe" in here.side
        await here.press("m")
        assert only(here).sure


async def test_stretching_a_label(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(3)
        await here.press("l", "2", "6", "J", "J", "plus")
        assert (only(here).first, only(here).last) == (2, 4)
        await here.press("K", "K", "K", "plus")
        assert (only(here).first, only(here).last) == (1, 4)
        assert "steps 2–5" in here.side


async def test_removing_a_label_and_bringing_it_back(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", "2", "6")
        before = only(here)
        await here.press("d")
        assert labels(here) == []
        await here.press("u")
        assert only(here) == before
        await here.press("delete")
        assert labels(here) == []


async def test_going_through_the_labels(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", "2", "6", "l", "1", "3")
        first, second = here.decision(1).labels
        assert here.review.current == f"label:{second.id}"
        await here.press("L")
        assert here.review.current == f"label:{first.id}"
        await here.press("m")
        assert [label.sure for label in here.decision(1).labels] == [False, True]
        await here.press("L")
        assert here.review.current == f"label:{second.id}"


async def test_the_cause_of_a_label(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", "1", "3", "l", "2", "6")
        root, _ = here.decision(1).labels
        seen = []
        for _ in range(4):
            await here.press("c")
            now = here.decision(1).labels[1]
            seen.append((now.root_cause, now.caused_by))
        assert seen == [(True, None), (False, root.id), (False, None), (True, None)]


async def test_causes_do_not_go_round(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", "1", "3", "l", "2", "6", "c", "c")
        first, second = here.decision(1).labels
        assert second.caused_by == first.id
        await here.press("L")
        for _ in range(4):
            await here.press("c")
            assert here.decision(1).labels[0].caused_by is None


async def test_causes_do_not_go_round_over_three(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", "1", "3", "l", "2", "6", "l", "3", "3")
        for _ in range(12):
            await here.press("c")
            if here.decision(1).labels[2].caused_by == here.decision(1).labels[1].id:
                break
        await here.press("L", "L")  # the second one
        for _ in range(12):
            await here.press("c")
            if here.decision(1).labels[1].caused_by == here.decision(1).labels[0].id:
                break
        await here.press("L", "L")  # the first one
        for _ in range(4):
            await here.press("c")
            assert not round_trip(here)


def round_trip(here: Station) -> bool:
    causes = {label.id: label.caused_by for label in labels(here)}
    for start in causes:
        at, seen = start, set()
        while at is not None and at not in seen:
            seen.add(at)
            at = causes.get(at)
        if at is not None:
            return True
    return False


async def test_removing_a_cause_leaves_no_dangling_one(checkout_db):
    """A label that follows from a removed one must not name it any more, on the screen or in the database."""
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", "1", "3", "l", "2", "6", "c", "c", "L", "d")
        label = only(here)
        assert label.caused_by is None or label.caused_by == label.id


@pytest.mark.parametrize("key", ["m", "c", "d", "plus"])
async def test_without_a_label_it_is_said(checkout_db, key):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press(key)
        assert "There is no current label" in here.footer
        assert here.events() == []


async def test_the_panel_chooses_a_label(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(2)
        await here.press("v", "l", "2", "6", "l", "1", "3", "G", "g")
        await here.press("tab")
        assert here.review.side.has_focus
        await here.press("up")
        first = here.decision(1).labels[0]
        assert here.review.current == f"label:{first.id}"
        await here.press("enter")
        assert here.cursor[0] == 1
        assert here.review.transcript.has_focus


async def test_labels_of_another_chunk_stay_there(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", "2", "6", "right_square_bracket", "m")
        assert "There is no current label" in here.footer
        assert only(here).sure
        assert here.decision(1).labels


# -- suggestions --------------------------------------------------------------------------------------------------

MISMATCH, TERMINATION = "reasoning-action-mismatch", "premature-termination"
QUOTE = "I'll read the currency service's log"


@pytest.fixture
def suggested(checkout_db, checkout_run: RunInfo):
    """Two suggestions in chunk 2, one in chunk 5."""
    return suggest(
        checkout_db,
        checkout_run,
        [(MISMATCH, 8, 8, QUOTE), ("incorrect-verification", 9, 10, "That confirms it."), (TERMINATION, 22, 22, "a")],
    )


async def test_suggestions_are_shown_with_their_chunk(checkout_db, suggested):
    async with station(checkout_db, CHECKOUT) as here:
        assert "2.6" not in here.side
        await here.press("right_square_bracket")
        assert "2.6" in here.side
        assert "0.81" in here.side
        assert "testing" in here.side
        assert "It looks like it." in here.side
        assert "3.1" not in here.side


async def test_accepting_makes_the_label_with_its_evidence(checkout_db, suggested):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket", "y")
        found = here.decision(2)
        (label,) = found.labels
        assert (label.mode, label.first, label.last, label.suggestion) == (MISMATCH, 7, 7, suggested[0].id)
        assert [item.quote for item in label.evidence] == [QUOTE]
        assert found.answers == {suggested[0].id: "accept"}
        check_quotes(here)
        (event,) = here.events()
        (answer,) = [op for op in event.data["ops"] if op["op"] == "answer"]
        assert (answer["answer"], answer["label"]) == ("accept", label.id)
        assert answer["seconds"] >= 0
        assert {item["id"] for item in event.data["shown"]} == {item.id for item in suggested[:2]}
        assert event.data["blind_suggestions"] is False
        assert "accepted" in here.side


async def test_rejecting_makes_no_label(checkout_db, suggested):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket", "x")
        assert here.decision(2).answers == {suggested[0].id: "reject"}
        assert labels(here) == []
        assert "rejected" in here.side


async def test_one_key_after_the_other_answers_one_after_the_other(checkout_db, suggested):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket", "x", "y", "y")
        assert here.decision(2).answers == {suggested[0].id: "reject", suggested[1].id: "accept"}
        assert len(here.decision(2).labels) == 1
        assert "There is no suggestion here." in here.footer


async def test_relabelling_keeps_the_evidence_under_another_mode(checkout_db, suggested):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket", "e")
        assert isinstance(here.app.screen, ModePicker)
        await here.press("1", "3")
        found = here.decision(2)
        (label,) = found.labels
        assert (label.mode, label.code, label.suggestion) == ("step-repetition", "1.3", suggested[0].id)
        assert [item.quote for item in label.evidence] == [QUOTE]
        assert found.answers == {suggested[0].id: "relabel"}


async def test_relabelling_can_be_thought_over(checkout_db, suggested):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket", "e", "escape")
        assert here.decisions() == []


async def test_undo_takes_label_and_answer_back_together(checkout_db, suggested):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket", "y", "u")
        assert here.decisions() == []
        assert "accepted" not in here.side


async def test_accepting_twice_makes_one_label(checkout_db, suggested):
    """A suggestion chosen again in the panel and accepted again is still one claim."""
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket", "y", "tab", "home")
        assert here.review.current == f"suggestion:{suggested[0].id}"
        await here.press("y")
        assert len([label for label in labels(here) if label.suggestion == suggested[0].id]) == 1


async def test_rejecting_what_was_accepted_takes_its_label_back(checkout_db, suggested):
    """An answer `reject` beside a label made of that suggestion would be a contradiction."""
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket", "y", "tab", "home", "x")
        found = here.decision(2)
        assert not (found.answers[suggested[0].id] == "reject" and found.labels)


async def test_accepting_after_none_takes_none_back(checkout_db, suggested):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket", "0", "y")
        found = here.decision(2)
        assert [label.codebook for label in found.labels] == ["mast"]
        assert found.none == ("safety",)


async def test_without_a_suggestion_it_is_said(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        for key in "yxe":
            await here.press(key)
            assert "There is no suggestion here." in here.footer
        assert here.events() == []


async def test_the_panel_jumps_to_a_suggestions_evidence(checkout_db, suggested):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket", "tab", "home", "enter")
        assert here.cursor[0] == 7
        assert QUOTE.split(" ", 1)[0] in here.lines[here_row(here)]


async def test_a_suggestion_over_two_chunks_is_answered_once(checkout_db, checkout_run):
    (item,) = suggest(checkout_db, checkout_run, [(MISMATCH, 5, 7, "a")])
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("y")
        assert here.decision(1).answers == {item.id: "accept"}
        await here.press("right_square_bracket", "y")
        assert len(labels(here)) == 1


async def test_suggestions_work_on_a_small_screen(checkout_db, suggested):
    async with station(checkout_db, CHECKOUT, size=SMALL) as here:
        await here.press("right_square_bracket", "y")
        assert here.decision(2).answers == {suggested[0].id: "accept"}


async def test_suggestions_that_arrive_while_reading_can_be_answered(checkout_db, checkout_run):
    """Detectors may run beside the reviewer; opening the run again shows what they found at the latest."""
    async with station(checkout_db, CHECKOUT) as here:
        suggest(checkout_db, checkout_run, [(MISMATCH, 2, 2, "orders")])
        await here.press("q")
        await here.until(lambda: here.screen == "InboxScreen")
        await here.press("enter")
        await here.until(lambda: here.reviewing)
        await here.press("y")
        assert len(labels(here)) == 1


async def test_hostile_suggestions_are_shown_as_they_are_written(checkout_db, checkout_run):
    suggest(checkout_db, checkout_run, [(MISMATCH, 2, 2, "orders")], rationale="[bold]so[/] \x1b]0;x\x07 \u202e",
            detector="[red]d[/]")  # fmt: skip
    async with station(checkout_db, CHECKOUT) as here:
        assert "[bold]so[/]" in here.text
        assert "[red]d[/]" in here.text
        assert not {"\x1b", "\x07", "\u202e"} & set(here.text)


async def test_freeze_run_opens_too(samples_db):
    async with station(samples_db, FREEZE) as here:
        await here.press("l", "1", "1")
        assert only(here).mode == "disobey-task-specification"
