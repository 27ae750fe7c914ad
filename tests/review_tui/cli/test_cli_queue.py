"""`review-tui queue`: what is in a queue by priority, and runs named by their files and folders."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessions.store import Store

SAMPLES = Path(__file__).resolve().parents[3] / "sample_traces"
#: Runs in which detectors find something.
SUSPECT = ("polling-loop.jsonl", "replit-freeze.jsonl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two runs and a file that is none."""
    found = tmp_path / "samples"
    found.mkdir()
    for name in SUSPECT:
        (found / name).write_bytes((SAMPLES / name).read_bytes())
    (found / "notes.txt").write_text("Nothing ran here.\n")
    return found


def strata(db: Path) -> set[str]:
    with Store.open(db) as store:
        return {row[0] for row in store.query("SELECT DISTINCT stratum FROM queue_item")}


def test_by_priority_detectors_look_first(call: Callable[..., Any], db: Path, folder: Path) -> None:
    call("import", folder)
    called = call("queue", "create", "q", "--all", "--order", "priority")
    assert called.code == 0, called
    assert "detectors look at 2 runs first (--no-detect leaves that)" in called.err
    assert strata(db) > {"unsuspected"}
    assert "look at" not in call("queue", "create", "again", "--all", "--order", "priority").err


def test_without_detectors_the_reader_is_told(call: Callable[..., Any], db: Path, folder: Path) -> None:
    call("import", folder)
    called = call("queue", "create", "q", "--all", "--order", "priority", "--no-detect")
    assert called.code == 0, called
    assert "detectors have not looked at 2 runs" in called.err
    assert strata(db) == {"unsuspected"}


def test_other_orders_need_no_detectors(call: Callable[..., Any], folder: Path) -> None:
    assert "detectors" not in call("queue", "create", "q", folder, "--order", "random").err


@pytest.mark.parametrize("known", [True, False], ids=["imported", "new"])
def test_a_folder_stands_for_its_runs(call: Callable[..., Any], folder: Path, known: bool) -> None:
    if known:
        call("import", folder)
    made = call("queue", "create", "q", folder, "--json")
    assert made.code == 0, made
    assert made.json["queue"]["runs"] == 2
    assert len(call("detect", folder, "--json").json["runs"]) == 2


def test_a_folder_without_runs_is_said_to_be_one(call: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for command in (("queue", "create", "q"), ("detect",)):
        called = call(*command, tmp_path / "empty")
        assert called.code == 1
        assert "there is no run in" in called.err
        assert "0 files looked at" in called.err


def test_status_shows_no_gold_where_there_is_none_and_no_item_that_was_decided(
    call: Callable[..., Any], run: str
) -> None:
    call("queue", "create", "q", run)
    for _ in range(3):
        item = call("queue", "next", "q", "--json").json["item"]
        call("decide", item["run"], "--chunk", item["chunk"], "--verdict", "approve")
        assert call("queue", "status", "q", "--json").json["reviewers"][0]["holds"] is None
    shown = call("queue", "status", "q")
    assert shown.code == 0, shown
    assert "gold" not in shown.out
    assert "item" not in shown.out
    assert "3 of 3 finished" in shown.out


def test_status_shows_gold_where_it_is_mixed_in(call: Callable[..., Any], run: str) -> None:
    call("decide", run, "--chunk", 1, "--verdict", "approve", "--none", "--reviewer", "gil")
    call("queue", "create", "q", run, "--gold-from", "gil", "--gold", 0.5)
    call("decide", run, "--chunk", 1, "--verdict", "approve", "--none")
    assert "gold right" in call("queue", "status", "q").out
