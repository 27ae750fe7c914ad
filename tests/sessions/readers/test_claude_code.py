import json
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from session_logs import damaged, one_run, runs_of, shape, unaccounted, write

from sessions import readers
from sessions.identity import content_id
from sessions.readers import sniff
from sessions.readers.base import Head, Source
from sessions.readers.claude_code import ClaudeCodeReader
from sessions.run import Header, Span, Step
from sessions.streams import compression_of

READER = ClaudeCodeReader()
SESSION = "11111111-aaaa-4aaa-8aaa-111111111111"


class Log:
    """Writes lines as Claude Code does: each the child of the line before, unless told otherwise."""

    def __init__(self, session=SESSION):
        self.session, self.lines, self.last = session, [], None

    def line(self, kind, parent="last", **fields):
        uuid = fields.pop("uuid", f"u{len(self.lines)}")
        self.lines.append(
            {
                "uuid": uuid,
                "parentUuid": self.last if parent == "last" else parent,
                "isSidechain": False,
                "sessionId": self.session,
                "version": "2.1.0",
                "cwd": "/work",
                "type": kind,
                "timestamp": f"2026-01-01T00:00:{len(self.lines) % 60:02d}.000Z",
                **fields,
            }
        )
        self.last = uuid
        return uuid

    def user(self, content, **fields):
        return self.line("user", message={"role": "user", "content": content}, **fields)

    def result(self, call, content="done", error=None, **fields):
        block = {"type": "tool_result", "tool_use_id": call, "content": content}
        if error is not None:
            block["is_error"] = error
        return self.user([block], **fields)

    def agent(self, *blocks, id=None, usage=None, **fields):
        content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
        message = {"id": id or f"m{len(self.lines)}", "role": "assistant", "model": "claude-x", "content": content}
        if usage:
            message["usage"] = usage
        return self.line("assistant", message=message, **fields)

    def other(self, **record):
        self.lines.append(record)

    def write(self, path) -> Path:
        return write(path, self.lines)


def call(id, name="Bash", **arguments):
    return {"type": "tool_use", "id": id, "name": name, "input": arguments or {"command": "ls"}}


def results(step):
    return [(part.call_id, part.text) for part in step.parts if part.kind == "tool_result"]


# Real sessions, counted here with nothing but json


def expected(path: Path):
    """Runs as lists of (actor, call ids, answered call ids): one step a message id, results to their calls."""
    runs, steps, by_message, by_call = [[]], None, {}, {}
    for line in path.read_text().splitlines():
        record = json.loads(line)
        steps = runs[-1]
        if record["type"] == "system":
            steps.append(("system", [], []))
            continue
        content = record["message"]["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if record["type"] == "assistant":
            key = record["message"]["id"]
            if key not in by_message:
                by_message[key] = ("agent", [], [])
                steps.append(by_message[key])
            for block in blocks:
                if block["type"] == "tool_use":
                    by_message[key][1].append(block["id"])
                    by_call[block["id"]] = by_message[key]
            continue
        answers = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        for answer in answers:
            by_call[answer][2].append(answer)
        if not answers:
            steps.append(("system" if record.get("isCompactSummary") else "user", [], []))
            if "<command-name>/clear<" in str(content):
                runs.append([])
    return runs


@pytest.mark.real_data
def test_real_sessions_have_the_steps_that_json_alone_counts(real_data):
    files = sorted((real_data / "claude_code").glob("*.jsonl"))
    assert len(files) >= 12
    for path in files:
        runs, problems = runs_of(READER, path)
        assert problems == []
        told = [
            [
                (
                    step.actor,
                    [part.call_id for part in step.parts if part.kind == "tool_call"],
                    [part.call_id for part in step.parts if part.kind == "tool_result"],
                )
                for step in run.steps
                if step.depth == 0
            ]
            for run in runs
        ]
        assert told == expected(path), path.name
        assert unaccounted(path, [step for run in runs for step in run.steps]) == []


@pytest.mark.real_data
def test_real_texts_and_tokens_are_those_of_the_file(real_data):
    path = real_data / "claude_code" / "tool_call_conversation.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    run = one_run(READER, path)
    blocks = lines[1]["message"]["content"]
    step = run.steps[1]
    assert [part.kind for part in step.parts] == ["reasoning", "text", "tool_call", "tool_result"]
    assert step.parts[0].text == blocks[0]["thinking"]
    assert step.parts[2].arguments == blocks[2]["input"]
    assert step.parts[3].text == lines[2]["message"]["content"][0]["content"]
    usage = lines[1]["message"]["usage"]
    assert step.tokens_in == sum(value for key, value in usage.items() if key.startswith(("input", "cache")))
    assert step.tokens_out == usage["output_tokens"]
    assert (step.native_id, step.at, step.model) == (
        lines[1]["uuid"],
        lines[1]["timestamp"],
        lines[1]["message"]["model"],
    )
    assert run.header.native_id == lines[0]["sessionId"]
    assert run.header.task == lines[0]["message"]["content"]


@pytest.mark.real_data
def test_real_sub_agent_beside_the_session_is_placed_behind_its_call(real_data):
    folder = real_data / "claude_code"
    run = one_run(READER, folder / "agent_session.jsonl")
    own = expected(folder / "agent_session.jsonl")[0]
    sub = expected(folder / "agent-atest01.jsonl")[0]
    assert len(run.steps) == len(own) + len(sub)
    place = 1 + [bool(step[1]) for step in own].index(True)
    inside = run.steps[place : place + len(sub)]
    assert [step.depth for step in inside] == [1] * len(sub)
    assert {step.parent_call for step in inside} == {own[place - 1][1][0]}
    assert [step.actor for step in inside] == ["Explore" if actor == "agent" else "agent" for actor, _, _ in sub]
    assert run.header.files == [str(folder / "agent-atest01.jsonl")]
    raw = (folder / "agent-atest01.jsonl").read_bytes()
    for step in inside:
        span = step.raw[0]
        assert span.file == 1
        assert json.loads(raw[span.offset : span.offset + span.length])["uuid"] == step.native_id


@pytest.mark.real_data
def test_real_agent_file_alone_is_a_run_of_its_own(real_data):
    run = one_run(READER, real_data / "claude_code" / "agent-atest01.jsonl")
    assert [step.depth for step in run.steps] == [0, 0, 0]
    assert [step.actor for step in run.steps] == ["user", "agent", "agent"]
    assert run.header.native_id == "test-session-004/atest01"
    assert run.header.files == []


@pytest.mark.real_data
def test_real_files_are_recognised(real_data):
    own, others = list((real_data / "claude_code").glob("*.jsonl")), list((real_data / "codex").rglob("*.jsonl"))
    assert own
    assert others
    assert min(READER.sniff(Head.of(path)) for path in own) >= 0.9
    assert max(READER.sniff(Head.of(path)) for path in others) == 0


# One message over several lines


def test_lines_of_one_message_are_one_step_counted_once(tmp_path):
    log = Log()
    log.user("go")
    log.agent({"type": "thinking", "thinking": "hm"}, id="m", usage={"input_tokens": 10, "output_tokens": 1})
    log.agent("I look.", id="m", usage={"input_tokens": 10, "output_tokens": 1})
    log.agent(call("c1"), id="m", usage={"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 7})
    log.result("c1")
    log.agent("Done.")
    run = one_run(READER, log.write(tmp_path / "s.jsonl"))
    assert shape(run.steps) == [
        ("user", ["text"]),
        ("agent", ["reasoning", "text", "tool_call", "tool_result"]),
        ("agent", ["text"]),
    ]
    assert (run.steps[1].tokens_in, run.steps[1].tokens_out) == (15, 7)
    assert len(run.steps[1].raw) == 4


def test_tokens_of_a_message_that_goes_on_after_somebody_elses_words_count_once(tmp_path):
    log = Log()
    log.agent("one", id="m", usage={"input_tokens": 10, "output_tokens": 4})
    log.user("wait")
    log.user("no, go on")
    log.agent("two", id="m", usage={"input_tokens": 10, "output_tokens": 4})
    run = one_run(READER, log.write(tmp_path / "s.jsonl"))
    assert [step.tokens_out for step in run.steps] == [4, None, None, None]


def test_snapshots_of_a_growing_message_do_not_repeat_it(tmp_path):
    log = Log()
    log.agent("Hel", id="m")
    log.agent("Hello", id="m")
    log.agent("Hello", call("c", command="l"), id="m")
    log.agent("Hello", call("c", command="ls -la"), id="m")
    (step,) = one_run(READER, log.write(tmp_path / "s.jsonl")).steps
    assert [(part.kind, part.text) for part in step.parts] == [("text", "Hello"), ("tool_call", "ls -la")]


def test_results_of_parallel_calls_interleaved_with_the_message_stand_in_the_calls_order(tmp_path):
    log = Log()
    first = log.agent(call("c1"), id="m")
    log.agent(call("c2"), id="m")
    log.result("c2", "two")
    log.result("c1", "one", parent=first)
    log.agent(call("c3"), id="m")
    log.result("c3", "three")
    log.agent("end")
    run = one_run(READER, log.write(tmp_path / "s.jsonl"))
    assert results(run.steps[0]) == [("c1", "one"), ("c2", "two"), ("c3", "three")]
    assert shape(run.steps)[1:] == [("agent", ["text"])]
    assert all(step.branch is None for step in run.steps), "parallel calls fork the tree and are no rewind"


def test_a_line_with_a_known_uuid_is_counted_and_kept_but_not_read_twice(tmp_path):
    log = Log()
    log.user("go")
    log.agent("done")
    log.lines += log.lines[:2]
    path = log.write(tmp_path / "s.jsonl")
    run = one_run(READER, path)
    assert shape(run.steps) == [("user", ["text"]), ("agent", ["text"])]
    assert run.header.facts["duplicate_lines"] == 2
    assert unaccounted(path, run.steps) == []


# Results


def test_is_error_is_as_stated_and_absent_means_no_error(tmp_path):
    log = Log()
    log.agent(call("a"), call("b"), call("c"), call("d"))
    log.result("a", "boom", error=True)
    log.result("b", "Traceback (most recent call last)", error=False)
    log.result("c", "error: looks bad, is a file's text")
    log.result("d", "error: who knows", error="maybe")
    (step,) = one_run(READER, log.write(tmp_path / "s.jsonl")).steps
    told = [(part.is_error, part.error_inferred) for part in step.parts if part.kind == "tool_result"]
    assert told == [(True, False), (False, False), (False, False), (True, True)]


def test_a_result_within_the_window_finds_its_call_and_a_later_one_stands_where_it_came(tmp_path):
    def read(between):
        log = Log()
        log.agent(call("slow"))
        for number in range(between):
            log.user(f"message {number}")
        log.result("slow", "at last")
        log.agent("end")
        return one_run(READER, log.write(tmp_path / "s.jsonl")).steps

    near = read(60)
    assert len(near) == 62
    assert results(near[0]) == [("slow", "at last")]
    far = read(70)
    assert len(far) == 73
    assert results(far[0]) == []
    assert shape(far)[-2:] == [("environment", ["tool_result"]), ("agent", ["text"])]
    assert results(far[-2]) == [("slow", "at last")]


def test_a_result_without_a_call_is_a_step_of_the_environment(tmp_path):
    log = Log()
    log.user("go")
    log.result("nobody", "orphan")
    run = one_run(READER, log.write(tmp_path / "s.jsonl"))
    assert shape(run.steps)[1] == ("environment", ["tool_result"])
    assert run.steps[1].role == "environment"


def test_words_beside_a_result_are_the_users(tmp_path):
    log = Log()
    log.agent(call("c"))
    answer = {"type": "tool_result", "tool_use_id": "c", "content": "no"}
    log.user([answer, {"type": "text", "text": "[Request interrupted by user for tool use]"}])
    path = log.write(tmp_path / "s.jsonl")
    run = one_run(READER, path)
    assert shape(run.steps) == [("agent", ["tool_call", "tool_result"]), ("user", ["text"])]
    assert run.steps[0].raw[-1] == run.steps[1].raw[0]


def test_images_and_hidden_thoughts_leave_a_placeholder(tmp_path):
    log = Log()
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD" * 100}}
    log.user([{"type": "text", "text": "see"}, picture])
    log.agent({"type": "redacted_thinking", "data": "zzz"}, {"type": "thinking", "thinking": ""}, call("c"))
    log.result("c", [picture])
    first, second = one_run(READER, log.write(tmp_path / "s.jsonl")).steps
    assert first.parts[1].text.startswith("[image: ")
    assert "QUJD" not in first.parts[1].text
    assert [part.kind for part in second.parts] == ["reasoning", "reasoning", "tool_call", "tool_result"]
    assert all("zzz" not in part.text for part in second.parts)
    assert second.parts[3].text.startswith("[image: ")


# Who speaks


def test_injected_and_machine_made_lines_are_not_the_users_or_the_agents(tmp_path):
    log = Log()
    log.user("Caveat: ...", isMeta=True)
    log.user("<local-command-stdout>x</local-command-stdout>")
    log.user("go")
    log.line("system", subtype="informational", content="Model set")
    log.agent("API Error: 529", isApiErrorMessage=True)
    synthetic = log.agent("No response requested.")
    log.lines[-1]["message"]["model"] = "<synthetic>"
    log.line("attachment", attachment={"type": "queued_command", "prompt": "also this"})
    run = one_run(READER, log.write(tmp_path / "s.jsonl"))
    actors = ["system", "environment", "user", "system", "environment", "environment", "user"]
    assert [step.actor for step in run.steps] == actors
    assert [step.role for step in run.steps] == actors
    assert run.steps[4].parts[0].is_error is True
    assert run.steps[5].native_id == synthetic
    assert run.header.task == "go"


# Lines of unknown types


def test_unknown_lines_become_raw_parts_of_the_step_before_or_of_the_first(tmp_path):
    log = Log()
    log.other(type="file-history-snapshot", messageId="x", snapshot={})
    log.user("go")
    log.agent("hm")
    log.other(type="progress", data={"n": 1})
    log.other(type="brand-new", text="é")
    log.line("user", message={"role": "user", "content": 17})
    path = log.write(tmp_path / "s.jsonl")
    run = one_run(READER, path)
    assert shape(run.steps) == [("user", ["text", "raw"]), ("agent", ["text", "raw", "raw", "raw"])]
    assert [part.name for part in run.steps[1].parts[1:]] == ["progress", "brand-new", "user"]
    assert json.loads(run.steps[1].parts[2].text) == {"type": "brand-new", "text": "é"}
    assert unaccounted(path, run.steps) == []


def test_a_file_of_unknown_lines_still_shows_them(tmp_path):
    path = write(tmp_path / "s.jsonl", [{"type": "summary", "summary": "Fix it", "leafUuid": "elsewhere"}])
    run = one_run(READER, path)
    assert shape(run.steps) == [("environment", ["raw"])]
    assert run.header.title == "s", "a summary of another session's leaf names nothing here"


def test_titles_come_from_the_person_then_the_agent_then_a_summary_of_this_session(tmp_path):
    log = Log()
    leaf = log.user("the task\nmore")

    def title():
        return one_run(READER, log.write(tmp_path / "s.jsonl")).header.title

    assert title() == "the task"
    log.other(type="summary", summary="Summed up", leafUuid=leaf)
    assert title() == "Summed up"
    log.other(type="ai-title", aiTitle="By the agent")
    assert title() == "By the agent"
    log.other(type="custom-title", customTitle="Mine")
    log.other(type="ai-title", aiTitle="By the agent again")
    assert title() == "Mine"


def test_a_half_written_last_line_is_a_problem_and_the_rest_opens(tmp_path):
    log = Log()
    log.user("go")
    log.agent("done")
    path = log.write(tmp_path / "s.jsonl")
    path.write_bytes(path.read_bytes() + b'{"uuid":"u9","type":"assis')
    (run,), problems = runs_of(READER, path)
    assert len(run.steps) == 2
    assert [(problem.line, problem.path) for problem in problems] == [(3, str(path))]


# Branches, compaction, /clear


def rewound(log):
    log.user("first")
    fork = log.agent("answer one")
    log.user("second, a mistake")
    log.agent(call("c"))
    log.result("c")
    log.agent("mistaken")
    log.user("second, better", parent=fork)
    log.agent("better")
    return fork


def test_a_rewind_marks_the_abandoned_steps_in_place(tmp_path):
    log = Log()
    rewound(log)
    run = one_run(READER, log.write(tmp_path / "s.jsonl"))
    assert [step.branch for step in run.steps] == [None, None, "rewind 1", "rewind 1", "rewind 1", None, None]
    assert run.header.facts["rewinds"] == 1


def test_two_rewinds_to_one_place_and_one_inside_a_branch(tmp_path):
    log = Log()
    fork = rewound(log)
    inner = log.last
    log.user("third a")
    log.user("third b", parent=inner)
    log.user("second, best", parent=fork)
    log.agent("best")
    run = one_run(READER, log.write(tmp_path / "s.jsonl"))
    branches = {step.parts[0].text: step.branch for step in run.steps if step.role == "user"}
    assert branches == {
        "first": None,
        "second, a mistake": "rewind 1",
        "third a": "rewind 2",
        "second, better": "rewind 3",
        "third b": "rewind 3",
        "second, best": None,
    }


def test_a_rewind_in_a_file_too_large_to_scan_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("sessions.readers.claude_code.SCAN_BYTES", 10)
    monkeypatch.setattr("sessions.readers.claude_code_files.SCAN_BYTES", 10)
    log = Log()
    rewound(log)
    run = one_run(READER, log.write(tmp_path / "s.jsonl"))
    assert {step.branch for step in run.steps} == {None}
    assert run.header.facts["rewinds_unmarked"] == 1


def test_prompts_after_an_interruption_or_compaction_are_no_rewind(tmp_path):
    log = Log()
    start = log.user("go")
    log.agent("working")
    log.user("[Request interrupted by user]", parent=start)
    log.user("go on", parent=start)
    log.line("system", parent=None, logicalParentUuid=log.last, subtype="compact_boundary", content="Compacted")
    log.user("This session continues ...", isCompactSummary=True)
    log.user("next")
    run = one_run(READER, log.write(tmp_path / "s.jsonl"))
    assert {step.branch for step in run.steps} == {None}
    assert run.header.facts["compactions"] == 1
    assert shape(run.steps)[-3:] == [("system", ["text"]), ("system", ["text"]), ("user", ["text"])]


def test_cyclic_parents_end(tmp_path):
    log = Log()
    log.user("a", uuid="x", parent="y")
    log.user("b", uuid="y", parent="x")
    log.user("c", uuid="z", parent="x")
    assert len(one_run(READER, log.write(tmp_path / "s.jsonl")).steps) == 3


def test_clear_begins_a_run_of_its_own_but_not_at_the_top_of_a_file(tmp_path):
    clear = "<command-name>/clear</command-name>\n<command-args></command-args>"
    log = Log()
    log.user(clear)
    log.user("one")
    log.agent("1")
    log.user(clear)
    log.user("two")
    log.agent("2")
    log.user(clear)
    runs, problems = runs_of(READER, log.write(tmp_path / "s.jsonl"))
    assert problems == []
    assert [(run.header.item, run.header.task, len(run.steps)) for run in runs] == [(0, "one", 4), (1, "two", 3)]


# Sub-agents


def spawn(id, prompt, kind="Explore"):
    return call(id, "Task", description="d", prompt=prompt, subagent_type=kind)


def agent_log(prompt, *more):
    log = Log()
    log.user(prompt, uuid=f"{prompt}-0")
    for number, block in enumerate(more):
        log.agent(block, uuid=f"{prompt}-{number + 1}", id=f"{prompt}-m{number}")
    for line in log.lines:
        line["isSidechain"] = True
    return log


def test_files_of_sub_agents_follow_their_calls_also_nested_and_unanswered(tmp_path):
    log = Log()
    log.user("go")
    log.agent(spawn("t1", "look"), spawn("t2", "write", kind="writer"))
    log.result("t1", "found", toolUseResult={"agentId": "a1"})
    log.agent("end")
    path = log.write(tmp_path / "s.jsonl")
    folder = tmp_path / "s" / "subagents"
    agent_log("look", "looking", spawn("t3", "deeper", kind="digger")).write(folder / "agent-a1.jsonl")
    agent_log("write", "writing").write(folder / "agent-a2.jsonl")
    agent_log("deeper", "digging").write(folder / "agent-a3.jsonl")
    agent_log("lost", "wandering").write(folder / "agent-a4.jsonl")
    write(folder / "agent-a2.meta.json", [{"agentType": "scribe", "toolUseId": "t2"}])
    run = one_run(READER, path)
    told = [(step.depth, step.actor, step.parent_call, step.raw[0].file) for step in run.steps]
    assert told == [
        (0, "user", None, 0),
        (0, "agent", None, 0),
        (1, "agent", "t1", 1),
        (1, "Explore", "t1", 1),
        (1, "Explore", "t1", 1),
        (2, "Explore", "t3", 3),
        (2, "digger", "t3", 3),
        (1, "agent", "t2", 2),
        (1, "scribe", "t2", 2),
        (0, "agent", None, 0),
        (1, "agent", None, 4),
        (1, "a4", None, 4),
    ]
    assert [Path(file).name for file in run.header.files] == [f"agent-a{number}.jsonl" for number in (1, 2, 3, 4)]


def test_sub_agents_of_an_abandoned_branch_are_abandoned_with_it(tmp_path):
    log = Log()
    fork = log.user("go")
    log.user("badly")
    log.agent(spawn("t1", "look"))
    log.result("t1")
    log.user("well", parent=fork)
    log.user("badly", parent=fork)
    path = log.write(tmp_path / "s.jsonl")
    agent_log("look", "looking").write(tmp_path / "s" / "subagents" / "agent-a.jsonl")
    branches = [(step.depth, step.branch) for step in one_run(READER, path).steps]
    assert branches == [
        (0, None),
        (0, "rewind 1"),
        (0, "rewind 1"),
        (1, "rewind 1"),
        (1, "rewind 1"),
        (0, "rewind 2"),
        (0, None),
    ]


def test_agent_files_of_another_session_are_left_alone(tmp_path):
    log = Log()
    log.user("go")
    other = agent_log("look", "looking")
    for line in other.lines:
        line["sessionId"] = "another"
    other.write(tmp_path / "agent-b.jsonl")
    assert one_run(READER, log.write(tmp_path / "s.jsonl")).header.files == []


def test_sidechain_lines_in_the_session_itself_become_two_lanes(tmp_path):
    log = Log()
    log.user("go")
    log.agent(spawn("t1", "look"), spawn("t2", "read", kind="reader"))
    one = log.user("look", uuid="l0", parent=None, isSidechain=True)
    two = log.user("read", uuid="r0", parent=None, isSidechain=True)
    log.agent("looking", uuid="l1", parent=one, isSidechain=True)
    log.agent("reading", uuid="r1", parent=two, isSidechain=True)
    log.result("t1", parent="u1")
    log.result("t2", parent="u1")
    log.agent("end")
    run = one_run(READER, log.write(tmp_path / "s.jsonl"))
    assert [(step.actor, step.depth, step.parent_call) for step in run.steps] == [
        ("user", 0, None),
        ("agent", 0, None),
        ("agent", 1, "t1"),
        ("agent", 1, "t2"),
        ("Explore", 1, "t1"),
        ("reader", 1, "t2"),
        ("agent", 0, None),
    ]
    assert [call_id for call_id, _ in results(run.steps[1])] == ["t1", "t2"]


def test_a_broken_agent_file_does_not_stop_the_session(tmp_path):
    log = Log()
    log.user("go")
    log.agent(spawn("t1", "look"))
    path = log.write(tmp_path / "s.jsonl")
    write(tmp_path / "s" / "subagents" / "agent-a.jsonl", [b"\xff\xff", b"[]", b""])
    (run,), problems = runs_of(READER, path)
    assert len(run.steps) == 2
    assert [(Path(problem.path).name, problem.line) for problem in problems] == [
        ("agent-a.jsonl", 1),
        ("agent-a.jsonl", 2),
    ]


# The print mode's stream


def test_stream_json_is_read_with_totals_and_sub_agents(tmp_path):
    def line(kind, message=None, **fields):
        return {"type": kind, "message": message, "session_id": "s", "uuid": f"{fields}{message}", **fields}

    def said(id, *blocks):
        return {"id": id, "role": "assistant", "model": "claude-x", "content": list(blocks)}

    def answer(id):
        return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "ok"}]}

    path = write(
        tmp_path / "stream.jsonl",
        [
            {
                "type": "system",
                "subtype": "init",
                "session_id": "s",
                "model": "claude-x",
                "claude_code_version": "2.1.1",
            },
            line("assistant", said("m1", spawn("t1", "look")), parent_tool_use_id=None),
            line("assistant", said("m2", call("c2")), parent_tool_use_id="t1"),
            line("user", answer("c2"), parent_tool_use_id="t1"),
            line("user", answer("t1"), parent_tool_use_id=None),
            line("assistant", said("m3", {"type": "text", "text": "done"}), parent_tool_use_id=None),
            {"type": "result", "subtype": "success", "session_id": "s", "total_cost_usd": 0.25, "num_turns": 3},
        ],
    )
    assert sniff(path)[0].format == "claude-code"
    run = one_run(READER, path)
    assert [(step.actor, step.depth, step.parent_call) for step in run.steps] == [
        ("agent", 0, None),
        ("Explore", 1, "t1"),
        ("agent", 0, None),
    ]
    assert [len(results(step)) for step in run.steps] == [1, 1, 0]
    assert run.header.facts["total_cost_usd"] == 0.25
    assert (run.header.system, run.header.model) == ("claude-code 2.1.1", "claude-x")
    assert unaccounted(path, run.steps) == []


# Streaming and damage


def test_the_first_records_come_before_the_file_is_read(tmp_path, monkeypatch):
    log = Log()
    for number in range(300):
        log.user(f"{number}")
    path = log.write(tmp_path / "s.jsonl")
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
    assert (header.task, header.system, header.facts["cwd"]) == ("0", "claude-code 2.1.0", "/work")
    assert isinstance(next(records), Step)
    assert taken <= 3


def test_reading_again_gives_the_same_run(tmp_path):
    log = Log()
    rewound(log)
    path = log.write(tmp_path / "s.jsonl")
    first, second = one_run(READER, path), one_run(READER, path)
    assert first == second
    assert len(content_id(first.steps)) == 64


def test_spans_hold_the_lines_also_with_a_byte_order_mark_and_crlf(tmp_path):
    log = Log()
    log.user("go")
    log.agent("done")
    path = tmp_path / "s.jsonl"
    rows = [json.dumps(line) for line in log.lines]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n".join(rows).encode())
    data = path.read_bytes()
    for step, row in zip(one_run(READER, path).steps, rows, strict=True):
        (span,) = step.raw
        assert isinstance(span, Span)
        assert data[span.offset : span.offset + span.length].decode() == row


def _material():
    log = Log()
    rewound(log)
    log.agent({"type": "thinking", "thinking": "t"}, "x", spawn("t1", "look"), usage={"input_tokens": 1})
    log.user("look", uuid="l0", parent=None, isSidechain=True)
    log.agent(call("c9"), uuid="l1", parent="l0", isSidechain=True, agentId="a")
    log.result("c9", [{"type": "text", "text": "r"}, {"type": "image", "source": {}}], parent="l1", isSidechain=True)
    log.result("t1", toolUseResult={"agentId": "a"}, error=True)
    log.line("system", subtype="compact_boundary", content="c", logicalParentUuid="l1", parent=None)
    log.line("attachment", attachment={"type": "queued_command", "prompt": [{"type": "text", "text": "q"}]})
    log.line("progress", data={"agentId": "a"}, parentToolUseID="t1")
    log.user("<command-name>/clear</command-name>")
    log.user("again")
    log.other(type="summary", summary="s", leafUuid="l1")
    log.other(type="result", subtype="success", total_cost_usd=1.0)
    return log.lines


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=damaged(_material()))
def test_no_damage_raises_and_no_line_is_lost(tmp_path_factory, rows):
    path = write(tmp_path_factory.mktemp("damaged") / "s.jsonl", rows)
    records = list(READER.read(Source(path)))
    assert isinstance(records[0], Header)
    assert unaccounted(path, records) == []


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_can_be_read(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bytes") / "s.jsonl"
    path.write_bytes(data)
    records = list(readers.read(path, "claude-code"))  # which takes damage in what looks compressed
    assert not any("stopped here" in getattr(record, "reason", "") for record in records)
    assert compression_of(path) or isinstance(records[0], Header)
    READER.sniff(Head.of(path))


def test_many_unanswered_calls_do_not_slow_the_stream(tmp_path):
    log = Log()
    for number in range(6000):
        log.agent(call(f"c{number}"))
    path = log.write(tmp_path / "s.jsonl")
    start = time.perf_counter()
    assert len(one_run(READER, path).steps) == 6000
    assert time.perf_counter() - start < 20  # quadratic work would take minutes


def test_no_step_gathers_unknown_lines_without_end(tmp_path):
    path = write(tmp_path / "s.jsonl", [{"type": "stream_event", "n": number} for number in range(2500)])
    run = one_run(READER, path)
    assert [len(step.parts) for step in run.steps] == [1000, 1000, 500]
    assert unaccounted(path, run.steps) == []
