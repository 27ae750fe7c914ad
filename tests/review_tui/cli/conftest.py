"""A database of its own for each test, a small run in it, and the command line to call."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from review_tui.cli.group import cli

HOSTILE = "before \x1b]0;owned\x07 \x9b31m red \u202egnp.exe \u200b hidden \x7f end"
#: Nothing of this may ever be written to a terminal.
FORBIDDEN = ["\x1b", "\x07", "\x9b", "\u202e", "\u200b", "\x7f"]


class Called:
    """What a call gave: exit code, both streams, and the JSON document where there is one."""

    def __init__(self, result: Any) -> None:
        self.code: int = result.exit_code
        self.out: str = result.stdout
        self.err: str = result.stderr
        self.exception = result.exception

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of the test's own database (not made yet), and an environment without the user's own things."""
    path = tmp_path / "db" / "review.db"
    monkeypatch.setenv("REVIEW_TUI_DB", str(path))
    monkeypatch.setenv("REVIEW_TUI_REVIEWER", "ann")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("REVIEW_TUI_CODEBOOKS", raising=False)
    monkeypatch.delenv("REVIEW_TUI_DEBUG", raising=False)
    return path


@pytest.fixture
def call(db: Path):
    """Call the command line: `call("show", run)`."""

    def run(*args: object) -> Called:
        called = Called(CliRunner().invoke(cli, [str(arg) for arg in args], prog_name="review-tui"))
        assert called.exception is None or isinstance(called.exception, SystemExit), called.exception
        assert "Traceback" not in called.err
        return called

    return run


def chat_file(path: Path, turns: int = 12, name: str = "check", extra: list[dict[str, Any]] | None = None) -> Path:
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"Please {name} the thing."}]
    messages += [
        {"role": "assistant", "content": f"{name} step {place} says word{place}."} for place in range(2, turns)
    ]
    messages += extra or []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"messages": messages}))
    return path


@pytest.fixture
def chat():
    """Write a chat of so many steps to a file."""
    return chat_file


@pytest.fixture
def run(call, tmp_path: Path) -> str:
    """The id of a stored run of 12 steps: chunks 1-5, 6-10, 11-12. Step N (from 2 to 11) says wordN."""
    path = chat_file(tmp_path / "runs" / "plain.json", extra=[{"role": "assistant", "content": "Done. Done: a=b."}])
    return call("import", path, "--json").json["runs"][0]["id"]


@pytest.fixture
def hostile(call, tmp_path: Path) -> str:
    """The id of a run whose every text is hostile."""
    messages = [
        {"role": "user", "content": HOSTILE, "name": HOSTILE},
        {
            "role": "assistant",
            "content": HOSTILE,
            "tool_calls": [{"id": HOSTILE, "type": "function", "function": {"name": HOSTILE, "arguments": HOSTILE}}],
        },
        {"role": "tool", "tool_call_id": HOSTILE, "content": HOSTILE},
        {"role": "assistant", "content": HOSTILE},
    ]
    path = tmp_path / "hostile.json"
    path.write_text(json.dumps({"messages": messages}))
    return call("import", path, "--json").json["runs"][0]["id"]


def harmless(text: str) -> bool:
    """Whether a terminal would show it as it is."""
    return not any(mark in text for mark in FORBIDDEN)


@pytest.fixture
def is_harmless():
    return harmless
