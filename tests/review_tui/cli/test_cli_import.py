"""`import`: files, folders, what is no run, and `--check`."""

import json
import os
from pathlib import Path

import pytest

from sessions.discover import find


def test_one_file(call, tmp_path: Path, chat) -> None:
    path = chat(tmp_path / "a.json")
    document = call("import", path, "--json").json
    assert document["schema"] == "review-tui/import/1"
    (run,) = document["runs"]
    assert (run["format"], run["steps"], run["chunks"], run["problems"]) == ("openai-chat", 11, 3, [])
    assert (run["outcome"], run["path"]) == ("new", str(path))
    assert len(run["id"]) == 32
    assert (document["skipped"], document["failed"]) == (0, [])
    again = call("import", path, "--json").json["runs"][0]
    assert (again["id"], again["outcome"]) == (run["id"], "known")
    assert "known already" in call("import", path).out


def test_a_folder_is_searched_and_what_is_no_run_is_counted(call, tmp_path: Path, chat) -> None:
    root = tmp_path / "root"
    chat(root / "a.json", name="alpha")
    chat(root / "deep" / "er" / "b.json", name="beta")
    chat(root / ".hidden" / "c.json", name="gamma")
    chat(root / "node_modules" / "d.json", name="delta")
    chat(root / ".git" / "e.json", name="epsilon")
    (root / "notes.md").write_text("# Only notes\n\nNothing to see.\n")
    (root / "empty.json").write_text("")
    (root / "picture.png").write_bytes(b"\x89PNG\x00\x01" * 100)
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "deep" / "again.json").symlink_to(root / "a.json")
    (root / "dangling").symlink_to(root / "nowhere")
    os.mkfifo(root / "pipe")
    document = call("import", root, "--json").json
    assert sorted(Path(run["path"]).name for run in document["runs"]) == ["a.json", "b.json"]
    assert document["skipped"] == 3
    assert document["failed"] == []
    assert len(call("runs", "--json").json["runs"]) == 2


def test_a_hidden_folder_that_is_named_is_searched(call, tmp_path: Path, chat) -> None:
    chat(tmp_path / ".agent" / "a.json")
    assert len(call("import", tmp_path / ".agent", "--json").json["runs"]) == 1


def test_a_folder_without_runs(call, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "x.txt").write_text("hello")
    called = call("import", tmp_path / "src")
    assert called.code == 1
    assert "there is no run in" in called.err
    assert "1 file looked at" in called.err


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.json", b"", "is empty"),
        ("binary.json", b"\x00\x01\x02" * 500, "binary file"),
        ("other.json", b'{"unrelated": true}', "no known format"),
    ],
)
def test_named_files_that_are_no_runs_are_errors(
    call, tmp_path: Path, chat, name: str, content: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(content)
    called = call("import", tmp_path / name, chat(tmp_path / "good.json"), "--json")
    assert called.code == 1
    assert says in called.err
    assert len(called.json["runs"]) == 1, "the good one is read all the same"
    (failed,) = called.json["failed"]
    assert failed["path"] == str(tmp_path / name)
    assert says in failed["reason"]


def test_missing_and_odd_paths(call, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "there is no file" in call("import", tmp_path / "nope.json").err
    assert "neither a file nor a folder" in call("import", tmp_path / "pipe").err


def test_damaged_lines_are_told_and_the_rest_is_read(call, tmp_path: Path) -> None:
    lines = [
        json.dumps({"role": "user" if place % 2 == 0 else "assistant", "content": f"m{place}"}) for place in range(8)
    ]
    lines[3] = '{"role": "assistant", "content": "cut o'
    path = tmp_path / "damaged.jsonl"
    path.write_text("\n".join(lines))
    (run,) = call("import", path, "--json").json["runs"]
    (problem,) = run["problems"]
    assert (problem["path"], problem["line"]) == (str(path), 4)
    assert run["steps"] == 7
    assert f"{path}:4: " in call("import", path, "--check").err


def test_check_stores_nothing(call, db: Path, tmp_path: Path, chat) -> None:
    path = chat(tmp_path / "a.json")
    checked = call("import", path, "--check", "--json").json["runs"][0]
    assert not db.exists()
    assert (checked["id"], checked["outcome"], checked["steps"]) == (None, "checked", 11)
    assert call("import", path, "--json").json["runs"][0]["content_id"] == checked["content_id"]


def test_a_format_that_is_asked_for(call, tmp_path: Path, chat) -> None:
    chat(tmp_path / "in" / "a.json")
    (tmp_path / "in" / "b.txt").write_text("just words")
    document = call("import", tmp_path / "in", "--format", "openai-chat", "--json").json
    assert [run["format"] for run in document["runs"]] == ["openai-chat"]
    forced = call("import", tmp_path / "in" / "b.txt", "--format", "text", "--json").json
    assert forced["runs"][0]["format"] == "text"


def test_the_background_work_is_done_at_once(call, db: Path, tmp_path: Path, chat) -> None:
    path = chat(tmp_path / "a.json")
    call("import", path)
    from sessions import archive
    from sessions.store import Store

    with Store.open(db) as store:
        assert archive.unfinished(store) == []


def test_names_that_are_no_text(call, tmp_path: Path, chat) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[31m.json"))
    chat(path)
    called = call("import", path)
    assert called.code == 0, called
    missing = call("import", os.fsdecode(b"/no/\xff\x1b[31mfile"))
    assert missing.code == 1
    assert "\x1b" not in missing.err


def test_find_streams_and_knows_what_was_claimed(tmp_path: Path, chat) -> None:
    first, second = chat(tmp_path / "a.json"), chat(tmp_path / "agent-1.json", name="other")
    chat(tmp_path / "z.json", name="third")
    search = find([tmp_path, first])
    found = []
    for item in search:
        found.append(item.path.name)
        search.claim([str(second)])
    assert found == ["a.json", "z.json"]
    (named,) = find([first])
    assert (named.format, named.named) == ("openai-chat", True)
    assert 0 < named.confidence <= 1


def test_a_folder_that_cannot_be_read(call, tmp_path: Path, chat, monkeypatch) -> None:
    chat(tmp_path / "in" / "a.json")
    closed = tmp_path / "in" / "closed"
    closed.mkdir()
    scandir = os.scandir

    def refuse(path):
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuse)
    called = call("import", tmp_path / "in")
    assert called.code == 0
    assert "cannot look into" in called.err
    assert call("import", closed).code == 1


def test_check_tells_what_is_in_a_run_and_what_is_not_understood(call, tmp_path: Path) -> None:
    call_of = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Go."},
        {"role": "assistant", "content": "I look.", "tool_calls": [call_of, {**call_of, "id": "c2"}]},
        {"role": "tool", "tool_call_id": "c1", "content": "Traceback (most recent call last):\n  x"},
        {"role": "assistant", "content": "", "audit_trail": {"by": "x"}},
    ]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"messages": messages, "reward": 0.5}))
    (run,) = call("import", path, "--check", "--json").json["runs"]
    assert {kind: run["parts"][kind] for kind in ("tool_call", "tool_result", "raw")} == {
        "tool_call": 2, "tool_result": 1, "raw": 1}  # fmt: skip
    assert (run["calls_without_result"], run["errors"], run["errors_inferred"]) == (1, 0, 1)
    assert run["kept_raw"] == {"audit_trail": 1}
    assert run["reference"] == ["reward"]
    assert run["could_be"][0]["format"] == "openai-chat"
    told = call("import", path, "--check")
    assert "2 calls (1 without a result), 1 result (1 error as it seems)" in told.out
    assert "1 record kept raw, not understood: audit_trail 1" in told.out
    assert "kept out of sight, because it tells the answer: reward" in told.out
    assert "0.5" not in told.out


def test_check_of_an_ambiguous_file_lists_what_it_could_be(call, tmp_path: Path) -> None:
    """An AG2 conversation as MAST publishes it is one of both formats; `--format` decides."""
    row = {"trace_id": 1, "mas_name": "AG2", "benchmark_name": "GSM", "round": "r", "trace": {"trajectory": [
        {"content": ["2 + 2?"], "role": "user", "name": "mathproxyagent"},
        {"content": ["4"], "role": "assistant", "name": "assistant"}]}}  # fmt: skip
    path = tmp_path / "records.json"
    path.write_text(json.dumps([row]))
    (run,) = call("import", path, "--check", "--json").json["runs"]
    assert [guess["format"] for guess in run["could_be"]] == ["ag2", "mast"]
    assert run["could_be"][0]["confidence"] > run["could_be"][1]["confidence"]
    assert f"{path} could be: ag2 (" in call("import", path, "--check").err
    assert call("import", path, "--check", "--format", "mast", "--json").json["runs"][0]["format"] == "mast"
    (wrong,) = call("import", path, "--check", "--format", "codex", "--json").json["runs"]
    assert wrong["steps"] == 0
    assert wrong["problems"]


def test_check_of_a_folder_names_what_is_no_run(call, tmp_path: Path, chat) -> None:
    chat(tmp_path / "a.json")
    (tmp_path / "notes.md").write_text("# Notes\n\nNothing to see.\n")
    (tmp_path / "other.json").write_text('{"no": "run"}')
    checked = call("import", tmp_path, "--check", "--json").json
    assert {
        Path(entry["path"]).name: [guess["format"] for guess in entry["could_be"]] for entry in checked["unread"]
    } == {
        "notes.md": ["text"],
        "other.json": [],
    }
    told = call("import", tmp_path, "--check").err
    assert "notes.md (perhaps text, 0.10: name it with --format to read it)" in told
    assert "other.json (no known format)" in told
    assert "unread" not in call("import", tmp_path, "--json").json


def test_check_knows_every_format(call, tmp_path: Path) -> None:
    """A sample of each format that is here: told as text and as JSON, nothing stored."""
    from benchmarks.samples import formats, samples

    names = [name for name in formats() if samples(name) and name != "inspect"]  # which needs its own library
    for name in names:
        samples(name)[0].write(tmp_path / "runs" / name)
    document = call("import", tmp_path / "runs", "--check", "--json").json
    by_folder = {Path(run["path"]).relative_to(tmp_path / "runs").parts[0]: run for run in reversed(document["runs"])}
    assert set(by_folder) == set(names)
    for name, run in by_folder.items():
        assert (run["outcome"], run["format"], run["problems"]) == ("checked", name, []) or name == "canonical"
        assert run["could_be"][0]["format"] == name
        assert 0 < run["steps"] <= sum(run["parts"].values()) + 1
    told = call("import", tmp_path / "runs", "--check").out
    assert all(f"  {name}  " in told for name in names if name != "canonical")  # which tells of another format
