"""The AutoGen reader: what the library dumps in its three ways, console logs, and small files for each quirk."""

import json

import pytest
from autogen_files import CONSOLE, STREAM, call, result

from sessions import readers
from sessions.run import Run

REAL = ["messages.jsonl", "task_result.json", "team_state.json"]


def runs_of(path, problems_expected=0) -> list[Run]:
    runs, problems = readers.collect(readers.read(path))
    assert len(problems) == problems_expected, problems
    assert {run.header.format for run in runs} == {"autogen"}
    return runs


def one(path, problems_expected=0) -> Run:
    (run,) = runs_of(path, problems_expected)
    return run


def told(run):
    return [(step.actor, step.role, [(part.kind, part.text) for part in step.parts]) for step in run.steps]


def results(run):
    found = [part for step in run.steps for part in step.parts if part.kind == "tool_result"]
    return [(part.name, part.call_id, part.text, part.is_error, part.error_inferred) for part in found]


def messages_in(path):
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    document = json.loads(path.read_text())
    return document.get("messages") or document["agent_states"]["RoundRobinGroupChatManager"]["message_thread"]


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_what_the_library_dumps(real_data, name):
    path = real_data / "autogen" / name
    source = messages_in(path)
    assert [guess.format for guess in readers.sniff(path)] == ["autogen"]
    run = one(path)
    # A step is what one agent did until another spoke, except that nothing follows a result or a message in it.
    spoken = [message for message in source if message["type"] in ("TextMessage", "ThoughtEvent")]
    assert [step.actor for step in run.steps] == [message["source"] for message in spoken]
    assert [step.at for step in run.steps] == [message["created_at"] for message in spoken]
    usages = [message["models_usage"] for message in source if message["models_usage"]]
    assert sum(step.tokens_in or 0 for step in run.steps) == sum(usage["prompt_tokens"] for usage in usages)
    assert sum(step.tokens_out or 0 for step in run.steps) == sum(usage["completion_tokens"] for usage in usages)
    executed = [
        result for message in source if message["type"] == "ToolCallExecutionEvent" for result in message["content"]
    ]
    assert results(run) == [(row["name"], row["call_id"], row["content"], row["is_error"], False) for row in executed]
    calls = [call for message in source if message["type"] == "ToolCallRequestEvent" for call in message["content"]]
    assert [
        (part.call_id, part.arguments) for step in run.steps for part in step.parts if part.kind == "tool_call"
    ] == [(call["id"], json.loads(call["arguments"])) for call in calls]
    assert sum(len(step.raw) for step in run.steps) == len(source)
    assert run.header.task == "Weather in Atlantis?"


@pytest.mark.real_data
def test_the_three_dumps_are_one_run(real_data):
    from sessions.identity import content_id

    runs = [one(real_data / "autogen" / name) for name in REAL]
    assert len({content_id(run.steps) for run in runs}) == 1
    assert runs[1].header.facts["stop_reason"].startswith("Maximum number of messages")
    assert set(runs[2].header.facts["agent_states"]) == {"worker", "critic", "RoundRobinGroupChatManager"}


def test_turns(tmp_path):
    path = tmp_path / "t.jsonl"
    rows = [*STREAM, {"messages": STREAM, "stop_reason": "enough", "reward": 1}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = one(path)
    shown = told(run)
    image = next(text for *_, parts in shown for _, text in parts if "[image: " in text).removeprefix("See\n")
    assert shown == [
        ("user_proxy", "user", [("text", "Go")]),
        ("manager", "agent", [("text", "coder")]),
        (
            "coder",
            "agent",
            [
                ("reasoning", "Hm."),
                ("tool_call", ""),
                ("tool_call", "x: 1"),
                ("tool_result", "Error: no"),
                ("tool_result", "two"),
            ],
        ),
        ("coder", "agent", [("text", "Both ran.")]),
        ("coder", "agent", [("tool_call", ""), ("tool_result", "x")]),
        ("coder", "agent", [("text", "f said x")]),
        ("coder", "agent", [("text", "Yours.")]),
        ("writer", "agent", [("text", "```sh\nls\n```"), ("tool_result", "no ls")]),
        ("writer", "agent", [("text", f"See\n{image}")]),
        ("writer", "agent", [("text", '{"steps":[1]}')]),
        (
            "environment",
            "environment",
            [("tool_result", "lost"), ("raw", json.dumps(STREAM[16], separators=(",", ":")))],
        ),
        ("writer", "agent", [("text", "TERMINATE"), ("raw", "glad")]),
    ]
    assert results(run)[:2] == [("f", "a", "Error: no", True, True), ("g", "b", "two", False, False)]
    assert results(run)[3] == ("code", None, "no ls", True, False)
    assert [(step.tokens_in, step.tokens_out) for step in run.steps[2:4]] == [(5, 1), (7, 2)]
    assert run.steps[6].parts[0].name == "to executor"
    assert run.header.facts == {"stop_reason": "enough"}
    assert run.header.reference == {"reward": 1}
    assert sum(len(step.raw) for step in run.steps) == len(STREAM)
    path.write_text(json.dumps(STREAM, indent=1))
    assert told(one(path)) == shown
    path.write_text(json.dumps({"messages": STREAM, "stop_reason": None}))
    assert told(one(path)) == shown


def test_an_agent_s_own_state(tmp_path):
    context = [
        {"type": "SystemMessage", "content": "You help."},
        {"type": "UserMessage", "content": "Go", "source": "user"},
        {"type": "AssistantMessage", "content": [call("a")], "thought": "hm", "source": "worker"},
        {"type": "FunctionExecutionResultMessage", "content": [result("a", "ok", is_error=False)]},
        {"type": "AssistantMessage", "content": "Done", "source": "worker", "thought": None},
    ]
    path = tmp_path / "t.json"
    path.write_text(
        json.dumps({"type": "AssistantAgentState", "version": "1.0.0", "llm_context": {"messages": context}}, indent=1)
    )
    run = one(path)
    assert told(run) == [
        ("system", "system", [("text", "You help.")]),
        ("user", "user", [("text", "Go")]),
        ("worker", "agent", [("reasoning", "hm"), ("tool_call", ""), ("tool_result", "ok")]),
        ("worker", "agent", [("text", "Done")]),
    ]
    assert run.header.facts == {"state": "AssistantAgentState"}


def test_console_logs(tmp_path):
    path = tmp_path / "console.log"
    path.write_text(CONSOLE)
    assert readers.sniff(path)[0].format == "autogen"
    run = one(path)
    assert told(run) == [
        ("user", "user", [("text", "Weather in Atlantis?")]),
        (
            "worker",
            "agent",
            [("reasoning", "checking"), ("tool_call", "Atlantis"), ("tool_result", 'unknown "city"\n')],
        ),
        ("critic", "agent", [("text", "ok\n\nthen")]),
        ("worker", "agent", [("text", "[FunctionCall(id=evil(), arguments=")]),
    ]
    assert results(run) == [("weather", "c1", 'unknown "city"\n', True, False)]
    assert [(step.tokens_in, step.tokens_out) for step in run.steps[1:3]] == [(10, 5), (25, 3)]
    assert run.header.facts["summary"]["Finish reason"] == "Maximum number of messages 5 reached"
    data = path.read_bytes()
    kept = b"".join(
        data[raw.offset : raw.offset + raw.length]
        for step in run.steps
        for raw in sorted(step.raw, key=lambda raw: raw.offset)
    )
    assert len(kept) == len(data)


MAGENTIC = """---------- user ----------
Find it.
---------- Orchestrator (thought) ----------
Initial plan:
look
---------- Orchestrator (-> WebSurfer) ----------
Please look.
---------- WebSurfer ----------
I looked.
"""


def test_magentic_one_s_console(tmp_path):
    path = tmp_path / "console_log.txt"
    path.write_text(MAGENTIC)
    assert readers.sniff(path)[0].format == "autogen"
    run = one(path)
    assert told(run) == [
        ("user", "user", [("text", "Find it.")]),
        ("Orchestrator", "agent", [("reasoning", "Initial plan:\nlook")]),
        ("Orchestrator", "agent", [("text", "Please look.")]),
        ("WebSurfer", "agent", [("text", "I looked.")]),
    ]
    assert run.header.system == "Magentic-One"


def test_magentic_one_s_log_of_events(tmp_path):
    rows = [
        {
            "timestamp": "2024-01-01T00:00:00",
            "source": "UserProxy",
            "message": "Find it.",
            "type": "OrchestrationEvent",
        },
        {
            "timestamp": "2024-01-01T00:00:01",
            "source": "Orchestrator (thought)",
            "message": "Plan",
            "type": "OrchestrationEvent",
        },
        {"type": "LLMCallEvent", "prompt_tokens": 5, "completion_tokens": 1},
        {"timestamp": "2024-01-01T00:00:02", "source": "WebSurfer", "message": "Seen", "type": "OrchestrationEvent"},
    ]
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = one(path)
    assert [(step.actor, step.at, [part.kind for part in step.parts]) for step in run.steps] == [
        ("UserProxy", "2024-01-01T00:00:00", ["text"]),
        ("Orchestrator", "2024-01-01T00:00:01", ["reasoning", "raw"]),
        ("WebSurfer", "2024-01-01T00:00:02", ["text"]),
    ]


def test_damaged_lines_are_problems(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in STREAM[:5]) + '{"type": "Text')
    assert len(one(path, 1).steps) == 3
