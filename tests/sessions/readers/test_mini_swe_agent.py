"""The mini-swe-agent reader against real v0 files, a v2 file made by the library, and small cases."""

import json

import pytest

from sessions import readers

FILES = [
    "miniswe/gen/run.traj.json",
    "miniswe/tests/test_data/github_issue.traj.json",
    "miniswe/tests/test_data/local.traj.json",
]


def messages_of(path):
    value = json.loads(path.read_text())
    return value if isinstance(value, list) else value["messages"]


@pytest.mark.real_data
@pytest.mark.parametrize("name", FILES)
def test_every_message_of_a_real_file_is_read(real_data, name):
    path = real_data / name
    messages = messages_of(path)
    assert readers.sniff(path)[0].format == "mini-swe-agent"
    (run,), problems = readers.collect(readers.read(path))
    assert problems == []
    assert [json.loads(raw) for step in run.steps for raw in step.raw] == messages
    # Each command of these files is one fenced block, answered by the user-role message after it.
    turns = [place for place, item in enumerate(messages) if item["role"] == "assistant"]
    answered = [place for place in turns if messages[place + 1]["role"] == "user"]
    assert len(run.steps) == len(messages) - len(answered)
    agents = [step for step in run.steps if step.actor == "agent"]
    assert len(agents) == len(turns)
    for step, place in zip(agents, turns, strict=True):
        text = messages[place]["content"]
        assert [part.text for part in step.parts if part.kind == "text"] == [text]
        command = text.split("```mswea_bash_command\n" if "mswea" in text else "```bash\n")[1].split("\n```")[0]
        (call,) = [part for part in step.parts if part.kind == "tool_call"]
        assert (call.name, call.arguments) == ("bash", {"command": command})
        results = [part for part in step.parts if part.kind == "tool_result"]
        assert len(results) == (place in answered)
        for part in results:
            answer = messages[place + 1]["content"]
            assert part.text == answer
            if "<returncode>" in answer:
                failed = "<returncode>0<" not in answer
                assert (part.is_error, part.error_inferred) == (failed, False)
    others = [step.role for step in run.steps if step.actor != "agent"]
    assert others[:2] == ["system", "user"]


@pytest.mark.real_data
def test_what_a_v2_file_says_of_itself(real_data):
    path = real_data / FILES[0]
    (run,), _ = readers.collect(readers.read(path))
    info = json.loads(path.read_text())["info"]
    assert run.header.system == "mini-swe-agent 2.4.6"
    assert run.header.model == "deterministic"
    assert run.header.facts["exit_status"] == "Submitted"
    assert run.header.facts["submission"] == "hi\n"
    assert run.header.facts["config"] == info["config"]
    assert run.header.reference is None
    last = run.steps[-1]
    assert (last.actor, last.role) == ("environment", "environment")
    assert [(part.kind, part.name) for part in last.parts] == [("text", "exit"), ("raw", "exit")]
    agents = [step for step in run.steps if step.role == "agent"]
    assert [step.cost for step in agents] == [1.0, 1.0, 1.0]
    assert agents[0].at == "2026-11-22T16:49:08.714498Z"


def read(tmp_path, value):
    path = tmp_path / "t.traj.json"
    path.write_text(json.dumps(value))
    (run,), problems = readers.collect(readers.read(path, "mini-swe-agent"))
    assert problems == []
    return run


def shape(run):
    return [(step.actor, [part.kind for part in step.parts]) for step in run.steps]


TASK = [{"role": "system", "content": "s"}, {"role": "user", "content": "Task"}]


def test_calls_of_v2_tool_call_models(tmp_path):
    calls = [
        {"id": n, "type": "function", "function": {"name": "bash", "arguments": json.dumps({"command": n})}}
        for n in ("a", "b")
    ]
    usage = {"prompt_tokens": 5, "completion_tokens": 6}
    extra = {"actions": [{"command": "a", "tool_call_id": "a"}, {"command": "b", "tool_call_id": "b"}], "cost": 0.1}
    answers = [
        {"role": "tool", "tool_call_id": "b", "content": "out", "extra": {"returncode": 0}},
        {"role": "tool", "tool_call_id": "a", "content": "out", "extra": {"returncode": -1, "exception_info": "slow"}},
    ]
    said = {"role": "assistant", "content": None, "reasoning_content": "why", "tool_calls": calls}
    said["extra"] = extra | {"response": {"model": "m1", "usage": usage}, "new": 1}
    run = read(tmp_path, {"messages": [*TASK, said, *answers], "trajectory_format": "mini-swe-agent-1.1"})
    step = run.steps[2]
    assert [part.kind for part in step.parts] == ["reasoning", *["tool_call"] * 2, "raw", *["tool_result"] * 2]
    assert [part.call_id for part in step.parts] == [None, "a", "b", None, "b", "a"]
    assert [part.is_error for part in step.parts[4:]] == [False, True]
    assert (step.model, step.tokens_in, step.tokens_out, step.cost) == ("m1", 5, 6, 0.1)


def test_calls_of_the_responses_interface(tmp_path):
    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "why"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "Look"}]},
        {"type": "function_call", "call_id": "k", "name": "bash", "arguments": '{"command": "ls"}'},
    ]
    answer = {"type": "function_call_output", "call_id": "k", "output": "x", "extra": {"returncode": 2}}
    said = {"object": "response", "output": output, "extra": {"actions": [{"command": "ls"}]}}
    run = read(tmp_path, {"info": {}, "messages": [*TASK, said, answer]})
    assert shape(run)[2] == ("agent", ["reasoning", "text", "tool_call", "tool_result"])
    result = run.steps[2].parts[-1]
    assert (result.call_id, result.is_error, result.error_inferred) == ("k", True, False)


def test_a_v1_object(tmp_path):
    messages = [*TASK, {"role": "assistant", "content": "Go\n```bash\nls\n```"}, {"role": "user", "content": "a"}]
    value = {"info": {"exit_status": "x"}, "messages": messages, "trajectory_format": "mini-swe-agent-1"}
    run = read(tmp_path, value)
    assert shape(run) == [("system", ["text"]), ("user", ["text"]), ("agent", ["text", "tool_call", "tool_result"])]
    assert readers.sniff(tmp_path / "t.traj.json")[0].format == "mini-swe-agent"


def test_format_errors_are_the_scaffolds_words_and_interruptions_a_persons(tmp_path):
    two = "```bash\na\n```\n```bash\nb\n```"
    run = read(
        tmp_path,
        [
            *TASK,
            {"role": "assistant", "content": two},
            {"role": "user", "content": "Exactly ONE action, please."},
            {"role": "assistant", "content": "```bash\nsleep 99\n```"},
            {"role": "user", "content": "Stop!", "extra": {"interrupt_type": "UserInterruption"}},
        ],
    )
    assert [(step.actor, step.role) for step in run.steps[2:]] == [
        ("agent", "agent"),
        ("environment", "environment"),
        ("agent", "agent"),
        ("user", "user"),
    ]
    assert [part.kind for part in run.steps[2].parts] == ["text"]


def test_a_plain_chat_is_no_mini_swe_agent(tmp_path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps([*TASK, {"role": "assistant", "content": "```bash\nls\n```"}]))
    assert [guess.format for guess in readers.sniff(path)] == ["openai-chat"]


@pytest.mark.real_data
def test_a_half_written_file_keeps_what_was_written(real_data, tmp_path):
    data = (real_data / FILES[0]).read_bytes()
    path = tmp_path / "t.json"
    path.write_bytes(data[: data.rindex(b"This fails.")])
    (run,), problems = readers.collect(readers.read(path))
    assert [step.actor for step in run.steps] == ["system", "user", "agent", "agent"]
    assert run.steps[3].parts == []
    assert len(problems) == 1
