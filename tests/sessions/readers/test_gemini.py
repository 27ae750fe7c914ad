"""The Gemini CLI reader against the shared sample and against small files for each quirk of the log."""

import json
from pathlib import Path

import pytest

from sessions import readers
from sessions.readers import gemini
from sessions.run import Run, Step

T = "2026-05-01T10:00:00.000Z"
META = {"sessionId": "5e55", "projectHash": "ph", "startTime": T, "lastUpdated": T, "kind": "main"}


def say(id: str, text: object, type: str = "user", **more) -> dict:
    return {"id": id, "timestamp": T, "type": type, "content": text, **more}


def ran(call: str, output: str, status: str = "success", **more) -> dict:
    answer = {"error": output} if status == "error" else {"output": output}
    result = [{"functionResponse": {"id": call, "name": "sh", "response": answer}}]
    return {
        "id": call,
        "name": "sh",
        "args": {"command": "ls"},
        "status": status,
        "timestamp": T,
        "result": result,
        **more,
    }


def write(path: Path, records: list) -> Path:
    path.write_text("".join((record if isinstance(record, str) else json.dumps(record)) + "\n" for record in records))
    return path


def read(path: Path) -> Run:
    assert readers.sniff(path)[0].format == "gemini"
    (run,), problems = readers.collect(readers.read(path))
    assert problems == []
    return run


def log(tmp_path: Path, *records) -> Run:
    return read(write(tmp_path / "session-1.jsonl", [META, *records]))


def told(run: Run) -> list[tuple[str, str | None]]:
    return [(step.parts[0].text if step.parts else "", step.branch) for step in run.steps]


def kinds(step: Step) -> list[str]:
    return [part.kind for part in step.parts]


@pytest.mark.real_data
def test_the_shared_sample(real_data: Path) -> None:
    path = next((real_data / "gemini").glob("*.jsonl"))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert readers.sniff(path)[0] == readers.Guess("gemini", 0.97)
    run = read(path)
    ids = list(dict.fromkeys(line["id"] for line in lines if "id" in line))
    assert [step.native_id for step in run.steps] == ids
    assert [step.role for step in run.steps] == ["user", "agent", "user"]
    assert [step.branch for step in run.steps] == [None, None, "rewind 1"]
    agent = run.steps[1]
    assert kinds(agent) == ["reasoning", "text", "tool_call", "tool_result"]
    assert agent.parts[0].text == "Plan\nrun ls"
    call, result = agent.parts[2:]
    assert (call.name, call.call_id, call.arguments) == ("run_shell_command", "t1", {"command": "ls /nope"})
    assert (result.text, result.call_id, result.name) == ("No such file", "t1", "run_shell_command")
    assert (result.is_error, result.error_inferred) == (True, False)
    # Counted once, although the message was written twice: input with cached, output with thoughts.
    assert (agent.tokens_in, agent.tokens_out) == (10, 8)
    assert sum(filter(None, (agent.tokens_in, agent.tokens_out))) == lines[2]["tokens"]["total"]
    header = run.header
    assert (header.title, header.task, header.model) == ("List files", "List files", "gemini-2.5-pro")
    assert header.native_id == lines[0]["sessionId"]
    assert header.started_at == lines[0]["startTime"]
    assert header.facts["projectHash"] == "ph"
    data = path.read_bytes()
    spans = [span for step in run.steps for span in step.raw]
    assert sorted(data[span.offset : span.offset + span.length] for span in spans) == sorted(data.splitlines())


def test_a_message_keeps_its_first_place_and_its_last_content(tmp_path: Path) -> None:
    waiting = {"id": "c1", "name": "sh", "args": {"command": "ls"}, "status": "executing", "timestamp": T}
    run = log(
        tmp_path,
        say("u1", "go"),
        say("g1", "", "gemini", toolCalls=[waiting]),
        say("i1", "a note", "info"),
        say(
            "g1", "", "gemini", toolCalls=[ran("c1", "out")], tokens={"input": 5, "output": 1, "thoughts": 2, "tool": 3}
        ),
        say("g2", "done", "gemini"),
    )
    assert [step.native_id for step in run.steps] == ["u1", "g1", "i1", "g2"]
    assert kinds(run.steps[1]) == ["tool_call", "tool_result"]
    assert run.steps[1].parts[1].text == "out"
    assert (run.steps[1].tokens_in, run.steps[1].tokens_out) == (8, 3)
    assert len(run.steps[1].raw) == 2
    assert (run.steps[2].actor, run.steps[2].parts[0].name) == ("environment", "info")


def test_states_of_a_call(tmp_path: Path) -> None:
    odd = {"id": "c5", "name": "sh", "args": {}, "status": "error", "resultDisplay": "boom"}
    calls = [
        ran("c1", "fine: error: no"), ran("c2", "ENOENT", "error"), ran("c3", "", "cancelled"),
        {"id": "c4", "name": "sh", "args": {}, "status": "awaiting_approval"}, odd, "nonsense",
    ]  # fmt: skip
    (step,) = log(tmp_path, say("g1", "", "gemini", toolCalls=calls)).steps
    results = {part.call_id: part for part in step.parts if part.kind == "tool_result"}
    assert {call: (part.text, part.is_error, part.error_inferred) for call, part in results.items()} == {
        "c1": ("fine: error: no", False, False), "c2": ("ENOENT", True, False), "c3": ("", True, False),
        "c5": ("boom", True, False),
    }  # fmt: skip
    assert [part.text for part in step.parts if part.kind == "raw"] == ["nonsense"]


def test_rewinds_drop_a_message_and_what_follows(tmp_path: Path) -> None:
    run = log(
        tmp_path,
        say("u1", "one"),
        say("u2", "two"),
        {"$rewindTo": "u2"},
        say("u3", "three"),
        say("u4", "four"),
        {"$rewindTo": "nobody"},
        {"$rewindTo": "u4"},
        say("u5", "five"),
    )
    assert told(run) == [
        ("one", None), ("two", "rewind 1"), ("three", None), ("four", "rewind 2"), ("five", None),
    ]  # fmt: skip


def test_a_rewind_reaches_far_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Further than steps are held back; in files that are too large to be looked through first, it is counted."""
    records = [*(say(f"u{n}", f"text {n}") for n in range(200)), {"$rewindTo": "u5"}, say("last", "end")]
    run = log(tmp_path, *records)
    assert [step.branch for step in run.steps] == [None] * 5 + ["rewind 1"] * 195 + [None]
    monkeypatch.setattr(gemini, "SCAN_BYTES", 10)
    run = log(tmp_path, *records)
    assert [step.branch for step in run.steps] == [None] * 136 + ["rewind 1"] * 64 + [None]
    assert run.header.facts["rewinds_unmarked"] == 1


def test_a_compressed_history_drops_nothing_that_was_said(tmp_path: Path) -> None:
    """All messages get new ids then; what is new in the list was put there by the program."""
    run = log(
        tmp_path,
        {"$set": {"messages": [say("s0", [{"text": "<session_context>\nToday is ..."}])]}},
        say("u1", [{"text": "question"}]),
        say("g1", "answer", "gemini"),
        say("u2", "again"),
        {
            "$set": {
                "messages": [
                    say("x1", [{"text": "<state_snapshot>so far</state_snapshot>"}]),
                    say("x2", [{"text": "Got it."}], "gemini"),
                    say("x3", [{"text": "again"}]),
                ]
            }
        },
        say("g2", "more", "gemini"),
        {"$rewindTo": "x3"},
        say("u3", "other"),
    )
    assert [(step.role, text, branch) for step, (text, branch) in zip(run.steps, told(run), strict=True)] == [
        ("system", "<session_context>\nToday is ...", None),
        ("user", "question", None),
        ("agent", "answer", None),
        ("user", "again", "rewind 1"),
        ("system", "<state_snapshot>so far</state_snapshot>", None),
        ("system", "Got it.", None),
        ("agent", "more", "rewind 1"),
        ("user", "other", None),
    ]
    assert run.header.task == "question"


def test_a_file_of_nothing_but_histories(tmp_path: Path) -> None:
    """Some versions write the whole list each time: later lists change what was only told in earlier ones."""
    first = [say("u1", "go"), say("g1", "", "gemini", toolCalls=[{"id": "c1", "name": "sh", "args": {}}])]
    second = [first[0], say("g1", "", "gemini", toolCalls=[ran("c1", "out")]), say("g2", "done", "gemini")]
    run = log(tmp_path, {"$set": {"messages": first}}, {"$set": {"messages": second}})
    assert [step.native_id for step in run.steps] == ["u1", "g1", "g2"]
    assert run.steps[1].parts[1].text == "out"


def test_what_was_recorded_is_not_masked_later(tmp_path: Path) -> None:
    masked = say("g1", "", "gemini", toolCalls=[ran("c1", "<tool_output_masked>")])
    run = log(tmp_path, say("g1", "", "gemini", toolCalls=[ran("c1", "all of it")]), {"$set": {"messages": [masked]}})
    assert run.steps[0].parts[1].text == "all of it"
    assert len(run.steps) == 1


def test_calls_in_the_content_are_answered_by_messages(tmp_path: Path) -> None:
    call = {"functionCall": {"id": "f1", "name": "read", "args": {"path": "x"}}}
    answer = {"functionResponse": {"id": "f1", "name": "read", "response": {"output": "text"}}}
    stray = {"functionResponse": {"id": "f9", "name": "read", "response": {"error": "gone"}}}
    run = log(
        tmp_path,
        say("g1", [{"text": "I read."}, call], "gemini"),
        say("r1", [answer]),
        say("r2", [stray]),
        say("g2", [{"functionCall": {"id": "c2", "name": "sh", "args": {}}}], "gemini", toolCalls=[ran("c2", "once")]),
    )
    assert kinds(run.steps[0]) == ["text", "tool_call", "tool_result"]
    assert (run.steps[0].parts[2].text, run.steps[0].parts[2].call_id, run.steps[0].parts[2].name) == (
        "text",
        "f1",
        "read",
    )
    assert [(part.kind, part.text, part.is_error) for part in run.steps[1].parts] == [("tool_result", "gone", True)]
    assert kinds(run.steps[2]) == ["tool_call", "tool_result"]


def test_ids_that_are_none(tmp_path: Path) -> None:
    calls = [{"id": ["odd"], "name": "sh", "args": {}}, {"id": None, "name": "sh", "args": {"a": 1}}]
    content = [{"functionCall": {"id": {"odd": 1}, "name": "read", "args": {}}}]
    (step,) = log(tmp_path, say("g1", content, "gemini", toolCalls=calls)).steps
    assert [(part.name, part.call_id) for part in step.parts] == [("read", None), ("sh", None), ("sh", None)]


def test_parts_of_all_kinds(tmp_path: Path) -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "QUJD" * 100}}
    run = log(
        tmp_path,
        say("u1", ["look at @a", {"text": "file a"}, image, {"odd": 1}], displayContent=[{"text": "look at @a"}]),
        say("g1", [{"text": "secret", "thought": True}, {"text": "open"}], "gemini"),
        say(
            "g2",
            [{"text": "x", "thought": True}, {"text": "y"}],
            "gemini",
            thoughts=[{"subject": "S", "description": "D"}],
        ),
        say("e1", "quota", "error"),
        say("z1", "what", "mystery"),
    )
    first = run.steps[0]
    assert kinds(first) == ["text", "raw", "raw"]
    assert first.parts[0].text.startswith("look at @a\nfile a\n[image: ")
    assert "sha256" in first.parts[0].text
    assert run.header.task == "look at @a"
    assert [(part.kind, part.text) for part in run.steps[1].parts] == [("reasoning", "secret"), ("text", "open")]
    assert [(part.kind, part.text) for part in run.steps[2].parts] == [("reasoning", "S\nD"), ("text", "y")]
    assert (run.steps[3].role, run.steps[3].parts[0].is_error) == ("environment", True)
    assert (run.steps[4].role, run.steps[4].parts[0].text) == ("environment", "what")


def test_unknown_and_damaged_lines_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", [META, say("u1", "go"), {"new": "thing"}, "{broken", [1], say("u2", "on")])
    (run,), problems = readers.collect(readers.read(path))
    assert [problem.line for problem in problems] == [4]
    assert [part.text for part in run.steps[0].parts] == ["go", '{"new":"thing"}', "[1]"]
    (run,), _ = readers.collect(readers.read(write(path, [META, {"new": "thing"}])))
    assert [part.kind for part in run.steps[0].parts] == ["raw"]


def test_an_update_that_comes_too_late_is_not_lost(tmp_path: Path) -> None:
    many = [say(f"u{n}", str(n)) for n in range(100)]
    run = log(tmp_path, say("g1", "first", "gemini"), *many, say("g1", "second", "gemini"), say("end", "x"))
    assert run.steps[0].parts[0].text == "first"
    assert [part.name for part in run.steps[100].parts] == [None, "update"]


@pytest.mark.parametrize("indent", [None, 2])
def test_the_older_document(indent: int | None, tmp_path: Path) -> None:
    messages = [say("u1", "go"), say("g1", "", "gemini", toolCalls=[ran("c1", "out")]), say("e", "boom", "error")]
    path = tmp_path / "session-old.json"
    path.write_text(json.dumps({**META, "summary": "A title", "messages": messages}, indent=indent))
    run = read(path)
    assert [step.native_id for step in run.steps] == ["u1", "g1", "e"]
    assert (run.header.title, run.header.task, run.header.native_id) == ("A title", "go", "5e55")
    path.write_text(path.read_text()[:-30])
    (run,), problems = readers.collect(readers.read(path, "gemini"))
    assert len(problems) == 1
    assert len(run.steps) == (3 if indent else 2)


def test_sub_agents_stand_behind_their_calls(tmp_path: Path) -> None:
    (tmp_path / "5e55").mkdir()
    inner = ran("c9", "deep", agentId="dig")
    inner["args"] = {"agent_name": "digger"}
    sub = {**META, "sessionId": "helper", "kind": "subagent"}
    write(tmp_path / "5e55/helper.jsonl", [sub, say("h1", "help me"), say("h2", "", "gemini", toolCalls=[inner])])
    write(tmp_path / "5e55/dig.jsonl", [{**META, "sessionId": "d"}, say("d1", "dig"), say("d2", "dug", "gemini")])
    write(tmp_path / "5e55/lone.jsonl", [{**META, "sessionId": "l"}, say("l1", "whose?", "gemini")])
    outer = ran("c1", "done", agentId="helper")
    outer["name"], outer["args"] = "investigator", {"objective": "help me"}
    run = log(tmp_path, say("u1", "go"), say("g1", "", "gemini", toolCalls=[outer]), say("g2", "thanks", "gemini"))
    assert [(step.native_id, step.actor, step.role, step.depth, step.parent_call) for step in run.steps] == [
        ("u1", "user", "user", 0, None),
        ("g1", "agent", "agent", 0, None),
        ("h1", "agent", "user", 1, "c1"),
        ("h2", "investigator", "agent", 1, "c1"),
        ("d1", "investigator", "user", 2, "c9"),
        ("d2", "digger", "agent", 2, "c9"),
        ("g2", "agent", "agent", 0, None),
        ("l1", "lone", "agent", 1, None),
    ]
    assert [Path(name).name for name in run.header.files] == ["dig.jsonl", "helper.jsonl", "lone.jsonl"]
    span = run.steps[5].raw[-1]
    data = Path(run.header.files[span.file - 1]).read_bytes()
    assert json.loads(data[span.offset : span.offset + span.length])["id"] == "d2"
    alone = read(tmp_path / "5e55/helper.jsonl")
    assert alone.header.facts["kind"] == "subagent"
    assert [step.depth for step in alone.steps] == [0, 0]


def test_an_id_is_never_a_path(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(tmp_path / "out/x.jsonl", [META, say("u", "not ours")])
    for name in ("../out", "..", ".", "/etc", "a/b", ""):
        path = tmp_path / "chats"
        path.mkdir(exist_ok=True)
        file = write(path / "s.jsonl", [{**META, "sessionId": name}, say("u1", "go")])
        assert read(file).header.files == []


def test_much_rewinding_and_repeating_is_no_quadratic_work(tmp_path: Path) -> None:
    records: list = []
    for n in range(15_000):
        records += [say(f"u{n}", "same"), {"$rewindTo": f"u{n}"}]
    copies = [{"$set": {"messages": [say(f"x{n}", "same")]}} for n in range(15_000)]
    run = log(tmp_path, *records, *(say(f"v{n}", "same") for n in range(15_000)), *copies)
    assert len(run.steps) == 30_000
