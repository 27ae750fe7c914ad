"""`gold` and `adjudicate` as commands."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def voted(call, run: str) -> str:
    """Ann and bob agree on chunk 1 and differ on chunk 2."""
    for who in ("ann", "bob"):
        call("decide", run, "--chunk", 1, "--verdict", "approve", "--none", "--reviewer", who)
    call("decide", run, "--chunk", 2, "--verdict", "approve", "--label", "1.3:7", "--reviewer", "ann")
    call("decide", run, "--chunk", 2, "--verdict", "approve", "--none", "--reviewer", "bob")
    return run


def test_status(call, voted: str):
    found = call("gold", "status", "--json").json
    assert found["schema"] == "review-tui/gold-status/1"
    loop = next(row for row in found["modes"] if row["mode"] == "step-repetition" and row["codebook"] == "mast")
    assert (loop["absent"], loop["disputed"]) == (1, 1)
    assert (found["votes"], found["units"]) == (4, 2)
    plain = call("gold", "status")
    assert plain.code == 0
    assert "disputed" in plain.out


def test_status_of_nothing(call, run: str):
    called = call("gold", "status")
    assert (called.code, "no vote yet" in called.err) == (0, True)


def test_release_verify(call, voted: str, tmp_path: Path):
    called = call("gold", "release", "first", "--out", tmp_path / "rel", "--json")
    assert called.code == 0
    assert called.json["counts"]["votes"] == 4
    found = call("gold", "verify", tmp_path / "rel", "--json").json
    assert (found["verified"], found["digest"]) == (True, called.json["digest"])
    again = call("gold", "release", "first", "--out", tmp_path / "again")
    assert called.json["digest"] in again.out
    used = call("gold", "release", "first", "--out", tmp_path / "rel")
    assert (used.code, "in use" in used.err) == (1, True)
    (tmp_path / "rel" / "gold.jsonl").chmod(0o644)
    (tmp_path / "rel" / "gold.jsonl").write_text("")
    broken = call("gold", "verify", tmp_path / "rel")
    assert broken.code == 1
    assert "gold.jsonl" in broken.err
    assert call("gold", "verify", tmp_path).code == 1


def test_release_of_one_person_and_of_nothing(call, run: str, tmp_path: Path):
    nothing = call("gold", "release", "x", "--out", tmp_path / "rel")
    assert (nothing.code, "no vote" in nothing.err) == (1, True)
    call("decide", run, "--chunk", 1, "--verdict", "approve", "--none")
    assert "one person" in call("gold", "release", "x", "--out", tmp_path / "rel").err
    few = call("gold", "release", "x", "--out", tmp_path / "few", "--min-votes", 2)
    assert (few.code, "no label is settled" in few.err) == (1, True)
    assert not (tmp_path / "few").exists()


def test_two_names_are_pointed_out(call, run: str):
    for who in ("ann smith", "Ann.Smith"):
        call("decide", run, "--chunk", 1, "--verdict", "approve", "--none", "--reviewer", who)
    assert "'Ann.Smith' and 'ann smith' look like one name" in call("gold", "status").err
    assert "--same 'Ann.Smith=ann smith'" in call("gold", "status").err
    assert "no reviewer here is called 'zoe'" in call("gold", "status", "--same", "zoe=ann smith").err
    assert "may be one person" not in call("gold", "status", "--same", "ann smith=Ann.Smith").err
    assert call("gold", "status", "--same", "ann").code == 2


def test_redactions(call, chat, tmp_path: Path):
    path = chat(tmp_path / "secret.json", extra=[{"role": "assistant", "content": "mail jo.doe@example.org \x1b[31m"}])
    run = call("import", path, "--json").json["runs"][0]["id"]
    call("decide", run, "--chunk", 1, "--verdict", "approve", "--none")
    assert "jo.doe@example.org" in call("gold", "redactions").out
    refused = call("gold", "release", "x", "--out", tmp_path / "rel")
    assert (refused.code, "--accept-redactions" in refused.err) == (1, True)
    assert call("gold", "redactions", "--write", tmp_path / "list").code == 0
    (line,) = (tmp_path / "list").read_text().splitlines()
    (tmp_path / "list").write_text(json.dumps({**json.loads(line), "decision": "keep"}))
    found = call("gold", "redactions", "--reviewed", tmp_path / "list", "--json").json["hits"]
    assert [item["decision"] for item in found] == ["keep"]
    kept = call("gold", "release", "x", "--out", tmp_path / "kept", "--reviewed", tmp_path / "list", "--json").json
    assert kept["redaction"]["kept"] == {"email": 1}
    hidden = call("gold", "release", "x", "--out", tmp_path / "hidden", "--accept-redactions", "--json").json
    assert hidden["redaction"]["hidden"] == {"email": 1}
    assert b"jo.doe" not in (tmp_path / "hidden" / "runs.jsonl").read_bytes()


@pytest.mark.parametrize(
    "given", [("--rule", "most"), ("--min-votes", "0"), ("--split", "x"), ("--salt", " "), ("--same", "a")]
)
def test_options_that_are_none(call, voted: str, tmp_path: Path, given: tuple[str, str]):
    called = call("gold", "release", "x", "--out", tmp_path / "rel", *given)
    assert called.code == 2
    assert not (tmp_path / "rel").exists()


def test_a_queue_alone(call, chat, voted: str, tmp_path: Path):
    path = chat(tmp_path / "other.json", extra=[{"role": "assistant", "content": "something else"}])
    other = call("import", path, "--json").json["runs"][0]["id"]
    call("queue", "create", "week 1", voted)
    call("queue", "create", "week 2", other)
    call("decide", other, "--chunk", 1, "--verdict", "approve", "--none")
    assert call("gold", "status", "--json").json["votes"] == 5
    assert "1.3 Step repetition" in call("gold", "status").out
    assert call("gold", "status", "--queue", "week 1", "--json").json["votes"] == 4
    made = call("gold", "release", "x", "--queue", "week 1", "--out", tmp_path / "rel", "--json").json
    assert (made["counts"]["runs"], made["queue"]["items"], made["queue"]["scope"]) == (1, 3, "chunks")
    assert call("gold", "verify", tmp_path / "rel").code == 0
    assert call("gold", "release", "x", "--out", tmp_path / "all", "--json").json["queue"] is None
    assert "queue: null -> {" in call("gold", "diff", tmp_path / "all", tmp_path / "rel").out
    assert call("gold", "redactions", "--queue", "week 2", "--json").json["hits"] == []
    assert len(call("adjudicate", "list", "--queue", "week 1", "--json").json["open"]) == 1
    assert call("adjudicate", "list", "--queue", "week 2", "--json").json["open"] == []
    for command in (("status",), ("release", "x", "--out", tmp_path / "no"), ("redactions",)):
        unknown = call("gold", *command, "--queue", "week 3")
        assert (unknown.code, "no queue 'week 3'" in unknown.err) == (1, True)
    assert not (tmp_path / "no").exists()


def test_a_codebook_that_changes_in_the_middle_of_a_queue(call, run: str, tmp_path: Path):
    book = 'id = "team"\nversion = "1"\ntitle = "Team"\n'
    book += '[[mode]]\nslug = "loop"\nname = "Loop"\ndefinition = "Again."\n'
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text(book + '[[mode]]\nslug = "lie"\nname = "Lie"\ndefinition = "It is not so."\n')
    new.write_text(old.read_text().replace("It is not so", "It knows that it is not so").replace('"1"', '"2"'))
    call("queue", "create", "q", run, "--reviewers", 2, "--judge-by", "team", "--codebook", old)
    for who, path in (("ann", old), ("bob", new)):
        for mode, chunk in (("loop", 1), ("lie", 2)):
            given = ("--chunk", chunk, "--verdict", "approve", "--label", f"{mode}@team", "--codebook", path)
            assert call("decide", run, *given, "--reviewer", who).code == 0
    status = call("gold", "status", "--queue", "q")
    assert "the codebook team changed while it was used: its state 2 (" in status.err
    found = {row["mode"]: row for row in call("gold", "status", "--queue", "q", "--json").json["modes"]}
    assert (found["loop"]["present"], found["lie"]["present"]) == (1, 1)
    made = call("gold", "release", "x", "--queue", "q", "--out", tmp_path / "rel")
    assert "votes by 1 other state count for the modes that mean the same in both" in made.err
    assert call("gold", "verify", tmp_path / "rel").code == 0
    (lie,) = [
        detail
        for line in (tmp_path / "rel" / "gold.jsonl").read_text().splitlines()
        for detail in json.loads(line)["details"]
        if detail["mode"] == "lie"
    ]
    assert (lie["present"], lie["absent"]) == (1, 0)  # ann's is of another meaning
    agreed = call("agree", "--queue", "q", "--codebook", new)
    assert "changed or new: lie" in agreed.err
    # what was labelled by a codebook can be settled by it, though it is not in use here
    settled = call("adjudicate", "settle", run, "--chunk", 2, "--mode", "lie@team=present", "--reason", "error")
    assert (settled.code, settled.out) == (0, "lie: present (error)\n"), settled


# -- adjudication -----------------------------------------------------------------------------------------------------


def test_adjudicate_from_list_to_gold(call, voted: str):
    (item,) = call("adjudicate", "list", "--json").json["open"]
    assert (item["mode"], item["votes"]["present"], item["chunk_numbers"]) == ("step-repetition", 1, [2])
    assert "1.3 Step repetition  mast" in call("adjudicate", "list").out
    shown = call("adjudicate", "show", voted, "--chunk", 2, "--json").json
    assert shown["blind"]
    assert [vote["by"] for vote in shown["votes"]] == ["A", "B"]
    assert "ann" not in json.dumps(shown["votes"])
    assert {
        vote["by"] for vote in call("adjudicate", "show", voted, "--chunk", 2, "--named", "--json").json["votes"]
    } == {
        "ann",
        "bob",
    }
    plain = call("adjudicate", "show", voted, "--chunk", 2)
    assert "open: 1.3 step-repetition" in plain.out
    settled = call(
        "adjudicate", "settle", voted, "--chunk", 2, "--mode", "1.3=present:7-8", "--reason", "guideline-gap",
        "--guideline", "Twice is a loop.", "--reviewer", "dora", "--json",
    )  # fmt: skip
    assert settled.code == 0
    assert settled.json["adjudication"]["rulings"][0]["steps"][0]["first"]["step_number"] == 7
    assert call("adjudicate", "list", "--json").json["open"] == []
    assert "settled: step-repetition present, guideline-gap" in call("adjudicate", "show", voted, "--chunk", 2).out
    assert "Twice is a loop." in call("adjudicate", "notes").out
    assert call("adjudicate", "notes", "1.3", "--json").json["notes"][0]["by"] == "dora"
    assert "Twice is a loop." in call("codebook", "show", "1.3@mast").out
    assert "adjudicate: chunk 2" in call("history", voted).out
    assert call("history", voted, "--verify").code == 0
    status = call("gold", "status", "--json").json
    loop = next(row for row in status["modes"] if row["mode"] == "step-repetition" and row["codebook"] == "mast")
    assert (loop["present"], loop["absent"]) == (1, 1)
    assert call("adjudicate", "undo", voted, "--reviewer", "dora", "--json").code == 0
    assert len(call("adjudicate", "list", "--json").json["open"]) == 1
    assert call("adjudicate", "redo", voted, "--reviewer", "dora").code == 0
    assert call("adjudicate", "list", "--json").json["open"] == []


def test_adjudicate_whole_run(call, run: str):
    call("decide", run, "--whole", "--verdict", "approve", "--label", "1.3:1-2", "--reviewer", "ann")
    call("decide", run, "--whole", "--verdict", "approve", "--none", "--reviewer", "bob")
    assert "whole run" in call("adjudicate", "list").out
    done = call("adjudicate", "settle", run, "--whole", "--mode", "step-repetition=absent", "--reason", "error")
    assert done.code == 0
    assert call("adjudicate", "list", "--json").json["open"] == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("settle", "{run}", "--chunk", "2", "--mode", "1.3=perhaps", "--reason", "error"), 2),
        (("settle", "{run}", "--chunk", "2", "--mode", "9.9=present", "--reason", "error"), 2),
        (("settle", "{run}", "--chunk", "2", "--mode", "1.3=present:99", "--reason", "error"), 1),
        (("settle", "{run}", "--chunk", "2", "--mode", "1.3=absent:7", "--reason", "error"), 2),
        (("settle", "{run}", "--chunk", "2", "--mode", "1.3=absent", "--mode", "1.3=present", "--reason", "error"), 2),
        (("settle", "{run}", "--chunk", "2", "--mode", "1.3=absent", "--reason", "because"), 2),
        (("settle", "{run}", "--mode", "1.3=absent", "--reason", "error"), 2),
        (("settle", "{run}", "--chunk", "3", "--mode", "1.3=absent", "--reason", "error"), 1),
        (("show", "{run}"), 2),
        (("show", "{run}", "--whole"), 1),
        (("undo", "{run}"), 1),
        (("redo", "{run}"), 1),
        (("notes", "9.9"), 2),
    ],
)
def test_calls_that_settle_nothing(call, voted: str, given: tuple[str, ...], code: int):
    called = call("adjudicate", *(item.format(run=voted) for item in given))
    assert called.code == code
    assert called.err.count("\n") <= 4
    assert call("adjudicate", "list", "--json").json["open"] != []


# -- exports and differences ------------------------------------------------------------------------------------------


def test_export_and_diff(call, voted: str, tmp_path: Path):
    call("gold", "release", "first", "--out", tmp_path / "a")
    made = call("gold", "export", tmp_path / "a", "--to", "csv", "--out", tmp_path / "csv", "--json").json
    assert set(made["files"]) == {"gold.csv", "labels.csv", "votes.csv", "runs.csv"}
    assert call("gold", "export", tmp_path / "a", "--to", "csv", "--out", tmp_path / "csv").code == 1
    unknown = call("gold", "export", tmp_path / "a", "--to", "x", "--out", tmp_path / "x")
    assert (unknown.code, "huggingface" in unknown.err) == (1, True)
    assert call("gold", "export", tmp_path, "--to", "csv", "--out", tmp_path / "y").code == 1
    assert call("gold", "diff", tmp_path / "a", tmp_path / "a").out == "nothing changed.\n"
    call("adjudicate", "settle", voted, "--chunk", 2, "--mode", "1.3=present", "--reason", "error")
    call("gold", "release", "first", "--out", tmp_path / "b", "--licence", "CC-BY-4.0")
    found = call("gold", "diff", tmp_path / "a", tmp_path / "b", "--json").json
    assert found["labels"] == {"not settled -> present": 1}
    assert [item["what"] for item in found["settings"]] == ["licence"]
    plain = call("gold", "diff", tmp_path / "a", tmp_path / "b")
    assert "step-repetition@mast not settled -> present" in plain.out
    assert call("gold", "diff", tmp_path / "a", tmp_path).code == 1
