"""The agent takes what was decided: exactly once, whatever dies in between."""

import os
import signal
import time
from pathlib import Path

import pytest
from gate_tools import again, open_, passed, request, taken, vote
from helpers import Workers, in_processes, texts

from sessions import catalog
from sessions.errors import UsageError, UserError
from sessions.live import opening, taking
from sessions.live.gates import gates_of, live_by_name
from sessions.live.hooks import Hooks, Opening, Rollback, Snapshot
from sessions.live.waiting import wait_until
from sessions.run import Flag
from sessions.store import Store


def test_nothing_is_taken_while_nobody_has_decided(store: Store) -> None:
    gate = open_(store)
    assert taken(store, gate) is None
    assert again(store, gate).state == "open"


def test_asking_again_gets_the_very_same_answer(store: Store) -> None:
    gate = open_(store)
    vote(store, gate, message="go")
    first = taken(store, gate)
    assert first is not None
    assert taken(store, gate) == first
    assert store.query("SELECT count(*) FROM consumption") == [(1,)]
    assert again(store, gate).state == "consumed"


def test_many_processes_take_one_answer(db: Path, store: Store) -> None:
    gates = [open_(store, f"g{number}", str(number)) for number in range(8)]
    for gate in gates:
        vote(store, gate)
    store.close()
    reading, writing = os.pipe()

    def take() -> None:
        with Store.open(db) as mine:
            for gate in gates:
                answer = taken(mine, gate)
                assert answer is not None
                os.write(writing, f"{gate.id} {answer.consumed_at} {answer.brief!r}\n".encode())

    in_processes(*[take] * 4)
    os.close(writing)
    with os.fdopen(reading) as lines:
        assert len(set(lines.read().splitlines())) == len(gates)
    with Store.open(db) as mine:
        assert mine.query("SELECT count(*) FROM consumption") == [(len(gates),)]


def test_a_decision_on_another_content_is_not_taken(store: Store) -> None:
    gate = open_(store)
    vote(store, gate)
    with pytest.raises(UserError, match="not what this agent asks"):
        taking.take(store, gate.id, "0" * 64, Hooks())


def test_a_rollback_abandons_the_steps_after_its_gate_and_keeps_them(store: Store) -> None:
    first = passed(store, "a", "1")
    passed(store, "b", "2")
    gate = open_(store, "c", "3")
    waits = open_(store, "d", "4")
    vote(store, gate, "rollback", to_gate=first.id, message="look first")
    answer = taken(store, gate)
    assert answer is not None
    assert (answer.to_gate, answer.segment) == ("a", 1)
    run = catalog.run_by_id(store, gate.run)
    assert run is not None
    assert texts(store, run) == ["1", "2", "3", "4"]
    abandoned = [(stored.step.branch, bool(stored.flags & Flag.ABANDONED)) for stored in catalog.steps(store, run.no)]
    assert abandoned == [(None, False), *[("rolled back at c", True)] * 3]
    assert again(store, waits).state == "void"
    assert [gate.undone_by is not None for gate in gates_of(store, run.id)] == [False, True, True, True]
    later = passed(store, "e", "5")
    assert (later.segment, later.undone_by) == (1, None)


def test_after_a_rollback_names_can_be_used_anew(store: Store) -> None:
    passed(store, "1", "a")
    bad = open_(store, "2", "wrong")
    vote(store, bad, "rollback", to_gate="")
    assert taken(store, bad) is not None
    assert open_(store, "2", "wrong") == again(store, bad), "an agent that was killed gets its answer again"
    anew = open_(store, "2", "right")
    assert anew.id != bad.id
    again_wrong = opening.open_gate(store, request("3", "wrong", segment=1), checks={})
    assert again_wrong.segment == 1
    with pytest.raises(UsageError, match="another content"):
        open_(store, "2", "third")


def test_an_agent_that_knows_its_segment_may_do_the_same_again(store: Store) -> None:
    bad = open_(store, "1", "wrong", segment=0)
    vote(store, bad, "rollback", to_gate="")
    assert taken(store, bad) is not None
    same = opening.open_gate(store, request("1", "wrong", segment=1), checks={})
    assert same.id != bad.id
    assert again(store, same).state == "open"
    with pytest.raises(UserError, match="was rolled back 1 times, and this agent knows of 0"):
        opening.open_gate(store, request("9", "x", segment=0), checks={})


def test_a_stop_ends_the_run(store: Store) -> None:
    gate = open_(store)
    other = open_(store, "g2", "2")
    vote(store, gate, "stop")
    answer = taken(store, gate)
    assert answer is not None
    live = live_by_name(store, "r")
    assert live is not None
    assert live.ended == "stop"
    assert again(store, other).state == "void"
    run = catalog.run_by_id(store, gate.run)
    assert run is not None
    assert run.complete
    with pytest.raises(UserError, match="was stopped"):
        open_(store, "g3", "3")


def test_a_rejected_final_gate_does_not_end_the_run(store: Store) -> None:
    gate = open_(store, final=True)
    vote(store, gate, "reject")
    assert taken(store, gate) is not None
    assert open_(store, "g2", "2").state == "open"


def snapshots(opening: Opening) -> Snapshot:
    return Snapshot(f"snapshot of {opening.key}", {"left_out": 2})


def test_hooks_snapshot_and_restore(store: Store) -> None:
    asked: list[Rollback] = []

    def restore(rollback: Rollback) -> str:
        asked.append(rollback)
        return "Files: 3 were restored."

    hooks = Hooks(snapshots, restore)
    first = opening.open_gate(store, request("a", "1", workspace="/w"), hooks=hooks, checks={})
    assert (first.snapshot, first.snapshot_facts) == ("snapshot of a", {"left_out": 2})
    vote(store, first)
    assert taken(store, first, hooks)
    gate = opening.open_gate(store, request("b", "2", workspace="/w"), hooks=hooks, checks={})
    vote(store, gate, "rollback", to_gate=first.id)
    answer = taken(store, gate, hooks)
    assert answer is not None
    assert asked == [Rollback(gate.run, gate.id, first.id, "snapshot of a", "/w")]
    assert "Files: 3 were restored." in answer.brief
    assert taken(store, gate, hooks) == answer
    assert len(asked) == 1, "the restore is done once"


def test_a_failing_restore_is_told_and_a_failing_snapshot_is_shown(store: Store) -> None:
    def broken(_: object) -> str:
        raise UserError("the workspace is gone.", "Was it moved?")

    gate = opening.open_gate(store, request(), hooks=Hooks(broken, broken), checks={})  # type: ignore[arg-type]
    assert gate.snapshot_facts == {"failed": "the workspace is gone."}
    vote(store, gate, "rollback", to_gate="")
    answer = taken(store, gate, Hooks(broken, broken))  # type: ignore[arg-type]
    assert answer is not None
    assert "could NOT be taken back (the workspace is gone. Was it moved?)" in answer.brief


def test_an_agent_killed_during_the_restore_restores_again(db: Path, store: Store) -> None:
    gate = open_(store)
    vote(store, gate, "rollback", to_gate="")
    store.close()
    begun = db.with_name("begun")

    def killed(_: Rollback) -> str:
        begun.touch()
        os.kill(os.getpid(), signal.SIGKILL)
        return "never"

    def die() -> None:
        with Store.open(db) as mine:
            taken(mine, gate, Hooks(restore=killed))

    assert Workers([die]).wait() == [-signal.SIGKILL] or begun.exists()
    with Store.open(db) as mine:
        assert again(mine, gate).state == "consumed"
        calls: list[Rollback] = []
        answer = taken(mine, gate, Hooks(restore=lambda rollback: calls.append(rollback) or "Files: back."))
        assert answer is not None
        assert "Files: back." in answer.brief
        assert len(calls) == 1
        assert taken(mine, gate) == answer


def test_a_deleted_run_approves_nothing(store: Store) -> None:
    from sessions.maintenance import remove_run

    gate = open_(store)
    run = catalog.run_by_id(store, gate.run)
    assert run is not None
    with store.write() as tx:
        remove_run(tx, run)
    with pytest.raises(UserError, match=r"its run was deleted\. Nothing was approved"):
        taken(store, gate)
    for table in ("gate", "live", "gate_vote", "gate_check", "claim", "live_process"):
        assert store.query(f"SELECT count(*) FROM {table}") == [(0,)]


def test_a_decision_on_steps_that_were_abandoned_meanwhile_is_not_taken(store: Store) -> None:
    """Two gates at once: one is approved and not taken yet when the other rolls the run back."""
    approved, other = open_(store, "a", "1"), open_(store, "b", "2")
    vote(store, approved)
    vote(store, other, "rollback", to_gate="")
    assert taken(store, other) is not None
    with pytest.raises(UserError, match="was rolled back further"):
        taken(store, approved)
    assert store.query("SELECT gate FROM consumption") == [(other.id,)]


def test_a_restore_is_not_begun_twice_at_once(db: Path, store: Store) -> None:
    """While the process that took the rollback is alive and restoring, another one that asks waits for it."""
    gate = open_(store)
    vote(store, gate, "rollback", to_gate="")
    store.close()
    begun, go_on, calls = db.with_name("begun"), db.with_name("go on"), db.with_name("calls")

    def slow(_: Rollback) -> str:
        with calls.open("a") as file:
            file.write("x")
        begun.touch()
        while not go_on.exists():
            time.sleep(0.005)
        return "Files: back."

    def first() -> None:
        with Store.open(db) as mine:
            taken(mine, gate, Hooks(restore=slow))

    def second() -> None:
        while not begun.exists():
            time.sleep(0.005)
        with Store.open(db) as mine:
            assert taken(mine, gate, Hooks(restore=slow)) is None
            go_on.touch()
            answer = wait_until(mine, lambda: taken(mine, gate, Hooks(restore=slow)), seconds=20)
            assert "Files: back." in answer.brief

    in_processes(first, second)
    assert calls.read_text() == "x"
