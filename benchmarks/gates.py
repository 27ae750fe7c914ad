"""Gates: from the agent's question to its answer, alone and among 32, what waiting costs, and what starting does.

An agent opens a gate of five steps; a reviewer in another process approves as soon as it sees it; the time is taken in
the agent, from the call to the answer in its hands. All of it is on the disk then, as in use.

    python -m benchmarks.gates agent DB NAME ROUNDS PAUSE CHECKS    prints the seconds of each round as JSON
    python -m benchmarks.gates reviewer DB                          approves whatever waits, until it is killed
    python -m benchmarks.gates idle DB SECONDS                      prints the processor time of a wait
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import tasks
from benchmarks.report import Figure, p50_p99
from benchmarks.station import Bench, median_ms

GROUP = "Gates"
AGENTS = 32
#: One gate a second and agent: thirty times as often as real agents ask.
PAUSE_S = 1.0
CHUNK_STEPS = 5
#: The first rounds load modules and fill caches.
WARM_UP = 2


def measure(bench: Bench) -> list[Figure]:
    floor = tasks.run("commit", bench.fresh("floor"), "300")
    two = (2 * floor["p50"] * 1000, 2 * floor["p99"] * 1000)
    alone = _rounds(bench, agents=1, rounds=bench.times(400, 80), pause=0.0, checks=False)
    checked = _rounds(bench, agents=1, rounds=bench.times(200, 40), pause=0.0, checks=True)
    many = _rounds(bench, agents=AGENTS, rounds=bench.times(15, 5), pause=PAUSE_S, checks=False)
    seconds = bench.times(30, 10)
    idle = _idle(bench, seconds)
    among = p50_p99(
        GROUP, f"{AGENTS} agents, one gate a second each", many, None, two, "two commits", note="one reviewer"
    )
    among[1].budget = 250
    python = bench.floors.get("python") or median_ms([sys.executable, "-c", "pass"], bench.times(11, 5))
    start = median_ms([sys.executable, "-c", "import sessions.gate"], bench.times(11, 5))
    return [
        *p50_p99(GROUP, "round trip", alone, (5, 50), two, "two commits"),
        *p50_p99(GROUP, "round trip with the installed checks", checked, None, two, "two commits"),
        *among,
        Figure(GROUP, "an agent that waits: processor", idle, "%", 0.2, note=f"{seconds} s"),
        Figure(GROUP, "python -c 'import sessions.gate'", start, "ms", python + 60, python, "python"),
    ]  # fmt: skip


def _rounds(bench: Bench, *, agents: int, rounds: int, pause: float, checks: bool) -> list[float]:
    """Seconds of every round of all agents, without the first ones of each."""
    from sessions.store import Store

    db = bench.fresh("gates")
    Store.open(db).close()
    me = [sys.executable, "-m", "benchmarks.gates"]
    reviewer = subprocess.Popen([*me, "reviewer", str(db)])
    try:
        argv = [[*me, "agent", str(db), f"agent {n}", str(rounds), str(pause), str(int(checks))] for n in range(agents)]
        asking = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True) for line in argv]
        taken: list[float] = []
        for process in asking:
            out, _ = process.communicate(timeout=600)
            taken += json.loads(out)[WARM_UP:]
        return taken
    finally:
        reviewer.kill()
        reviewer.wait()


def _idle(bench: Bench, seconds: int) -> float:
    """Percent of a processor that a waiting agent uses."""
    argv = [sys.executable, "-m", "benchmarks.gates", "idle", str(bench.fresh("idle")), str(seconds)]
    used = float(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    return used / seconds * 100


# -- the processes ------------------------------------------------------------------------------------------------


def agent(db: str, name: str, rounds: int, pause: float, checks: bool) -> None:
    from sessions.gate import Gate
    from sessions.live import checking

    if not checks:
        checking.points = dict  # type: ignore[assignment]
    chance = random.Random(name)
    taken = []
    with Gate(agent="bench", task="Mend it.", run=name, db=db, timeout_s=60) as gate:
        for number in range(rounds):
            time.sleep(chance.uniform(0, 2 * pause))
            for step in range(CHUNK_STEPS):
                thought = f"Round {number}, step {step}: I look at the log of the service. " * 5
                calls = [("bash", {"command": f"grep -c error /var/log/{number}.log"})]
                gate.add("bench", text=thought, calls=calls, results=[("bash", f"{number}\n" * 40)])
            start = time.perf_counter()
            answer = gate.open()
            taken.append(time.perf_counter() - start)
            assert answer.verdict is not None, "nobody answered"
    print(json.dumps(taken))


def reviewer(db: str) -> None:
    from labels.operating import Said, decide
    from sessions.errors import UserError
    from sessions.live import gates
    from sessions.live.waiting import Waiter
    from sessions.store import Store

    with Store.open(Path(db)) as store, Waiter(store) as waiter:
        while True:
            waits = [gate for gate in gates.waiting(store) if gate.state == gates.OPEN]
            for gate in waits:
                try:
                    decide(store, "bench", gate, Said("approve"))
                except UserError:
                    continue
            if not waits:
                waiter.changed(0.25)


def idle(db: str, seconds: int) -> None:
    from sessions.gate import Gate
    from sessions.live import checking

    checking.points = dict  # type: ignore[assignment]
    with Gate(agent="bench", task="Mend it.", db=db) as gate:
        gate.add("bench", text="I wait.")
        used = []
        for wait in (0.5, 0.5, 0.5 + seconds):  # the first one loads modules, the second is what each question costs
            before = time.process_time()
            gate.open(timeout_s=wait)
            used.append(time.process_time() - before)
        print(used[2] - used[1])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["agent", db, name, rounds, pause, checks]:
            agent(db, name, int(rounds), float(pause), checks == "1")
        case ["reviewer", db]:
            reviewer(db)
        case ["idle", db, seconds]:
            idle(db, int(seconds))
        case other:
            raise SystemExit(f"unknown: {other}")
