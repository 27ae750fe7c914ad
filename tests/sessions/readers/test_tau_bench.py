"""The tau-bench reader against real airline runs and against small lists for each quirk."""

import json
from collections import Counter

import pytest

from sessions import readers
from sessions.run import Header, Step

FILE = "taubench/gpt-4o-airline-part.json"


def expected_steps(traj) -> int:
    """Counted from the messages alone: everything but a tool's answer opens a step."""
    return sum(message["role"] != "tool" for message in traj)


@pytest.mark.real_data
def test_every_run_and_message_of_the_real_file_is_read(real_data):
    path = real_data / FILE
    source = json.loads(path.read_text())
    assert readers.sniff(path)[0].format == "tau-bench"
    runs, problems = readers.collect(readers.read(path))
    assert problems == []
    assert len(runs) == len(source) == 60
    for place, (run, item) in enumerate(zip(runs, source, strict=True)):
        assert run.header.item == place
        assert len(run.steps) == expected_steps(item["traj"])
        assert [json.loads(raw) for step in run.steps for raw in step.raw] == item["traj"]
        spoken = Counter({"assistant": "agent"}.get(m["role"], m["role"]) for m in item["traj"] if m["role"] != "tool")
        assert Counter(step.actor for step in run.steps) == spoken
        calls = [call["id"] for m in item["traj"] for call in m.get("tool_calls") or []]
        answers = [(m["tool_call_id"], m["name"], m["content"]) for m in item["traj"] if m["role"] == "tool"]
        parts = [part for step in run.steps for part in step.parts]
        assert [part.call_id for part in parts if part.kind == "tool_call"] == calls
        assert [(p.call_id, p.name, p.text) for p in parts if p.kind == "tool_result"] == answers
        for step in run.steps:
            ids = {part.call_id for part in step.parts if part.kind == "tool_call"}
            assert {part.call_id for part in step.parts if part.kind == "tool_result"} <= ids


@pytest.mark.real_data
def test_the_answer_is_kept_apart(real_data):
    source = json.loads((real_data / FILE).read_text())
    runs, _ = readers.collect(readers.read(real_data / FILE))
    for run, item in zip(runs, source, strict=True):
        assert run.header.reference["reward"] == item["reward"]
        assert run.header.reference["actions"] == item["info"]["task"]["actions"]
        assert run.header.reference["outputs"] == item["info"]["task"]["outputs"]
        assert run.header.reference.get("reward_info") == item["info"]["reward_info"]
        assert run.header.task == item["info"]["task"]["instruction"]
        assert run.header.facts["trial"] == item["trial"]
        shown = json.dumps([run.header.facts, run.header.task, run.header.title])
        assert "reward" not in shown
        assert "gt_data_hash" not in shown


def run_of(item, tmp_path):
    path = tmp_path / "r.json"
    path.write_text(json.dumps(item))
    return readers.collect(readers.read(path, "tau-bench"))


def test_strange_fields_do_not_reach_the_blind_reader(tmp_path):
    item = {"task_id": 3, "reward": 1, "traj": [], "trial": 0, "secret": "gold", "info": {"db": 1, "task": {"x": 2}}}
    (run,), problems = run_of([item], tmp_path)
    assert problems == []
    assert run.header.reference == {"reward": 1, "secret": "gold", "db": 1, "x": 2}
    assert run.header.native_id == "3/0"
    assert run.header.facts == {"benchmark": "tau-bench", "task_id": 3, "trial": 0}


def test_one_run_alone_and_runs_that_are_none(tmp_path):
    traj = [{"role": "user", "content": "Hello there"}, "noise", {"role": "assistant", "content": "Hi"}]
    (run,), problems = run_of({"task_id": 1, "trial": 2, "traj": traj}, tmp_path)
    assert [step.actor for step in run.steps] == ["user", "agent"]
    assert [part.text for part in run.steps[0].parts if part.kind == "raw"] == ["noise"]
    assert run.header.title == "Hello there"
    runs, problems = run_of([5, {"task_id": 1, "traj": "lost"}, {"task_id": 2, "traj": traj}], tmp_path)
    assert [run.header.item for run in runs] == [1, 2]
    assert runs[0].header.reference == {"traj": "lost"}
    assert len(problems) == 2


def test_a_half_written_list_keeps_the_runs_before(tmp_path):
    item = {"task_id": 1, "reward": 0.0, "info": {}, "traj": [{"role": "user", "content": "Hi"}], "trial": 0}
    path = tmp_path / "r.json"
    path.write_text(json.dumps([item, item, item])[:-20])
    runs, problems = readers.collect(readers.read(path))
    assert [len(run.steps) for run in runs] == [1, 1, 1]
    assert len(problems) == 1


def test_runs_are_streamed(tmp_path, monkeypatch):
    item = {"task_id": 1, "reward": 0.0, "info": {}, "traj": [{"role": "user", "content": "Hi"}], "trial": 0}
    path = tmp_path / "r.json"
    path.write_text(json.dumps([item] * 50) + "garbage")
    monkeypatch.setattr("sessions.readers.base.WHOLE_DOCUMENT_BYTES", 10)
    monkeypatch.setattr("sessions.readers.salvage.WHOLE_DOCUMENT_BYTES", 10)
    records = readers.read(path)
    assert isinstance(next(records), Header)
    assert isinstance(next(records), Step)
    runs, problems = readers.collect(readers.read(path))
    assert len(runs) == 50
    assert len(problems) == 1
