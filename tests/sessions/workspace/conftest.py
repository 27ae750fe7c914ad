"""A workspace and a snapshot store for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sessions.workspace.snapshots import Snapshots


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty workspace."""
    made = tmp_path / "workspace"
    made.mkdir()
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Snapshots]:
    with Snapshots(tmp_path / "snapshots") as opened:
        yield opened
