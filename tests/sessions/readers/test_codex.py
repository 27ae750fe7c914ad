import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from session_logs import damaged, one_run, runs_of, shape, unaccounted, write

from sessions import readers
from sessions.readers import sniff
from sessions.readers.base import Head, Source
from sessions.readers.codex import CodexReader
from sessions.run import Header, Step
from sessions.streams import compression_of

READER = CodexReader()
MAIN = "codex/2026/01/02/rollout-2026-01-02T03-04-05-11111111-1111-4111-8111-111111111111.jsonl"
CHILD = "codex/2026/01/03/rollout-2026-01-03T04-05-10-33333333-3333-4333-8333-333333333333.jsonl"


def record(kind, at="2026-01-01T00:00:01.000Z", **payload):
    return {"timestamp": at, "type": kind, "payload": payload}


def item(kind, **payload):
    return record("response_item", type=kind, **payload)


def event(kind, **payload):
    return record("event_msg", type=kind, **payload)


def said(role, *texts):
    kind = "output_text" if role == "assistant" else "input_text"
    return item("message", role=role, content=[{"type": kind, "text": text} for text in texts])


def thought(*texts):
    return item(
        "reasoning", summary=[{"type": "summary_text", "text": text} for text in texts], encrypted_content="SECRET"
    )


def call(id, command="ls", name="exec_command"):
    return item("function_call", name=name, arguments=json.dumps({"cmd": command}), call_id=id)


def output(id, text="ok"):
    return item("function_call_output", call_id=id, output=text)


def tokens(total, last=None):
    def usage(count):
        return {"input_tokens": count * 10, "output_tokens": count}

    return event("token_count", info={"total_token_usage": usage(total), "last_token_usage": usage(last or total)})


META = record("session_meta", id="s-1", timestamp="2026-01-01T00:00:00.000Z", cwd="/w", cli_version="0.9", source="cli")


def read(tmp_path, *lines, meta=META):
    path = write(tmp_path / "rollout.jsonl", [meta, *lines])
    run = one_run(READER, path)
    assert unaccounted(path, run.steps) == []
    return run


def outcome(step):
    return [(part.call_id, part.is_error, part.error_inferred) for part in step.parts if part.kind == "tool_result"]


# Real rollouts, counted here with nothing but json


@pytest.mark.real_data
def test_real_rollout_has_the_steps_calls_and_results_that_json_alone_counts(real_data):
    path = real_data / MAIN
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    items = [line["payload"] for line in lines if line["type"] == "response_item"]
    expected = []  # (actor, call ids, answered ids): an agent's step ends with the outputs
    for entry in items:
        kind = entry["type"]
        if kind == "message" and entry["role"] == "user":
            expected.append(("user", [], []))
        elif kind.endswith("_output"):
            next(step for step in expected if entry["call_id"] in step[1])[2].append(entry["call_id"])
        else:
            if expected[-1][0] != "agent" or expected[-1][2]:
                expected.append(("agent", [], []))
            if kind.endswith("_call"):
                expected[-1][1].append(entry["call_id"])
    run = one_run(READER, path)
    told = [
        (
            step.actor,
            [part.call_id for part in step.parts if part.kind == "tool_call"],
            [part.call_id for part in step.parts if part.kind == "tool_result"],
        )
        for step in run.steps
    ]
    assert told == expected
    texts = [part.text for step in run.steps for part in step.parts if part.kind == "text"]
    assert texts == [block["text"] for entry in items if entry["type"] == "message" for block in entry["content"]]
    assert [part.name for step in run.steps for part in step.parts if part.kind == "raw"] == ["future_synthetic_record"]
    assert unaccounted(path, run.steps) == []
    assert run.header.native_id == lines[0]["payload"]["id"]
    assert run.header.model == lines[1]["payload"]["model"]
    assert "MUST_NOT_RENDER" not in "".join(part.text for step in run.steps for part in step.parts)


@pytest.mark.real_data
def test_real_sub_agent_rollout_begins_with_its_own_words(real_data):
    path = real_data / CHILD
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    spawn = lines[0]["payload"]["source"]["subagent"]["thread_spawn"]
    cut = 1 + [line["payload"].get("call_id") for line in lines].index(spawn["spawn_call_id"])
    run = one_run(READER, path)
    assert [step.actor for step in run.steps] == ["system", "user", "agent"]
    assert [step.parts[0].text for step in run.steps[1:]] == [line["payload"]["message"] for line in lines[cut:]]
    assert len(run.steps[0].raw) == cut
    assert run.header.task == lines[cut]["payload"]["message"]
    assert run.header.facts["parent_thread_id"] == spawn["parent_thread_id"]
    assert run.header.facts["spawned_by_call"] == spawn["spawn_call_id"]
    assert unaccounted(path, run.steps) == []


@pytest.mark.real_data
def test_real_files_are_recognised(real_data):
    own, others = list((real_data / "codex").rglob("*.jsonl")), list((real_data / "claude_code").glob("*.jsonl"))
    assert own
    assert others
    assert min(READER.sniff(Head.of(path)) for path in own) >= 0.9
    assert max(READER.sniff(Head.of(path)) for path in others) == 0


# Messages told twice


def test_a_message_told_as_item_and_event_is_one_in_either_order(tmp_path):
    run = read(
        tmp_path,
        said("user", "go"),
        event("user_message", message="go"),
        event("agent_reasoning", text="hm"),
        event("agent_reasoning", text="aha"),
        thought("hm", "aha"),
        event("agent_message", message="done"),
        said("assistant", "done"),
    )
    assert shape(run.steps) == [("user", ["text"]), ("agent", ["reasoning", "reasoning", "text"])]
    assert sum(len(step.raw) for step in run.steps) == 8


def test_the_same_words_said_twice_are_two_messages(tmp_path):
    both = [said("user", "again"), event("user_message", message="again"), said("assistant", "yes")]
    assert len(read(tmp_path, *both, *both).steps) == 4
    reverse = [event("user_message", message="again"), said("user", "again"), said("assistant", "yes")]
    assert len(read(tmp_path, *reverse, *reverse).steps) == 4


def test_a_message_echoes_only_once(tmp_path):
    run = read(tmp_path, said("user", "go"), event("user_message", message="go"), event("user_message", message="go"))
    assert shape(run.steps) == [("user", ["text"])] * 2


def test_events_speak_where_no_item_does(tmp_path):
    run = read(
        tmp_path,
        event("user_message", message="go"),
        event("agent_reasoning", text="hm"),
        event("agent_message", message="done"),
    )
    assert shape(run.steps) == [("user", ["text"]), ("agent", ["reasoning", "text"])]
    assert run.header.task == "go"


def test_finished_items_of_newer_logs_are_messages_and_commands(tmp_path):
    def finished(**fields):
        return event("item_completed", thread_id="t", item=fields)

    run = read(
        tmp_path,
        finished(type="UserMessage", id="1", content=[{"type": "text", "text": "go"}]),
        item("custom_tool_call", name="exec", call_id="c1", input="tools.exec_command()"),
        finished(type="CommandExecution", id="x1", command=["ls"], exit_code=0, status="completed", stdout="a"),
        finished(type="CommandExecution", id="x2", command=["no"], exit_code=2, status="failed", stderr="bad"),
        item("custom_tool_call_output", call_id="c1", output="ok"),
        finished(type="AgentMessage", id="2", content=[{"type": "Text", "text": "done"}]),
        said("assistant", "done"),
    )
    assert [step.actor for step in run.steps] == ["user", "agent", "agent"]
    assert outcome(run.steps[1]) == [("c1", None, False), ("x1", False, False), ("x2", True, False)]
    assert shape(run.steps)[2] == ("agent", ["text"])


# Steps


def test_a_step_ends_with_its_outputs(tmp_path):
    run = read(
        tmp_path,
        said("user", "go"),
        thought("hm"),
        said("assistant", "I look."),
        call("a"),
        call("b"),
        output("b", "B"),
        output("a", "A"),
        call("c"),
        output("c"),
        thought("so"),
        said("assistant", "done"),
    )
    assert shape(run.steps) == [
        ("user", ["text"]),
        ("agent", ["reasoning", "text", "tool_call", "tool_call", "tool_result", "tool_result"]),
        ("agent", ["tool_call", "tool_result"]),
        ("agent", ["reasoning", "text"]),
    ]
    assert [part.text for part in run.steps[1].parts[-2:]] == ["A", "B"], "in the calls' order"


def test_every_kind_of_call_is_one(tmp_path):
    run = read(
        tmp_path,
        item("local_shell_call", call_id="a", action={"type": "exec", "command": ["ls"]}),
        output("a"),
        item("web_search_call", action={"type": "search", "query": "cats"}, status="completed"),
        item("tool_search_call", call_id="b", execution="client", arguments={"query": "x"}),
        item("tool_search_output", call_id="b", tools=[{"name": "t"}]),
        item("custom_tool_call", name="apply_patch", call_id="c", input="*** Begin"),
        item("custom_tool_call_output", call_id="c", output=[{"type": "output_text", "text": "Done!"}]),
    )
    calls = [(part.name, part.arguments) for step in run.steps for part in step.parts if part.kind == "tool_call"]
    assert calls == [
        ("local_shell", {"type": "exec", "command": ["ls"]}),
        ("web_search", {"type": "search", "query": "cats"}),
        ("tool_search", {"query": "x"}),
        ("apply_patch", "*** Begin"),
    ]
    assert [part.text for step in run.steps for part in step.parts if part.kind == "tool_result"][-1] == "Done!"


def test_an_output_without_or_long_after_its_call_is_the_environments(tmp_path):
    late = read(tmp_path, call("a"), *[said("user", f"{number}") for number in range(70)], output("a"), output("z"))
    assert len(late.steps) == 73
    assert [step.actor for step in late.steps[-2:]] == ["environment", "environment"]
    near = read(tmp_path, call("a"), *[said("user", f"{number}") for number in range(60)], output("a"))
    assert len(near.steps) == 61
    assert outcome(near.steps[0]) == [("a", None, False)]


def test_injected_and_developer_messages_are_the_systems(tmp_path):
    run = read(
        tmp_path,
        said("developer", "<permissions instructions>"),
        said("user", "# AGENTS.md instructions for /w\n\n<INSTRUCTIONS>"),
        said("user", "<environment_context>\n</environment_context>"),
        said("user", "the task"),
    )
    assert [(step.actor, step.role) for step in run.steps] == [("system", "system")] * 3 + [("user", "user")]
    assert run.header.task == "the task"


def test_encrypted_reasoning_alone_is_not_shown_and_an_empty_step_says_so(tmp_path):
    run = read(tmp_path, thought(), call("a"), output("a"), thought())
    assert shape(run.steps) == [("agent", ["tool_call", "tool_result"]), ("agent", ["reasoning"])]
    assert "SECRET" not in str([step.parts for step in run.steps])


# Errors


@pytest.mark.parametrize(
    ("text", "error", "inferred"),
    [
        ("plain", None, False),
        ("Exit code: 1\nWall time: 1 s\nOutput:\nno", True, True),
        ("Exit code: 0\nOutput:\nTraceback (most recent call last)", False, True),
        ("Chunk ID: x\nProcess exited with code 127\nOutput:", True, True),
        ('{"output":"no","metadata":{"exit_code":2,"duration_seconds":0.1}}', True, True),
        ('{"output":"yes","metadata":{"exit_code":0}}', False, True),
        ("Traceback (most recent call last):\n  x", True, True),
        ({"content": "no", "success": False}, True, True),
    ],
)
def test_exit_codes_in_outputs_are_inferred_errors(tmp_path, text, error, inferred):
    (step,) = read(tmp_path, call("a"), output("a", text)).steps
    assert outcome(step) == [("a", error, inferred)]


def test_an_output_wrapped_in_json_is_unwrapped(tmp_path):
    (step,) = read(tmp_path, call("a"), output("a", '{"output":"line\\nline","metadata":{"exit_code":0}}')).steps
    assert step.parts[1].text == "line\nline"


def test_an_end_event_states_the_exit_code_before_or_after_the_output(tmp_path):
    end = event("exec_command_end", call_id="a", exit_code=3, stdout="x", aggregated_output="x")
    for lines in ([call("a"), end, output("a")], [call("a"), output("a"), end]):
        (step,) = read(tmp_path, *lines).steps
        assert outcome(step) == [("a", True, False)]
        assert [part.kind for part in step.parts] == ["tool_call", "tool_result"]


def test_an_end_event_stands_in_for_an_output_that_never_came(tmp_path):
    end = event("exec_command_end", call_id="a", exit_code=0, aggregated_output="told here")
    (step,) = read(tmp_path, call("a"), end).steps
    assert [(part.kind, part.text, part.name) for part in step.parts[1:]] == [
        ("tool_result", "told here", "exec_command")
    ]


# Tokens


def test_totals_are_the_last_and_a_step_gets_tokens_only_when_sure(tmp_path):
    run = read(
        tmp_path,
        call("a"),
        tokens(5),
        output("a"),
        call("b"),
        output("b"),
        tokens(12, last=7),
        tokens(12, last=7),
        call("c"),
        output("c"),
        call("d"),
        output("d"),
        tokens(20, last=8),
        said("assistant", "done"),
        tokens(30, last=4),
    )
    assert [step.tokens_out for step in run.steps] == [5, 7, None, None, None]
    assert [step.tokens_in for step in run.steps] == [50, 70, None, None, None]
    assert run.header.facts["tokens"] == {"input_tokens": 300, "output_tokens": 30}


# The run's own records


def test_compaction_abort_and_error_are_seen_and_counted(tmp_path):
    run = read(
        tmp_path,
        said("assistant", "hm"),
        record("compacted", message="Summary so far", replacement_history=[{"type": "message"}] * 3),
        event("turn_aborted", reason="interrupted"),
        event("error", message="stream lost"),
    )
    told = [(step.actor, step.parts[0].text) for step in run.steps[1:]]
    assert told == [
        ("system", "Summary so far"),
        ("system", "Turn aborted: interrupted"),
        ("environment", "stream lost"),
    ]
    assert (run.header.facts["compactions"], run.header.facts["turns_aborted"]) == (1, 1)
    assert run.steps[3].parts[0].is_error is True


def test_unknown_records_stay_raw(tmp_path):
    run = read(
        tmp_path, record("brand_new", x=1), said("user", "go"), event("mystery", y=2), item("odd", z=3), {"type": 5}
    )
    assert [part.name for part in run.steps[0].parts[1:]] == [
        "brand_new",
        "event_msg/mystery",
        "response_item/odd",
        "5",
    ]


def test_a_fork_with_new_times_is_cut_at_the_call_that_spawned_it(tmp_path):
    source = {"subagent": {"thread_spawn": {"parent_thread_id": "p", "spawn_call_id": "spawn"}}}
    meta = record("session_meta", id="c", timestamp="2026-01-01T00:00:00.000Z", source=source)
    parent = record("session_meta", id="p", timestamp="2025-01-01T00:00:00.000Z", cwd="/parent")
    lines = [parent, said("user", "parent's task"), call("spawn", name="spawn_agent"), output("spawn", "forked")]
    run = read(tmp_path, *lines, said("user", "own task"), call("x"), output("x"), meta=meta)
    assert [step.actor for step in run.steps] == ["system", "user", "agent"]
    assert run.header.task == "own task"
    assert run.header.native_id == "c"
    assert run.header.facts["inherited_records"] == 4
    assert len(run.steps[0].raw) == 5


def test_a_prefix_is_also_told_by_its_older_times_and_may_be_all_there_is(tmp_path):
    source = {"subagent": {"thread_spawn": {"parent_thread_id": "p"}}}
    meta = record("session_meta", id="c", timestamp="2026-01-01T00:00:01.000Z", source=source)
    older = {**said("user", "parent's task"), "timestamp": "2026-01-01T00:00:00.000Z"}
    run = read(tmp_path, older, meta=meta)
    assert [(step.actor, step.parts[0].text) for step in run.steps] == [("system", "1 record inherited from p")]
    run = read(tmp_path, older, said("user", "own task"), meta=meta)
    assert [step.actor for step in run.steps] == ["system", "user"]


def test_a_sub_agent_without_a_prefix_keeps_all_it_said(tmp_path):
    source = {"subagent": {"thread_spawn": {"parent_thread_id": "p", "spawn_call_id": "spawn"}}}
    meta = record("session_meta", id="c", timestamp="2026-01-01T00:00:00.000Z", source=source)
    assert shape(read(tmp_path, said("user", "own"), meta=meta).steps) == [("user", ["text"])]


def test_a_legacy_log_without_types_and_payloads(tmp_path):
    meta = {"id": "old", "timestamp": "2025-05-07T17:24:21.000Z", "instructions": None, "git": {}}
    lines = [
        {"record_type": "state"},
        said("user", "go")["payload"],
        call("a")["payload"],
        output("a")["payload"],
    ]
    run = read(tmp_path, *lines, meta=meta)
    assert shape(run.steps) == [("user", ["text", "raw"]), ("agent", ["tool_call", "tool_result"])]
    assert (run.header.native_id, run.header.started_at) == ("old", "2025-05-07T17:24:21.000Z")
    assert sniff(tmp_path / "rollout.jsonl")[0].format == "codex"


def test_codex_exec_json(tmp_path):
    def done(kind="item.completed", **fields):
        return {"type": kind, "item": fields}

    path = write(
        tmp_path / "exec.jsonl",
        [
            {"type": "thread.started", "thread_id": "t-1"},
            {"type": "turn.started"},
            done(id="item_0", type="reasoning", text="hm"),
            done("item.started", id="item_1", type="command_execution", command="false", status="in_progress"),
            done(
                id="item_1",
                type="command_execution",
                command="false",
                aggregated_output="x",
                exit_code=1,
                status="failed",
            ),
            done(id="item_2", type="mcp_tool_call", server="s", tool="find", arguments={"q": 1}, status="completed"),
            done(id="item_3", type="todo_list", items=[]),
            done(id="item_4", type="agent_message", text="done"),
            done("item.started", id="item_5", type="command_execution", command="sleep", status="in_progress"),
            {"type": "turn.completed", "usage": {"input_tokens": 9}},
            {"type": "turn.failed", "error": {"message": "lost"}},
        ],
    )
    assert sniff(path)[0].format == "codex"
    run = one_run(READER, path)
    assert unaccounted(path, run.steps) == []
    assert shape(run.steps) == [
        ("agent", ["reasoning", "tool_call", "tool_result"]),
        ("agent", ["tool_call", "tool_result", "raw"]),
        ("agent", ["text", "tool_call"]),
        ("environment", ["text"]),
    ]
    assert outcome(run.steps[0]) == [("item_1", True, False)]
    assert (run.header.native_id, run.header.facts["usage"]) == ("t-1", {"input_tokens": 9})
    assert run.steps[1].parts[0].name == "find"


# Streaming and damage


def test_the_first_records_come_before_the_file_is_read(tmp_path, monkeypatch):
    path = write(tmp_path / "r.jsonl", [META, *[said("user", f"{number}") for number in range(300)]])
    taken = 0
    lines = Source.lines

    def counting(self, path=None):
        nonlocal taken
        for line in lines(self, path):
            taken += 1
            yield line

    monkeypatch.setattr(Source, "lines", counting)
    records = READER.read(Source(path))
    header = next(records)
    assert isinstance(header, Header)
    assert (header.task, header.system, header.facts["cwd"]) == ("0", "codex 0.9", "/w")
    assert isinstance(next(records), Step)
    assert taken <= 4


def test_a_half_written_last_line_is_a_problem(tmp_path):
    path = write(tmp_path / "r.jsonl", [META, said("user", "go")])
    path.write_bytes(path.read_bytes() + b'{"timestamp":"2026')
    (run,), problems = runs_of(READER, path)
    assert len(run.steps) == 1
    assert [problem.line for problem in problems] == [3]


MATERIAL = [
    META,
    record(
        "session_meta",
        id="c",
        timestamp="2026-01-01T00:00:05.000Z",
        source={"subagent": {"thread_spawn": {"spawn_call_id": "a"}}},
    ),
    record("turn_context", model="gpt", approval_policy="never", cwd="/w"),
    said("user", "go", "on"),
    event("user_message", message="go\non"),
    thought("hm", "aha"),
    event("agent_reasoning", text="hm"),
    call("a"),
    event("exec_command_end", call_id="a", exit_code=1, stdout="x", stderr="y"),
    output("a", '{"output":"no","metadata":{"exit_code":2}}'),
    output("a", [{"type": "input_image", "image_url": "data:"}]),
    item("web_search_call", action={"query": "q"}),
    tokens(4),
    tokens(9, last=5),
    record("compacted", message="s", replacement_history=[]),
    event("turn_aborted", reason="r"),
    event("error", message="e"),
    event("item_completed", item={"type": "CommandExecution", "id": "a", "exit_code": 0, "command": ["x"]}),
    event("item_completed", item={"type": "Reasoning", "id": "r", "summary_text": ["s"]}),
    said("assistant", "done"),
    {"type": "thread.started", "thread_id": "t"},
    {"type": "item.started", "item": {"id": "i", "type": "command_execution", "command": "c"}},
    {
        "type": "item.completed",
        "item": {"id": "i", "type": "command_execution", "exit_code": 0, "error": {"message": "m"}},
    },
    {"type": "turn.completed", "usage": {"input_tokens": 1}},
    {"id": "old", "timestamp": "2025", "instructions": ""},
]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=damaged(MATERIAL))
def test_no_damage_raises_and_no_line_is_lost(tmp_path_factory, rows):
    """Without any step, what only describes the run (session_meta, token counts ...) is in the header."""
    path = write(tmp_path_factory.mktemp("damaged") / "r.jsonl", rows)
    records = list(READER.read(Source(path)))
    assert isinstance(records[0], Header)
    if any(isinstance(entry, Step) for entry in records):
        assert unaccounted(path, records) == []


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_can_be_read(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bytes") / "r.jsonl"
    path.write_bytes(data)
    records = list(readers.read(path, "codex"))  # which takes damage in what looks compressed
    assert not any("stopped here" in getattr(record, "reason", "") for record in records)
    assert compression_of(path) or isinstance(records[0], Header)
    READER.sniff(Head.of(path))
