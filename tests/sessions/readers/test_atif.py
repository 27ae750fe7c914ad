"""The ATIF reader against Harbor's own examples and against small documents for each quirk."""

import json
from collections import Counter
from pathlib import Path

import pytest

from sessions import readers
from sessions.identity import content_id
from sessions.run import Run, Step

FILES = [
    "openhands_hello-world.trajectory.json",
    "terminus_2_hello-world-context-summarization-linear-history.trajectory.json",
    "terminus_2_hello-world-context-summarization-linear-history.trajectory.cont-1.json",
]


def canonical(value) -> str:
    return json.dumps(value, sort_keys=True)


def atif(steps, **root) -> dict:
    agent = {"name": "demo", "version": "9"}
    return {"schema_version": "ATIF-v1.7", "session_id": "s1", "agent": agent, "steps": steps, **root}


def read_one(path: Path, document) -> Run:
    path.write_text(json.dumps(document))
    runs, problems = readers.collect(readers.read(path))
    assert problems == []
    assert len(runs) == 1
    return runs[0]


def kinds(step: Step) -> list[str]:
    return [part.kind for part in step.parts]


@pytest.mark.real_data
@pytest.mark.parametrize("name", FILES)
def test_every_step_of_a_real_file_is_read(real_data, name):
    path = real_data / "atif" / name
    source = json.loads(path.read_text())
    assert readers.sniff(path)[0].format == "atif"
    (run,), problems = readers.collect(readers.read(path))
    assert problems == []
    assert [step.role for step in run.steps] == [item["source"] for item in source["steps"]]
    assert [step.actor for step in run.steps] == [item["source"] for item in source["steps"]]
    assert [json.loads(step.raw[0]) for step in run.steps] == source["steps"]
    assert [step.native_id for step in run.steps] == [str(item["step_id"]) for item in source["steps"]]
    assert sum(step.tokens_in or 0 for step in run.steps) == sum(
        item.get("metrics", {}).get("prompt_tokens", 0) for item in source["steps"]
    )
    for step, item in zip(run.steps, source["steps"], strict=True):
        calls = [(part.name, part.call_id, part.arguments) for part in step.parts if part.kind == "tool_call"]
        assert calls == [
            (call["function_name"], call["tool_call_id"], call["arguments"]) for call in item.get("tool_calls", [])
        ]
        results = [(part.call_id, part.text) for part in step.parts if part.kind == "tool_result"]
        assert results == [
            (result.get("source_call_id"), result["content"])
            for result in item.get("observation", {}).get("results", [])
            if "content" in result
        ]
        assert [part.text for part in step.parts if part.kind == "text"] == [item["message"]]


@pytest.mark.real_data
def test_what_the_real_files_say_of_themselves(real_data):
    (run,), _ = readers.collect(readers.read(real_data / "atif" / FILES[0]))
    assert run.header.system == "openhands 1.1.0"
    assert run.header.title.startswith('Create a file called hello.txt with "Hello, world!"')
    assert run.header.facts["final_metrics"]["total_prompt_tokens"] == 220
    assert len(run.header.facts["agent"]["tool_definitions"]) == 6
    (run,), _ = readers.collect(readers.read(real_data / "atif" / FILES[1]))
    assert run.header.facts["continued_trajectory_ref"] == "trajectory.cont-1.json"
    assert run.header.model == "openai/gpt-4o"
    # The sub-agents' files are not in the folder: their references stay, one raw part each, and the step's `extra`.
    raw = [part.name for part in run.steps[-1].parts if part.kind == "raw"]
    assert Counter(raw) == {"subagent_trajectory_ref": 3, "extra": 1}
    (run,), _ = readers.collect(readers.read(real_data / "atif" / FILES[2]))
    copied = [item["step_id"] for item in json.loads((real_data / "atif" / FILES[2]).read_text())["steps"][:4]]
    assert run.header.facts["copied_context_steps"] == copied


def test_parts_stand_in_order_and_results_find_their_calls(tmp_path):
    step = {
        "step_id": 1,
        "source": "agent",
        "message": "I look.",
        "reasoning_content": "Where is it?",
        "tool_calls": [
            {"tool_call_id": "a", "function_name": "ls", "arguments": {"path": "/"}},
            {"tool_call_id": "b", "function_name": "cat", "arguments": {"path": "x"}, "extra": {"slow": True}},
        ],
        "observation": {
            "results": [
                {"source_call_id": "b", "content": "error: no file x"},
                {"content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
                {"source_call_id": "a", "content": "etc", "extra": {"is_error": True}},
            ]
        },
        "metrics": {"prompt_tokens": 5, "completion_tokens": 2, "cost_usd": 0.5},
    }
    late = {"step_id": 2, "source": "agent", "message": "", "observation": {"results": [{"source_call_id": "a"}]}}
    run = read_one(tmp_path / "t.json", atif([step, late]))
    first, second = run.steps
    assert kinds(first) == ["reasoning", "text", "tool_call", "tool_call", "raw", *["tool_result"] * 3]
    results = [part for part in first.parts if part.kind == "tool_result"]
    assert [(part.name, part.call_id) for part in results] == [("cat", "b"), (None, None), ("ls", "a")]
    assert [(part.is_error, part.error_inferred) for part in results] == [(True, True), (None, False), (True, False)]
    assert results[1].text == "one\ntwo"
    assert (first.tokens_in, first.tokens_out, first.cost) == (5, 2, 0.5)
    # A result in a later step stays there and carries the call's id and name.
    assert [(part.kind, part.call_id, part.name) for part in second.parts] == [("tool_result", "a", "ls")]


def test_unknown_fields_are_kept(tmp_path):
    document = atif(
        [{"step_id": 1, "source": "user", "message": "Go", "mood": "glad", "empty": None, "extra": {"k": 1}}],
        notes="a note",
        extra={"reward": 1.0, "seed": 3},
        surprise=[1],
    )
    run = read_one(tmp_path / "t.json", document)
    raw = {part.name: part.text for part in run.steps[0].parts if part.kind == "raw"}
    assert raw == {"mood": "glad", "extra": '{"k":1}'}
    assert run.header.facts["notes"] == "a note"
    assert run.header.facts["surprise"] == [1]
    assert run.header.facts["extra"] == {"seed": 3}
    assert run.header.reference == {"reward": 1.0}


def test_media_become_placeholders(tmp_path):
    image = {"type": "image", "source": {"media_type": "image/png", "path": "images/1.png"}}
    document = atif([{"step_id": 1, "source": "user", "message": [{"type": "text", "text": "See"}, image]}])
    run = read_one(tmp_path / "t.json", document)
    assert run.steps[0].parts[0].text.startswith("See\n[image: ")


def sub(name: str, session: str, steps=None) -> dict:
    steps = steps or [{"step_id": 1, "source": "agent", "message": f"{name} at work"}]
    return {**atif(steps), "session_id": session, "trajectory_id": session, "agent": {"name": name, "version": "1"}}


def test_sub_agents_follow_the_step_that_refers_to_them(tmp_path):
    refer = {
        "step_id": 1,
        "source": "agent",
        "message": "I delegate.",
        "tool_calls": [{"tool_call_id": "c", "function_name": "task", "arguments": {}}],
        "observation": {"results": [{"source_call_id": "c", "subagent_trajectory_ref": [{"trajectory_id": "in"}]}]},
    }
    beside = {
        "step_id": 1,
        "source": "agent",
        "message": "And I too.",
        "observation": {
            "results": [{"source_call_id": "d", "subagent_trajectory_ref": [{"trajectory_path": "beside.json"}]}]
        },
    }
    (tmp_path / "beside.json").write_text(json.dumps(sub("filed", "file")))
    document = atif(
        [refer, {"step_id": 2, "source": "user", "message": "Thanks"}],
        subagent_trajectories=[sub("inner", "in", [beside]), sub("orphan", "nobody")],
    )
    run = read_one(tmp_path / "t.json", document)
    told = [(step.actor, step.depth, step.parent_call) for step in run.steps]
    assert told == [
        ("agent", 0, None),
        ("inner", 1, "c"),
        ("filed", 2, "d"),
        ("user", 0, None),
        ("orphan", 1, None),
    ]
    assert run.header.files == [str(tmp_path / "beside.json")]
    assert [item["session_id"] for item in run.header.facts["subagents"]] == ["in", "file", "nobody"]


@pytest.mark.parametrize("path", ["../secret.json", "/etc/passwd", "link.json", "t.json", "sub/x.json", "no.json", 7])
def test_a_reference_never_leaves_the_folder(tmp_path, path):
    folder = tmp_path / "inner"
    (folder / "sub").mkdir(parents=True)
    for place in (tmp_path / "secret.json", folder / "sub" / "x.json"):
        place.write_text(json.dumps(sub("thief", "x")))
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    step = {
        "step_id": 1,
        "source": "agent",
        "message": "hm",
        "observation": {"results": [{"subagent_trajectory_ref": [{"trajectory_path": path}]}]},
    }
    run = read_one(folder / "t.json", atif([step]))
    assert [step.actor for step in run.steps] == ["agent"]
    assert kinds(run.steps[0]) == ["text", "raw"]


def test_a_half_written_file_keeps_what_was_written(tmp_path):
    text = json.dumps(atif([{"step_id": n, "source": "agent", "message": f"turn {n}"} for n in range(1, 6)]))
    path = tmp_path / "t.json"
    path.write_text(text[: text.index("turn 4")])
    (run,), problems = readers.collect(readers.read(path))
    assert [[part.text for part in step.parts] for step in run.steps] == [["turn 1"], ["turn 2"], ["turn 3"], []]
    assert len(problems) == 1
    assert "not valid JSON" in problems[0].reason


def test_a_large_file_is_streamed_to_the_same_run(tmp_path, monkeypatch):
    steps = [{"step_id": n, "source": "agent", "message": f"turn {n}", "x": {"deep": [n]}} for n in range(120)]
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"notes": "first", **atif(steps), "zz": {"steps": [1]}}))
    whole = readers.collect(readers.read(path))
    monkeypatch.setattr("sessions.readers.base.WHOLE_DOCUMENT_BYTES", 100)
    monkeypatch.setattr("sessions.readers.salvage.WHOLE_DOCUMENT_BYTES", 100)
    assert readers.collect(readers.read(path)) == whole
    path.write_text(path.read_text()[:-200])
    (run,), problems = readers.collect(readers.read(path))
    assert 100 < len(run.steps) < 120
    assert len(problems) == 1


def test_one_run_in_two_formats_has_one_content_id(tmp_path):
    arguments = {"city": "Paris", "days": 2}
    chat = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": "I ask.",
            "reasoning_content": "A tool knows.",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": json.dumps(dict(reversed(arguments.items())))},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        {"role": "assistant", "content": "Rain."},
    ]
    document = atif(
        [
            {"step_id": 1, "source": "system", "message": "Be brief."},
            {"step_id": 2, "source": "user", "message": "Weather?", "timestamp": "2026-01-01T00:00:00Z"},
            {
                "step_id": 3,
                "source": "agent",
                "message": "I ask.",
                "reasoning_content": "A tool knows.",
                "tool_calls": [{"tool_call_id": "other", "function_name": "weather", "arguments": arguments}],
                "observation": {"results": [{"source_call_id": "other", "content": "rain"}]},
            },
            {"step_id": 4, "source": "agent", "message": "Rain.", "metrics": {"prompt_tokens": 1}},
        ]
    )
    one = read_one(tmp_path / "atif.json", document)
    two = read_one(tmp_path / "chat.json", chat)
    assert (one.header.format, two.header.format) == ("atif", "openai-chat")
    assert content_id(one.steps) == content_id(two.steps)
    chat[-1]["content"] = "Sun."
    assert content_id(read_one(tmp_path / "chat.json", chat).steps) != content_id(one.steps)
