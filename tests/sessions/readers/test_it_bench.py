"""The IT-Bench reader: a Codex session with what lies around it, in the two layouts that were published."""

import json
from pathlib import Path

import pytest

from sessions import readers
from sessions.discover import find
from sessions.identity import content_id
from sessions.readers.it_bench import root_cause_recall
from sessions.run import Run

ANSWER = {"entities": [{"name": "otel/ConfigMap/flagd", "contributing_factor": True}], "propagations": []}
SCORES = {"root_cause_entity": {"calculation_recall": 0.5, "calculation_f1": 0.6}}
JUDGE = {"metadata": {"judge_model": "j"}, "eval_result": {"scores": SCORES}}


def line(kind: str, **payload) -> str:
    return json.dumps({"timestamp": "2026-01-15T11:08:40.000Z", "type": kind, "payload": payload})


def session() -> str:
    said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Find the root cause."}]}
    call = {
        "type": "function_call",
        "name": "mcp__sre_utils__log_analysis",
        "arguments": '{"limit":5}',
        "call_id": "c1",
    }
    out = {"type": "function_call_output", "call_id": "c1", "output": '[{"type":"text","text":"3 errors"}]'}
    meta = line("session_meta", id="sess-1", cwd="/w", cli_version="0.94.0", originator="codex_exec")
    return "\n".join([meta, *(line("response_item", **item) for item in (said, call, out))]) + "\n"


def folder(tmp_path: Path, where: str, files: dict[str, object], name: str = "session.jsonl") -> Path:
    path = tmp_path / where / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(session())
    for file, content in files.items():
        target = path.parent / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def read(path: Path) -> Run:
    assert readers.sniff(path)[0] == readers.Guess("it-bench", 0.99)
    (run,), problems = readers.collect(readers.read(path))
    assert problems == []
    return run


def test_a_published_run(tmp_path: Path) -> None:
    where = "ReAct-Agent-Trajectories/OpenAI-GPT-OSS-120B/sre/Scenario-80/2"
    truth = {"../ground_truth.yaml": "groups:\n- id: flagd\n"}
    path = folder(tmp_path, where, {"agent_output.json": ANSWER, "judge_output.json": JUDGE, **truth})
    run = read(path)
    (alone,), _ = readers.collect(readers.read(path, "codex"))
    assert content_id(run.steps) == content_id(alone.steps)
    assert len(run.steps) == 2
    header = run.header
    assert (header.format, header.native_id, header.task) == ("it-bench", "sess-1", "Find the root cause.")
    assert {key: header.facts[key] for key in ("benchmark", "domain", "scenario", "trial")} == {
        "benchmark": "IT-Bench", "domain": "sre", "scenario": "80", "trial": 2,
    }  # fmt: skip
    assert header.facts["agent_output"] == ANSWER
    assert header.reference == {
        "judge": JUDGE, "root_cause_recall": 0.5, "solved": False, "ground_truth": "groups:\n- id: flagd\n",
    }  # fmt: skip
    assert [Path(name).name for name in header.files] == ["agent_output.json", "judge_output.json", "ground_truth.yaml"]
    assert "judge_model" not in str(header.facts)


def test_the_agents_own_layout(tmp_path: Path) -> None:
    """Sessions by date below the run's folder, its answer as a Markdown block in a JSON string."""
    answer = json.dumps(f"```json\n{json.dumps(ANSWER)}\n```")
    files = {"../../../../outputs/agent_output.json": answer, "../../../../ground_truth.json": {"groups": []}}
    path = folder(tmp_path, "agent_outputs/2/1/sessions/2026/01/15", files, "rollout-2026-01-15T11-08-40-x.jsonl")
    run = read(path)
    assert run.header.facts["agent_output"] == ANSWER
    assert (run.header.facts["scenario"], run.header.facts["trial"]) == ("2", 1)
    assert run.header.reference == {"ground_truth": {"groups": []}}


def test_a_session_alone_is_codex(tmp_path: Path) -> None:
    path = folder(tmp_path, "x", {"agent_output.json": {"something": "else"}})
    assert readers.sniff(path)[0].format == "codex"
    assert "it-bench" not in [guess.format for guess in readers.sniff(path)]


def test_a_folder_of_runs_is_found(tmp_path: Path) -> None:
    for number in (1, 2):
        folder(tmp_path, f"finops/Scenario-3/{number}", {"agent_output.json": ANSWER, "judge_output.json": JUDGE})
    found = list(find([tmp_path]))
    assert [(item.format, item.path.name) for item in found] == [("it-bench", "session.jsonl")] * 2


@pytest.mark.parametrize(
    ("judge", "recall"),
    [
        ({"scores": {"root_cause_entity": 100}}, 1.0),
        ({"scores": {"root_cause_entity": 0}, "error": "No agent output file"}, 0.0),
        ({"scores": {"root_cause_entity": {"score": 100}}}, 1.0),
        ({"flat_scores": {"root_cause_entity_recall": 1.0}, "scores": {"root_cause_entity": 0}}, 1.0),
        ({"eval_result": {"scores": {"root_cause_entity": {"gt_entities": ["a", "b"], "predicted_entities": [
            {"entity": "x", "matches_gt": True, "matched_to": "a"},
            {"entity": "y", "matches_gt": True, "matched_to": "a"},
            {"entity": "z", "matches_gt": False}]}}}}, 0.5),
        ({"scores": {"root_cause_entity": {"calculation_recall": 7}}}, None),
        ({"scores": {}}, None), ([], None), ("text", None), (None, None),
    ],
)  # fmt: skip
def test_recall_by_either_generation_of_judges(judge: object, recall: float | None) -> None:
    assert root_cause_recall(judge) == recall


def test_odd_files_beside_a_session(tmp_path: Path) -> None:
    path = folder(tmp_path, "a", {"agent_output.json": "not json at all", "judge_output.json": {"scores": [1]}})
    run = read(path)
    assert run.header.facts["agent_output"] == "not json at all"
    assert run.header.reference == {"judge": {"scores": [1]}, "root_cause_recall": None}
