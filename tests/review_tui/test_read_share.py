"""What counts as seen: rows that stood on the screen for a moment, each character once, never what is folded."""

import time
from pathlib import Path

import pytest
from station import CHECKOUT, station

from labels import queues
from review_tui.transcript.document import Document
from review_tui.transcript.scroller import Place
from review_tui.transcript.seen import DWELL_S, Seen, _covered
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunks_of
from sessions.store import Store


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def document(checkout_db: Path, checkout_run: RunInfo):
    with Store.open(checkout_db) as store:
        yield Document(store, checkout_run, chunks_of(store, checkout_run, Policy.parse("every:5")))


def rows_of(document: Document, step: int) -> list[Place]:
    return [Place(step, row) for row in range(document.height_of(step))]


def test_ranges_count_each_character_once():
    assert _covered([(0, 5), (3, 8), (10, 12), (3, 4)]) == 10
    assert _covered([]) == 0


def test_rows_count_once_they_have_stood_for_a_moment(document: Document):
    clock = Clock()
    seen = Seen(document.layout, clock)
    seen.show(rows_of(document, 0))
    clock.now = DWELL_S / 2
    assert seen.characters(0, 9) == {}
    seen.show(rows_of(document, 1))  # passed by
    clock.now += 2 * DWELL_S
    size = next(iter(catalog.index_rows(document.store, document.run.no, 1))).chars
    assert seen.characters(0, 9) == {1: size}
    assert seen.share(document.store, document.run, 1, 1) == 1.0
    assert seen.share(document.store, document.run, 0, 0) == 0.0


def test_rows_that_stay_keep_their_time_while_others_scroll(document: Document):
    clock = Clock()
    seen = Seen(document.layout, clock)
    rows = [*rows_of(document, 0), *rows_of(document, 1), *rows_of(document, 2)]
    for start in range(4):
        seen.show(rows[start : start + 8])
        clock.now += DWELL_S / 3
    assert seen.characters(0, 99)


def test_another_width_counts_nothing_twice(document: Document):
    clock = Clock()
    seen = Seen(document.layout, clock)
    for width in (60, 100):
        document.set_width(width)
        seen.renew()
        seen.show(rows_of(document, 1))
        clock.now += 1
    assert seen.share(document.store, document.run, 1, 1) == 1.0


def test_what_is_folded_is_not_seen_until_it_is_opened(document: Document):
    step = next(n for n in range(document.run.steps) if any(part.folded for part in document.layout(n).parts))
    clock = Clock()
    seen = Seen(document.layout, clock)
    seen.show(rows_of(document, step))
    clock.now += 1
    assert seen.share(document.store, document.run, step, step) < 0.9
    document.toggle_step(step)
    seen.renew()
    seen.show(rows_of(document, step))
    clock.now += 1
    assert seen.share(document.store, document.run, step, step) == 1.0


def test_telling_of_rows_costs_next_to_nothing(document: Document):
    seen = Seen(document.layout)
    rows = [place for step in range(document.run.steps) for place in rows_of(document, step)]
    start = time.process_time()
    for at in range(2000):
        seen.show(rows[at % (len(rows) - 40) : at % (len(rows) - 40) + 40])
    each = (time.process_time() - start) / 2000
    assert each < 0.002, f"{each * 1e6:.0f} us a frame"


async def test_a_decision_says_what_share_was_on_the_screen(checkout_db: Path):
    async with station(checkout_db, CHECKOUT) as here:
        await here.until(lambda: here.reviewing)
        here.review.transcript.seen._clock = lambda: time.monotonic() + 60
        await here.press("a")
        await here.until(lambda: here.events())
        (event,) = here.events()
        assert 0 < event.data["read"] <= 1
        with Store.open(checkout_db) as store:
            assert store.query("SELECT read_share FROM pace") == [(event.data["read"],)]


async def test_in_a_queue_too(checkout_db: Path, checkout_run: RunInfo):
    with Store.open(checkout_db) as store:
        queues.create(store, "q", [checkout_run], blind_share=0)
    async with station(checkout_db) as here:
        await here.press("Q")
        await here.until(lambda: here.screen == "QueuesScreen")
        await here.until(lambda: " q " in here.text)
        await here.press("enter")
        await here.until(lambda: here.screen == "QueueReviewScreen")
        await here.until(lambda: here.review.transcript.seen is not None)
        here.review.transcript.seen._clock = lambda: time.monotonic() + 60
        await here.press("a")
        await here.until(lambda: here.events())
        assert 0 < here.events()[0].data["read"] <= 1


def test_the_share_of_a_long_run_comes_of_its_length(document: Document, monkeypatch: pytest.MonkeyPatch):
    clock = Clock()
    seen = Seen(document.layout, clock)
    seen.show(rows_of(document, 1))
    clock.now += 1
    last = document.run.steps - 1
    whole = seen.share(document.store, document.run, 0, last)
    monkeypatch.setattr("review_tui.transcript.seen.LONG", 5)
    assert seen.share(document.store, document.run, 0, last) == pytest.approx(whole, abs=0.01)
