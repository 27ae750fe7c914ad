"""Runs as ATIF 1.7: Harbor's models take every document, and read here it is the same run again."""

import json
from importlib import import_module
from pathlib import Path

import pytest
from atif_rules import violations
from conversion import bare, bare_header, convert, convert_steps, numbered, read_text, same_content
from helpers import load, quick, steps, write_run
from hypothesis import given
from hypothesis import strategies as st

from sessions import catalog, readers
from sessions.errors import UserError
from sessions.run import Part, Step
from sessions.store import Store
from sessions.writers import atif
from sessions.writers.base import Recorded

DATA = [
    "claude_code/agent_session.jsonl",
    "claude_code/tool_call_conversation.jsonl",
    "claude_code/compaction_session.jsonl",
    "codex/2026/01/02/rollout-2026-01-02T03-04-05-11111111-1111-4111-8111-111111111111.jsonl",
    "codex/2026/01/03/rollout-2026-01-03T04-05-10-33333333-3333-4333-8333-333333333333.jsonl",
    "atif/openhands_hello-world.trajectory.json",
    "atif/terminus_2_hello-world-context-summarization-linear-history.trajectory.cont-1.json",
    "sweagent/trajectories/demonstrations/ctf/crypto/katy.traj",
    "sweagent/trajectories/demonstrations/function_calling_simple.traj",
    "miniswe/gen/run.traj.json",
    "taubench/gpt-4o-airline-part.json",
    "whowhen/Hand-Crafted/30.json",
    "whowhen/Algorithm-Generated/80.json",
    "mast/MAD_human_labelled_dataset.json",
    "mast/ag2_labelled/records.json",
]


def official():
    """Harbor's models of a trajectory, or the `atif` package's, where one is installed."""
    for name in ("harbor.models.trajectories", "atif"):
        try:
            return import_module(name).Trajectory
        except ImportError:
            continue
    return pytest.skip("neither harbor nor atif is installed")


@pytest.mark.real_data
@pytest.mark.parametrize("name", DATA)
def test_a_real_run_is_atif_and_the_same_run_again(name: str, real_data: Path, tmp_path: Path) -> None:
    """By content id, and in all that ATIF or our notes in it can say."""
    runs, _ = readers.collect(readers.read(real_data / name))
    originals = {(run.header.native_id, run.header.item): run for run in runs}
    for document in convert(real_data / name, "atif", tmp_path / "a.db")[:20]:
        assert violations(json.loads(document)) == []
        again = read_text(document, tmp_path / "run.json")
        assert readers.sniff(tmp_path / "run.json")[0].format == "atif"
        (original,) = [run for run in originals.values() if same_content(run.steps, again.steps)][:1]
        assert [bare(step) for step in again.steps] == numbered(original.steps, again.steps)
        if "mast" not in name:
            assert bare_header(again.header) == bare_header(original.header)


@pytest.mark.real_data
@pytest.mark.parametrize("name", DATA)
def test_the_official_models_take_it(name: str, real_data: Path, tmp_path: Path) -> None:
    model = official()
    for document in convert(real_data / name, "atif", tmp_path / "a.db")[:20]:
        assert model.model_validate_json(document).steps


@quick(80)
@given(made=st.lists(steps().filter(lambda step: step.actor), min_size=1, max_size=5))
def test_any_steps_are_atif_and_come_back(made: list[Step], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any")
    with Store.open(folder / "a.db") as store:
        (imported,) = load(store, write_run(folder / "made.jsonl", made))
        info = catalog.run_by_id(store, imported.run)
        assert info is not None
        expected = [stored.step for stored in catalog.steps(store, info.no)]
        document = "".join(atif.write(Recorded(store, info)))
    assert violations(json.loads(document)) == []
    again = read_text(document, folder / "run.json")
    if sorted(step.depth for step in expected) == [0] * len(expected):
        assert same_content(again.steps, expected)
        assert [step.actor for step in again.steps] == [step.actor for step in expected]
    assert sum(len(step.parts) for step in again.steps) == sum(len(step.parts) for step in expected)
    for kind in ("text", "reasoning", "raw", "tool_result", "tool_call"):
        texts = [
            sorted(part.text for step in run for part in step.parts if part.kind == kind)
            for run in (again.steps, expected)
        ]
        assert texts[0] == texts[1]


# -- what goes where ------------------------------------------------------------------------------------------------


def document_of(made: list[Step | str], folder: Path) -> dict:
    document = json.loads(convert_steps(made, "atif", folder))
    assert violations(document) == []
    return document


def call(name: str, call_id: str | None, arguments: object = None) -> Part:
    from sessions.run import arguments_text

    return Part("tool_call", arguments_text(arguments), name=name, call_id=call_id, arguments=arguments)


def test_a_plain_run_has_nothing_of_ours_in_its_steps(tmp_path: Path) -> None:
    """So that other programs get ATIF as they know it."""
    made = [
        Step("system", "system", [Part("text", "You are terse.")]),
        Step("user", "user", [Part("text", "Go")], at="2026-01-01T00:00:00Z"),
        Step(
            "agent", "agent",
            [Part("reasoning", "Where?"), Part("text", "I look."), call("ls", "c1", {"path": "/"}),
             Part("tool_result", "etc", name="ls", call_id="c1")],
            model="m", tokens_in=10, tokens_out=3, cost=0.5,
        ),
    ]  # fmt: skip
    document = document_of(made, tmp_path)
    assert document["steps"] == [
        {"step_id": 1, "source": "system", "message": "You are terse."},
        {"step_id": 2, "timestamp": "2026-01-01T00:00:00Z", "source": "user", "message": "Go"},
        {
            "step_id": 3, "source": "agent", "model_name": "m", "message": "I look.", "reasoning_content": "Where?",
            "tool_calls": [{"tool_call_id": "c1", "function_name": "ls", "arguments": {"path": "/"}}],
            "observation": {"results": [{"source_call_id": "c1", "content": "etc"}]},
            "metrics": {"prompt_tokens": 10, "completion_tokens": 3, "cost_usd": 0.5},
        },
    ]  # fmt: skip
    assert document["agent"] == {"name": "unknown", "version": "unknown"}
    assert document["final_metrics"] == {
        "total_prompt_tokens": 10, "total_completion_tokens": 3, "total_cost_usd": 0.5, "total_steps": 3,
    }  # fmt: skip


def test_what_atif_does_not_know_is_in_extra(tmp_path: Path) -> None:
    made = [
        Step("WebSurfer", "agent", [Part("text", "a", name="to Coder"), call("f", None, "bare"), Part("text", "b")]),
        Step("terminal", "environment", [Part("tool_result", "no", call_id="x", is_error=True)], at="yesterday"),
        Step("user", "user", [Part("text", "stop"), Part("raw", "{}", name="odd")], branch="rewind 1"),
    ]
    document = document_of(made, tmp_path)
    first, second, third = document["steps"]
    assert first["message"] == "a\nb"
    assert first["tool_calls"][0]["arguments"] == {"input": "bare"}
    assert first["extra"]["review-tui"]["actor"] == "WebSurfer"
    assert (second["source"], second["message"], "timestamp" in second) == ("system", "", False)
    assert second["observation"]["results"][0]["extra"] == {"is_error": True, "review-tui": {"call_id": "x"}}
    assert third["extra"]["review-tui"] == {"branch": "rewind 1", "raw": [["odd", "{}"]]}
    again = read_text(json.dumps(document), tmp_path / "again.json")
    assert [bare(step) for step in again.steps] == numbered(made, again.steps)


def sub(call_id: str, text: str, depth: int = 1, actor: str = "helper") -> Step:
    return Step(actor, "agent", [Part("text", text)], depth=depth, parent_call=call_id)


def test_sub_agents_are_trajectories_of_their_own(tmp_path: Path) -> None:
    inner = Step("helper", "agent", [call("Task", "c2", {"prompt": "deeper"})], depth=1, parent_call="c1")
    done = Part("tool_result", "done", name="Task", call_id="c1")
    made = [
        Step("user", "user", [Part("text", "Go")]),
        Step("agent", "agent", [call("Task", "c1", {"prompt": "help"}), done]),
        Step("agent", "user", [Part("text", "help")], depth=1, parent_call="c1"),
        inner,
        sub("c2", "deep", 2, "digger"),
        sub("c1", "back"),
        Step("agent", "agent", [Part("text", "Thanks.")]),
        sub("nobody", "whose?", 3),
    ]
    document = document_of(made, tmp_path)
    assert [step["step_id"] for step in document["steps"]] == [1, 2, 3, 4]
    (result,) = document["steps"][1]["observation"]["results"]
    assert result["content"] == "done"
    assert result["subagent_trajectory_ref"] == [{"trajectory_id": "sub-1"}]
    (helper,) = document["subagent_trajectories"]
    assert (helper["agent"]["name"], len(helper["steps"])) == ("helper", 3)
    (digger,) = helper["subagent_trajectories"]
    assert digger["agent"]["name"] == "digger"
    assert document["final_metrics"] == {"total_steps": 4}
    assert document["steps"][3]["extra"]["review-tui"] == {"actor": "helper", "depth": 3, "parent_call": "nobody"}
    again = read_text(json.dumps(document), tmp_path / "again.json")
    assert [bare(step) for step in again.steps] == numbered(made, again.steps)


def test_sub_agents_that_ran_beside_their_caller_come_behind_the_call(tmp_path: Path) -> None:
    """The one thing that ATIF cannot say: what came in between. All of it is there, but the content id is another."""
    made = [
        Step("agent", "agent", [call("Task", "c1", {}), call("Task", "c2", {})]),
        sub("c1", "one"),
        sub("c2", "two"),
        sub("c1", "three"),
        Step("agent", "agent", [Part("text", "meanwhile")]),
        sub("c2", "four"),
    ]
    again = read_text(json.dumps(document_of(made, tmp_path)), tmp_path / "again.json")
    assert [step.parts[0].text for step in again.steps] == ["", "one", "three", "two", "four", "meanwhile"]
    assert [(step.depth, step.parent_call) for step in again.steps[1:5]] == [(1, "c1")] * 2 + [(1, "c2")] * 2
    assert not same_content(again.steps, made)


def test_copied_context_is_marked(real_data: Path, tmp_path: Path) -> None:
    source = real_data / "atif/terminus_2_hello-world-context-summarization-linear-history.trajectory.cont-1.json"
    (document,) = convert(source, "atif", tmp_path / "a.db")
    marks = [step.get("is_copied_context") for step in json.loads(document)["steps"]]
    assert marks == [step.get("is_copied_context") for step in json.loads(source.read_text())["steps"]]


def test_the_answer_stays_out_on_request(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"messages": [{"role": "user", "content": "x"}], "ground_truth": "the answer"}))
    (full,) = convert(path, "atif", tmp_path / "a.db")
    assert read_text(full, tmp_path / "full.json").header.reference == {"ground_truth": "the answer"}
    (blind,) = convert(path, "atif", tmp_path / "b.db", with_reference=False)
    assert "the answer" not in blind
    assert read_text(blind, tmp_path / "blind.json").header.reference is None


def test_a_run_without_steps_is_no_atif(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        path = tmp_path / "empty.jsonl"
        path.write_text('{"run": {"title": "nothing"}}\n')
        (imported,) = load(store, path)
        info = catalog.run_by_id(store, imported.run)
        assert info is not None
        with pytest.raises(UserError, match="no steps"):
            list(atif.write(Recorded(store, info)))


@pytest.mark.parametrize("depth", [100, 149, 151, 195])
def test_deep_arguments_leave_the_document_readable(depth: int, tmp_path: Path) -> None:
    value: object = "x"
    for _ in range(depth):
        value = {"d": value}
    made = [Step("agent", "agent", [call("f", "c", value)])]
    again = read_text(json.dumps(document_of(made, tmp_path)), tmp_path / "again.json")
    got = again.steps[0].parts[0].arguments
    assert (json.loads(got) if isinstance(got, str) else got) == value


@pytest.mark.parametrize(
    "kept",
    [
        {"parts": [["text", 1], ["text", 99]]}, {"parts": [["tool_call"]]}, {"parts": "x"},
        {"parts": [None, 3, ["text"]]}, {"parts": []}, {"depth": -1, "role": "boss", "actor": ""},
        {"raw": [1, [2, 3], "x"]}, {"tokens_in": "many"},
        {"parts": [["text", 2, 7], ["tool_result"], ["raw"]], "raw": 5},
    ],
)  # fmt: skip
def test_notes_that_do_not_fit_are_passed_over(kept: dict, tmp_path: Path) -> None:
    step = {
        "step_id": 1, "source": "agent", "message": "hello",
        "observation": {"results": [{"content": "r", "extra": {"review-tui": {"call_id": 5}}}]},
        "extra": {"review-tui": kept},
    }  # fmt: skip
    document = {"schema_version": "ATIF-v1.7", "agent": {"name": "a", "version": "1"}, "steps": [step]}
    run = read_text(json.dumps(document), tmp_path / "run.json")
    texts = [(part.kind, part.text) for part in run.steps[0].parts if part.kind != "raw"]
    assert texts == [("text", "hello"), ("tool_result", "r")]
    assert (run.steps[0].actor, run.steps[0].role, run.steps[0].depth) == ("agent", "agent", 0)
