"""Deciding with the keyboard: verdicts, none, notes, the whole run, undo and redo. The database is what counts."""

import pytest
from station import CHECKOUT, FREEZE, Station, station

from review_tui.screens.prompt import Prompt
from sessions.store import Store


def verdicts(here: Station) -> dict[int | str, str | None]:
    return {item.number if item.scope == "chunk" else "run": item.verdict for item in here.decisions()}


async def test_a_file_opens_for_review(db):
    async with station(db, CHECKOUT) as here:
        await here.until(lambda: here.reviewing)
        assert "Incident 4127" in here.head
        assert "You are the on-call agent" in here.text
        assert here.chunk == 1


async def test_approving_goes_on_to_the_next_chunk(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("a")
        assert verdicts(here) == {1: "approve"}
        assert here.chunk == 2
        assert here.cursor[0] == 5
        assert "Chunk 1 approved. Now chunk 2." in here.footer
        assert "1/5 decided" in here.head


async def test_approving_all_chunks_ends_the_run(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press(*"aaaaa")
        assert verdicts(here) == dict.fromkeys(range(1, 6), "approve")
        assert "Every chunk has a verdict now." in here.footer
        assert "5/5 decided" in here.head


async def test_approving_goes_round_to_a_chunk_that_was_left_out(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket", *"aaaa")
        assert verdicts(here) == dict.fromkeys(range(2, 6), "approve")
        assert here.chunk == 1


async def test_a_decision_carries_what_it_must(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("a")
        (event,) = here.events()
        assert event.reviewer == "ann"
        assert event.kind == "decide"
        assert event.data["target"]["policy"] == "every:5"
        assert event.data["target"]["first"]["index"] == 0
        assert event.data["target"]["last"]["index"] == 4
        assert event.data["blind_votes"] is True
        assert event.data["blind_suggestions"] is True
        assert event.data["seconds"] >= 0
        assert event.data["how"] == "person"


async def test_rolling_back_asks_for_the_step(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(8)
        await here.press("r")
        assert isinstance(here.app.screen, Prompt)
        assert here.app.screen.value == "8"
        await here.press("enter")
        assert here.screen == "ReviewScreen"
        found = here.decision(2)
        assert (found.verdict, found.to) == ("rollback", 7)
        assert "Rolled back: step 8 is the first undone." in here.footer
        assert "rolled back to before step 8" in here.side


async def test_rolling_back_to_an_earlier_chunk(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(8)
        await here.press("r")
        await here.type("3")
        assert here.decision(2).to == 2


@pytest.mark.parametrize("answer", ["0", "11", "99999999999999999999", "-1", "three", "", "1.5", "²"])
async def test_rolling_back_to_nowhere_is_refused(checkout_db, answer):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(8)
        await here.press("r")
        await here.type(answer)
        assert here.screen == "ReviewScreen"
        assert here.decisions() == []
        assert "give a number from 1 to 10" in here.footer


async def test_rolling_back_can_be_thought_over(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("r", "5", "escape")
        assert here.screen == "ReviewScreen"
        assert here.decisions() == []


async def test_stopping(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("s")
        assert verdicts(here) == {1: "stop"}
        assert here.chunk == 1
        assert "■ stopped" in here.side


async def test_abstaining(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("A")
        assert verdicts(here) == {1: "abstain"}
        assert here.chunk == 2


async def test_a_later_verdict_replaces_the_earlier_one(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("s", "a")
        assert verdicts(here) == {1: "approve"}
        assert len(here.events()) == 2


async def test_saying_none_and_taking_it_back(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("0")
        assert here.decision(1).none == ("mast", "safety")
        assert here.decision(1).verdict is None
        assert "none of mast, safety" in here.side
        await here.press("0")
        assert here.decisions() == []
        assert "Taken back." in here.footer


async def test_none_beside_labels_is_said_of_the_other_codebooks(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", "2", "6", "0")
        assert here.decision(1).none == ("safety",)
        assert [label.mode for label in here.decision(1).labels] == ["reasoning-action-mismatch"]


async def test_none_beside_labels_of_every_codebook_is_refused(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", "2", "6", "l", *"irrev", "enter", "0")
        assert here.decision(1).none == ()
        assert [label.codebook for label in here.decision(1).labels] == ["mast", "safety"]
        assert "There are labels here" in here.footer


async def test_a_label_after_none_takes_none_back(checkout_db):
    """Both together would be a contradiction."""
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("0", "l", "2", "6")
        found = here.decision(1)
        assert [label.codebook for label in found.labels] == ["mast"]
        assert found.none == ("safety",)


async def test_a_note_on_the_chunk(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("t")
        await here.type("looks [bold]fine[/] to me")
        assert here.decision(1).note == "looks [bold]fine[/] to me"
        assert "looks [bold]fine[/] to me" in here.text
        await here.press("t")
        assert here.app.screen.value == "looks [bold]fine[/] to me"
        await here.press("escape")
        assert here.decision(1).note == "looks [bold]fine[/] to me"


async def test_emptying_a_note_removes_it(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("t")
        await here.type("hm")
        await here.press("t")
        await here.type("")
        assert here.decisions() == []


async def test_a_note_on_the_current_label(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("l", "2", "6", "t")
        await here.type("see step 3")
        (label,) = here.decision(1).labels
        assert label.note == "see step 3"
        assert here.decision(1).note == ""
        assert "see step 3" in here.side


async def test_deciding_on_the_whole_run(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("W")
        assert "WHOLE RUN" in here.head
        await here.press("s", "t")
        await here.type("a mess")
        found = here.decision("run")
        assert (found.chunk, found.verdict, found.note) == ("run", "stop", "a mess")
        assert (found.first, found.last) == (0, 21)
        await here.press("W", "a")
        assert verdicts(here) == {"run": "stop", 1: "approve"}


async def test_a_label_on_the_whole_run_covers_it(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("W", "l", "1", "3")
        (label,) = here.decision("run").labels
        assert (label.first, label.last) == (0, 21)


async def test_moving_on_leaves_the_whole_run(checkout_db):
    """Whatever was last shown in the head is what a verdict is about."""
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("W", "right_square_bracket")
        whole = "WHOLE RUN" in here.head
        await here.press("a")
        assert verdicts(here) == ({"run": "approve"} if whole else {2: "approve"})


async def test_undo_and_redo(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("a", "s", "u")
        assert verdicts(here) == {1: "approve"}
        assert here.chunk == 2
        assert "Undone: steps 6–10." in here.footer
        await here.press("u")
        assert verdicts(here) == {}
        assert here.chunk == 1
        await here.press("U", "U")
        assert verdicts(here) == {1: "approve", 2: "stop"}
        assert "Done again: steps 6–10." in here.footer
        assert [event.kind for event in here.events()] == ["decide"] * 2 + ["undo"] * 2 + ["redo"] * 2


async def test_there_may_be_nothing_to_undo_or_redo(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("u")
        assert "Nothing to undo." in here.footer
        await here.press("U")
        assert "Nothing to redo." in here.footer
        assert here.events() == []


async def test_a_new_decision_clears_redo(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("s", "u", "A", "U")
        assert "Nothing to redo." in here.footer
        assert verdicts(here) == {1: "abstain"}


async def test_undo_and_redo_reach_across_a_restart(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("a", "l", "2", "6", "m")
    async with station(checkout_db, CHECKOUT) as here:
        (label,) = here.decision(2).labels
        assert not label.sure
        await here.press("u")
        assert here.decision(2).labels[0].sure
        await here.press("u", "u")
        assert here.decisions() == []
    async with station(checkout_db, CHECKOUT) as here:
        await here.press(*"UUU")
        assert verdicts(here)[1] == "approve"
        assert here.decision(2).labels[0].id == label.id
        assert not here.decision(2).labels[0].sure


async def test_undo_of_a_whole_run_decision_turns_to_it(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("W", "s", "W", "u")
        assert here.decisions() == []
        assert "Undone: the whole run." in here.footer
        await here.press("U")
        assert verdicts(here) == {"run": "stop"}


async def test_undo_takes_back_own_acts_only(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("a")
    async with station(checkout_db, CHECKOUT, reviewer="bob") as here:
        await here.press("u")
        assert "Nothing to undo." in here.footer
        assert here.decisions() == []
        await here.press("s")
        assert verdicts(here) == {1: "stop"}
    async with station(checkout_db, CHECKOUT) as here:
        assert verdicts(here) == {1: "approve"}


async def test_undo_is_per_run(samples_db):
    async with station(samples_db, CHECKOUT) as here:
        await here.press("a")
    async with station(samples_db, FREEZE) as here:
        await here.press("u")
        assert "Nothing to undo." in here.footer


async def test_keys_in_quick_succession_all_count(checkout_db):
    """Sent at once, as by a held key or a slow line: each is one decision on one chunk."""
    from textual import events

    async with station(checkout_db, CHECKOUT) as here:
        for letter in "aAsu":
            here.app._driver.send_message(events.Key(letter, letter))
        await here.until(lambda: len(here.events()) == 4)
        await here.pilot.pause()
        assert verdicts(here) == {1: "approve", 2: "abstain"}
        assert here.chunk == 3


async def at_once(here: Station, *keys: str) -> None:
    """Send keys as a paste, a macro or a slow line does: all are there before the first is worked on."""
    from textual import events

    names = {"\r": "enter", ":": "colon", "/": "slash"}
    for key in keys:
        here.app._driver.send_message(events.Key(names.get(key, key), key))
    await here.pilot.pause()
    await here.pilot.pause()


async def test_typing_fast_into_a_rollback(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await here.to_step(8)
        await at_once(here, *"r3\r")
        await here.until(lambda: here.screen == "ReviewScreen")
        assert [item.to for item in here.decisions()] in ([2], [])  # lost altogether would be bad luck, no more


async def test_typing_fast_into_a_prompt(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await at_once(here, *":12\r")
        await here.until(lambda: here.screen == "ReviewScreen")
        assert here.cursor[0] == 11


async def test_typing_fast_into_the_picker(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        await at_once(here, *"l26")
        assert [label.code for item in here.decisions() for label in item.labels] == ["2.6"]


async def test_every_decision_is_chained_and_verifies(checkout_db):
    from labels import events

    async with station(checkout_db, CHECKOUT) as here:
        await here.press("a", "l", "2", "6", "0", "s", "u", "U", "A")
    with Store.open(checkout_db) as store:
        assert events.verify(store) == []
