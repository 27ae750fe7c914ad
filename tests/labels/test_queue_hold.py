"""Keeping, leaving and taking back items of a queue; progress; whole runs that are blind as wholes."""

import random
from pathlib import Path
from typing import Any

import pytest
from queue_desk import POLICY, Desk

from labels import queue_hold, queue_next, queue_progress, queues, second
from labels.blind import Veil
from labels.codebook import load_all
from labels.events import of_runs
from labels.ledger import Ledger, chunk_target
from labels.model import WHOLE_RUN, Act, SetNote, SetVerdict
from labels.queue_status import status
from sessions.chunks import Policy, chunks_of
from sessions.live.clock import Moment
from sessions.store import Store

BOOKS = load_all([])


@pytest.fixture
def desk(tmp_path: Path):
    with Store.open(tmp_path / "r.db") as store:
        yield Desk(store, tmp_path)


class Clock:
    """Time as leases see it."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> Moment:
        return Moment(self.at, self.at, "boot")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (queue_next, queue_hold):
        monkeypatch.setattr(module, "now", made)
    return made


def take(desk: Desk, queue: queues.Queue, who: str, **more: Any) -> queue_next.Given:
    given = queue_next.take(desk.store, queue, who, **more)
    assert given is not None
    return given


def test_what_is_left_is_kept_until_somebody_takes_it(desk: Desk, clock: Clock) -> None:
    queue = desk.queue()
    take(desk, queue, "ann")
    queue_hold.leave(desk.store, queue, "ann", 0)
    assert queue_next.holders(desk.store, queue) == {}
    clock.at += 1
    again = take(desk, queue, "ann")
    assert (again.place, again.resumed, again.lost) == (0, True, "")
    queue_hold.leave(desk.store, queue, "ann", 0)
    clock.at += 1
    assert take(desk, queue, "bob").place == 0
    other = take(desk, queue, "ann")
    assert (other.place, other.resumed, other.lost) == (1, False, "bob")
    assert take(desk, queue, "ann").lost == ""  # said once


def test_who_decided_on_it_meanwhile_has_it_too(desk: Desk, clock: Clock) -> None:
    queue = desk.queue()
    take(desk, queue, "ann")
    clock.at += queue_next.LEASE_S + 1
    given = take(desk, queue, "bob")
    desk.decide("bob", given.run, given.chunk)
    queue_next.release(desk.store, queue, "bob")
    assert take(desk, queue, "ann").lost == "bob"


def test_a_lease_that_is_over_is_still_ones_own_where_more_are_needed(desk: Desk, clock: Clock) -> None:
    queue = desk.queue(reviewers=2)
    take(desk, queue, "ann")
    clock.at += queue_next.LEASE_S + 1
    assert take(desk, queue, "bob").place == 0
    again = take(desk, queue, "ann")
    assert (again.place, again.lost) == (0, "")


def test_renewing(desk: Desk, clock: Clock) -> None:
    queue = desk.queue()
    take(desk, queue, "ann", seconds=100)
    clock.at += 60
    assert queue_hold.renew(desk.store, queue, "ann", 0, seconds=100) == queue_hold.Hold(True)
    clock.at += 60
    assert queue_next.holders(desk.store, queue) == {"ann": (0, 40)}
    clock.at += 60
    assert queue_hold.renew(desk.store, queue, "ann", 0, seconds=100).kept  # over, but nobody took it
    clock.at += 101
    take(desk, queue, "bob")
    assert queue_hold.renew(desk.store, queue, "ann", 0) == queue_hold.Hold(False, taken_by="bob")
    assert queue_next.holders(desk.store, queue).keys() == {"bob"}
    take(desk, queue, "ann")
    assert queue_hold.renew(desk.store, queue, "ann", 0) == queue_hold.Hold(False, elsewhere=True)
    queue_next.release(desk.store, queue, "ann")
    assert queue_hold.renew(desk.store, queue, "ann", 0) == queue_hold.Hold(False)


def test_looking_behind_the_last_place_first_finds_what_was_left_before_it(desk: Desk) -> None:
    queue = desk.queue()
    assert take(desk, queue, "ann", after=4).place == 5
    assert queue_next.ahead(desk.store, queue, "ann", after=5).place == 6  # type: ignore[union-attr]
    queue_next.release(desk.store, queue, "ann")
    assert take(desk, queue, "ann", after=8).place == 0


# -- second readings ------------------------------------------------------------------------------------------------


def until_repeat(desk: Desk, queue: queues.Queue, who: str = "ann", *modes: str) -> queue_next.Given:
    while not (given := take(desk, queue, who)).repeat:
        desk.decide(who, given.run, given.chunk, *modes)
    return given


def say(desk: Desk, who: str, given: queue_next.Given, *ops: Any) -> None:
    run = next(item for item in desk.runs if item.id == given.run)
    ref = desk.chunk(run, given.number - 1)
    act = Act(target=chunk_target(ref, POLICY), ops=ops, blind_suggestions=True, blind_votes=True)
    Ledger(desk.store, who).record(run, act)


def test_a_second_reading_that_is_taken_back_comes_again(desk: Desk) -> None:
    queue = desk.queue(repeat_share=0.3)
    given = until_repeat(desk, queue)
    run = next(item for item in desk.runs if item.id == given.run)
    say(desk, "ann", given, SetVerdict(verdict="stop"))
    assert queue_next.read_twice(desk.store, queue, "ann") == {(given.run, given.chunk)}
    assert queue_progress.readings(desk.store, queue, "ann") == 7
    Ledger(desk.store, "ann").undo(run)
    assert queue_next.read_twice(desk.store, queue, "ann") == set()
    assert [person.repeats for person in status(desk.store, queue, BOOKS, figures=False).reviewers] == [0]
    again = take(desk, queue, "ann")
    assert (again.place, again.repeat, again.resumed) == (given.place, True, True)
    Ledger(desk.store, "ann").redo(run)
    assert queue_next.read_twice(desk.store, queue, "ann") == {(given.run, given.chunk)}
    assert [person.repeats for person in status(desk.store, queue, BOOKS, figures=False).reviewers] == [1]
    assert take(desk, queue, "ann").place != given.place


def test_only_what_was_said_this_time_is_read(desk: Desk) -> None:
    queue = desk.queue(repeat_share=0.3)
    given = until_repeat(desk, queue, "ann", "step-repetition")
    run = next(item for item in desk.runs if item.id == given.run)
    said, again = second.decisions(desk.store, run, "ann")
    assert again == {given.chunk}
    assert given.chunk not in {item.chunk for item in said}
    say(desk, "ann", given, SetNote(text="this time"))
    said, _ = second.decisions(desk.store, run, "ann")
    (now,) = [item for item in said if item.chunk == given.chunk]
    assert (now.note, now.labels, now.verdict) == ("this time", (), None)
    assert second.decisions(desk.store, run, "bob") == ([], frozenset())
    queue_next.release(desk.store, queue, "ann")
    said, again = second.decisions(desk.store, run, "ann")
    assert again == frozenset()
    (before,) = [item for item in said if item.chunk == given.chunk]
    assert [label.mode for label in before.labels] == ["step-repetition"]


def test_none_may_be_said_where_the_first_reading_has_labels(desk: Desk) -> None:
    from queue_desk import MAST

    from labels.model import SetNone

    queue = desk.queue(repeat_share=0.3)
    given = until_repeat(desk, queue, "ann", "step-repetition")
    say(desk, "ann", given, SetNone(codebook=MAST.ref))
    run = next(item for item in desk.runs if item.id == given.run)
    assert of_runs(desk.store, [run.id], "ann")[-1].data["repeat"] == 1


# -- progress -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reviewers", [1, 2, 3])
def test_progress_is_what_one_counts_by_hand(desk: Desk, reviewers: int) -> None:
    for given in [(desk.runs[0].id, desk.chunk(desk.runs[0], n).id) for n in range(3)]:
        desk.decide("gold", *given)
    queue = desk.queue(reviewers=reviewers, gold_from="gold", gold_share=0.3)
    rows = desk.store.query("SELECT place, run, chunk, gold FROM queue_item WHERE queue = ?", [queue.id])
    chance = random.Random(reviewers)
    votes: dict[int, set[str]] = {row[0]: {"gold"} if row[1] == desk.runs[0].id else set() for row in rows}
    for place, run, chunk, _ in rows:
        for who in ("ann", "bob", "cat"):
            if chance.random() < 0.4:
                desk.decide(who, run, chunk)
                votes[place].add(who)
    golden = {row[0] for row in rows if row[3]}
    for me in ("ann", "gold", "dan"):
        found = queue_progress.of_queue(desk.store, queue, me)
        counted = {place: len(who - {"gold"} if place in golden else who) for place, who in votes.items()}
        mine = {place for place, who in votes.items() if me in who}
        left = {
            place for place in votes if place not in mine
            and (me != "gold" if place in golden else counted[place] < reviewers)
        }  # fmt: skip
        assert (found.mine, found.left) == (len(mine), len(left)), me
        assert found.finished == sum(count >= reviewers for count in counted.values())
        assert found.begun == sum(0 < count < reviewers for count in counted.values())
        others = {who for names in votes.values() for who in names} - {me}
        assert dict(found.others) == {who: sum(who in names for names in votes.values()) for who in others}


def test_what_is_left_is_what_one_gets(desk: Desk) -> None:
    queue = desk.queue(reviewers=2)
    for who, many in (("ann", 5), ("bob", 7), ("cat", 2)):
        for _ in range(many):
            given = queue_next.take(desk.store, queue, who)
            if given is not None:
                desk.decide(who, given.run, given.chunk)
        queue_next.release(desk.store, queue, who)
    for who in ("ann", "bob", "cat", "dan"):
        left, got = queue_progress.of_queue(desk.store, queue, who).left, 0
        while (given := queue_next.take(desk.store, queue, who)) is not None:
            desk.decide(who, given.run, given.chunk)
            got += 1
        assert got == left, who


# -- whole runs -----------------------------------------------------------------------------------------------------


def test_a_whole_run_is_blind_until_there_is_a_verdict_on_it(desk: Desk) -> None:
    desk.queue(scope="runs", blind_share=1.0)
    run = desk.runs[0]
    rule = queues.rule_for(desk.store, run, "ann")
    chunks = chunks_of(desk.store, run, Policy.parse(POLICY))
    desk.suggest(0, 1, "step-repetition")
    from labels import views

    (item,) = views.suggestions(desk.store, run)
    before = Veil(desk.store, run, chunks, rule)
    assert before.over_all
    assert all(before.veiled(number) for number in range(3))
    assert before.hides(item)
    desk.decide("ann", run.id, desk.chunk(run, 0).id)  # a verdict on a chunk is none on the run
    assert Veil(desk.store, run, chunks, rule).over_all
    desk.decide("ann", run.id, WHOLE_RUN)
    after = Veil(desk.store, run, chunks, rule)
    assert not after.over_all
    assert not after.hides(item)


def test_the_share_of_whole_runs_that_are_blind(tmp_path: Path) -> None:
    with Store.open(tmp_path / "r.db") as store:
        desk = Desk(store, tmp_path, runs=40)
        desk.queue(scope="runs", blind_share=0.5)
        drawn = 0
        for run in desk.runs:
            rule = queues.rule_for(store, run, "ann")
            drawn += Veil(store, run, chunks_of(store, run, Policy.parse(POLICY)), rule).over_all
        assert 10 <= drawn <= 30


def test_where_chunks_are_decided_on_no_run_is_blind_as_a_whole(desk: Desk) -> None:
    desk.queue(blind_share=1.0)
    run = desk.runs[0]
    veil = Veil(
        desk.store, run, chunks_of(desk.store, run, Policy.parse(POLICY)), queues.rule_for(desk.store, run, "a")
    )
    assert veil.veiled(0)
    assert not veil.over_all


def test_gold_that_was_taken_back_is_not_its_owners_to_decide_again(desk: Desk) -> None:
    for number in range(3):
        desk.decide("gold", desk.runs[0].id, desk.chunk(desk.runs[0], number).id)
    queue = desk.queue(gold_from="gold", gold_share=0.3)
    for _ in range(3):
        Ledger(desk.store, "gold").undo(desk.runs[0])
    got = set()
    while (given := queue_next.take(desk.store, queue, "gold")) is not None:
        desk.decide("gold", given.run, given.chunk)
        got.add(given.place)
    golden = {
        row[0] for row in desk.store.query("SELECT place FROM queue_item WHERE queue = ? AND gold = 1", [queue.id])
    }
    assert golden
    assert not got & golden
    assert queue_progress.of_queue(desk.store, queue, "gold").left == 0
