"""Segments are brought up to date by the log: what is read back is what a fresh derivation gives."""

import os
import random
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import become_nobody, in_processes
from insight_desk import BOOKS, LOOP, NONE, RESET, WRONG, Desk

from labels.insights import Scope, build
from labels.insights.figures import Insights
from labels.insights.reading import cache, workers
from labels.ledger import Ledger
from labels.merging.merge import merge
from sessions.maintenance import remove_run
from sessions.store import Store


def fresh(desk: Desk) -> Insights:
    """The figures, everything derived anew."""
    cache.forget(desk.store)
    return desk.insights()


def same(desk: Desk) -> Insights:
    """The figures, which are the same as when everything is derived anew."""
    found = desk.insights()
    assert found == fresh(desk)
    return found


def share(found: Insights, mode: str) -> tuple[int, int]:
    profile = found.profile("mast")
    assert profile is not None
    row = profile.mode(mode)
    assert row is not None
    return row.runs.count or 0, row.runs.n


def test_decisions_undo_and_redo_are_taken_in(desk: Desk):
    one, two = desk.run(), desk.run()
    desk.say("ann", one, None, desk.label(one, LOOP, 2))
    assert share(same(desk), LOOP) == (1, 1)
    desk.say("ann", two, None, NONE)
    assert share(same(desk), LOOP) == (1, 2)
    ledger = Ledger(desk.store, "ann")
    assert ledger.undo(one)
    assert share(same(desk), LOOP) == (0, 1)
    assert ledger.redo(one)
    assert share(same(desk), LOOP) == (1, 2)


def test_only_runs_with_new_events_are_read_again(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    runs = [desk.run() for _ in range(4)]
    for run in runs:
        desk.say("ann", run, None, NONE)
    desk.insights()
    read: list[str] = []
    real = cache.segment

    def counted(decisions: list[str], codes: Any) -> Any:
        read.extend(decisions)
        return real(decisions, codes)

    monkeypatch.setattr(cache, "segment", counted)
    desk.insights()
    assert not read
    desk.say("bob", runs[2], None, NONE)
    desk.insights()
    assert len(read) == 2  # ann's and bob's on that run
    desk.say("ann", runs[2], 1, NONE, verdict=None)
    assert dict(desk.insights().sources.left_out) == {"decisions without a verdict (not finished)": 1}


def test_merged_votes_come_in_and_joined_runs_count_once(desk: Desk, new_desk: Callable[[str], Desk]):
    other = new_desk("other")
    mine = desk.run()
    theirs = other.run()  # the same text: one run
    desk.say("ann", mine, None, desk.label(mine, LOOP, 2))
    other.say("bob", theirs, None, other.label(theirs, LOOP, 3), other.label(theirs, RESET, 1))
    extra = other.run()
    other.say("bob", extra, None, NONE)
    assert share(desk.insights(), LOOP) == (1, 1)
    merge(desk.store, other.store.path)
    found = same(desk)
    assert share(found, LOOP) == (1, 2)
    assert share(found, RESET) == (0, 1)  # one of two says so
    assert found.sources.runs_more == 1


def test_a_run_that_was_removed_is_gone_from_the_figures(desk: Desk):
    one, two = desk.run(), desk.run()
    for run in (one, two):
        desk.say("ann", run, None, desk.label(run, LOOP, 2))
    assert share(desk.insights(), LOOP) == (2, 2)
    with desk.store.write() as tx:
        remove_run(tx, one)
    assert share(same(desk), LOOP) == (1, 1)


def test_a_later_reference_is_read(desk: Desk):
    run = desk.run(reference={"reward": 0.0})
    desk.say("ann", run, None, NONE)
    assert desk.insights().runs.failed == 1
    with desk.store.write() as tx:
        tx.execute("UPDATE reference SET data = ? WHERE run = ?", ['{"reward": 1.00}', run.no])
    assert desk.insights().runs.succeeded == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_two_programs_at_once_leave_nothing_stale(desk: Desk):
    runs = [desk.run() for _ in range(6)]
    for run in runs:
        desk.say("ann", run, None, NONE)
    path = desk.store.path
    desk.store.close()

    def look() -> None:
        with Store.open(path) as store:
            for _ in range(8):
                build(store, BOOKS)

    def decide() -> None:
        with Store.open(path) as store:
            chance = random.Random(1)
            own = Desk(store, path.parent)
            for turn in range(20):
                run = chance.choice(runs)
                own.say("bob", run, None, own.label(run, chance.choice([LOOP, RESET, WRONG]), 2, id=f"t{turn}"))

    in_processes(look, decide, look)
    with Store.open(path) as store:
        desk.store = store
        same(desk)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_database_that_cannot_be_written_to():
    with tempfile.TemporaryDirectory() as name:  # not pytest's folder, which others may not enter
        folder = Path(name)
        with Store.open(folder / "r.db") as store:
            desk = Desk(store, folder)
            one, two = desk.run(reference={"reward": 1}), desk.run()
            desk.say("ann", one, None, desk.label(one, LOOP, 2))
            expected = desk.insights()
            cache.forget(store)
            desk.insights()
            # Not derived when it is locked away.
            desk.say("ann", two, None, desk.label(two, RESET, 2), verdict="stop")
            assert share(expected, LOOP) == (1, 1)
        (folder / "r.db").chmod(0o444)
        folder.chmod(0o555)

        def look() -> None:
            become_nobody()
            with Store.open(folder / "r.db") as store:
                assert store.read_only
                found = build(store, BOOKS, Scope())
                assert (share(found, LOOP), share(found, RESET)) == ((1, 2), (1, 2))
                assert (found.runs.judged, found.runs.succeeded) == (2, 1)
                profile = found.profile("mast")
                assert profile is not None
                assert profile.lost.runs == 2

        in_processes(look)
        folder.chmod(0o755)


@pytest.mark.parametrize("python", ["", "/bin/false"])
def test_helpers_give_the_same_and_may_fail(desk: Desk, monkeypatch: pytest.MonkeyPatch, python: str):
    for place in range(12):
        run = desk.run(system=f"s{place % 3}")
        desk.say("ann", run, None, desk.label(run, LOOP if place % 2 else RESET, 2))
    expected = desk.insights()
    cache.forget(desk.store)
    monkeypatch.setattr(cache, "_WORTH_HELP", 1)
    monkeypatch.setattr(cache, "_BATCH", 2)
    monkeypatch.setattr(workers.os, "cpu_count", lambda: 2)
    if python:
        monkeypatch.setattr(workers.sys, "executable", python)
    told: list[tuple[int, int]] = []
    assert build(desk.store, BOOKS, Scope(), lambda done, every: told.append((done, every))) == expected
    assert told[-1] == (12, 12)


def test_whoever_is_told_of_the_progress_may_end_it(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    for _ in range(12):
        desk.judged(desk.run(), LOOP)
    monkeypatch.setattr(cache, "_WORTH_HELP", 1)
    monkeypatch.setattr(cache, "_BATCH", 1)

    def stop(_done: int, _every: int) -> None:
        raise InterruptedError

    before = threading.active_count()
    with pytest.raises(InterruptedError):
        build(desk.store, BOOKS, Scope(), stop)
    assert threading.active_count() == before
    assert share(same(desk), LOOP) == (12, 12)
