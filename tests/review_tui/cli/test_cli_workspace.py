"""`review-tui workspace`: every step of going back to a snapshot, as text and as JSON."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from review_tui.cli import group
from review_tui.cli.workspace.common import SIZE, size_text
from sessions.workspace.snapshots import Snapshots


@pytest.fixture
def work(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call `review-tui workspace` with a store of the test's own."""
    entry = ("review_tui.cli.workspace", "Snapshots of a workspace, and going back to one.")
    monkeypatch.setitem(group.COMMANDS, "workspace", entry)  # type: ignore[arg-type]
    monkeypatch.setenv("REVIEW_TUI_SNAPSHOTS", str(tmp_path / "snapshots"))
    return lambda *args: call("workspace", *args)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    (made / "sub").mkdir(parents=True)
    (made / "a").write_text("one")
    (made / "users").write_text("one")
    (made / "sub" / "b").write_text("one")
    return made


@pytest.fixture
def snapshot(work: Any, folder: Path) -> str:
    """A snapshot, after which the agent worked, another snapshot was taken, and a person changed a file."""
    document = work("snapshot", folder, "--run", "r1", "--key", "gate-1", "--json").json
    assert document["schema"] == "review-tui/workspace-snapshot/1"
    (folder / "a").write_text("two")
    (folder / "sub" / "b").unlink()
    work("snapshot", folder, "--run", "r1", "--key", "gate-2")
    (folder / "users").write_text("a person's")
    return document["snapshot"]["id"]


def read(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_snapshot(work: Any, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "large").write_bytes(bytes(2000))
    called = work("snapshot", folder, "--run", "r1", "--file-cap", "1kB", "--exclude", "sub")
    assert called.code == 0
    assert "covered: 2 files (6 bytes), 1 folder, 0 links" in called.out
    assert "NOT covered, and not touched by a restore: 3 paths (2 kB): excluded 1, fifo 1, over-cap 1" in called.out
    document = work("snapshot", folder, "--file-cap", "1kB", "--json").json["snapshot"]
    assert document["not_covered"] == {"fifo": 1, "over-cap": 1}
    assert (document["files"], document["run"], document["kind"]) == (3, None, "taken")
    shown = work("show", document["id"][:8])
    assert shown.out.splitlines()[-2:] == ["  large: over-cap, 2 kB", "  pipe: fifo, 0 bytes"]
    rows = work("show", document["id"], "--json").json
    assert rows["not_covered_paths"][0] == {"path": "large", "reason": "over-cap", "bytes": 2000}
    assert rows["policy"]["file_cap"] == 1000


def test_plan_changes_nothing(work: Any, folder: Path, snapshot: str) -> None:
    before = read(folder)
    called = work("plan", snapshot[:8])
    assert called.code == 0
    assert called.out.splitlines()[1:5] == [
        "rewrite 1, create 1 (6 bytes to write)",
        "    rewrite   a",
        "    create    sub/b",
        "  ! keep      users (not: rewrite)",
    ]
    document = work("plan", snapshot, "--json").json["plan"]
    assert document["counts"] == {"rewrite": 2, "create": 1}
    assert document["conflicts"] == 1
    assert document["changes"][2] == {
        "path": "users", "action": "rewrite", "conflict": True, "bytes": 3, "happens": False,
    }  # fmt: skip
    assert document["outcome"]["kept"] == ["users"]
    assert read(folder) == before


def test_restore_and_undo(work: Any, folder: Path, snapshot: str) -> None:
    before = read(folder)
    asked = work("restore", snapshot)
    assert asked.code == 1
    assert "nothing was changed. --yes does it." in asked.err
    assert read(folder) == before
    done = work("restore", snapshot, "--yes")
    assert done.code == 0
    assert "rewrite 1, create 1 (6 bytes written)" in done.out
    assert read(folder) == {"a": "one", "sub/b": "one", "users": "a person's"}
    undo = work("undo", "--json")
    assert (undo.code, undo.json["done"], undo.json["restore"]) == (1, False, None)
    undo = work("undo", "--yes", "--json")
    assert undo.code == 0
    assert undo.json["schema"] == "review-tui/workspace-undo/1"
    assert read(folder) == before
    assert work("undo", "--yes").code == 1, "nothing more to undo"
    assert work("undo", undo.json["restore"]["id"], "--yes").code == 0
    assert read(folder)["a"] == "one"


def test_choices(work: Any, folder: Path, snapshot: str) -> None:
    document = work("restore", snapshot, "--both", "users", "--keep", "./sub/b", "--yes", "--json").json
    name = document["restore"]["beside"][0]["written"]
    assert read(folder) == {"a": "one", "users": "a person's", name: "one"}
    assert work("restore", snapshot, "--conflicts", "take", "--take", "users", "--yes").code == 0
    assert read(folder)["users"] == "one"
    for wrong in (("--take", "nowhere"), ("--take", "/etc/passwd"), ("--keep", "../x"), ("--conflicts", "maybe")):
        called = work("restore", snapshot, *wrong, "--yes")
        assert (called.code, len(called.err.splitlines())) == (2, 1), called


def test_expected_outcome(work: Any, folder: Path, snapshot: str) -> None:
    fingerprint = work("plan", snapshot, "--json").json["plan"]["outcome"]["fingerprint"]
    called = work("restore", snapshot, "--expect", fingerprint, "--conflicts", "take", "--yes")
    assert called.code == 1
    assert "would not do what was agreed on" in called.err
    assert work("restore", snapshot, "--expect", fingerprint, "--yes").code == 0


def test_list(work: Any, folder: Path, snapshot: str, tmp_path: Path) -> None:
    work("restore", snapshot, "--yes")
    document = work("list", folder, "--json").json
    assert [row["kind"] for row in document["snapshots"]] == ["taken", "taken", "before-restore", "after-restore"]
    assert all(row["pinned"] for row in document["snapshots"])
    assert [row["state"] for row in document["restores"]] == ["done"]
    assert document["store"]["path"] == str(tmp_path / "snapshots")
    called = work("list")
    assert called.code == 0
    assert snapshot[:12] in called.out
    assert "gate-1" in called.out
    assert "there are no snapshots here yet" in work("list", tmp_path / "elsewhere").out


def test_gc_pin_and_verify(work: Any, folder: Path, snapshot: str) -> None:
    kept = work("gc", "--budget", "0", "--yes")
    assert kept.code == 0
    assert "belongs to unfinished runs" in kept.out
    assert work("unpin", "r1").code == 0
    assert work("pin", "r1", "--json").json == {"schema": "review-tui/workspace-pin/1", "run": "r1", "pinned": True}
    work("unpin", "r1")
    asked = work("gc", "--budget", "0", "--json")
    assert (asked.code, asked.json["removed"], len(asked.json["snapshots"])) == (1, False, 2)
    assert work("verify").code == 0
    assert work("gc", "--budget", "0", "--yes", "--protect", snapshot).code == 0
    assert [row["id"] for row in work("list", "--json").json["snapshots"]] == [snapshot]
    assert work("verify", "--json").json["ok"] is True
    assert work("pin", "nobody").code == 1


def test_damage_is_reported(work: Any, tmp_path: Path, snapshot: str) -> None:
    for pack in (tmp_path / "snapshots" / "packs").iterdir():
        pack.write_bytes(b"\0" * pack.stat().st_size)
    called = work("verify", "--json")
    assert called.code == 1
    assert called.json["damage"]
    assert work("restore", snapshot, "--yes").code == 1


def test_resume(work: Any, folder: Path, snapshot: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert work("resume").out == "no restore was interrupted.\n"
    with Snapshots(tmp_path / "snapshots") as store, monkeypatch.context() as patched:
        plan = store.plan(folder, snapshot)
        patched.setattr("sessions.workspace.steps.Worker.run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.apply(plan)
    called = work("snapshot", folder)
    assert called.code == 1
    assert "`review-tui workspace resume` finishes it" in called.err
    document = work("resume", "--json").json
    assert [row["state"] for row in document["restores"]] == ["done"]
    assert read(folder)["a"] == "one"


def test_refusals_are_one_line(work: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    for path in ("/", folder, tmp_path, folder / "nowhere", folder / "a"):
        called = work("snapshot", path)
        assert (called.code, len(called.err.splitlines()), called.out) == (1, 1, ""), called
    for arguments in (("--file-cap", "much"), ("--max-files", "0"), ("--exclude", "")):
        called = work("snapshot", folder / "sub", *arguments)
        assert (called.code, len(called.err.splitlines())) == (2, 1), called
    for command in ("show", "plan", "restore", "undo"):
        called = work(command, "nonsense")
        assert (called.code, len(called.err.splitlines())) == (1, 1), called


def test_the_database_must_not_lie_in_the_workspace(work: Any, tmp_path: Path, db: Path) -> None:
    db.parent.mkdir()
    called = work("snapshot", db.parent)
    assert called.code == 1
    assert "going back would undo the record itself" in called.err


def test_hostile_names_do_nothing_to_the_terminal(work: Any, folder: Path, is_harmless: Any) -> None:
    name = os.fsdecode(b"evil\x1b]0;owned\x07 \xff \xe2\x80\xaegnp\n.txt")
    os.mkfifo(folder / ("fifo" + name))
    (folder / name).write_text("1")
    snapshot = work("snapshot", folder, "--run", "r", "--json").json["snapshot"]["id"]
    (folder / name).unlink()
    calls = [("show", snapshot), ("plan", snapshot), ("restore", snapshot, "--yes", "--conflicts", "take"), ("list",)]
    for arguments in calls:
        called = work(*arguments)
        assert called.code == 0
        assert is_harmless(called.out.replace("\n", "") + called.err.replace("\n", "")), called
    assert (folder / name).exists()
    (folder / name).write_text("2")
    document = work("plan", snapshot, "--json").json["plan"]
    path = document["changes"][0]["path"]
    assert path.startswith("evil\x1b]0;owned")
    assert work("restore", snapshot, "--take", path, "--yes").code == 0
    assert (folder / name).read_text() == "1"


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("500", 500), ("1kB", 1000), ("1.5G", 1_500_000_000), ("2 TiB", 2 * 10**12)]
)
def test_sizes(text: str, size: int) -> None:
    assert SIZE.convert(text, None, None) == size


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1 kB"), (999_999, "1 MB"),
                       (123_456_789, "123 MB"), (5 * 10**12, "5 TB")]
)  # fmt: skip
def test_size_text(size: int, text: str) -> None:
    assert size_text(size) == text
