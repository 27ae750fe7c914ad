"""Chunks that are decided blind, and detectors that look at runs while the station is open."""

from pathlib import Path

import pytest
from station import CHECKOUT, FREEZE, fill, station, suggest

from labels import queues, views
from labels.suggestions import Suggestion
from sessions.catalog import RunInfo
from sessions.store import Store

MISMATCH = "reasoning-action-mismatch"
QUOTE = "before I touch anything"


def queue(db: Path, run: RunInfo, share: float, policy: str = "every:5") -> None:
    with Store.open(db) as store:
        queues.create(store, "study", [run], policy=policy, blind_share=share)


@pytest.fixture
def suggested(checkout_db: Path, checkout_run: RunInfo) -> list[Suggestion]:
    return suggest(checkout_db, checkout_run, [(MISMATCH, 8, 8, QUOTE), ("incorrect-verification", 12, 12, "a")])


async def test_suggestions_are_hidden_until_the_verdict(checkout_db, checkout_run, suggested):
    queue(checkout_db, checkout_run, 1.0)
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket")
        assert "hidden until you give a verdict" in here.side
        assert "2.6" not in here.text
        assert "◇" not in here.text
        await here.press("y")
        assert "There is no suggestion here." in here.footer
        assert here.decisions() == []
        await here.press("s")
        assert "2.6" in here.side
        assert "hidden" not in here.side
        await here.press("y")
        found = here.decision(2)
        assert found.answers == {suggested[0].id: "accept"}
        before, after = here.events()
        assert (before.data["blind_suggestions"], before.data["shown"]) == (True, [])
        assert after.data["blind_suggestions"] is False
        assert [item["id"] for item in after.data["shown"]] == [suggested[0].id]


async def test_what_is_hidden_cannot_be_jumped_to(checkout_db, checkout_run, suggested):
    queue(checkout_db, checkout_run, 1.0)
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("apostrophe", "s")
        assert "No further suggestion" in here.footer
        assert here.cursor[0] == 0


async def test_taking_the_verdict_back_does_not_hide_them_again(checkout_db, checkout_run, suggested):
    queue(checkout_db, checkout_run, 1.0)
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket", "s", "u")
        assert here.decisions() == []
        assert "2.6" in here.side
        await here.press("s")
        assert here.events()[-1].data["blind_suggestions"] is False


async def test_each_chunk_is_hidden_for_itself(checkout_db, checkout_run, suggested):
    queue(checkout_db, checkout_run, 1.0)
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket", "s", "right_square_bracket")
        assert "hidden until you give a verdict" in here.side
        assert "3.3" not in here.side


async def test_the_queue_says_how_its_runs_are_cut(checkout_db, checkout_run, suggested):
    queue(checkout_db, checkout_run, 0.0, policy="every:4")
    async with station(checkout_db, CHECKOUT) as here:
        assert "1/6" in here.head
        await here.press("p")
        await here.type("every:5")
        assert "'study' cuts this run by every:4" in here.footer
        assert len(here.review.desk.chunks) == 6


async def test_nothing_is_hidden_where_there_is_no_queue(checkout_db, suggested):
    async with station(checkout_db, CHECKOUT) as here:
        await here.press("right_square_bracket")
        assert "2.6" in here.side


async def test_deciding_before_any_detector_has_looked_is_blind(checkout_db):
    async with station(checkout_db, CHECKOUT) as here:
        assert "no detector has looked at this run" in here.side
        await here.press("s")
        assert here.events()[0].data["blind_suggestions"] is True


async def test_detectors_look_while_the_station_is_open(db):
    """In a process of their own; what they find appears, and that they found nothing elsewhere is said."""
    (run,) = fill(db, FREEZE)
    async with station(db, FREEZE, detect=True) as here:
        await here.until(lambda: "◇" in here.head, "suggestions in the head")
        with Store.open(db) as store:
            found, looks = views.suggestions(store, run), views.looks(store, run)
        assert {"repetition", "reset", "irreversible"} <= {look.detector for look in looks}
        (first, *_) = [item for item in found if item.mode == "irreversible-action"]
        await here.to_step(first.first + 1)
        assert "▲" in here.side
        await here.press("left_square_bracket", "left_square_bracket")
        await here.until(lambda: "found nothing here" in here.side, "that nothing was found")
        await here.press("s")
        assert here.events()[0].data["blind_suggestions"] is False


async def test_a_run_that_was_looked_at_is_not_looked_at_again(db):
    (run,) = fill(db, FREEZE)
    for _ in range(2):
        async with station(db, FREEZE, detect=True) as here:
            await here.until(lambda: not here.app.detecting(run.id), "the detectors")
            with Store.open(db) as store:
                when = {tuple(row) for row in store.query("SELECT detector, at, seconds FROM detection")}
            assert len(when) >= 3
    with Store.open(db) as store:
        assert {tuple(row) for row in store.query("SELECT detector, at, seconds FROM detection")} == when
