"""AG2 conversations: MAST's single runs and the labelled rows, against the raw JSON."""

import json
from pathlib import Path

import pytest

from sessions.identity import content_id
from sessions.readers import choose, collect, read, sniff
from sessions.run import Run

HUMAN = {
    "instance_id": "abc",
    "problem_statement": ["How many", "apples?"],
    "other_data": {"answer": "forty-two apples", "given": "41"},
    "trajectory": [
        {"content": ["Solve it.", "", "How many apples?"], "role": "assistant", "name": "mathproxyagent"},
        {"content": "I say 41.", "role": "user", "name": "assistant"},
        {"content": "exitcode: 1 (execution failed)\nCode output: no", "role": "assistant", "name": "mathproxyagent"},
    ],
    "note": {"text": ["It gave up early."], "options": {"Step repetition": "yes", "Invented content": "no"}},
}


def runs_of(path: Path, format: str = "ag2") -> list[Run]:
    runs, problems = collect(read(path, format))
    assert problems == []
    return runs


def record_files(real_data: Path) -> list[Path]:
    files = sorted((real_data / "mast" / "ag2_labelled").glob("records*.json"))
    assert len(files) == 3
    return files


@pytest.mark.real_data
def test_every_row_is_a_run_and_every_message_a_step(real_data: Path) -> None:
    for path in record_files(real_data):
        rows = json.loads(path.read_text())
        runs = runs_of(path)
        assert [run.header.native_id for run in runs] == [row["trace_id"] for row in rows]
        assert [run.header.item for run in runs] == list(range(len(rows)))
        for run, row in zip(runs, rows, strict=True):
            trace = json.loads(row["trace"])
            assert [step.actor for step in run.steps] == [message["name"] for message in trace["trajectory"]]
            assert ["".join(part.text for part in step.parts) for step in run.steps] == [
                message["content"] for message in trace["trajectory"]
            ]
            assert [json.loads(step.raw[0]) for step in run.steps] == trace["trajectory"]  # type: ignore[arg-type]
            assert run.header.task == "\n".join(trace["problem_statement"])
            assert run.header.system == "AG2"


@pytest.mark.real_data
def test_records_are_runs_and_label_files_are_none(real_data: Path) -> None:
    for path in record_files(real_data):
        reader = choose(path, searching=True)
        assert reader is not None
        assert reader.name == "ag2"
    labels = sorted((real_data / "mast" / "ag2_labelled").glob("gold_labels*.json"))
    assert len(labels) == 3
    for path in labels:
        assert sniff(path) == [] or "ag2" not in [guess.format for guess in sniff(path)]
        assert choose(path, searching=True) is None


def test_the_published_single_run(tmp_path: Path) -> None:
    path = tmp_path / "x_human.json"
    path.write_text(json.dumps(HUMAN, indent=4))
    reader = choose(path, searching=True)
    assert reader is not None
    assert reader.name == "ag2"
    (run,) = runs_of(path)
    assert [(step.actor, step.role) for step in run.steps] == [
        ("mathproxyagent", "user"),
        ("assistant", "agent"),
        ("mathproxyagent", "user"),
    ]
    assert run.steps[0].parts[0].text == "Solve it.\n\nHow many apples?"
    assert (run.steps[2].parts[0].kind, run.steps[2].parts[0].is_error) == ("tool_result", True)
    header = run.header
    assert header.reference == {"other_data": HUMAN["other_data"], "note": HUMAN["note"]}
    assert header.task == "How many\napples?"
    assert header.facts == {"instance_id": "abc"}
    assert "forty-two" not in json.dumps([header.title, header.task, header.facts])


def test_one_run_in_two_wrappings_is_one_run(tmp_path: Path) -> None:
    single, rows = tmp_path / "single", tmp_path / "rows"
    single.write_text(json.dumps(HUMAN))
    rows.write_text(json.dumps([{"mas_name": "AG2", "benchmark_name": "b", "trace_id": 0, "trace": json.dumps(HUMAN)}]))
    ids = {content_id(runs_of(single)[0].steps), content_id(runs_of(rows)[0].steps)}
    ids |= {content_id(runs_of(rows, "mast")[0].steps)}
    assert len(ids) == 1


def test_calls_and_their_answers(tmp_path: Path) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": "x"}'}}
    answers = [{"tool_call_id": "c1", "role": "tool", "content": "Error: none"}]
    trajectory = [
        {"content": "", "role": "assistant", "name": "Coder", "tool_calls": [call]},
        {"content": "Error: none", "role": "tool", "name": "Runner", "tool_responses": answers},
    ]
    (tmp_path / "f").write_text(json.dumps({**HUMAN, "trajectory": trajectory}))
    (run,) = runs_of(tmp_path / "f")
    (asked,), (answered,) = run.steps[0].parts, run.steps[1].parts
    assert (asked.kind, asked.name, asked.arguments, asked.call_id) == ("tool_call", "search", {"q": "x"}, "c1")
    assert (answered.kind, answered.call_id, answered.is_error, answered.error_inferred) == (
        "tool_result",
        "c1",
        True,
        True,
    )


@pytest.mark.parametrize("trajectory", ["words", {"a": 1}, None, 5])
def test_a_trajectory_that_is_no_list_is_kept_and_reported(tmp_path: Path, trajectory: object) -> None:
    (tmp_path / "f").write_text(json.dumps({**HUMAN, "trajectory": trajectory}))
    runs, problems = collect(read(tmp_path / "f", "ag2"))
    assert len(problems) == 1
    assert json.loads(runs[0].steps[0].raw[0]) == trajectory  # type: ignore[arg-type]


def test_labels_of_a_row_are_reference(tmp_path: Path) -> None:
    row = {"mas_name": "AG2", "trace_id": "t", "trace": HUMAN, "gold": {"FM-1.1": True}, "benchmark_name": "b"}
    (tmp_path / "f").write_text(json.dumps(row))
    header = runs_of(tmp_path / "f")[0].header
    assert header.reference is not None
    assert header.reference["gold"] == {"FM-1.1": True}
    assert header.facts == {"benchmark_name": "b", "instance_id": "abc"}
