"""The adapter of mini-SWE-agent against the real package: its agent, its scripted model, its local environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from adapter_tools import approve, gates, reject, reviewer, roll_back, shape, steps, stop, tree

pytest.importorskip("minisweagent", reason="mini-swe-agent is not installed: make test-adapters")

from minisweagent.agents.default import DefaultAgent
from minisweagent.environments.local import LocalEnvironment
from minisweagent.models.test_models import (
    DeterministicModel,
    DeterministicResponseAPIToolcallModel,
    DeterministicToolcallModel,
    make_output,
    make_response_api_output,
    make_toolcall_output,
)

from sessions import catalog
from sessions.adapters.base import Review, Stopped, Unanswered
from sessions.adapters.mini_swe_agent import ReviewedAgent
from sessions.ingest import import_file
from sessions.live.checking import points
from sessions.store import Store

pytestmark = pytest.mark.adapters

CONFIG = {"system_template": "Work.", "instance_template": "Task: {{task}}", "cost_limit": 0}
DONE = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT; cat src/app.py"
STORY = ["echo 'VALUE = 2' > src/app.py", "echo x > new.txt", "rm secret.env; rmdir empty", DONE]


def model(commands: list[str], kind: str = "text") -> Any:
    """The package's scripted model, in each of its three dialects."""
    if kind == "text":
        return DeterministicModel(outputs=[make_output(f"I say {c}", [{"command": c}]) for c in commands])
    made = []
    for number, command in enumerate(commands):
        action = {"command": command, "tool_call_id": f"c{number}"}
        if kind == "responses":
            made.append(make_response_api_output(f"I say {command}", [action]))
            continue
        function = {"name": "bash", "arguments": json.dumps({"command": command})}
        call = {"id": action["tool_call_id"], "type": "function", "function": function}
        made.append(make_toolcall_output(f"I say {command}", [call], [action]))
    return DeterministicResponseAPIToolcallModel(outputs=made) if kind == "responses" else (
        DeterministicToolcallModel(outputs=made)
    )  # fmt: skip


def agent(db: Path, workspace: Path, commands: list[str], kind: str = "text", **review: Any) -> ReviewedAgent:
    settings = {"run": "mini", "chunks": "every:1", "before": "none", **review}
    made = Review(agent="mini", workspace=workspace, db=db, **settings)
    return ReviewedAgent(model(commands, kind), LocalEnvironment(cwd=str(workspace)), review=made, **CONFIG)


def said(messages: list[dict[str, Any]]) -> list[str]:
    """The messages as the agent has them, without what differs from run to run."""
    return [json.dumps({k: v for k, v in m.items() if k != "extra"}, sort_keys=True) for m in messages]


@pytest.mark.parametrize("kind", ["text", "tools", "responses"])
def test_approved_to_the_end_it_is_as_without_gates(db: Path, workspace: Path, tmp_path: Path, kind: str) -> None:
    plain_folder = tmp_path / "plain"
    subprocess.run(["cp", "-a", workspace, plain_folder], check=True)
    plain = DefaultAgent(model(STORY, kind), LocalEnvironment(cwd=str(plain_folder)), **CONFIG)
    without = plain.run("mend it")
    reviewed = agent(db, workspace, STORY, kind)
    with reviewer(db) as seen:
        result = reviewed.run("mend it")
    assert result == without == {"exit_status": "Submitted", "submission": "VALUE = 2\n"}
    assert said(reviewed.messages) == said(plain.messages)
    assert tree(workspace) == tree(plain_folder)
    assert [gate.kind for gate in seen] == ["chunk", "chunk", "chunk", "final"]
    recorded = steps(db, "mini")
    assert [step.actor for step in recorded] == ["system", "user", *["agent"] * 4, "environment"]
    assert shape(recorded[1]) == [("text", "Task: mend it")]
    observed = "<returncode>0</returncode>\n<output>\n</output>"
    assert shape(recorded[2]) == [("text", f"I say {STORY[0]}"), ("tool_call", STORY[0]), ("tool_result", observed)]
    assert shape(recorded[6]) == [("text", "VALUE = 2\n")]
    assert [part.is_error for part in recorded[2].parts] == [None, None, False]
    call, result_ = recorded[2].parts[1:]
    assert call.call_id == result_.call_id == (None if kind == "text" else "c0")
    assert recorded[2].cost == 1.0
    reviewed.save(tmp_path / "mini.traj.json")
    with Store.open(db) as store:
        assert store.query("SELECT state FROM run") == [("complete",)]
        (imported,) = import_file(store, tmp_path / "mini.traj.json").runs
        assert imported.outcome == "linked"  # the agent's own trajectory is this run
        assert len(catalog.runs(store)) == 1


def test_rejected_at_a_chunk_it_hears_why_and_goes_on(db: Path, workspace: Path) -> None:
    reviewed = agent(db, workspace, STORY)
    with reviewer(db, approve(), reject("Write a test first.")):
        reviewed.run("mend it")
    told = [m["content"] for m in reviewed.messages if m.get("extra", {}).get("interrupt_type") == "Review"]
    assert len(told) == 1
    assert "Write a test first." in told[0]
    assert [step.actor for step in steps(db, "mini")].count("review") == 1


@pytest.mark.parametrize("kind", ["text", "tools", "responses"])
def test_a_rejected_command_does_not_run(db: Path, workspace: Path, kind: str) -> None:
    before = tree(workspace)
    reviewed = agent(db, workspace, ["rm -rf src", DONE], kind, before="risky", chunks="every:9")
    with reviewer(db, reject("Leave src alone.")) as seen:
        reviewed.run("mend it")
    assert tree(workspace) == before
    assert [call["arguments"] for call in seen[0].proposed] == [{"command": "rm -rf src"}]
    assert [gate.has_steps for gate in seen] == [True, True]
    answer = reviewed.messages[3]
    assert "Leave src alone." in json.dumps(answer)
    assert answer.get("tool_call_id", answer.get("call_id")) == (None if kind == "text" else "c0")
    recorded = [shape(step) for step in steps(db, "mini")]
    assert recorded[2] == [("text", "I say rm -rf src")]  # shown with the proposal, and never as something done
    assert not any(part == ("tool_call", "rm -rf src") for step in recorded for part in step)


def test_an_edited_command_runs_instead(db: Path, workspace: Path) -> None:
    reviewed = agent(db, workspace, ["rm -rf src", DONE], "tools", before="risky", chunks="every:9")
    edit = [{"name": "bash", "arguments": {"command": "mv src/app.py src/old.py; touch src/app.py"}}]
    with reviewer(db, approve(edited=edit)):
        reviewed.run("mend it")
    assert (workspace / "src" / "old.py").read_bytes() == b"VALUE = 1\r\n"
    told = [m for m in reviewed.messages if m.get("extra", {}).get("interrupt_type") == "Review"]
    assert "mv src/app.py src/old.py" in told[0]["content"]
    recorded = [part for step in steps(db, "mini") for part in step.parts if part.kind == "tool_call"]
    assert recorded[0].text == edit[0]["arguments"]["command"]
    assert recorded[0].call_id == "c0"


def test_a_command_taken_out_of_several_does_not_run(db: Path, workspace: Path) -> None:
    actions = [{"command": f"touch {name}", "tool_call_id": name} for name in ("a", "b")]
    calls = [
        {"id": a["tool_call_id"], "type": "function", "function": {"name": "bash", "arguments": "{}"}} for a in actions
    ]
    done = {"command": DONE, "tool_call_id": "c"}
    last = {"id": "c", "type": "function", "function": {"name": "bash", "arguments": "{}"}}
    outputs = [make_toolcall_output("two", calls, actions), make_toolcall_output("end", [last], [done])]
    review = Review(agent="mini", run="mini", workspace=workspace, db=db, before="all")
    reviewed = ReviewedAgent(
        DeterministicToolcallModel(outputs=outputs), LocalEnvironment(cwd=str(workspace)), review=review, **CONFIG
    )
    kept = {"name": "bash", "arguments": {"command": "touch b2"}, "call_id": "b"}
    with reviewer(db, approve(edited=[kept])):
        reviewed.run("mend it")
    assert sorted(path.name for path in workspace.iterdir() if path.name in "a b b2".split()) == ["b2"]
    observations = [m for m in reviewed.messages if m["role"] == "tool"]
    assert [m["tool_call_id"] for m in observations] == ["a", "b"]
    assert "not run" in observations[0]["content"]


@pytest.mark.parametrize("kind", ["text", "tools", "responses"])
def test_a_rollback_takes_files_and_messages_back(db: Path, workspace: Path, kind: str) -> None:
    story = [*STORY[:3], "echo again > src/app.py", DONE]
    at_first_gate: dict[str, Any] = {}

    class Watching(ReviewedAgent):
        def query(self) -> dict[str, Any]:
            if self.n_calls == 1:
                at_first_gate.update(tree=tree(workspace), messages=said(self.messages))
            if self.n_calls == 2:
                at_first_gate["middle"] = len(self.messages)
            return super().query()

        def add_messages(self, *messages: dict[str, Any]) -> list[dict[str, Any]]:
            if any((m.get("extra") or {}).get("interrupt_type") == "Review" for m in messages):
                at_first_gate.update(tree_after=tree(workspace), messages_after=said(self.messages))
            return super().add_messages(*messages)

    review = Review(agent="mini", run="mini", chunks="every:1", before="none", workspace=workspace, db=db)
    reviewed = Watching(model(story, kind), LocalEnvironment(cwd=str(workspace)), review=review, **CONFIG)
    with reviewer(db, approve(), approve(), roll_back("1", "You deleted the secret.")):
        result = reviewed.run("mend it")
    assert at_first_gate["tree_after"] == at_first_gate["tree"]
    assert at_first_gate["messages_after"] == at_first_gate["messages"]
    assert result["submission"] == "again\n"
    assert (workspace / "secret.env").stat().st_mode & 0o777 == 0o600
    assert not (workspace / "new.txt").exists()
    told = json.dumps(reviewed.messages[len(at_first_gate["messages"])])
    assert "You deleted the secret." in told
    assert "was taken back to snapshot" in told
    abandoned = [shape(step)[1][1] for step in steps(db, "mini", abandoned=True)]
    assert abandoned == STORY[1:3]
    kept = [part.text for step in steps(db, "mini") for part in step.parts if part.kind == "tool_call"]
    assert kept == [STORY[0], "echo again > src/app.py", DONE]


def test_a_rollback_to_the_beginning(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    reviewed = agent(db, workspace, [*STORY[:2], DONE])
    with reviewer(db, approve(), roll_back("start", "All wrong.")):
        result = reviewed.run("mend it")
    assert result["submission"] == "VALUE = 1\n"  # read as text: the line end is still CRLF
    assert tree(workspace) == before
    assert [m["role"] for m in reviewed.messages] == ["system", "user", "user", "assistant", "exit"]


@pytest.mark.parametrize("kind", ["text", "tools", "responses"])
def test_a_rollback_to_a_proposal_leaves_it_unmade(db: Path, workspace: Path, kind: str) -> None:
    before = tree(workspace)
    reviewed = agent(db, workspace, ["rm -rf src", "rm secret.env", DONE], kind, before="risky", chunks="every:9")
    with reviewer(db, approve(), roll_back("1", "Neither of it.")):
        reviewed.run("mend it")
    assert tree(workspace) == before
    assert len(reviewed.messages) == 6  # system, task, proposal, its answer, the last command, exit
    assert "Neither of it." in json.dumps(reviewed.messages[3])


def test_the_end_can_be_refused_and_rolled_back(db: Path, workspace: Path) -> None:
    story = [STORY[0], DONE, "echo 'VALUE = 3' > src/app.py", DONE, DONE]
    reviewed = agent(db, workspace, story, "tools")
    with reviewer(db, approve(), reject("It must be 3."), approve(), roll_back("1", "After all not.")) as seen:
        result = reviewed.run("mend it")
    assert [gate.final for gate in seen] == [False, True, False, True, True]
    assert result["submission"] == "VALUE = 2\n"


def test_stopped_it_does_nothing_more(db: Path, workspace: Path) -> None:
    reviewed = agent(db, workspace, STORY)
    with reviewer(db, approve(), stop("Enough.")), pytest.raises(Stopped, match=r"by ann: Enough\.") as caught:
        reviewed.run("mend it")
    assert "Enough." in caught.value.brief
    assert (workspace / "new.txt").exists()
    assert (workspace / "secret.env").exists()
    with pytest.raises(Stopped):  # whoever catches it and goes on gets it again
        reviewed.step()
    assert [step.actor for step in steps(db, "mini")].count("agent") == 2


def test_unanswered_nothing_runs(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    reviewed = agent(db, workspace, STORY, before="all", timeout_s=0.1)
    with pytest.raises(Unanswered):
        reviewed.run("mend it")
    assert tree(workspace) == before
    (gate,) = gates(db, "mini")
    assert (gate.state, gate.proposed[0]["arguments"]) == ("open", {"command": STORY[0]})


def test_a_gate_that_fails_stops_the_agent(db: Path, workspace: Path) -> None:
    reviewed = agent(db, workspace, ["echo 1", STORY[1], DONE], before="none")
    with reviewer(db):
        reviewed.review.start(["edit", "state"], "mend it")
        reviewed.review.gate(final=True)  # the run is over, and the next gate an error
    with pytest.raises(Exception, match="has ended"):
        reviewed.run("mend it")
    assert not (workspace / "new.txt").exists()


def test_the_limits_end_at_a_gate_too(db: Path, workspace: Path) -> None:
    settings = {**CONFIG, "step_limit": 1}
    review = Review(agent="mini", run="mini", workspace=workspace, db=db, before="none")
    reviewed = ReviewedAgent(model(STORY), LocalEnvironment(cwd=str(workspace)), review=review, **settings)
    with reviewer(db) as seen:
        assert reviewed.run("mend it")["exit_status"] == "LimitsExceeded"
    assert [gate.final for gate in seen] == [True]
    assert shape(steps(db, "mini")[-1]) == [("text", "LimitsExceeded")]


def test_the_stations_own_checks_say_what_is_asked_first(
    db: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the checks as they are installed
    monkeypatch.setenv("REVIEW_TUI_SNAPSHOTS", str(db.parent / "snapshots"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(db.parent / "no-policy"))
    assert points()
    reviewed = agent(db, workspace, ["cat src/app.py", "rm -rf ~/work", DONE], before="risky", chunks="every:9")
    with reviewer(db, reject("Never.")) as seen:
        reviewed.run("mend it")
    assert [call["arguments"]["command"] for gate in seen for call in gate.proposed] == ["rm -rf ~/work"]
    assert seen[0].risk > 0.5


AGENT = """
import sys
from minisweagent.environments.local import LocalEnvironment
from minisweagent.models.test_models import DeterministicModel, make_output
from sessions.adapters.mini_swe_agent import ReviewedAgent
db, workspace, *commands = sys.argv[1:]
agent = ReviewedAgent(
    DeterministicModel(outputs=[make_output(c, [{"command": c}]) for c in commands]), LocalEnvironment(cwd=workspace),
    review={"run": "apart", "workspace": workspace, "db": db, "chunks": "every:1", "before": "none"},
    system_template="Work.", instance_template="{{task}}", cost_limit=0,
)
print(agent.run("mend it")["submission"])
"""


def test_the_packages_own_command(db: Path, workspace: Path, tmp_path: Path) -> None:
    """`mini` itself, with the agent named on its command line."""
    outputs = [make_output(command, [{"command": command}]) for command in (STORY[0], DONE)]
    config = {
        "agent": CONFIG, "environment": {"cwd": str(workspace)},
        "model": {"model_class": "minisweagent.models.test_models.DeterministicModel", "outputs": outputs},
    }  # fmt: skip
    (tmp_path / "mini.yaml").write_text(json.dumps(config))  # JSON is YAML
    settings = {"workspace": workspace, "db": db, "run": "cli", "chunks": "every:1", "before": "none"}
    command = [str(Path(sys.executable).with_name("mini")), "-m", "scripted", "-t", "mend it"]
    command += ["-o", str(tmp_path / "out.json")]
    for spec in (tmp_path / "mini.yaml", *(f"agent.review.{key}={value}" for key, value in settings.items())):
        command += ["-c", str(spec)]
    command += ["--agent-class", "sessions.adapters.mini_swe_agent.ReviewedAgent"]
    env = {**os.environ, "MSWEA_CONFIGURED": "true", "REVIEW_TUI_POLICY": str(tmp_path / "policy.toml")}
    (tmp_path / "policy.toml").write_text("")
    with reviewer(db) as seen:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert [(gate.name, gate.final) for gate in seen] == [("cli", False), ("cli", True)]
    assert json.loads((tmp_path / "out.json").read_text())["info"]["exit_status"] == "Submitted"


def test_decided_on_by_the_command_line(db: Path, workspace: Path) -> None:
    command = [sys.executable, "-c", AGENT, str(db), str(workspace), *STORY[:2], DONE]
    working = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    tui = [sys.executable, "-m", "review_tui", "--db", str(db), "gate"]
    env = {**os.environ, "REVIEW_TUI_POLICY": str(db.parent / "policy.toml")}
    (db.parent / "policy.toml").write_text("")

    def decide(gate: str, *more: str) -> None:
        deadline = time.monotonic() + 60
        while not any(
            item.key == gate and item.state == "open" for item in (gates(db, "apart") if db.exists() else [])
        ):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        subprocess.run([*tui, "decide", f"apart/{gate}", "--reviewer", "ann", *more], check=True, env=env)

    decide("1", "--verdict", "approve")
    decide("2", "--verdict", "rollback", "--to", "1", "--note", "No new files.")
    decide("3", "--verdict", "approve")
    output, _ = working.communicate(timeout=60)
    assert working.returncode == 0
    assert "VALUE = 2" in output
    assert not (workspace / "new.txt").exists()
