"""`review-tui detectors ...`: the list, the switches, the scores, calibration and training, as a user calls them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labels import detectors
from labels.detectors.base import Finding, Quote

HOSTILE = "\x1b]0;owned\x07 \u202eagain"


class _Watch:
    def feed(self, steps: Any) -> Iterator[Finding]:
        for stored in steps:
            for place, part in enumerate(stored.step.parts):
                start = part.text.find("again")
                if start >= 0:
                    quote = Quote(stored.index, place, start, start + 5, "again")
                    yield Finding("step-repetition@mast", stored.index, stored.index, (quote,), 0.5, "It says so.")

    def finish(self) -> Iterator[Finding]:
        return iter(())


class AgainDetector:
    """Suspects a repetition wherever "again" stands."""

    id, version, title, source = "again", "1", "The word itself", "written for the tests"
    modes, needs, default, params = ("step-repetition@mast",), frozenset({"tools"}), True, {}

    def start(self, run: Any) -> _Watch:
        return _Watch()


class HintDetector(AgainDetector):
    id, title, default = "hint", HOSTILE, False


@pytest.fixture(autouse=True)
def _own_detectors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two detectors of the test's own and one that cannot be loaded: nothing here hangs on the others' rules."""
    table = {
        "again": "test_cli_detectors:AgainDetector",
        "hint": "test_cli_detectors:HintDetector",
        "broken": "no.such:X",
    }
    detectors.load.cache_clear()
    monkeypatch.setattr(detectors, "BUILT_IN", table)
    monkeypatch.setattr(detectors, "_plug_ins", dict)
    yield
    detectors.load.cache_clear()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Six runs, three of them with a labelled "again"."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    known = []
    for place in range(6):
        last = "again" if place < 3 else "done"
        messages = [{"role": "user", "content": f"Task {place}"}, {"role": "assistant", "content": last}]
        messages.append({"role": "assistant", "content": f"Bye from {place}."})
        (folder / f"{place}.json").write_text(json.dumps({"messages": messages}))
        found = {
            "mode": "step-repetition",
            "first_step": 2,
            "last_step": 2,
            "root_cause": True,
            "evidence": [{"step": 2, "quote": last}],
        }
        known.append(
            {"run": f"{place}.json", "codebook": "mast", "labels": [found] if place < 3 else [], "none": place >= 3}
        )
    (folder / "labels.json").write_text(json.dumps(known))
    return folder


@pytest.fixture
def reviewed(call, tmp_path: Path) -> list[str]:
    """Twelve runs with one suspicious step each; a root cause was marked, blind, in every other one."""
    found = []
    for place in range(12):
        messages = [{"role": "user", "content": f"Task {place}"}]
        messages += [{"role": "assistant", "content": f"turn {turn}"} for turn in range(2, 5 + place % 3)]
        messages[2]["content"] = f"again {place}"
        path = tmp_path / "runs" / f"{place}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"messages": messages}))
        run = call("import", path, "--json").json["runs"][0]["id"]
        said = ("--label", "1.3:3", "--root", "1.3") if place % 2 else ("--none",)
        assert call("decide", run, "--chunk", 1, "--verdict", "approve", *said).code == 0
        found.append(run)
    return found


# -- list and switches --------------------------------------------------------------------------------------------


def test_every_mode_is_in_the_list_with_its_detectors_or_judge_only(call) -> None:
    called = call("detectors", "list", "--json")
    value = called.json
    assert value["schema"] == "review-tui/detectors-list/1"
    modes = {item["mode"]: item for item in value["modes"]}
    assert len([mode for mode in modes if mode.endswith("@mast")]) == 14
    assert len([mode for mode in modes if mode.endswith("@safety")]) == 3
    assert modes["step-repetition@mast"]["detectors"] == ["again", "hint"]
    assert modes["task-derailment@mast"] == {
        "mode": "task-derailment@mast", "code": "2.3", "name": "Task derailment", "detectors": [], "judge_only": True,
    }  # fmt: skip
    (again, hint) = value["detectors"]
    assert (again["id"], again["version"], again["on"], again["default"], again["needs"]) == (
        "again",
        "1",
        True,
        True,
        ["tools"],
    )
    assert (hint["on"], hint["figures"]) == (False, [])
    assert "broken" in value["problems"][0]
    assert "broken" in called.err


def test_the_list_as_text_fits_and_is_harmless(call, is_harmless) -> None:
    called = call("detectors", "list")
    assert is_harmless(called.out)
    assert "judge only" in called.out
    assert "source: written for the tests" in called.out
    assert max(map(len, called.out.splitlines())) <= 100


def test_switching(call, db: Path) -> None:
    assert call("detectors", "enable", "hint").out == f"hint is on in {db}\n"
    assert call("detectors", "disable", "again", "--json").json["detectors"] == [{"id": "again", "on": False}]
    assert {item["id"]: item["on"] for item in call("detectors", "list", "--json").json["detectors"]} == {
        "again": False,
        "hint": True,
    }
    unknown = call("detectors", "enable", "hint", "nobody")
    assert unknown.code == 1
    assert "there is no detector 'nobody'" in unknown.err
    assert call("detectors", "enable").code == 2


# -- score --------------------------------------------------------------------------------------------------------


def test_scores_on_a_corpus_as_json(call, corpus: Path) -> None:
    value = call("detectors", "score", "--corpus", corpus, "--detector", "again", "--json").json
    assert value["schema"] == "review-tui/detectors-score/1"
    assert value["labels"]["used"] == ["reference labels: 6 runs, modes of 6, decisive steps of 3"]
    (score,) = value["scores"]
    assert (score["detector"], score["mode"], score["judged"], score["positives"]) == (
        "again",
        "step-repetition@mast",
        6,
        3,
    )
    assert score["precision"]["value"] == score["recall"]["value"] == 1.0
    assert score["precision"]["low"] == pytest.approx(0.025 ** (1 / 3), abs=1e-4)
    assert score["evidence"]["hit_rate"]["value"] == 1.0
    assert value["alerts"][0]["per_good_run"]["value"] == 0.0
    assert {item["method"] for item in value["steps"]} >= {"again", "chance", "role prior", "position prior"}


def test_scores_as_text_fit_the_screen_and_say_what_counted(call, corpus: Path, is_harmless) -> None:
    called = call("detectors", "score", "--corpus", corpus)
    assert called.code == 0
    assert called.out.startswith("counted   reference labels: 6 runs")
    assert "whether it works, not how well" in called.out
    assert max(map(len, called.out.splitlines())) <= 100
    assert is_harmless(called.out)
    row = next(line for line in called.out.splitlines() if line.startswith("again"))
    assert row.split()[:5] == ["again", "1.3", "3", "of", "6"]


def test_only_one_mode(call, corpus: Path) -> None:
    value = call("detectors", "score", "--corpus", corpus, "--mode", "1.3@mast", "--json").json
    assert {item["mode"] for item in value["scores"]} == {"step-repetition@mast"}
    assert value["steps"] == []
    assert call("detectors", "score", "--corpus", corpus, "--mode", "9.9").code == 2


def test_what_cannot_be_scored(call, tmp_path: Path, run: str) -> None:
    missing = call("detectors", "score", "--corpus", tmp_path / "nowhere")
    assert (missing.code, "there is no file or folder" in missing.err) == (1, True)
    unlabelled = call("detectors", "score", "--corpus", tmp_path / "runs")
    assert (unlabelled.code, "there are no labels" in unlabelled.err) == (1, True)
    assert call("detectors", "score", "--corpus", tmp_path, "--detector", "nobody").code == 1
    assert call("decide", run, "--chunk", 1, "--verdict", "approve").code == 0
    nothing = call("detectors", "score")
    assert nothing.code == 1
    assert "nothing in this database was decided blind" in nothing.err
    assert "left out  1 blind verdicts without labels" in nothing.out


def test_scores_on_the_database_count_blind_decisions_only(call, reviewed: list[str]) -> None:
    call("detect", *reviewed, "--detector", "again")
    suggestion = call("detect", reviewed[0], "--json").json["suggestions"][0]["id"]
    seen = call(
        "decide",
        reviewed[0],
        "--chunk",
        1,
        "--verdict",
        "approve",
        "--reject",
        suggestion,
        "--reviewer",
        "bob",
        "--json",
    )
    assert seen.json["decision"]["blind_suggestions"] is False
    value = call("detectors", "score", "--detector", "again", "--json").json
    (score,) = value["scores"]
    assert (score["judged"], score["positives"], score["fired"], score["trust"]) == (12, 6, 12, "sound")
    assert score["precision"]["value"] == 0.5
    assert score["behind"][:2] == ["always yes", "chance"]
    assert value["labels"]["left_out"] == [{"reason": "decisions made after seeing suggestions", "count": 1}]
    (answer,) = value["acceptance"]
    assert (answer["accepted"], answer["rejected"]) == (0, 1)
    text = call("detectors", "score").out
    assert "how suggestions were answered, which is not whether they are right" in text
    assert "0 of 1 accepted" in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_judge_in_the_database_can_be_named(call, db: Path, reviewed: list[str]) -> None:
    """It cannot be loaded as a detector; what it suggested stands there."""
    from labels.codebook import load_all
    from labels.detection import detect
    from sessions import catalog
    from sessions.store import Store

    judge = AgainDetector()
    judge.id = "judge:model"
    with Store.open(db) as store:
        for run in catalog.runs(store):
            detect(store, run, [judge], load_all())
    value = call("detectors", "score", "--detector", "judge:model", "--json").json
    assert {item["detector"] for item in value["scores"]} == {"judge:model"}
    assert call("detectors", "score", "--detector", "judge:other").code == 1


# -- calibrate and train ------------------------------------------------------------------------------------------


def test_calibration_says_how_many_until_there_are_enough(call, reviewed: list[str]) -> None:
    call("detect", *reviewed, "--detector", "again")
    value = call("detectors", "calibrate", "--json").json
    assert value["schema"] == "review-tui/detectors-calibrate/1"
    by_id = {entry["detector"]: entry for entry in value["entries"]}
    assert (by_id["again"]["right"], by_id["again"]["decisions"], by_id["again"]["curve"]) == (6, 12, None)
    text = call("detectors", "calibrate").out
    assert "6 of 12" in text
    assert "not yet: 20 blind decisions are needed" in text
    assert call("detect", reviewed[0], "--json").json["suggestions"][0]["probability"] is None


def test_calibrated_suggestions_carry_a_probability(call, reviewed: list[str], tmp_path: Path) -> None:
    for place in range(10):
        messages = [{"role": "user", "content": f"More {place}"}, {"role": "assistant", "content": "again"}]
        path = tmp_path / "more" / f"{place}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"messages": messages}))
        run = call("import", path, "--json").json["runs"][0]["id"]
        call("decide", run, "--chunk", 1, "--verdict", "approve", "--none")
    call("detect", *reviewed, "--detector", "again")
    assert "yes; error " in call("detectors", "calibrate").out
    probability = call("detect", reviewed[0], "--json").json["suggestions"][0]["probability"]
    assert 0.2 < probability < 0.35, "6 of 22 were right"
    (entry,) = [
        item for item in call("detectors", "score", "--json").json["calibration"] if item["detector"] == "again"
    ]
    assert entry["reliability"]["n"] == 22
    assert "22" in call("detectors", "score").out


def test_calibrating_with_nothing_says_so(call, run: str) -> None:
    assert "nothing to learn from yet" in call("detectors", "calibrate").out


def test_training(call, reviewed: list[str]) -> None:
    value = call("detectors", "train", "--json").json
    assert value["schema"] == "review-tui/detectors-train/1"
    (system,) = value["systems"]
    assert (system["runs"], system["blind"], system["shown"]) == (6, 6, False)
    assert "10 are needed" in system["why"]
    text = call("detectors", "train").out
    assert "not shown: it was tried on 6 runs only" in text
    assert "step ranker" in text


def test_training_without_marks(call, run: str) -> None:
    called = call("detectors", "train")
    assert called.code == 1
    assert "nobody has marked where a run went wrong" in called.err


def test_without_a_database(call) -> None:
    for name in ("score", "calibrate", "train"):
        called = call("detectors", name)
        assert (called.code, "there is no database" in called.err) == (1, True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a POSIX system")
def test_help_names_the_commands_and_imports_nothing_heavy(call) -> None:
    out = call("detectors", "--help").out
    assert all(name in out for name in ("list", "enable", "disable", "score", "calibrate", "train"))
    for name in ("list", "enable", "disable", "score", "calibrate", "train"):
        assert call("detectors", name, "--help").code == 0
