"""`review-tui agree` and `review-tui queue`."""

import json
from pathlib import Path
from typing import Any

import pytest

from review_tui.cli.group import COMMANDS

COMMANDS.setdefault("agree", ("review_tui.cli.agree", "How far reviewers agree."))  # type: ignore[attr-defined]
COMMANDS.setdefault("import-labels", ("review_tui.cli.import_labels", "Votes of corpora."))  # type: ignore[attr-defined]


@pytest.fixture
def decided(call: Any, run: str) -> str:
    """The run of three chunks, decided by two people who differ on the second chunk."""
    assert call("queue", "create", "q", run, "--reviewers", 2).code == 0
    for who, labels in (("ann", ["1.3:2", "", "2.6"]), ("bob", ["1.3:3", "1.3:7", "2.6"])):
        for number, label in enumerate(labels, start=1):
            said = ["--label", label] if label else ["--none"]
            done = call("decide", run, "--chunk", number, "--verdict", "approve", *said, "--reviewer", who)
            assert done.code == 0, done
    return run


def test_agree_prints_every_figure_with_its_reason(call: Any, decided: str) -> None:
    found = call("agree", "--json").json
    assert found["schema"] == "review-tui/agree/1"
    assert (found["votes"], found["units"], found["runs"]) == (6, 3, 1)
    modes = {item["mode"]: item for item in found["modes"] if item["codebook"] == "mast"}
    assert len(modes) == 14
    assert modes["step-repetition"]["raw"] == {
        "value": 0.6667,
        "low": None,
        "high": None,
        "why": "one run gives no interval",
    }
    assert modes["conversation-reset"]["alpha"]["value"] is None
    assert "nobody used it" in modes["conversation-reset"]["alpha"]["why"]
    (steps,) = [item for item in found["steps"]["by_mode"] if item["mode"] == "step-repetition"]
    assert (steps["pairs"], steps["exact"], steps["within"]["1"]) == (1, 0, 1)
    assert {item["reviewer"] for item in found["reviewers"]} == {"ann", "bob"}


@pytest.mark.parametrize("by", ["mode", "step", "reviewer"])
def test_agree_for_people(call: Any, decided: str, by: str) -> None:
    shown = call("agree", "--by", by)
    assert shown.code == 0
    assert "6 votes on 3 units" in shown.out
    assert {"mode": "1.3 Step repetition", "step": "span IoU", "reviewer": "ann and bob"}[by] in shown.out


def test_agree_on_a_queue_and_two_names_of_one_person(call: Any, decided: str) -> None:
    assert call("agree", "--queue", "q", "--json").json["votes"] == 6
    assert call("agree", "--same", "bob=ann", "--json").json["votes"] == 3
    assert call("agree", "--without", "bob", "--json").json["votes"] == 3
    assert call("agree", "--queue", "nowhere").code == 1
    assert call("agree", "--same", "bob").code == 2
    assert call("agree", "--same", "bob=ann", "--same", "ann=bob", "--json").json["votes"] == 3
    assert "no reviewer here is called 'zoe'" in call("agree", "--same", "zoe=ann").err
    assert "no reviewer here is called 'zoe'" in call("agree", "--only", "zoe").err


def test_agree_when_there_is_nothing(call: Any, run: str) -> None:
    shown = call("agree")
    assert shown.code == 0
    assert "no vote that counts judges a mode" in shown.err
    assert call("agree", "--by", "step").code == 0
    nobody = call("agree", "--by", "reviewer")
    assert (nobody.code, "needs two reviewers" in nobody.err) == (0, True)
    assert "kappa" not in nobody.out


def test_long_lists_of_modes_are_cut(call: Any, run: str) -> None:
    call("decide", run, "--chunk", 1, "--verdict", "approve", "--none", "--reviewer", "ann")
    assert "- (all): there is one reviewer: agreement needs two." in call("agree").err
    call("decide", run, "--chunk", 2, "--verdict", "approve", "--none", "--reviewer", "ann")
    call("decide", run, "--chunk", 1, "--verdict", "approve", "--label", "1.3", "--reviewer", "bob")
    shown = call("agree")
    assert "--all-votes takes them in" in shown.err
    found = call("agree", "--all-votes").err
    assert "more): nobody used it" in found
    assert max(map(len, found.splitlines())) < 400


def test_names_of_others_are_harmless(call: Any, tmp_path: Path, is_harmless: Any) -> None:
    row = {
        "question": "Why?", "mistake_agent": "\x1b[31mx", "mistake_step": "1", "mistake_reason": "\x1b]0;owned\x07",
        "history": [{"role": "human", "content": "Why?"}, {"role": "x", "content": "Because."}],
    }  # fmt: skip
    (tmp_path / "1.json").write_text(json.dumps(row))
    call("import-labels", tmp_path / "1.json")
    assert is_harmless(call("agree").out + call("agree", "--json").out + call("agree", "--steps").out)


# -- queues ---------------------------------------------------------------------------------------------------------


def test_a_queue_from_making_it_to_its_end(call: Any, run: str) -> None:
    made = call("queue", "create", "q", run, "--order", "random", "--seed", "s", "--judge-by", "mast", "--json").json
    assert (made["queue"]["items"], made["queue"]["order"], made["queue"]["codebooks"][0]["id"]) == (
        3,
        "random",
        "mast",
    )
    seen = []
    for _ in range(3):
        item = call("queue", "next", "q", "--json").json["item"]
        assert call("queue", "next", "q", "--json").json["item"]["chunk"] == item["chunk"]
        seen.append(item["chunk"])
        call("decide", item["run"], "--chunk", item["chunk"], "--verdict", "approve", "--none")
    assert sorted(seen) == [1, 2, 3]
    assert call("queue", "next", "q", "--json").json["item"] is None
    status = call("queue", "status", "q", "--json").json
    assert (status["items"], status["finished"]) == (3, 3)
    assert [(item["reviewer"], item["done"]) for item in status["reviewers"]] == [("ann", 3)]
    assert "3 of 3 finished" in call("queue", "status", "q").out
    assert "random" in call("queue", "list").out


def test_the_next_one_is_said_in_words_and_can_be_given_back(call: Any, run: str) -> None:
    call("queue", "create", "q", run, "--scope", "runs")
    shown = call("queue", "next", "q")
    assert "the whole run" in shown.out
    assert "--whole" in shown.err
    assert "given back" in call("queue", "next", "q", "--release").err


def test_history_shows_others_only_after_ones_own_decision(call: Any, run: str) -> None:
    call("queue", "create", "q", run, "--reviewers", 2)
    assert call("decide", run, "--chunk", 1, "--verdict", "stop", "--label", "1.3", "--reviewer", "bob").code == 0
    before = call("history", run, "--json").json
    assert (before["events"], before["hidden"]) == ([], 1)
    assert "step-repetition" not in call("history", run).out
    done = call("decide", run, "--chunk", 1, "--verdict", "approve", "--none", "--json").json
    assert done["decision"]["blind_votes"] is True
    after = call("history", run, "--json").json
    assert ({item["reviewer"] for item in after["events"]}, after["hidden"]) == ({"ann", "bob"}, 0)


def test_agreement_so_far(call: Any, decided: str) -> None:
    status = call("queue", "status", "q", "--json").json
    assert (status["finished"], status["begun"]) == (3, 0)
    assert status["agreement"][0]["raw"]["value"] == pytest.approx(41 / 42, abs=1e-4)
    assert "agreement so far, mast: 98 %" in call("queue", "status", "q").out.replace("98%", "98 %")


def test_a_queue_that_cannot_be(call: Any, run: str) -> None:
    for options in (["--scope", "x"], ["--order", "x"], ["--reviewers", 0], ["--repeats", 2], ["--gold", 0.1]):
        refused = call("queue", "create", "q", run, *options)
        assert refused.code == 2, refused
    assert call("queue", "next", "q").code == 1
    assert call("queue", "status", "q").code == 1
