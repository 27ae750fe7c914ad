"""Leases of reviewers: a courtesy that ends by itself, whatever happens to the clock."""

import pytest
from gate_tools import open_, vote

from sessions.errors import UserError
from sessions.live import claims, clock
from sessions.live.claims import Taken, claim, holder, release
from sessions.live.clock import Moment
from sessions.store import Store


def at(monkeypatch: pytest.MonkeyPatch, moment: Moment) -> None:
    monkeypatch.setattr(claims, "now", lambda: moment)


def test_one_has_it_and_the_other_is_told(store: Store) -> None:
    gate = open_(store)
    mine = claim(store, gate.id, "ann", "root")
    with pytest.raises(Taken, match=r"ann is at this gate \(for another 120 s\)") as caught:
        claim(store, gate.id, "bob", "root")
    assert caught.value.claim == mine
    assert claim(store, gate.id, "ann", "root", seconds=300).seconds_left() > 200
    release(store, gate.id, "bob")
    assert holder(store, gate.id) is not None
    release(store, gate.id, "ann")
    assert holder(store, gate.id) is None
    assert claim(store, gate.id, "bob", "root").who == "bob"


def test_it_ends_by_itself_although_the_clock_is_set_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = open_(store)
    claim(store, gate.id, "ann", "root", seconds=60)
    begun = clock.now()
    at(monkeypatch, Moment(begun.wall - 86_400, begun.ticks + 59, begun.boot))
    assert holder(store, gate.id) is not None
    at(monkeypatch, Moment(begun.wall - 86_400, begun.ticks + 61, begun.boot))
    assert holder(store, gate.id) is None
    assert claim(store, gate.id, "bob", "root").who == "bob"


def test_it_ends_after_the_machine_was_restarted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = open_(store)
    claim(store, gate.id, "ann", "root", seconds=60)
    begun = clock.now()
    at(monkeypatch, Moment(begun.wall + 30, 5.0, "another start"))
    assert holder(store, gate.id) is not None
    at(monkeypatch, Moment(begun.wall + 61, 36.0, "another start"))
    assert holder(store, gate.id) is None


def test_deciding_needs_no_lease_and_ends_it(store: Store) -> None:
    gate = open_(store)
    claim(store, gate.id, "ann", "root")
    vote(store, gate, reviewer="bob")
    assert holder(store, gate.id) is None
    with pytest.raises(UserError, match="does not wait"):
        claim(store, gate.id, "ann", "root")
