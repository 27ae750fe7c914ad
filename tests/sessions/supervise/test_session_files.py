"""Which session files a command writes."""

import json
import os
import time
from pathlib import Path

import pytest

from sessions.supervise.session_files import SessionFiles


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "my.work"
    made.mkdir()
    return made


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home"), "CODEX_HOME": str(tmp_path / "codex")}


def claude(tmp_path: Path, place: Path, name: str = "s.jsonl", cwd: Path | None = None) -> Path:
    folder = (
        tmp_path / "home" / ".claude" / "projects" / str(place).replace("/", "-").replace(".", "-").replace("_", "-")
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps({"type": "summary"}) + "\n" + json.dumps({"cwd": str(cwd or place)}) + "\n")
    return path


def found(files: SessionFiles) -> list[Path]:
    files.search(at_once=True)
    return list(files.found)


def test_a_file_that_comes_in_claude_codes_folder_of_the_place(tmp_path, place, env):
    old = claude(tmp_path, place, "old.jsonl")
    files = SessionFiles([place], None, env)
    assert found(files) == []
    new = claude(tmp_path, place, "new.jsonl")
    assert found(files) == [new]
    assert files.found[new] == 0
    size = old.stat().st_size
    with open(old, "a") as file:  # it is resumed
        file.write("{}\n")
    assert found(files) == [new, old]
    assert files.found[old] == size


def test_a_file_of_another_folder_or_a_sub_agents_is_not_ours(tmp_path, place, env):
    files = SessionFiles([place], None, env)
    claude(tmp_path, place, "other.jsonl", cwd=tmp_path / "elsewhere")
    claude(tmp_path, place, "agent-1.jsonl")
    claude(tmp_path, place, "alike.jsonl", cwd=Path(f"{place}-2"))
    assert found(files) == []
    inside = claude(tmp_path, place / "sub", "inside.jsonl")
    assert found(files) == [inside]


def test_a_file_counts_as_soon_as_it_says_where_it_works(tmp_path, place, env):
    path = claude(tmp_path, place)
    path.unlink()
    files = SessionFiles([place], None, env)
    path.write_text('{"type":"summary"}\n{"cw')
    assert found(files) == []
    path.write_text(json.dumps({"cwd": str(place)}) + "\n")
    assert found(files) == [path]


def test_codex_sorts_by_day(tmp_path, place, env):
    files = SessionFiles([place], None, env)
    folder = tmp_path / "codex" / "sessions" / time.strftime("%Y/%m/%d")
    folder.mkdir(parents=True)
    path = folder / "rollout-1.jsonl"
    path.write_text(json.dumps({"type": "session_meta", "payload": {"id": "s", "cwd": str(place)}}) + "\n")
    assert found(files) == [path]


def test_a_link_to_the_place_is_the_place(tmp_path, place, env):
    link = tmp_path / "link"
    link.symlink_to(place)
    files = SessionFiles([link], None, env)
    path = claude(tmp_path, place)
    assert found(files) == [path]


def test_a_named_file_is_the_only_one_and_may_come_later(tmp_path, place, env):
    pinned = tmp_path / "run.jsonl"
    files = SessionFiles([place], pinned, env)
    claude(tmp_path, place)
    assert found(files) == []
    pinned.write_text("{}\n")
    assert found(files) == [pinned]
    assert files.folders() == [tmp_path]


def test_hostile_lines_and_folders_without_permission_are_no_sessions(tmp_path, place, env):
    files = SessionFiles([place], None, env)
    path = claude(tmp_path, place)
    path.write_bytes(b"[" * 100_000 + b"\n\xff\n" + b'{"cwd": 7, "payload": {"cwd": []}}\n' + b'{"cwd": "\\u0000"}\n')
    assert found(files) == []
    os.chmod(path.parent, 0)
    try:
        found(files)
    finally:
        os.chmod(path.parent, 0o700)
