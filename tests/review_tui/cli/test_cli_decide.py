"""`decide`, `undo` and `redo`: the grammar, what is recorded, and every way to get it wrong."""

from pathlib import Path

import pytest

from labels.codebook_ref import CodebookRef
from labels.ledger import Ledger
from labels.model import Evidence, StepRef
from labels.suggestions import Suggestion, save
from sessions import catalog
from sessions.store import Store


@pytest.fixture
def decide(call, run: str):
    """Decide on chunk 2 (steps 6-10) of the run; the decision."""

    def decide_(*args: object):
        called = call("decide", run, "--chunk", 2, "--json", *args)
        assert called.code == 0, called
        return called.json["decision"]

    return decide_


@pytest.fixture
def suggestion(db: Path, run: str) -> str:
    """The id of a stored suggestion: 1.3 in steps 7-8."""
    with Store.open(db) as store:
        info = catalog.find_run(store, run)
        first, last = (StepRef(id=catalog.step_id(store, info.no, index), index=index) for index in (6, 7))
        item = Suggestion(
            mode="step-repetition", code="1.3", name="Step repetition", first=first, last=last,
            codebook=CodebookRef(id="mast", version="1.0", sha256="0" * 64),
            evidence=(Evidence(step=first, part=0, start=0, end=5, quote="check"),),
            score=0.9, detector="repetition", version="1",
        )  # fmt: skip
        save(store, info, [item])
        return item.id


def test_a_verdict(call, run: str, decide) -> None:
    decision = decide("--verdict", "approve", "--seconds", "12.5", "--note", "all well")
    assert (decision["verdict"], decision["note"], decision["seconds"]) == ("approve", "all well", 12.5)
    assert (decision["reviewer"], decision["how"]) == ("ann", "person")
    target = decision["target"]
    assert (target["number"], target["scope"], target["policy"]) == (2, "chunk", "every:5")
    assert (target["first"]["step_number"], target["last"]["step_number"]) == (6, 10)
    assert call("decide", run, "--chunk", 1, "--verdict", "approve", "--json").json["schema"] == "review-tui/decide/1"
    assert call("decide", run, "--chunk", 1, "--verdict", "approve").out.startswith(
        "recorded for ann:\nchunk 1 (steps 1-5)"
    )


@pytest.mark.parametrize("verdict", ["approve", "stop", "abstain"])
def test_verdicts(decide, verdict: str) -> None:
    assert decide("--verdict", verdict)["verdict"] == verdict


def test_rollback(decide) -> None:
    decision = decide("--verdict", "rollback", "--to", 4)
    assert (decision["to"]["step_number"], decision["to"]["step_index"]) == (4, 3)


def test_the_whole_run(call, run: str) -> None:
    decision = call("decide", run, "--whole", "--verdict", "approve", "--label", "3.3", "--json").json["decision"]
    assert decision["target"]["scope"] == "run"
    assert decision["labels"][0]["last"]["step_number"] == 12
    assert "the whole run: approve" in call("show", run).out


def test_labels(decide) -> None:
    decision = decide(
        "--verdict", "stop", "--label", "reasoning-action-mismatch:7-8", "--label", "1.3@mast", "--label", "3.2:9",
        "--evidence", "2.6:7:word7.", "--evidence", "3.2:6:step 6", "--caused-by", "1.3=2.6", "--root", "2.6",
    )  # fmt: skip
    first, second, third = decision["labels"]
    assert (first["mode"], first["code"], first["codebook"]["id"]) == ("reasoning-action-mismatch", "2.6", "mast")
    assert (first["first"]["step_number"], first["last"]["step_number"]) == (7, 8)
    assert (second["first"]["step_number"], second["last"]["step_number"]) == (6, 10)
    assert (third["first"]["step_number"], third["last"]["step_number"]) == (9, 9)
    assert (first["root_cause"], second["caused_by"], third["caused_by"]) == (True, first["id"], None)
    (evidence,) = first["evidence"]
    assert (evidence["quote"], evidence["start"], evidence["end"], evidence["part"]) == ("word7.", 18, 24, 0)
    assert evidence["step"]["step_number"] == 7
    assert all(label["sure"] for label in decision["labels"])


def test_unsure_is_for_all_labels(decide) -> None:
    decision = decide("--verdict", "approve", "--label", "2.6", "--label", "1.3", "--unsure")
    assert [label["sure"] for label in decision["labels"]] == [False, False]


def test_a_quote_may_hold_colons_and_equals(call, run: str) -> None:
    args = ["--label", "2.6:11-12", "--evidence", "2.6:12:Done. Done: a=b."]
    decision = call("decide", run, "--chunk", 3, "--verdict", "approve", *args, "--json").json["decision"]
    assert decision["labels"][0]["evidence"][0]["quote"] == "Done. Done: a=b."


def test_two_labels_of_one_mode(call, run: str, decide) -> None:
    two = ["--verdict", "approve", "--label", "2.6:6-7", "--label", "2.6:9-10"]
    decision = decide(
        *two, "--evidence", "2.6:9:word9", "--evidence", "2.6:6-7:1:Please", "--caused-by", "2.6:9-10=2.6:6-7"
    )
    first, second = decision["labels"]
    assert [len(label["evidence"]) for label in (first, second)] == [1, 1]
    assert second["caused_by"] == first["id"]
    called = call("decide", run, "--chunk", 2, *two, "--root", "2.6")
    assert called.code == 2
    assert "names 2 labels" in called.err


def test_none(decide) -> None:
    assert [book["id"] for book in decide("--verdict", "approve", "--none")["none"]] == ["mast", "safety"]
    assert [book["id"] for book in decide("--verdict", "approve", "--none-of", "mast")["none"]] == ["mast"]
    assert decide("--verdict", "approve")["none"] == []


def test_a_call_states_the_whole_decision_and_is_one_event(call, run: str, decide) -> None:
    before = decide("--verdict", "rollback", "--to", 6, "--label", "2.6:7", "--label", "1.3", "--note", "first")
    after = decide("--verdict", "approve", "--label", "2.6:7")
    assert (after["verdict"], after["to"], after["note"], len(after["labels"])) == ("approve", None, "", 1)
    assert after["labels"][0]["id"] == before["labels"][0]["id"], "a label said again is the same label"
    assert len(call("history", run, "--json").json["events"]) == 2
    assert call("undo", run, "--json").json["decision"]["note"] == "first"


def test_a_cause_in_another_chunk(call, run: str, decide) -> None:
    label = decide("--verdict", "approve", "--label", "2.6")["labels"][0]["id"]
    args = ["decide", run, "--chunk", 3, "--verdict", "approve", "--label", "1.3", "--json"]
    assert call(*args, "--caused-by", f"1.3={label[:8]}").json["decision"]["labels"][0]["caused_by"] == label
    assert call(*args, "--caused-by", "1.3=2.6").code == 2


def test_blindness_to_votes(call, run: str, decide) -> None:
    assert decide("--verdict", "approve")["blind_votes"]
    assert not decide("--verdict", "stop", "--reviewer", "bob")["blind_votes"]
    other = call("decide", run, "--chunk", 1, "--verdict", "approve", "--reviewer", "bob", "--json").json["decision"]
    assert other["blind_votes"]
    assert other["blind_suggestions"]


def test_suggestions(call, run: str, decide, suggestion: str, db: Path) -> None:
    decision = decide("--verdict", "approve", "--accept", suggestion[:8], "--evidence", "1.3:8:word8")
    (label,) = decision["labels"]
    assert (label["mode"], label["suggestion"], label["first"]["step_number"]) == ("step-repetition", suggestion, 7)
    assert [item["quote"] for item in label["evidence"]] == ["check", "word8"]
    assert decision["answers"][suggestion]["answer"] == "accept"
    assert decision["answers"][suggestion]["label"] == label["id"]
    assert not decision["blind_suggestions"]
    with Store.open(db) as store:
        (event,) = Ledger(store, "ann").history(catalog.find_run(store, run))
    assert event.data["shown"] == [{"id": suggestion, "detector": "repetition", "version": "1"}]
    assert event.data["ops"][0] == {"op": "clear"}

    rejected = decide("--verdict", "approve", "--reject", suggestion)
    assert (rejected["labels"], rejected["answers"][suggestion]["answer"]) == ([], "reject")
    other = decide("--verdict", "approve", "--relabel", f"{suggestion}=2.6")
    assert (other["labels"][0]["mode"], other["answers"][suggestion]["answer"]) == (
        "reasoning-action-mismatch",
        "relabel",
    )


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--verdict", "approve", "--accept", "abcd"], "is no suggestion here"),
        (["--verdict", "approve", "--accept", "S", "--reject", "S"], "two answers"),
        (["--verdict", "approve", "--relabel", "S"], "not SUGGESTION=MODE"),
        (["--verdict", "approve", "--relabel", "S=nope"], "no failure mode"),
        (["--verdict", "approve", "--none", "--accept", "S"], "contradict"),
    ],
)
def test_bad_answers(call, run: str, suggestion: str, args: list[str], says: str) -> None:
    called = call(
        "decide", run, "--chunk", 2, *[arg.replace("S", suggestion, 1) if "S" in arg else arg for arg in args]
    )
    assert called.code == 2
    assert says in called.err


def test_a_suggestion_elsewhere_is_not_shown(call, run: str, suggestion: str) -> None:
    called = call("decide", run, "--chunk", 1, "--verdict", "approve", "--accept", suggestion)
    assert called.code == 2
    decision = call("decide", run, "--chunk", 1, "--verdict", "approve", "--json").json["decision"]
    assert not decision["blind_suggestions"]  # that nothing is suggested here is known, too


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "Missing option '--verdict'"),
        (["--verdict", "perhaps"], "'perhaps' is not one of"),
        (["--verdict", "reject"], "this run is recorded"),
        (["--verdict", "rollback"], "Add --to STEP"),
        (["--verdict", "approve", "--to", "3"], "--to belongs to a rollback"),
        (["--verdict", "rollback", "--to", "0"], "there is no step 0"),
        (["--verdict", "rollback", "--to", "-1"], "there is no step -1"),
        (["--verdict", "rollback", "--to", "99"], "there is no step 99"),
        (["--verdict", "rollback", "--to", "11"], "comes after this chunk"),
        (["--verdict", "rollback", "--to", "x"], "'x' is not a valid integer"),
        (["--verdict", "approve", "--whole"], "either --chunk N or --whole"),
        (["--verdict", "approve", "--label", "nope"], "there is no failure mode 'nope'"),
        (["--verdict", "approve", "--label", "2.6@nope"], "there is no codebook 'nope'"),
        (["--verdict", "approve", "--label", "2.6:3-7"], "chunk 2 has steps 6-10"),
        (["--verdict", "approve", "--label", "2.6:8-7"], "first step comes after the last"),
        (["--verdict", "approve", "--label", "2.6:0"], "chunk 2 has steps 6-10"),
        (["--verdict", "approve", "--label", "2.6", "--label", "2.6:6-10"], "given twice"),
        (["--verdict", "approve", "--label", "2.6", "--none"], "contradict"),
        (["--verdict", "approve", "--label", "2.6", "--none-of", "mast"], "there are labels of it"),
        (["--verdict", "approve", "--none-of", "nope"], "there is no codebook 'nope'"),
        (["--verdict", "approve", "--label", "2.6", "--evidence", "2.6:7:not there"], "does not say 'not there'"),
        (["--verdict", "approve", "--label", "2.6", "--evidence", "2.6:99:x"], "there is no step 99"),
        (["--verdict", "approve", "--label", "2.6", "--evidence", "2.6:x"], "not LABEL:STEP:QUOTE"),
        (["--verdict", "approve", "--label", "2.6", "--evidence", "2.6:7:"], "not LABEL:STEP:QUOTE"),
        (["--verdict", "approve", "--evidence", "2.6:7:word7"], "there is no label '2.6'"),
        (["--verdict", "approve", "--label", "2.6", "--root", "1.3"], "there is no label '1.3'"),
        (["--verdict", "approve", "--label", "2.6", "--caused-by", "2.6"], "not LABEL=LABEL"),
        (["--verdict", "approve", "--label", "2.6", "--caused-by", "2.6=2.6"], "its own cause"),
        (
            [
                "--verdict",
                "approve",
                "--label",
                "2.6",
                "--label",
                "1.3",
                "--caused-by",
                "2.6=1.3",
                "--caused-by",
                "1.3=2.6",
            ],
            "its own cause",
        ),
        (
            ["--verdict", "approve", "--label", "2.6", "--label", "1.3", "--caused-by", "2.6=1.3", "--root", "2.6"],
            "cannot be the root and caused",
        ),
        (["--verdict", "approve", "--seconds", "nan"], "a number from 0 up"),
        (["--verdict", "approve", "--seconds", "-1"], "a number from 0 up"),
        (["--verdict", "approve", "--note", "x" * 100_001], "cannot be recorded"),
        (["--verdict", "approve", "--reviewer", " "], "cannot be a reviewer's name"),
        (["--verdict", "approve", "--reviewer", "a\x1bb"], "cannot be a reviewer's name"),
        (["--verdict", "approve", "--chunks", "nope"], "no chunk policy"),
    ],
)
def test_bad_calls_record_nothing(call, run: str, args: list[str], says: str) -> None:
    called = call("decide", run, "--chunk", "2", *args)
    assert called.code == 2, called
    assert says in called.err
    assert called.err.count("\n") == 1
    assert called.out == ""
    assert call("history", run, "--json").json["events"] == []


def test_bad_chunk_and_run(call, run: str) -> None:
    for number, code in (("0", 2), ("4", 2), ("-1", 2), ("x", 2)):
        assert call("decide", run, "--chunk", number, "--verdict", "approve").code == code
    assert call("decide", run, "--verdict", "approve").code == 2
    assert call("decide", "nope", "--chunk", 1, "--verdict", "approve").code == 1


def test_half_characters_are_mended(decide) -> None:
    assert decide("--verdict", "approve", "--note", "half \udcff")["note"] == "half ?"


def test_undo_and_redo(call, run: str, decide) -> None:
    nothing = call("undo", run)
    assert (nothing.code, nothing.out) == (1, "")
    assert "there is nothing of ann to undo" in nothing.err
    decide("--verdict", "approve")
    decide("--verdict", "stop")
    back = call("undo", run, "--json").json
    assert back["schema"] == "review-tui/undo/1"
    assert (back["decision"]["verdict"], back["can_undo"], back["can_redo"]) == ("approve", 1, 1)
    assert call("undo", run, "--reviewer", "bob").code == 1
    assert "nothing is decided" in call("undo", run).out
    assert call("redo", run, "--json").json["decision"]["verdict"] == "approve"
    assert "chunk 2 (steps 6-10): stop" in call("redo", run).out
    assert call("redo", run).code == 1


def test_an_unfinished_run_is_not_decided_on(call, run: str, db: Path) -> None:
    with Store.open(db) as store, store.write() as tx:
        tx.execute("UPDATE run SET state = 'importing'")
    called = call("decide", run, "--chunk", 1, "--verdict", "approve")
    assert called.code == 1
    assert "not read to its end" in called.err
