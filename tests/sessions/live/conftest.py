"""A database of its own for each test of live runs, and no checks but those that a test brings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sessions.live import checking
from sessions.store import Store


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checking, "points", dict)
    return tmp_path / "live.db"


@pytest.fixture
def store(db: Path) -> Iterator[Store]:
    with Store.open(db) as opened:
        yield opened
