"""`review-tui insights`: text, JSON, comparisons and conditions."""

import json
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import pytest

TAU = {"traj": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"},
                {"role": "assistant", "content": "a"}]}  # fmt: skip


@pytest.fixture
def decided(call: Any, run: str, chat: Any, tmp_path: Path) -> str:
    """Six runs judged as wholes: three with a loop at step 2, which are stopped, and three clean, approved."""
    for number in range(6):
        path = chat(tmp_path / "more" / f"run{number}.json", name=f"task{number}")
        (imported,) = call("import", path, "--json").json["runs"]
        bad = number < 3
        said = ["--verdict", "stop", "--label", "1.3:2"] if bad else ["--verdict", "approve", "--none"]
        done = call("decide", imported["id"], "--whole", *said)
        assert done.code == 0, done
    return run


def test_json_has_every_figure_with_n_and_interval(call: Any, decided: str) -> None:
    found = call("insights", "--json").json
    assert found["schema"] == "review-tui/insights/1"
    assert found["scope"] == "all runs"
    assert found["runs"] == {
        "scope": 7, "judged": 6, "failed": 3, "succeeded": 3, "unknown": 0, "by_reference": 0, "by_verdict": 6,
    }  # fmt: skip
    profile, safety = found["profiles"]
    assert (profile["codebook"], profile["judged"], safety["codebook"], safety["judged"]) == ("mast", 6, "safety", 3)
    mode = next(row for row in profile["modes"] if row["slug"] == "step-repetition")
    assert mode["runs"] == {
        "value": 0.5, "low": pytest.approx(0.1876, abs=1e-4), "high": pytest.approx(0.8124, abs=1e-4), "n": 6,
        "count": 3, "too_few": False,
    }  # fmt: skip
    assert mode["failed"] == {
        "value": 1.0,
        "low": pytest.approx(0.4385, abs=1e-4),
        "high": 1.0,
        "n": 3,
        "count": 3,
        "too_few": True,
    }
    assert mode["lift"]["difference"]["value"] == 1.0
    assert mode["lift"]["here"] == "too few runs"
    assert mode["published"]["mast-v3"] == 0.157
    assert profile["onset"]["first_step_index"]["value"] == 1.0
    assert profile["onset"]["first_step_number"]["value"] == 2.0
    assert profile["onset"]["by_mode"]["step-repetition"]["first_step_number"] == 2.0
    assert found["sources"]["rule"] == "majority"
    assert {item["how"] for item in found["missing"]}


def test_text_for_people(call: Any, decided: str) -> None:
    shown = call("insights")
    assert shown.code == 0
    assert "all runs: 6 judged runs of 7; 3 failed, 3 succeeded, 0 of unknown outcome" in shown.out
    assert "1.3 Step repetition" in shown.out
    assert "beside published figures" in shown.out
    assert "Suggestions of detectors are never counted." in shown.err
    assert "modes per failed run: 1.00" in shown.out


def test_conditions_set_the_exit_code(call: Any, decided: str) -> None:
    assert call("insights", "--fail-if", "step-repetition > 50%").code == 0
    failed = call("insights", "--fail-if", "step-repetition >= 50%", "--fail-if", "1.1 > 90%", "--json")
    assert failed.code == 1
    assert failed.err.count("\n") == 1
    assert "step-repetition >= 50%: it is 50.0 % (95 %: 18.8 % to 81.2 %) in 6 runs" in failed.err
    assert [item["failed"] for item in failed.json["checks"]] == [True, False]
    for wrong in ("nonsense > 5%", "step-repetition > 50", "failure-rate"):
        assert call("insights", "--fail-if", wrong).code == 2
    undefined = call("insights", "--model", "nobody", "--fail-if", "failure-rate > 99%")
    assert undefined.code == 1
    assert "cannot be told" in undefined.err


def test_a_comparison(call: Any, decided: str) -> None:
    found = call("insights", "--compare", "reviewer=ann,bob")
    assert found.code == 1
    assert "no judged run has reviewer 'bob'" in found.err
    assert call("insights", "--compare", "colour=a,b").code == 2
    run = call("runs", "--json").json["runs"][0]["id"]
    assert call("decide", run, "--whole", "--verdict", "approve", "--none", "--reviewer", "bob").code == 0
    found = call("insights", "--compare", "reviewer=ann,bob", "--json").json["comparison"]
    assert found["runs"] == [6, 1]
    assert found["sentence"].startswith("Too few runs to tell")
    assert call("insights", "--compare", "reviewer=ann,bob").out.startswith("Too few runs to tell")


def test_filters(call: Any, decided: str) -> None:
    def judged(*options: str) -> int:
        return int(call("insights", "--json", *options).json["runs"]["judged"])

    assert judged("--outcome", "failure") == 3
    assert judged("--outcome", "failure", "--outcome", "success") == 6
    assert judged("--state", "complete", "--only", "ann", "--complete") == 6
    assert judged("--without", "ann") == 0
    assert judged("--decided", "2020..2021") == 0
    assert judged("--min-votes", "2") == 0
    assert judged("--book", "safety") == 3  # --none is said of every codebook
    for wrong in (["--outcome", "so-so"], ["--decided", "soon"], ["--rule", "x"], ["--min-votes", "0"]):
        assert call("insights", *wrong).code == 2
    assert call("insights", "--queue", "nowhere").code == 1


def test_nothing_yet(call: Any, db: Path, chat: Any, tmp_path: Path) -> None:
    missing = call("insights")
    assert missing.code == 1
    assert "review-tui import PATH" in missing.err
    call("import", chat(tmp_path / "one.json"))
    shown = call("insights")
    assert shown.code == 0
    assert "nobody has judged a failure mode yet" in shown.err
    assert call("insights", "--json").json["profiles"] == []


def test_rewards_are_outcomes(call: Any, db: Path, tmp_path: Path) -> None:
    rows = [{**TAU, "task_id": place, "reward": place % 2, "info": {}, "trial": 0} for place in range(6)]
    for place, row in enumerate(rows):
        row["traj"] = [*TAU["traj"], {"role": "user", "content": f"task {place}"}]
    path = tmp_path / "tau.json"
    path.write_text(json.dumps(rows))
    for item in call("import", path, "--json").json["runs"]:
        assert call("decide", item["id"], "--whole", "--verdict", "approve", "--none").code == 0
    found = call("insights", "--json").json["runs"]
    assert (found["failed"], found["succeeded"], found["by_reference"]) == (3, 3, 6)


@pytest.mark.real_data
def test_published_labels_of_people(call: Any, db: Path, real_data: Path) -> None:
    """MAST's human labels: by majority of three, the counts of published copies, but for two runs that are one."""
    path = real_data / "mast" / "MAD_human_labelled_dataset.json"
    assert call("import-labels", path).code == 0
    found = call("insights", "--without", "outside:mast-notes", "--json").json
    assert found["sources"]["outside"] is True
    assert found["runs"]["judged"] == 18
    (profile,) = found["profiles"]
    counts = {row["code"]: row["runs"]["count"] for row in profile["modes"]}
    published = {"1.1": 6, "1.2": 2, "1.3": 2, "1.5": 5, "2.1": 2, "2.2": 5, "2.3": 5, "2.4": 0, "2.5": 3, "3.1": 0,
                 "3.2": 11, "3.3": 7}  # fmt: skip
    assert {code: counts[code] for code in published} == published


def test_what_one_is_to_judge_blind_is_left_out(call: Any, run: str) -> None:
    assert call("queue", "create", "q", run, "--reviewers", 2).code == 0
    for who, chunks in (("ann", (1, 2, 3)), ("bob", (1,))):
        for number in chunks:
            said = ("decide", run, "--chunk", number, "--verdict", "approve", "--label", "1.3", "--reviewer", who)
            assert call(*said).code == 0
    assert call("insights", "--reviewer", "ann", "--json").json["runs"]["judged"] == 1
    blind = call("insights", "--reviewer", "bob", "--json").json
    assert blind["runs"]["judged"] == 0
    assert any("--all-votes" in note for note in blind["notes"])
    assert call("insights", "--reviewer", "bob", "--all-votes", "--json").json["runs"]["judged"] == 1
    assert call("insights", "--reviewer", "bob", "--compare", "reviewer=ann,bob").code == 1


@pytest.mark.real_data
def test_where_published_runs_were_lost(call: Any, db: Path, real_data: Path) -> None:
    """Who&When: the decisive steps, read from the files by other means."""
    folder = real_data / "whowhen"
    assert call("import-labels", folder).code == 0
    (profile,) = call("insights", "--json").json["profiles"]
    rows = [json.loads(path.read_text()) for path in folder.rglob("*.json")]
    lost = [(int(row["mistake_step"]), len(row["history"])) for row in rows if "mistake_step" in row]
    places = [step / (steps - 1) for step, steps in lost]
    onset = profile["onset"]
    assert onset["runs"] == len(lost) == 81
    assert onset["first_step_index"]["value"] == median(step for step, _ in lost)
    assert onset["position"]["value"] == pytest.approx(median(places), abs=1e-6)
    assert onset["bins"] == [sum(int(place * 10 - (place == 1)) == number for place in places) for number in range(10)]
    assert profile["lost"]["steps"]["value"] == median(steps - 1 - step for step, steps in lost)
    assert profile["failed"] == 81  # Who&When's runs all failed


@pytest.mark.real_data
def test_published_categories(call: Any, db: Path, real_data: Path) -> None:
    """AgentRx: runs by category, counted in its file."""
    assert call("import-labels", real_data / "agentrx").code == 0
    (profile,) = call("insights", "--json").json["profiles"]
    rows = json.loads((real_data / "agentrx" / "magentic_ground_truth.json").read_text())
    expected = Counter(name for row in rows for name in {item["failure_category"] for item in row["failures"]})
    assert sorted(expected.values()) == sorted(row["runs"]["count"] for row in profile["modes"] if row["runs"]["count"])
    assert profile["failures"] == expected.total()
    first = [min(int(item["step_number"]) for item in row["failures"]) for row in rows]
    assert profile["onset"]["first_step_number"]["value"] == median(first)
