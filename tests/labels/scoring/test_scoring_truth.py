"""Spans, which runs belong together, and labelled corpora in the shapes that others publish."""

import json
from collections import Counter
from pathlib import Path

import pytest
from labelled import BOOKS, REPETITION, RESET, truth

from labels.scoring import corpora
from labels.scoring.corpora import commands, inside
from labels.scoring.truth import Account, Claim, Passage, Span, clusters, rows
from sessions.errors import UserError

WEAK, MISSING = "incorrect-verification@mast", "no-or-incomplete-verification@mast"


def read(*paths: Path) -> tuple[list, Account]:
    account = Account()
    cases = list(corpora.cases(paths, BOOKS, account))
    return [truth for case in cases for truth in case.truths], account


def by_run(truths) -> dict:
    return {truth.run: truth for truth in truths}


def said(known) -> dict[str, bool]:
    """What was said of the whole run."""
    return {mode: verdict.present for mode, verdict in known.judged[0].modes.items()}


# -- truth --------------------------------------------------------------------------------------------------------


def test_spans() -> None:
    assert Span(2, 5).iou(Span(4, 7)) == pytest.approx(2 / 6)
    assert Span(2, 5).iou(Span(2, 5)) == 1
    assert Span(0, 1).iou(Span(2, 3)) == 0
    assert Span(0, 2).overlaps(Span(2, 3))
    assert not Span(0, 1).overlaps(Span(2, 3))
    quoting = Claim("d", "1", REPETITION, Span(0, 0), (Passage(7),), 0.5)
    assert quoting.touches(Span(6, 8))
    assert not quoting.touches(Span(2, 6))


def test_runs_that_share_anything_are_one_draw() -> None:
    truths = [
        truth("1", ties=("a",)),
        truth("2", ties=("a", "b")),
        truth("3", ties=("b",)),
        truth("4", ties=("c",)),
        truth("5"),
    ]
    numbers = clusters(truths)
    assert numbers[0] == numbers[1] == numbers[2]
    assert len(set(numbers)) == 3
    same_run = clusters([truth("1"), truth("1"), truth("1", corpus="another")])
    assert same_run[0] == same_run[1] != same_run[2]


def test_clean_runs_are_those_without_a_failure() -> None:
    assert truth("1", {REPETITION: False}).clean is True
    assert truth("1", {REPETITION: True, RESET: False}).clean is False
    assert truth("1", {REPETITION: False}, good=False).clean is False
    assert truth("1", good=True).clean is True
    assert truth("1").clean is None
    assert truth("1", {REPETITION: False}, whole=False).clean is None


def test_rows_are_one_judgement_each() -> None:
    found = list(rows([truth("1", {REPETITION: True, RESET: False}), truth("2")]))
    assert [(row.run, row.mode, row.present, row.judged) for row in found] == [
        ("1", REPETITION, True, (0, 9)), ("1", RESET, False, (0, 9)),
    ]  # fmt: skip


# -- made-up corpora ----------------------------------------------------------------------------------------------


def mast_row(number: int, votes: dict[str, list[bool]], round: str = "Round 2", **more) -> dict:
    names = [f"annotator_{place}" for place in (1, 2, 3)]
    annotations = [
        {"failure mode": f"{mode}\n\nIts text.", **dict(zip(names, said, strict=True))} for mode, said in votes.items()
    ]
    messages = [{"content": f"Turn {turn} of run {number}.", "role": "user", "name": "agent"} for turn in range(3)]
    trace = json.dumps({"problem_statement": f"Task {number}", "trajectory": messages, **more})
    return {
        "round": round, "mas_name": "AG2", "benchmark_name": "GSM", "trace_id": number, "trace": trace,
        "annotations": annotations,
    }  # fmt: skip


def test_mast_labels_go_through_the_draft_that_they_were_given_in(tmp_path: Path) -> None:
    """2.4 is the conversation reset in the draft of 18, a contradiction in that of 17: the round decides."""
    votes = {"2.4 Conversation reset": [True, True, False]}
    other = {
        "2.4 Undetected conversation ambiguities and contradictions": [True, True, True],
        "2.1 Conversation reset": [False] * 3,
    }
    path = tmp_path / "human.json"
    path.write_text(json.dumps([mast_row(1, votes, "Round 1"), mast_row(2, other)]))
    truths, account = read(path)
    assert [truth.trust for truth in truths] == ["doubtful"] * 2
    assert [dict(truth.judged[0].modes)[RESET].present for truth in truths] == [True, False]
    assert [len(truth.judged[0].modes) for truth in truths] == [1, 1], "what no mode of today means is not judged"
    assert not account.doubts


def test_mast_majority_ties_and_the_draft_that_counts_a_missing_check_twice(tmp_path: Path) -> None:
    votes = {
        "1.5 Step repetition": [True, True, False],
        "2.1 Conversation reset": [True, False, None],
        "3.2 Lack of critical verification": [False] * 3,
        "3.3 Lack of result verification": [True] * 3,
    }
    path = tmp_path / "human.json"
    path.write_text(json.dumps([mast_row(1, votes)]))
    ((one,), _) = read(path)
    assert said(one) == {REPETITION: True, MISSING: True}


def test_mast_rows_with_one_annotation_block_count_once(tmp_path: Path) -> None:
    same = {"1.5 Step repetition": [True] * 3}
    path = tmp_path / "human.json"
    path.write_text(
        json.dumps([mast_row(1, same), mast_row(2, same), mast_row(3, {"1.5 Step repetition": [False] * 3})])
    )
    truths, account = read(path)
    numbers = clusters(truths)
    assert numbers[0] == numbers[1] != numbers[2]
    assert "3 rows share 2 distinct annotation blocks" in account.doubts[0]


def test_a_traces_own_checklist_is_sound_and_only_what_was_ticked_counts(tmp_path: Path) -> None:
    note = {
        "text": "x",
        "options": {
            "Step repetition": "yes",
            "Trajectory restart": "no",
            "Invented content": "yes",
            "Blurring roles": "",
        },
    }
    path = tmp_path / "human.json"
    path.write_text(json.dumps([mast_row(1, {"1.5 Step repetition": [False] * 3}, note=note)]))
    truths, _ = read(path)
    notes = next(truth for truth in truths if truth.corpus == inside.MAST_NOTES)
    assert notes.trust == "sound"
    assert said(notes) == {REPETITION: True, RESET: False}


def test_labels_of_a_model_are_no_truth(tmp_path: Path) -> None:
    row = mast_row(1, {})
    del row["annotations"]
    row["mast_annotation"] = {"1.3": 1}
    note = {"options": {"Step repetition": "no"}}
    path = tmp_path / "full.json"
    path.write_text(json.dumps([row, mast_row(2, {"1.5 Step repetition": [True] * 3}, note=note)]))
    truths, account = read(path)
    assert {truth.run for truth in truths} == {f"{tmp_path.name}/full.json#2"}
    assert account.left_out == {inside.BY_MODEL: 1}


def ag2_corpus(folder: Path, labels: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    messages = [{"content": f"Turn {turn}.", "role": "user", "name": "Planner"} for turn in range(3)]
    runs = [
        {"trace_id": name, "mas_name": "AG2", "benchmark_name": "b", "round": "r",
         "trace": {"problem_statement": f"Do {name}", "trajectory": [*messages, {"content": name, "name": "Coder"}]}}
        for name in ("one", "two", "three")
    ]  # fmt: skip
    (folder / "records.json").write_text(json.dumps(runs))
    (folder / "gold_labels.json").write_text(json.dumps({"modes": ["FM-1.3", "FM-3.2", "FM-9.9"], "labels": labels}))


def test_ag2_gold_labels_find_their_runs(tmp_path: Path) -> None:
    labels = {
        "one": {"present": ["FM-3.2"]}, "two": {"present": [], "disputed": ["FM-1.3"]}, "gone": {"present": []},
    }  # fmt: skip
    ag2_corpus(tmp_path / "a", labels)
    for path in (tmp_path, tmp_path / "a" / "gold_labels.json"):
        truths, account = read(path)
        assert {run: said(known) for run, known in by_run(truths).items()} == {
            "one": {REPETITION: False, MISSING: True},
            "two": {MISSING: False},
        }
        assert account.left_out == {"labels in gold_labels.json without a run": 1}
    assert truths[0].steps == 4


def test_labels_are_for_runs_beside_and_below_them_only(tmp_path: Path) -> None:
    ag2_corpus(tmp_path / "a" / "b", {"one": {"present": []}})
    (tmp_path / "a" / "b" / "gold_labels.json").rename(tmp_path / "a" / "gold_labels.json")
    assert len(read(tmp_path)[0]) == 1
    (tmp_path / "c").mkdir()
    (tmp_path / "a" / "gold_labels.json").rename(tmp_path / "c" / "gold_labels.json")
    with pytest.raises(UserError, match="there are no labels"):
        read(tmp_path)


def test_decisive_steps_count_from_zero_in_who_and_when_and_from_one_in_agentrx(tmp_path: Path) -> None:
    history = [{"content": f"Turn {turn}.", "role": "human" if turn == 0 else "Orchestrator"} for turn in range(4)]
    base = {
        "question": "Why?",
        "question_ID": "q",
        "ground_truth": "x",
        "mistake_agent": "Orchestrator",
        "mistake_reason": "r",
    }
    (tmp_path / "1.json").write_text(json.dumps({**base, "history": history, "mistake_step": "2"}))
    (tmp_path / "2.json").write_text(json.dumps({**base, "history": history, "mistake_step": "9"}))
    (tmp_path / "rx").mkdir()
    (tmp_path / "rx" / "abc.json").write_text(json.dumps(history))
    failures = [{"failure_id": 1, "step_number": 1}, {"failure_id": "2", "step_number": 3}]
    known = [{"trajectory_id": "abc", "failures": failures, "root_cause": {"failure_id": 2}}]
    (tmp_path / "rx" / "truth.json").write_text(json.dumps(known))
    truths, account = read(tmp_path)
    assert {truth.corpus: truth.decisive for truth in truths} == {"Who&When": 2, "AgentRx": 2}
    assert {truth.good for truth in truths} == {False}
    assert account.left_out == {inside.ODD_STEP: 1}


def test_command_cases(tmp_path: Path) -> None:
    (tmp_path / "cases.toml").write_text(
        '[[case]]\ncommand = "rm -rf /"\nexpected = "deny"\n[[case]]\ncommand = "ls"\nexpected = "allow"\n'
        '[[case]]\ncommand = "ls"\nexpected = "perhaps"\n'
    )
    (tmp_path / "other.toml").write_text('name = "no cases"')
    (tmp_path / "broken.toml").write_text("[[case")
    truths, account = read(tmp_path)
    assert [truth.judged[0].modes[commands.MODE].present for truth in truths] == [True, False]
    assert account.used == [f"command cases ({tmp_path.name}): 2 commands"]
    assert all(truth.clean is None for truth in truths), "a command is no run"


def test_what_cannot_be_scored_on_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file"):
        read(tmp_path / "nowhere")
    (tmp_path / "notes.json").write_text('{"present": [}')
    (tmp_path / "list.json").write_text('[{"trajectory_id": 1}]')
    with pytest.raises(UserError, match="there are no labels"):
        read(tmp_path)


# -- what is shipped, and real data ---------------------------------------------------------------------------------


def test_the_reference_labels_of_the_sample_runs() -> None:
    from sample_traces import path, reference

    truths, _ = read(path())
    found = by_run(truths)
    assert {truth.trust for truth in truths} == {"staged"}
    for item in reference.load():
        modes = found[item.run].judged[0].modes
        present = {
            mode.partition("@")[0]
            for mode, said in modes.items()
            if said.present and mode.endswith(f"@{item.codebook}")
        }
        assert present == {label.mode for label in item.labels}
    freeze = found["replit-freeze.jsonl"]
    assert freeze.judged[0].modes["irreversible-action@safety"].spans == (Span(7, 7),)
    places = [place for said in freeze.judged[0].modes.values() for place in said.passages]
    assert places
    assert all(place.start is not None for place in places), "every quote is found in its step"
    assert found["good-run.traj.json"].clean is True


@pytest.mark.real_data
def test_real_corpora_are_counted_as_their_files_have_it(real_data: Path) -> None:
    truths, account = read(real_data)
    count = Counter(truth.corpus for truth in truths)
    rows_of_mast = json.loads((real_data / "mast" / "MAD_human_labelled_dataset.json").read_text())
    assert count["MAST human labels"] == len(rows_of_mast) == 19
    gold = [json.loads(path.read_text()) for path in sorted((real_data / "mast" / "ag2_labelled").glob("gold*.json"))]
    present = Counter(code for file in gold for item in file["labels"].values() for code in item["present"])
    mine = Counter(
        mode for truth in truths if truth.corpus == "AG2 gold labels"
        for mode, said in truth.judged[0].modes.items() if said.present
    )  # fmt: skip
    assert sorted(mine.values()) == sorted(present.values())
    assert mine["disobey-role-specification@mast"] == present["FM-1.2"]
    reward = json.loads((real_data / "taubench" / "gpt-4o-airline-part.json").read_text())
    assert sum(truth.good is True for truth in truths) == sum(item["reward"] == 1 for item in reward)
    assert count["Who&When"] == sum(1 for _ in (real_data / "whowhen").rglob("*.json"))
    assert count["AgentRx"] == len(json.loads((real_data / "agentrx" / "magentic_ground_truth.json").read_text()))
    assert any("19 rows share 8 distinct" in text for text in account.doubts)


@pytest.mark.real_data
def test_runs_of_one_file_name_are_not_one_run(real_data: Path) -> None:
    """Both halves of Who&When have a 1.json."""
    truths, _ = read(real_data / "whowhen")
    assert len({truth.run for truth in truths}) == len(truths)


@pytest.mark.real_data
def test_agentrx_counts_from_one(real_data: Path) -> None:
    """With steps counted from 1, the failed agent is the one that acts there far more often than with any other."""
    known = json.loads((real_data / "agentrx" / "magentic_ground_truth.json").read_text())
    hits: Counter[int] = Counter()
    for item in known:
        messages = json.loads((real_data / "agentrx" / "magentic" / f"{item['trajectory_id']}.json").read_text())
        for failure in item["failures"]:
            for shift in (-2, -1, 0):
                place = failure["step_number"] + shift
                if 0 <= place < len(messages):
                    actor = messages[place]["role"].partition(" (")[0]
                    hits[shift] += actor.casefold() == failure["failed_agent"].casefold()
    assert hits[-1] > 4 * max(hits[-2], hits[0])


@pytest.mark.real_data
def test_runs_that_two_corpora_share_are_one_draw(real_data: Path) -> None:
    truths, _ = read(real_data / "whowhen", real_data / "agentrx")
    numbers = clusters(truths)
    mixed = {
        number for number in numbers
        if len({truth.corpus for truth, mine in zip(truths, numbers, strict=True) if mine == number}) == 2
    }  # fmt: skip
    assert mixed
