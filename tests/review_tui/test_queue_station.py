"""Queues in the station: who gets what, what they see of others and of themselves, and where they come back to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from station import CHECKOUT, SAMPLES, SMALL, Station, fill, station, suggest

from labels import operating, queue_hold, queue_next, queues
from labels.codebook import Codebook, load_all
from labels.ledger import Ledger
from labels.operating import Said
from labels.queue_status import status
from labels.queues import Queue
from review_tui import queue_session
from review_tui.desk import Desk
from review_tui.screens.review_queue import QueueReviewScreen
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.gate import Answer, Gate
from sessions.live import gates
from sessions.live.clock import Moment, now
from sessions.store import Store

GOOD = SAMPLES / "good-run.traj.json"
MAST = load_all([]).get("mast")
MISMATCH = "reasoning-action-mismatch"


@pytest.fixture
def two(db: Path) -> list[RunInfo]:
    """A database with two runs: of 22 steps in five chunks, and of 12 in three."""
    return [*fill(db, CHECKOUT), *fill(db, GOOD)]


def make(db: Path, runs: list[RunInfo], name: str = "triage", **settings: Any) -> Queue:
    with Store.open(db) as store:
        return queues.create(store, name, runs, **{"blind_share": 0.0, **settings})


def taken(db: Path, queue: Queue, who: str) -> tuple[int, bool]:
    """The place of what somebody has now, and whether it is a second reading."""
    with Store.open(db) as store:
        rows = store.query("SELECT place, repeat_no FROM queue_lease WHERE queue = ? AND reviewer = ?", [queue.id, who])
    return rows[0][0], bool(rows[0][1])


def decide(db: Path, who: str, run: RunInfo, chunk: int, verdict: str = "approve", note: str = "") -> None:
    with Store.open(db) as store:
        desk = Desk(store, run, who, "every:5")
        desk.enter(chunk)
        desk.verdict(verdict)
        if note:
            desk.note(note)


@contextmanager
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Time as leases see it: add to the list's one number to let some pass."""
    passed = [0.0]

    def later() -> Moment:
        return now().plus(passed[0])

    monkeypatch.setattr(queue_next, "now", later)
    monkeypatch.setattr(queue_hold, "now", later)
    yield passed


async def enter_queue(here: Station) -> QueueReviewScreen:
    """From the inbox through the screen of the queues to the first item."""
    await here.press("Q")
    await here.until(lambda: here.screen == "QueuesScreen" and "left" in here.text, "the queues")
    await here.press("enter")
    await here.until(lambda: here.screen == "QueueReviewScreen" and here.reviewing, "the item")
    screen = here.review
    assert isinstance(screen, QueueReviewScreen)
    return screen


async def verdict(here: Station, *keys: str) -> None:
    """Press the keys of a verdict and wait for the next item (or for the word that there is none)."""
    before = here.review.reading
    await here.press(*keys)
    await here.until(lambda: here.review.reading is not before or "nothing more" in here.footer, "the next item")


# -- the screen of the queues, and the inbox ------------------------------------------------------------------------


async def test_without_queues_the_screen_says_how_to_make_one(checkout_db):
    async with station(checkout_db, size=SMALL) as here:
        assert "QUEUES" not in here.text
        await here.press("Q")
        await here.until(lambda: "There is no queue yet" in here.text, "the advice")
        assert "review-tui queue create NAME RUN..." in here.text
        await here.press("enter", "j", "k", "question_mark", "escape", "q")
        await here.until(lambda: here.screen == "InboxScreen")


async def test_the_screen_tells_progress_and_rule(db, two):
    queue = make(db, two, reviewers=2, order="random", seed="1", codebooks=[MAST])
    for chunk in range(3):
        decide(db, "bob", two[0], chunk)
    decide(db, "ann", two[0], 0)
    with Store.open(db) as store:
        queue_next.take(store, queue, "cat")
    async with station(db) as here:
        await here.until(lambda: "1/8" in here.text and "QUEUES" in here.text, "the queue in the inbox")
        await here.press("Q")
        await here.until(lambda: "left for you" in here.text, "the progress")
        for text in ("1 of 8", "7 left for you", "2 begun", "others: bob 3, cat 0 (at the next one)", "2 people each",
                     "in random order", "none blind", "judged by mast", "chunks by every:5"):  # fmt: skip
            assert text in here.text, text


async def test_the_inbox_lists_queues_with_work_and_enter_goes_on(db, two):
    make(db, [two[0]], name="mine")
    make(db, [two[1]], name="done")
    for chunk in range(3):
        decide(db, "ann", two[1], chunk)
    async with station(db) as here:
        await here.until(lambda: "QUEUES" in here.text, "the queues")
        assert "mine" in here.text
        assert "▸ done" not in here.text
        await here.press("home", "enter")
        await here.until(lambda: here.screen == "QueueReviewScreen" and here.reviewing)
        assert "queue mine 1 of 5 /" in here.head
        await here.press("q")
        await here.until(lambda: here.screen == "InboxScreen")


async def test_down_and_enter_at_once_open_the_row_that_was_gone_to(samples_db):
    async with station(samples_db) as here:
        from station import _key_event

        wanted = here.inbox.runs.source.key(1)
        for key in ("down", "enter"):
            here.app._driver.send_message(_key_event(key))
        await here.until(lambda: here.reviewing)
        assert here.run.id == wanted


# -- from item to item ----------------------------------------------------------------------------------------------


async def test_each_verdict_leads_to_the_next_item_across_runs(db, two):
    queue = make(db, two, order="random", seed="3")
    with Store.open(db) as store:
        items = store.query("SELECT run, number FROM queue_item WHERE queue = ? ORDER BY place", [queue.id])
    seen = []
    async with station(db) as here:
        await enter_queue(here)
        for number, key in enumerate(["a", "s", "A", "a", "a", "a", "a", "a"], 1):
            assert f"queue triage {number} of 8 /" in here.head
            seen.append((here.run.id, here.chunk))
            first, last = here.review.reading.given.first, here.review.reading.given.last
            assert here.cursor[0] == first
            assert f"steps {first + 1}–{last + 1}" in here.head
            await verdict(here, key)
        assert "There is nothing more for you in this queue now" in here.footer
        await here.press("q")
        await here.until(lambda: "nothing left for you" in here.text, "the end")
        await here.press("enter")
        assert "There is nothing left for you in 'triage'." in here.footer
    assert seen == [tuple(item) for item in items]
    assert len({run for run, _ in seen}) == 2
    with Store.open(db) as store:
        assert status(store, queue, load_all([]), figures=False).finished == 8


async def test_the_item_is_decided_on_wherever_one_reads(db, two):
    make(db, [two[0]])
    decide(db, "ann", two[0], 0)
    async with station(db) as here:
        await enter_queue(here)
        assert here.chunk == 2
        await here.press("left_square_bracket")
        assert here.cursor[0] == 0
        assert here.chunk == 2
        await here.press("l")
        assert "Step 1 is not what you are to decide on" in here.footer
        await here.press("W", "p")
        assert here.screen == "QueueReviewScreen"
        await here.press("right_curly_bracket")
        assert here.cursor[0] == 5
        await here.press("left_square_bracket", "right_square_bracket", "right_square_bracket")
        assert here.cursor[0] == 10
        await verdict(here, "s")
        assert (here.decision(1).verdict, here.decision(2).verdict) == ("approve", "stop")
        assert here.chunk == 3


async def test_undo_goes_back_through_the_runs_and_redo_forth(db, two):
    make(db, [two[1], two[0]])
    async with station(db) as here:
        await enter_queue(here)
        for _ in range(4):
            await verdict(here, "a")
        assert here.run.id == two[0].id
        assert here.chunk == 2
        for run, chunk in ((two[0], 1), (two[1], 3), (two[1], 2)):
            await here.press("u")
            await here.until(lambda: "Undone" in here.footer)
            assert (here.run.id, here.chunk) == (run.id, chunk)
        assert len(here.decisions(two[1])) == 1
        assert here.decisions(two[0]) == []
        assert "queue triage 2 of 8" in here.head
        await here.press("U")
        await here.until(lambda: "Done again" in here.footer)
        assert here.decision(2).verdict == "approve"
        await here.press("right_curly_bracket")  # a decided one is gone on from
        await here.until(lambda: here.chunk == 3, "the next item")
        await here.press("U")
        await here.until(lambda: "Done again" in here.footer)
        await verdict(here, "s")  # a decision clears what could be done again
        await here.press("U")
        await here.until(lambda: "Nothing to redo" in here.footer)


async def test_whole_runs(db, two):
    queue = make(db, two, scope="runs")
    async with station(db) as here:
        await enter_queue(here)
        assert "WHOLE RUN  22 steps" in here.head
        await here.press("W")
        assert "decided on whole runs" in here.footer
        await here.press("G")
        await verdict(here, "a")
        assert here.run.id == two[1].id
        assert "queue triage 2 of 2" in here.head
        await verdict(here, "a")
        assert "nothing more for you" in here.footer
    with Store.open(db) as store:
        assert status(store, queue, load_all([]), figures=False).finished == 2


async def test_a_whole_run_is_blind_as_a_whole(db, two):
    make(db, [two[0]], scope="runs", blind_share=1.0)
    suggest(db, two[0], [(MISMATCH, 8, 8, "before I touch anything")])
    async with station(db) as here:
        await enter_queue(here)
        assert "hidden until you give a verdict" in here.side
        assert "◇" not in here.text
        await verdict(here, "a")
        assert "2.6" in here.side
        assert here.events()[0].data["blind_suggestions"] is True


# -- leaving and coming back ----------------------------------------------------------------------------------------


async def test_coming_back_is_to_the_same_row(db, two):
    queue = make(db, two)
    async with station(db) as here:
        await enter_queue(here)
        await verdict(here, "a")
        await here.press("j", "j", "j")
        place = here.cursor
        assert place[1] > 0 or place[0] > 5
        await here.press("q")
        await here.until(lambda: here.screen == "QueuesScreen")
        await enter_queue_again(here)
        assert here.cursor == place
    async with station(db) as here:  # and after a restart
        await enter_queue(here)
        assert here.cursor == place
        assert "queue triage 2 of 8" in here.head
        assert taken(db, queue, "ann") == (1, False)


async def enter_queue_again(here: Station) -> None:
    await here.press("enter")
    await here.until(lambda: here.screen == "QueueReviewScreen" and here.reviewing, "the item")


async def test_what_is_left_is_free_for_others(db, two):
    queue = make(db, two)
    async with station(db) as here:
        await enter_queue(here)
        with Store.open(db) as store:
            other = queue_next.take(store, queue, "bob")
            assert other is not None
            assert other.place == 1
            queue_next.release(store, queue, "bob")
        await here.press("q")
        await here.until(lambda: here.screen == "QueuesScreen")
    with Store.open(db) as store:
        assert queue_next.holders(store, queue) == {}
        other = queue_next.take(store, queue, "bob")
        assert other is not None
        assert other.place == 0
    async with station(db) as here:
        await enter_queue(here)
        assert here.chunk == 2
        await here.until(lambda: "bob has it now" in here.footer, "the word")


async def test_a_lease_that_ran_out_is_said(db, two, monkeypatch):
    queue = make(db, two)
    with clock(monkeypatch) as passed:
        async with station(db) as here:
            screen = await enter_queue(here)
            passed[0] += queue_next.LEASE_S / 2
            await screen.renew()
            with Store.open(db) as store:
                assert queue_next.holders(store, queue)["ann"] == (0, pytest.approx(queue_next.LEASE_S, abs=60))
            passed[0] += queue_next.LEASE_S + 1
            with Store.open(db) as store:
                other = queue_next.take(store, queue, "bob")
                assert other is not None
                assert other.place == 0
            await screen.renew()
            assert "bob has this item now" in here.footer
            assert "bob has this item now" in here.head
            await verdict(here, "a")  # it counts all the same
            assert here.decision(1).verdict == "approve"
            assert here.chunk == 2
            assert "bob has" not in here.head


async def test_nobody_there_nothing_kept(db, two, monkeypatch):
    queue = make(db, two)
    monkeypatch.setattr(queue_session, "IDLE_S", -1.0)
    with clock(monkeypatch) as passed:
        async with station(db) as here:
            screen = await enter_queue(here)
            passed[0] += queue_next.LEASE_S + 1
            await screen.renew()
            with Store.open(db) as store:
                assert queue_next.holders(store, queue) == {}


async def test_going_on_in_another_station_is_said(db, two):
    queue = make(db, two)
    async with station(db) as here:
        screen = await enter_queue(here)
        decide(db, "ann", two[0], 0)
        with Store.open(db) as store:
            queue_next.take(store, queue, "ann")
        await screen.renew()
        assert "you have gone on elsewhere" in here.head
        await here.press("right_curly_bracket")
        await here.until(lambda: here.chunk == 2, "the item that is theirs now")


# -- two reviewers --------------------------------------------------------------------------------------------------


async def test_two_stations_share_a_queue_without_meeting(db, two):
    queue = make(db, two)
    async with station(db) as ann, station(db, reviewer="bob") as bob:
        await enter_queue(ann)
        await enter_queue(bob)
        for here in (ann, bob, ann, bob, bob, ann):
            await verdict(here, "a")
        assert {taken(db, queue, who)[0] for who in ("ann", "bob")} == {6, 7}
    with Store.open(db) as store:
        found = status(store, queue, load_all([]), figures=False)
    assert [(item.reviewer, item.done) for item in found.reviewers] == [("ann", 3), ("bob", 3)]
    assert found.finished == 6


async def test_nothing_of_what_others_said_is_to_be_seen_before_one_has_decided(db, two):
    """In the item, the header, the panel, the inbox, the search and the page about the run."""
    make(db, [two[0]], reviewers=2)
    secret = "bobs own words"
    with Store.open(db) as store:
        desk = Desk(store, two[0], "bob", "every:5")
        mode = next(mode for mode in MAST.modes if mode.slug == MISMATCH)
        desk.add_label(MAST, mode, 2, 2, [])
        desk.note(secret)
        desk.verdict("stop")
    async with station(db) as here:
        await here.until(lambda: "QUEUES" in here.text)
        assert "0/5" in here.text
        assert "◆" not in here.text
        await enter_queue(here)
        for text in (here.text, here.side, here.head):
            assert secret not in text
            assert "2.6" not in text
            assert "■" not in text
            assert "◆" not in text
        await here.press("I")
        assert secret not in here.text
        await here.press("escape", "ctrl+f")
        await here.until(lambda: here.screen == "SearchScreen")
        await here.type(secret, enter=False)
        await here.until(lambda: "is in no run" in here.text, "the end of the search")
        await here.press("escape")
        await verdict(here, "a")
        assert here.events()[0].data["blind_votes"] is True


async def test_verdicts_at_the_gates_of_a_run_are_hidden_in_a_queue(db):
    """A run that was live once: what operators said at its gates is others' verdicts, and its chunks are decided on
    like those of any recorded run."""
    agent = Gate(agent="helper", task="Tidy up.", run="tidy", db=db)
    for word in ("one", "two", "three"):
        agent.add("helper", text=f"I do thing {word}.")
    assert not agent.open(wait=False, final=True)
    with Store.open(db) as store:
        (gate,) = gates.waiting(store)
        said = Said("approve", None, "bobs own words", None, payload_sha256=gate.payload_sha256)
        operating.decide(store, "bob", gate, said)
    assert agent.open(wait=False, final=True)
    agent.close()
    with Store.open(db) as store:
        (run,) = catalog.runs(store)
    assert run.complete
    async with station(db) as here:
        await here.press("end", "enter")
        await here.until(lambda: here.reviewing and "approved by bob" in here.side, "the gate in the panel")
        assert "bobs own words" in here.side
    queue = make(db, [run], policy="gates", reviewers=2)
    async with station(db) as here:
        await enter_queue(here)
        assert "bob" not in here.side
        await verdict(here, "s")
        assert here.decision(1).verdict == "stop"
    with Store.open(db) as store:
        assert status(store, queue, load_all([]), figures=False).finished == 1


async def test_live_gates_come_first_and_are_left_alone(db, two):
    queue = make(db, two)
    agent = Gate(agent="helper", task="Tidy up.", run="tidy", db=db)
    agent.add("helper", text="I do a thing.")
    assert not agent.open(wait=False)
    async with station(db) as here:
        await here.until(lambda: "QUEUES" in here.text and "AGENTS THAT WAIT" in here.text, "gates and queues")
        order = [here.text.index(text) for text in ("AGENTS THAT WAIT", "QUEUES", " RUNS")]
        assert order == sorted(order)
        await enter_queue(here)
        await here.press("j", "j", "j", "w")
        await here.until(lambda: here.screen == "ReviewScreen" and "GATE" in here.side, "the gate")
        assert "queue triage" not in here.head
        await here.press("a")
        await here.until(lambda: "approved. u takes it back until the agent has it" in here.footer, "the approval")
        await here.press("q")
        await here.until(lambda: here.screen == "InboxScreen")
        await enter_queue(here)
        assert "queue triage 1 of 8" in here.head
        assert here.cursor != (0, 0)  # where they were when they went to the gate
        assert taken(db, queue, "ann") == (0, False)
    answer = agent.open(wait=False)
    assert isinstance(answer, Answer)
    assert (answer.verdict, answer.by) == ("approve", "ann")
    agent.close()


# -- second readings ------------------------------------------------------------------------------------------------


async def at_a_second_reading(here: Station, db: Path, queue: Queue) -> int:
    """Decide until a chunk comes again (by a label, a note and a verdict on each), and give its number."""
    for _ in range(20):
        if taken(db, queue, "ann")[1]:
            return here.chunk
        await here.press("l", "2", "6")
        await here.until(lambda: here.screen == "QueueReviewScreen" and "◆" in here.side, "the label")
        await here.press("t")
        await here.type(f"first words on {here.chunk}")
        await here.until(lambda: "first words" in here.side, "the note")
        await verdict(here, "s")
    raise AssertionError("nothing came a second time")


@pytest.fixture
def long_run(db: Path, tmp_path: Path) -> RunInfo:
    """A run of ten chunks."""
    from helpers import put

    with Store.open(db) as store:
        return put(store, tmp_path / "long.jsonl", [f"step {n} says this" for n in range(50)])


async def test_a_second_reading_shows_nothing_of_the_first(db, long_run):
    queue = make(db, [long_run], repeat_share=0.5)
    async with station(db) as here:
        await enter_queue(here)
        chunk = await at_a_second_reading(here, db, queue)
        first = here.decision(chunk)
        assert first.verdict == "stop"
        assert "first words" not in here.text
        assert "◆" not in here.side
        assert "none yet" in here.side
        assert f"[{chunk}]" in here.head  # without a verdict
        assert "second" not in here.text
        assert "queue triage 7 of" in here.head  # counted on: its place would tell
        await here.press("t")
        assert here.app.screen.value == ""
        await here.type("second words")
        await here.until(lambda: "second words" in here.side, "the note")
        await verdict(here, "a")
        repeats = [event.data.get("repeat") for event in here.events()][-2:]
        assert repeats == [1, 1]
        assert here.decision(chunk) == first  # which it does not change
        assert not taken(db, queue, "ann")[1]
        await here.press("u")
        await here.until(lambda: "Undone" in here.footer)
        assert here.chunk == chunk
        assert taken(db, queue, "ann") == (here.review.reading.given.place, True)
        assert "second words" in here.side
        assert "first words" not in here.side
        await verdict(here, "A")
        assert here.events()[-1].data["repeat"] == 1
        assert here.decision(chunk) == first
    with Store.open(db) as store:
        (person,) = status(store, queue, load_all([]), figures=False).reviewers
        assert (person.done, person.repeats) == (6, 1)


async def test_a_second_reading_is_kept_apart_after_a_restart_and_outside_the_queue(db, long_run):
    queue = make(db, [long_run], repeat_share=0.5)
    async with station(db) as here:
        await enter_queue(here)
        chunk = await at_a_second_reading(here, db, queue)
        await here.press("0")
        await here.until(lambda: "∅ none of mast" in here.side, "the second word")
    async with station(db) as here:
        await enter_queue(here)
        assert here.chunk == chunk
        assert taken(db, queue, "ann")[1]
        assert "∅ none of mast" in here.side
        assert "first words" not in here.side
        await here.press("q", "q")
        await here.until(lambda: here.screen == "InboxScreen")
        await here.until(lambda: here.inbox.queues, "the queues")
        await here.press("end", "enter")
        await here.until(lambda: here.screen == "ReviewScreen" and here.reviewing)
        assert "first words on" not in here.side or here.chunk != chunk
        await here.press("colon")
        await here.type(f"c{chunk}")
        await here.until(lambda: here.chunk == chunk)
        assert "∅ none of mast" in here.side
        assert "first words" not in here.side


async def test_a_second_reading_is_as_blind_as_the_first(db, long_run):
    suggest(db, long_run, [(MISMATCH, n, n, "says") for n in range(1, 50, 5)])
    queue = make(db, [long_run], repeat_share=0.5, blind_share=1.0)
    async with station(db) as here:
        await enter_queue(here)
        while not taken(db, queue, "ann")[1]:
            await verdict(here, "a")
        assert "hidden until you give a verdict" in here.side
        await verdict(here, "a")
        assert here.events()[-1].data["blind_suggestions"] is True
        assert here.events()[-1].data["repeat"] == 1


async def test_the_last_item_can_be_taken_back_as_the_reading_it_was(db, tmp_path):
    from helpers import put

    with Store.open(db) as store:
        run = put(store, tmp_path / "short.jsonl", [f"step {n} says this" for n in range(30)])
    queue = make(db, [run], repeat_share=0.2)
    async with station(db) as here:
        await enter_queue(here)
        for _ in range(6):
            await verdict(here, "s")
        assert taken(db, queue, "ann")[1]
        chunk = here.chunk
        await verdict(here, "a")
        assert "nothing more for you" in here.footer
        await here.press("u")
        await here.until(lambda: "Undone" in here.footer)
        assert taken(db, queue, "ann")[1]
        await verdict(here, "A")
        assert here.events()[-1].data["repeat"] == 1
        assert here.decision(chunk).verdict == "stop"


async def test_a_second_reading_that_ended_elsewhere_takes_no_more_words(db, long_run):
    """What is said then would be said of the first reading, which is not what is on the screen."""
    queue = make(db, [long_run], repeat_share=0.5)
    async with station(db) as here:
        await enter_queue(here)
        chunk = await at_a_second_reading(here, db, queue)
        first = here.decision(chunk)
        with Store.open(db) as store:
            queue_next.release(store, queue, "ann")
        await here.press("a")
        await here.until(lambda: "changed from elsewhere" in here.footer, "the reason")
        assert here.decision(chunk) == first


# -- gold, codebooks, trouble ---------------------------------------------------------------------------------------


async def test_gold_looks_like_any_other(db, two):
    for chunk in range(5):
        decide(db, "expert", two[0], chunk, note="gold")
    with Store.open(db) as store:
        store_run = catalog.run_by_id(store, two[0].id)
        assert store_run is not None
        desk = Desk(store, store_run, "expert", "every:5")
        for chunk in range(5):
            desk.enter(chunk)
            desk.none([MAST])
    queue = make(db, two, gold_from="expert", gold_share=0.4)
    with Store.open(db) as store:
        gold = {row[0] for row in store.query("SELECT place FROM queue_item WHERE queue = ? AND gold = 1", [queue.id])}
    assert gold
    heads: dict[bool, set[str]] = {True: set(), False: set()}
    async with station(db) as here:
        await enter_queue(here)
        while "nothing more" not in here.footer:
            is_gold = here.review.reading.given.place in gold
            heads[is_gold].add(here.side)
            assert "gold" not in here.text
            assert "expert" not in here.text
            await verdict(here, "a")
    assert heads[True]
    assert heads[False]
    assert all("none yet" in text for texts in heads.values() for text in texts)


@pytest.mark.parametrize(("named", "said"), [([MAST], ["mast"]), ([], ["mast", "safety"])])
async def test_none_is_said_of_what_the_queue_asks_about(db, two, named, said):
    make(db, two, codebooks=named)
    async with station(db) as here:
        await enter_queue(here)
        await here.press("0")
        await here.until(lambda: "no failure mode occurs" in here.footer)
        assert sorted(here.decision(1).none) == said


async def test_a_codebook_that_has_changed_is_said_in_a_line(db, two, tmp_path):
    text = (Path(load_all.__code__.co_filename).parent / "codebooks" / "safety.toml").read_text()
    mine = tmp_path / "mine.toml"
    mine.write_text(text.replace('id = "safety"', 'id = "mine"', 1))
    before = load_all([mine]).get("mine")
    assert isinstance(before, Codebook)
    make(db, two, codebooks=[before])
    async with station(db, codebook_paths=[mine]) as here:
        await enter_queue(here)
        await here.pilot.pause(0.2)
        assert "codebook" not in here.head
    changed = mine.read_text().replace("name = ", "name = ", 1)
    lines = changed.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("version"))
    lines[at] = 'version = "9.9"'
    mine.write_text("\n".join(lines))
    async with station(db, codebook_paths=[mine]) as here:
        await here.press("Q")
        await here.until(lambda: "the codebook mine has changed since the queue was made" in here.text, "the line")
        await here.press("enter")
        await here.until(lambda: here.screen == "QueueReviewScreen" and here.reviewing)
        await here.until(lambda: "a codebook has changed since the queue was made" in here.head, "the line")


async def test_the_row_in_the_inbox_says_whose_numbers_stand_there(db, two):
    make(db, two, reviewers=2)
    async with station(db) as here:
        await here.until(lambda: "QUEUES" in here.text, "the queue")
        row = next(line for line in here.lines if "triage" in line)
        assert "all 0/8 finished" in row
        assert "you 0/8" in row


async def test_the_next_item_is_read_before_it_is_needed(db, two):
    make(db, two, order="random", seed="3")
    async with station(db) as here:
        screen = await enter_queue(here)
        waits = 0
        for _ in range(7):
            await here.until(lambda: not screen._preparing, "the preparation")
            ahead = screen.session._ahead
            run = here.run.id
            await verdict(here, "a")
            if here.run.id != run:
                assert ahead is not None
                assert here.review.document is ahead.document
                waits += 1
        assert waits


async def test_a_run_that_was_deleted_meanwhile(db, two):
    make(db, two)
    async with station(db) as here:
        await enter_queue(here)
        with Store.open(db) as store:
            from labels.maintenance import delete_run

            delete_run(store, two[1], with_decisions=False)
        for _ in range(4):
            await verdict(here, "a")
        await here.press("a")
        await here.until(lambda: "cannot be fetched" in here.footer or "nothing more" in here.footer, "the reason")
        assert here.app._exception is None
        assert len(here.decisions(two[0])) == 5


async def test_a_read_only_database(db, two):
    make(db, two)
    async with station(db) as here:
        here.app.store.read_only = True
        await here.press("Q")
        await here.until(lambda: "left for you" in here.text)
        await here.press("enter")
        await here.until(lambda: "cannot be written to" in here.footer, "the reason")


def test_undo_of_the_queue_is_the_ledgers(db, two):
    """`last_act` names what `Ledger.undo` would take back, and `Ledger.redo` give again, in any history."""
    import random

    queue = make(db, two)
    chance = random.Random(4)
    with Store.open(db) as store:
        ledger = Ledger(store, "ann")
        for _ in range(120):
            kind = chance.choice(["decide", "decide", "undo", "undo", "redo"])
            if kind == "decide":
                run = chance.choice(two)
                decide(db, "ann", run, chance.randrange(3))
                continue
            act = queue_hold.last_act(store, queue, "ann", undone=kind == "redo")
            if act is None:
                continue
            run = next(run for run in two if run.id == act.run)
            event = ledger.undo(run) if kind == "undo" else ledger.redo(run)
            assert event is not None, kind
            assert event.chunk == act.chunk
            assert act.place is not None
