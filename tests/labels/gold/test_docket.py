"""The docket: it keeps up with what is written, settles, takes back over all runs, and stops when told to."""

import pytest
from gold_desk import LOOP, MAST, NONE, SKIP, Desk, fill

from labels import docket as docket_module
from labels import queues
from labels.adjudication import Adjudicator
from labels.codebook import Codebook
from labels.disputes import disputes
from labels.docket import Docket, Item, Wish
from labels.events import UNDO
from labels.gold.people import People
from labels.gold.rule import Rule
from labels.maintenance import remember_codebook
from labels.model import SetNone
from sessions.errors import UserError
from sessions.store import Store


@pytest.fixture
def two(three: Desk) -> Desk:
    """`three`, and a run on which ann and bob disagree about two modes of chunk 1."""
    run = three.run(7)
    three.say("ann", run, 1, three.label(run, LOOP, 2), three.label(run, SKIP, 1))
    three.say("bob", run, 1, NONE)
    return three


def loaded(desk: Desk, who: str = "dora") -> Docket:
    found = Docket(desk.store, who)
    found.load()
    return found


def wish(mode: str, outcome: str = "present", **more: object) -> Wish:
    return Wish("mast", mode, outcome, "error", **more)


def state(found: Docket) -> list[tuple[str, list[tuple[str, float | None]]]]:
    return [(item.key, [(one.mode, one.alpha) for one in item.modes]) for item in found.items]


def settle(found: Docket, item: Item, mode: str, outcome: str = "present") -> None:
    case = found.case(item.key)
    assert case is not None
    found.settle(case, wish(mode, outcome), blind=True, seconds=1.5)


def test_cases_hold_what_disputes_lists_in_the_same_order(two: Desk):
    found = loaded(two)
    every = disputes(two.store, Rule(), People(named=True))
    assert [(item.run.id, item.unit["id"], item.modes[0].mode) for item in found.items] == list(
        dict.fromkeys((one.run.id, one.unit["id"], first.mode)
                      for one in every
                      for first in [next(o for o in every if (o.run.id, o.unit["id"]) == (one.run.id, one.unit["id"]))])
    )  # fmt: skip
    assert sum(len(item.modes) for item in found.items) == len(every) == 3
    assert found.modes[("mast", SKIP)] == 2


def test_after_a_ruling_it_is_as_if_loaded_anew(two: Desk):
    found = loaded(two)
    settle(found, found.items[0], found.items[0].modes[0].mode)
    assert state(found) == state(loaded(two))
    assert (found.standing, found.mine) == (1, 1)
    assert found.refresh() is False  # its own event is no news


@pytest.mark.parametrize("quick", [0.0, 1e9])
def test_it_keeps_up_with_others_whether_all_or_only_some_runs_are_read_again(two: Desk, monkeypatch, quick):
    monkeypatch.setattr(docket_module, "QUICK_S", quick)
    found = loaded(two)
    before = state(found)
    run = next(item.run for item in found.items if len(item.modes) == 2)
    two.say("eve", run, 1, NONE)
    assert found.refresh()
    assert [key for key, _ in state(found)] == [key for key, _ in state(loaded(two))] != [key for key, _ in before]
    assert found.refresh() is False


def test_a_codebook_that_changes_meanwhile_makes_it_read_everything(two: Desk, monkeypatch):
    monkeypatch.setattr(docket_module, "QUICK_S", 0.0)
    found = loaded(two)
    data = MAST.model_dump(by_alias=True, mode="json")
    data["mode"][0]["definition"] += " Since yesterday, otherwise."
    data["version"] = "9"
    changed = Codebook.model_validate(data)
    run = two.run(8)
    remember_codebook(two.store, changed)
    two.say("ann", run, 1, SetNone(codebook=changed.ref))
    assert found.refresh()
    assert state(found) == state(loaded(two))
    assert not found.counts({"id": "mast", "sha256": changed.hash}, MAST.modes[0].slug)
    assert found.counts({"id": "mast", "sha256": changed.hash}, LOOP)
    assert found.counts({"id": "mast", "sha256": MAST.hash}, MAST.modes[0].slug)


def test_undo_takes_the_last_ruling_back_on_whatever_run(two: Desk):
    found = loaded(two)
    before = state(found)
    first, second = found.items[0], found.items[1]
    assert first.run.id != second.run.id
    settle(found, first, first.modes[0].mode)
    settle(found, second, second.modes[0].mode, "absent")
    turn = found.undo()
    assert turn is not None
    assert (turn.key, turn.rulings[0]["outcome"]) == (second.key, "absent")
    again = loaded(two)  # another day
    assert again.undo().key == first.key
    assert state(again) == before
    assert again.undo() is None
    assert again.redo().key == first.key
    assert again.redo().key == second.key
    assert again.redo() is None


def test_only_ones_own_rulings_are_taken_back_and_votes_never(two: Desk):
    found = loaded(two)
    item = found.items[0]
    settle(loaded(two, "eve"), item, item.modes[0].mode)
    two.say("dora", item.run, 2, NONE)
    assert found.undo() is None
    assert Adjudicator(two.store, "dora").last(UNDO) is None
    assert len(two.store.query("SELECT 1 FROM decision WHERE reviewer = 'dora'")) == 1


def test_a_new_ruling_clears_redo(two: Desk):
    found = loaded(two)
    settle(found, found.items[0], found.items[0].modes[0].mode)
    found.undo()
    settle(found, found.items[1], found.items[1].modes[0].mode)
    assert found.redo() is None


def test_what_somebody_else_has_settled_meanwhile_is_not_overruled_unseen(two: Desk):
    found, other = loaded(two), loaded(two, "eve")
    item = found.items[0]
    case = found.case(item.key)
    settle(other, item, item.modes[0].mode)
    with pytest.raises(UserError, match="settled this meanwhile"):
        found.settle(case, wish(item.modes[0].mode, "absent"), blind=True, seconds=1.0)
    found.settle(found.case(item.key), wish(item.modes[0].mode, "absent"), blind=True, seconds=1.0)
    assert found.standing == 2


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (wish("no-such-mode"), "there is no mode"),
        (Wish("no-book", SKIP, "present", "error"), "there is no mode"),
        (wish(SKIP, steps=(9, 9)), "there is no step 9"),
        (wish(SKIP, "absent", steps=(1, 1)), "only a mode that is present has steps"),
        (wish(SKIP, note="x" * 100_001), "at most 100000 characters"),
    ],
)
def test_what_cannot_be_settled_says_why_and_writes_nothing(two: Desk, wanted: Wish, message: str):
    found = loaded(two)
    case = found.case(found.items[0].key)
    with pytest.raises(UserError, match=message):
        found.settle(case, wanted, blind=True, seconds=None)
    assert found.standing == 0


def test_two_names_of_one_person_are_one_and_have_one_letter(desk: Desk):
    run = desk.run(1)
    desk.say("ann", run, 1, desk.label(run, LOOP, 1))
    desk.say("Ann", run, 1, NONE)
    found = loaded(desk)
    assert found.alike == [("Ann", "ann")]
    assert len(found.items) == 1
    case = found.case(found.items[0].key)
    assert sorted(set(found.names(case, named=False).values())) == ["A", "B"]
    found.same = {"Ann": "Ann", "ann": "Ann"}
    found.load()
    assert found.items == []
    assert found.alike == []
    assert len(set(found.names(case, named=False).values())) == 1


def test_only_what_a_queue_gave_out(two: Desk):
    found = loaded(two)
    item = found.items[1]
    queue = queues.create(two.store, "first", [item.run], policy="every:2")
    found.queue = queue.id
    found.load()
    assert [key for key, _ in state(found)] == [item.key]
    other = next(one.run for one in loaded(two).items if one.run.id != item.run.id)
    two.say("eve", other, 1, NONE)
    assert found.refresh()
    assert [key for key, _ in state(found)] == [item.key]  # what is said elsewhere brings nothing in
    settle(found, found.items[0], found.items[0].modes[0].mode)
    assert state(found) == state(_of_queue(two, queue.id))
    found.queue = ""
    found.load()
    assert state(found) == state(loaded(two))
    assert {one.run.id for one in found.items} > {item.run.id}


def _of_queue(desk: Desk, queue: str) -> Docket:
    found = Docket(desk.store, "dora", queue=queue)
    found.load()
    return found


def test_it_stops_when_told_to_and_is_as_it_was(two: Desk):
    found = loaded(two)
    before = state(found)

    class Enough(Exception):
        pass

    def watch(runs: int) -> None:
        raise Enough

    found.rule = Rule("adjudicated")
    with pytest.raises(Enough):
        found.load(watch)
    assert state(found) == before
    told: list[int] = []
    found.load(told.append)
    assert told == [1, 2, 3]


def test_an_empty_database_has_no_cases(tmp_path):
    with Store.open(tmp_path / "r.db") as store:
        found = Docket(store, "dora")
        found.load()
        assert (found.items, found.runs, found.standing) == ([], 0, 0)
        assert found.undo() is None
        assert found.redo() is None
        assert found.case("nothing here") is None
        assert found.refresh() is False


def test_a_case_whose_votes_are_gone_is_none(two: Desk):
    from labels.ledger import Ledger

    found = loaded(two)
    item = next(item for item in found.items if len(item.modes) == 2)
    for who in ("ann", "bob"):
        Ledger(two.store, who).undo(item.run)
    assert found.case(item.key) is None
    assert found.refresh()
    assert found.item(item.key) is None


def test_the_fixture_disagrees(desk: Desk):
    fill(desk)
    assert len(loaded(desk).items) == 1
