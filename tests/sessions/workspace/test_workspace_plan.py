"""Plans: whose change it is, what a person may choose, and what cannot be chosen."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from workspaces import differences, picture, write

from sessions.errors import UsageError, UserError
from sessions.workspace import entries as e
from sessions.workspace.plan import Plan
from sessions.workspace.records import SnapshotInfo
from sessions.workspace.snapshots import Snapshots


@pytest.fixture
def target(folder: Path, store: Snapshots) -> SnapshotInfo:
    """The snapshot to go back to: some files, before the agent works."""
    for name in ("agents", "users", "both", "dir/inside"):
        write(folder / name, "one")
    return store.take(folder, "run", "1")


@pytest.fixture
def plan(folder: Path, store: Snapshots, target: SnapshotInfo) -> Plan:
    """After work of the agent, a snapshot, and changes by a person."""
    write(folder / "agents", "agent")
    write(folder / "both", "agent")
    write(folder / "made", "by the agent")
    shutil.rmtree(folder / "dir")
    store.take(folder, "run", "2")
    write(folder / "users", "person")
    write(folder / "both", "person")
    write(folder / "notes", "by a person")
    return store.plan(folder, target.id)


def read(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_whose_change_it_is(plan: Plan) -> None:
    found = {change.path: (change.action, change.conflict) for change in plan.changes if not change.implied}
    assert found == {
        "agents": ("rewrite", False),
        "both": ("rewrite", True),
        "dir": ("mkdir", False),
        "dir/inside": ("create", False),
        "made": ("delete", False),
        "notes": ("delete", True),
        "users": ("rewrite", True),
    }
    assert plan.counts == {"rewrite": 3, "mkdir": 1, "create": 1, "delete": 2}


def test_others_work_is_kept_unless_asked(folder: Path, store: Snapshots, plan: Plan) -> None:
    restore = store.apply(plan)
    assert read(folder) == {
        "agents": "one", "both": "person", "dir/inside": "one", "notes": "by a person", "users": "person",
    }  # fmt: skip
    assert restore.kept == ("both", "notes", "users")
    assert restore.counts == {"rewrite": 1, "mkdir": 1, "create": 1, "delete": 1}


def test_take_all(folder: Path, store: Snapshots, plan: Plan) -> None:
    assert store.apply(plan, conflicts="take").kept == ()
    assert read(folder) == {"agents": "one", "both": "one", "dir/inside": "one", "users": "one"}


def test_both(folder: Path, store: Snapshots, plan: Plan, target: SnapshotInfo) -> None:
    name = f"both.snapshot-{target.id[:8]}"
    write(folder / name, "taken already")
    plan = store.plan(folder, target.id)
    restore = store.apply(plan, {"both": "both", "notes": "both", name: "keep"})
    assert read(folder)["both"] == "person"
    assert read(folder)[name] == "taken already"
    assert read(folder)[f"{name}-2"] == "one"
    assert dict(restore.beside) == {"both": f"{name}-2"}
    assert os.stat(folder / f"{name}-2").st_mtime_ns == e_mtime(store, target, "both")
    before_undo = read(folder)
    store.undo(restore.id)
    assert f"{name}-2" not in read(folder)
    assert before_undo.keys() - read(folder).keys() == {f"{name}-2", "dir/inside"}


def e_mtime(store: Snapshots, info: SnapshotInfo, path: str) -> int:
    return store.records.entries(info.manifest)[path].mtime_ns


def test_both_with_a_name_that_is_as_long_as_names_can_be(folder: Path, store: Snapshots) -> None:
    name = "é" * 127
    write(folder / name, "one")
    target = store.take(folder, "run", "1")
    write(folder / name, "person")
    restore = store.apply(store.plan(folder, target.id), conflicts="both")
    (beside,) = restore.beside.values()
    assert (folder / beside).read_text() == "one"
    assert (folder / name).read_text() == "person"
    assert beside.endswith(f".snapshot-{target.id[:8]}")


def test_an_agents_change_may_be_kept_too(folder: Path, store: Snapshots, plan: Plan, target: SnapshotInfo) -> None:
    store.apply(plan, {"made": "keep", "dir/inside": "keep"})
    assert read(folder)["made"] == "by the agent"
    assert (folder / "dir").is_dir()
    later = store.plan(folder, target.id)
    assert {change.path for change in later.conflicts} >= {"made", "dir/inside"}, "a person wanted them so"


def test_choices_about_other_paths_are_refused(store: Snapshots, plan: Plan) -> None:
    with pytest.raises(UsageError, match="does not change nonsense"):
        store.apply(plan, {"nonsense": "take"})
    with pytest.raises(UsageError, match="'maybe' is no choice"):
        plan.resolved(conflicts="maybe")  # type: ignore[arg-type]


def test_a_dry_run_says_what_will_happen_and_only_that_happens(folder: Path, store: Snapshots, plan: Plan) -> None:
    before = picture(folder)
    outcome = plan.resolved({"users": "take"})
    assert picture(folder) == before
    assert dict(outcome.counts) == {"rewrite": 2, "mkdir": 1, "create": 1, "delete": 1}
    assert outcome.bytes == 9
    assert outcome.kept == ("both", "notes")
    with pytest.raises(UserError, match="would not do what was agreed on"):
        store.apply(plan, expect=outcome.fingerprint)
    assert picture(folder) == before
    restore = store.apply(plan, {"users": "take"}, expect=outcome.fingerprint)
    assert (restore.counts, restore.bytes, restore.kept) == (outcome.counts, outcome.bytes, outcome.kept)


def test_what_changed_since_the_plan_stops_it(folder: Path, store: Snapshots, plan: Plan) -> None:
    write(folder / "agents", "changed again")
    before = picture(folder)
    with pytest.raises(UserError, match=r"changed since the plan was made: agents. Nothing was done"):
        store.apply(plan)
    assert picture(folder) == before
    assert store.records.restores() == []


def test_what_changed_elsewhere_since_the_plan_does_not(folder: Path, store: Snapshots, plan: Plan) -> None:
    write(folder / "elsewhere", "new")
    assert store.apply(plan).complete
    assert read(folder)["elsewhere"] == "new"


def test_a_kept_conflict_remains_one(folder: Path, store: Snapshots, plan: Plan, target: SnapshotInfo) -> None:
    store.apply(plan)
    store.take(folder, "run", "3")
    later = store.plan(folder, target.id)
    assert [change.path for change in later.conflicts] == ["both", "notes", "users"]


def test_edits_at_a_gate_are_told_from_the_agents(folder: Path, store: Snapshots, target: SnapshotInfo) -> None:
    write(folder / "agents", "agent")
    store.take(folder, "run", "2")
    write(folder / "users", "a person's fix at the gate")
    resumed = store.take(folder, "run", "2-resumed", by_others=True)
    assert resumed.others == {"users"}
    write(folder / "made", "agent")
    store.take(folder, "run", "3")
    plan = store.plan(folder, target.id)
    assert [change.path for change in plan.conflicts] == ["users"]
    store.apply(plan)
    assert read(folder)["users"] == "a person's fix at the gate"


def test_runs_that_continued_a_run(folder: Path, store: Snapshots, target: SnapshotInfo) -> None:
    write(folder / "agents", "agent")
    store.take(folder, "segment-2", "1")
    assert [change.path for change in store.plan(folder, target.id).conflicts] == ["agents"]
    plan = store.plan(folder, target.id, runs=["segment-2"])
    assert plan.conflicts == ()
    assert plan.run == "segment-2"


def test_folders_that_hold_what_is_kept_stay(folder: Path, store: Snapshots, target: SnapshotInfo) -> None:
    write(folder / "new" / "deep" / "agents", "agent")
    store.take(folder, "run", "2")
    write(folder / "new" / "deep" / "persons", "person")
    restore = store.apply(store.plan(folder, target.id))
    assert read(folder)["new/deep/persons"] == "person"
    assert not (folder / "new" / "deep" / "agents").exists()
    assert restore.notes == (
        "the folder new/deep stays, because new/deep/persons in it does",
        "the folder new stays, because new/deep in it does",
    )


def test_what_cannot_come_back_says_why(folder: Path, store: Snapshots, target: SnapshotInfo) -> None:
    shutil.rmtree(folder / "dir")
    store.take(folder, "run", "2")
    write(folder / "dir", "a person's file where the folder was")
    plan = store.plan(folder, target.id)
    restore = store.apply(plan)
    assert restore.complete
    assert restore.notes == ("dir/inside does not come back, because dir stays as it is",)
    assert (folder / "dir").is_file()


def test_a_folder_where_a_file_was(folder: Path, store: Snapshots, target: SnapshotInfo) -> None:
    (folder / "agents").unlink()
    write(folder / "agents" / "x", "agent")
    store.take(folder, "run", "2")
    write(folder / "agents" / "persons", "person")
    assert store.apply(store.plan(folder, target.id)).complete
    assert read(folder)["agents/persons"] == "person"
    assert not (folder / "agents" / "x").exists()


def test_a_folder_that_a_person_removed_comes_back_for_what_is_taken(
    folder: Path, store: Snapshots, target: SnapshotInfo
) -> None:
    shutil.rmtree(folder / "dir")
    plan = store.plan(folder, target.id)
    assert {change.path for change in plan.conflicts} == {"dir", "dir/inside"}
    store.apply(plan, {"dir/inside": "take"})
    assert read(folder)["dir/inside"] == "one"


def test_folder_times_stay_where_something_was_kept(folder: Path, store: Snapshots) -> None:
    write(folder / "d" / "a", "one")
    write(folder / "e" / "a", "one")
    os.utime(folder / "d", ns=(5, 5))
    os.utime(folder / "e", ns=(6, 6))
    target = store.take(folder, "run", "1")
    write(folder / "d" / "b", "agent")
    write(folder / "e" / "b", "agent")
    store.take(folder, "run", "2")
    write(folder / "e" / "c", "person")
    now = (folder / "e").stat().st_mtime_ns
    store.apply(store.plan(folder, target.id))
    assert (folder / "d").stat().st_mtime_ns == 5
    assert (folder / "e").stat().st_mtime_ns == now


# -- undo -----------------------------------------------------------------------------------------------------------


def test_undo_leaves_later_work_alone(folder: Path, store: Snapshots, plan: Plan) -> None:
    restore = store.apply(plan)
    write(folder / "agents", "later")
    write(folder / "later", "later")
    undo = store.plan_undo(restore.id)
    assert [change.path for change in undo.conflicts] == ["agents"]
    store.apply(undo)
    assert read(folder)["agents"] == "later"
    assert read(folder)["later"] == "later"
    assert read(folder)["made"] == "by the agent"


def test_undo_twice_is_refused_and_redo_is_an_undo(folder: Path, store: Snapshots, plan: Plan) -> None:
    restore = store.apply(plan)
    restored = picture(folder)
    undone = store.undo(restore.id)
    assert undone.undoes == restore.id
    with pytest.raises(UserError, match=rf"was undone already, by {undone.id[:8]}"):
        store.undo(restore.id)
    assert store.records.restore(restore.id).undone_by == undone.id
    redone = store.undo(undone.id)
    assert differences(restored, picture(folder)) == {}
    assert store.records.restore(redone.id).undoes == undone.id


def test_undo_of_nothing(store: Snapshots, folder: Path, target: SnapshotInfo) -> None:
    restore = store.apply(store.plan(folder, target.id))
    assert (restore.counts, restore.complete) == ({}, True)
    assert store.undo(restore.id).counts == {}


# -- by name --------------------------------------------------------------------------------------------------------


def test_snapshots_by_the_beginning_of_their_ids(folder: Path, store: Snapshots, target: SnapshotInfo) -> None:
    assert store.records.snapshot(target.id[:6]).id == target.id
    for text in ("", "zzzz", target.id[:3], f"{target.id[:4]}%", "' OR 1=1 --"):
        with pytest.raises(UserError, match="there is no snapshot"):
            store.plan(folder, text)


def test_a_snapshot_of_another_workspace_is_refused(
    tmp_path: Path, folder: Path, store: Snapshots, target: SnapshotInfo
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(UserError, match=f"is of {folder}, not of {other}"):
        store.plan(other, target.id)


def test_the_workspace_may_be_named_by_a_link(tmp_path: Path, folder: Path, store: Snapshots) -> None:
    write(folder / "a", "1")
    (tmp_path / "link").symlink_to(folder)
    info = store.take(tmp_path / "link", "run", "1")
    assert info.workspace == folder
    assert store.plan(tmp_path / "link", info.id).changes == ()


def test_modes_and_owners(folder: Path, store: Snapshots) -> None:
    write(folder / "a", "1", 0o640)
    (folder / "d").mkdir(mode=0o711)
    if e.owners_count():
        os.chown(folder / "a", 1234, 5678)
    before = picture(folder)
    target = store.take(folder, "run", "1")
    (folder / "a").chmod(0o777)
    (folder / "d").chmod(0o700)
    if e.owners_count():
        os.chown(folder / "d", 1234, -1)
        os.chown(folder / "a", 0, 0)
    store.take(folder, "run", "2")
    restore = store.apply(store.plan(folder, target.id))
    assert restore.counts == {"chmod": 2}
    assert differences(before, picture(folder)) == {}
