"""Reading a run: moving, folding, searching, jumping, other views; and that every action of the table is there."""

import re
from itertools import pairwise

import pytest
from station import CHECKOUT, FREEZE, HOSTILE, LARGE, MIDDLE, SAMPLES, SMALL, Station, station, suggest

from review_tui import actions
from review_tui.screens.inbox import InboxScreen
from review_tui.screens.picker import ModePicker
from review_tui.screens.reader import Reader
from review_tui.screens.review import ReviewScreen
from review_tui.transcript.scroller import Place
from sessions import catalog
from sessions.run import Flag
from sessions.store import Store


def here_line(here: Station) -> str:
    """The screen line of the cursor."""
    return next(line for line in here.lines if line.startswith("▸"))


def cursor_is_shown(here: Station) -> bool:
    return here.review.transcript.cursor in here.review.transcript._rows


# -- the table of actions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", actions.SCREENS)
def test_no_key_is_bound_twice_on_a_screen(name):
    keys = [key for action in actions.SCREENS[name] for key in action.keys]
    assert sorted(keys) == sorted(set(keys))


@pytest.mark.parametrize(("name", "screen"), [("Review", ReviewScreen), ("Inbox", InboxScreen)])
def test_every_action_has_its_method(name, screen):
    for action in actions.SCREENS[name]:
        assert callable(getattr(screen, f"action_{action.id}", None)), action.id
        assert action.title
        assert action.help.endswith("."), action.id


@pytest.mark.parametrize("name", actions.SCREENS)
def test_action_ids_are_unique(name):
    ids = [action.id for action in actions.SCREENS[name]]
    assert len(ids) == len(set(ids))


def test_the_page_of_keys_is_up_to_date():
    from pathlib import Path

    page = Path(actions.__file__).parents[1] / "docs" / "keys.md"
    assert page.read_text() == actions.keys_markdown(), "make docs"


def test_the_page_of_keys_tells_every_key():
    page = actions.keys_markdown()
    for table in actions.SCREENS.values():
        for action in table:
            assert action.title in page
            for key in action.keys:
                assert f"`{actions.key_name(key)}`" in page
    assert "\n\n\n" not in page


# -- moving -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE, (40, 10)])
async def test_the_cursor_stays_on_the_screen(samples_db, size):
    async with station(samples_db, FREEZE, size=size) as here:
        keys = ["space", "J", "j", "ctrl+d", "right_square_bracket", "b", "k", "K", "ctrl+u", "G", "k", "b", "Z", "Z"]
        for key in [*keys, "g", "pagedown", "z", "end", "up", "left_square_bracket", "home", "down", "right", "left"]:
            await here.press(key)
            assert cursor_is_shown(here), key
            assert here_line(here), key


async def test_rows(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        start = here.cursor
        await here.press("j", "down")
        assert here.cursor == (0, start[1] + 2)
        await here.press("k", "up", "up")
        assert here.cursor == (0, 0)


async def test_pages(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        scroller = here.review.transcript.scroller
        places = [here.review.transcript.cursor]
        for key in ("space", "pagedown", "ctrl+d"):
            await here.press(key)
            places.append(here.review.transcript.cursor)
        steps = [scroller.distance(a, b, 1000) for a, b in pairwise(places)]
        screen = here.review.transcript.size.height
        assert steps == [screen - 2, screen - 2, round((screen - 2) / 2)]
        for key, place in zip(("ctrl+u", "b", "pageup"), places[-2::-1], strict=True):
            await here.press(key)
            assert here.review.transcript.cursor == place


async def test_steps(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("J", "right", "J")
        assert here.cursor == (3, 0)
        await here.press("j", "K")
        assert here.cursor == (3, 0)
        await here.press("K", "left")
        assert here.cursor == (1, 0)


async def test_ends(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("G")
        assert here.cursor[0] == 21
        assert here.chunk == 5
        await here.press("J", "j", "right_square_bracket")
        assert here.cursor[0] == 21
        await here.press("g")
        assert here.cursor == (0, 0)
        await here.press("K", "k", "left_square_bracket")
        assert here.cursor == (0, 0)


async def test_chunks(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket", "right_square_bracket")
        assert (here.chunk, here.cursor) == (3, (10, 0))
        assert "chunk 3/5  steps 11–15" in here.head
        await here.press("left_square_bracket")
        assert (here.chunk, here.cursor) == (2, (5, 0))


async def test_the_next_undecided_chunk(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket", "s", "g", "right_curly_bracket")
        assert here.chunk == 3
        await here.press("a", "a", "a", "a")
        await here.press("right_curly_bracket")
        assert "Every chunk has a verdict." in here.footer


@pytest.mark.parametrize(("typed", "step"), [("12", 11), ("c3", 10), ("C3", 10), (" 22 ", 21), ("1", 0)])
async def test_going_to_a_place(checkout_db, typed, step):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("colon")
        await here.type(typed)
        assert here.cursor[0] == step
        assert cursor_is_shown(here)


HUGE = "9" * 5000


@pytest.mark.parametrize("typed", ["0", "23", "c6", "c0", "c", "x", "-3", "²", "[red]", pytest.param(HUGE, id="huge")])
async def test_going_nowhere(checkout_db, typed):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("colon")
        await here.type(typed)
        assert here.cursor[0] == 0
        assert "there is no such" in here.footer


@pytest.mark.parametrize("keys", [("colon", "escape"), ("colon", "enter")])
async def test_going_can_be_thought_over(checkout_db, keys):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press(*keys)
        assert here.screen == "ReviewScreen"
        assert here.cursor == (0, 0)


# -- jumps --------------------------------------------------------------------------------------------------------


def flagged(here: Station, flag: Flag) -> list[int]:
    with Store.open(here.db) as store:
        return [row.index for row in catalog.index_rows(store, here.run.no) if row.flags & flag]


@pytest.mark.parametrize(("letter", "flag"), [("e", Flag.ERROR), ("c", Flag.EFFECT)])
async def test_jumping_to_errors_and_changes(samples_db, letter, flag):
    async with station(samples_db, SAMPLES / "lost-history.jsonl") as here:
        steps = flagged(here, flag)
        assert steps
        for step in steps:
            await here.press("apostrophe", letter)
            assert here.cursor[0] == step
        await here.press("apostrophe", letter)
        assert "No further" in here.footer
        assert here.cursor[0] == steps[-1]
        for step in reversed(steps[:-1]):
            await here.press("apostrophe", letter.upper())
            assert here.cursor[0] == step
        await here.press("apostrophe", letter.upper())
        assert "No earlier" in here.footer
        assert here.events() == []  # e alone would relabel, c would set a cause


async def test_jumping_to_suggestions_labels_and_undecided_chunks(checkout_db, checkout_run):
    suggest(checkout_db, checkout_run, [("reasoning-action-mismatch", 8, 8, "Two candidates")])
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("apostrophe", "s")
        assert here.cursor[0] == 7
        await here.to_step(13)
        await here.press("l", "2", "6", "g", "apostrophe", "l")
        assert here.cursor[0] == 12
        await here.press("g", "right_square_bracket", "a", "g")
        await here.press("apostrophe", "u")
        assert here.cursor[0] == 10
        await here.press("apostrophe", "U")
        assert here.cursor[0] == 0
        assert len(here.events()) == 2


async def test_an_unknown_jump_does_nothing(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("apostrophe", "a")
        assert here.decisions() == []
        await here.press("apostrophe", "escape")
        assert here.screen == "ReviewScreen"
        await here.press("a")
        assert len(here.decisions()) == 1


# -- folding ------------------------------------------------------------------------------------------------------


async def test_opening_and_folding_a_result(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(8)
        while "▸ result" not in here_line(here):
            await here.press("j")
        await here.press("enter")
        assert "▾ result" in here_line(here)
        assert "charge 58060" in here.text
        await here.press("o")
        assert "▸ result" in here_line(here)


async def test_folding_from_inside_returns_to_the_head(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(8)
        while "▸ result" not in here_line(here):
            await here.press("j")
        await here.press("enter", "j", "j", "enter")
        assert "▸ result" in here_line(here)


async def test_folding_a_step(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(8)
        parts = here.review.document.layout(7).parts
        assert any(part.folded for part in parts)
        await here.press("z")
        assert not any(part.folded for part in here.review.document.layout(7).parts)
        await here.press("z")
        assert all(part.folded for part in here.review.document.layout(7).parts if not part.is_text and not part.inline)


async def test_text_is_never_folded(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("J", "enter", "z", "z")
        assert "CheckoutFailing has been firing" in here.text


async def test_folding_everything(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        said = []
        for _ in range(3):
            await here.press("Z")
            said.append(here.footer.strip())
        assert said == ["everything open", "everything folded", "long ones folded"]


async def test_folding_keeps_the_cursor_on_its_step(samples_db):
    async with station(samples_db, HOSTILE) as here:
        await here.to_step(8)
        for key in ("Z", "Z", "Z", "z", "z", "enter"):
            await here.press(key)
            assert here.cursor[0] == 7, key
            assert cursor_is_shown(here), key


async def test_a_click_on_a_fold_mark_opens(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(8)
        line = next(line for line in here.lines if "▸ result" in line and "charge" in line)
        at = (line.index("▸ result"), here.lines.index(line))
        await here.pilot.click(offset=at)
        assert "▾ result" in here.lines[at[1]]
        await here.pilot.click(offset=at)
        assert "▸ result" in here.lines[at[1]]


async def test_the_wheel_scrolls(checkout_db):
    from textual import events

    async with station(checkout_db, CHECKOUT) as here:
        top = here.review.transcript.scroller.top
        await here.pilot._post_mouse_events([events.MouseScrollDown], offset=(20, 10))
        assert here.review.transcript.scroller.distance(top, here.review.transcript.scroller.top, 100) == 3
        await here.pilot._post_mouse_events([events.MouseScrollUp], offset=(20, 10))
        assert here.review.transcript.scroller.top == top


async def test_a_click_on_the_map_jumps(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        region = here.review.transcript.region
        await here.pilot.click(offset=(region.right - 1, region.bottom - 1))
        assert here.cursor[0] >= 20


# -- searching ----------------------------------------------------------------------------------------------------


async def search(here: Station, query: str) -> None:
    await here.press("slash")
    await here.type(query)
    await here.until(lambda: not here.review._searching, "the end of the search")
    await here.pilot.pause()


async def test_searching_a_run(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await search(here, "Two CANDIDATES")
        assert here.cursor[0] == 7
        assert "Two candidates" in here_line(here)
        assert "1 of 1 step " in here.footer


async def test_hits_forth_and_back_and_round(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await search(here, "currency-tls")
        hits = list(here.review._hits)
        assert len(hits) > 1
        seen = [here.cursor]
        for _ in range(40):
            await here.press("n")
            assert "currency-tls" in here.text
            if here.cursor == seen[0]:
                break
            seen.append(here.cursor)
        assert {step for step, _ in seen} == set(hits)
        for place in reversed(seen):
            await here.press("N")
            assert here.cursor[0] == place[0]


async def test_a_search_begins_at_the_cursor(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(10)
        await search(here, "currency")
        assert here.cursor[0] >= 9


async def test_a_hit_in_a_folded_part_opens_it(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await search(here, "charge 58060")
        assert "charge 58060" in here_line(here)


async def test_what_is_nowhere_is_said(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await search(here, "no[such]thing")
        assert "'no[such]thing' is nowhere in this run." in here.footer
        assert here.cursor == (0, 0)
        await here.press("n")
        assert here.cursor == (0, 0)


async def test_escape_ends_a_search_and_never_leaves(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await search(here, "currency")
        await here.press("escape")
        assert here.screen == "ReviewScreen"
        assert here.review.transcript.marks.search is None
        await here.press("n")
        assert "Nothing was searched for" in here.footer
        await here.press("escape", "escape")
        assert here.screen == "ReviewScreen"
        await here.press("q")
        await here.until(lambda: here.screen == "InboxScreen")


async def test_a_search_can_be_thought_over(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("slash", "x", "escape")
        assert here.review.transcript.marks.search is None
        await here.press("slash", "enter")
        assert here.review.transcript.marks.search is None


async def test_a_search_finds_what_is_only_in_the_raw_record(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await search(here, '"step_id"')
        assert "raw record" in here.footer or "steps" in here.footer
        assert here.review._hits


async def test_searching_all_runs_opens_at_the_place(samples_db):
    async with station(samples_db) as here:
        assert here.screen == "InboxScreen"
        await here.press("ctrl+f")
        await here.type("Two candidates", enter=False)
        await here.until(lambda: re.search(r"\d steps? · Enter opens", here.footer), "hits")
        assert "Two candidates" in here.text
        await here.press("enter")
        await here.until(lambda: here.reviewing)
        await here.until(lambda: here.cursor[0] == 7, "the hit's step")
        assert "Incident 4127" in here.head


async def test_searching_all_runs_from_a_review_and_back(samples_db):
    async with station(samples_db, CHECKOUT) as here:
        await here.press("ctrl+f")
        await here.type("zzqqzz", enter=False)
        await here.until(lambda: "is in no run" in here.footer)
        await here.press("escape")
        assert here.screen == "ReviewScreen"
        await here.press("ctrl+f")
        await here.type("companies", enter=False)
        await here.until(lambda: re.search(r"\d steps? · Enter opens", here.footer), "hits")
        await here.press("down", "enter")
        await here.until(lambda: here.reviewing and "Incident" not in here.head)
        assert len([item for item in here.app.screen_stack if isinstance(item, ReviewScreen)]) == 1
        await here.press("q")
        await here.until(lambda: here.screen == "InboxScreen")


async def test_markup_in_hits_is_shown_as_it_is(samples_db):
    async with station(samples_db) as here:
        await here.press("ctrl+f")
        await here.type("[bold red]", enter=False)
        await here.until(lambda: re.search(r"\d steps? · Enter opens", here.footer), "hits")
        assert "[bold red]" in "\n".join(here.lines[2:])


# -- other views --------------------------------------------------------------------------------------------------


async def test_cutting_the_run_another_way(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("p")
        assert here.app.screen.value == "every:5"
        await here.type("every:2")
        assert "11 chunks by every:2." in here.footer
        await here.to_step(8)
        assert here.chunk == 4
        await here.press("a")
        found = here.decision(4)
        assert (found.first, found.last) == (6, 7)
        assert here.events()[-1].data["target"]["policy"] == "every:2"


async def test_the_current_chunk_is_the_cursors_under_another_policy(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(8)
        await here.press("p")
        await here.type("every:2")
        assert here.chunk == 4


async def test_decisions_of_another_policy_are_kept_apart(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("a", "p")
        await here.type("every:2")
        assert "0/11 decided" in here.head
        await here.press("p")
        await here.type("every:5")
        assert "1/5 decided" in here.head


async def test_a_label_is_seen_under_any_policy(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", "2", "6", "p")
        await here.type("every:2")
        await here.press("g", "apostrophe", "l")
        assert len(here.review.desk.labels()) == 1


@pytest.mark.parametrize("policy", ["every:0", "nonsense", "marker:(", "every:x", "marker:", "[red]"])
async def test_no_such_policy(checkout_db, policy):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("p")
        await here.type(policy)
        assert str(here.review.desk.policy) == "every:5"
        assert "no chunk policy" in here.footer or "needs a number" in here.footer or "no regular" in here.footer


@pytest.mark.parametrize("policy", ["handoff", "turn", "effects", "declared", "tokens:300", "marker:currency"])
async def test_every_policy_works(checkout_db, policy):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("p")
        await here.type(policy)
        assert f"by {policy}." in here.footer
        await here.press("a")
        assert len(here.decisions()) == 1


async def test_the_policy_is_remembered_with_the_place(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("p")
        await here.type("every:3")
        await here.to_step(12)
        await here.press("q")
        await here.until(lambda: here.screen == "InboxScreen")
        assert "0/8" in here.text
        await here.press("enter")
        await here.until(lambda: here.reviewing)
        await here.until(lambda: here.cursor[0] == 11)
        assert str(here.review.desk.policy) == "every:3"


async def test_the_raw_record(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(8)
        await here.press("i")
        assert isinstance(here.app.screen, Reader)
        assert "Raw record of step 8" in here.text
        assert '"step_id": 8' in here.text
        await here.press("i")
        assert here.screen == "ReviewScreen"


async def test_the_raw_record_of_a_source_that_is_gone(db, tmp_path):
    import shutil

    from station import fill

    file = tmp_path / "run.json"
    shutil.copy(CHECKOUT, file)
    fill(db, file)
    file.unlink()
    async with station(db) as here:
        await here.press("enter")
        await here.until(lambda: here.reviewing)
        await here.press("i")
        await here.pilot.pause()
        assert here.screen == "Reader" or "is gone" in here.footer


async def test_about_the_run(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("I")
        assert isinstance(here.app.screen, Reader)
        assert "checkout-outage.json" in here.text
        assert "content id" in here.text
        await here.press("escape")
        assert here.screen == "ReviewScreen"


async def test_about_never_tells_the_answer(samples_db):
    async with station(samples_db, SAMPLES / "ignored-reviewer.json") as here:
        with Store.open(samples_db) as store:
            answer = catalog.reference(store, here.run)
        await here.press("I")
        assert answer
        assert "kept apart" in here.text
        for value in answer.values():
            assert not (isinstance(value, str) and len(value) > 12 and value in here.text)


async def test_the_codebook(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("B")
        assert isinstance(here.app.screen, ModePicker)
        await here.press("2", "6")
        assert isinstance(here.app.screen, ModePicker)
        assert "Reasoning-action mismatch" in here.text
        await here.press("escape")
        assert here.screen == "ReviewScreen"
        assert here.events() == []


async def test_reading_the_codebook_decides_nothing(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("B", "enter")
        assert here.events() == []
        assert here.screen in ("ReviewScreen", "ModePicker")


async def test_help_has_every_key(checkout_db):
    async with station(checkout_db, CHECKOUT, size=(200, 100)) as here:
        await here.press("question_mark")
        text = here.text
        for action in actions.REVIEW:
            assert action.title in text
        await here.press("question_mark")
        assert here.screen == "ReviewScreen"
        await here.press("f1")
        assert here.screen == "Reader"


async def test_help_can_be_read_to_its_end_on_a_small_screen(checkout_db):
    async with station(checkout_db, CHECKOUT, size=SMALL) as here:
        await here.press("question_mark", "end")
        assert "The mouse works" in here.text


async def test_the_palette_has_every_action(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        titles = [command.title for command in here.app.get_system_commands(here.app.screen)]
        assert [action.title for action in actions.REVIEW] == titles[: len(actions.REVIEW)]
        await here.press("q")
        await here.until(lambda: here.screen == "InboxScreen")
        titles = [command.title for command in here.app.get_system_commands(here.app.screen)]
        assert [action.title for action in actions.INBOX] == titles[: len(actions.INBOX)]


async def test_the_palette_acts(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("ctrl+p", *"approve the chunk")
        await here.until(lambda: "Say it is fine" in here.text, "the command")
        await here.press("enter", "enter")
        await here.until(lambda: here.reviewing)
        await here.until(lambda: here.decisions(), "the decision")
        assert here.decision(1).verdict == "approve"


async def test_the_side_panel_can_be_hidden(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        before = here.review.transcript.size.width
        await here.press("f")
        assert "SUGGESTIONS" not in here.text
        assert here.review.transcript.size.width > before
        await here.press("tab")
        assert "SUGGESTIONS" in here.text
        await here.press("tab", "f", "f")
        assert "SUGGESTIONS" in here.text


async def test_keys_of_the_transcript_work_after_the_panel(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("tab", "escape")
        assert here.screen == "ReviewScreen"
        assert here.review.transcript.has_focus
        await here.press("j")
        assert here.cursor == (0, 1)


async def leave(here: Station) -> None:
    await here.press("q")
    await here.until(lambda: here.screen == "InboxScreen")


async def test_the_same_line_through_the_inbox(samples_db):
    async with station(samples_db) as here:
        await here.press("n")
        await here.until(lambda: here.reviewing)
        await here.to_step(7)
        await here.press("j", "j")
        before = here.cursor
        await leave(here)
        await here.press("enter")
        await here.until(lambda: here.cursor == before, "the place")


async def test_the_same_line_after_a_restart(samples_db):
    async with station(samples_db, FREEZE) as here:
        await here.to_step(9)
    async with station(samples_db, FREEZE) as here:
        assert here.cursor == (8, 0)


async def test_the_same_line_at_another_width(samples_db):
    async with station(samples_db, FREEZE, size=MIDDLE) as here:
        await here.to_step(9)
        await here.press("z", *"jjjjjj")
        await here.press("Z")
        before = here.review.reading_place()
        assert before.part >= 0
        await leave(here)
    async with station(samples_db, FREEZE, size=SMALL) as here:
        assert here.cursor[0] == 8
        after = here.review.reading_place()
        row = here.review.transcript.row
        assert (after.index, after.part) == (before.index, before.part)
        assert row.start <= before.position < max(row.end, row.start + 1)
        assert cursor_is_shown(here)


async def test_the_same_line_after_a_resize(samples_db):
    async with station(samples_db, FREEZE, size=LARGE) as here:
        await here.to_step(9)
        await here.press("Z", *"jjjjjjjj")
        before = here.review.reading_place()
        await here.pilot.resize_terminal(60, 20)
        await here.pilot.pause()
        row = here.review.transcript.row
        after = here.review.reading_place()
        assert (after.index, after.part) == (before.index, before.part)
        assert row.start <= before.position < max(row.end, row.start + 1)
        assert cursor_is_shown(here)


@pytest.mark.parametrize("size", [(200, 60), (120, 36), (80, 24), (60, 15), (40, 10), (20, 6), (8, 3), (3, 2), (1, 1)])
async def test_any_size_draws(samples_db, size):
    async with station(samples_db, HOSTILE, size=size) as here:
        for key in (
            "G",
            "g",
            "Z",
            "space",
            "right_square_bracket",
            "question_mark",
            "escape",
            "l",
            "escape",
            "r",
            "escape",
        ):
            await here.press(key)
        assert len(here.lines) == size[1]
        for width, height in ((120, 36), (10, 4), (80, 24)):
            await here.pilot.resize_terminal(width, height)
            await here.pilot.pause()
            assert {len_cells(line) for line in here.lines} == {width}


def len_cells(line: str) -> int:
    from rich.cells import cell_len

    return cell_len(line)


async def test_nothing_hostile_reaches_the_screen(samples_db):
    """Every row of the hostile run, open and folded, drawn at an odd width."""
    async with station(samples_db, HOSTILE, size=(77, 33)) as here:
        await here.press("Z")
        document, transcript = here.review.document, here.review.transcript
        for step in range(here.run.steps):
            for row in range(min(200, document.height_of(step))):
                transcript.go(Place(step, row))
                for y in range(transcript.size.height):
                    for segment in transcript.render_line(y):
                        assert segment.style is not None
                        assert all(char.isprintable() or char in "\u200c\u200d\ufe0e\ufe0f" for char in segment.text)
                if row > 30:
                    break
