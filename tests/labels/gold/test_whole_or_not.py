"""A release or an export is there whole or not at all, whatever happens to the program, the disk or the target."""

import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gold_desk import LOOP, NONE, Desk
from helpers import become_nobody, in_processes

from labels import adjudication
from labels.gold import export as exporting
from labels.gold import folder as folders
from labels.gold.folder import new_folder
from labels.gold.hiding import Review
from labels.gold.piece import Options
from labels.gold.release import release
from labels.gold.verify import verify
from sessions.errors import UserError
from sessions.store import Store


def contents(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def hidden(folder: Path) -> list[str]:
    return [item.name for item in folder.iterdir() if item.name.startswith(".")]


def make(store: Store, target: Path) -> Path:
    return release(store, target, Options("demo"), Review()).path


# -- killed ---------------------------------------------------------------------------------------------------------

_PROGRAM = "import sys; from review_tui.cli import main; main()"


@pytest.fixture
def large(desk: Desk) -> Desk:
    """Enough for a release to take a while, and more than the small disk holds."""
    for number in range(16):
        run = desk.run(number)
        for chunk in (1, 2, 3):
            desk.say("ann", run, chunk, desk.label(run, LOOP, 2 * chunk))
            desk.say("bob", run, chunk, NONE)
    return desk


def start(desk: Desk, target: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _PROGRAM, "--db", desk.store.path, "gold", "release", "demo", "--out", target]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def when_begun(program: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until it writes, or is done."""
    while program.poll() is None and not hidden(folder):
        time.sleep(0.0005)


def test_killed_at_any_moment_it_leaves_no_half_release_and_can_be_made_again(large: Desk):
    """Real processes, SIGKILL. The moments are random: from the first byte to a little after the last."""
    folder = large.folder / "out"
    folder.mkdir()
    target = folder / "rel"
    whole = contents(make(large.store, large.folder / "whole"))
    program = start(large, folder / "timed")
    when_begun(program, folder)
    begun = time.perf_counter()
    assert program.wait() == 0
    took = time.perf_counter() - begun
    killed = 0
    for part in (0.02, 0.3, 0.6, 0.9, random.random(), 1.05 * random.random()):
        program = start(large, target)
        when_begun(program, folder)
        time.sleep(took * part)
        program.kill()
        killed += program.wait() == -signal.SIGKILL
        if target.exists():
            assert contents(target) == whole
            for file in target.rglob("*"):
                file.chmod(0o700)
            target.rename(folder / f"done{part}")
    assert killed >= 2
    program = start(large, target)
    assert program.wait() == 0
    assert contents(target) == whole
    assert hidden(folder) == []


_WITH_WORKERS = """
import os, sys
from labels.gold import release, workers
workers._WORTH_IT, release.BATCH, os.cpu_count = 0, 1, lambda: 2
from review_tui.cli import main
main()
"""


def children(parent: int) -> list[int]:
    """Processes that it started. Linux alone."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(entry.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc")
def test_its_workers_end_with_it(large: Desk):
    folder = large.folder / "out"
    folder.mkdir()
    command = [sys.executable, "-c", _WITH_WORKERS, "--db", large.store.path, "gold", "release", "demo"]
    program = subprocess.Popen([*command, "--out", folder / "rel"], stdout=subprocess.DEVNULL)
    started: list[int] = []
    while program.poll() is None and len(started) < 2:
        started = children(program.pid)
    program.kill()
    program.wait()
    assert len(started) == 2
    end = time.monotonic() + 20
    while (left := [pid for pid in started if Path(f"/proc/{pid}").exists()]) and time.monotonic() < end:
        time.sleep(0.01)
    assert left == []


def test_what_a_killed_program_left_goes_with_the_next_try(three: Desk):
    folder, path = three.folder / "out", three.store.path
    folder.mkdir()
    others = [".other.01234567.partial", ".rel.0123456.partial", ".rel.01234567.partial.x", ".rel.0123456g.partial"]
    for name in others:
        (folder / name).mkdir()
    (folder / ".rel.89abcdef.partial").symlink_to(three.folder)
    three.store.close()

    def die() -> None:
        with new_folder(folder / "rel") as made:
            made.text("runs.jsonl", "half")
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(AssertionError):
        in_processes(die)
    assert len(hidden(folder)) == 6
    with Store.open(path) as store:
        make(store, folder / "rel")
    assert sorted(hidden(folder)) == sorted([*others, ".rel.89abcdef.partial"])
    assert verify(folder / "rel").wrong == []


def test_what_another_one_is_working_on_is_left_alone(tmp_path: Path):
    """Two at once for one target: the first to finish has it, the other is told in a line."""

    def first() -> None:
        with new_folder(tmp_path / "rel") as early:
            early.text("a", "early")
            assert len(hidden(tmp_path)) == 2

    def both() -> None:
        with new_folder(tmp_path / "rel") as late:
            late.text("a", "late")
            first()

    with pytest.raises(UserError, match="has come into use meanwhile"):
        both()
    assert contents(tmp_path / "rel") == {"a": b"early"}
    assert hidden(tmp_path) == []


def test_many_at_once(tmp_path: Path):
    done: list[str] = []
    refused: list[str] = []

    def job(number: int) -> None:
        try:
            with new_folder(tmp_path / "rel") as made:
                made.text("a", f"{number}")
            done.append(f"{number}")
        except UserError as error:
            refused.append(str(error))

    jobs = [threading.Thread(target=job, args=(number,)) for number in range(8)]
    for thread in jobs:
        thread.start()
    for thread in jobs:
        thread.join()
    assert len(done) == 1
    assert all("in use already" in text or "into use meanwhile" in text for text in refused)
    assert contents(tmp_path / "rel") == {"a": done[0].encode()}
    assert hidden(tmp_path) == []


def test_a_file_system_without_locks_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Then nothing is cleared away, because nobody can tell whose it is."""
    (tmp_path / ".rel.01234567.partial").mkdir()

    def flock(handle: int, how: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(folders.fcntl, "flock", flock)
    with new_folder(tmp_path / "rel") as made:
        made.text("a", "x")
    assert contents(tmp_path / "rel") == {"a": b"x"}
    assert hidden(tmp_path) == [".rel.01234567.partial"]


# -- full -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", place]
    if os.geteuid() != 0 or subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("cannot mount here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_disk_that_is_really_full(large: Desk, small_disk: Path):
    with pytest.raises(UserError) as caught:
        make(large.store, small_disk / "rel")
    assert "No space left" in str(caught.value)
    assert str(caught.value).count("\n") == 0
    assert list(small_disk.iterdir()) == []
    made = make(large.store, large.folder / "rel")
    (small_disk / "filler").write_bytes(bytes(230_000))
    with pytest.raises(UserError, match="No space left"):
        exporting.export(made, "label-studio", small_disk / "ls")
    assert [item.name for item in small_disk.iterdir()] == ["filler"]


def test_another_file_system(three: Desk, small_disk: Path):
    with pytest.raises(UserError, match="where a file system begins"):
        make(three.store, small_disk)
    made = make(three.store, small_disk / "rel")
    assert contents(made) == contents(make(three.store, three.folder / "rel"))


def test_a_full_disk_where_nothing_can_be_mounted(three: Desk):
    """With a limit on file sizes: a write fails in the middle of a file, as on a full disk."""
    folder, path = three.folder, three.store.path
    three.store.close()

    def job() -> None:
        with Store.open(path) as store:
            adjudication.bring_up_to_date(store)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
            with pytest.raises(UserError, match="could not be written"):
                make(store, folder / "rel")

    in_processes(job)
    assert not (folder / "rel").exists()
    assert [item.name for item in folder.iterdir() if item.is_dir()] == []


# -- targets --------------------------------------------------------------------------------------------------------


def test_a_target_in_use_is_left_alone(three: Desk):
    target = three.folder / "rel"
    target.mkdir()
    (target / "mine").write_text("x")
    with pytest.raises(UserError, match="in use already"):
        make(three.store, target)
    assert (target / "mine").read_text() == "x"
    (target / "mine").unlink()
    assert verify(make(three.store, target)).wrong == []


@pytest.mark.parametrize("to", ["nowhere", "empty", "file"])
def test_a_link_is_no_target_and_is_not_followed(three: Desk, to: str):
    (three.folder / "empty").mkdir()
    (three.folder / "file").write_text("x")
    (three.folder / "link").symlink_to(three.folder / to)
    with pytest.raises(UserError, match="is a link to elsewhere"):
        make(three.store, three.folder / "link")
    assert list((three.folder / "empty").iterdir()) == []
    assert not (three.folder / "nowhere").exists()


def test_a_folder_that_is_reached_by_a_link_will_do(three: Desk):
    (three.folder / "real").mkdir()
    (three.folder / "link").symlink_to(three.folder / "real")
    make(three.store, three.folder / "link" / "rel")
    assert verify(three.folder / "real" / "rel").wrong == []


@pytest.mark.parametrize("name", ["file", "no/such/folder", "file/rel", "x" * 300])
def test_what_cannot_be_a_target(three: Desk, name: str):
    (three.folder / "file").write_text("")
    with pytest.raises(UserError) as caught:
        make(three.store, three.folder / name)
    assert str(caught.value).count("\n") == 0
    assert hidden(three.folder) == []


def test_a_long_name_will_do(three: Desk):
    assert verify(make(three.store, three.folder / ("ü" * 127))).wrong == []
    assert hidden(three.folder) == []


def test_a_folder_that_may_only_be_read(three: Desk):
    folder, path = three.folder / "closed", three.store.path
    folder.mkdir(mode=0o555)
    three.store.close()
    for parent in [folder, *folder.parents][1:]:
        if parent.stat().st_uid == os.geteuid() and str(parent).startswith("/tmp/pytest"):
            parent.chmod(0o755)
    path.chmod(0o644)

    def job() -> None:
        become_nobody()
        with Store(path, read_only=True) as store, pytest.raises(UserError, match="Permission denied"):
            make(store, folder / "rel")

    in_processes(job)
    assert list(folder.iterdir()) == []
