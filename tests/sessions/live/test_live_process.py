"""Processes: who runs, who descends from whom, and that an agent is recognised when it calls."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gate_tools import open_, request

from sessions.errors import UserError
from sessions.live import opening, process, runs
from sessions.live.clock import Moment, elapsed, now
from sessions.live.guarding import gated_run, refuse_agents
from sessions.live.process import MARKER, Process, ancestors, is_alive, marked_run, myself
from sessions.store import Store

ROOT = Path(__file__).resolve().parents[3]
#: Prints which gated run the process belongs to.
ASK = """
import sys
from pathlib import Path
from sessions.live.guarding import gated_run
from sessions.store import Store
with Store.open(Path(sys.argv[1])) as store:
    print(gated_run(store))
"""


def test_this_process_and_its_parents() -> None:
    line = ancestors()
    assert line[0].pid == os.getpid()
    assert line[1].pid == os.getppid()
    assert len({item.pid for item in line}) == len(line)


def test_a_dead_process_and_a_number_given_again_are_told_apart() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    known = process.process(child.pid)
    assert known is not None
    assert is_alive(known)
    assert is_alive(Process(known.pid, "1", known.boot, known.host)) is False
    child.communicate(b"\n")
    assert is_alive(known) is False
    assert process.process(child.pid) is None
    assert is_alive(Process(known.pid, known.started, "another start", known.host)) is False
    assert is_alive(Process(known.pid, known.started, f"{process.boot_id()}/pid:[1]", known.host)) is None


def test_a_dead_child_that_nobody_asked_about_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    known = process.process(child.pid)
    deadline = time.monotonic() + 10
    while known is not None and is_alive(known) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert known is None or is_alive(known) is False
    child.wait()


def test_without_proc_ps_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/bin/ps").exists():
        assert process._ask_ps(os.getpid()) is None
        return
    found = process._ask_ps(os.getpid())
    assert found is not None
    assert found[0] == os.getppid()
    assert found[1]


def call(db: Path, *prefix: str, **environment: str) -> str:
    """What a child process, perhaps through others, finds it belongs to."""
    found = subprocess.run(
        [*prefix, sys.executable, "-c", ASK, str(db)],
        capture_output=True, text=True, check=True, cwd=ROOT, env={**os.environ, **environment},
    )  # fmt: skip
    return found.stdout.strip()


def test_children_of_the_agent_are_recognised(db: Path, store: Store) -> None:
    opening.open_gate(store, request(), agent=myself(), checks={})
    assert gated_run(store) == "r"
    assert call(db) == "r"
    assert call(db, "env", "-i") == "r"
    assert call(db, "setsid", "--wait", "sh", "-c", '"$@"; exit $?', "sh") == "r"
    with pytest.raises(UserError, match="from inside the gated run 'r'"):
        refuse_agents(store)


def test_others_are_not(db: Path, store: Store) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    known = process.process(child.pid)
    gate = open_(store)
    with store.write() as tx:
        assert known is not None
        runs.register(tx, gate.run, known)
    assert gated_run(store, child.pid) == "r"
    assert gated_run(store) is None
    assert call(db) == "None"
    with store.write() as tx:
        tx.execute("UPDATE live_process SET started = '1'")
    assert gated_run(store, child.pid) is None, "the number was given to another process"
    child.communicate(b"\n")


def test_a_run_that_is_over_has_no_agent_any_more(store: Store) -> None:
    gate = opening.open_gate(store, request(), agent=myself(), checks={})
    with store.write() as tx:
        tx.execute("UPDATE live SET ended = 'final' WHERE run = ?", [gate.run])
    assert gated_run(store) is None


def test_the_mark_is_inherited_and_seen_in_parents(db: Path, store: Store) -> None:
    assert marked_run() is None
    assert call(db, **{MARKER: "marked"}) == "marked"
    unset = ("sh", "-c", f'env -u {MARKER} "$@"; exit $?', "sh")
    assert call(db, *unset, **{MARKER: "marked"}) == "marked"
    assert call(db, *unset) == "None"


def test_time_goes_on_although_the_clock_is_set_back() -> None:
    before = now()
    later = Moment(before.wall - 3600, before.ticks + 5, before.boot)
    assert elapsed(before, later) == 5
    assert elapsed(before, Moment(before.wall + 7, 1.0, "another start")) == pytest.approx(7)
