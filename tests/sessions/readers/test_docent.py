"""The Docent reader against small runs in the shape of Docent's own models."""

import json
from pathlib import Path

import pytest

from sessions import readers
from sessions.run import Run, Step


def messages() -> list[dict]:
    return [
        {"id": "m0", "role": "system", "content": "You are terse."},
        {"id": "m1", "role": "user", "content": "Find the flag.", "tool_call_id": None},
        {
            "id": "m2", "role": "assistant", "model": "gpt-x",
            "content": [{"type": "reasoning", "reasoning": "Look first."}, {"type": "text", "text": "I look."}],
            "tool_calls": [
                {"id": "c1", "function": "bash", "arguments": {"cmd": "ls"}, "type": "function", "view": None},
                {"id": "c2", "function": "bash", "arguments": {"cmd": "cat x"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "function": "bash", "content": "x", "error": None},
        {"role": "tool", "tool_call_id": "c2", "function": "bash", "content": "",
         "error": {"type": "timeout", "message": "took too long"}},
        {"role": "assistant", "content": "Done.",
         "metadata": {"turn": 3, "score": 0.2, "timestamp": "2026-01-01T00:00:00Z"}},
    ]  # fmt: skip


def agent_run(**more) -> dict:
    run = {
        "id": "r1", "name": None, "description": None,
        "transcripts": [{"id": "t1", "name": None, "messages": messages(), "metadata": {}}],
        "transcript_groups": [],
        "metadata": {"benchmark_id": "ctf", "agent_scaffold": "react", "scores": {"correct": True}, "model": "gpt-x",
                     "task": {"id": 7, "label": "hard"}},
    }  # fmt: skip
    return {**run, **more}


def read(path: Path, document: object, *, lines: bool = False, indent: int | None = None) -> list[Run]:
    path.write_text(
        "".join(json.dumps(row) + "\n" for row in document) if lines else json.dumps(document, indent=indent)
    )
    assert readers.sniff(path)[0].format == "docent"
    runs, problems = readers.collect(readers.read(path))
    assert problems == []
    return runs


def shape(step: Step) -> list[tuple[str, str]]:
    return [(part.kind, part.text) for part in step.parts]


@pytest.mark.parametrize("how", ["object", "pretty", "list", "lines"])
def test_a_run_in_each_wrapping(how: str, tmp_path: Path) -> None:
    document = agent_run() if how in ("object", "pretty") else [agent_run(), agent_run(id="r2")]
    runs = read(tmp_path / "r.json", document, lines=how == "lines", indent=2 if how == "pretty" else None)
    assert [run.header.native_id for run in runs] == ["r1", "r2"][: len(runs)]
    source = messages()
    for run in runs:
        assert [step.role for step in run.steps] == ["system", "user", "agent", "agent"]
        agent = run.steps[2]
        assert shape(agent) == [
            ("reasoning", "Look first."), ("text", "I look."), ("tool_call", "ls"), ("tool_call", "cat x"),
            ("tool_result", "x"), ("tool_result", "took too long"),
        ]  # fmt: skip
        calls = [(part.call_id, part.name, part.arguments) for part in agent.parts if part.kind == "tool_call"]
        assert calls == [(call["id"], call["function"], call["arguments"]) for call in source[2]["tool_calls"]]
        results = [(part.call_id, part.name, part.is_error, part.error_inferred) for part in agent.parts[4:]]
        assert results == [("c1", "bash", False, False), ("c2", "bash", True, False)]
        assert [json.loads(raw) for raw in agent.raw] == source[2:5]
        assert agent.model == "gpt-x"
        assert run.steps[3].at == "2026-01-01T00:00:00Z"


def test_how_a_run_was_judged_is_kept_apart(tmp_path: Path) -> None:
    labels = [{"label_set": "MAST", "value": {"mode": "2.6"}}]
    (run,) = read(tmp_path / "r.json", agent_run(labels=labels, name="A name"))
    assert run.header.reference == {"scores": {"correct": True}, "task": {"label": "hard"}, "labels": labels}
    assert run.header.facts == {
        "benchmark_id": "ctf", "agent_scaffold": "react", "model": "gpt-x", "task": {"id": 7},
    }  # fmt: skip
    assert (run.header.title, run.header.task, run.header.system) == ("A name", "Find the flag.", "react")
    assert "0.2" not in str([step.parts for step in run.steps])
    assert b"score" not in b"".join(raw for step in run.steps for raw in step.raw)
    assert [part.text for part in run.steps[3].parts if part.kind == "raw"] == [
        '{"turn":3,"timestamp":"2026-01-01T00:00:00Z"}'
    ]


@pytest.mark.parametrize("by_name", [False, True])
def test_transcripts_are_stages(by_name: bool, tmp_path: Path) -> None:
    plan = {"name": "planner", "messages": messages()[1:2] + messages()[5:]}
    act = {"name": "coder", "messages": messages()[1:2] + messages()[5:], "metadata": {"reward": 1, "n": 2}}
    given = {"planner": plan, "coder": act} if by_name else [plan, act]
    (run,) = read(tmp_path / "r.json", agent_run(transcripts=given))
    assert [(step.actor, step.stage) for step in run.steps] == [
        ("user", "planner"), ("planner", "planner"), ("user", "coder"), ("coder", "coder"),
    ]  # fmt: skip
    assert run.header.facts["transcripts"] == ["planner", "coder"]
    assert run.header.reference is not None
    assert run.header.reference["coder"] == {"reward": 1}
    assert run.header.facts["transcript_metadata"] == {"coder": {"n": 2}}


def test_a_run_without_messages(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps(agent_run(transcripts=[])))
    runs, problems = readers.collect(readers.read(path, "docent"))
    assert [run.steps for run in runs] == [[]]
    assert "no transcript" in problems[0].reason
