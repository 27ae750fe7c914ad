"""kill -9 at any moment: a restore is finished to the byte by whoever comes next, a snapshot is there or it is not."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from helpers import Workers
from workspaces import IN_MEMORY, Picture, age, differences, picture, write

from sessions.workspace import steps
from sessions.workspace.objects import PackWriter
from sessions.workspace.records import APPLYING, DONE, LEFT, PLANNED
from sessions.workspace.snapshots import Snapshots
from sessions.workspace.tree import WorkspaceTree

#: Calls that change something, in the workspace or in the store: a kill before and after each of them is tried.
TREE_CALLS = ("create", "replace", "symlink", "unlink", "mkdir", "rmdir", "set_times", "set_mode")


class Place:
    """A workspace in two states, one and two, with a snapshot of each. No store is held open: children are forked."""

    def __init__(self, tmp_path: Path, files: int) -> None:
        self.folder, self.store = tmp_path / "workspace", tmp_path / "store"
        self.folder.mkdir()
        for number in range(files):
            write(self.folder / f"d{number % 3}" / f"f{number}", f"one {number}\n" * 50)
        write(self.folder / "only-one" / "x", "x" * 5000, 0o600)
        write(self.folder / "becomes-folder", "file")
        (self.folder / "becomes-file").mkdir()
        (self.folder / "link").symlink_to("d0")
        age(self.folder)
        self.one, self.pictured_one = self._kept("1")
        for number in range(0, files, 2):
            write(self.folder / f"d{number % 3}" / f"f{number}", f"two {number}\n" * 50)
        shutil.rmtree(self.folder / "only-one")
        write(self.folder / "new" / "deep" / "y", "y", 0o640)
        (self.folder / "becomes-folder").unlink()
        write(self.folder / "becomes-folder" / "z", "z")
        (self.folder / "becomes-file").rmdir()
        write(self.folder / "becomes-file", "now a file")
        (self.folder / "d1").chmod(0o700)
        (self.folder / "link").unlink()
        (self.folder / "link").symlink_to("d1")
        age(self.folder, 1_800_000_000_000_000_000)
        self.two, self.pictured_two = self._kept("2")

    def _kept(self, key: str) -> tuple[str, Picture]:
        with Snapshots(self.store) as store:
            return store.take(self.folder, "run", key).id, picture(self.folder)

    def restore(self, snapshot: str) -> None:
        with Snapshots(self.store) as store:
            store.apply(store.plan(self.folder, snapshot), conflicts="take")

    def resume(self) -> list[str]:
        with Snapshots(self.store) as store:
            return [info.state for info in store.resume_interrupted() if not info.problem]

    def now(self) -> Picture:
        return picture(self.folder)

    def verify(self) -> list[str]:
        with Snapshots(self.store) as store:
            return store.verify()


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as name:
        yield Path(name)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, files=6)


def killed_at(number: int, job: Callable[[], object]) -> Callable[[], object]:
    """The job, killed at the given call of those that change something (each counts before and after it happens)."""

    def run() -> None:
        seen = 0

        def dying(call: Callable[..., object]) -> Callable[..., object]:
            def counted(*args: object, **more: object) -> object:
                nonlocal seen
                seen += 1
                if seen == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                result = call(*args, **more)
                seen += 1
                if seen == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

            return counted

        patches = [patch.object(WorkspaceTree, name, dying(getattr(WorkspaceTree, name))) for name in TREE_CALLS]
        patches.append(patch.object(steps.os, "write", dying(os.write)))
        for item in patches:
            item.start()
        job()

    return run


def outcome(job: Callable[[], object]) -> int:
    return Workers([job]).wait()[0]


def test_a_restore_killed_at_any_step_is_finished_to_the_byte(place: Place) -> None:
    """Every step in turn, and every third time the one who finishes it is killed, too."""
    targets = [(place.two, place.pictured_two), (place.one, place.pictured_one)]
    number, kills, interrupted = 0, 0, 0
    while True:
        number += 1
        snapshot, wanted = targets[number % 2]
        code = outcome(killed_at(number, lambda snapshot=snapshot: place.restore(snapshot)))
        if code == 0:
            break
        assert code == -signal.SIGKILL
        kills += 1
        if number % 3 == 0:
            kills += outcome(killed_at(number // 2 + 1, place.resume)) == -signal.SIGKILL
        states = place.resume()
        assert states in ([], [DONE])
        interrupted += len(states)
        assert differences(wanted, place.now()) == {}
    assert differences(wanted, place.now()) == {}
    assert interrupted > 60
    assert kills > 80
    assert place.verify() == []


def test_restores_killed_at_random_moments(tmp_path: Path) -> None:
    """By the clock, in any state: planning, before the journal, in the middle, after the last step. Every other time,
    the clock starts with the first step."""
    place = Place(tmp_path, files=40)
    targets = [(place.one, place.pictured_one), (place.two, place.pictured_two)]
    chance, usual, seen = random.Random(4), 0.03, set()
    for number in range(30):
        snapshot, wanted = targets[number % 2]
        begun, say = os.pipe()
        workers = Workers([told(say, lambda snapshot=snapshot: place.restore(snapshot))])
        os.close(say)
        start = time.perf_counter()
        if number % 2:
            os.read(begun, 1)
            time.sleep(chance.uniform(0, 0.3) * usual)
        else:
            time.sleep(chance.uniform(0.1, 1.1) * usual)
        workers.kill()
        code = workers.wait()[0]
        os.close(begun)
        usual = max(usual, time.perf_counter() - start) if code == 0 else usual
        with Snapshots(place.store) as store:
            unfinished = store.records.unfinished()
            seen |= {info.state for info in unfinished}
            finished = store.resume_interrupted()
        assert len(unfinished) <= 1
        assert [info.state for info in finished] == [LEFT if info.state == PLANNED else DONE for info in unfinished]
        now = place.now()
        if finished and finished[0].state == DONE:
            assert differences(wanted, now) == {}
        else:
            assert now in (wanted, targets[1 - number % 2][1]), "all or nothing"
        if now != wanted:
            place.restore(snapshot)
            assert differences(wanted, place.now()) == {}
    assert APPLYING in seen
    assert place.verify() == []


def told(say: int, job: Callable[[], None]) -> Callable[[], None]:
    """The job, which says when it begins with the steps of a restore."""

    def run() -> None:
        real = steps.Worker.run

        def telling(*args: object) -> None:
            os.write(say, b"x")
            real(*args)  # type: ignore[arg-type]

        with patch.object(steps.Worker, "run", telling):
            job()

    return run


def test_what_others_do_to_an_interrupted_restore_is_left_to_them(place: Place) -> None:
    code = outcome(killed_at(12, lambda: place.restore(place.one)))
    assert code == -signal.SIGKILL
    write(place.folder / "d0" / "f0", "somebody saw a half restored file and repaired it")
    with Snapshots(place.store) as store:
        (info,) = store.resume_interrupted()
        assert info.state == DONE
        assert not info.complete
        assert list(info.failed) == ["d0/f0"]
        assert (place.folder / "d0" / "f0").read_text().startswith("somebody")
        plan = store.plan(place.folder, place.one)
        assert [change.path for change in plan.conflicts] == ["d0/f0"]


def test_no_temporary_file_stays(place: Place) -> None:
    for number in range(1, 60, 7):
        outcome(killed_at(number, lambda: place.restore(place.one)))
        place.resume()
        assert not [name for _, _, files in os.walk(place.folder) for name in files if name.startswith(".review-tui")]
        place.restore(place.two)


def test_snapshots_and_plans_wait_until_an_interrupted_restore_is_finished(place: Place) -> None:
    outcome(killed_at(12, lambda: place.restore(place.one)))
    with Snapshots(place.store) as store:
        for call in (
            lambda: store.take(place.folder, "run", "3"),
            lambda: store.plan(place.folder, place.two),
        ):
            with pytest.raises(Exception, match=r"was interrupted. `review-tui workspace resume` finishes it"):
                call()
        store.resume_interrupted()
        assert store.take(place.folder, "run", "3").files


@pytest.mark.parametrize("call", ["add", "publish", "record"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_snapshot_is_not_there_and_the_next_one_is_whole(place: Place, call: str, when: str) -> None:
    write(place.folder / "fresh", os.urandom(5000))
    original = getattr(PackWriter, call)

    def dying(*args: object) -> None:
        if when == "after":
            original(*args)
        os.kill(os.getpid(), signal.SIGKILL)

    def job() -> None:
        with patch.object(PackWriter, call, dying), Snapshots(place.store) as store:
            store.take(place.folder, "run", "3")

    assert outcome(job) == -signal.SIGKILL
    assert place.verify() == []
    with Snapshots(place.store) as store:
        assert [info.key for info in store.records.snapshots()] == ["1", "2"]
        third = store.take(place.folder, "run", "3")
        assert third.new_bytes >= 5000
        (place.folder / "fresh").unlink()
        assert store.apply(store.plan(place.folder, third.id), conflicts="take").complete
        assert (place.folder / "fresh").stat().st_size == 5000
        store.collect()
        known = {row[0] for row in store.records.database.query("SELECT name FROM pack")}
        assert {path.stem for path in (place.store / "packs").iterdir()} == known, "litter of the crash is gone"
