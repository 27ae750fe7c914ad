"""The nasty workspace of ../shared/reference/live.md: what every git-based rollback lost comes back byte for byte."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from workspaces import Picture, age, differences, picture, write

from sessions.workspace.snapshots import Snapshots


def git(folder: Path, *arguments: str) -> str:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }
    done = subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def build(folder: Path) -> None:
    """A project with everything that rollbacks are known to lose."""
    write(folder / "src" / "main.py", "print('one')\n")
    write(folder / "notes.txt", b"first\r\nsecond\r\n")
    write(folder / ".gitattributes", "*.txt text eol=lf\n")
    write(folder / ".gitignore", "secret.env\nout/\n*.log\n")
    write(folder / "secret.env", "TOKEN=abc\n", 0o600)
    write(folder / "out" / "model.bin", os.urandom(50_000))
    write(folder / "out" / "deep" / "result.json", "{}")
    write(folder / "tool.sh", "#!/bin/sh\n", 0o755)
    (folder / "empty").mkdir()
    (folder / "empty" / "inner").mkdir(mode=0o750)
    (folder / "current").symlink_to("src/main.py")
    (folder / "dangling").symlink_to("/nowhere/at all")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    nested = folder / "vendor" / "lib"
    write(nested / "lib.c", "int x;\n")
    git(nested, "init", "-q", "-b", "main")
    git(nested, "add", "-A")
    git(nested, "commit", "-qm", "lib")
    write(nested / "lib.c", "int x; /* not committed */\n")
    age(folder)


def rampage(folder: Path) -> None:
    """What an agent did in the measurements: by its tools, by the shell, and with git."""
    write(folder / "src" / "main.py", "print('two')\n")
    write(folder / "notes.txt", b"first\nchanged\n")
    (folder / "secret.env").unlink()
    shutil.rmtree(folder / "out")
    shutil.rmtree(folder / "empty")
    (folder / "current").unlink()
    (folder / "current").symlink_to("tool.sh")
    (folder / "tool.sh").chmod(0o644)
    write(folder / "vendor" / "lib" / "lib.c", "int y;\n")
    git(folder / "vendor" / "lib", "checkout", "-q", "-b", "agent")
    write(folder / "cloned" / "README", "cloned by the agent")
    git(folder / "cloned", "init", "-q", "-b", "main")
    git(folder / "cloned", "add", "-A")
    git(folder / "cloned", "commit", "-qm", "x")
    write(folder / ".gitignore", "*.new\n")
    write(folder / "made.new", "ignored only now")
    git(folder, "checkout", "-q", "-b", "agent")
    git(folder, "add", "-A", ":!vendor", ":!cloned")
    git(folder, "commit", "-qm", "agent's work")


@pytest.fixture
def rolled_back(folder: Path, store: Snapshots) -> tuple[Path, Picture, Picture, Snapshots, str]:
    """A workspace after snapshot, rampage and restore; how it was before and after the rampage; the restore."""
    build(folder)
    before = picture(folder)
    snapshot = store.take(folder, "run", "gate-1")
    rampage(folder)
    store.take(folder, "run", "gate-2")
    mutated = picture(folder)
    plan = store.plan(folder, snapshot.id)
    assert plan.conflicts == ()
    restore = store.apply(plan)
    assert restore.complete
    return folder, before, mutated, store, restore.id


def test_everything_is_as_it_was(rolled_back: tuple[Path, Picture, Picture, Snapshots, str]) -> None:
    folder, before, _, _, _ = rolled_back
    assert differences(before, picture(folder)) == {}


ROWS = {
    "tracked text": b"src/main.py",
    "CRLF under eol=lf": b"notes.txt",
    "deleted ignored file, mode 600": b"secret.env",
    "deleted ignored folder": b"out/deep/result.json",
    "binary in an ignored folder": b"out/model.bin",
    "empty folder": b"empty/inner",
    "mode": b"tool.sh",
    "symlink": b"current",
    "dangling symlink": b"dangling",
    "nested repository": b"vendor/lib/lib.c",
    "HEAD of the nested repository": b"vendor/lib/.git/HEAD",
    "the user's HEAD": b".git/HEAD",
    "the user's index": b".git/index",
    "changed ignore file": b".gitignore",
}


@pytest.mark.parametrize("row", ROWS)
def test_row(rolled_back: tuple[Path, Picture, Picture, Snapshots, str], row: str) -> None:
    folder, before, mutated, _, _ = rolled_back
    path = ROWS[row]
    now = picture(folder)
    assert path in before
    assert row == "dangling symlink" or mutated.get(path) != before[path], "the agent did touch it"
    assert now[path] == before[path]


@pytest.mark.parametrize("gone", ["made.new", "cloned", "cloned/.git/HEAD", ".git/refs/heads/agent"])
def test_what_the_agent_made_is_gone(rolled_back: tuple[Path, Picture, Picture, Snapshots, str], gone: str) -> None:
    assert not os.path.lexists(rolled_back[0] / gone)


def test_git_agrees(rolled_back: tuple[Path, Picture, Picture, Snapshots, str]) -> None:
    folder = rolled_back[0]
    assert git(folder, "branch", "--show-current") == "main"
    assert git(folder, "log", "--format=%s") == "first"
    assert git(folder, "status", "--porcelain", "src", "notes.txt", ".gitignore", "tool.sh") == ""
    assert git(folder / "vendor" / "lib", "branch", "--show-current") == "main"
    assert git(folder, "fsck", "--full") == ""


def test_undo_brings_the_rampage_back(rolled_back: tuple[Path, Picture, Picture, Snapshots, str]) -> None:
    folder, before, mutated, store, restore = rolled_back
    undone = store.undo(restore)
    assert undone.complete
    assert differences(mutated, picture(folder)) == {}
    store.undo(undone.id)
    assert differences(before, picture(folder)) == {}


def test_files_that_did_not_differ_are_not_rewritten(folder: Path, store: Snapshots) -> None:
    write(folder / "same", "same")
    write(folder / "other", "1")
    status = os.stat(folder / "same")
    snapshot = store.take(folder, "run", "1")
    write(folder / "other", "2")
    store.take(folder, "run", "2")
    assert store.apply(store.plan(folder, snapshot.id)).counts == {"rewrite": 1}
    now = os.stat(folder / "same")
    assert (now.st_ino, now.st_ctime_ns) == (status.st_ino, status.st_ctime_ns)
