"""`convert`: runs of the database and of files, to standard output and to files."""

import json
import os
import stat
from pathlib import Path
from unittest.mock import patch

import pytest
from conftest import FORBIDDEN, HOSTILE, chat_file

from review_tui.cli import convert, group
from sessions.writers import WRITERS


@pytest.fixture(autouse=True)
def command():
    with patch.dict(group.COMMANDS, {"convert": ("review_tui.cli.convert", "Write a run in another format.")}):
        yield


def test_the_formats_are_those_that_there_are() -> None:
    assert tuple(WRITERS) == convert.FORMATS


def test_a_run_of_the_database(call, run: str) -> None:
    lines = [json.loads(line) for line in call("convert", run, "--to", "canonical").out.splitlines()]
    assert [line["type"] for line in lines] == ["run", *["step", "raw"] * 12, "end"]
    assert lines[-1]["content_id"] == call("runs", "--json").json["runs"][0]["content_id"]
    document = call("convert", run[:8], "--to", "atif").json
    assert document["schema_version"] == "ATIF-v1.7"
    assert len(document["steps"]) == 12


@pytest.mark.parametrize("to", convert.FORMATS)
def test_what_is_written_is_the_same_run(call, run: str, to: str, tmp_path: Path) -> None:
    out = tmp_path / "run.out"
    told = call("convert", run, "--to", to, "--out", out, "--json").json
    assert (told["schema"], told["steps"], told["bytes"]) == ("review-tui/convert/1", 12, out.stat().st_size)
    assert call("import", out, "--json").json["runs"][0]["outcome"] == "linked"
    assert out.read_text() == call("convert", run, "--to", to).out


def test_a_file_is_read_and_not_kept(call, db: Path, tmp_path: Path) -> None:
    path = chat_file(tmp_path / "a.json")
    first = call("convert", path, "--to", "canonical").out
    assert not db.exists()
    (tmp_path / "again.jsonl").write_text(first)
    assert call("convert", tmp_path / "again.jsonl", "--to", "canonical").out == first


def test_a_file_with_several_runs(call, tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_text("".join(json.dumps({"messages": [{"role": "user", "content": n}]}) + "\n" for n in ("one", "two")))
    called = call("convert", path, "--to", "atif")
    assert called.code == 1
    assert "2 runs" in called.err
    assert call("convert", f"{path}#2", "--to", "atif").json["steps"][0]["message"] == "two"
    assert call("convert", f"{path}#3", "--to", "atif").code == 1


def test_no_file_is_replaced_unasked(call, run: str, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    out.write_text("mine")
    called = call("convert", run, "--to", "atif", "--out", out)
    assert (called.code, out.read_text()) == (1, "mine")
    assert call("convert", run, "--to", "atif", "--out", out, "--force").code == 0
    assert out.read_text().startswith('{"schema_version"')
    assert stat.S_IMODE(out.stat().st_mode) == 0o666 & ~_umask()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert call("convert", run, "--to", "atif", "--out", tmp_path / "no folder" / "x").code == 1


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_answer_and_the_records_stay_out_on_request(call, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"messages": [{"role": "user", "content": "x"}], "ground_truth": "the answer"}))
    assert "the answer" in call("convert", path, "--to", "canonical").out
    blind = call("convert", path, "--to", "canonical", "--no-reference", "--no-raw").out
    assert "the answer" not in blind
    assert '"raw"' not in blind


@pytest.mark.parametrize("to", convert.FORMATS)
def test_nothing_hostile_reaches_the_terminal(call, to: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps([{"role": "user", "content": HOSTILE}]))
    called = call("convert", path, "--to", to)
    assert not any(mark in called.out + called.err for mark in FORBIDDEN)
    (tmp_path / "again").write_text(called.out)
    assert call("convert", tmp_path / "again", "--to", to).out == called.out


@pytest.mark.parametrize(
    "arguments",
    [["nobody", "--to", "atif"], ["nobody", "--to", "pdf"], ["nobody"], ["x", "--to", "atif", "--json"]],
)
def test_wrong_calls_are_one_line(call, arguments: list[str]) -> None:
    called = call("convert", *arguments)
    assert called.code in (1, 2)
    assert called.out == ""
    assert called.err
