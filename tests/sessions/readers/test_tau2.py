"""The tau2 reader against small files in the shape that tau2-bench's own models write."""

import json
from pathlib import Path

import pytest

from sessions import readers
from sessions.run import Run, Step

T = "2025-07-01T10:00:0{}.000001"


def said(role: str, content: str | None, number: int = 0, **more) -> dict:
    return {"role": role, "content": content, "turn_idx": number, "timestamp": T.format(number), **more}


def call(id: str, name: str, requestor: str = "assistant", **arguments) -> dict:
    return {"id": id, "name": name, "arguments": arguments, "requestor": requestor}


def result(id: str, content: str, *, error: bool = False, requestor: str = "assistant") -> dict:
    return {**said("tool", content, 3), "id": id, "error": error, "requestor": requestor}


def simulation(name: str = "s1", task: str = "t1", messages: list | None = None) -> dict:
    usage = {"prompt_tokens": 100, "completion_tokens": 7}
    raw = {"message": {"reasoning_content": "It is about the phone."}}
    default = [
        said("assistant", "Hi! How can I help?", 0),
        said("user", "My phone is dead.", 1),
        said("assistant", None, 2, tool_calls=[call("c1", "get_user", user=1), call("c2", "get_line", line=2)],
             usage=usage, cost=0.25, raw_data=raw),
        {"role": "tool", "tool_messages": [result("c1", '{"name":"Ann"}'), result("c2", "no such", error=True)]},
        said("user", None, 4, tool_calls=[call("u1", "toggle_airplane_mode", "user")]),
        result("u1", "Airplane mode is now OFF.", requestor="user"),
        said("user", "It works. ###STOP###", 6),
    ]  # fmt: skip
    return {
        "id": name, "task_id": task, "trial": 0, "seed": 7, "timestamp": T.format(9), "start_time": T.format(0),
        "end_time": T.format(9), "duration": 9.0, "termination_reason": "user_stop", "agent_cost": 0.25,
        "user_cost": 0.1, "reward_info": {"reward": 1.0, "db_check": {"db_match": True}},
        "messages": default if messages is None else messages,
    }  # fmt: skip


def results(*simulations: dict) -> dict:
    task = {
        "id": "t1", "description": {"purpose": "Refuses without proof."}, "ticket": None,
        "user_scenario": {"persona": None, "instructions": {
            "domain": "telecom", "reason_for_call": "No signal.", "known_info": "You are Ann.",
            "task_instructions": "Accept any fix.", "unknown_info": None}},
        "evaluation_criteria": {"actions": [{"name": "toggle_airplane_mode"}]},
    }  # fmt: skip
    info = {
        "git_commit": "abc", "num_trials": 1, "user_info": {"implementation": "user_simulator", "llm": "gpt-u"},
        "agent_info": {"implementation": "llm_agent", "llm": "gpt-a"},
        "environment_info": {"domain_name": "telecom", "policy": "Be kind."},
    }  # fmt: skip
    return {"timestamp": T.format(9), "info": info, "tasks": [task], "simulations": list(simulations)}


def read(path: Path, document: object, indent: int | None = 4) -> list[Run]:
    path.write_text(json.dumps(document, indent=indent))
    assert readers.sniff(path)[0].format == "tau2"
    runs, problems = readers.collect(readers.read(path))
    assert problems == []
    return runs


def shape(step: Step) -> list[tuple[str, str | None]]:
    return [(part.kind, part.call_id) for part in step.parts]


@pytest.mark.parametrize("indent", [None, 4])
def test_a_run_of_each_simulation(indent: int | None, tmp_path: Path) -> None:
    document = results(simulation(), simulation("s2", "t9"))
    first, second = read(tmp_path / "results.json", document, indent)
    assert [run.header.native_id for run in (first, second)] == ["s1", "s2"]
    spoken = [message for message in document["simulations"][0]["messages"] if message["role"] != "tool"]
    assert [step.role for step in first.steps] == [{"assistant": "agent"}.get(m["role"], m["role"]) for m in spoken]
    assert [step.at for step in first.steps] == [message["timestamp"] for message in spoken]
    agent, user = first.steps[2], first.steps[3]
    assert shape(agent) == [
        ("reasoning", None),
        ("tool_call", "c1"),
        ("tool_call", "c2"),
        ("tool_result", "c1"),
        ("tool_result", "c2"),
    ]
    assert [(part.name, part.is_error, part.error_inferred) for part in agent.parts[3:]] == [
        ("get_user", False, False), ("get_line", True, False),
    ]  # fmt: skip
    assert (agent.tokens_in, agent.tokens_out, agent.cost) == (100, 7, 0.25)
    assert agent.parts[0].text == "It is about the phone."
    assert (user.actor, shape(user)) == ("user", [("tool_call", "u1"), ("tool_result", "u1")])
    assert len(agent.raw) == 2


def test_what_is_known_of_it(tmp_path: Path) -> None:
    (run,) = read(tmp_path / "r.json", results(simulation()))
    header = run.header
    assert header.task == "No signal.\nYou are Ann.\nAccept any fix."
    assert (header.title, header.system, header.model) == ("No signal.", "llm_agent", "gpt-a")
    assert (header.facts["domain"], header.facts["policy"], header.facts["trial"]) == ("telecom", "Be kind.", 0)
    assert header.reference == {
        "reward_info": {"reward": 1.0, "db_check": {"db_match": True}},
        "description": {"purpose": "Refuses without proof."},
        "evaluation_criteria": {"actions": [{"name": "toggle_airplane_mode"}]},
    }
    shown = json.dumps([header.facts, header.title, header.task, [str(step) for step in run.steps]])
    assert "evaluation_criteria" not in shown
    assert "Refuses" not in shown


def test_unknown_fields_of_a_simulation_are_the_graders(tmp_path: Path) -> None:
    document = results({**simulation(), "review": {"agent_error": True}})
    (run,) = read(tmp_path / "r.json", document)
    assert run.header.reference is not None
    assert run.header.reference["review"] == {"agent_error": True}


def test_a_simulation_in_a_file_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "simulations"
    folder.mkdir()
    index = results({"id": "s1", "task_id": "t1", "trial": 0})
    (run,) = read(folder / "s1.json", simulation())
    assert (run.header.task, len(run.steps)) == (None, 5)
    (tmp_path / "results.json").write_text(json.dumps(index))
    (run,) = read(folder / "s1.json", simulation())
    assert (run.header.facts["domain"], run.header.title) == ("telecom", "No signal.")
    (run,) = read(tmp_path / "results.json", index)
    assert (len(run.steps), run.header.files) == (5, [str(folder / "s1.json")])
    for name in ("../s1", "a/b", "nobody"):
        (tmp_path / "bad.json").write_text(json.dumps(results({"id": name, "task_id": "t1", "trial": 0})))
        runs, problems = readers.collect(readers.read(tmp_path / "bad.json", "tau2"))
        assert (runs[0].steps, problems[0].reason) == ([], "simulation 1 has no list `messages`")


def test_odd_messages_are_kept(tmp_path: Path) -> None:
    messages = [
        "nonsense",
        result("c9", "stray"),
        said("assistant", "Hi", 1, mood="glad"),
        said("user", "aGk=", 2, is_audio=True),
    ]
    (run,) = read(tmp_path / "r.json", results(simulation(messages=messages)))
    assert [(step.role, [part.kind for part in step.parts]) for step in run.steps] == [
        ("environment", ["raw"]), ("environment", ["tool_result"]), ("agent", ["text", "raw"]), ("user", ["text"]),
    ]  # fmt: skip
    assert run.steps[2].parts[1].name == "mood"
    assert run.steps[3].parts[0].text.startswith("[audio: ")


def test_a_file_that_is_being_written(tmp_path: Path) -> None:
    text = json.dumps(results(simulation(), simulation("s2")))
    path = tmp_path / "r.json"
    path.write_text(text[: int(len(text) * 0.8)])
    runs, problems = readers.collect(readers.read(path, "tau2"))
    assert [run.header.native_id for run in runs] == ["s1", "s2"]
    assert 0 < len(runs[1].steps) < 5
    assert len(problems) == 1
