"""The reader of Responses items against a real file and small ones for each kind of item."""

import json

import pytest

from sessions import readers
from sessions.run import Run

REAL = "openai/responses_items.jsonl"


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def runs_of(path) -> list[Run]:
    runs, problems = readers.collect(readers.read(path))
    assert problems == []
    assert {run.header.format for run in runs} == {"openai-responses"}
    return runs


def one(path) -> Run:
    (run,) = runs_of(path)
    return run


def parts(run):
    return [(step.actor, [(part.kind, part.text) for part in step.parts]) for step in run.steps]


def user(text):
    return {"role": "user", "content": text}


def said(text, **more):
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "role": "assistant", "id": f"msg_{text}", "content": content, **more}


def call(id, name="ls", arguments="{}", **more):
    return {"type": "function_call", "call_id": id, "name": name, "arguments": arguments, **more}


def output(id, text="ok", **more):
    return {"type": "function_call_output", "call_id": id, "output": text, **more}


@pytest.mark.real_data
def test_a_real_file(real_data):
    path = real_data / REAL
    items = [json.loads(line) for line in path.read_text().splitlines()]
    assert readers.sniff(path)[0].format == "openai-responses"
    run = one(path)
    # Counted from the raw items: everything but outputs and what goes on with the step before makes no step of its own.
    assert [step.role for step in run.steps] == ["user", "agent", "agent"]
    told = [part for step in run.steps for part in step.parts]
    assert len(told) == len(items)
    calls = [(item["call_id"], item["name"], json.loads(item["arguments"])) for item in items if "arguments" in item]
    assert [(part.call_id, part.name, part.arguments) for part in told if part.kind == "tool_call"] == calls
    answered = [(item["call_id"], item["output"]) for item in items if "output" in item]
    assert [(part.call_id, part.text) for part in told if part.kind == "tool_result"] == answered
    text = path.read_bytes()
    kept = [text[raw.offset : raw.offset + raw.length] for step in run.steps for raw in step.raw]
    assert sorted(map(json.loads, kept), key=str) == sorted(items, key=str)


def test_steps_end_with_results_and_handoffs_change_the_actor(tmp_path):
    rows = [
        {"role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
        user("Go"),
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "reasoning", "id": "rt", "summary": [], "encrypted_content": "gAAA"},
        said("I look."),
        call("a"),
        call("b", "cat"),
        output("b", "Error: none"),
        output("a"),
        call("t", "transfer_to_billing"),
        output("t", '{"assistant": "Billing"}'),
        said("Hello, billing here."),
        output("late", "?"),
    ]
    assert parts(one(write(tmp_path / "t.jsonl", *rows))) == [
        ("system", [("text", "Be brief.")]),
        ("user", [("text", "Go")]),
        (
            "agent",
            [
                ("reasoning", "Hm."),
                ("reasoning", "[encrypted reasoning]"),
                ("text", "I look."),
                ("tool_call", ""),
                ("tool_call", ""),
                ("tool_result", "ok"),
                ("tool_result", "Error: none"),
            ],
        ),
        ("agent", [("tool_call", ""), ("tool_result", '{"assistant": "Billing"}')]),
        ("Billing", [("text", "Hello, billing here.")]),
        ("environment", [("tool_result", "?")]),
    ]


def test_tools_of_the_provider_carry_their_results(tmp_path):
    rows = [
        user("Go"),
        {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "x"}},
        {"type": "mcp_call", "id": "m1", "name": "read", "arguments": '{"a":1}', "output": None, "error": "denied"},
        {"type": "code_interpreter_call", "id": "ci", "code": "1/0", "outputs": [{"type": "logs", "logs": "boom"}]},
        {"type": "image_generation_call", "id": "ig", "status": "completed", "result": "A" * 999},
        {"type": "local_shell_call", "call_id": "s", "action": {"type": "exec", "command": ["ls"]}},
        {"type": "local_shell_call_output", "call_id": "s", "output": "a"},
        {"type": "shell_call", "call_id": "h", "action": {"commands": ["x"]}},
        {
            "type": "shell_call_output",
            "call_id": "h",
            "output": [{"stdout": "", "stderr": "no x", "outcome": {"type": "exit", "exit_code": 127}}],
        },
        {"type": "computer_call", "call_id": "c", "action": {"type": "screenshot"}},
        {
            "type": "computer_call_output",
            "call_id": "c",
            "output": {"type": "computer_screenshot", "image_url": "data:"},
        },
        {"type": "hologram", "x": 1},
        {"type": "item_reference", "id": "rs_1"},
    ]
    path = write(tmp_path / "t.jsonl", *rows)
    (run,), problems = readers.collect(readers.read(path, "openai-responses"))
    assert problems == []
    told = [part for step in run.steps for part in step.parts]
    assert [(part.name, part.text) for part in told if part.kind == "tool_call"] == [
        ("web_search", "type: search\nquery: x"),
        ("read", "a: 1"),
        ("code_interpreter", "1/0"),
        ("image_generation", ""),
        ("local_shell", 'type: exec\ncommand: ["ls"]'),
        ("shell", 'commands: ["x"]'),
        ("computer", "screenshot"),
    ]
    results = [
        (part.name, part.text, part.is_error, part.error_inferred) for part in told if part.kind == "tool_result"
    ]
    assert [result for result in results if not result[1].startswith("[image: ")] == [
        ("read", "denied", True, False),
        ("code_interpreter", "boom", None, False),
        ("local_shell", "a", None, False),
        ("shell", "no x", True, False),
    ]
    assert [name for name, text, *_ in results if text.startswith("[image: ")] == ["image_generation", "computer"]
    assert [(part.kind, part.name) for part in told if part.kind == "raw"] == [("raw", "hologram")]
    spans = {(raw.offset, raw.length) for step in run.steps for raw in step.raw}
    assert len(spans) == len(rows)


RESPONSE = {
    "object": "response",
    "id": "resp_1",
    "created_at": 1_770_000_000,
    "model": "gpt-5",
    "instructions": "Be brief.",
    "output": [call("a")],
    "usage": {"input_tokens": 9, "output_tokens": 2},
}


def test_responses_that_continue_each_other_are_one_run(tmp_path):
    request = {"input": "Go", "model": "gpt-5"}
    second = {
        **RESPONSE,
        "id": "resp_2",
        "previous_response_id": "resp_1",
        "output": [said("Done")],
        "instructions": "Be brief.",
    }
    failed = {**RESPONSE, "id": "resp_3", "output": [], "error": {"code": "server_error", "message": "down"}}
    rows = [
        {"request": request, "response": RESPONSE},
        {"request": {"input": [output("a")]}, "response": second},
        {"custom_id": "batch", "response": {"status_code": 200, "body": failed}},
    ]
    first, other = runs_of(write(tmp_path / "t.jsonl", *rows))
    assert parts(first) == [
        ("system", [("text", "Be brief.")]),
        ("user", [("text", "Go")]),
        ("agent", [("tool_call", ""), ("tool_result", "ok")]),
        ("agent", [("text", "Done")]),
    ]
    assert [(step.tokens_in, step.tokens_out, step.model) for step in first.steps[2:]] == [(9, 2, "gpt-5")] * 2
    assert first.steps[3].at == "2026-02-02T02:40:00Z"
    assert (first.header.title, first.header.native_id, first.header.model) == ("Go", "resp_1", "gpt-5")
    assert [(part.text, part.is_error) for part in other.steps[1].parts] == [("down", True)]
    assert all(isinstance(raw, bytes) for run in (first, other) for step in run.steps for raw in step.raw)


@pytest.mark.parametrize("indent", [None, 1])
def test_documents(tmp_path, indent):
    rows = [user("Go"), call("a"), output("a"), said("Done")]
    path = tmp_path / "t.json"
    told = parts(one(write(tmp_path / "t.jsonl", *rows)))
    for document in (rows, {"items": rows, "score": 1}, {"input": rows}):
        path.write_text(json.dumps(document, indent=indent))
        assert readers.sniff(path)[0].format == "openai-responses"
        run = one(path)
        assert parts(run) == told
        assert run.header.reference == ({"score": 1} if "score" in document else None)
    path.write_text(json.dumps(RESPONSE, indent=indent))
    assert parts(one(path))[1:] == [("agent", [("tool_call", "")])]


def test_chat_messages_are_left_to_their_reader(tmp_path):
    rows = [user("Hi"), {"role": "assistant", "content": "Hello"}]
    assert [guess.format for guess in readers.sniff(write(tmp_path / "t.jsonl", *rows))] == ["openai-chat"]


def test_damaged_lines_are_problems(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps(user("Go")) + "\n{oops\n" + json.dumps(call("a")) + "\n" + json.dumps(said("x"))[:40])
    (run,), problems = readers.collect(readers.read(path, "openai-responses"))
    assert [problem.line for problem in problems] == [2, 4]
    assert parts(run) == [("user", [("text", "Go")]), ("agent", [("tool_call", "")])]
