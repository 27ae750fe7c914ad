"""Disks that are full, restores at the same time, and a store that keeps to its budget."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from helpers import Workers, in_processes
from workspaces import differences, picture, write

from sessions.errors import UserError
from sessions.workspace import collect, objects, restoring
from sessions.workspace.records import APPLYING, DONE
from sessions.workspace.snapshots import Snapshots
from sessions.workspace.tree import WorkspaceTree

# -- full disks -----------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    place = tmp_path / "small"
    place.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2m", "none", place], check=False, stderr=subprocess.DEVNULL
        ).returncode
    ):
        pytest.skip("cannot mount here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(place: Path) -> Path:
    """Take all the room that is left."""
    filler = place / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (65536, 4096, 512):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return filler


def test_a_snapshot_on_a_full_disk_is_none_at_all(folder: Path, small_disk: Path) -> None:
    with Snapshots(small_disk / "store") as store:
        write(folder / "a", "1")
        first = store.take(folder, "run", "1")
        packs = set((store.folder / "packs").iterdir())
        for number in range(8):
            write(folder / f"large{number}", os.urandom(500_000))
        with pytest.raises(UserError, match="is full: no snapshot was taken") as caught:
            store.take(folder, "run", "2")
        assert "\n" not in str(caught.value)
        assert [info.id for info in store.records.snapshots()] == [first.id]
        assert set((store.folder / "packs").iterdir()) == packs, "no litter"
        assert store.verify() == []
        for number in range(8):
            (folder / f"large{number}").unlink()
        write(folder / "b", "2")
        assert store.take(folder, "run", "2").files == 2


def test_no_room_for_the_database_of_the_store(folder: Path, small_disk: Path) -> None:
    """The contents fit, the row that names them does not."""
    with Snapshots(small_disk / "store") as store:
        write(folder / "a", "1")
        first = store.take(folder, "run", "1")
        real = objects.PackWriter.publish

        def publish(writer: objects.PackWriter) -> None:
            real(writer)
            fill(small_disk)

        for number in range(300):
            write(folder / f"f{number}", f"{number}")
        with patch.object(objects.PackWriter, "publish", publish), pytest.raises(UserError, match="full"):
            store.take(folder, "run", "2")
        (small_disk / "filler").unlink()
        assert [info.id for info in store.records.snapshots()] == [first.id]
        assert store.take(folder, "run", "2").files == 301
        assert store.verify() == []


def test_a_limit_on_file_sizes(folder: Path, tmp_path: Path) -> None:
    write(folder / "a", os.urandom(3_000_000))

    def job() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
        with Snapshots(tmp_path / "s") as store:
            with pytest.raises(UserError, match="a size limit does not let"):
                store.take(folder, "run", "1")
            assert store.records.snapshots() == []
            assert list((store.folder / "packs").iterdir()) == []

    in_processes(job)


def test_a_restore_that_cannot_fit_does_not_begin(small_disk: Path, store: Snapshots) -> None:
    folder = small_disk / "w"
    write(folder / "large", os.urandom(1_000_000))
    first = store.take(folder, "run", "1")
    (folder / "large").unlink()
    write(folder / "other", "2")
    store.take(folder, "run", "2")
    fill(small_disk)
    before = picture(folder)
    with pytest.raises(UserError, match=r"needs 999,999 bytes, and the disk .* has only .* Nothing was done"):
        store.apply(store.plan(folder, first.id))
    assert picture(folder) == before
    assert store.records.restores() == []


def test_room_that_a_restore_frees_counts(small_disk: Path, store: Snapshots, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is replaced or deleted makes room for what comes back."""
    monkeypatch.setattr(restoring, "_SPARE", 0)
    folder = small_disk / "w"
    for number in range(10):
        write(folder / f"f{number}", os.urandom(90_000))
    first, before = store.take(folder, "run", "1"), picture(folder)
    for number in range(10):
        write(folder / f"f{number}", os.urandom(90_000))
    for number in range(6):
        write(folder / f"made{number}", os.urandom(100_000))
    store.take(folder, "run", "2")
    fill(small_disk)
    assert store.apply(store.plan(folder, first.id)).complete
    assert differences(before, picture(folder)) == {}


def test_a_restore_that_fills_the_disk_goes_on_later(small_disk: Path, store: Snapshots) -> None:
    folder = small_disk / "w"
    for number in range(10):
        write(folder / f"f{number}", os.urandom(60_000))
    first, before = store.take(folder, "run", "1"), picture(folder)
    for number in range(10):
        write(folder / f"f{number}", f"{number}")
    store.take(folder, "run", "2")
    write(small_disk / "other", bytes(1_000_000))
    plan = store.plan(folder, first.id)
    with patch.object(restoring, "_SPARE", -(10**9)):  # as if others took the room after the check
        fill(small_disk).rename(small_disk / "filler2")
        (small_disk / "other").unlink()
        write(small_disk / "other", bytes(700_000))
        with pytest.raises(
            UserError, match=r"is full: restore .* is half done and goes on with `review-tui workspace resume`"
        ):
            store.apply(plan)
    (info,) = store.records.unfinished()
    assert info.state == APPLYING
    (still,) = store.resume_interrupted()
    assert "is full" in still.problem
    with pytest.raises(UserError, match="was interrupted"):
        store.apply(plan)
    (small_disk / "other").unlink()
    (small_disk / "filler2").unlink()
    (done,) = store.resume_interrupted()
    assert done.state == DONE
    assert done.complete
    assert differences(before, picture(folder)) == {}


# -- at the same time -----------------------------------------------------------------------------------------------


def test_of_two_restores_at_once_one_is_refused(folder: Path, tmp_path: Path) -> None:
    for number in range(5):
        write(folder / f"f{number}", "1")
    with Snapshots(tmp_path / "s") as store:
        first, before = store.take(folder, "run", "1"), picture(folder)
        for number in range(5):
            write(folder / f"f{number}", "2")
        store.take(folder, "run", "2")
    begun, report = os.pipe()
    planned, say = os.pipe()
    real = WorkspaceTree.create

    def slow(tree: WorkspaceTree, path: str) -> int:
        os.write(report, b"x")
        time.sleep(0.2)
        return real(tree, path)

    def job() -> None:
        with patch.object(WorkspaceTree, "create", slow), Snapshots(tmp_path / "s") as store:
            assert store.apply(store.plan(folder, first.id)).complete

    def second() -> None:
        with Snapshots(tmp_path / "s") as store:
            plan = store.plan(folder, first.id)
            os.write(say, b"x")
            os.read(begun, 1)
            for call in (
                lambda: store.apply(plan),
                lambda: store.take(folder, "run", "3"),
                lambda: store.plan(folder, first.id),
            ):
                with pytest.raises(UserError, match=r"of this workspace is in progress. Try again when it is done"):
                    call()
            assert store.resume_interrupted() == [], "it is being carried out"

    workers = Workers([second])
    os.read(planned, 1)
    in_processes(job)
    assert workers.wait() == [0]
    assert differences(before, picture(folder)) == {}


def test_many_snapshots_at_once(tmp_path: Path) -> None:
    """Of different and of the same workspace, into one store."""
    folders = [tmp_path / "a", tmp_path / "a", tmp_path / "b", tmp_path / "c"]
    shared = os.urandom(20_000)
    for folder in set(folders):
        for number in range(20):
            write(folder / f"f{number}", shared + bytes([number]))

    def job(place: int) -> None:
        with Snapshots(tmp_path / "s") as store:
            for number in range(5):
                store.take(folders[place], f"run{place}", str(number))

    in_processes(*(lambda place=place: job(place) for place in range(4)))
    with Snapshots(tmp_path / "s") as store:
        assert len(store.records.snapshots()) == 20
        assert store.verify() == []
        store.collect()
        assert store.verify() == []


# -- the budget -----------------------------------------------------------------------------------------------------


def series(store: Snapshots, folder: Path, run: str, count: int, size: int = 10_000) -> list[str]:
    """Snapshots of one file that is another each time."""
    ids = []
    for number in range(count):
        write(folder / "data", os.urandom(size))
        ids.append(store.take(folder, run, str(number)).id)
    return ids


def left(store: Snapshots) -> list[str]:
    return [info.id for info in store.records.snapshots()]


def test_unfinished_runs_are_never_collected(folder: Path, store: Snapshots) -> None:
    ids = series(store, folder, "run", 4)
    found = store.collect(0)
    assert (found.removed, left(store)) == ((), ids)
    assert found.over_budget
    store.unpin("run")
    assert len(store.collect(0).removed) == 4
    assert (left(store), store.size()) == ([], 0)
    assert list((store.folder / "packs").iterdir()) == []


def test_the_oldest_go_first_and_only_as_many_as_needed(folder: Path, store: Snapshots) -> None:
    ids = series(store, folder, "run", 10)
    store.unpin("run")
    asked = store.collect(60_000, really=False)
    assert left(store) == ids, "it was only asked"
    done = store.collect(60_000)
    assert [info.id for info in done.removed] == [info.id for info in asked.removed] == ids[:6]
    assert left(store) == ids[6:]
    assert 40_000 <= store.size() <= 48_000
    assert store.verify() == []
    assert not done.over_budget


def test_a_store_within_its_budget_is_left_alone(folder: Path, store: Snapshots) -> None:
    ids = series(store, folder, "run", 3)
    store.unpin("run")
    assert store.collect().removed == ()
    assert left(store) == ids


def test_protected_snapshots_stay(folder: Path, store: Snapshots) -> None:
    ids = series(store, folder, "run", 4)
    store.unpin("run")
    store.collect(0, protected=[ids[1]])
    assert left(store) == [ids[1]]
    assert store.verify() == []


def test_what_undoing_the_last_restore_needs_stays(folder: Path, store: Snapshots) -> None:
    ids = series(store, folder, "run", 3)
    before = picture(folder)
    restore = store.apply(store.plan(folder, ids[0]))
    store.unpin("run")
    store.collect(0)
    assert set(left(store)) == {restore.target, restore.before, restore.after}
    store.undo(restore.id)
    assert differences(before, picture(folder)) == {}


def test_an_interrupted_restore_keeps_what_it_needs(folder: Path, store: Snapshots) -> None:
    ids = series(store, folder, "run", 3)
    plan = store.plan(folder, ids[0])
    with patch.object(restoring.Worker, "run", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        store.apply(plan)
    store.unpin("run")
    store.collect(0)
    (done,) = store.resume_interrupted()
    assert done.complete
    assert store.plan(folder, ids[0]).changes == ()


def test_runs_that_finish_make_room_by_themselves(folder: Path, tmp_path: Path) -> None:
    with Snapshots(tmp_path / "s", budget=50_000) as store:
        old = series(store, folder, "old", 4)
        assert store.size() < 50_000
        store.unpin("old")
        assert left(store) == old
        new = series(store, folder, "new", 4)
        assert left(store)[-4:] == new
        assert len(left(store)) < 8
        assert store.size() <= 50_000


def test_differences_outlive_the_snapshot_that_they_are_from(folder: Path, store: Snapshots) -> None:
    """Lists of files are kept as differences from an earlier list, which may go before they do."""
    for number in range(50):
        write(folder / f"f{number}", f"{number}")
    store.take(folder, "old", "1")
    write(folder / "f1", "changed")
    second, before = store.take(folder, "old", "2"), picture(folder)
    (row,) = store.records.database.query("SELECT base FROM manifest WHERE no = ?", [second.manifest])
    assert row[0] is not None, "or this proves nothing"
    store.unpin("old")
    assert len(store.collect(0, protected=[second.id]).removed) == 1
    write(folder / "f1", "changed again")
    assert store.apply(store.plan(folder, second.id), conflicts="take").complete
    assert differences(before, picture(folder)) == {}


def test_packs_with_waste_are_joined(folder: Path, store: Snapshots, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "_MANY_SMALL", 5)
    write(folder / "stays", os.urandom(1000))
    ids = series(store, folder, "run", 8)
    assert len(list((store.folder / "packs").iterdir())) == 8
    store.collect(0)
    assert len(list((store.folder / "packs").iterdir())) == 1
    assert left(store) == ids
    assert store.verify() == []
    for snapshot in (ids[0], ids[5]):
        assert store.apply(store.plan(folder, snapshot), conflicts="take").complete


@pytest.mark.parametrize("call", ["publish", "move", "_remove_litter"])
def test_collecting_that_is_interrupted_loses_nothing(
    folder: Path, store: Snapshots, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(collect, "_MANY_SMALL", 3)
    series(store, folder, "old", 4)
    ids = series(store, folder, "run", 4)
    store.unpin("old")
    place = collect if call == "_remove_litter" else objects.PackWriter
    real = getattr(place, call)

    def dying(*args: object) -> None:
        real(*args)
        raise KeyboardInterrupt

    with patch.object(place, call, dying), pytest.raises(KeyboardInterrupt):
        store.collect(0)
    assert left(store) == ids
    assert store.verify() == []
    store.collect(0)
    known = {row[0] for row in store.records.database.query("SELECT name FROM pack")}
    assert {path.stem for path in (store.folder / "packs").iterdir()} == known


def test_a_plan_from_before_a_collection_is_made_again(folder: Path, store: Snapshots) -> None:
    """Contents that a plan found may be gone: they belonged to no snapshot."""
    series(store, folder, "old", 2)
    write(folder / "data", "one")
    first = store.take(folder, "run", "1")
    write(folder / "data", "two")
    plan = store.plan(folder, first.id)
    store.unpin("old")
    assert store.collect(0).removed
    with pytest.raises(UserError, match=r"was tidied since the plan was made. Plan again"):
        store.apply(plan, conflicts="take")
    assert store.apply(store.plan(folder, first.id), conflicts="take").complete


def test_collecting_waits_for_others_and_then_gives_up(folder: Path, tmp_path: Path) -> None:
    with Snapshots(tmp_path / "s") as one, Snapshots(tmp_path / "s") as two:
        with one._base.locks.using(), pytest.raises(UserError, match="in use by another program"):
            two.collect(0, wait_s=0.05)
        two.collect(0, wait_s=0.05)


def test_pinning_a_run_that_is_not_there(store: Snapshots) -> None:
    with pytest.raises(UserError, match="no snapshot belongs to a run 'x'"):
        store.pin("x")
