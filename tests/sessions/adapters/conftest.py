"""A database, a snapshot store and a workspace of its own for each test of an adapter."""

import os
from pathlib import Path

import pytest

from sessions.live import checking

# Read by mini-SWE-agent when it is imported: no banner, and nothing in the user's own folder.
os.environ.setdefault("MSWEA_SILENT_STARTUP", "1")
os.environ.setdefault("MSWEA_GLOBAL_CONFIG_DIR", os.path.join(os.environ.get("TMPDIR", "/tmp"), "mswea-tests"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "adapters: runs a real agent framework, offline (`make test-adapters`)")


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No check is installed but those that a test brings, so that only what is tested opens gates."""
    monkeypatch.setattr(checking, "points", dict)
    monkeypatch.setenv("REVIEW_TUI_SNAPSHOTS", str(tmp_path / "snapshots"))
    return tmp_path / "live.db"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with what version control would lose: an ignored file, modes, line ends, an empty folder."""
    folder = tmp_path / "work"
    (folder / "src").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "src" / "app.py").write_bytes(b"VALUE = 1\r\n")
    (folder / ".gitignore").write_text("secret.env\n")
    (folder / "secret.env").write_text("TOKEN=abc\n")
    (folder / "secret.env").chmod(0o600)
    return folder
