"""Queues: what is in them, who gets what, and what nobody sees before having decided."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers import in_processes
from queue_desk import Desk

from labels import queue_items, queue_next, queues
from labels.agreement import Options, agreement
from labels.codebook import load_all
from labels.glance import others_decided
from labels.ledger import Ledger
from labels.model import WHOLE_RUN
from labels.queue_status import status
from sessions.errors import UsageError, UserError
from sessions.live.clock import Moment
from sessions.store import Store

BOOKS = load_all()


@pytest.fixture
def desk(tmp_path: Path):
    with Store.open(tmp_path / "r.db") as store:
        yield Desk(store, tmp_path)


def through(desk: Desk, queue: queues.Queue, who: str, most: int = 100, **more: Any) -> list[tuple[int, bool]]:
    """Take and decide until there is nothing left; (place, repeat) of each."""
    found = []
    while (given := queue_next.take(desk.store, queue, who)) is not None and len(found) < most:
        found.append((given.place, given.repeat))
        desk.decide(who, given.run, given.chunk, **more)
    return found


def test_everybody_gets_each_chunk_once_in_the_order_given(desk: Desk) -> None:
    queue = desk.queue(reviewers=2)
    assert (queue.items, queue.scope, queue.reviewers) == (9, "chunks", 2)
    assert through(desk, queue, "ann") == [(place, False) for place in range(9)]
    assert [place for place, _ in through(desk, queue, "bob")] == list(range(9))
    assert queue_next.take(desk.store, queue, "cat") is None  # two have decided on each


def test_asking_again_gives_the_same_and_others_get_others(desk: Desk) -> None:
    queue = desk.queue()
    first, again = queue_next.take(desk.store, queue, "ann"), queue_next.take(desk.store, queue, "ann")
    assert first is not None
    assert again is not None
    assert (first.place, first.resumed, again.place, again.resumed) == (0, False, 0, True)
    other = queue_next.take(desk.store, queue, "bob")
    assert other is not None
    assert other.place == 1
    ahead = queue_next.ahead(desk.store, queue, "bob")
    assert ahead is not None
    assert ahead.place == 2
    queue_next.release(desk.store, queue, "ann")
    assert [given.place for who in ("cat", "dan") if (given := queue_next.take(desk.store, queue, who))] == [0, 2]


def test_a_lease_ends_by_itself_and_survives_a_clock_set_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = desk.queue()
    moment = Moment(1_000.0, 50.0, "boot")
    monkeypatch.setattr(queue_next, "now", lambda: moment)
    queue_next.take(desk.store, queue, "ann", seconds=100)
    moment = Moment(0.0, 149.0, "boot")  # the wall clock was set back
    other = queue_next.take(desk.store, queue, "bob")
    assert other is not None
    assert other.place == 1
    queue_next.release(desk.store, queue, "bob")
    moment = Moment(0.0, 151.0, "boot")
    other = queue_next.take(desk.store, queue, "bob")
    assert other is not None
    assert other.place == 0


def test_many_reviewers_at_once_never_get_one_chunk(tmp_path: Path) -> None:
    with Store.open(tmp_path / "r.db") as store:
        queue = Desk(store, tmp_path).queue()

    def take(who: str) -> None:
        with Store.open(tmp_path / "r.db") as store:
            given = queue_next.take(store, queue, who)
            assert given is not None
            (tmp_path / who).write_text(str(given.place))

    in_processes(*[lambda who=who: take(who) for who in "abcdef"])
    assert sorted((tmp_path / who).read_text() for who in "abcdef") == list("012345")


def test_whole_runs(desk: Desk) -> None:
    queue = desk.queue(scope="runs")
    given = queue_next.take(desk.store, queue, "ann")
    assert given is not None
    assert (given.chunk, given.number, given.first, given.last, queue.items) == (WHOLE_RUN, 0, 0, 5, 3)
    assert len(through(desk, queue, "ann")) == 3


def test_a_random_order_is_that_of_its_seed(desk: Desk) -> None:
    def order(seed: str) -> list[tuple[str, int]]:
        items = queue_items.make(desk.store, desk.runs, policy="every:2", scope="chunks", order="random", seed=seed)
        return [(item.run, item.number) for item in items]

    assert order("a") == order("a") != order("b")
    assert sorted(order("a")) == sorted(order("b"))
    some = queue_items.make(desk.store, desk.runs, policy="every:2", scope="chunks", order="random", seed="a", size=3)
    assert [item.weight for item in some] == [3.0, 3.0, 3.0]


# -- priority -------------------------------------------------------------------------------------------------------


def test_priority_gives_out_sixty_twenty_twenty_and_keeps_weights(desk: Desk) -> None:
    given = list(queue_items._interleaved({"uncertain-severe": 300, "suspected": 100, "unsuspected": 600}))
    assert Counter(given[:100]) == {"uncertain-severe": 60, "suspected": 20, "unsuspected": 20}
    assert len(given) == 1000
    desk.suggest(0, 0, "step-repetition")  # fatal or not is the codebook's word
    grave = next(mode.slug for mode in BOOKS.get("mast").modes if mode.severity.level == "fatal")
    mild = next(mode.slug for mode in BOOKS.get("mast").modes if mode.severity.level != "fatal")
    desk.suggest(1, 0, grave)
    desk.suggest(2, 0, mild)
    items = queue_items.make(
        desk.store, desk.runs[1:], policy="every:2", scope="chunks", order="priority", seed="s", size=4
    )
    kinds = {(item.run, item.number): item.stratum for item in items}
    assert kinds[desk.runs[1].id, 1] == "uncertain-severe"
    assert kinds[desk.runs[2].id, 1] == "suspected"
    assert sum(item.weight for item in items) == pytest.approx(6)  # what they stand for: all chunks there are


def test_prevalence_is_unbiased_however_far_people_came(tmp_path: Path) -> None:
    """Half of what is given out is suspected and mostly true; weighting brings the share back to what it is."""
    with Store.open(tmp_path / "r.db") as store:
        desk = Desk(store, tmp_path, runs=60)
        grave = next(mode.slug for mode in BOOKS.get("mast").modes if mode.severity.level == "fatal")
        chance = random.Random(3)
        there: dict[str, bool] = {}
        for place, run in enumerate(desk.runs):
            for number in range(3):
                suspected = number == 0 and place % 3 == 0
                if suspected:
                    desk.suggest(place, 2 * number, grave)
                there[desk.chunk(run, number).id] = chance.random() < (0.8 if suspected else 0.1)
        truth = sum(there.values()) / len(there)
        queue = desk.queue(order="priority", seed="x")
        for _ in range(60):
            given = queue_next.take(store, queue, "ann")
            assert given is not None
            desk.decide("ann", given.run, given.chunk, *([grave] if there[given.chunk] else []))
        found = agreement(store, BOOKS, Options(queue=queue.id))
        mode = next(item for item in found.modes if item.mode == grave)
        assert found.weighted
        assert mode.weighted_prevalence is not None
        naive = mode.prevalence.value or 0
        assert abs(mode.weighted_prevalence - truth) < 0.08 < abs(naive - truth)


# -- repeats and gold -----------------------------------------------------------------------------------------------


def test_some_chunks_come_a_second_time_and_change_nothing(desk: Desk) -> None:
    queue = desk.queue(repeat_share=0.25)
    got = through(desk, queue, "ann")
    again = [place for place, repeat in got if repeat]
    assert len(again) == len(set(again)) >= 2
    for place in again:
        first = next(at for at, (where, repeat) in enumerate(got) if where == place and not repeat)
        second = next(at for at, (where, repeat) in enumerate(got) if where == place and repeat)
        assert second - first > queue_next.APART
    decided = desk.store.query("SELECT count(*) FROM decision WHERE reviewer = 'ann'")
    assert decided == [(9,)]
    found = agreement(desk.store, BOOKS)
    assert [(item.name, item.chunks) for item in found.repeats] == [("ann", len(again))]
    (person,) = status(desk.store, queue, BOOKS).reviewers
    assert (person.done, person.repeats) == (9, len(again))


def test_what_is_said_the_second_time_is_kept_apart(desk: Desk) -> None:
    queue = desk.queue(repeat_share=0.5)
    for _ in range(9):
        given = queue_next.take(desk.store, queue, "ann")
        assert given is not None
        if given.repeat:
            break
        desk.decide("ann", given.run, given.chunk)
    assert given.repeat
    desk.decide("ann", given.run, given.chunk, "step-repetition")
    rows = desk.store.query("SELECT data FROM decision WHERE chunk = ?", [given.chunk])
    assert '"labels":[]' in rows[0][0]
    (again,) = agreement(desk.store, BOOKS).repeats
    assert again.modes - again.modes_same == 1


def test_gold_goes_to_everybody_and_is_counted(desk: Desk) -> None:
    for number in range(3):
        desk.decide("expert", desk.runs[0].id, desk.chunk(desk.runs[0], number).id, "step-repetition")
    queue = desk.queue(gold_from="expert", gold_share=0.3)
    gold = {row[0] for row in desk.store.query("SELECT place FROM queue_item WHERE queue = ? AND gold = 1", [queue.id])}
    assert len(gold) == 3
    assert max(gold) - min(gold) >= 4  # spread over the queue
    ann, bob = through(desk, queue, "ann", 100), through(desk, queue, "bob", 100)
    assert gold <= {place for place, _ in ann}
    assert {place for place, _ in bob} == gold  # the rest has its one reviewer
    people = {item.reviewer: item for item in status(desk.store, queue, BOOKS, figures=False).reviewers}
    assert (people["ann"].gold, people["ann"].gold_right) == (3, 0)


# -- blindness ------------------------------------------------------------------------------------------------------


def test_nobody_sees_what_others_said_before_having_decided(desk: Desk) -> None:
    run, chunk = desk.runs[0], desk.chunk(desk.runs[0], 0).id
    desk.queue(reviewers=2)
    desk.decide("ann", run.id, chunk)
    hides = queues.hidden(desk.store, run, "bob")
    assert hides("ann", chunk)
    assert not hides("bob", chunk)
    assert not others_decided(desk.store, [run.id], chunk, "bob")  # so bob's decision will be blind
    desk.decide("bob", run.id, chunk)
    assert not queues.hidden(desk.store, run, "bob")("ann", chunk)
    assert others_decided(desk.store, [run.id], chunk, "bob")


def test_a_run_in_no_queue_hides_nothing(desk: Desk) -> None:
    run, chunk = desk.runs[0], desk.chunk(desk.runs[0], 0).id
    desk.decide("ann", run.id, chunk)
    assert not queues.hidden(desk.store, run, "bob")("ann", chunk)
    assert others_decided(desk.store, [run.id], chunk, "bob")


# -- what may go wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"scope": "steps"},
        {"order": "best"},
        {"reviewers": 0},
        {"size": 0},
        {"repeat_share": 0.9},
        {"gold_share": 0.2},
        {"gold_from": "expert"},
        {"gold_from": "nobody", "gold_share": 0.2},
        {"blind_share": 2},
    ],
)
def test_settings_that_cannot_be(desk: Desk, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        desk.queue(**settings)
    assert queues.queues(desk.store) == []


def test_a_queue_that_is_not_there(desk: Desk) -> None:
    with pytest.raises(UserError, match="there is none yet"):
        queues.by_name(desk.store, "q")


def test_a_codebook_that_changed_is_told(desk: Desk) -> None:
    from labels.codebook import Codebook, Codebooks

    def book(version: str) -> Codebook:
        mode = {"slug": "loop", "name": "Loop", "definition": f"As {version} says."}
        return Codebook.model_validate({"id": "own", "version": version, "title": "Own", "mode": [mode]})

    queue = desk.queue(codebooks=[book("1")])
    assert status(desk.store, queue, Codebooks((book("1"),))).notes == []
    assert "has changed since" in status(desk.store, queue, Codebooks((book("2"),))).notes[0]
    assert "not loaded" in status(desk.store, queue, Codebooks(())).notes[0]


def test_a_queue_whose_run_was_joined_with_another(desk: Desk, tmp_path: Path) -> None:
    queue = desk.queue()
    with desk.store.write() as tx:
        tx.execute("INSERT INTO run_alias VALUES ('old', ?)", [desk.runs[0].id])
        tx.execute("UPDATE queue_item SET run = 'old' WHERE run = ?", [desk.runs[0].id])
    given = queue_next.take(desk.store, queue, "ann")
    assert given is not None
    assert given.run == desk.runs[0].id


def test_undoing_a_decision_gives_the_chunk_back(desk: Desk) -> None:
    queue = desk.queue()
    given = queue_next.take(desk.store, queue, "ann")
    assert given is not None
    desk.decide("ann", given.run, given.chunk)
    Ledger(desk.store, "ann").undo(desk.runs[0])
    again = queue_next.take(desk.store, queue, "ann")
    assert again is not None
    assert again.place == given.place
