"""The line above the transcript: what is assumed, what was learned, and that it never leaks what is hidden."""

from __future__ import annotations

import pytest
from station import ledger_of, station

from labels import queues
from labels.planning.estimate import Estimate
from labels.planning.model import Plan, with_review
from review_tui import odds
from review_tui.odds import Odds
from sessions.store import Store


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(odds, "FIRST_S", 0.01)
    monkeypatch.setattr(odds, "AGAIN_S", 0.01)


async def test_it_begins_with_what_is_assumed(checkout_db, monkeypatch):
    monkeypatch.setattr(odds, "FIRST_S", 3600)
    async with station(checkout_db, size=(120, 36)) as here:
        await here.press("enter")
        await here.until(lambda: here.reviewing)
        # 22 steps: 0.95^5, 0.95^22, and with a review after every five.
        assert "step 95% (assumed, nothing reviewed yet): this chunk 77%, rest of the run 32%" in here.head
        assert f"with review {with_review(Plan(22, 0.95, 5)).right:.0%}" in here.head


async def test_it_learns_from_decisions(checkout_db):
    async with station(checkout_db, size=(200, 60)) as here:
        await here.press("enter")
        await here.until(lambda: here.reviewing)
        await here.press("a")
        await here.until(lambda: "1 chunk reviewed" in here.head)
        assert here.review.odds.estimate.success == pytest.approx(24 / 25, abs=1e-6)
        await here.press("a")
        await here.until(lambda: "2 chunks reviewed" in here.head)
        await here.press("u")
        await here.until(lambda: "1 chunk reviewed" in here.head)


async def test_in_a_queue_others_decisions_do_not_show(checkout_db, checkout_run):
    with Store.open(checkout_db) as store:
        queues.create(store, "q", [checkout_run], policy="every:5", blind_share=0)
    async with station(checkout_db, size=(120, 36), reviewer="bob") as here:
        await here.press("enter")
        await here.until(lambda: here.reviewing)
        await here.press("s")
        await here.until(lambda: "1 chunk reviewed by you" in here.head)
    async with station(checkout_db, size=(120, 36), reviewer="ann") as here:
        await here.press("enter")
        await here.until(lambda: here.reviewing and here.review.odds._reviews is not None)
        await here.pilot.pause()
        assert "(assumed, " in here.head
    with ledger_of(checkout_db, "bob") as ledger:
        assert len(ledger.decisions(checkout_run)) == 1


@pytest.mark.parametrize("room", [44, 56, 70, 90, 120])
def test_it_fits_where_it_has_room(room):
    line = Odds()
    line.estimate = Estimate(0.4, 0.123, 0.999, 12_345, 100, 300, True)
    assert len(line.line(100_000, 5, room)) <= room
    assert len(Odds().line(100_000, 5, room)) <= room


def test_more_room_says_more():
    line = Odds()
    line.estimate = Estimate(0.93, 0.88, 0.97, 12, 2, 3, False)
    assert line.line(20, 5, 10) == "step 93% (n 12): chunk 70%, rest 23%"
    assert line.line(20, 5, 60) == "step 93% (88%–97%, n 12): chunk 70%, rest 23%, reviewed 78%"
    assert line.line(20, 5, 200) == (
        "step 93% (88%–97%, 12 chunks reviewed): this chunk 70%, rest of the run 23%, with review 78%"
    )


def test_giant_runs_and_chunks_have_odds_too():
    assert "this chunk 0%, rest of the run 0%" in Odds().line(1_000_000, 50_000, 200)


def test_nearly_nothing_is_not_nothing():
    assert "rest <1%" in Odds().line(1_000, 5, 50)
    assert Odds().line(1, 1, 10) == "step 95%?: chunk 95%, rest 95%"
