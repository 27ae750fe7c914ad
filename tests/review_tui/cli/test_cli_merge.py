"""`review-tui merge`: two people with a file each."""

from pathlib import Path
from typing import Any

import pytest

from review_tui.cli.group import COMMANDS

COMMANDS.setdefault("merge", ("review_tui.cli.merge", "Take in what another database has."))  # type: ignore[attr-defined]


@pytest.fixture
def other(call: Any, chat: Any, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Bob's database: the run of `run`, decided otherwise, and another one."""
    path = tmp_path / "bob" / "review.db"
    with monkeypatch.context() as there:
        there.setenv("REVIEW_TUI_DB", str(path))
        there.setenv("REVIEW_TUI_REVIEWER", "bob")
        call("import", tmp_path / "runs" / "plain.json")
        extra = call("import", chat(tmp_path / "more.json", name="look"), "--json").json["runs"][0]["id"]
        assert call("decide", "plain.json", "--chunk", 1, "--verdict", "stop", "--label", "1.3:2-3").code == 0
        assert call("decide", extra, "--chunk", 1, "--verdict", "approve", "--none").code == 0
    return path


def test_merge_says_what_would_come_and_then_brings_it(call: Any, run: str, other: Path) -> None:
    assert call("decide", run, "--chunk", 1, "--verdict", "approve").code == 0
    dry = call("merge", other, "--dry-run", "--json").json
    assert (dry["dry_run"], dry["events"], len(dry["runs"]["new"]), dry["chunks_with_several_votes"]) == (True, 2, 1, 1)
    assert len(call("runs", "--json").json["runs"]) == 1
    done = call("merge", other, "--json").json
    assert done["schema"] == "review-tui/merge/1"
    assert (done["dry_run"], done["events"], len(done["runs"]["new"])) == (False, 2, 1)
    assert done["runs"]["joined"] == [run]
    assert len(call("runs", "--json").json["runs"]) == 2
    assert {item["reviewer"] for item in call("history", run, "--json").json["events"]} == {"ann", "bob"}
    assert call("db", "verify").code == 0
    again = call("merge", other)
    assert again.code == 0
    assert "0 runs" in again.out
    assert "0 events" in again.out


def test_merge_into_a_database_that_is_not_there_yet(call: Any, other: Path, tmp_path: Path) -> None:
    made = call("--db", tmp_path / "new.db", "merge", other, "--json").json
    assert (made["events"], len(made["runs"]["new"])) == (2, 2)


def test_merge_refuses_in_one_line(call: Any, run: str, other: Path, tmp_path: Path) -> None:
    other.write_bytes(other.read_bytes()[:9000])
    refused = call("merge", other)
    assert refused.code == 1
    assert len(refused.err.strip().splitlines()) == 1
    assert call("merge", tmp_path / "nothing.db").code == 1
