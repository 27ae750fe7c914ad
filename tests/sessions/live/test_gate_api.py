"""`sessions.gate`, as an agent's loop uses it."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gate_tools import approve_all, vote
from helpers import Workers, texts

from sessions import catalog
from sessions.errors import UsageError
from sessions.gate import Answer, Gate, Pending, open_gate, open_gate_async
from sessions.live import gates
from sessions.store import Store

HEAVY = {"textual", "rich", "click", "pydantic", "sqlite_utils", "asyncio", "numpy", "httpx", "labels", "review_tui"}


@contextmanager
def reviewer(db: Path, verdict: str = "approve") -> Iterator[None]:
    """Somebody who decides on everything, as long as it lasts."""
    gone = threading.Event()
    thread = threading.Thread(target=approve_all, args=(db, gone.is_set, verdict))
    Store.open(db).close()
    thread.start()
    try:
        yield
    finally:
        gone.set()
        thread.join()


def test_it_is_light() -> None:
    code = "import sys; import sessions.gate; print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(found.stdout.split())


def test_a_whole_run(db: Path) -> None:
    with reviewer(db), Gate(agent="bot", task="t", run="whole", db=db) as gate:
        for chunk in range(3):
            gate.add("user", text=f"please {chunk}")
            gate.add("bot", reasoning="hm", calls=[("bash", {"command": "ls"})], results=[("bash", "x")])
            answer = gate.open(final=chunk == 2)
            assert isinstance(answer, Answer)
            assert answer.approved
            assert answer.gate == str(chunk + 1)
    with Store.open(db) as store:
        run = catalog.find_run(store, "whole")
        assert (run.steps, run.complete) == (6, True)
        assert [stored.step.role for stored in catalog.steps(store, run.no)] == ["user", "agent"] * 3


def test_timeout_means_hold(db: Path) -> None:
    begun = time.monotonic()
    first = open_gate(db=db, run="r", gate="g", agent="bot", task="t", timeout_s=0.2)
    assert isinstance(first, Pending)
    assert not first
    assert first.verdict is None
    assert time.monotonic() - begun >= 0.2
    with Store.open(db) as store:
        (gate,) = gates.waiting(store)
        assert gate.state == "open"
        vote(store, gate)
    second = open_gate({"run": "r", "gate": "g", "agent": "bot", "task": "t"}, db=db, wait=False)
    assert isinstance(second, Answer)
    assert second


def test_a_pending_gate_is_asked_again_and_not_passed_by(db: Path) -> None:
    with Gate(agent="bot", task="t", db=db, timeout_s=0) as gate:
        gate.add("bot", text="one")
        first = gate.open()
        again = gate.open()
        assert isinstance(again, Pending)
        assert again == first
        gate.add("bot", text="two")
        with pytest.raises(UsageError, match="has no answer yet"):
            gate.open()
    with Store.open(db) as store:
        assert len(gates.waiting(store)) == 1


def test_after_a_rollback_the_loop_goes_on_in_a_new_segment(db: Path) -> None:
    with reviewer(db, "rollback"), Gate(agent="bot", task="t", db=db) as gate:
        gate.add("bot", text="wrong")
        first = gate.open()
        assert isinstance(first, Answer)
        assert (first.verdict, first.to_gate, gate.segment) == ("rollback", "start", 1)
        gate.add("bot", text="wrong")
        second = gate.open()
        assert isinstance(second, Answer)
        assert (second.gate, gate.segment) == ("2", 2)


def test_an_agent_killed_at_its_gate_gets_the_gate_again(db: Path) -> None:
    def agent() -> None:
        with Gate(agent="bot", task="t", run="r", db=db) as gate:
            for text in ("one", "two", "three"):
                gate.add("bot", text=text)
                gate.open(timeout_s=20)

    dying = Workers([agent])
    deadline = time.monotonic() + 20
    while not db.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    with Store.open(db) as store:
        while not (found := gates.waiting(store)) and time.monotonic() < deadline:
            time.sleep(0.01)
        dying.kill()
        dying.wait()
        vote(store, found[0])
    with Gate(agent="bot", task="t", run="r", db=db) as gate:
        gate.add("bot", text="one")
        answer = gate.open(wait=False)
        assert isinstance(answer, Answer)
        assert (answer.gate, answer.approved) == ("1", True)
        gate.add("bot", text="two")
        assert isinstance(gate.open(wait=False), Pending)
    with Store.open(db) as store:
        assert texts(store, catalog.find_run(store, "r")) == ["one", "two"]


async def test_waiting_does_not_block_the_loop(db: Path) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    asked = [open_gate_async(db=db, run=f"r{n}", gate="g", agent="bot", task="t", timeout_s=20) for n in range(12)]
    with reviewer(db):
        answers = await asyncio.gather(*asked)
    ticking.cancel()
    assert all(answers)
    assert ticks > 5


async def test_cancelling_leaves_the_gate_open(db: Path) -> None:
    with Gate(agent="bot", task="t", run="r", db=db) as gate:
        gate.add("bot", text="one")
        waiting = asyncio.create_task(gate.open_async())
        await asyncio.sleep(0.2)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with reviewer(db):
            answer = await gate.open_async()
        assert isinstance(answer, Answer)
        assert (answer.gate, answer.approved) == ("1", True)
        await asyncio.sleep(0.4)  # the thread that was cancelled ends by itself


async def test_errors_reach_the_caller(db: Path) -> None:
    with pytest.raises(UsageError):
        await open_gate_async(db=db, run="r", gate="g", agent="bot")
    await open_gate_async(db=db, run="r", gate="g", agent="bot", task="t", wait=False)
    with pytest.raises(UsageError, match="another content"):
        await open_gate_async(db=db, run="r", gate="g", agent="bot", task="other", wait=False)


AGENT = """
import json, sys
from sessions.gate import Gate
with Gate(agent="other", task="t", run="two", db=sys.argv[1], timeout_s=30) as gate:
    for number in range(3):
        gate.add("bot", text=f"step {number}")
        print(json.dumps(gate.open(final=number == 2).as_json()), flush=True)
"""


def test_a_round_trip_in_two_real_processes(db: Path) -> None:
    agent = subprocess.Popen([sys.executable, "-c", AGENT, str(db)], stdout=subprocess.PIPE, text=True)
    assert agent.stdout is not None
    with reviewer(db):
        answers = [json.loads(line) for line in agent.stdout]
    agent.stdout.close()
    assert agent.wait() == 0
    assert [answer["verdict"] for answer in answers] == ["approve"] * 3
    assert set(answers[0]) == {
        "id", "run", "gate", "verdict", "brief", "by", "how", "payload_sha256", "consumed_at", "segment"
    }  # fmt: skip
    with Store.open(db) as store:
        run = catalog.find_run(store, "two")
        assert run.complete
        assert store.query("SELECT count(*) FROM consumption") == [(3,)]
