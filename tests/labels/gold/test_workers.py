"""A release that is made in several processes is the same as one that is made in one."""

import os
import sys
from pathlib import Path

import pytest
from gold_desk import LOOP, NONE, Desk

from labels.gold import release as releasing
from labels.gold import workers
from labels.gold.hiding import Review
from labels.gold.piece import Options
from labels.gold.release import release
from sessions.errors import UserError


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
    real = workers._Worker.answer

    def answer(self: workers._Worker):
        piece = real(self)
        asked.append(piece is not None)
        return piece

    monkeypatch.setattr(workers._Worker, "answer", answer)
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


def test_votes_that_come_meanwhile_stop_it(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    run = desk.run()
    desk.say("ann", run, 1, NONE)
    real = releasing.Maker.make

    def make(self: releasing.Maker, *given: object):
        piece = real(self, *given)  # type: ignore[arg-type]
        desk.say("bob", run, 1, NONE)
        return piece

    monkeypatch.setattr(releasing.Maker, "make", make)
    with pytest.raises(UserError, match="votes were recorded while"):
        release(desk.store, desk.folder / "rel", Options("demo"), Review())
    assert not (desk.folder / "rel").exists()
