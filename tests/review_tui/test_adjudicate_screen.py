"""Adjudication in the station: cases, votes beside the transcript, settled by keys, taken back, kept up with others."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
from station import LARGE, MIDDLE, SMALL, Station, station
from voters import HOSTILE, LOOP, RESET, SKIP, Voters, disputed, mast

from labels import adjudication, queues
from labels.adjudication import ADJUDICATE, Adjudicator
from labels.codebook import Codebook
from labels.docket import Docket, Wish
from labels.events import Event
from review_tui import actions
from review_tui.screens import adjudicate, adjudicate_case
from review_tui.screens.adjudicate import AdjudicateScreen
from review_tui.screens.adjudicate_case import CaseScreen
from sessions.catalog import RunInfo
from sessions.store import Store


@pytest.fixture
def two(db: Path) -> Path:
    """Two runs, on each of which it is open whether a check was skipped in chunk 3."""
    disputed(db)
    return db


async def at_cases(here: Station) -> AdjudicateScreen:
    await here.press("A")
    await here.until(lambda: here.screen == "AdjudicateScreen" and here.app.screen.loaded, "the cases")
    found: AdjudicateScreen = here.app.screen
    return found


async def at_case(here: Station) -> CaseScreen:
    await at_cases(here)
    await here.press("enter")
    await here.until(lambda: here.screen == "CaseScreen", "the case")
    found: CaseScreen = here.app.screen
    return found


def rulings(db: Path) -> list[tuple[Event, dict[str, Any]]]:
    """Every adjudication in the log, taken back or not."""
    with Store.open(db) as store:
        columns = ", ".join(Event.__slots__)
        rows = store.query(f"SELECT {columns} FROM event WHERE kind = ? ORDER BY seq", [ADJUDICATE])
    return [(event, orjson.loads(event.payload)) for event in (Event(*row) for row in rows)]


def standing(db: Path) -> list[tuple[str, str]]:
    with Store.open(db) as store:
        adjudication.bring_up_to_date(store)
        return [tuple(row) for row in store.query("SELECT mode, outcome FROM adjudication ORDER BY seq")]


def clean(here: Station) -> bool:
    """Whether nothing on the screen is obeyed by a terminal."""
    return not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or char in "\u202e\u202c\u200b" for char in
                   "".join(here.lines))  # fmt: skip


# -- the list ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE, (40, 10)])
async def test_cases_are_listed_with_what_is_open_and_how_the_votes_stand(two: Path, size):
    async with station(two, size=size, reviewer="dora") as here:
        screen = await at_cases(here)
        assert len(screen.shown) == 2
        assert "2 cases, 2 modes open" in here.text
        assert "3.2 No" in here.text
        assert "1:1" in here.text
        if size != (40, 10):
            assert "chunk 3" in here.text
            assert "1 present, 1 absent" in here.text
        assert "names hidden" in here.text


async def test_what_people_agree_on_least_comes_first(db: Path):
    voters = disputed(db, 1)
    run = voters.run("other")
    for chunk in (1, 2, 3):
        voters.say("ann", run, chunk, RESET)
        voters.say("bob", run, chunk)
    async with station(db, reviewer="dora") as here:
        screen = await at_cases(here)
        alphas = [item.modes[0].alpha for item in screen.shown]
        assert len(alphas) == 4
        assert alphas == sorted(alphas)
        assert f"{alphas[0]:.2f}" in here.text


async def test_an_empty_database_says_what_is_missing_and_no_key_hurts(db: Path):
    async with station(db, reviewer="dora") as here:
        await at_cases(here)
        assert "Nobody has decided on anything yet" in here.text
        assert "import-labels" in here.text
        for key in ("enter", "f", "escape", "r", "escape", "M", "escape", "equals_sign", "escape", "w", "u", "U", "R",
                    "t", "escape", "down", "question_mark", "escape"):  # fmt: skip
            await here.press(key)
        await here.until(lambda: here.screen == "AdjudicateScreen")
        assert here.app._exception is None
        await here.press("q")
        assert here.screen == "InboxScreen"


async def test_one_reviewer_leaves_nothing_open_except_where_only_adjudicators_settle(db: Path):
    voters = Voters(db)
    run = voters.run()
    voters.say("ann", run, 1, LOOP)
    async with station(db, reviewer="dora") as here:
        screen = await at_cases(here)
        assert "Nothing is open by this rule" in here.text
        await here.press("r", "down", "down", "enter")
        await here.until(lambda: not screen.looking and "1:0" in here.text, "the claim")
        assert "adjudicated" in here.text


async def test_the_rule_is_chosen_by_key(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_cases(here)
        await here.press("r", "down", "enter")
        await here.until(lambda: not screen.looking and len(screen.shown) == 4, "the loop, two against one")
        assert "unanimous" in here.text
        await here.press("M")
        await here.type("3")
        await here.until(lambda: not screen.looking and len(screen.shown) == 2, "chunk 3 has two votes only")
        assert "3 votes or more" in here.text
        for wrong in ("0", "-1", "many", "5000"):
            await here.press("M")
            await here.type(wrong)
            assert "from 1 to 1000" in here.footer
        assert screen.docket.rule.min_votes == 3


async def test_only_the_cases_of_one_mode(db: Path):
    voters = disputed(db, 1)
    run = voters.run("other")
    voters.say("ann", run, 1, LOOP)
    voters.say("bob", run, 1)
    async with station(db, reviewer="dora") as here:
        screen = await at_cases(here)
        assert len(screen.shown) == 2
        await here.press("f")
        rows = {row[1][0][0].strip(): place for place, row in enumerate(here.app.screen.rows)}
        place = next(place for name, place in rows.items() if "Step repetition" in name)
        await here.press(*["down"] * place, "enter")
        assert [item.modes[0].mode for item in screen.shown] == [LOOP]
        assert "only 1.3 Step repetition" in here.text
        await here.press("f", "enter")
        assert len(screen.shown) == 2


async def test_only_what_one_queue_gave_out(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_cases(here)
        await here.press("Q")
        assert "There is no queue" in here.footer
        run = screen.shown[1].run
        with Store.open(two) as store:
            queues.create(store, "[b]first[/b]", [run], policy="every:2")
        await here.press("Q", "down", "enter")
        await here.until(lambda: not screen.looking and [item.run.id for item in screen.shown] == [run.id])
        assert "queue [b]first[/b]" in here.text
        await here.press("Q", "enter")
        await here.until(lambda: not screen.looking and len(screen.shown) == 2)


async def test_two_names_of_one_person_are_pointed_out_and_joined(db: Path):
    voters = Voters(db)
    run = voters.run()
    voters.say("ann", run, 1, LOOP)
    voters.say("Ann", run, 1)
    async with station(db, reviewer="dora") as here:
        screen = await at_cases(here)
        assert "some names look alike" in here.text
        await here.press("w")
        assert "Ann and ann may be one person" in here.text
        await here.press("equals_sign", "enter")
        await here.until(lambda: not screen.looking and not screen.shown, "one person of two minds is no vote")
        assert "Ann" in here.text
        await here.press("equals_sign")
        await here.type("not a pair")
        assert "does not say who is the same" in here.footer


async def test_looking_takes_time_and_keys_work_meanwhile(two: Path, monkeypatch):
    """The search for disagreements is held up, told how far it is, left, and must stop."""
    began, ended = threading.Event(), threading.Event()

    def endless(_store: Any, _books: Any, _rule: Any, _people: Any, watch: Any, _queued: Any) -> Any:
        began.set()
        try:
            for number in range(1, 1_000_000):
                watch(number)
                threading.Event().wait(0.005)
        finally:
            ended.set()
        raise AssertionError("nobody stopped it")

    monkeypatch.setattr("labels.docket.unordered", endless)
    async with station(two, reviewer="dora") as here:
        await here.press("A")
        await here.until(began.is_set)
        await here.until(lambda: "looking for disagreements" in here.text and "of 2 runs" in here.text, "progress")
        await here.press("f", "escape", "w", "down", "enter", "G")
        await here.until(lambda: here.screen == "AgreementScreen" and here.app.screen.ready, "agreement")
        await here.press("q")
        assert here.screen == "AdjudicateScreen"
        await here.press("q")
        assert here.screen == "InboxScreen"
        await here.until(ended.is_set, "the end of the search")


async def test_the_list_shows_what_others_vote_meanwhile(two: Path, monkeypatch):
    monkeypatch.setattr(adjudicate, "ELSEWHERE_S", 0.02)
    voters = Voters(two)
    async with station(two, reviewer="dora") as here:
        screen = await at_cases(here)
        run: RunInfo = screen.shown[0].run
        await asyncio.to_thread(voters.say, "annika", run, 3)
        await here.until(lambda: len(screen.shown) == 1, "two to one settles it")


# -- a case -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE, (40, 10)])
async def test_a_case_shows_the_chunk_and_every_vote_without_names(two: Path, size):
    async with station(two, size=size, reviewer="dora") as here:
        screen = await at_case(here)
        assert screen.transcript.cursor.step == 4
        assert "TO SETTLE" in here.text
        await here.press("tab", *["down"] * 12)
        shown = "".join(
            "".join(piece[0] for piece in screen.votes.source.pieces(row, 60) if piece)
            for row in range(len(screen.votes.source))
        )
        assert "3.2 No or incomplete verification" in shown
        assert "“run" in shown
        assert "nothing was skipped" in shown
        assert "∅ none of mast" in shown
        assert "12 s" in shown
        for name in ("annika", "bobby", "xavier"):
            assert name not in shown
            assert name not in here.text


async def test_two_keys_settle_and_the_next_case_comes(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_case(here)
        first = screen.key
        await here.press("p", "e")
        await here.until(lambda: screen.key != first, "the next case")
        assert "3.2 present (error). 1 case left" in here.footer
        await here.press("a", "a")
        await here.until(lambda: len(rulings(two)) == 2)
        await here.until(lambda: "That was the last one" in here.footer)
        (one, said), (_, other) = rulings(two)
        assert (one.reviewer, said["blind"], one.run) == ("dora", True, first.partition(" ")[0])
        assert said["rulings"][0] | {"codebook": None} == {
            "mode": SKIP, "code": "3.2", "name": "No or incomplete verification", "codebook": None,
            "outcome": "present", "reason": "error", "note": "", "guideline": "", "steps": [],
        }  # fmt: skip
        assert said["rulings"][0]["codebook"]["sha256"] == mast().hash
        assert said["seconds"] >= 0
        assert len(said["votes"]) == 2
        assert (other["rulings"][0]["outcome"], other["rulings"][0]["reason"]) == ("absent", "ambiguous")
        await here.press("q")
        assert "Nothing is open by this rule" in here.text
        assert "2 settled, 2 by you" in here.text


async def test_keys_typed_ahead_settle_one_case_after_the_other(two: Path):
    from textual import events

    async with station(two, reviewer="dora") as here:
        await at_case(here)
        for key in "aepe":
            here.app._driver.send_message(events.Key(key, key))
        await here.until(lambda: len(rulings(two)) == 2, "both")
        assert [outcome for _, outcome in standing(two)] == ["absent", "present"]


async def test_the_time_on_a_case_is_recorded_and_bounded(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_case(here)
        screen._since -= 42
        await here.press("a", "e")
        await here.until(lambda: len(rulings(two)) == 1)
        assert 42 <= rulings(two)[0][1]["seconds"] < 60
        await here.until(lambda: "1 case left" in here.footer)
        screen._since -= 1e6
        await here.press("a", "e")
        await here.until(lambda: len(rulings(two)) == 2)
        assert rulings(two)[1][1]["seconds"] == 900


async def test_a_guideline_gap_asks_for_the_guideline_and_the_codebook_then_has_it(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_case(here)
        await here.press("p", "g")
        assert here.screen == "Prompt"
        await here.type("A check [b]counts[/b] only if it ran.")
        await here.until(lambda: len(rulings(two)) == 1)
        assert rulings(two)[0][1]["rulings"][0]["guideline"] == "A check [b]counts[/b] only if it ran."
        await here.until(lambda: "§ A check [b]counts[/b]" in here.text, "the guideline beside the next case")
        await here.press("B")
        await here.until(lambda: "Guidelines, from adjudications" in here.text)
        await here.press("escape")
        assert here.screen == "CaseScreen"
        assert screen.ready
        await here.press("q", "t")
        await here.until(lambda: "only if it ran" in here.text, "the list of notes")
        await here.press("escape", "q", "B")
        await here.until(lambda: here.screen == "ModePicker")
        await here.press(*"incomplete verification")
        await here.until(
            lambda: "§ A check [b]counts[/b] only if it ran." in here.text.replace("\n", " "), "the picker"
        )


async def test_other_asks_for_words_and_esc_settles_nothing(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_case(here)
        await here.press("m", "o", "escape")
        assert "Nothing was settled" in here.footer
        await here.press("m", "escape")
        assert here.screen == "CaseScreen"
        assert rulings(two) == []
        first = screen.key
        await here.press("m", "down", "down", "down", "enter")  # other, with the arrows
        await here.type("They read another run.")
        await here.until(lambda: screen.key != first)
        ruling = rulings(two)[0][1]["rulings"][0]
        assert (ruling["outcome"], ruling["reason"], ruling["note"]) == ("undecided", "other", "They read another run.")


async def test_note_and_steps_go_with_a_ruling(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_case(here)
        await here.press("t")
        await here.type("[/red] as bob says")
        await here.press("s")
        await here.type("5-6")
        assert "steps 5–6" in here.text
        assert "[/red] as bob says" in here.text
        for wrong, why in (
            ("seven", "12 or 12-14"),
            ("7", "there is no step 7"),
            ("6-5", "backwards"),
            ("0", "no step"),
        ):
            await here.press("s")
            await here.type(wrong)
            await here.until(lambda why=why: why in here.footer, wrong)
        first = screen.key
        await here.press("p", "e")
        await here.until(lambda: screen.key != first)
        ruling = rulings(two)[0][1]["rulings"][0]
        assert ruling["note"] == "[/red] as bob says"
        assert [(span["first"]["index"], span["last"]["index"]) for span in ruling["steps"]] == [(4, 5)]


async def test_a_note_stays_with_its_case_when_one_leaves_before_settling(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_case(here)
        await here.press("t")
        await here.type("look at the log again")
        assert "look at the log again" in " ".join(here.text.split())
        await here.press("right_square_bracket")  # another case has none of it
        await here.until(lambda: "2 of 2" in here.head)
        assert not screen.drafts
        await here.press("left_square_bracket", "q")
        await here.until(lambda: here.screen == "AdjudicateScreen")
        assert "kept with the case" in here.footer
        await here.press("q")
        await here.until(lambda: here.screen == "InboxScreen")
        screen = await at_case(here)
        assert [draft.note for draft in screen.drafts.values()] == ["look at the log again"]
        await here.press("p", "e")
        await here.until(lambda: len(rulings(two)) == 1)
    assert rulings(two)[0][1]["rulings"][0]["note"] == "look at the log again"


async def test_what_the_least_number_of_votes_hides_is_said_with_its_remedy(two: Path):
    async with station(two, size=SMALL, reviewer="dora") as here:
        screen = await at_cases(here)
        await here.press("M")
        await here.type("3")
        await here.until(lambda: not screen.looking and not screen.shown)
        assert "Nothing with 3 votes or more is open." in here.text
        assert "2 modes are open with fewer votes: M asks for less." in here.text
        await here.press("M")
        await here.type("2")
        await here.until(lambda: not screen.looking and len(screen.shown) == 2)
        assert "hidden" not in here.head.replace("names hidden", "")


async def test_a_name_that_nobody_has_joins_nobody(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_cases(here)
        await here.press("equals_sign")
        await here.type("annika=nobody")
        await here.until(lambda: "no reviewer here is called 'nobody'" in here.footer)
        assert not screen.docket.same


async def test_the_head_of_a_case_keeps_its_figures_at_eighty_columns(two: Path):
    async with station(two, size=SMALL, reviewer="dora") as here:
        await at_case(here)
        assert here.lines[1].rstrip().endswith("1 open here")


async def test_steps_are_left_out_where_the_mode_is_absent(two: Path):
    async with station(two, reviewer="dora") as here:
        await at_case(here)
        await here.press("s")
        await here.type("5")
        await here.press("a", "e")
        await here.until(lambda: len(rulings(two)) == 1)
        assert rulings(two)[0][1]["rulings"][0]["steps"] == []


async def test_names_that_were_seen_are_recorded_even_if_hidden_again(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_case(here)
        await here.press("w")
        assert "NAMES SHOWN" in here.text
        assert "bobby" in here.text
        await here.press("w")
        assert "bobby" not in here.text
        assert "recorded as not blind" in here.text
        first = screen.key
        await here.press("a", "e")
        await here.until(lambda: screen.key != first)
        await here.press("a", "e")
        await here.until(lambda: len(rulings(two)) == 2)
        assert [said["blind"] for _, said in rulings(two)] == [False, True]


async def test_who_voted_themselves_is_told_so(two: Path):
    async with station(two, reviewer="bobby") as here:
        await at_case(here)
        assert "YOU VOTED HERE YOURSELF" in here.text
        assert "(you)" in here.text
        assert "xavier" not in here.text
        await here.press("a", "e")
        await here.until(lambda: len(rulings(two)) == 1)  # told, not forbidden


async def test_undo_goes_back_to_the_case_with_what_was_written(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_case(here)
        first = screen.key
        await here.press("t")
        await here.type("a long thought")
        await here.press("a", "e")
        await here.until(lambda: screen.key != first)
        await here.press("u")
        await here.until(lambda: screen.key == first, "the case again")
        assert "Taken back: 3.2 No" in here.footer
        assert standing(two) == []
        assert "a long thought" in here.text
        await here.press("p", "e")
        await here.until(lambda: standing(two) == [(SKIP, "present")])
        assert rulings(two)[1][1]["rulings"][0]["note"] == "a long thought"
        await here.press("U")
        assert "Nothing of yours is left to redo" in here.footer
    async with station(two, reviewer="dora") as here:  # another day, from the list
        screen = await at_cases(here)
        await here.press("u")
        await here.until(lambda: standing(two) == [])
        assert screen.cases.selected == first
        await here.press("U")
        await here.until(lambda: standing(two) == [(SKIP, "present")])
        await here.press("u", "u")
        assert standing(two) == []
        assert "Nothing of yours is left to undo" in here.footer or "Open again" in here.footer


async def test_a_mode_that_is_not_open_can_be_settled_and_one_anew(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_case(here)
        first = screen.key
        await here.press("l", *"1 3")
        await here.until(lambda: here.screen == "CaseScreen" and "chosen by you" in here.text, "the mode")
        await here.press("p", "e")
        await here.until(lambda: standing(two) == [(LOOP, "present")])
        assert screen.key == first  # what is open here is still open
        assert "SETTLED" in here.text
        await here.press("tab")
        for _ in range(4):
            if screen.mode == f"mode:mast/{LOOP}":
                break
            await here.press("down")
        await here.press("a", "a")
        await here.until(lambda: len(rulings(two)) == 2)
        with Store.open(two) as store:
            docket = Docket(store, "dora")
            docket.load()
            case = docket.case(first)
        assert [row["outcome"] for row in case.rulings] == [
            "present",
            "absent",
        ]  # both stand in the log; the last holds


async def test_several_open_modes_of_a_case_are_settled_one_by_one(db: Path):
    voters = Voters(db)
    run = voters.run()
    voters.say("ann", run, 1, LOOP, RESET)
    voters.say("bob", run, 1)
    async with station(db, reviewer="dora") as here:
        screen = await at_case(here)
        assert "2 open here" in here.text
        modes = [item.mode for item in screen.opened.case.disputes]
        await here.press("a", "e")
        await here.until(lambda: "1 open here" in here.text)
        assert screen.mode == f"mode:mast/{modes[1]}"
        await here.press("p", "e")
        await here.until(lambda: len(standing(db)) == 2)
        assert standing(db) == [(modes[0], "absent"), (modes[1], "present")]


async def test_the_list_s_mode_is_the_one_a_case_begins_with(db: Path):
    voters = Voters(db)
    run = voters.run()
    voters.say("ann", run, 1, LOOP, RESET)
    voters.say("bob", run, 1)
    async with station(db, reviewer="dora") as here:
        for slug in (LOOP, RESET):
            await here.app.push_screen(AdjudicateScreen(("mast", slug)))
            await here.until(lambda: here.app.screen.loaded)
            await here.press("enter")
            await here.until(lambda: here.screen == "CaseScreen")
            assert here.app.screen.mode == f"mode:mast/{slug}"
            await here.press("q", "q")


async def test_labels_are_gone_through_in_the_transcript(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_case(here)
        await here.press("n")
        assert screen.transcript.cursor.step == 5
        assert screen.current == "label:0/0" or screen.current == "label:1/0"
        await here.press("g", "tab", "enter")
        assert screen.transcript.cursor.step == 5
        await here.press("tab", "c")
        assert screen.transcript.cursor.step == 4


async def test_only_the_labels_of_the_mode_in_question_are_marked(db: Path):
    voters = Voters(db)
    run = voters.run()
    voters.say("ann", run, 1, (LOOP, 1), (RESET, 2))
    voters.say("bob", run, 1)
    async with station(db, reviewer="dora") as here:
        screen = await at_case(here)
        assert screen.mode == f"mode:mast/{RESET}"
        assert set(screen.transcript.marks.evidence) == {1}
        for _ in range(2):
            await here.press("n")
            assert screen.transcript.cursor.step == 1
        await here.press("a", "e")
        await here.until(lambda: screen.mode == f"mode:mast/{LOOP}")
        assert set(screen.transcript.marks.evidence) == {0}
        await here.press("n")
        assert screen.transcript.cursor.step == 0


async def test_a_label_that_covers_the_whole_run_marks_nothing(db: Path):
    voters = Voters(db)
    run = voters.run()
    voters.say("ann", run, None, (LOOP, 1))
    voters.say("bob", run, None)
    async with station(db, reviewer="dora") as here:
        screen = await at_case(here)
        assert screen.transcript.marks.labelled == {0}
        (label,) = [label for _, label in screen.labels()]
        label["last"] = dict(screen.opened.case.target["last"])
        screen.show_votes()
        assert screen.transcript.marks.labelled == set()


async def test_every_word_of_a_vote_is_an_enter_away(db: Path):
    voters = Voters(db)
    run = voters.run()
    note = " ".join(f"word{number}" for number in range(2000))
    voters.say("ann", run, 1, LOOP, note=note)
    voters.say("bob", run, 1)
    async with station(db, reviewer="dora") as here:
        screen = await at_case(here)
        assert "word1999" not in here.text
        place = next(number for number, vote in enumerate(screen.view.votes) if vote.reviewer == "ann")
        await here.press("tab")
        while screen.current != f"vote:{place}":
            await here.press("down")
        await here.press("enter")
        await here.until(lambda: here.screen == "Reader")
        await here.press("end")
        assert "word1999" in here.text


async def test_cases_are_walked_without_settling(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_case(here)
        keys = [item.key for item in screen.cases.shown]
        assert screen.key == keys[0]
        await here.press("right_square_bracket")
        assert screen.key == keys[1]
        await here.press("right_square_bracket")
        assert "last case" in here.footer
        await here.press("left_square_bracket", "left_square_bracket")
        assert "first case" in here.footer
        await here.press("right_square_bracket", "q")
        assert screen.cases.cases.selected == keys[1]
        assert rulings(two) == []


async def test_no_key_hurts_in_a_case(two: Path):
    async with station(two, reviewer="dora") as here:
        await at_case(here)
        for action in actions.CASE:
            for key in action.keys:
                if action.id not in ("back", "help"):
                    await here.press(key, "escape") if action.id in PROMPTS else await here.press(key)
                    assert here.app._exception is None, key
        await here.until(lambda: here.screen == "CaseScreen")


#: Actions of a case that open something over it.
PROMPTS = {
    "present", "absent", "undecided", "steps", "note", "guideline", "another", "codebook", "about",
}  # fmt: skip


# -- trouble --------------------------------------------------------------------------------------------------------


async def test_hostile_text_is_shown_and_never_obeyed(db: Path):
    name = "[/b] [red] eve \u05d0"
    voters = Voters(db)
    run = voters.run("[bold]title[red]", first=HOSTILE)
    voters.say(name, run, 1, (LOOP, 1), label_note=HOSTILE, note=HOSTILE)
    voters.say("bob", run, 1)
    async with station(db, reviewer="dora") as here:
        screen = await at_cases(here)
        assert "[bold]title[red]" in here.text
        assert clean(here)
        await here.press("enter")
        await here.until(lambda: here.screen == "CaseScreen")
        case: CaseScreen = here.app.screen
        await here.press("w", "t")
        await here.type(HOSTILE)
        await here.press("tab")
        assert "[/b] [red] eve" in here.text
        assert "[b]bold[/b]" in here.text
        assert clean(here)
        place = next(number for number, vote in enumerate(case.view.votes) if vote.reviewer == name)
        while case.current != f"vote:{place}":
            await here.press("down")
        await here.press("enter")
        await here.until(lambda: here.screen == "Reader")
        assert clean(here)
        await here.press("escape", "I")
        assert here.screen == "Reader"
        assert clean(here)
        await here.press("escape", "p", "g")
        await here.type(HOSTILE)
        await here.until(lambda: len(rulings(db)) == 1)
        assert clean(here)
        await here.press("q", "t")
        await here.until(lambda: here.screen == "Reader")
        assert clean(here)
        assert screen.docket.standing == 1


async def test_wide_letters_are_folded_by_what_they_take(db: Path):
    voters = Voters(db)
    run = voters.run("日本語の題名がとても長いのでここで切られるはずです" * 2)
    voters.say("ann", run, 1, LOOP, note="始" + "確認が省かれています" * 8 + "終")
    voters.say("bob", run, 1)
    async with station(db, size=SMALL, reviewer="dora") as here:
        await at_cases(here)
        assert "1:1" in here.text
        await here.press("enter")
        await here.until(lambda: here.screen == "CaseScreen")
        await here.press("tab", *["down"] * 5)
        assert "始" in here.text
        assert "終" in here.text


async def test_a_codebook_that_changed_mid_queue(db: Path, monkeypatch):
    """Most voted by the first state; what was said by another wording is shown and said not to count."""
    monkeypatch.setattr(adjudicate_case, "ELSEWHERE_S", 0.02)
    book = mast()
    data = book.model_dump(by_alias=True, mode="json")
    for mode in data["mode"]:
        if mode["slug"] == LOOP:
            mode["definition"] = "It repeats itself, but only since yesterday."
    data["version"] = "9"
    changed = Codebook.model_validate(data)
    voters = Voters(db, book)
    run = voters.run()
    voters.say("ann", run, 1, SKIP)
    voters.say("bob", run, 1)
    voters.say("ann", run, 2)
    voters.say("eve", run, 1, LOOP, book=changed, judged=(LOOP,))
    async with station(db, reviewer="dora") as here:
        screen = await at_case(here)
        assert [item.mode for item in screen.opened.case.disputes] == [SKIP]
        assert "worded otherwise then" in " ".join(here.text.split())
        await asyncio.to_thread(voters.say, "fred", run, 1, LOOP, book=changed, judged=(LOOP,))
        await here.until(lambda: len(screen.opened.case.votes) == 4, "the new vote")
        assert "have changed" in here.footer
        await here.press("a", "e")
        await here.until(lambda: len(rulings(db)) == 1)
        assert rulings(db)[0][1]["rulings"][0]["codebook"]["sha256"] == book.hash


async def test_what_another_adjudicator_settles_meanwhile_is_seen_first(two: Path, monkeypatch):
    monkeypatch.setattr(adjudicate_case, "ELSEWHERE_S", 3600)

    def by_eve(key: str) -> None:
        with Store.open(two) as store:
            other = Docket(store, "eve")
            other.load()
            other.settle(other.case(key), Wish("mast", SKIP, "present", "error"), blind=True, seconds=1.0)

    async with station(two, reviewer="dora") as here:
        screen = await at_case(here)
        await asyncio.to_thread(by_eve, screen.key)
        await here.press("a", "e")
        await here.until(lambda: "settled this meanwhile" in here.footer, "the refusal")
        assert len(rulings(two)) == 1
        await screen.look_again()
        assert "have changed" in here.footer
        assert "SETTLED" in here.text
        assert "by an adjudicator" in here.text


async def test_a_locked_database_does_not_hold_the_reader(two: Path):
    async with station(two, reviewer="dora") as here:
        screen = await at_case(here)
        locked, release = threading.Event(), threading.Event()

        def hold() -> None:
            with Store.open(two) as store, store.write() as tx:
                tx.execute("DELETE FROM adjudication_head WHERE origin = 'nobody'")
                locked.set()
                release.wait(10)

        holder = threading.Thread(target=hold)
        holder.start()
        await here.until(locked.is_set)
        first = screen.key
        await here.press("a", "e")
        await here.until(lambda: "Reading goes on" in here.footer)
        await here.press("j", "a")
        assert "still waits for the database" in here.footer
        release.set()
        await here.until(lambda: screen.key != first, "written after all")
        holder.join()
        assert len(rulings(two)) == 1


async def test_votes_that_are_gone_are_said_to_be_gone(two: Path, monkeypatch):
    from labels.ledger import Ledger

    monkeypatch.setattr(adjudicate, "ELSEWHERE_S", 3600)
    async with station(two, reviewer="dora") as here:
        screen = await at_cases(here)
        with Store.open(two) as store:
            for who in ("bobby", "xavier"):
                Ledger(store, who).undo(screen.shown[0].run)
        await here.press("enter")
        await here.until(lambda: "gone meanwhile" in here.footer)
        await here.press("R")
        await here.until(lambda: not screen.looking and len(screen.shown) == 1)


async def test_votes_on_the_whole_run_are_cases_too(db: Path):
    voters = Voters(db)
    run = voters.run()
    voters.say("ann", run, None, LOOP)
    voters.say("bob", run, None)
    async with station(db, reviewer="dora") as here:
        await at_case(here)
        assert "whole run" in here.text
        await here.press("p", "e")
        await here.until(lambda: len(rulings(db)) == 1)
        assert rulings(db)[0][1]["target"]["scope"] == "run"


async def test_where_people_differ_on_the_root_cause_present_asks_for_the_step(db: Path):
    voters = Voters(db)
    run = voters.run()
    voters.say("annika", run, None, (LOOP, 2), root=True)
    voters.say("bobby", run, None, (LOOP, 5), root=True)
    async with station(db, reviewer="dora") as here:
        screen = await at_cases(here)
        assert "≠ step" in here.text
        await here.press("enter")
        await here.until(lambda: here.screen == "CaseScreen")
        text = " ".join(here.text.split())
        assert "the root cause:" in text
        assert "at step 2" in text
        assert "at step 5" in text
        places = []
        for _ in range(2):
            await here.press("n")
            places.append(here.app.screen.transcript.cursor.step)
        assert sorted(places) == [1, 4]
        await here.press("p", "enter")
        assert "Nothing was settled" in here.footer
        await here.press("p")
        await here.type("5")
        await here.until(lambda: here.screen == "ReasonScreen")
        await here.press("e")
        await here.until(lambda: len(rulings(db)) == 1)
        (span,) = rulings(db)[0][1]["rulings"][0]["steps"]
        assert span["first"]["index"] == 4
        await here.until(lambda: not screen.docket.items, "it is settled")


async def test_who_still_has_to_decide_in_a_queue_is_warned(two: Path):
    with Store.open(two) as store:
        runs = [item.run for item in _docket(store).items]
        queues.create(store, "first", runs, policy="every:2", reviewers=4)
    async with station(two, reviewer="dora") as here:
        await at_case(here)
        assert "still yours to decide in queue first" in here.text


def _docket(store: Store) -> Docket:
    found = Docket(store, "nobody")
    found.load()
    return found


def test_every_action_has_its_method():
    for table, screen in ((actions.ADJUDICATE, AdjudicateScreen), (actions.CASE, CaseScreen)):
        for action in table:
            assert callable(getattr(screen, f"action_{action.id}", None)), action.id
            assert action.help.endswith("."), action.id


def test_settling_in_the_station_is_what_the_command_settles(two: Path):
    """The same event, but for who said it with what."""
    with Store.open(two) as store:
        docket = _docket(store)
        case = docket.case(docket.items[0].key)
        docket.settle(case, Wish("mast", SKIP, "present", "error", steps=(5, 6)), blind=True, seconds=1.0)
        said = adjudication.rulings_of(store, case.run)
        assert [ruling.outcome for _, _, ruling in said] == ["present"]
        assert Adjudicator(store, "nobody").undo(case.run) is not None
