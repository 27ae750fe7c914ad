"""`db ...` and `doctor`."""

import grp
import os
import stat
from pathlib import Path

import pytest

from sessions import filesystem, maintenance
from sessions.store import Store


def origin(path: Path) -> str:
    with Store.open(path) as store:
        return store.query("SELECT value FROM meta WHERE name = 'origin'")[0][0]


@pytest.fixture
def decided(call, run: str) -> str:
    call("decide", run, "--chunk", 1, "--verdict", "approve", "--label", "2.6:2")
    return run


def test_path(call, db: Path, tmp_path: Path) -> None:
    assert call("db", "path").out.strip() == str(db)
    document = call("db", "path", "--json").json
    assert (document["schema"], document["exists"]) == ("review-tui/db-path/1", False)


def test_backup(call, decided: str, db: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    document = call("db", "backup", copy, "--json").json
    assert (document["copy"], document["bytes"]) == (str(copy), copy.stat().st_size)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    assert origin(copy) != origin(db)
    assert call("--db", copy, "db", "verify").code == 0
    shown = call("--db", copy, "show", decided)
    assert shown.out == call("show", decided).out

    # Both go on: neither continues the other's chain, and both are sound.
    for path in (copy, db):
        assert call("--db", path, "decide", decided, "--chunk", 2, "--verdict", "stop").code == 0
        assert call("--db", path, "db", "verify").code == 0
    heads = []
    for path in (copy, db):
        events = call("--db", path, "history", decided, "--json").json["events"]
        heads.append({event["origin"]: event["sequence"] for event in events})
    assert heads[0] == {origin(db): 1, origin(copy): 1}
    assert heads[1] == {origin(db): 2}


def test_backup_refusals(call, decided: str, db: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.db"
    there.write_text("mine")
    called = call("db", "backup", there)
    assert called.code == 1
    assert "--yes replaces it" in called.err
    assert there.read_text() == "mine"
    assert call("db", "backup", there, "--yes").code == 0
    assert there.stat().st_size > 1000
    assert call("db", "backup", tmp_path / "no" / "such" / "folder.db").code == 1
    assert call("db", "backup", db, "--yes").code == 1
    assert call("db", "backup", tmp_path, "--yes").code == 1


def test_share(call, decided: str, db: Path) -> None:
    group = grp.getgrgid(os.getgid()).gr_name
    document = call("db", "share", "--group", group, "--json").json
    assert document["schema"] == "review-tui/db-share/1"
    assert stat.S_IMODE(db.parent.stat().st_mode) == 0o2770
    assert stat.S_IMODE(db.stat().st_mode) == 0o660
    with Store.open(db) as store, store.write() as tx:
        tx.execute("UPDATE meta SET value = value")
        for beside in db.parent.iterdir():
            assert stat.S_IMODE(beside.stat().st_mode) == 0o660, beside


def test_share_refusals(call, decided: str, db: Path, monkeypatch) -> None:
    called = call("db", "share", "--group", "no-such-group")
    assert called.code == 1
    assert "there is no group 'no-such-group'" in called.err
    group = grp.getgrgid(os.getgid()).gr_name

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr("os.chown", refuse)
        called = call("db", "share", "--group", group)
        assert called.code == 1
        assert "Operation not permitted" in called.err
    (db.parent / "diary.txt").write_text("private")
    called = call("db", "share", "--group", group)
    assert called.code == 1
    assert "diary.txt" in called.err
    assert stat.S_IMODE(db.parent.stat().st_mode) == 0o700
    assert call("db", "share", "--group", group, "--yes").code == 0
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.home", lambda: db.parent)
        assert "must not be shared as a whole" in call("db", "share", "--group", group, "--yes").err


def test_prune(call, decided: str, db: Path, tmp_path: Path, chat) -> None:
    loose = call("import", chat(tmp_path / "b.json", name="loose"), "--json").json["runs"][0]["id"]
    opened = call("import", chat(tmp_path / "c.json", name="opened"), "--json").json["runs"][0]["id"]
    call("import", chat(tmp_path / "d.json", name="fresh"))
    with Store.open(db) as store, store.write() as tx:
        tx.execute("UPDATE run SET added_at = '2020-01-01T00:00:00+00:00' WHERE title NOT LIKE '%fresh%'")
        tx.execute("INSERT INTO reading VALUES ('ann', ?, 'every:5', '{}', '2999-01-01T00:00:00+00:00')", [opened])
    called = call("db", "prune", "--json")
    assert called.code == 1
    assert "nothing was removed" in called.err
    assert ([run["id"] for run in called.json["runs"]], called.json["removed"]) == ([loose], False)
    assert len(call("runs", "--json").json["runs"]) == 4
    done = call("db", "prune", "--yes")
    assert done.code == 0
    assert "removed 1 run" in done.out
    assert loose not in {run["id"] for run in call("runs", "--json").json["runs"]}
    assert call("db", "prune").code == 0
    assert call("db", "verify").code == 0


def test_a_run_whose_decisions_are_undone_is_not_pruned(call, decided: str) -> None:
    call("undo", decided)
    assert call("db", "prune", "--older-than", 0, "--json").json["runs"] == []


def test_delete_run(call, run: str, db: Path, tmp_path: Path) -> None:
    secret = b"word7"
    called = call("db", "delete-run", run)
    assert called.code == 1
    assert "nothing was deleted" in called.err
    assert "this deletes 12 steps" in called.out
    document = call("db", "delete-run", run, "--yes", "--json").json
    assert (document["deleted"], document["events_kept"]) == (True, 0)
    assert call("show", run).code == 1
    for path in db.parent.iterdir():
        assert secret not in path.read_bytes(), "what is deleted is gone from the file"
    again = call("import", tmp_path / "runs" / "plain.json", "--json").json["runs"][0]
    assert again["outcome"] == "new"


def test_delete_run_with_decisions(call, decided: str, db: Path) -> None:
    called = call("db", "delete-run", decided, "--yes")
    assert called.code == 1
    assert "--with-decisions" in called.err
    assert call("show", decided).code == 0
    done = call("db", "delete-run", decided, "--yes", "--with-decisions")
    assert "1 recorded decision or undo on it: the log keeps them" in done.out
    verified = call("db", "verify", "--json").json
    assert (verified["ok"], verified["events"]) == (True, 1)
    assert call("db", "rebuild", "--json").json == {"schema": "review-tui/db-rebuild/1", "decisions": 1}


def test_verify_and_rebuild(call, decided: str, db: Path) -> None:
    assert "is sound: 1 event" in call("db", "verify").out
    with Store.open(db) as store, store.write() as tx:
        tx.execute("DELETE FROM decision")
    assert call("show", decided, "--json").json["decisions"] == []
    assert call("db", "rebuild").out == "derived 1 decision from the log.\n"
    assert len(call("show", decided, "--json").json["decisions"]) == 1
    with Store.open(db) as store, store.write() as tx:
        tx.execute("DELETE FROM event")
    called = call("db", "verify", "--json")
    assert (called.code, called.json["ok"]) == (1, False)
    assert "missing" in called.err


def test_verify_finds_a_damaged_page(call, decided: str, db: Path) -> None:
    content = bytearray(db.read_bytes())
    content[4096 * 10 : 4096 * 30] = b"\xa5" * (4096 * 20)
    db.write_bytes(content)
    called = call("db", "verify")
    assert called.code == 1
    assert "damaged" in called.err


def test_doctor(call, db: Path) -> None:
    document = call("doctor", "--json").json
    assert document["schema"] == "review-tui/doctor/1"
    checks = {check["name"]: check for check in document["checks"]}
    assert checks["database"]["value"].endswith("(not there yet)")
    assert {"SQLite", "file system", "terminal", "TERM", "rights"} - {*checks} == {"rights"}
    assert not db.exists()
    assert "SQLite" in call("doctor").out


def test_doctor_with_a_database(call, decided: str, db: Path) -> None:
    checks = {check["name"]: check for check in call("doctor", "--json").json["checks"]}
    assert "1 run, 1 event" in checks["database"]["value"]
    assert (checks["rights"]["state"], checks["rights"]["value"]) == ("ok", "0600")
    db.chmod(0o644)
    assert "chmod 600" in call("doctor").err
    db.write_bytes(b"nothing like a database " * 100)
    called = call("doctor", "--json")
    assert (called.code, called.json["ok"]) == (1, False)


@pytest.mark.parametrize(
    ("version", "bug"),
    [((3, 40, 1), True), ((3, 44, 5), True), ((3, 44, 6), False), ((3, 50, 7), False), ((3, 51, 2), True),
     ((3, 51, 3), False), ((3, 52, 0), False), ((4, 0, 0), False), ((3, 49, 9), True)],
)  # fmt: skip
def test_the_wal_reset_bug(monkeypatch, version: tuple[int, ...], bug: bool) -> None:
    monkeypatch.setattr(maintenance.sqlite3, "sqlite_version_info", version)
    assert maintenance.sqlite_facts().wal_reset_bug is bug


def test_file_systems() -> None:
    mounts = b"/dev/a / ext4 rw 0 0\nserver:/x /home nfs4 rw 0 0\n/dev/b /home/my\\040disk xfs rw 0 0\n"
    assert filesystem.mounted("/etc/x", mounts) == "ext4"
    assert filesystem.mounted("/home/ann/x", mounts) == "nfs4"
    assert filesystem.mounted("/homer/x", mounts) == "ext4"
    assert filesystem.mounted("/home/my disk/x", mounts) == "xfs"
    assert filesystem.is_remote("nfs4")
    assert not filesystem.is_remote("ext4")
    assert not filesystem.is_remote(None)
