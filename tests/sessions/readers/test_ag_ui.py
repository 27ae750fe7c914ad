"""The AG-UI reader against the shared log and against small logs for each quirk of the protocol."""

import json
from pathlib import Path

import pytest

from sessions import readers
from sessions.run import Run, Step

START = {"type": "RUN_STARTED", "threadId": "t1", "runId": "r1"}


def say(message: str, *deltas: str, role: str = "assistant", **more) -> list[dict]:
    ids = {"messageId": message, **more}
    return [
        {"type": "TEXT_MESSAGE_START", "role": role, **ids},
        *({"type": "TEXT_MESSAGE_CONTENT", "delta": delta, **ids} for delta in deltas),
        {"type": "TEXT_MESSAGE_END", **ids},
    ]


def call(name: str, *deltas: str, tool: str = "f", **more) -> list[dict]:
    ids = {"toolCallId": name, **more}
    return [
        {"type": "TOOL_CALL_START", "toolCallName": tool, **ids},
        *({"type": "TOOL_CALL_ARGS", "delta": delta, **ids} for delta in deltas),
        {"type": "TOOL_CALL_END", **ids},
    ]


def result(name: str, content: object, **more) -> dict:
    return {"type": "TOOL_CALL_RESULT", "messageId": f"r-{name}", "toolCallId": name, "content": content, **more}


def runs_of(tmp_path: Path, *events: dict, prefix: str = "") -> list[Run]:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(prefix + json.dumps(event) + "\n" for event in events))
    runs, problems = readers.collect(readers.read(path, "ag-ui"))
    assert problems == []
    return runs


def run_of(tmp_path: Path, *events: dict, prefix: str = "") -> Run:
    (run,) = runs_of(tmp_path, *events, prefix=prefix)
    return run


def shape(step: Step) -> list[tuple[str, str]]:
    return [(part.kind, part.text) for part in step.parts]


@pytest.mark.real_data
def test_the_shared_log(real_data: Path) -> None:
    path = real_data / "agui/events.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert readers.sniff(path)[0] == readers.Guess("ag-ui", 0.97)
    (run,), problems = readers.collect(readers.read(path))
    assert problems == []
    agent, error = run.steps
    text = "".join(event["delta"] for event in events if event["type"] == "TEXT_MESSAGE_CONTENT")
    given = json.loads("".join(event["delta"] for event in events if event["type"] == "TOOL_CALL_ARGS"))
    assert [part.kind for part in agent.parts] == ["text", "tool_call", "tool_result"]
    assert agent.parts[0].text == text
    assert (agent.parts[1].name, agent.parts[1].call_id, agent.parts[1].arguments) == ("get_weather", "c1", given)
    assert (agent.parts[2].text, agent.parts[2].call_id, agent.parts[2].name) == ("rainy", "c1", "get_weather")
    assert (error.role, shape(error), error.parts[0].is_error) == ("environment", [("text", "boom")], True)
    assert (run.header.native_id, run.header.facts["runs"], run.header.facts["error"]) == ("t1", ["r1"], "E1")
    data = path.read_bytes()
    raws = [data[span.offset : span.offset + span.length] for step in run.steps for span in step.raw]
    assert b"\n".join(raws).split(b"\n") == data.splitlines()


def test_messages_calls_and_thoughts(tmp_path: Path) -> None:
    thought = [
        {"type": "REASONING_START", "messageId": "x"}, {"type": "REASONING_MESSAGE_START", "messageId": "x"},
        {"type": "REASONING_MESSAGE_CONTENT", "messageId": "x", "delta": "h"},
        {"type": "REASONING_MESSAGE_CONTENT", "messageId": "x", "delta": "m"},
        {"type": "REASONING_MESSAGE_END", "messageId": "x"}, {"type": "REASONING_END", "messageId": "x"},
    ]  # fmt: skip
    run = run_of(
        tmp_path, START, *say("u", "go", role="user"), *thought, *say("m1", "I ", "look."),
        *call("a", '{"q":', "1}", parentMessageId="m1"), result("a", "A"),
        *call("b", "not json", parentMessageId="m1"), result("b", "Error: no"),
        *say("m2", "More."), *call("c"), *say("m3", "Done."), result("c", [{"type": "text", "text": "C"}]),
    )  # fmt: skip
    assert [(step.native_id, shape(step)) for step in run.steps] == [
        ("u", [("text", "go")]),
        ("m1", [("reasoning", "hm"), ("text", "I look."), ("tool_call", "q: 1"), ("tool_call", "not json"),
                ("tool_result", "A"), ("tool_result", "Error: no")]),
        ("m2", [("text", "More."), ("tool_call", ""), ("tool_result", "C")]),
        ("m3", [("text", "Done.")]),
    ]  # fmt: skip
    parts = {part.call_id: part for step in run.steps for part in step.parts if part.kind == "tool_result"}
    assert (parts["a"].is_error, parts["b"].is_error, parts["b"].error_inferred) == (None, True, True)
    calls = {part.call_id: part.arguments for step in run.steps for part in step.parts if part.kind == "tool_call"}
    assert calls == {"a": {"q": 1}, "b": "not json", "c": {}}
    assert run.header.task == "go"


def test_chunks_and_older_names(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        {"type": "RUN_STARTED", "thread_id": "t9", "run_id": "r1", "timestamp": 1_780_000_000_000},
        {"type": "THINKING_START"},
        {"type": "THINKING_TEXT_MESSAGE_START"},
        {"type": "THINKING_TEXT_MESSAGE_CONTENT", "delta": "hm"},
        {"type": "THINKING_TEXT_MESSAGE_END"},
        {"type": "TEXT_MESSAGE_CHUNK", "message_id": "m1", "role": "assistant", "delta": "one "},
        {"type": "TEXT_MESSAGE_CHUNK", "delta": "two"},
        {"type": "TOOL_CALL_CHUNK", "tool_call_id": "c1", "tool_call_name": "f", "delta": '{"a":'},
        {"type": "TOOL_CALL_CHUNK", "delta": "2}"},
        {"type": "TOOL_CALL_RESULT", "message_id": "x", "tool_call_id": "c1", "content": "ok"},
    )
    (step,) = run.steps
    assert shape(step) == [("reasoning", "hm"), ("text", "one two"), ("tool_call", "a: 2"), ("tool_result", "ok")]
    assert run.header.native_id == "t9"
    assert run.header.started_at == "2026-05-28T20:26:40Z"


def test_server_sent_events(tmp_path: Path) -> None:
    path = tmp_path / "stream.txt"
    events = [START, *say("m1", "hello")]
    path.write_text(": ping\n\n" + "".join(f"event: message\ndata: {json.dumps(event)}\n\n" for event in events))
    assert readers.sniff(path)[0] == readers.Guess("ag-ui", 0.97)
    (run,), problems = readers.collect(readers.read(path))
    assert problems == []
    assert shape(run.steps[0]) == [("text", "hello")]
    span = run.steps[0].raw[-1]
    assert path.read_bytes()[span.offset :].startswith(b"data: ")


def test_a_history_adds_only_what_is_new(tmp_path: Path) -> None:
    first = [
        {"id": "s", "role": "system", "content": "Be brief."},
        {"id": "u1", "role": "user", "content": [{"type": "text", "text": "go"}]},
    ]
    called = {"id": "c9", "type": "function", "function": {"name": "g", "arguments": '{"x":1}'}}
    second = [
        *first,
        {"id": "other-id", "role": "assistant", "content": "I look."},
        {"id": "z", "role": "assistant", "toolCalls": [{"id": "c1", "function": {"name": "f", "arguments": "{}"}}]},
        {"id": "t1", "role": "tool", "toolCallId": "c1", "content": "A"},
        {"id": "h1", "role": "reasoning", "content": "so"},
        {"id": "a2", "role": "assistant", "content": "", "toolCalls": [called]},
        {"id": "t2", "role": "tool", "toolCallId": "c9", "content": "", "error": "broke"},
        {"id": "u2", "role": "user", "content": [{"type": "text", "text": "go"}]},
        {"id": "act", "role": "activity", "activityType": "PLAN", "content": {}},
    ]
    run = run_of(
        tmp_path, {**START, "input": {"threadId": "t1", "messages": first, "tools": [{"name": "f"}]}},
        *say("m1", "I look."), *call("c1", "{}"), result("c1", "A"),
        {"type": "MESSAGES_SNAPSHOT", "messages": second},
        {"type": "RUN_STARTED", "threadId": "t1", "runId": "r2", "input": {"messages": second}},
        *say("m5", "again"),
    )  # fmt: skip
    assert [(step.role, [part.text for part in step.parts if part.kind != "raw"]) for step in run.steps] == [
        ("system", ["Be brief."]),
        ("user", ["go"]),
        ("agent", ["I look.", "", "A"]),
        ("agent", ["so"]),
        ("agent", ["x: 1", "broke"]),
        ("user", ["go"]),
        ("agent", ["again"]),
    ]
    error = run.steps[4].parts[1]
    assert (error.is_error, error.error_inferred, error.name) == (True, False, "g")
    assert run.header.facts["runs"] == ["r1", "r2"]
    assert run.header.facts["tools"] == [{"name": "f"}]
    assert run.header.task == "go"


def test_threads_are_runs(tmp_path: Path) -> None:
    other = {"type": "RUN_STARTED", "threadId": "t2", "runId": "r9"}
    runs = runs_of(
        tmp_path,
        START,
        *say("m1", "one"),
        other,
        *say("m1", "two"),
        {"type": "RUN_FINISHED", "threadId": "t2", "runId": "r9"},
    )
    assert [(run.header.native_id, run.header.item, shape(run.steps[0])) for run in runs] == [
        ("t1", 0, [("text", "one")]), ("t2", 1, [("text", "two")]),
    ]  # fmt: skip


def test_stages_outcomes_and_state(tmp_path: Path) -> None:
    run = run_of(
        tmp_path, START,
        {"type": "STEP_STARTED", "stepName": "plan"}, *say("m1", "a"), {"type": "STEP_FINISHED", "stepName": "plan"},
        {"type": "STEP_STARTED", "stepName": "act"}, *say("m2", "b"),
        {"type": "STATE_SNAPSHOT", "snapshot": {"n": 1}}, {"type": "CUSTOM", "name": "x", "value": 2},
        {"type": "RAW", "event": {"big": "copy"}}, {"type": "STEP_FINISHED", "stepName": "act"},
        *say("m3", "c"),
        {"type": "RUN_FINISHED", "threadId": "t1", "runId": "r1", "usage": [{"model": "m", "inputTokens": 5}],
         "outcome": {"type": "interrupt", "interrupts": [{"id": "i", "reason": "approve?"}]}},
    )  # fmt: skip
    assert [(step.parts[0].text, step.stage) for step in run.steps] == [("a", "plan"), ("b", "act"), ("c", None)]
    assert [part.name for part in run.steps[1].parts if part.kind == "raw"] == ["STATE_SNAPSHOT", "CUSTOM"]
    assert [part.name for part in run.steps[2].parts if part.kind == "raw"] == ["outcome"]
    assert run.header.facts["usage"] == [[{"model": "m", "inputTokens": 5}]]


def test_sub_agents(tmp_path: Path) -> None:
    inside = {"subagentRunId": "s1"}
    deeper = {"subagentRunId": "s2", "name": "deep", "parentSubagentRunId": "s1", "parentToolCallId": "c7"}
    run = run_of(
        tmp_path, START, *say("m1", "I ask."), *call("c1", '{"prompt":"help"}', parentMessageId="m1"),
        {"type": "SUBAGENT_STARTED", "name": "helper", "description": "Helps.", "parentToolCallId": "c1", **inside},
        *say("n1", "inner ", **inside)[:2],
        *say("m2", "meanwhile"),
        {"type": "TEXT_MESSAGE_CONTENT", "messageId": "n1", "delta": "words", **inside},
        {"type": "TEXT_MESSAGE_END", "messageId": "n1", **inside},
        {"type": "SUBAGENT_STARTED", **deeper},
        *say("d1", "dig", subagentRunId="s2"),
        {"type": "SUBAGENT_ERROR", "message": "died", "subagentRunId": "s2"},
        {"type": "SUBAGENT_FINISHED", "result": {"ok": 1}, **inside},
        result("c1", "done"),
    )  # fmt: skip
    assert [(step.actor, step.depth, step.parent_call, shape(step)[0]) for step in run.steps] == [
        ("agent", 0, None, ("text", "I ask.")),
        ("agent", 1, "c1", ("text", "Helps.")),
        ("helper", 1, "c1", ("text", "inner words")),
        ("agent", 0, None, ("text", "meanwhile")),
        ("deep", 2, "c7", ("text", "dig")),
        ("environment", 2, "c7", ("text", "died")),
    ]
    assert [part.kind for part in run.steps[0].parts] == ["text", "tool_call", "tool_result"]
    assert run.steps[-1].parts[1].name == "SUBAGENT_FINISHED"


def test_names_are_actors(tmp_path: Path) -> None:
    messages = [*say("m1", "a", name="planner"), *say("m2", "b", name="coder"), *say("d", "c", role="developer")]
    run = run_of(tmp_path, START, *messages)
    assert [(step.actor, step.role) for step in run.steps] == [
        ("planner", "agent"), ("coder", "agent"), ("system", "system"),
    ]  # fmt: skip


def test_what_does_not_fit_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    events = [
        START, {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m1", "delta": "no start"}, {"type": "NEW_EVENT", "x": 1},
        {"type": "TOOL_CALL_ARGS", "toolCallId": "nobody", "delta": "x"}, {"type": 5}, [1], result("nobody", "stray"),
    ]  # fmt: skip
    path.write_text("".join(json.dumps(event) + "\n" for event in events) + "{broken\n")
    (run,), problems = readers.collect(readers.read(path))
    assert shape(run.steps[0])[0] == ("text", "no start")
    raw = [part.name for part in run.steps[0].parts if part.kind == "raw"]
    assert raw == ["NEW_EVENT", "TOOL_CALL_ARGS", "unknown", "unknown"]
    assert shape(run.steps[1]) == [("tool_result", "stray")]
    assert [problem.line for problem in problems] == [8]


def test_very_many_deltas_are_joined_quickly(tmp_path: Path) -> None:
    run = run_of(tmp_path, START, *say("m1", *(f"word {n} " for n in range(60_000))))
    (step,) = run.steps
    assert step.parts[0].text.count("word") == 60_000
