"""`review-tui codes`: the whole way from notes to a mode and back to a queue, as one works it by hand."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import FORBIDDEN, HOSTILE


@pytest.fixture
def runs(call, chat, tmp_path: Path) -> list[str]:
    """Three runs with a note each: two say nearly the same, one is hostile."""
    found = []
    texts = ["reads the clock of the wrong time zone", "read a clock in the wrong time zone", f"stops early {HOSTILE}"]
    for place, text in enumerate(texts):
        path = chat(tmp_path / f"{place}.json", name=f"job{place}")
        found.append(call("import", path, "--json").json["runs"][0]["id"])
        assert call("decide", found[-1], "--chunk", 1, "--verdict", "approve", "--note", text).code == 0
    return found


def notes(call, *more: Any) -> list[dict[str, Any]]:
    return call("codes", "notes", "--json", *more).json["notes"]


def codes(call) -> dict[str, int]:
    return {item["name"]: item["notes"] for item in call("codes", "list", "--json").json["codes"]}


def test_from_notes_to_a_mode_and_back_to_a_queue(call, runs: list[str], tmp_path: Path):
    one, two, three = notes(call)
    assert one["run"] == runs[0]
    assert (one["chunk_number"], one["first"], one["codes"]) == (1, {"step_number": 1, "step_index": 0}, [])
    made = call("codes", "assign", "wrong clock", one["note"], "--json").json
    assert (made["schema"], made["new"], made["near"]) == ("review-tui/codes-assign/1", True, [])
    said = call("codes", "assign", "wrong clocks", two["note"][:6])
    assert "a new code" in said.out
    assert "near to 'wrong clock'" in said.err
    (pair,) = call("codes", "similar", "--json").json["codes"]
    assert sorted(pair["codes"]) == ["wrong clock", "wrong clocks"]
    assert call("codes", "similar", "clock wrong").out.splitlines()[0] == "1.00  wrong clock"
    merged = call("codes", "merge", "wrong clocks", "wrong clock", "--json").json
    assert (merged["notes"], merged["former_names"]) == (2, ["wrong clocks"])
    assert (
        call("codes", "rename", "wrong clock", "wrong time zone").out == "wrong clock is called wrong time zone now\n"
    )
    call("codes", "assign", "wrong clock", three["note"])
    assert codes(call) == {"wrong time zone": 3}
    moved = call("codes", "split", "wrong time zone", "stops early", three["note"], "--json").json
    assert (moved["from"]["name"], moved["name"]) == ("wrong time zone", "stops early")
    assert codes(call) == {"wrong time zone": 2, "stops early": 1}
    assert call("codes", "undo", "--json").json["act"] == "split"
    assert codes(call) == {"wrong time zone": 3}
    assert "split" in call("codes", "redo").out
    assert "'stops early' split off 'wrong time zone' with 1 note" in call("codes", "history").out
    acts = call("codes", "history", "stops early", "--json").json["acts"]
    assert [(act["op"], act["by"]) for act in acts] == [("split", "ann")]
    file = tmp_path / "ours.toml"
    promoted = call("codes", "promote", "wrong time zone", file, "--json").json
    assert promoted["created"]
    assert promoted["queues"] == [{"name": "again: wrong time zone", "items": 2}]
    assert call("codebook", "check", file).code == 0
    given = call("queue", "next", "again: wrong time zone", "--json").json
    assert given["item"]["run"] in runs[:2]
    assert given["item"]["again"] == "wrong-time-zone@ours is new: it was noted here as 'wrong time zone'"
    assert "you decided on it before" in call("queue", "next", "again: wrong time zone").err
    assert "wrong-time-zone@ours" in call("codes", "list").out
    assert [item["note"] for item in notes(call, "--uncoded")] == []
    assert len(notes(call, "--code", "wrong time zone")) == 2
    assert len(notes(call, "--run", runs[2])) == 1


def test_every_command_says_what_it_did_in_plain_lines(call, runs: list[str], tmp_path: Path):
    one, two, _ = notes(call)
    assert "clock" in call("codes", "notes").out
    call("codes", "assign", "clock", one["note"], two["note"])
    assert "2     2  clock" in call("codes", "list").out
    assert "clock: taken from 1 note" in call("codes", "unassign", "clock", two["note"]).out
    assert call("codes", "unassign", "clock", one["note"], "--json").json["name"] == "clock"
    call("codes", "assign", "clock", one["note"], two["note"])
    assert "part: 1 note; clock keeps 1" in call("codes", "split", "clock", "part", two["note"]).out
    assert "part: part of clock now (2 notes)" in call("codes", "merge", "part", "clock").out
    said = call("codes", "saturation")
    assert "2 runs coded: fewer than 5 say nothing of saturation." in said.out
    document = call("codes", "saturation", "--json").json
    assert (document["codes"], document["runs"], document["too_few"]) == (1, 2, True)
    assert [point["observed"] for point in document["curve"]] == [1, 1]
    done = call("codes", "promote", "clock", tmp_path / "new.toml", "--no-queue")
    assert "a new codebook" in done.out
    assert "no quote: none of its notes has evidence" in done.out
    assert "codebook check" in done.err


def test_hostile_notes_and_names_reach_no_terminal(call, runs: list[str], tmp_path: Path):
    (hostile,) = [item for item in notes(call) if item["run"] == runs[2]]
    assert call("codes", "assign", HOSTILE, hostile["note"]).code == 2
    call("codes", "assign", "stops [bold]early[/bold]", hostile["note"])
    for words in (("notes",), ("list",), ("similar",), ("saturation",), ("similar", HOSTILE)):
        for more in ((), ("--json",)):
            said = call("codes", *words, *more)
            assert said.code == 0
            assert not [char for char in FORBIDDEN if char in said.out + said.err]
    file = tmp_path / "hostile.toml"
    said = call("codes", "promote", "stops [bold]early[/bold]", file)
    assert said.code == 0
    assert not [char for char in FORBIDDEN if char in said.out + file.read_text()]


@pytest.mark.parametrize(
    ("words", "code", "about"),
    [
        (("assign", "x", "ffffffffffff"), 1, "there is no note 'ffffffffffff'"),
        (("assign", "x"), 2, "Missing argument"),
        (("merge", "nothing", "else"), 1, "there is no code 'else'"),
        (("rename", "nothing", "else"), 1, "there is no code 'nothing'"),
        (("undo",), 1, "there is nothing of ann on codes to undo"),
        (("redo",), 1, "there is nothing of ann on codes to redo"),
        (("promote", "nothing", "x.toml"), 1, "there is no code 'nothing'"),
        (("notes", "--run", "nothing"), 1, "nothing"),
    ],
)
def test_what_goes_wrong_is_one_plain_line(call, runs: list[str], words: tuple[str, ...], code: int, about: str):
    said = call("codes", *words)
    assert said.code == code
    assert about in said.err


def test_an_empty_database_says_what_is_missing(call, chat, tmp_path: Path):
    assert "there is no database" in call("codes", "list").err
    call("import", chat(tmp_path / "a.json"))
    assert "`t` in the station writes one" in call("codes", "notes").err
    assert "there is no code yet" in call("codes", "list").err
    assert call("codes", "saturation").out == "No run has a coded note yet.\n"
    assert call("codes", "saturation", "--json").json["chao2"]["value"] is None
    assert "nothing here is nearly the same" in call("codes", "similar").err


def test_in_a_queue_others_notes_are_not_shown_before_ones_own_verdict(call, runs: list[str]):
    call("queue", "create", "q", runs[0])
    assert len(notes(call)) == 3
    document = call("--reviewer", "bob", "codes", "notes", "--json").json
    assert (len(document["notes"]), document["hidden"]) == (2, 1)
    assert "1 note of others not shown" in call("--reviewer", "bob", "codes", "list").err
    call("decide", runs[0], "--chunk", 1, "--verdict", "approve", "--reviewer", "bob")
    assert call("--reviewer", "bob", "codes", "notes", "--json").json["hidden"] == 0


def test_json_documents_are_one_line_each(call, runs: list[str]):
    assert json.loads(call("codes", "list", "--json").out)["schema"] == "review-tui/codes-list/1"


def test_undoing_a_promotion_says_what_goes_with_it(call, runs: list[str], tmp_path: Path):
    call("codes", "assign", "wrong clock", notes(call)[0]["note"])
    call("codes", "promote", "wrong clock", tmp_path / "ours.toml")
    assert codes(call) == {"wrong clock": 1}
    said = call("codes", "undo").out
    assert "(promote, wrong clock)" in said
    assert "the queue 'again: wrong clock' is gone" in said
    assert call("queue", "list", "--json").json["queues"] == []
    assert codes(call) == {"wrong clock": 1}


def test_who_coded_others_notes_does_not_decide_blind_in_a_queue(call, runs: list[str]):
    call("codes", "assign", "wrong clock", notes(call)[0]["note"], "--reviewer", "dora")
    call("queue", "create", "week", runs[0])
    decide = ("decide", runs[0], "--chunk", 1, "--verdict", "approve", "--json", "--reviewer")
    assert [call(*decide, who).json["decision"]["blind_votes"] for who in ("dora", "eve")] == [False, True]
