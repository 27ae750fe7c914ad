"""Waiting: every kind of watch wakes for a commit, none is missed, and idling costs next to nothing."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gate_tools import open_, request, vote

from sessions.live import taking, waiting
from sessions.live.asking import ask
from sessions.live.hooks import NO_HOOKS
from sessions.live.waiting import Waiter, wait_until, watch_for
from sessions.store import Store

#: Far more than a wake-up needs, far less than a look without one would make of so many rounds.
ROUNDS, ENOUGH_S = 12, 12 * waiting.SAFETY_S / 2


def kinds(db: Path) -> dict[str, Callable[[], waiting.Watch]]:
    wal = db.with_name(f"{db.name}-wal")
    return {
        "inotify": lambda: waiting._Inotify(wal),
        "watchfiles": lambda: waiting._Watchfiles(wal),
        "polling": waiting._Polling,
    }


def commit(store: Store, value: str) -> None:
    with store.write() as tx:
        tx.execute("DELETE FROM meta WHERE name = 'test'")
        tx.execute("INSERT INTO meta VALUES ('test', ?)", [value])


@pytest.mark.parametrize("kind", ["inotify", "watchfiles", "polling"])
def test_each_watch_wakes_for_the_commits_of_others(db: Path, store: Store, kind: str) -> None:
    """Two take turns, so that a missed wake-up costs a quarter of a second each time."""
    try:
        watches = [kinds(db)[kind]() for _ in range(2)]
    except (OSError, ImportError) as missing:
        pytest.skip(f"no {kind} here: {missing}")
    done: list[str] = []

    def answer() -> None:
        with Store.open(db) as mine, Waiter(mine, watches[0]) as waiter:
            for number in range(ROUNDS):
                while mine.one("SELECT 1 FROM meta WHERE name = 'test' AND value = ?", [f"ask {number}"]) is None:
                    waiter.changed(1.0)
                commit(mine, f"answer {number}")
                done.append(str(number))

    thread = threading.Thread(target=answer)
    begun = time.monotonic()
    thread.start()
    with Waiter(store, watches[1]) as waiter:
        for number in range(ROUNDS):
            commit(store, f"ask {number}")
            while store.one("SELECT 1 FROM meta WHERE name = 'test' AND value = ?", [f"answer {number}"]) is None:
                waiter.changed(1.0)
    thread.join()
    assert len(done) == ROUNDS
    if kind != "polling":
        assert time.monotonic() - begun < ENOUGH_S


def test_what_was_committed_before_the_watch_is_not_missed(db: Path, store: Store) -> None:
    commit(store, "0")
    with Store.open(db) as other, Waiter(store) as waiter:
        commit(other, "1")
        assert waiter.changed(0)


def test_nothing_changed_is_said_in_time(store: Store) -> None:
    with Waiter(store) as waiter:
        begun = time.monotonic()
        assert not waiter.changed(0.05)
        assert 0.04 < time.monotonic() - begun < 0.2


def test_waiting_ends_in_time_or_when_told(store: Store) -> None:
    begun = time.monotonic()
    assert wait_until(store, lambda: None, seconds=0.1) is None
    assert 0.09 < time.monotonic() - begun < 0.5
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    assert wait_until(store, lambda: None, stopped=stop.is_set) is None
    assert wait_until(store, lambda: "at once", seconds=0) == "at once"


def test_who_waits_gives_signs_of_life(store: Store) -> None:
    beats: list[int] = []
    wait_until(store, lambda: None, seconds=0.8, beat=lambda: beats.append(1), beat_s=0.2)
    assert 1 <= len(beats) <= 4


def test_idling_costs_next_to_nothing(store: Store) -> None:
    gate = open_(store)
    look = lambda: taking.take(store, gate.id, gate.payload_sha256, NO_HOOKS)  # noqa: E731
    wait_until(store, look, seconds=0.3)
    used = time.process_time()
    wait_until(store, look, seconds=3.0)
    share = (time.process_time() - used) / 3.0
    assert share < 0.01, f"{share:.2%} of a processor"  # the benchmark says how much; this is a tenfold of the budget


def test_commits_that_concern_others_make_a_waiter_rest(db: Path, store: Store) -> None:
    """Where somebody writes without end, a waiter looks fifty times a second and not at every commit."""
    gate = open_(store)
    looks: list[int] = []
    stop = threading.Event()

    def write() -> None:
        with Store.open(db) as other:
            while not stop.is_set():
                commit(other, "x")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        wait_until(store, lambda: looks.append(1), seconds=1.5)
    finally:
        stop.set()
        thread.join()
    assert 5 < len(looks) < 150
    vote(store, gate)
    answer = ask(store, request(), itself=False)
    assert answer.approved


def test_without_a_watch_there_is_still_the_look_now_and_then(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: Path) -> waiting.Watch:
        raise OSError("too many watches")

    monkeypatch.setattr(waiting, "_Inotify", missing)
    monkeypatch.setattr(waiting, "_Watchfiles", missing)
    assert isinstance(watch_for(db), waiting._Polling)
