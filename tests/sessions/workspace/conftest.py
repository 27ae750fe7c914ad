"""A workspace and a snapshot store for each test."""

import os
import tempfile
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


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that every user can reach and write in (pytest's own are closed)."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield Path(name)
