"""The OpenHands reader: a persisted conversation of the SDK, and small files of both generations."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from sessions import readers
from sessions.discover import find
from sessions.ingest import import_file
from sessions.run import Run
from sessions.store import Store

CONVERSATION = "openhands_v1/conversations/56632213fdb343fa82c9e81c050e74cd"


def runs_of(path, problems_expected=0) -> list[Run]:
    runs, problems = readers.collect(readers.read(path))
    assert len(problems) == problems_expected, problems
    assert {run.header.format for run in runs} <= {"openhands"}
    return runs


def one(path, problems_expected=0) -> Run:
    (run,) = runs_of(path, problems_expected)
    return run


def told(run):
    return [(step.actor, [(part.kind, part.text) for part in step.parts]) for step in run.steps]


def results(run):
    found = [part for step in run.steps for part in step.parts if part.kind == "tool_result"]
    return [(part.name, part.call_id, part.text, part.is_error, part.error_inferred) for part in found]


# -- V1 -------------------------------------------------------------------------------------------------------------


@pytest.mark.real_data
def test_a_conversation_folder_is_one_run(real_data):
    folder = real_data / CONVERSATION
    events = [json.loads(path.read_text()) for path in sorted(folder.glob("events/event-*.json"))]
    kinds = Counter(event["kind"] for event in events)
    path = folder / "base_state.json"
    assert [guess.format for guess in readers.sniff(path)] == ["openhands"]
    run = one(path)
    # Each action of this run has a response of its own, so it is a step; observations belong to actions.
    assert len(run.steps) == kinds["SystemPromptEvent"] + kinds["MessageEvent"] + kinds["ActionEvent"]
    assert [step.at for step in run.steps] == [
        event["timestamp"] for event in events if event["kind"] in ("SystemPromptEvent", "MessageEvent", "ActionEvent")
    ]
    calls = [(event["tool_call_id"], event["tool_name"]) for event in events if event["kind"] == "ActionEvent"]
    assert [(part.call_id, part.name) for step in run.steps for part in step.parts if part.kind == "tool_call"] == calls
    assert [call for _, call, *_ in results(run)] == [call for call, _ in calls]
    # exit code 2, an error of the agent's, and a result that is none: all as stated.
    assert [(error, inferred) for *_, error, inferred in results(run)] == [(True, False), (True, False), (False, False)]
    assert [json.loads(raw) for step in run.steps for raw in step.raw] == events
    assert [part.text for part in run.steps[2].parts[:2]] == ["I should list files.", "Let me look."]
    assert (run.header.title, run.header.model) == ("Say hello", "test-model")
    assert run.header.native_id == json.loads(path.read_text())["id"]
    assert run.header.files == [str(folder / "events")]


@pytest.mark.real_data
def test_in_a_folder_no_event_is_a_run_of_its_own(real_data):
    search = find([real_data / "openhands_v1"])
    found = []
    for item in search:
        found.append(item.path.name)
        (run,), _ = readers.collect(readers.read(item.path))
        search.claim(run.header.files)
    assert found == ["base_state.json"]
    assert next(iter(find([real_data / CONVERSATION / "events"]))).path.name.startswith("event-00000-")


def event(number, kind, source="agent", **more):
    return {"id": f"e{number}", "timestamp": f"2026-01-01T00:00:{number:02}.5", "source": source, "kind": kind, **more}


def action(number, id, response, text="", **more):
    call = {"id": id, "name": "terminal", "arguments": json.dumps({"command": f"do {id}"})}
    thought = [{"type": "text", "text": text}]
    fields = {"tool_name": "terminal", "tool_call_id": id, "tool_call": call, "thought": thought}
    return event(number, "ActionEvent", llm_response_id=response, **fields, **more)


def observation(number, id, text="ok", **more):
    content = {"content": [{"type": "text", "text": text}], "is_error": False, **more}
    return event(number, "ObservationEvent", "environment", tool_call_id=id, tool_name="terminal", observation=content)


STATE = {
    "id": "c-1",
    "agent": {"llm": {"model": "m"}, "kind": "Agent"},
    "execution_status": "finished",
    "stats": {
        "usage_to_metrics": {
            "x": {
                "accumulated_cost": 0.5,
                "token_usages": [{"response_id": "r1", "prompt_tokens": 10, "completion_tokens": 3}],
            }
        }
    },
}


def conversation(folder: Path, events, **state) -> Path:
    (folder / "events").mkdir(parents=True)
    for number, item in enumerate(events):
        text = item if isinstance(item, str) else json.dumps(item)
        (folder / "events" / f"event-{number:05}-0a-{number}.json").write_text(text)
    (folder / "base_state.json").write_text(json.dumps({**STATE, **state}))
    return folder / "base_state.json"


SKILL = {"type": "text", "text": "skill"}


def test_calls_of_one_response_are_one_step_and_tokens_count_once(tmp_path):
    events = [
        action(1, "a", "r1", "Both."),
        action(2, "b", "r1"),
        observation(3, "b", exit_code=-1),
        observation(4, "a", exit_code=0),
        event(5, "MessageEvent", llm_message={"role": "assistant", "content": "Done", "reasoning_content": "hm"}),
        event(6, "MessageEvent", "user", llm_message={"role": "user", "content": "More"}, extended_content=[SKILL]),
        event(7, "UserRejectObservation", "environment", tool_call_id="z", rejection_reason="no"),
        event(8, "Condensation", summary="All so far", forgotten_event_ids=["e1"]),
        event(9, "ConversationErrorEvent", "environment", code="E", detail="broke"),
        event(10, "HologramEvent"),
        event(11, "ConversationStateUpdateEvent", "environment"),
    ]  # fmt: skip
    run = one(conversation(tmp_path, events))
    assert told(run) == [
        (
            "agent",
            [
                ("text", "Both."),
                ("tool_call", "do a"),
                ("tool_call", "do b"),
                ("tool_result", "ok"),
                ("tool_result", "ok"),
            ],
        ),
        ("agent", [("reasoning", "hm"), ("text", "Done")]),
        ("user", [("text", "More"), ("text", "skill")]),
        ("environment", [("tool_result", "no")]),
        ("system", [("text", "All so far")]),
        ("environment", [("text", "E: broke"), ("raw", json.dumps(event(10, "HologramEvent"), separators=(",", ":")))]),
    ]
    assert [(call, error) for _, call, _, error, _ in results(run)] == [("a", False), ("b", False), ("z", True)]
    assert (run.steps[0].tokens_in, run.steps[0].tokens_out, run.header.facts["cost"]) == (10, 3, 0.5)
    assert sum(len(step.raw) for step in run.steps) == len(events)


def test_what_the_conversation_went_back_behind_is_abandoned(tmp_path):
    def parted(number, parent, text):
        message = {"role": "user", "content": text}
        return event(number, "MessageEvent", "user", llm_message=message, **({"parent_id": parent} if parent else {}))

    events = [
        parted(0, None, "a"),
        parted(1, "e0", "b"),
        parted(2, "e1", "c"),
        parted(3, "e0", "d"),
        parted(4, "e3", "e"),
    ]
    path = conversation(tmp_path / "x", events, leaf_event_id="e3")
    assert [step.branch for step in one(path).steps] == [None, "abandoned", "abandoned", None, None]
    path = conversation(tmp_path / "y", events, leaf_event_id="gone")
    assert [step.branch for step in one(path).steps] == [None] * 5


def test_damaged_events_links_and_other_files_in_the_folder(tmp_path):
    path = conversation(tmp_path / "x", [action(1, "a", "r"), "{broken", "[1]", observation(2, "a")])
    events = path.parent / "events"
    (events / "event-00009-ab.json").symlink_to(events / "event-00000-0a-0.json")
    (events / "notes.json").write_text("{}")
    (events / ".eventlog.lock").write_text("")
    (run,), problems = readers.collect(readers.read(path))
    assert [Path(problem.path).name for problem in problems] == ["event-00001-0a-1.json"]
    assert [part.kind for part in run.steps[0].parts] == ["tool_call", "tool_result", "raw"]
    (run,), problems = readers.collect(readers.read(conversation(tmp_path / "y", [])))
    assert problems[0].reason.startswith("there are no events in")
    assert run.header.files == []


def test_a_conversation_without_its_state_is_known_by_its_first_event(tmp_path):
    path = conversation(tmp_path / "conv", [action(1, "a", "r"), observation(2, "a")])
    path.unlink()
    first, second = sorted((tmp_path / "conv" / "events").iterdir())
    assert [(guess.format, guess.confidence) for guess in readers.sniff(second)] == [("openhands", 0.1)]
    run = one(first)
    assert [part.kind for part in run.steps[0].parts] == ["tool_call", "tool_result"]
    assert run.header.title == "conv"


def test_new_events_are_seen_when_the_conversation_is_imported_again(tmp_path):
    path = v0_folder(tmp_path / "s")
    with Store.open(tmp_path / "db") as store:
        assert import_file(store, path).runs[0].outcome == "new"
        assert import_file(store, path).runs[0].outcome == "known"
        (path.parent / "9.json").write_text(json.dumps({"id": 9, **MESSAGE, "args": {"content": "And now?"}}))
        later = path.parent.stat().st_mtime + 5
        os.utime(path.parent, (later, later))
        (again,) = import_file(store, path).runs
        assert (again.outcome, again.steps) == ("updated", 4)


# -- V0 -------------------------------------------------------------------------------------------------------------

MESSAGE = {"timestamp": "2025-01-01T00:00:01.5", "source": "user", "action": "message"}


def v0_events():
    response = {
        "id": "resp",
        "model": "gpt",
        "usage": {"prompt_tokens": 7, "completion_tokens": 2},
        "choices": [{"message": {"reasoning_content": "Think."}}],
    }

    def call(id):
        return {"function_name": "execute_bash", "tool_call_id": id, "model_response": response}

    at = {"timestamp": "2025-01-01T00:00:02", "source": "agent"}
    return [
        {"id": 0, **MESSAGE, "source": "agent", "action": "system", "args": {"content": "You help."}},
        {"id": 1, **MESSAGE, "args": {"content": "Go", "image_urls": ["data:image/png;base64,AAAA"]}},
        {"id": 2, "source": "environment", "observation": "agent_state_changed", "content": "", "extras": {}},
        {
            "id": 3, **at, "action": "run", "args": {"command": "ls", "thought": "Look.", "hidden": False},
            "tool_call_metadata": call("a"), "llm_metrics": {"accumulated_cost": 0.5},
        },
        {
            "id": 4, **at, "action": "run", "args": {"command": "pwd", "thought": ""},
            "tool_call_metadata": call("b"), "llm_metrics": {"accumulated_cost": 0.5},
        },
        {
            "id": 5, **at, "cause": 4, "observation": "run", "content": "/w", "tool_call_metadata": call("b"),
            "extras": {"metadata": {"exit_code": 0}},
        },
        {"id": 6, **at, "cause": 3, "observation": "run", "content": "no", "extras": {"metadata": {"exit_code": 2}}},
        {"id": 7, **at, "action": "finish", "args": {"outputs": "Done"}, "llm_metrics": {"accumulated_cost": 0.75}},
    ]  # fmt: skip


def v0_folder(folder: Path) -> Path:
    (folder / "events").mkdir(parents=True)
    for item in v0_events()[:-1]:
        (folder / "events" / f"{item['id']}.json").write_text(json.dumps(item))
    (folder / "event_cache").mkdir()
    (folder / "event_cache" / "0-3.json").write_text(json.dumps(v0_events()[:3]))
    return folder / "events" / "0.json"


def check_v0(run):
    system, user, agent = run.steps[:3]
    assert [part.text for part in system.parts] == ["You help."]
    assert user.parts[0].text.startswith("Go\n[image_url: ")
    assert [(part.kind, part.text) for part in agent.parts] == [
        ("reasoning", "Think."),
        ("text", "Look."),
        ("tool_call", "ls"),
        ("tool_call", "pwd"),
        ("tool_result", "no"),
        ("tool_result", "/w"),
    ]
    assert results(run) == [("execute_bash", "a", "no", True, False), ("execute_bash", "b", "/w", False, False)]
    assert (agent.tokens_in, agent.tokens_out, agent.cost, agent.model) == (7, 2, 0.5, "gpt")
    assert agent.at == "2025-01-01T00:00:02"


def test_a_saved_trajectory(tmp_path):
    path = tmp_path / "trajectory.json"
    for document in (v0_events(), {"trajectory": v0_events()}, {"history": v0_events()}):
        path.write_text(json.dumps(document, indent=1))
        assert readers.sniff(path)[0].format == "openhands"
        run = one(path)
        check_v0(run)
        assert run.steps[3].cost == 0.25
        assert [(part.name, part.text) for part in run.steps[3].parts] == [("finish", "Done")]
        assert sum(len(step.raw) for step in run.steps) == len(v0_events())
    path.write_text("".join(json.dumps(item) + "\n" for item in v0_events()))
    check_v0(one(path))


def test_an_event_folder(tmp_path):
    path = v0_folder(tmp_path / "abc")
    run = one(path)
    check_v0(run)
    assert run.header.files == [str(tmp_path / "abc" / "events"), str(tmp_path / "abc" / "event_cache")]
    search = find([tmp_path])
    found = []
    for item in search:
        found.append((item.path, item.format))
        search.claim(one(item.path).header.files)
    assert (path, "openhands") in found
    assert [place for place, _ in found if place.parent.name == "events"] == [path]


def test_a_delegate_works_one_level_deeper(tmp_path):
    at = {"timestamp": "2025-01-01T00:00:02", "source": "agent"}
    events = [
        {
            "id": 1,
            **at,
            "action": "delegate",
            "args": {"agent": "Browser", "inputs": {"task": "look"}, "thought": "Ask."},
        },
        {"id": 2, **at, "action": "browse", "args": {"url": "x"}},
        {"id": 3, **at, "observation": "browse", "cause": 2, "content": "page", "extras": {"error": True}},
        {"id": 4, **at, "action": "finish", "args": {}},
        {"id": 5, **at, "observation": "delegate", "cause": 1, "content": "", "extras": {"outputs": {"answer": 42}}},
        {"id": 6, **at, "action": "message", "args": {"content": "Back."}},
        {"id": 7, **at, "source": "user", "action": "run", "args": {"command": "mine"}},
        {"id": 8, **at, "observation": "error", "content": "bad", "cause": 99},
        {"id": 9, **at, "neither": 1},
    ]
    path = tmp_path / "t.json"
    path.write_text(json.dumps(events))
    run = one(path)
    assert [(step.actor, step.role, step.depth, step.parent_call) for step in run.steps] == [
        ("agent", "agent", 0, None),
        ("Browser", "agent", 1, "event 1"),
        ("Browser", "agent", 1, "event 1"),
        ("agent", "agent", 0, None),
        ("user", "user", 0, None),
        ("environment", "environment", 0, None),
    ]
    assert results(run) == [
        ("delegate", "event 1", '{"answer":42}', None, False),
        ("browse", "event 2", "page", True, False),
        ("error", None, "bad", True, False),
    ]


def test_benchmark_rows_keep_their_answers_apart(tmp_path):
    row = {
        "instance_id": "django-1",
        "instruction": "Fix it.",
        "metadata": {"agent_class": "CodeActAgent", "llm_config": {"model": "gpt", "api_key": "x"}},
        "history": v0_events(),
        "test_result": {"git_patch": "PATCH", "report": {"resolved": True}},
        "instance": {"patch": "GOLD"},
        "metrics": {"accumulated_cost": 1},
        "error": None,
    }
    pairs = [[v0_events()[3], {**v0_events()[6]}]]
    path = tmp_path / "output.jsonl"
    path.write_text(json.dumps(row) + "\n" + json.dumps({**row, "instance_id": "django-2", "history": pairs}) + "\n")
    assert readers.sniff(path)[0].format == "openhands"
    first, second = runs_of(path)
    check_v0(first)
    header = first.header
    assert (header.title, header.task, header.native_id, header.model) == ("django-1", "Fix it.", "django-1", "gpt")
    assert header.reference == {"test_result": row["test_result"], "instance": {"patch": "GOLD"}}
    assert header.facts == {"metrics": {"accumulated_cost": 1}, "agent_class": "CodeActAgent"}
    assert [part.kind for part in second.steps[0].parts] == ["reasoning", "text", "tool_call", "tool_result"]
    assert second.header.item == 1
    assert not any(
        b"GOLD" in raw or b"PATCH" in raw for run in (first, second) for step in run.steps for raw in step.raw
    )
