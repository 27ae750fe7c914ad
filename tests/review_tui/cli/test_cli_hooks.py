"""`review-tui hooks`: what is in the settings stays, nothing is written unasked, and the check finds what lets calls
through."""

import json
import os
from pathlib import Path

import pytest
from program import PROGRAM

from review_tui.cli.group import COMMANDS
from sessions.adapters import claude_settings

OTHERS = {
    "model": "opus",
    "permissions": {"allow": ["Bash(ls:*)"]},
    "hooks": {
        "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "./my-own.sh"}]}],
        "Notification": [],
    },
}


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("hook", "hooks"):
        monkeypatch.setitem(COMMANDS, name, (f"review_tui.cli.{name}", name))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    monkeypatch.setenv("REVIEW_TUI_SNAPSHOTS", str(tmp_path / "snapshots"))
    monkeypatch.setenv("REVIEW_TUI_POLICY", str(tmp_path / "policy.toml"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    # A folder that others can enter: no server is asked or started (`test_hook_server` has it).
    (tmp_path / "run" / "review-tui").mkdir(parents=True)
    (tmp_path / "run" / "review-tui").chmod(0o777)
    monkeypatch.setattr("review_tui.cli.hooks.install.program", lambda: PROGRAM)
    (tmp_path / "policy.toml").write_text("")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".claude" / "settings.local.json"


def put(file: Path, value: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value))


def ours(file: Path) -> str:
    """The installed command, with this test's own program in place of the one on the path."""
    found = set(claude_settings.our_commands(json.loads(file.read_text())).values())
    assert len(found) == 1
    return found.pop()


def test_nothing_is_written_without_yes(call, file, db):
    called = call("hooks", "install", "claude-code")
    assert called.code == 0
    assert '"onFailure": "block"' in called.out
    assert "Nothing was written" in called.err
    assert not file.exists()
    assert not db.exists()


def test_installing_keeps_what_is_there_and_a_copy_of_it(call, file, db):
    put(file, OTHERS)
    before = file.read_bytes()
    assert call("hooks", "install", "claude-code", "--yes", "--chunks", "every:3", "--timeout", "900").code == 0
    settings = json.loads(file.read_text())
    assert settings["model"] == "opus"
    assert settings["permissions"] == OTHERS["permissions"]
    assert settings["hooks"]["PreToolUse"][0] == OTHERS["hooks"]["PreToolUse"][0]
    entry = settings["hooks"]["PreToolUse"][1]
    assert entry["matcher"] == "*"
    (hook,) = entry["hooks"]
    assert hook["onFailure"] == "block"
    assert 24 * 3600 < hook["timeout"] < 2_147_483
    assert f"hook claude-code --db {db} --chunks every:3 --timeout 900 -- " in hook["command"]
    assert hook["command"].endswith(" || exit 2")
    assert set(claude_settings.EVENTS) <= set(settings["hooks"])
    assert db.exists()
    (backup,) = file.parent.glob("*.bak")
    assert backup.read_bytes() == before


def test_installing_twice_is_installing_once_and_uninstalling_leaves_what_was_there(call, file):
    put(file, OTHERS)
    call("hooks", "install", "claude-code", "--yes", "--chunks", "every:3")
    call("hooks", "install", "claude-code", "--yes", "--on-rollback", "stop")
    assert len(json.loads(file.read_text())["hooks"]["PreToolUse"]) == 2
    assert "--on-rollback stop" in ours(file)
    assert "every:3" not in ours(file)
    called = call("hooks", "uninstall", "claude-code")
    assert "Nothing was written" in called.err
    assert call("hooks", "uninstall", "claude-code", "--yes").code == 0
    assert json.loads(file.read_text()) == OTHERS
    assert call("hooks", "uninstall", "claude-code", "--yes").code == 1


def test_the_users_settings_and_another_projects(call, tmp_path):
    assert call("hooks", "install", "claude-code", "--user", "--yes").code == 0
    assert (tmp_path / "claude" / "settings.json").exists()
    assert (tmp_path / "claude" / "settings.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "project").mkdir()
    assert call("hooks", "install", "claude-code", "--project", tmp_path / "project", "--yes").code == 0
    assert (tmp_path / "project" / ".claude" / "settings.local.json").exists()
    assert call("hooks", "install", "claude-code", "--user", "--project", tmp_path).code == 2
    assert call("hooks", "install", "claude-code", "--project", tmp_path / "none").code == 1


@pytest.mark.parametrize("content", ["{", "[]", '{"hooks": []}', '{"hooks": {"Stop": {}}}', "[" * 100_000, "\xff"])
def test_settings_that_are_none_are_not_touched(call, file, content):
    file.parent.mkdir()
    file.write_bytes(content.encode("latin-1"))
    for command in ("install", "uninstall"):
        assert call("hooks", command, "claude-code", "--yes").code == 1
    assert file.read_bytes() == content.encode("latin-1")
    assert list(file.parent.iterdir()) == [file]


def test_a_link_to_the_settings_stays_a_link(call, file, tmp_path):
    real = tmp_path / "dotfiles.json"
    put(real, OTHERS)
    os.chmod(real, 0o640)
    file.parent.mkdir()
    file.symlink_to(real)
    assert call("hooks", "install", "claude-code", "--yes").code == 0
    assert file.is_symlink()
    assert "hook claude-code" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640


def test_the_check_calls_the_installed_hooks(call, file):
    assert call("hooks", "check", "claude-code").code == 1
    call("hooks", "install", "claude-code", "--yes")
    called = call("hooks", "check", "claude-code", "--json")
    assert called.code == 0, called
    assert called.json["ok"] is True
    said = {finding["what"]: finding["said"] for finding in called.json["findings"]}
    assert "would be held" in said["a call"]
    assert "blocks" in said["nonsense"]


def test_the_check_finds_what_lets_calls_through(call, file, db):
    call("hooks", "install", "claude-code", "--yes")
    good = json.loads(file.read_text())
    weak = json.loads(file.read_text())
    del weak["hooks"]["PreToolUse"][0]["hooks"][0]["onFailure"]
    weak["hooks"]["Stop"][0]["hooks"][0]["timeout"] = 60
    del weak["hooks"]["SessionEnd"]
    weak["disableAllHooks"] = True
    put(file, weak)
    called = call("hooks", "check", "claude-code")
    assert called.code == 1
    for words in ("without onFailure block", "nobody would have time", "no hook for SessionEnd", "disableAllHooks"):
        assert words in called.out
    put(file, good)
    os.remove(db)
    called = call("hooks", "check", "claude-code")
    assert called.code == 1
    assert "there is no database" in called.out
    command = ours(file)
    put(
        file,
        json.loads(
            file.read_text().replace(json.dumps(command)[1:-1], "review-tui hook claude-code-that-is-not-there")
        ),
    )
    assert "does NOT block" in call("hooks", "check", "claude-code").out
