"""The TRAIL reader against a small trace of our own in the published shape (the data set may not be passed on)."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from sessions import readers
from sessions.run import Run, Step


def span(name: str, kind: str | None = None, children: list | None = None, second: int = 0, **more) -> dict:
    attributes = {"openinference.span.kind": kind} if kind else {}
    return {
        "timestamp": f"2025-03-19T16:40:{second:02}.500000Z", "trace_id": "a" * 32, "span_id": f"{name:0>16}"[:16],
        "parent_span_id": None, "trace_state": "", "span_name": name, "span_kind": "Internal", "service_name": "x",
        "resource_attributes": {}, "scope_name": "openinference", "scope_version": "1", "duration": "PT1.5S",
        "status_code": "Unset", "status_message": "", "events": [], "links": [], "logs": more.pop("logs", []),
        "span_attributes": {**attributes, **more}, "child_spans": children or [],
    }  # fmt: skip


def trace() -> dict:
    model = {
        "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "Who won?",
        "llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "I search.",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c1",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "search",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"q":"won"}',
        "llm.model_name": "o3", "llm.token_count.prompt": 50, "llm.token_count.completion": 5,
    }  # fmt: skip
    tool = {"tool.name": "search", "input.value": '{"q":"won"}', "output.value": "Nobody."}
    inner = [span("llm1", "LLM", second=2, **model), span("search", "TOOL", second=3, **tool)]
    agent = span("CodeAgent.run", "AGENT", inner, second=1)
    body = {"function.name": "answer", "function.output": "The true answer is Ann."}
    root = span("answer_single_question", None, [agent], logs=[{"body": body}])
    return {"trace_id": "a" * 32, "spans": [root]}


LABELS = {
    "trace_id": "a" * 32,
    "errors": [{"category": "Goal Deviation", "location": f"{'llm1':0>16}", "evidence": "I search.", "impact": "LOW"}],
    "scores": [{"reliability_score": 3, "overall": 2.5}],
}


def read(path: Path, document: object, *, lines: bool = False) -> list[Run]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in document) if lines else json.dumps(document, indent=1))
    assert readers.sniff(path)[0] == readers.Guess("trail", 0.97)
    runs, problems = readers.collect(readers.read(path))
    assert problems == []
    return runs


def shape(step: Step) -> list[tuple[str, str]]:
    return [(part.kind, part.text) for part in step.parts]


def check_steps(run: Run) -> None:
    assert [(step.role, shape(step)) for step in run.steps] == [
        ("user", [("text", "Who won?")]),
        ("agent", [("text", "I search."), ("tool_call", "won"), ("tool_result", "Nobody.")]),
    ]
    agent = run.steps[1]
    assert agent.native_id == LABELS["errors"][0]["location"]
    assert (agent.model, agent.tokens_in, agent.tokens_out) == ("o3", 50, 5)
    assert (run.header.task, run.header.native_id) == ("Who won?", "a" * 32)


def check_vote(run: Run) -> None:
    assert run.header.reference is not None
    (vote,) = run.header.reference["votes"]
    assert vote["annotator"] == "TRAIL (Patronus AI)"
    assert (vote["errors"], vote["scores"]) == (LABELS["errors"], LABELS["scores"])


def test_a_trace_with_its_annotation_beside_it(tmp_path: Path) -> None:
    labels = tmp_path / "benchmarking/processed_annotations_gaia" / f"{'a' * 32}.json"
    labels.parent.mkdir(parents=True)
    labels.write_text(json.dumps(LABELS))
    (run,) = read(tmp_path / "benchmarking/data/GAIA" / f"{'a' * 32}.json", trace())
    check_steps(run)
    check_vote(run)
    assert run.header.files == [str(labels)]


@pytest.mark.parametrize("lines", [False, True])
def test_rows_with_trace_and_labels_as_text(lines: bool, tmp_path: Path) -> None:
    row = {"trace": json.dumps(trace()), "labels": json.dumps(LABELS)}
    for run in read(tmp_path / "rows.json", [row, row], lines=lines):
        check_steps(run)
        check_vote(run)


def test_answers_are_nowhere_to_be_seen(tmp_path: Path) -> None:
    (run,) = read(tmp_path / "t.json", trace())
    assert run.header.reference is not None
    assert "The true answer" in json.dumps(run.header.reference)
    seen = b"".join(raw for step in run.steps for raw in step.raw) + json.dumps(run.header.facts).encode()
    assert b"The true answer" not in seen
    assert b"answer_single_question" in seen  # the span itself is kept
    assert "votes" not in run.header.reference


def test_a_trace_without_spans(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"trace_id": "x", "spans": [1, None]}))
    runs, problems = readers.collect(readers.read(path, "trail"))
    assert [run.steps for run in runs] == [[]]
    assert "no span" in problems[0].reason


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="needs pyarrow (extra `parquet`)")
def test_the_parquet_files_of_the_hub(tmp_path: Path) -> None:
    from pyarrow import Table, parquet

    rows = [{"trace": json.dumps(trace()), "labels": json.dumps(LABELS)}] * 2
    path = tmp_path / "gaia.parquet"
    parquet.write_table(Table.from_pylist(rows), path)
    assert readers.sniff(path)[0] == readers.Guess("trail", 0.6)
    runs, problems = readers.collect(readers.read(path))
    assert problems == []
    assert [run.header.item for run in runs] == [0, 1]
    for run in runs:
        check_steps(run)
        assert run.header.reference is not None
        assert run.header.reference["votes"][0]["errors"] == LABELS["errors"]


def test_parquet_without_its_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1" + b"\x05trace\x06labels" + b"PAR1")
    assert readers.sniff(path)[0].format == "trail"
    runs, (problem,) = readers.collect(readers.read(path))
    assert runs == []
    assert "pip install 'review-tui[parquet]'" in problem.reason
