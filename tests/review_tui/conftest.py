"""Databases with the sample runs, an environment without the user's own things, and `--update-snapshots`."""

from pathlib import Path

import pytest
from station import CHECKOUT, SAMPLES, copy_db, fill

from sessions import archive, catalog
from sessions.catalog import RunInfo
from sessions.store import Store


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true", help="accept the screens as they are now")


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "REVIEW_TUI_CODEBOOKS", "REVIEW_TUI_DB", "REVIEW_TUI_REVIEWER", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")


@pytest.fixture(scope="session")
def checkout_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkout") / "review.db"
    fill(path, CHECKOUT)
    _settle(path)
    return path


@pytest.fixture(scope="session")
def samples_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("samples") / "review.db"
    names = [
        "checkout-outage.json", "good-run.traj.json", "ignored-reviewer.json", "lost-history.jsonl", "nightly-etl.txt",
        "polling-loop.jsonl", "replit-freeze.jsonl", "wide-and-hostile.jsonl",
    ]  # fmt: skip
    fill(path, *(SAMPLES / name for name in names))
    _settle(path)
    return path


def _settle(path: Path) -> None:
    """Index and archive, as the station does beside the screen."""
    with Store.open(path) as store:
        for run in archive.unfinished(store):
            archive.finish_run(store, run, lambda: False)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """A path for a database that is not there yet."""
    return tmp_path / "db" / "review.db"


@pytest.fixture
def checkout_db(checkout_template: Path, db: Path) -> Path:
    """A database with the run of checkout-outage.json: 22 steps, 5 chunks."""
    return copy_db(checkout_template, db)


@pytest.fixture
def samples_db(samples_template: Path, db: Path) -> Path:
    """A database with all sample runs."""
    return copy_db(samples_template, db)


@pytest.fixture
def checkout_run(checkout_db: Path) -> RunInfo:
    with Store.open(checkout_db) as store:
        (run,) = catalog.runs(store)
    return run
