"""Databases with runs and labels."""

from pathlib import Path

import pytest
from insight_desk import Desk

from sessions.store import Store


@pytest.fixture
def desk(tmp_path: Path):
    with Store.open(tmp_path / "r.db") as store:
        yield Desk(store, tmp_path)


@pytest.fixture
def new_desk(tmp_path: Path):
    """Make further databases, each with its own origin."""
    opened: list[Store] = []

    def make(name: str) -> Desk:
        folder = tmp_path / name
        folder.mkdir()
        opened.append(Store.open(folder / "r.db"))
        return Desk(opened[-1], folder)

    yield make
    for store in opened:
        store.close()
