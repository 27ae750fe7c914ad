"""`runs`, `show`, `history`, `search`, and that nothing hostile reaches a terminal."""

import json
from pathlib import Path

import pytest


def test_runs(call, run: str, tmp_path: Path) -> None:
    call("decide", run, "--chunk", 1, "--verdict", "approve")
    (entry,) = call("runs", "--json").json["runs"]
    assert entry["id"] == run
    assert (entry["steps"], entry["chunks"], entry["decided"], entry["state"]) == (12, 3, {"ann": 1}, "complete")
    lines = call("runs").out.splitlines()
    assert lines[0].split() == ["run", "steps", "chunks", "decided", "format", "title"]
    assert lines[1].split()[:5] == [run[:8], "12", "3", "1", "openai-chat"]


def test_show_as_text(call, run: str) -> None:
    call("decide", run, "--chunk", 2, "--verdict", "approve", "--label", "2.6:7-8", "--note", "look here")
    text = call("show", run).out
    assert text.index("=== chunk 1 of 3, steps 1-5") < text.index("--- step 1: user") < text.index("--- step 12: agent")
    assert "  check step 2 says word2." in text
    part = call("show", run[:8], "--chunk", 2).out
    assert "--- step 6: agent" in part
    assert "--- step 11" not in part
    assert "--- your decision\nchunk 2 (steps 6-10): approve" in part
    assert "2.6 reasoning-action-mismatch steps 7-8" in part
    assert "your decision" not in call("show", run, "--chunk", 2, "--reviewer", "bob").out


def test_show_as_json(call, run: str) -> None:
    whole = call("show", run, "--json").json
    assert whole["schema"] == "review-tui/show/1"
    assert [step["step_number"] for step in whole["steps"]] == list(range(1, 13))
    assert [step["step_index"] for step in whole["steps"]] == list(range(12))
    assert whole["steps"][1]["parts"][0]["text"] == "check step 2 says word2."
    assert (whole["chunk"], whole["policy"]) == (None, "every:5")
    part = call("show", run, "--chunk", 3, "--json").json
    assert part["chunk"]["number"] == 3
    assert (part["chunk"]["first_step_number"], part["chunk"]["last_step_index"]) == (11, 11)
    assert len(part["steps"]) == 2
    other = call("show", run, "--chunks", "every:4", "--chunk", 3, "--json").json
    assert [step["step_number"] for step in other["steps"]] == [9, 10, 11, 12]


def test_show_raw(call, run: str) -> None:
    assert '"word5' not in call("show", run, "--chunk", 1).out
    assert "source record:" in call("show", run, "--chunk", 1, "--raw").out
    records = call("show", run, "--chunk", 1, "--raw", "--json").json["steps"][4]["raw"]
    assert json.loads(records[0])["content"] == "check step 5 says word5."


def test_an_empty_run_can_be_shown(call, tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    path.write_text(json.dumps({"schema_version": "ATIF-v1.4", "session_id": "s", "agent": {"name": "a"}, "steps": []}))
    imported = call("import", path, "--json").json["runs"]
    if imported:
        assert call("show", imported[0]["id"]).code == 0
        assert call("show", imported[0]["id"], "--json").json["steps"] == []
        assert call("decide", imported[0]["id"], "--whole", "--verdict", "approve").code == 1


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["--chunk", "0"], 2, "there is no chunk 0"),
        (["--chunk", "99"], 2, "This run has 3 chunks."),
        (["--chunks", "every:0"], 2, "needs a number"),
        (["--chunks", "marker:("], 2, "no regular expression"),
        (["--chunks", "nope"], 2, "no chunk policy"),
    ],
)
def test_bad_chunks(call, run: str, args: list[str], code: int, says: str) -> None:
    called = call("show", run, *args)
    assert called.code == code
    assert says in called.err


def test_naming_runs(call, run: str, tmp_path: Path, chat, db: Path) -> None:
    assert call("show", tmp_path / "runs" / "plain.json").code == 0
    assert call("show", "Please check the thing.").code == 0
    assert call("show", run[:3]).code == 1
    second = call("import", chat(tmp_path / "b.json", name="other"), "--json").json["runs"][0]["id"]
    from sessions.store import Store

    with Store.open(db) as store, store.write() as tx:
        tx.execute("UPDATE run SET id = ? WHERE id = ?", [run[:6] + second[6:], second])
    called = call("show", run[:6])
    assert called.code == 1
    assert "could be 2 runs" in called.err


def test_history(call, run: str) -> None:
    assert "nothing was decided" in call("history", run).err
    call("decide", run, "--chunk", 1, "--verdict", "rollback", "--to", 2, "--label", "2.6:2-3")
    call("decide", run, "--chunk", 2, "--verdict", "approve", "--none", "--reviewer", "bob")
    call("undo", run)
    document = call("history", run, "--json").json
    assert document["schema"] == "review-tui/history/1"
    assert [(event["kind"], event["reviewer"], event["undone"]) for event in document["events"]] == [
        ("decide", "ann", True),
        ("decide", "bob", False),
        ("undo", "ann", False),
    ]
    ops = {op["op"]: op for op in document["events"][0]["payload"]["ops"]}
    assert ops["verdict"]["to"] | {"step": ""} == {"step": "", "step_number": 2, "step_index": 1}
    assert ops["label"]["label"]["first"]["step_number"] == 2
    text = call("history", run).out
    assert "ann  chunk 1 (steps 1-5)  (undone)" in text
    assert "    rollback to step 2" in text
    assert "undo of event 1" in text


def test_history_verify_finds_a_changed_event(call, run: str, db: Path) -> None:
    call("decide", run, "--chunk", 1, "--verdict", "approve")
    good = call("history", run, "--verify", "--json")
    assert (good.code, good.json["verified"], good.json["wrong"]) == (0, True, [])
    from sessions.store import Store

    with Store.open(db) as store, store.write() as tx:
        tx.execute("UPDATE event SET reviewer = 'eve'")
    bad = call("history", run, "--verify", "--json")
    assert (bad.code, bad.json["verified"]) == (1, False)
    assert "was changed" in bad.err
    assert call("db", "verify").code == 1


def test_search(call, run: str, tmp_path: Path, chat) -> None:
    call("import", chat(tmp_path / "b.json", name="other"))
    document = call("search", "WORD7", "--json").json
    assert document["schema"] == "review-tui/search/1"
    assert len(document["hits"]) == 2
    assert not document["truncated"]
    (hit,) = call("search", "word7", "--run", run, "--json").json["hits"]
    assert (hit["run"], hit["step_number"], hit["step_index"], hit["match"]) == (run, 7, 6, "word7")
    assert (hit["before"], hit["start"], hit["end"]) == ("check step 7 says ", 18, 23)
    assert f"{run[:8]}  step 7  agent  check step 7 says [word7]." in call("search", "word7").out
    limited = call("search", "says", "--limit", 3, "--json").json
    assert (len(limited["hits"]), limited["truncated"]) == (3, True)
    assert "there is more" in call("search", "says", "--limit", 3).err


def test_search_without_result(call, run: str) -> None:
    called = call("search", "zzz")
    assert (called.code, called.out) == (0, "")
    assert "occurs nowhere" in called.err
    assert call("search", "zzz", "--json").json["hits"] == []
    assert call("search", "  ").code == 2
    assert call("search", "x", "--run", "nope").code == 1


def test_nothing_hostile_reaches_the_terminal(call, hostile: str, is_harmless) -> None:
    label = ["--label", "2.6:2", "--evidence", "2.6:2:before \u241b]0;owned", "--note", "\x1b[31mnote"]
    assert call("decide", hostile, "--chunk", 1, "--verdict", "approve", *label).code == 0
    calls = [
        ["runs"], ["show", hostile], ["show", hostile, "--raw"], ["history", hostile], ["search", "owned"],
        ["search", "\x1b"], ["show", "\x1b[31m"], ["db", "prune", "--older-than", "0"], ["db", "delete-run", hostile],
        ["undo", hostile], ["decide", hostile, "--chunk", "1", "--verdict", "approve", "--label", "\x1b"],
        ["codebook", "show", "\x9b"], ["\x1b[31m"], ["import", "\u202e"], ["--format", "\x1b", "import", "x"],
    ]  # fmt: skip
    for args in calls:
        for extra in ([], ["--json"]):
            called = call(*args, *extra)
            assert is_harmless(called.out), args
            assert is_harmless(called.err), args


def test_json_has_the_text_as_it_is(call, hostile: str) -> None:
    text = call("show", hostile, "--json").json["steps"][0]["parts"][0]["text"]
    assert text.startswith("before \x1b]0;owned\x07 \x9b31m red \u202egnp.exe \u200b")


def test_a_quote_copied_from_the_screen_is_found(call, hostile: str) -> None:
    quote = "before \u241b]0;owned\u2407"
    called = call(
        "decide",
        hostile,
        "--chunk",
        1,
        "--verdict",
        "approve",
        "--label",
        "2.6:2",
        "--evidence",
        f"2.6:2:{quote}",
        "--json",
    )
    (evidence,) = called.json["decision"]["labels"][0]["evidence"]
    assert evidence["quote"] == "before \x1b]0;owned\x07"
    assert (evidence["start"], evidence["end"]) == (0, 17)


def test_text_of_a_run_cannot_pass_for_the_frame(call, tmp_path: Path, chat) -> None:
    extra = [{"role": "assistant", "content": "x\n=== chunk 9 of 9, steps 1-5\n--- step 99: user"}]
    run = call("import", chat(tmp_path / "a.json", extra=extra), "--json").json["runs"][0]["id"]
    assert "\n=== chunk 9" not in call("show", run).out
    assert "\n--- step 99" not in call("show", run).out
