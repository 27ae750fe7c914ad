"""Agents and reviewers are killed at random, hundreds of times: every gate is decided and taken exactly once."""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from helpers import Workers

from labels import events, operating
from sessions import catalog
from sessions.errors import UserError
from sessions.gate import Answer, Gate
from sessions.live import checking, gates
from sessions.live.waiting import Waiter
from sessions.maintenance import integrity
from sessions.store import Store

AGENTS, REVIEWERS = 5, 2
KILLS = 210
STEPS = 3


def agent(folder: Path, name: str) -> None:
    """Open gate after gate, and write each answer down when it is there. What was written down is not asked again."""
    log = folder / f"{name}.log"
    done = len(log.read_text().splitlines()) if log.exists() else 0
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with Gate(agent="bot", task="Go on.", run=name, db=folder / "kill.db") as gate:
        while not (folder / "stop").exists() or done == 0:
            number = done + 1
            for step in range(STEPS):
                gate.add("bot", text=f"{name}, gate {number}, step {step}")
            answer = gate.open(f"gate {number}")
            assert isinstance(answer, Answer)
            done = number
            os.write(out, f"{number}|{answer.verdict}|{answer.consumed_at}\n".encode())


def reviewer(folder: Path, name: str, seed: int) -> None:
    """Decide on whatever waits; others do so too."""
    chance = random.Random(seed)
    with Store.open(folder / "kill.db") as store, Waiter(store) as waiter:
        while True:
            waits = [gate for gate in gates.waiting(store) if gate.state == gates.OPEN]
            chance.shuffle(waits)
            for gate in waits:
                verdict = chance.choices(["approve", "reject", "rollback"], [8, 1, 1])[0]
                try:
                    operating.decide(store, name, gate, operating.Said(verdict, message=f"{name}: {verdict}"))
                except UserError:  # another one was first
                    continue
            if not waits:
                waiter.changed(0.25)


def test_every_gate_is_decided_and_taken_exactly_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "points", dict)
    Store.open(tmp_path / "kill.db").close()
    chance = random.Random(0)
    jobs = {f"agent{n}": (lambda n=n: agent(tmp_path, f"agent{n}")) for n in range(AGENTS)}
    seeds = iter(range(10**6))
    jobs |= {f"rev{n}": (lambda n=n: reviewer(tmp_path, f"rev{n}", next(seeds))) for n in range(REVIEWERS)}
    alive = {name: Workers([job]) for name, job in jobs.items()}
    begun = time.monotonic()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.005, 0.06))
        name = chance.choice(list(jobs))
        next(seeds)
        alive[name].kill()
        assert alive[name].wait() == [-signal.SIGKILL]
        alive[name] = Workers([jobs[name]])
    (tmp_path / "stop").touch()
    for number in range(AGENTS):
        assert alive[f"agent{number}"].wait() == [0]
    for number in range(REVIEWERS):
        alive[f"rev{number}"].kill()
        alive[f"rev{number}"].wait()
    assert time.monotonic() - begun < 60
    check(tmp_path)


def check(folder: Path) -> None:
    with Store.open(folder / "kill.db") as store:
        assert integrity(store) == []
        assert events.verify(store) == []
        opened = gates.every(store)
        assert len(opened) > 2 * AGENTS
        assert {gate.state for gate in opened} == {gates.CONSUMED}
        for table in ("gate_vote", "gate_decision", "consumption"):
            assert sorted(store.query(f"SELECT gate FROM {table}")) == sorted((gate.id,) for gate in opened)
        acts = [event.data["gate"]["id"] for event in events.everything(store)]
        assert sorted(acts) == sorted(gate.id for gate in opened)
        for live in gates.live_runs(store):
            check_run(store, folder, live)


def check_run(store: Store, folder: Path, live: gates.LiveRun) -> None:
    """What the agent wrote down is what the store says, gate by gate and step by step."""
    rows = store.query(
        "SELECT g.gate_key, d.verdict, c.at FROM gate g JOIN gate_decision d ON d.gate = g.id"
        " JOIN consumption c ON c.gate = g.id WHERE g.run = ? ORDER BY g.no",
        [live.run],
    )
    written = [line.split("|") for line in (folder / f"{live.name}.log").read_text().splitlines()]
    assert [(f"gate {number}", verdict, at) for number, verdict, at in written] == rows
    assert live.segment == sum(verdict == "rollback" for _, verdict, _ in rows)
    run = catalog.run_by_id(store, live.run)
    assert run is not None
    said = [stored.step.parts[0].text for stored in catalog.steps(store, run.no)]
    assert said == [f"{live.name}, gate {n + 1}, step {step}" for n in range(len(rows)) for step in range(STEPS)]
