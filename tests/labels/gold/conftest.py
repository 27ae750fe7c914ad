"""Databases with runs and votes, for tests of gold."""

from pathlib import Path

import pytest
from gold_desk import LOOP, MAST, NONE, Desk, fill

from labels.gold.hiding import Review
from labels.gold.piece import Options
from labels.gold.release import release
from labels.gold.splits import Splits
from labels.model import Evidence, SetJudged, SetNote
from labels.suggestions import Suggestion, save
from sessions.store import Store


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "clients: needs clients that `make test-clients` installs")


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


@pytest.fixture
def three(desk: Desk) -> Desk:
    """See `gold_desk.fill`."""
    fill(desk)
    return desk


@pytest.fixture
def released(three: Desk) -> Desk:
    """Three's votes, a suggestion, and a third run of which one mode was asked about; released with all in train."""
    run = three.run(3)
    three.say("ann", run, None, NONE, SetJudged(codebook=MAST.ref, modes=(LOOP,)), SetNote(text="=1+1"))
    step = three.ref(run, 2)
    quote = Evidence(step=step, part=0, start=0, end=3, quote="run")
    save(three.store, run, [Suggestion(
        mode=LOOP, codebook=MAST.ref, first=step, last=step, evidence=(quote,), score=0.7, detector="repetition",
        version="3",
    )])  # fmt: skip
    splits = Splits.parse("s", ["train=1", "test=0"])
    release(three.store, three.folder / "rel", Options("demo", splits=splits, licence="CC-BY-4.0"), Review())
    return three
