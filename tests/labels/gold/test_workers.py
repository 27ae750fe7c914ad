"""A release that is made in several processes is the same as one that is made in one."""

import os
import sys
from pathlib import Path

import pytest
from gold_desk import LOOP, MAST, NONE, Desk

from labels import adjudication
from labels.gold import release as releasing
from labels.gold import workers
from labels.gold.hiding import Review
from labels.gold.piece import Options
from labels.gold.release import release
from sessions.catalog import RunInfo, runs
from sessions.errors import UserError
from sessions.store import Store


def contents(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture
def many(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Seven runs in pieces of two, one with a secret; two processors, whatever there are."""
    for number in range(7):
        steps = ["plain", f"step of {number}", f"mail jo{number}@example.org" if number == 3 else "more"]
        run = desk.run(number, steps)
        desk.say("ann", run, 1, desk.label(run, LOOP, 2))
        desk.say("bob", run, 1, NONE)
    monkeypatch.setattr(releasing, "BATCH", 2)
    monkeypatch.setattr(workers, "_WORTH_IT", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    return desk


def alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    with monkeypatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 1)
        return contents(release(desk.store, desk.folder / "alone", Options("demo"), Review(True)).path)


def test_it_is_the_same(many: Desk, monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    real = workers.Worker.answer

    def answer(self: workers.Worker):
        piece = real(self)
        asked.append(piece is not None)
        return piece

    monkeypatch.setattr(workers.Worker, "answer", answer)
    made = release(many.store, many.folder / "together", Options("demo"), Review(True))
    assert asked == [True] * 4
    assert contents(made.path) == alone(many, monkeypatch)
    with pytest.raises(UserError, match="nobody has looked at them"):
        release(many.store, many.folder / "unseen", Options("demo"), Review())


def test_it_is_the_same_where_workers_cannot_be(many: Desk, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/bin/false")
        made = release(many.store, many.folder / "together", Options("demo"), Review(True))
    assert contents(made.path) == alone(many, monkeypatch)


def deciding_meanwhile(desk: Desk, run: RunInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on somebody else decides whenever a piece is made."""
    real = releasing.Maker.make

    def make(self: releasing.Maker, *given: object):
        piece = real(self, *given)  # type: ignore[arg-type]
        with Store.open(desk.store.path) as store:
            Desk(store, desk.folder).say("cat", run, 1, NONE)
        return piece

    monkeypatch.setattr(releasing.Maker, "make", make)


def test_it_is_of_one_moment_whatever_people_decide_meanwhile(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    one, two = desk.run(1), desk.run(2)
    for run in (one, two):
        desk.say("ann", run, 1, NONE)
    before = contents(release(desk.store, desk.folder / "before", Options("demo"), Review()).path)
    monkeypatch.setattr(releasing, "BATCH", 1)
    last = max((one, two), key=lambda run: run.content_id or "")
    deciding_meanwhile(desk, last, monkeypatch)
    made = release(desk.store, desk.folder / "rel", Options("demo"), Review())
    assert contents(made.path) == before
    assert desk.store.query("SELECT count(*) FROM event") == [(4,)]


def test_workers_that_see_another_moment_are_not_used(many: Desk, monkeypatch: pytest.MonkeyPatch):
    before = alone(many, monkeypatch)
    real = workers.Worker.begin

    def begin(self: workers.Worker, maker: releasing.Maker, review: Review, heads: object):
        with Store.open(many.store.path) as store:
            Desk(store, many.folder).say("cat", runs(store)[0], 1, NONE)
        real(self, maker, review, heads)  # type: ignore[arg-type]

    monkeypatch.setattr(workers.Worker, "begin", begin)
    assert contents(release(many.store, many.folder / "together", Options("demo"), Review(True)).path) == before


def test_an_adjudication_of_the_moment_before_is_in_it(three: Desk, monkeypatch: pytest.MonkeyPatch):
    """It is in the log, whose head the release names, so it has to be in the release."""
    real = adjudication.bring_up_to_date
    left = [True]

    def bring_up_to_date(store: Store) -> None:
        real(store)
        if left:
            left.clear()
            with store.write() as tx:
                tx.execute("DELETE FROM adjudication")
                tx.execute("DELETE FROM adjudication_head")

    run = three.run(1)
    ruling = {"mode": LOOP, "codebook": MAST.ref, "outcome": "absent", "reason": "error"}
    said = adjudication.Adjudication.model_validate(
        {"target": three.target(run, 2), "rulings": [ruling], "blind": True}
    )
    adjudication.Adjudicator(three.store, "dora").settle(run, said)
    monkeypatch.setattr(adjudication, "bring_up_to_date", bring_up_to_date)
    made = release(three.store, three.folder / "rel", Options("demo"), Review())
    assert made.content["counts"]["adjudications"] == 1
