"""A policy of its own for each test, a database, a workspace, and the checks that come with the program."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from policy_tools import CHECKS, Gates

from labels.operating import record_policy
from labels.policies import suspecting
from sessions.live import checking, opening, telling
from sessions.store import Store


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's own, and no more checks than these."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, folder in (("CONFIG", "config"), ("DATA", "data"), ("STATE", "state")):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / folder))
    for name in ("POLICY", "STAGES", "SNAPSHOTS", "DB", "GATED_RUN"):
        monkeypatch.delenv(f"REVIEW_TUI_{name}", raising=False)
    monkeypatch.setattr(checking, "points", lambda: CHECKS)
    monkeypatch.setattr(checking, "LIMIT_S", 5.0)  # what a check says is tested here, not how fast this machine is
    monkeypatch.setattr(checking, "WALL_LIMIT_S", 20.0)
    monkeypatch.setattr(telling, "points", dict)
    monkeypatch.setattr(opening, "_recorder", lambda: record_policy)
    suspecting._watching.clear()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "records" / "review.db"


@pytest.fixture
def store(db: Path) -> Iterator[Store]:
    with Store.open(db) as opened:
        yield opened


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write the policy that is in force."""
    path = tmp_path / "operator" / "policy.toml"
    path.parent.mkdir()
    monkeypatch.setenv("REVIEW_TUI_POLICY", str(path))

    def write(text: str) -> Path:
        path.write_text(text)
        return path

    return write


@pytest.fixture
def gates(db: Path, workspace: Path) -> Gates:
    return Gates(db, workspace)
