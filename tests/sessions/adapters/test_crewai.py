"""The adapter of CrewAI against the real package, with a model of its own class that says its lines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from adapter_tools import approve, gates, reject, reviewer, roll_back, steps, stop, tree

# No telemetry, and nothing is sent anywhere.
os.environ |= {"CREWAI_DISABLE_TELEMETRY": "true", "OTEL_SDK_DISABLED": "true", "CREWAI_DISABLE_TRACKING": "true",
               "CREWAI_TRACING_ENABLED": "false"}  # fmt: skip
pytest.importorskip("crewai", reason="crewai is not installed: make test-adapters")

from crewai import Agent, BaseLLM, Crew, Task
from crewai.tools import tool

from sessions.adapters.base import Review, Stopped, Unanswered
from sessions.adapters.crewai import ReviewedCrew
from sessions.store import Store

pytestmark = [pytest.mark.adapters, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

STORY = ["echo 'VALUE = 2' > src/app.py", "echo x > new.txt", "rm secret.env; rmdir empty", "cat src/app.py"]
KINDS = ["text", "native"]


class Scripted(BaseLLM):
    """Says its lines, in text or as calls."""

    lines: list[Any]
    native: bool
    sent: list[list[str]]

    def call(self, messages: Any, *args: Any, **named: Any) -> Any:
        self.sent.append([str(message.get("content")) for message in messages])
        return self.lines.pop(0)

    def supports_function_calling(self) -> bool:
        return self.native

    def supports_stop_words(self) -> bool:
        return False


def says(kind: str, command: str) -> Any:
    given = json.dumps({"command": command})
    if kind == "native":
        return [{"id": command, "type": "function", "function": {"name": "bash", "arguments": given}}]
    return f"Thought: I do\nAction: bash\nAction Input: {given}"


def ends(kind: str, words: str = "done") -> str:
    return words if kind == "native" else f"Thought: ok\nFinal Answer: {words}"


def story(kind: str, *commands: str) -> list[Any]:
    return [*(says(kind, command) for command in commands), ends(kind)]


def crew(kind: str, workspace: Path, script: list[Any], tasks: int = 1) -> tuple[Any, Scripted]:
    @tool("bash")
    def bash(command: str) -> str:
        """Run a command."""
        done = subprocess.run(command, shell=True, cwd=workspace, capture_output=True, text=True)
        return done.stdout or done.stderr or "ok"

    bash.cache_function = lambda *_: False
    model = Scripted(model="scripted", lines=script, native=kind == "native", sent=[])
    agent = Agent(role="fixer", goal="fix", backstory="b", llm=model, tools=[bash], verbose=False)
    made = [Task(description=f"mend it {n}", expected_output="x", agent=agent) for n in range(tasks)]
    return Crew(agents=[agent], tasks=made, verbose=False), model


def review(db: Path, workspace: Path | None, **more: Any) -> Review:
    settings = {"run": "cr", "chunks": "every:1", "before": "none", **more}
    return Review(agent="crew", workspace=workspace, db=db, **settings)


def reviewed(kind: str, db: Path, workspace: Path, script: list[Any], tasks: int = 1, **more: Any) -> Any:
    made, model = crew(kind, workspace, script, tasks)
    return ReviewedCrew(made, review(db, workspace, **more)), model


def made_calls(db: Path, *, abandoned: bool = False) -> list[str]:
    found = steps(db, "cr", abandoned=abandoned)
    return [part.text for step in found for part in step.parts if part.kind == "tool_call"]


@pytest.mark.parametrize("kind", KINDS)
def test_approved_to_the_end_it_is_as_without_gates(db: Path, workspace: Path, tmp_path: Path, kind: str) -> None:
    plain_folder = tmp_path / "plain"
    shutil.copytree(workspace, plain_folder, symlinks=True)
    plain, plain_model = crew(kind, plain_folder, story(kind, *STORY))
    without = plain.kickoff()
    gated, model = reviewed(kind, db, workspace, story(kind, *STORY))
    with reviewer(db) as seen:
        result = gated.kickoff()
    assert result.raw == without.raw == "done"
    assert model.sent == plain_model.sent
    assert tree(workspace) == tree(plain_folder)
    assert [gate.final for gate in seen] == [False] * 4 + [True]
    assert made_calls(db) == STORY
    recorded = [step for step in steps(db, "cr") if step.role == "agent"]
    assert {step.actor for step in recorded} == {"fixer"}
    call, result_ = recorded[3].parts[-2:]
    assert (call.kind, result_.kind, result_.text) == ("tool_call", "tool_result", "VALUE = 2\n")
    assert call.call_id == result_.call_id
    with Store.open(db) as store:
        assert store.query("SELECT state, task FROM run") == [("complete", "mend it 0")]


@pytest.mark.parametrize("kind", KINDS)
def test_rejected_calls_are_not_made(db: Path, workspace: Path, kind: str) -> None:
    before = tree(workspace)
    gated, model = reviewed(kind, db, workspace, story(kind, "rm -rf src"), before="risky", chunks="every:9")
    with reviewer(db, reject("Leave it alone.")) as seen:
        assert gated.kickoff().raw == "done"
    assert tree(workspace) == before
    assert seen[0].proposed[0]["arguments"] == {"command": "rm -rf src"}
    assert any("Leave it alone." in text for text in model.sent[1])
    assert made_calls(db) == []


@pytest.mark.parametrize("kind", KINDS)
def test_edited_calls_are_made_instead(db: Path, workspace: Path, kind: str) -> None:
    gated, model = reviewed(kind, db, workspace, story(kind, "rm -rf src", "touch b"), before="all", chunks="every:9")
    edit = [{"name": "bash", "arguments": {"command": "touch instead"}}]
    with reviewer(db, approve(edited=edit), approve(edited=[])):
        gated.kickoff()
    assert (workspace / "instead").exists()
    assert (workspace / "src").exists()
    assert not (workspace / "b").exists()
    assert made_calls(db) == ["touch instead"]
    assert "touch instead" in model.sent[1][-1]


@pytest.mark.parametrize("kind", KINDS)
def test_words_at_a_chunk_are_told(db: Path, workspace: Path, kind: str) -> None:
    gated, model = reviewed(kind, db, workspace, story(kind, *STORY[:2]))
    with reviewer(db, approve("Mind the clock."), reject("And the calendar.")):
        gated.kickoff()
    assert "Mind the clock." in model.sent[1][-1]
    assert "And the calendar." in model.sent[2][-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_rollback_in_a_task_takes_files_and_messages_back(db: Path, workspace: Path, kind: str) -> None:
    script = [*story(kind, *STORY[:3])[:3], says(kind, "cat secret.env"), ends(kind)]
    gated, model = reviewed(kind, db, workspace, script)
    at: list[Any] = []

    def look(_seen: Any) -> Any:
        at.append(tree(workspace))
        return approve()

    with reviewer(db, approve(), look, lambda seen: roll_back(seen[1].key, "You deleted the secret.")):
        gated.kickoff()
    assert tree(workspace) == at[0]
    assert (workspace / "secret.env").stat().st_mode & 0o777 == 0o600
    assert model.sent[3][:-1] == model.sent[2]  # what it was sent then, and the brief
    assert "You deleted the secret." in model.sent[3][-1]
    assert "was taken back to snapshot" in model.sent[3][-1]
    assert made_calls(db, abandoned=True) == STORY[2:3]


@pytest.mark.parametrize("kind", KINDS)
def test_a_rollback_at_a_call_and_to_the_beginning(db: Path, workspace: Path, kind: str) -> None:
    before = tree(workspace)
    gated, model = reviewed(kind, db, workspace, story(kind, *STORY[:2]), before="all", chunks="every:9")
    with reviewer(db, approve(), roll_back("start", "All wrong.")):
        gated.kickoff()
    assert tree(workspace) == before
    assert model.sent[2][:-1] == model.sent[0]
    assert "All wrong." in model.sent[2][-1]


def test_a_rollback_to_another_task_stops_the_crew(
    db: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = [*story("native", "touch a"), *story("native", "touch b")]
    gated, _ = reviewed("native", db, workspace, script, tasks=2)
    at: list[Any] = []

    def look(_seen: Any) -> Any:
        at.append(tree(workspace))
        return approve()

    back = lambda seen: roll_back(seen[0].key, "No b.")  # noqa: E731
    with reviewer(db, look, approve(), back), pytest.raises(Stopped, match="in another task"):
        gated.kickoff()
    assert tree(workspace) == at[0]
    assert "No b." in capsys.readouterr().err


@pytest.mark.parametrize("line", [reject("Nothing is done."), roll_back("start", "Nothing is done.")])
def test_what_is_refused_at_the_end_needs_a_new_crew(
    db: Path, workspace: Path, capsys: pytest.CaptureFixture[str], line: Any
) -> None:
    before = tree(workspace)
    gated, _ = reviewed("native", db, workspace, story("native", "touch a"), chunks="every:9")
    with reviewer(db, line), pytest.raises(Stopped, match="start the agent anew"):
        gated.kickoff()
    assert (tree(workspace) == before) is (line.verdict == "rollback")
    assert "Nothing is done." in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
def test_stopped_nothing_more_runs(db: Path, workspace: Path, kind: str) -> None:
    gated, _ = reviewed(kind, db, workspace, story(kind, *STORY))
    with reviewer(db, stop("Enough.")), pytest.raises(Stopped, match="Enough"):
        gated.kickoff()
    assert not (workspace / "new.txt").exists()
    with pytest.raises(Stopped):
        gated.kickoff()
    assert not (workspace / "new.txt").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_unanswered_nothing_runs(db: Path, workspace: Path, kind: str) -> None:
    before = tree(workspace)
    gated, _ = reviewed(kind, db, workspace, story(kind, "touch a", "touch b"), before="all", timeout_s=0.1)
    with pytest.raises(Unanswered):
        gated.kickoff()
    assert tree(workspace) == before
    assert [gate.state for gate in gates(db, "cr")] == ["open"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_gate_that_fails_stops_the_crew(db: Path, workspace: Path, kind: str) -> None:
    """CrewAI goes on when a hook raises; the adapter must not."""
    gated, _ = reviewed(kind, db, workspace, story(kind, "touch a", "touch b"), before="all")
    gated.review.start([], "mend it")
    with reviewer(db):
        gated.review.gate(final=True)  # the run is over, and the next gate an error
    with pytest.raises(Exception, match="has ended"):
        gated.kickoff()
    assert not (workspace / "a").exists()
    assert not (workspace / "b").exists()
