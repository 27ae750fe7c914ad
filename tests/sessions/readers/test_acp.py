"""The ACP reader against the shared log and against small logs for each quirk of the protocol."""

import json
from itertools import groupby
from pathlib import Path

import pytest

from sessions import readers
from sessions.run import Run, Step


def update(update: str, session: str = "s1", **more) -> dict:
    params = {"sessionId": session, "update": {"sessionUpdate": update, **more}}
    return {"jsonrpc": "2.0", "method": "session/update", "params": params}


def chunk(kind: str, text: str, session: str = "s1", **more) -> dict:
    return update(f"{kind}_chunk", session, content={"type": "text", "text": text}, **more)


def call(name: str, session: str = "s1", **more) -> dict:
    return update("tool_call", session, toolCallId=name, title=more.pop("title", "Do it"), **more)


def done(name: str, status: str = "completed", text: str | None = None, **more) -> dict:
    content = {"content": [{"type": "content", "content": {"type": "text", "text": text}}]} if text is not None else {}
    return update("tool_call_update", toolCallId=name, status=status, **content, **more)


def ask(id: int, method: str, **params) -> dict:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def answer(id: int, result: object = None, **more) -> dict:
    return {"jsonrpc": "2.0", "id": id, **(more or {"result": result})}


def runs_of(tmp_path: Path, *lines: object) -> list[Run]:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    runs, problems = readers.collect(readers.read(path, "acp"))
    assert problems == []
    return runs


def run_of(tmp_path: Path, *lines: object) -> Run:
    (run,) = runs_of(tmp_path, *lines)
    return run


def shape(step: Step) -> list[tuple[str, str]]:
    return [(part.kind, part.text) for part in step.parts]


@pytest.mark.real_data
def test_the_shared_log(real_data: Path) -> None:
    path = real_data / "acp/session_updates.jsonl"
    updates = [json.loads(line)["params"]["update"] for line in path.read_text().splitlines()]
    assert readers.sniff(path)[0] == readers.Guess("acp", 0.97)
    (run,), problems = readers.collect(readers.read(path))
    assert problems == []
    chunks = [item for item in updates if "chunk" in item["sessionUpdate"]]
    groups = groupby(chunks, lambda item: item["sessionUpdate"])
    told = [(kind, "".join(item["content"]["text"] for item in items)) for kind, items in groups]
    user, agent = run.steps
    assert (user.role, user.parts[0].text) == ("user", told[0][1])
    assert shape(agent)[:2] == [("reasoning", told[1][1]), ("text", told[2][1])]
    (called,) = [part for part in agent.parts if part.kind == "tool_call"]
    started = next(item for item in updates if item["sessionUpdate"] == "tool_call")
    assert (called.name, called.call_id, called.arguments) == ("execute", started["toolCallId"], started["rawInput"])
    (result,) = [part for part in agent.parts if part.kind == "tool_result"]
    assert (result.text, result.call_id, result.is_error, result.error_inferred) == ("ls: no", "call_1", True, False)
    assert (run.header.native_id, run.header.task, run.header.title) == ("sess_1", "List files", "List files")
    data = path.read_bytes()
    raws = [data[span.offset : span.offset + span.length] for step in run.steps for span in step.raw]
    assert b"\n".join(raws).split(b"\n") == data.splitlines()


def test_steps_end_where_the_agent_is_heard_again(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        chunk("user_message", "go"),
        chunk("agent_thought", "hm"), chunk("agent_message", "I "), chunk("agent_message", "look."),
        call("a", kind="read", rawInput={"path": "x"}), call("b", kind="read", rawInput={"path": "y"}),
        done("b", text="B"), done("a", "failed", "no A"),
        call("c", kind="edit"), done("c"),
        chunk("agent_message", "Done."),
        chunk("user_message", "thanks"),
    )  # fmt: skip
    assert [shape(step) for step in run.steps] == [
        [("text", "go")],
        [("reasoning", "hm"), ("text", "I look."), ("tool_call", "x"), ("tool_call", "y"),
         ("tool_result", "no A"), ("tool_result", "B")],
        [("tool_call", "Do it"), ("tool_result", "")],
        [("text", "Done.")],
        [("text", "thanks")],
    ]  # fmt: skip
    results = [(part.call_id, part.is_error) for part in run.steps[1].parts if part.kind == "tool_result"]
    assert results == [("a", True), ("b", False)]


def test_the_last_word_on_a_call_counts(tmp_path: Path) -> None:
    diff = {"type": "diff", "path": "/a.py", "oldText": "x = 1", "newText": "x = 2\ny"}
    meta = {"claudeCode": {"toolName": "Bash"}}
    terminal = {"type": "terminal", "terminalId": "t"}
    run = run_of(
        tmp_path,
        call("a", title="Bash", kind="other", status="pending"),
        update("tool_call_update", toolCallId="a", rawInput={"command": "ls"}, _meta=meta),
        update("tool_call_update", toolCallId="a", status="in_progress", content=[terminal]),
        done("a", rawOutput={"exit": 0}, content=[diff]),
        call("b", rawInput={"q": 1}),
        done("b", rawOutput={"n": 3}),
        call("c", rawInput={"q": 2}, content=[{"type": "content", "content": {"type": "text", "text": "half"}}]),
        call("d", title="Never answered"),
    )  # fmt: skip
    first, *others = run.steps
    assert (first.parts[0].name, first.parts[0].arguments) == ("Bash", {"command": "ls"})
    assert shape(first)[1] == ("tool_result", "/a.py\n-x = 1\n+x = 2\n+y")
    parts = [part for step in others for part in step.parts]
    assert [(part.kind, part.call_id, part.text) for part in parts] == [
        ("tool_call", "b", "q: 1"), ("tool_result", "b", '{"n":3}'),
        ("tool_call", "c", "q: 2"), ("tool_call", "d", "Never answered"), ("tool_result", "c", "half"),
    ]  # fmt: skip
    assert [part.is_error for part in parts if part.kind == "tool_result"] == [False, None]


def test_both_directions(tmp_path: Path) -> None:
    """The editor's prompt and the agent's echo of it are one step; ids are counted by each side for itself."""
    prompt = {
        "sessionId": "s1",
        "prompt": [{"type": "text", "text": "fix"}, {"type": "resource_link", "name": "a", "uri": "f:a"}],
    }
    run = run_of(
        tmp_path,
        ask(0, "initialize", protocolVersion=1),
        answer(0, {"protocolVersion": 1, "agentInfo": {"name": "coder", "version": "2.1"}}),
        ask(1, "session/new", cwd="/w", mcpServers=[]),
        answer(1, {"sessionId": "s1"}),
        ask(2, "session/prompt", **prompt),
        chunk("user_message", "fix\n[a: f:a]"),
        chunk("agent_message", "Reading."),
        ask(2, "fs/read_text_file", sessionId="s1", path="/w/a"),
        answer(2, {"content": "text"}),
        ask(3, "terminal/create", sessionId="s1", command="make"),
        answer(3, error={"code": -1, "message": "denied"}),
        answer(2, {"stopReason": "end_turn", "usage": {"totalTokens": 5}}),
        ask(4, "session/prompt", sessionId="s1", prompt=[{"type": "text", "text": "again"}]),
        answer(4, error={"code": -32000, "message": "quota"}),
    )
    assert [(step.role, shape(step)) for step in run.steps] == [
        ("user", [("text", "fix\n[a: f:a]")]),
        ("agent", [("text", "Reading."), ("tool_call", "/w/a"), ("tool_result", '{"content":"text"}')]),
        ("agent", [("tool_call", "make"), ("tool_result", "denied")]),
        ("user", [("text", "again")]),
        ("environment", [("text", "quota")]),
    ]
    assert [part.is_error for step in run.steps for part in step.parts if part.kind == "tool_result"] == [False, True]
    assert run.steps[4].parts[0].is_error is True
    assert run.header.system == "coder 2.1"
    assert run.header.facts["cwd"] == "/w"
    assert (run.header.facts["stopReason"], run.header.facts["usage"]) == ("end_turn", {"totalTokens": 5})
    assert sum(step.tokens_in or 0 for step in run.steps) == 0  # usage is told of the session only


def test_states_plans_and_titles(tmp_path: Path) -> None:
    entries = [
        {"content": "look", "status": "completed"},
        {"content": "act", "status": "in_progress"},
        {"content": "end"},
    ]
    run = run_of(
        tmp_path,
        chunk("agent_message", "a"),
        update("plan", entries=entries),
        update("session_info_update", title="A title"),
        update("usage_update", used=10, size=100, cost={"amount": 0.5, "currency": "USD"}),
        update("current_mode_update", currentModeId="ask"),
        update("brand_new_update", x=1),
        chunk("agent_message", "b"),
    )
    (step,) = run.steps
    assert shape(step)[1] == ("text", "[x] look\n[>] act\n[ ] end")
    assert step.parts[1].name == "plan"
    assert [part.name for part in step.parts if part.kind == "raw"] == ["brand_new_update"]
    assert run.header.title == "A title"
    assert run.header.facts["usage_update"]["cost"]["amount"] == 0.5
    assert run.header.facts["currentModeId"] == "ask"


@pytest.mark.parametrize("wrap", ["params", "update", "message", "payload"])
def test_wrappings(wrap: str, tmp_path: Path) -> None:
    lines = [chunk("user_message", "go"), chunk("agent_message", "ok")]
    wrapped = {
        "params": [line["params"] for line in lines],
        "update": [line["params"]["update"] for line in lines],
        "message": [{"timestamp": "2026-01-01T00:00:00Z", "direction": "out", "message": line} for line in lines],
        "payload": [{"ts": 1_780_000_000_000, "payload": line} for line in lines],
    }[wrap]
    run = run_of(tmp_path, *wrapped)
    assert readers.sniff(tmp_path / "log.jsonl")[0].format == "acp"
    assert [step.role for step in run.steps] == ["user", "agent"]
    assert bool(run.header.started_at) is (wrap in ("message", "payload"))
    assert run.steps[0].at == run.header.started_at


def test_sessions_of_one_log_are_runs(tmp_path: Path) -> None:
    one, two = (
        [chunk("user_message", f"go {name}", name), chunk("agent_message", f"ok {name}", name), call("c", name)]
        for name in ("s1", "s2")
    )
    mixed = [line for pair in zip(one, two, strict=True) for line in pair]
    runs = runs_of(tmp_path, *mixed, done("c", text="of s1"))
    assert [(run.header.native_id, run.header.item, run.header.task) for run in runs] == [
        ("s1", 0, "go s1"), ("s2", 1, "go s2"),
    ]  # fmt: skip
    assert [[step.role for step in run.steps] for run in runs] == [["user", "agent"]] * 2
    assert len(runs[0].steps[1].parts) == len(runs[1].steps[1].parts) + 1
    data = (tmp_path / "log.jsonl").read_bytes()
    for run in runs:
        for step in run.steps:
            for span in step.raw:
                assert run.header.native_id.encode() in data[span.offset : span.offset + span.length]


def test_sub_agents_are_lanes_of_their_own(tmp_path: Path) -> None:
    inside = {"_meta": {"claudeCode": {"parentToolUseId": "task"}}}
    run = run_of(
        tmp_path,
        call("task", kind="think", rawInput={"prompt": "help", "subagent_type": "helper"}),
        chunk("agent_message", "inner ", **inside),
        chunk("agent_message", "words", **inside),
        call("deep", kind="read", rawInput={"path": "z"}, **inside),
        done("deep", text="Z"),
        done("task", text="all done"),
        chunk("agent_message", "Thanks."),
    )
    assert [(step.actor, step.depth, step.parent_call, shape(step)) for step in run.steps] == [
        ("agent", 0, None, [("tool_call", "prompt: help\nsubagent_type: helper"), ("tool_result", "all done")]),
        ("helper", 1, "task", [("text", "inner words"), ("tool_call", "z"), ("tool_result", "Z")]),
        ("agent", 0, None, [("text", "Thanks.")]),
    ]


def test_a_late_result_is_not_lost(tmp_path: Path) -> None:
    pairs = [(chunk("agent_message", f"say {n}"), chunk("user_message", f"hear {n}")) for n in range(80)]
    turns = [line for pair in pairs for line in pair]
    run = run_of(tmp_path, call("a", kind="execute"), *turns, done("a", "failed", "too late"))
    assert len(run.steps[0].parts) == 1
    assert (run.steps[-1].role, shape(run.steps[-1])) == ("environment", [("tool_result", "too late")])
    assert run.steps[-1].parts[0].is_error is True


def test_media_and_damage(tmp_path: Path) -> None:
    image = update("user_message_chunk", content={"type": "image", "mimeType": "image/png", "data": "QUJD" * 50})
    text = {"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}}
    path = tmp_path / "log.jsonl"
    lines = [image, update("agent_message_chunk", content=text), [1, 2], {"a": 1}]
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n{broken\n")
    (run,), problems = readers.collect(readers.read(path))
    assert run.steps[0].parts[0].text.startswith("[image: ")
    assert run.steps[1].parts[0].text == "[file:///a]\ninside"
    assert [part.text for part in run.steps[1].parts if part.kind == "raw"] == ["[1,2]", '{"a":1}']
    assert [problem.line for problem in problems] == [5]


def test_very_many_chunks_are_joined_quickly(tmp_path: Path) -> None:
    run = run_of(tmp_path, *(chunk("agent_message", f"word {n} ") for n in range(60_000)))
    (step,) = run.steps
    assert step.parts[0].text.count("word") == 60_000
    assert len(step.raw) == 1
