"""What is refused, in one plain line each, and what hostile workspaces cannot do."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from helpers import Workers, become_nobody, in_processes
from workspaces import picture, write

from sessions import filesystem
from sessions.errors import UserError
from sessions.store import sqlite3
from sessions.workspace import guard, manifest, restoring, steps
from sessions.workspace.database import VERSION, default_folder
from sessions.workspace.entries import FILE, Entry
from sessions.workspace.snapshots import Snapshots
from sessions.workspace.tree import WorkspaceTree

ROOT = os.geteuid() == 0


def refused(call: Callable[[], object]) -> str:
    """What the call says: one line, with advice."""
    with pytest.raises(UserError) as caught:
        call()
    error = caught.value
    assert "\n" not in str(error)
    assert error.message.endswith(".")
    assert error.hint
    return str(error)


# -- workspaces -----------------------------------------------------------------------------------------------------


def test_home_and_the_system_are_no_workspaces(
    store: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "users" / "me"
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    (tmp_path / "link").symlink_to(home)
    for path, reason in (
        (home, "is your home folder"),
        (tmp_path / "link", "is your home folder"),
        (home / ".." / "me", "is your home folder"),
        (home.parent, "holds your home folder"),
        (Path("/"), "is the whole system"),
        (Path("/etc"), "belongs to the system"),
        (Path("/usr"), "belongs to the system"),
        (Path("/proc/self"), "shows the kernel"),
    ):
        assert reason in refused(lambda path=path: store.take(path, "run", "1"))
    (home / "project").mkdir()
    assert store.take(home / "project", "run", "1").folders == 1


def test_home_of_the_password_file_counts_too(
    store: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwd = pytest.importorskip("pwd")
    monkeypatch.setenv("HOME", str(tmp_path))
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    if home.parent != home and home.is_dir():
        assert "home folder" in refused(lambda: store.take(home, "run", "1"))


def test_a_shared_folder_is_no_workspace(store: Snapshots, folder: Path) -> None:
    folder.chmod(0o1777)
    assert "shared by all users" in refused(lambda: store.take(folder, "run", "1"))


def test_workspaces_that_hold_the_store_or_the_database(tmp_path: Path, folder: Path) -> None:
    with Snapshots(folder / "state" / "snapshots") as inside:
        assert "going back would undo the record itself" in refused(lambda: inside.take(folder, "run", "1"))
        assert "lies in the snapshot store" in refused(lambda: inside.take(inside.folder / "packs", "run", "1"))
    with Snapshots(tmp_path / "s", own=[folder / "deep" / "review.db"]) as store:
        assert "review.db" in refused(lambda: store.take(folder, "run", "1"))


def test_workspaces_that_are_not_there(store: Snapshots, folder: Path) -> None:
    assert "there is no folder" in refused(lambda: store.take(folder / "nowhere", "run", "1"))
    write(folder / "file")
    assert "is not a folder" in refused(lambda: store.take(folder / "file", "run", "1"))


def test_a_workspace_that_vanished(store: Snapshots, folder: Path) -> None:
    write(folder / "a", "1")
    snapshot = store.take(folder, "run", "1")
    (folder / "a").unlink()
    folder.rmdir()
    for call in (
        lambda: store.take(folder, "run", "2"),
        lambda: store.plan(folder, snapshot.id),
    ):
        assert "there is no folder" in refused(call)
    assert len(store.records.snapshots()) == 1


def test_a_workspace_that_vanishes_meanwhile_gives_no_empty_snapshot(store: Snapshots, folder: Path) -> None:
    """An empty snapshot, restored, would delete everything."""
    write(folder / "a", "1")
    real = WorkspaceTree.is_gone

    def is_gone(tree: WorkspaceTree) -> bool:
        os.rename(folder, folder.with_name("moved"))
        folder.mkdir()
        return real(tree)

    with patch.object(WorkspaceTree, "is_gone", is_gone):
        assert "moved or deleted meanwhile" in refused(lambda: store.take(folder, "run", "1"))
    assert store.records.snapshots() == []


def test_a_workspace_that_vanishes_before_a_restore(store: Snapshots, folder: Path) -> None:
    write(folder / "a", "1")
    snapshot = store.take(folder, "run", "1")
    write(folder / "a", "2")
    plan = store.plan(folder, snapshot.id)
    os.rename(folder, folder.with_name("moved"))
    assert "there is no folder" in refused(lambda: store.apply(plan))
    folder.mkdir()
    assert "changed since the plan was made" in refused(lambda: store.apply(plan, conflicts="take"))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "remote"),
    [("nfs4", True), ("cifs", True), ("9p", True), ("fuse.sshfs", True), ("ext4", False), ("fuse.ntfs-3g", False),
     ("overlay", False), (None, False)],
)  # fmt: skip
def test_network_file_systems_are_refused(
    store: Snapshots, folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str | None, remote: bool
) -> None:
    monkeypatch.setattr(guard, "file_system", lambda path: kind)
    if remote:
        message = refused(lambda: store.take(folder, "run", "1"))
        assert f"on a network file system ({kind})" in message
    else:
        assert store.take(folder, "run", "1")


def test_a_store_on_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "file_system", lambda path: "nfs")
    assert "on a network file system (nfs)" in refused(lambda: Snapshots(tmp_path / "s"))


MOUNTS = rb"""/dev/sda / ext4 rw 0 0
proc /proc proc rw 0 0
server:/x /mnt/with\040space nfs4 rw 0 0
server:/y /mnt/\303\274 cifs rw 0 0
tmpfs /mnt/with\040space/inner tmpfs rw 0 0
/dev/sdb /twice ext4 rw 0 0
server:/z /twice nfs rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/home/x", "ext4"), ("/mnt/with space/a", "nfs4"), ("/mnt/with space/inner/b", "tmpfs"),
     ("/mnt/with spaces", "ext4"), ("/mnt/ü/x", "cifs"), ("/twice", "nfs"), ("/proc/1", "proc")],
)  # fmt: skip
def test_kinds_of_mounts(path: str, kind: str) -> None:
    assert filesystem.mounted(path, MOUNTS) == kind


@pytest.mark.skipif(not ROOT, reason="needs a second user")
def test_no_permission(open_path: Path) -> None:
    write(open_path / "closed" / "a", "1")
    open_path.chmod(0o755)
    (open_path / "open").mkdir(mode=0o777)
    (open_path / "open").chmod(0o777)
    write(open_path / "readable" / "a", "1")
    (open_path / "closed").chmod(0o700)

    def job() -> None:
        become_nobody()
        assert "cannot keep snapshots" in refused(lambda: Snapshots(open_path / "s"))
        with Snapshots(open_path / "open" / "s") as store:
            assert "no permission to read" in refused(lambda: store.take(open_path / "closed", "run", "1"))
            assert store.take(open_path / "readable", "run", "1").files == 1

    in_processes(job)


def test_a_restore_without_permission_says_so_path_by_path(open_path: Path) -> None:
    """Nothing is left half done in silence."""
    if not ROOT:
        pytest.skip("needs a second user")
    folder = open_path / "w"
    ready, go = os.pipe()

    def job() -> None:
        become_nobody()
        write(folder / "mine", "1")
        write(folder / "taken away" / "a", "1")
        with Snapshots(open_path / "s") as store:
            first = store.take(folder, "run", "1")
            write(folder / "mine", "2")
            write(folder / "taken away" / "a", "2")
            store.take(folder, "run", "2")
            plan = store.plan(folder, first.id)
            os.write(go, b"x")
            while (folder / "taken away").stat().st_uid != 0:
                time.sleep(0.01)
            restore = store.apply(plan)
            assert dict(restore.failed) == {
                "taken away/a": "Permission denied",
                "taken away": "Operation not permitted",
            }
            assert (folder / "taken away" / "a").read_text() == "2"
            assert not restore.complete
            assert (folder / "mine").read_text() == "1"
            assert store.plan(folder, first.id).counts == {"rewrite": 1}

    workers = Workers([job])
    os.read(ready, 1)
    os.chown(folder / "taken away", 0, 0)
    (folder / "taken away").chmod(0o755)
    assert workers.wait() == [0]


# -- the store ------------------------------------------------------------------------------------------------------


def test_where_the_store_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REVIEW_TUI_SNAPSHOTS", str(tmp_path / "named"))
    assert default_folder() == tmp_path / "named"
    monkeypatch.delenv("REVIEW_TUI_SNAPSHOTS")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert default_folder() == tmp_path / "state" / "review-tui" / "snapshots"


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    Snapshots(tmp_path / "s").close()
    connection = sqlite3.connect(tmp_path / "s" / "snapshots.db")
    connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()
    message = refused(lambda: Snapshots(tmp_path / "s"))
    assert "written by a newer review-tui" in message


@pytest.mark.parametrize("damage", [b"no database at all, but long enough to be one" * 50, b"\0" * 8192])
def test_a_damaged_store_is_refused(tmp_path: Path, damage: bytes) -> None:
    Snapshots(tmp_path / "s").close()
    (tmp_path / "s" / "snapshots.db").write_bytes(damage)
    message = refused(lambda: Snapshots(tmp_path / "s"))
    assert "--db" not in message


def test_a_store_that_is_a_file(tmp_path: Path) -> None:
    write(tmp_path / "s", "file")
    assert "cannot keep snapshots in" in refused(lambda: Snapshots(tmp_path / "s"))


def test_damaged_contents_are_found_before_anything_is_touched(store: Snapshots, folder: Path) -> None:
    write(folder / "a", os.urandom(500))
    write(folder / "b", "text " * 100)
    snapshot = store.take(folder, "run", "1")
    (pack,) = (store.folder / "packs").iterdir()
    data = bytearray(pack.read_bytes())
    data[10] ^= 1
    pack.write_bytes(data)
    write(folder / "a", "2")
    write(folder / "b", "2")
    store.take(folder, "run", "2")
    before = picture(folder)
    plan = store.plan(folder, snapshot.id)
    assert "damaged or gone" in refused(lambda: store.apply(plan))
    assert picture(folder) == before
    assert store.records.restores() == []
    assert len(store.verify()) == 1
    pack.unlink()
    store._base.objects.close()
    assert "damaged or gone" in refused(lambda: store.apply(plan))
    assert len(store.verify()) == 2


# -- hostile workspaces ---------------------------------------------------------------------------------------------


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that no restore may touch."""
    write(tmp_path / "outside" / "a", "precious")
    write(tmp_path / "outside" / "only here", "precious")
    return tmp_path / "outside"


@pytest.mark.parametrize("moment", ["before the plan", "before the restore", "in the restore"])
def test_a_folder_swapped_for_a_link_leads_nowhere(store: Snapshots, folder: Path, outside: Path, moment: str) -> None:
    """The agent replaces a folder by a link to elsewhere, and hopes that the restore writes and deletes there."""
    write(folder / "sub" / "a", "1")
    write(folder / "sub" / "gone", "1")
    snapshot = store.take(folder, "run", "1")
    write(folder / "sub" / "a", "2")
    (folder / "sub" / "gone").unlink()
    write(folder / "sub" / "only here", "made by the agent: a restore deletes it")
    store.take(folder, "run", "2")
    untouched = picture(outside)

    def swap() -> None:
        (folder / "sub").rename(folder.with_name("moved"))
        (folder / "sub").symlink_to(outside)

    if moment == "before the plan":
        swap()
        plan = store.plan(folder, snapshot.id)
        assert store.apply(plan, conflicts="take").complete
        assert (folder / "sub" / "a").read_text() == "1"
        assert not (folder / "sub").is_symlink()
    elif moment == "before the restore":
        plan = store.plan(folder, snapshot.id)
        swap()
        assert "changed since the plan was made" in refused(lambda: store.apply(plan))
    else:
        plan = store.plan(folder, snapshot.id)
        real = restoring._begin

        def begin(*args: object) -> object:
            found = real(*args)
            swap()
            return found

        with patch.object(restoring, "_begin", begin):
            restore = store.apply(plan)
        assert not restore.complete
        assert {"sub/a", "sub/gone"} <= set(restore.failed)
    assert picture(outside) == untouched


@pytest.mark.parametrize("path", ["../escaped", "sub/../../escaped", "/escaped", "sub//x", "./x", "a\0b"])
def test_paths_that_lead_out_are_refused(
    store: Snapshots, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A list of files that was tampered with."""
    write(folder / "x", "1")
    snapshot = store.take(folder, "run", "1")
    evil = {**store.records.entries(snapshot.manifest)}
    evil[path] = Entry(FILE, 0o644, 1, 1, 0, 0, 0, evil["x"].content)
    with store.records.database.write() as tx:
        tx.execute("UPDATE manifest SET data = ? WHERE no = ?", [manifest.encode(evil), snapshot.manifest])
    store.records.forget()
    assert "damaged" in refused(lambda: store.plan(folder, snapshot.id))
    assert not os.path.lexists("/escaped")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["snapshots", "workspace"]


def test_setuid_never_comes_back(store: Snapshots, folder: Path) -> None:
    write(folder / "tool", "1")
    (folder / "tool").chmod(0o4755)
    write(folder / "group", "1")
    (folder / "group").chmod(0o2755)
    (folder / "shared").mkdir()
    (folder / "shared").chmod(0o2775)
    snapshot = store.take(folder, "run", "1")
    write(folder / "tool", "2")
    (folder / "group").chmod(0o755)
    (folder / "shared").chmod(0o700)
    store.take(folder, "run", "2")
    restore = store.apply(store.plan(folder, snapshot.id))
    assert stat.S_IMODE((folder / "tool").stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "group").stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "shared").stat().st_mode) == 0o2775, "on a folder it only hands the group on"
    assert restore.notes == ("tool comes back without its setuid or setgid bit",)
    assert store.plan(folder, snapshot.id).changes == (), "and is not asked for again and again"


def test_setuid_that_an_agent_set_goes_away(store: Snapshots, folder: Path) -> None:
    write(folder / "tool", "1", 0o755)
    snapshot = store.take(folder, "run", "1")
    (folder / "tool").chmod(0o4755)
    store.take(folder, "run", "2")
    assert store.apply(store.plan(folder, snapshot.id)).counts == {"chmod": 1}
    assert stat.S_IMODE((folder / "tool").stat().st_mode) == 0o755


def test_a_link_is_not_followed_when_rights_are_set(store: Snapshots, folder: Path, outside: Path) -> None:
    write(folder / "a", "1", 0o600)
    snapshot = store.take(folder, "run", "1")
    (folder / "a").chmod(0o644)
    store.take(folder, "run", "2")
    untouched = picture(outside)
    plan = store.plan(folder, snapshot.id)
    real = steps.Worker._rights

    def swap(*args: object) -> object:
        (folder / "a").unlink()
        (folder / "a").symlink_to(outside / "a")
        return real(*args)  # type: ignore[arg-type]

    with patch.dict(steps._DO, rights=swap):
        assert not store.apply(plan).complete
    assert picture(outside) == untouched
    with WorkspaceTree(folder) as tree, pytest.raises(OSError, match="neither a file nor a folder"):
        tree.set_mode("a", 0o777)


def test_a_read_only_folder_is_opened_and_closed_again(open_path: Path) -> None:

    def job() -> None:
        become_nobody()
        folder = open_path / "w"
        write(folder / "sealed" / "a", "1")
        (folder / "sealed").chmod(0o555)
        with Snapshots(open_path / "s") as store:
            first, before = store.take(folder, "run", "1"), picture(folder)
            (folder / "sealed").chmod(0o755)
            write(folder / "sealed" / "a", "2")
            write(folder / "sealed" / "b", "2")
            (folder / "sealed").chmod(0o555)
            store.take(folder, "run", "2")
            restore = store.apply(store.plan(folder, first.id))
            assert restore.complete, restore.failed
            assert picture(folder) == before

    in_processes(job)
