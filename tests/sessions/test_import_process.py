"""The import in a process of its own: what happens when whoever started it stops it, leaves it or is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sessions import catalog
from sessions.background import NICENESS
from sessions.importing import PATIENCE_S, Importer
from sessions.store import Store

#: Enough to be read for a second or more.
STEPS = 60_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "run.jsonl"
    with open(path, "w") as file:
        for number in range(STEPS):
            role = "user" if number % 20 == 0 else "assistant"
            file.write(json.dumps({"role": role, "content": f"step {number} " + "word " * 60}) + "\n")
    return path


class Followed:
    """An import, followed in a thread as the station does it."""

    def __init__(self, db: Path, path: Path) -> None:
        self.importer = Importer(db, [path])
        self.started = threading.Event()
        self.failures: list[str] = []
        self.thread = threading.Thread(
            target=self.importer.follow,
            kwargs={"started": self._start, "finished": lambda *_: None, "failed": self.failures.append},
        )
        self.thread.start()
        assert self.started.wait(30)

    def _start(self, _run: str) -> None:
        self.started.set()

    @property
    def pid(self) -> int:
        return self.importer._process.pid


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "review.db"):
        pass
    return tmp_path / "review.db"


def test_an_import_that_is_left_ends_by_itself_and_puts_the_database_in_order(db: Path, large: Path) -> None:
    followed = Followed(db, large)
    followed.importer.leave()
    followed.thread.join(10)
    assert not followed.thread.is_alive(), "the station must not wait for what the import still does"
    assert not followed.failures
    followed.importer.stop()  # as the command line does at its end: nothing is left to do
    followed.importer._process.wait(20)
    assert not Path(f"{db}-wal").exists()
    with Store.open(db) as store:
        (run,) = catalog.runs(store)
        assert not run.complete
        assert 0 < run.steps < STEPS
        assert store.query("SELECT 1 FROM meta WHERE name LIKE 'importing %'") == []


def test_an_import_that_is_stopped_is_gone_at_once(db: Path, large: Path) -> None:
    followed = Followed(db, large)
    followed.importer.stop()
    assert followed.importer._process.poll() is not None
    followed.thread.join(10)
    assert not followed.thread.is_alive()
    assert not followed.failures


STATION = """
import sys, threading
from pathlib import Path
from sessions.background import NICENESS
from sessions.importing import Importer
importer = Importer(Path(sys.argv[1]), [Path(sys.argv[2])])
def started(run):
    print(importer._process.pid, flush=True)
importer.follow(started=started, finished=print, failed=print)
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")
def test_an_import_whose_station_is_killed_ends_too(db: Path, large: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", STATION, str(db), str(large)], stdout=subprocess.PIPE) as station:
        assert station.stdout is not None
        pid = int(station.stdout.readline())
        station.kill()
    until(lambda: not _runs(pid), PATIENCE_S + 20)
    with Store.open(db) as store:
        (run,) = catalog.runs(store)
        assert not run.complete


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="Linux only")
def test_an_import_stands_back_for_the_reviewer(db: Path, large: Path) -> None:
    """Both processes: the one that stores, and the one that reads for it."""
    followed = Followed(db, large)
    try:
        children = Path(f"/proc/{followed.pid}/task/{followed.pid}/children").read_text().split()
        assert children
        for pid in (followed.pid, *map(int, children)):
            assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)
            assert os.sched_getscheduler(pid) == os.SCHED_BATCH
            shared_out = Path(f"/proc/{pid}/autogroup")  # by session: then it is the session's niceness that counts
            if shared_out.exists():
                assert shared_out.read_text().split()[-1] == str(NICENESS)
    finally:
        followed.importer.stop()
        followed.thread.join(10)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
