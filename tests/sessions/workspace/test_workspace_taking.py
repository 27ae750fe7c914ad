"""What a snapshot covers, what it says that it does not, and what it need not read again."""

from __future__ import annotations

import os
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from helpers import become_nobody, in_processes
from workspaces import differences, picture, write

from sessions.errors import UsageError, UserError
from sessions.workspace import entries as e
from sessions.workspace import reading, statcache, taking
from sessions.workspace.policy import CACHE_FOLDERS, MAX_DEPTH, Policy
from sessions.workspace.snapshots import Snapshots

ROOT = os.geteuid() == 0


def settle() -> None:
    """Wait until what was just written is no longer "racy"."""
    time.sleep(0.08)


def entry(store: Snapshots, snapshot: str, path: str) -> e.Entry:
    return store.records.entries(store.records.snapshot(snapshot).manifest)[path]


def round_trip(store: Snapshots, folder: Path, path: str) -> None:
    """Change a file, go back, and find it as it was."""
    snapshot = store.take(folder, "run", "1")
    before = picture(folder)
    (folder / path).unlink()
    store.take(folder, "run", "2")
    assert store.apply(store.plan(folder, snapshot.id)).complete
    assert differences(before, picture(folder)) == {}


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reading is noted, however few files there were."""
    monkeypatch.setattr(taking, "_FEW_FILES", -1)


# -- what need not be read again ------------------------------------------------------------------------------------


def test_unchanged_files_are_not_read_again(folder: Path, store: Snapshots) -> None:
    for number in range(20):
        write(folder / f"d{number % 4}" / f"f{number}", f"{number}")
    settle()
    assert store.take(folder, "run", "1").read == 20
    assert store.take(folder, "run", "2").read == 0
    write(folder / "d1" / "f1", "changed")
    (folder / "d2" / "f2").unlink()
    write(folder / "d2" / "fresh", "fresh")
    third = store.take(folder, "run", "3")
    assert (third.read, third.files) == (2, 20)


@pytest.mark.usefixtures("noted")
def test_what_was_just_written_is_read_again(folder: Path, store: Snapshots) -> None:
    """A second change within one tick of the clock would show the same times."""
    write(folder / "a", "1")
    with patch.object(statcache, "_TICK_NS", 60_000_000_000):
        assert store.take(folder, "run", "1").read == 1
        assert store.take(folder, "run", "2").read == 1
    settle()
    assert store.take(folder, "run", "3").read == 1
    assert store.take(folder, "run", "4").read == 0


def test_a_few_files_are_rather_read_again_than_noted(folder: Path, store: Snapshots) -> None:
    for number in range(100):
        write(folder / f"f{number}", f"{number}")
    settle()
    store.take(folder, "run", "1")
    for changed, again in ((3, 3), (80, 0)):
        for number in range(changed):
            write(folder / f"f{number}", f"changed {changed} {number}")
        settle()
        assert store.take(folder, "run", f"{changed} changed").read == changed
        assert store.take(folder, "run", f"{changed} again").read == again


@pytest.mark.parametrize(
    ("ctime_ns", "racy"),
    [
        (10_000_000_000 - 60_000_001, False),
        (10_000_000_000 - 40_000_001, True),
        (10_000_000_001, True),
        (99_000_000_001, True),
        (8_000_000_000, True),  # whole seconds: a clock that knows no fractions
        (7_000_000_000, False),
    ],
)
def test_racy(ctime_ns: int, racy: bool) -> None:
    assert statcache.is_racy(ctime_ns, 10_000_000_000) is racy


def test_a_change_that_hides_behind_the_old_time_and_size_is_found(folder: Path, store: Snapshots) -> None:
    path = write(folder / "a", "one")
    settle()
    first = store.take(folder, "run", "1")
    status = path.stat()
    path.write_text("two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    second = store.take(folder, "run", "2")
    assert entry(store, first.id, "a").content != entry(store, second.id, "a").content


@pytest.mark.usefixtures("noted")
def test_a_clock_that_goes_back_makes_nothing_wrong(folder: Path, store: Snapshots) -> None:
    path = write(folder / "a", "one")
    write(folder / "b", "same")
    settle()
    real = time.time_ns
    hour = 3_600_000_000_000
    with patch.object(taking.time, "time_ns", lambda: real() + hour):
        store.take(folder, "run", "1")
    with patch.object(taking.time, "time_ns", lambda: real() - hour):  # all files are of the future now
        second = store.take(folder, "run", "2")
        assert second.read == 2
        path.write_text("two")
        third = store.take(folder, "run", "3")
    assert entry(store, third.id, "a").content == reading.digest(b"two")
    settle()
    assert entry(store, store.take(folder, "run", "4").id, "a").content == reading.digest(b"two")
    assert store.take(folder, "run", "5").read == 0
    assert [info.key for info in store.records.snapshots()] == ["1", "2", "3", "4", "5"], "in order, whatever the clock"


@pytest.mark.parametrize("damage", [b"", b"rtc1", b"rtc1" + bytes(100), b"rtc1\0\0\0\0" + b"\xff" * 64])
def test_a_damaged_cache_costs_only_time(folder: Path, store: Snapshots, damage: bytes) -> None:
    write(folder / "a", "1")
    settle()
    first = store.take(folder, "run", "1")
    (cache,) = (store.folder / "cache").iterdir()
    cache.write_bytes(damage)
    again = store.take(folder, "run", "2")
    assert again.read == 1
    assert entry(store, first.id, "a") == entry(store, again.id, "a")


def test_the_cache_does_not_promise_what_was_collected(folder: Path, store: Snapshots) -> None:
    write(folder / "a", os.urandom(1000))
    settle()
    store.take(folder, "old", "1")
    store.unpin("old")
    assert len(store.collect(0).removed) == 1
    again = store.take(folder, "new", "1")
    assert again.read == 1
    assert again.new_bytes >= 1000
    assert store.verify() == []


# -- what is kept ---------------------------------------------------------------------------------------------------


def test_the_store_is_its_owners_alone(folder: Path, tmp_path: Path) -> None:
    write(folder / "a", "secret")
    before = os.umask(0)
    try:
        with Snapshots(tmp_path / "x" / "store") as store:
            store.take(folder, "run", "1")
            modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in [store.folder, *store.folder.rglob("*")]}
    finally:
        os.umask(before)
    assert modes == {0}


def test_equal_contents_are_kept_once_whoever_has_them(folder: Path, store: Snapshots, tmp_path: Path) -> None:
    content = os.urandom(30_000)
    write(folder / "a", content)
    write(folder / "copy", content)
    first = store.take(folder, "run", "1")
    assert 30_000 <= first.new_bytes < 31_000
    other = tmp_path / "other"
    write(other / "b", content)
    assert store.take(other, "another run", "1").new_bytes == 0


def test_asking_again_with_the_same_key(folder: Path, store: Snapshots) -> None:
    write(folder / "a", "1")
    first = store.take(folder, "run", "gate")
    assert store.take(folder, "run", "gate").id == first.id
    write(folder / "a", "2")
    assert store.take(folder, "run", "gate").id != first.id
    assert (last := store.take(folder, "run", "next")).id != first.id
    store.unpin("run")
    assert store.take(folder, "run", "next").id == last.id
    assert store.records.pinned() == {"run"}, "it is not finished after all"


def test_odd_names_and_times(folder: Path, store: Snapshots) -> None:
    for name in (
        b"\xff\xfe\x80",
        b"new\nline",
        b"tab\t",
        b"x" * 255,
        "\u202eevil".encode(),
        b"-rf *",
        b".review-tui-x",
    ):
        path = os.path.join(os.fsencode(folder), b"sub", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(name)
        os.utime(path, ns=(1, 2**61 + 1))
    round_trip(store, folder, "sub/new\nline")


def test_paths_longer_than_the_system_takes(folder: Path, store: Snapshots) -> None:
    depth, name = 30, "n" * 200
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=descriptor)
        inner = os.open(name, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    with os.fdopen(os.open("deep", os.O_WRONLY | os.O_CREAT, dir_fd=descriptor), "w") as file:
        file.write("deep")
    snapshot = store.take(folder, "run", "1")
    assert (snapshot.files, snapshot.folders, dict(snapshot.not_covered)) == (1, depth + 1, {})
    os.unlink("deep", dir_fd=descriptor)
    store.take(folder, "run", "2")
    assert store.apply(store.plan(folder, snapshot.id)).complete
    with os.fdopen(os.open("deep", os.O_RDONLY, dir_fd=descriptor)) as file:
        assert file.read() == "deep"
    os.close(descriptor)


@pytest.mark.parametrize("content", [bytes(9_000_000), os.urandom(9_000_000), b"abc" * 3_000_000])
def test_large_files_are_read_in_pieces(folder: Path, store: Snapshots, content: bytes) -> None:
    write(folder / "large", content)
    write(folder / "twin", content)
    round_trip(store, folder, "large")
    assert store.verify() == []


def test_sparse_files_stay_sparse(folder: Path, store: Snapshots) -> None:
    with open(folder / "sparse", "wb") as file:
        file.write(b"head")
        file.seek(20_000_000)
        file.write(b"tail")
        file.truncate(30_000_000)
    blocks = (folder / "sparse").stat().st_blocks
    round_trip(store, folder, "sparse")
    assert (folder / "sparse").stat().st_blocks <= blocks + 16


def test_hard_links_come_back_as_files_of_their_own(folder: Path, store: Snapshots) -> None:
    write(folder / "a", "one")
    os.link(folder / "a", folder / "b")
    snapshot = store.take(folder, "run", "1")
    (folder / "a").write_text("two")
    store.take(folder, "run", "2")
    restore = store.apply(store.plan(folder, snapshot.id))
    assert ((folder / "a").read_text(), (folder / "b").read_text()) == ("one", "one")
    assert sorted(restore.notes) == [
        "a was a hard link and comes back as a file of its own",
        "b was a hard link and comes back as a file of its own",
    ]


def test_extended_attributes_are_counted_as_not_kept(folder: Path, store: Snapshots) -> None:
    path = write(folder / "a", "one")
    try:
        os.setxattr(path, "user.origin", b"x")
    except OSError:
        pytest.skip("no extended attributes on this file system")
    snapshot = store.take(folder, "run", "1")
    assert snapshot.xattrs == 1
    path.write_text("two")
    store.take(folder, "run", "2")
    assert store.apply(store.plan(folder, snapshot.id)).notes == ("a comes back without its extended attributes",)


# -- files that move ------------------------------------------------------------------------------------------------


def meddling(path: Path, times: int) -> object:
    """Somebody appends to a file each time that it has just been read."""
    real, left = reading._whole, [times]

    def whole(descriptor: int, size: int) -> object:
        found = real(descriptor, size)
        if left[0] and os.fstat(descriptor).st_ino == path.stat().st_ino:
            left[0] -= 1
            with open(path, "ab") as file:
                file.write(b"+")
        return found

    return patch.object(reading, "_whole", whole)


def test_a_file_that_changes_once_while_it_is_read_is_read_again(folder: Path, store: Snapshots) -> None:
    path = write(folder / "log", "x")
    with meddling(path, 1):
        info = store.take(folder, "run", "1")
    assert info.torn == 0
    assert entry(store, info.id, "log").content == reading.digest(b"x+")


@pytest.mark.parametrize("size", [1, 5_000_000])
def test_a_file_that_goes_on_changing_is_marked(folder: Path, store: Snapshots, size: int) -> None:
    path = write(folder / "log", b"x" * size)
    with meddling(path, 100):
        info = store.take(folder, "run", "1")
    assert info.torn == 1
    assert store.verify() == []
    path.unlink()
    store.take(folder, "run", "2")
    restore = store.apply(store.plan(folder, info.id))
    assert "may be a mixture" in restore.notes[0]
    assert path.read_bytes().startswith(b"x" * size)


def test_files_that_vanish_meanwhile_are_not_there(folder: Path, store: Snapshots) -> None:
    write(folder / "a", "1")
    write(folder / "b", "2")
    real = taking.scan

    def scan(*args: object) -> object:
        found = real(*args)
        (folder / "a").unlink()
        return found

    with patch.object(taking, "scan", scan):
        info = store.take(folder, "run", "1")
    assert info.files == 1
    assert store.verify() == []


def test_a_file_that_becomes_a_fifo_does_not_make_us_wait(folder: Path, store: Snapshots) -> None:
    write(folder / "a", "1")
    real = taking.scan

    def scan(*args: object) -> object:
        found = real(*args)
        (folder / "a").unlink()
        os.mkfifo(folder / "a")
        return found

    with patch.object(taking, "scan", scan):
        assert store.take(folder, "run", "1").files == 0


def test_a_folder_that_becomes_a_link_is_not_followed(folder: Path, store: Snapshots, tmp_path: Path) -> None:
    write(tmp_path / "outside" / "a", "not ours")
    write(folder / "sub" / "a", "ours")
    real = taking.scan

    def scan(*args: object) -> object:
        found = real(*args)
        (folder / "sub").rename(tmp_path / "moved")
        (folder / "sub").symlink_to(tmp_path / "outside")
        return found

    with patch.object(taking, "scan", scan):
        info = store.take(folder, "run", "1")
    assert "sub/a" not in store.records.entries(info.manifest)


# -- what is not covered --------------------------------------------------------------------------------------------


def test_what_is_no_file_is_recorded_and_never_touched(folder: Path, store: Snapshots) -> None:
    os.mkfifo(folder / "fifo")
    listener = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(folder)  # socket paths are short
    try:
        listener.bind("socket")
    finally:
        os.chdir(here)
    wanted = {"fifo": 1, "socket": 1}
    if ROOT:
        os.mknod(folder / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        wanted["device"] = 1
    first = store.take(folder, "run", "1")
    assert dict(first.not_covered) == wanted
    assert [row[:2] for row in store.not_covered(first.id)][:1] == [("fifo", "fifo")] or ROOT
    for name in wanted:
        (folder / {"fifo": "fifo", "socket": "socket", "device": "null"}[name]).unlink()
    write(folder / "fifo", "now a file")
    store.take(folder, "run", "2")
    plan = store.plan(folder, first.id)
    assert plan.alone["fifo"] == "not covered by the snapshot: fifo"
    assert not plan.resolved().final
    listener.close()


def test_caps(folder: Path, store: Snapshots) -> None:
    write(folder / "small", b"1" * 10)
    write(folder / "medium", b"2" * 100)
    write(folder / "large", b"3" * 1000)
    info = store.take(folder, "run", "1", Policy(file_cap=500))
    assert (dict(info.not_covered), info.not_covered_bytes) == ({"over-cap": 1}, 1000)
    info = store.take(folder, "run", "2", Policy(total_cap=150))
    assert (dict(info.not_covered), info.files) == ({"over-total": 1}, 2)
    info = store.take(folder, "run", "3", Policy(total_cap=50))
    assert store.not_covered(info.id) == [("large", "over-total", 1000), ("medium", "over-total", 100)]
    settle()
    store.take(folder, "run", "4")
    info = store.take(folder, "run", "5", Policy(total_cap=50, file_cap=500))
    assert store.not_covered(info.id) == [("large", "over-cap", 1000), ("medium", "over-total", 100)]


def test_what_is_left_out_survives_a_restore(folder: Path, store: Snapshots) -> None:
    write(folder / "data" / "model", b"1" * 1000)
    write(folder / "data" / "small", "1")
    info = store.take(folder, "run", "1", Policy(file_cap=500))
    write(folder / "data" / "model", b"2" * 2000)
    write(folder / "fresh" / "download", b"3" * 600)
    write(folder / "fresh" / "note", "4")
    store.take(folder, "run", "2", Policy(file_cap=500))
    restore = store.apply(store.plan(folder, info.id))
    assert restore.counts == {"delete": 1}
    assert sorted(path.name for path in (folder / "fresh").iterdir()) == ["download"]
    assert (folder / "data" / "model").stat().st_size == 2000
    assert restore.notes == ("the folder fresh stays, because fresh/download in it does",)


def test_exclusions_are_asked_for_and_recorded(folder: Path, store: Snapshots) -> None:
    for name in (
        "node_modules/x/y.js",
        "src/node_modules/z.js",
        "src/a.pyc",
        "src/a.py",
        "build/out.o",
        "a/build/keep",
    ):
        write(folder / name, "1")
    everything = store.take(folder, "run", "1")
    assert (everything.files, dict(everything.not_covered)) == (6, {})
    info = store.take(folder, "run", "2", Policy(exclude=("*.pyc", "./build/", "a/b*/k*"), skip_caches=True))
    assert [path for path, _, _ in store.not_covered(info.id)] == [
        "a/build", "build", "node_modules", "src/a.pyc", "src/node_modules",
    ]  # fmt: skip
    assert info.files == 1
    assert "node_modules" in CACHE_FOLDERS


@pytest.mark.parametrize("patterns", [("",), ("/",), ("x",) * 1001])
def test_patterns_that_mean_nothing_are_refused(folder: Path, store: Snapshots, patterns: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        store.take(folder, "run", "1", Policy(exclude=patterns))


def test_too_many_files_or_bytes_end_it_early_and_say_where_they_are(folder: Path, store: Snapshots) -> None:
    for number in range(30):
        write(folder / "many" / f"f{number}", b"x" * 100)
    for policy, what in ((Policy(max_files=20), "20 files and folders"), (Policy(max_bytes=2000), "2,000 bytes")):
        with pytest.raises(UserError, match=f"more than {what}.*no snapshot was taken.*Most are in: many"):
            store.take(folder, "run", "1", policy)
    assert store.records.snapshots() == []


def test_too_deep_folders_are_left_out(folder: Path, store: Snapshots) -> None:
    place = folder
    for _ in range(MAX_DEPTH + 5):
        place = place / "d"
    place.mkdir(parents=True)
    write(place / "f", "1")
    info = store.take(folder, "run", "1")
    assert dict(info.not_covered) == {"too-deep": 1}
    assert info.folders == MAX_DEPTH


def test_unreadable_files_and_folders_are_recorded(open_path: Path) -> None:
    """As a user for whom there are unreadable files."""

    def job() -> None:
        become_nobody()
        folder = open_path / "w"
        write(folder / "closed", "1", 0o000)
        write(folder / "no list" / "a", "1")
        write(folder / "no enter" / "b", "1")
        write(folder / "fine", "1")
        (folder / "no list").chmod(0o300)
        (folder / "no enter").chmod(0o600)
        with Snapshots(open_path / "s") as store:
            info = store.take(folder, "run", "1")
            assert dict(info.not_covered) == {"unreadable": 3}, info
            assert info.files == 1
            (folder / "closed").chmod(0o644)
            (folder / "fine").write_text("2")
            store.take(folder, "run", "2")
            restore = store.apply(store.plan(folder, info.id))
            assert restore.counts == {"rewrite": 1}, restore
            assert stat.S_IMODE((folder / "closed").stat().st_mode) == 0o644, "what was not covered is not touched"

    in_processes(job)


@pytest.mark.skipif(not ROOT, reason="only root can mount")
def test_other_file_systems_inside_are_not_entered(folder: Path, store: Snapshots) -> None:
    (folder / "mounted").mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder / "mounted"], check=False)
    if done.returncode:
        pytest.skip("cannot mount here")
    try:
        write(folder / "mounted" / "x", "1")
        info = store.take(folder, "run", "1")
        assert store.not_covered(info.id) == [("mounted", "other-file-system", 0)]
    finally:
        subprocess.run(["umount", folder / "mounted"], check=True)


@pytest.mark.skipif(not ROOT, reason="only root can mount")
def test_a_file_that_is_mounted_is_kept_and_cannot_be_replaced(folder: Path, store: Snapshots, tmp_path: Path) -> None:
    write(folder / "a", "1")
    write(folder / "b", "1")
    write(tmp_path / "elsewhere", "2")
    first = store.take(folder, "run", "1")
    if subprocess.run(["mount", "--bind", tmp_path / "elsewhere", folder / "a"], check=False).returncode:
        pytest.skip("cannot mount here")
    try:
        write(folder / "b", "2")
        store.take(folder, "run", "2")
        restore = store.apply(store.plan(folder, first.id))
        assert dict(restore.failed) == {"a": "Device or resource busy"}
        assert (folder / "b").read_text() == "1"
        assert not [path for path in folder.iterdir() if path.name.startswith(".review-tui")]
    finally:
        subprocess.run(["umount", folder / "a"], check=True)


# -- SQLite ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def database(folder: Path) -> Path:
    path = folder / "app.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    return path


@pytest.fixture
def holder(database: Path) -> Iterator[subprocess.Popen[str]]:
    """Another program that has the database open, in a transaction."""
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_databases_in_use_are_called_out(
    folder: Path, store: Snapshots, database: Path, holder: subprocess.Popen[str]
) -> None:
    signs = store.take(folder, "run", "1").open_databases
    assert list(signs) == ["app.db"]
    assert any(sign.startswith(f"open in process {holder.pid}") for sign in signs["app.db"])
    assert any(sign.startswith(f"locked by process {holder.pid}") for sign in signs["app.db"])


def test_databases_at_rest_are_not(folder: Path, store: Snapshots, database: Path) -> None:
    first = store.take(folder, "run", "1")
    assert dict(first.open_databases) == {}
    write(folder / "app.db-wal", "left by a crash")
    assert dict(store.take(folder, "run", "2").open_databases) == {"app.db": ["app.db-wal beside it"]}


def test_a_plan_names_open_databases_that_it_would_replace(
    folder: Path, store: Snapshots, database: Path, holder: subprocess.Popen[str]
) -> None:
    first = store.take(folder, "run", "1")
    write(folder / "other", "1")
    store.take(folder, "run", "2")
    assert store.plan(folder, first.id).open_databases == {}
    os.utime(database, ns=(1, 1))
    store.take(folder, "run", "3")
    assert list(store.plan(folder, first.id).open_databases) == ["app.db"]


def test_a_lock_that_this_process_holds_survives_the_snapshot(folder: Path, store: Snapshots, database: Path) -> None:
    """Closing any descriptor of a file drops this process's POSIX locks on it: a snapshot must not."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO t VALUES (1)")
    first = store.take(folder, "run", "1")
    assert first.read >= 1
    store.take(folder, "run", "2")
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)\n"
        "try: c.execute('BEGIN IMMEDIATE')\nexcept sqlite3.OperationalError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program, database], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "database is locked"
    connection.execute("COMMIT")
    connection.close()
    assert len(reading.kept_descriptors()) == 2, "the database and its journal"
    store.take(folder, "run", "3")
    assert len(reading.kept_descriptors()) == 0, "closed again when nobody else has it open"
