"""The Langfuse reader against small exports in the shapes of its API and of its blob export."""

import csv
import json
from pathlib import Path

import pytest

from sessions import readers
from sessions.run import Run, Step

T = "2026-03-01T10:00:0{}.000Z"


def snake(key: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)


def observation(name: str, type: str, second: int, parent: str | None = "agent", **more) -> dict:
    return {
        "id": name, "traceId": "t1", "type": type, "name": name, "startTime": T.format(second),
        "parentObservationId": parent, "level": "DEFAULT", "statusMessage": None, "usageDetails": {}, "costDetails": {},
        "metadata": {}, **more,
    }  # fmt: skip


def asked(*messages: tuple[str, str]) -> list[dict]:
    return [{"role": role, "content": content} for role, content in messages]


def observations() -> list[dict]:
    call = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": '{"path":"/"}'}}
    first = asked(("system", "Be brief."), ("user", "List."))
    answer = {"role": "assistant", "content": "I look.", "tool_calls": [call]}
    second = [*first, answer, {"role": "tool", "tool_call_id": "c1", "content": "etc"}]
    usage = {"input": 10, "input_cached_tokens": 5, "output": 3, "output_reasoning_tokens": 2, "total": 20}
    return [
        observation("agent", "AGENT", 1, None),
        observation("g1", "GENERATION", 2, model="m-1", input=first, output=answer, usageDetails=usage,
                    costDetails={"total": 0.5}),
        observation("ls", "TOOL", 3, input={"path": "/"}, output="etc"),
        observation("rank", "EVALUATOR", 4, input="x", output={"score": 0.9}),
        observation("g2", "GENERATION", 5, model="m-1", input=second, output=asked(("assistant", "etc is all."))[0]),
        observation("flaky", "TOOL", 6, input={"q": 1}, level="ERROR", statusMessage="timed out"),
        observation("note", "EVENT", 7, output="user left"),
        observation("plumbing", "SPAN", 8, input="a", output="b"),
    ]  # fmt: skip


def trace(**more) -> dict:
    scores = [{"name": "helpful", "value": 1, "source": "ANNOTATION"}]
    return {
        "id": "t1", "timestamp": T.format(0), "name": "assistant", "sessionId": "s9", "userId": "u", "tags": ["prod"],
        "htmlPath": "/x", "input": "List.", "output": "etc is all.", "totalCost": 0.5, "scores": scores,
        "metadata": {"expected_output": "etc", "n": 1}, "observations": observations(), **more,
    }  # fmt: skip


def read(path: Path, document: object, *, lines: bool = False, indent: int | None = None) -> list[Run]:
    text = "".join(json.dumps(row) + "\n" for row in document) if lines else json.dumps(document, indent=indent)
    path.write_text(text)
    assert readers.sniff(path)[0].format == "langfuse"
    runs, problems = readers.collect(readers.read(path))
    assert problems == []
    return runs


def shape(step: Step) -> list[tuple[str, str]]:
    return [(part.kind, part.text) for part in step.parts]


WRAPPINGS = ["trace", "pretty", "list", "page", "lines", "observations", "observation lines", "blob"]


@pytest.mark.parametrize("how", WRAPPINGS)
def test_a_trace_in_each_wrapping(how: str, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    blob = [
        {snake(key): json.dumps(value) if isinstance(value, (dict, list)) else value for key, value in row.items()}
        for row in observations()
    ]
    given = {
        "trace": trace(), "pretty": trace(), "list": [trace()], "page": {"data": [trace()], "meta": {"page": 1}},
        "lines": [trace()], "observations": observations(), "observation lines": observations()[::-1], "blob": blob,
    }[how]  # fmt: skip
    lines = how in ("lines", "observation lines", "blob")
    (run,) = read(path, given, lines=lines, indent=2 if how == "pretty" else None)
    assert [(step.role, shape(step)) for step in run.steps] == [
        ("system", [("text", "Be brief.")]),
        ("user", [("text", "List.")]),
        ("agent", [("text", "I look."), ("tool_call", "/"), ("tool_result", "etc")]),
        ("agent", [("text", "etc is all.")]),
        ("agent", [("tool_call", "q: 1"), ("tool_result", "timed out")]),
        ("environment", [("text", "note\nuser left")]),
    ]
    first, last = run.steps[2], run.steps[4]
    assert (first.native_id, first.model, first.at) == ("g1", "m-1", T.format(2))
    assert (first.tokens_in, first.tokens_out, first.cost) == (15, 5, 0.5)
    assert [step.tokens_in for step in run.steps].count(None) == 5  # sums are not told again
    assert (first.parts[1].call_id, first.parts[2].call_id, first.parts[2].is_error) == ("c1", "c1", None)
    assert (last.parts[1].is_error, last.parts[1].error_inferred) == (True, False)
    assert run.header.native_id == "t1"
    assert run.header.reference is not None
    judged = run.header.reference["rank rank"]
    assert (judged["input"], json.loads(judged["output"]) if how == "blob" else judged["output"]) == (
        "x",
        {"score": 0.9},
    )


def test_scores_and_expectations_are_kept_apart(tmp_path: Path) -> None:
    (run,) = read(tmp_path / "t.json", trace())
    header = run.header
    assert header.reference is not None
    assert header.reference["scores"] == trace()["scores"]
    assert header.reference["metadata"] == {"expected_output": "etc"}
    assert header.facts["metadata"] == {"n": 1}
    assert (header.facts["session"], header.facts["tags"], header.system) == ("s9", ["prod"], "assistant")
    assert header.started_at == T.format(0)
    seen = b"".join(raw for step in run.steps for raw in step.raw)
    assert b"helpful" not in seen
    assert b"expected_output" not in seen
    assert b"plumbing" in seen


def test_a_trace_without_models_is_its_own_input_and_output(tmp_path: Path) -> None:
    bare = trace(observations=[observation("s", "SPAN", 1, None, input="inner", output="thing")])
    (run,) = read(tmp_path / "t.json", bare)
    assert [(step.role, shape(step)) for step in run.steps] == [
        ("user", [("text", "List.")]), ("agent", [("text", "etc is all.")]),
    ]  # fmt: skip


def test_traces_are_runs_in_order(tmp_path: Path) -> None:
    other = {**observations()[1], "traceId": "t2", "id": "x", "parentObservationId": None}
    rows = [*observations(), other]
    runs = read(tmp_path / "o.jsonl", rows[::-1], lines=True)
    assert [(run.header.native_id, run.header.item) for run in runs] == [("t2", 0), ("t1", 1)]
    assert len(runs[0].steps) == 3


def test_a_failed_generation_says_why(tmp_path: Path) -> None:
    failed = observation("g", "GENERATION", 1, None, input="hi", level="ERROR", statusMessage="rate limit")
    (run,) = read(tmp_path / "o.jsonl", [failed, observation("s", "SPAN", 0, None)], lines=True)
    assert [(step.role, shape(step), step.parts[0].is_error) for step in run.steps] == [
        ("user", [("text", "hi")], None), ("environment", [("text", "rate limit")], True),
    ]  # fmt: skip


def test_damage_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    lines = [json.dumps(row) for row in observations()]
    path.write_text("\n".join([*lines[:3], "{broken", "[1]", *lines[3:]]))
    (run,), problems = readers.collect(readers.read(path))
    assert len(run.steps) == 6
    assert [problem.line for problem in problems] == [4, None]


# -- CSV --------------------------------------------------------------------------------------------------------------


def table(path: Path, records: list[dict]) -> Path:
    """As the user interface exports its tables: values as JSON text, the empty ones as nothing."""
    names = list(dict.fromkeys(name for record in records for name in record))
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for record in records:
            cells = [record.get(name) for name in names]
            writer.writerow(
                ["" if cell is None else json.dumps(cell) if isinstance(cell, (dict, list)) else cell for cell in cells]
            )
    return path


def test_a_table_of_observations_is_the_run_that_the_api_gives(tmp_path: Path) -> None:
    (run,) = read(tmp_path / "api.json", observations())
    path = table(tmp_path / "export.csv", observations())
    assert readers.sniff(path)[0] == readers.Guess("langfuse", 0.95)
    (other,), problems = readers.collect(readers.read(path))
    assert problems == []
    assert [(step.actor, [(part.kind, part.text, part.is_error) for part in step.parts]) for step in other.steps] == [
        (step.actor, [(part.kind, part.text, part.is_error) for part in step.parts]) for step in run.steps
    ]
    assert [(step.tokens_in, step.tokens_out, step.cost) for step in other.steps] == [
        (step.tokens_in, step.tokens_out, step.cost) for step in run.steps
    ]


def test_a_table_of_traces_tells_their_inputs_and_outputs(tmp_path: Path) -> None:
    path = table(tmp_path / "traces.csv", [{**trace(), "observations": None, "input": "List,\nplease."}])
    assert readers.sniff(path)[0].format == "langfuse"
    (run,), problems = readers.collect(readers.read(path))
    assert problems == []
    assert [part.text for step in run.steps for part in step.parts] == ["List,\nplease.", "etc is all."]
    assert run.header.reference is not None
    assert "scores" in run.header.reference
    assert "expected_output" not in json.dumps(run.header.facts)


def test_rows_of_another_length_are_reported_with_their_line(tmp_path: Path) -> None:
    path = table(tmp_path / "export.csv", observations())
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], "a,b,c", *lines[2:], '"never closed']) + "\n")
    (run, *_), problems = readers.collect(readers.read(path, "langfuse"))
    assert [problem.line for problem in problems] == [3, len(lines) + 2]
    assert "a row of 3 cells" in problems[0].reason
    assert len(run.steps) > 3
