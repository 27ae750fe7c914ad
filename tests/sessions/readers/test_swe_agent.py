"""The SWE-agent reader against every real `.traj` file, and small cases for each quirk."""

import json
from pathlib import Path

import pytest

from sessions import readers

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "sweagent"
FILES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.traj"))


def first_turn(history):
    """Where the agent's own turns begin: the first assistant message that is no demonstration."""
    places = [n for n, item in enumerate(history) if item["role"] == "assistant" and not item.get("is_demo")]
    return min(places, default=len(history))


def raws(run):
    return [json.loads(raw) for step in run.steps for raw in step.raw]


@pytest.mark.real_data
def test_all_real_files_are_here(real_data):
    assert len(FILES) == 18


@pytest.mark.real_data
@pytest.mark.parametrize("name", FILES)
def test_every_record_of_a_real_file_is_read(real_data, name):
    path = real_data / "sweagent" / name
    source = json.loads(path.read_text())
    history, trajectory = source["history"], source.get("trajectory")
    assert readers.sniff(path)[0].format == "swe-agent"
    (run,), problems = readers.collect(readers.read(path))
    assert problems == []
    start = first_turn(history)
    turns = [item for item in history[start:] if item["role"] == "assistant"]
    assert len(run.steps) == start + len(trajectory or turns)
    key = lambda value: json.dumps(value, sort_keys=True)  # noqa: E731
    assert sorted(map(key, raws(run))) == sorted(map(key, [*history, *(trajectory or [])]))
    for step, item in zip(run.steps, history[:start], strict=False):
        assert (step.role, step.parts[0].text) == (item["role"], item["content"])
        assert step.stage == ("demonstration" if item.get("is_demo") else None)


@pytest.mark.real_data
@pytest.mark.parametrize("name", [name for name in FILES if "function_calling_simple" not in name])
def test_every_turn_of_a_real_file(real_data, name):
    path = real_data / "sweagent" / name
    source = json.loads(path.read_text())
    (run,), _ = readers.collect(readers.read(path))
    start = first_turn(source["history"])
    told = [item for item in source["history"][start:] if item["role"] == "assistant"]
    told += [{}] * (len(source["trajectory"]) - len(told))  # the last entries may be missing in the history
    for step, entry, said in zip(run.steps[start:], source["trajectory"], told, strict=True):
        assert (step.actor, step.role) == ("agent", "agent")
        assert [part.kind for part in step.parts] == ["text", "tool_call", "tool_result"]
        text, call, result = step.parts
        assert text.text == entry["thought"]
        assert result.text == entry["observation"]
        stated = said.get("tool_calls")
        if stated:
            function = stated[0]["function"]
            assert (call.name, call.arguments) == (function["name"], json.loads(function["arguments"]))
            assert call.call_id == result.call_id == stated[0]["id"]
        else:
            assert (call.name, call.arguments) == ("bash", {"command": entry["action"]})


@pytest.mark.real_data
def test_a_demonstration_file_without_trajectory(real_data):
    path = real_data / "sweagent" / "trajectories" / "demonstrations" / "function_calling_simple.traj"
    history = json.loads(path.read_text())["history"]
    (run,), _ = readers.collect(readers.read(path))
    agents = [step for step in run.steps if step.actor == "agent"]
    pairs = [
        (said["thought"], said["tool_calls"][0]["function"]["name"], said["tool_calls"][0]["id"], seen["content"])
        for said, seen in zip(history[2::2], history[3::2], strict=True)
    ]
    assert [(s.parts[0].text, s.parts[1].name, s.parts[1].call_id, s.parts[2].text) for s in agents] == pairs
    assert [step.parts[2].call_id for step in agents] == [seen["tool_call_ids"][0] for seen in history[3::2]]


@pytest.mark.real_data
def test_what_real_files_say_of_themselves(real_data):
    name = next(name for name in FILES if "from_source/" in name and "function_calling_replace" in name)
    path = real_data / "sweagent" / name
    source = json.loads(path.read_text())
    (run,), _ = readers.collect(readers.read(path))
    facts = run.header.facts
    assert facts["replay_config"] == source["replay_config"]
    assert facts["environment"] == source["environment"]
    assert {key: facts.get(key) for key in source["info"] if source["info"][key]} == {
        key: value for key, value in source["info"].items() if value
    }
    assert run.header.title == "TimeDelta serialization precision"
    assert run.header.reference is None


def read(tmp_path, value):
    path = tmp_path / "t.traj"
    path.write_text(json.dumps(value))
    (run,), problems = readers.collect(readers.read(path, "swe-agent"))
    assert problems == []
    return run


def entry(**more):
    return {"thought": "T", "action": "ls", "observation": "O", "response": "T\n```\nls\n```", "state": {}, **more}


def test_a_response_that_says_more_is_kept(tmp_path):
    told = ["T\n```bash\nls\n```", "DISCUSSION\nT\n<command>\nls\n</command>", "T\nls", "", None]
    for response in told:
        run = read(tmp_path, {"trajectory": [entry(response=response)]})
        assert [part.kind for part in run.steps[0].parts] == ["text", "tool_call", "tool_result"], response
    run = read(tmp_path, {"trajectory": [entry(response="T\n```\nls\n```\nand by the way")]})
    assert [(part.kind, part.name) for part in run.steps[0].parts][3:] == [("raw", "response")]


def test_reasoning_unknown_fields_and_silent_turns(tmp_path):
    blocks = [{"type": "thinking", "thinking": "why"}]
    value = [entry(thinking_blocks=blocks, extra_info={"k": 1}), entry(thought="", action="", response="Only words.")]
    run = read(tmp_path, {"trajectory": value})
    assert [(part.kind, part.name) for part in run.steps[0].parts] == [
        ("reasoning", None),
        ("text", None),
        ("tool_call", "bash"),
        ("tool_result", "bash"),
        ("raw", "extra_info"),
    ]
    assert [(part.kind, part.text) for part in run.steps[1].parts] == [("text", "Only words."), ("tool_result", "O")]


def test_history_that_matches_no_entry_stays(tmp_path):
    history = [
        {"role": "system", "content": "s"},
        {"role": "assistant", "content": "demo", "is_demo": True},
        {"role": "user", "content": "Fix it"},
        {"role": "assistant", "content": "T", "thought": "T", "action": "ls"},
        {"role": "user", "content": "O"},
        {"role": "assistant", "content": "lost", "thought": "lost", "action": "rm"},
        {"role": "user", "content": "gone"},
        {"role": "assistant", "content": "T", "thought": "T", "action": "ls"},
    ]
    run = read(tmp_path, {"history": history, "trajectory": [entry(), entry()]})
    assert [(step.actor, step.stage) for step in run.steps] == [
        ("system", None),
        ("agent", "demonstration"),
        ("user", None),
        ("agent", None),
        ("agent", None),
    ]
    assert [part.name for part in run.steps[3].parts if part.kind == "raw"] == ["history", "history"]
    assert run.header.task == "Fix it"
    assert [len(step.raw) for step in run.steps] == [1, 1, 1, 5, 2]
    run = read(tmp_path, {"history": history, "trajectory": [entry()]})
    assert [len(step.raw) for step in run.steps] == [1, 1, 1, 6]
    # Before its first turn is finished, a run has an empty trajectory.
    run = read(tmp_path, {"history": history[:5], "trajectory": []})
    assert [[part.kind for part in step.parts] for step in run.steps[3:]] == [["text", "tool_call", "tool_result"]]


def test_a_half_written_file_keeps_what_was_written(tmp_path):
    text = json.dumps({"environment": "e", "trajectory": [entry(action=f"cmd {n}", response="") for n in range(4)]})
    path = tmp_path / "t.traj"
    path.write_text(text[: text.index("cmd 2") + 3])
    (run,), problems = readers.collect(readers.read(path))
    assert [[part.text for part in step.parts if part.kind == "tool_call"] for step in run.steps] == [
        ["cmd 0"],
        ["cmd 1"],
        [],
    ]
    assert len(problems) == 1
    assert run.header.facts["environment"] == "e"


def test_neither_trajectory_nor_history(tmp_path):
    path = tmp_path / "t.traj"
    path.write_text("[]")
    runs, problems = readers.collect(readers.read(path, "swe-agent"))
    assert runs == []
    assert len(problems) == 1
