"""The adapter of AutoGen AgentChat against the real package, with its own replaying model client."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from adapter_tools import approve, gates, reject, reviewer, roll_back, steps, stop, tree

pytest.importorskip("autogen_agentchat", reason="autogen-agentchat is not installed: make test-adapters")

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination, TextMentionTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core import FunctionCall
from autogen_core.models import CreateResult, ModelFamily, RequestUsage
from autogen_core.tools import FunctionTool
from autogen_ext.models.replay import ReplayChatCompletionClient

from sessions.adapters.autogen import ReviewedTeam
from sessions.adapters.base import Review, Stopped, Unanswered
from sessions.errors import UsageError
from sessions.store import Store

pytestmark = pytest.mark.adapters

STORY = ["echo 'VALUE = 2' > src/app.py", "echo x > new.txt", "rm secret.env; rmdir empty", "cat src/app.py"]
INFO = {"vision": False, "function_calling": True, "json_output": False, "family": ModelFamily.UNKNOWN,
        "structured_output": False}  # fmt: skip


def says(*commands: str) -> CreateResult:
    calls = [FunctionCall(f"{c}/{n}", json.dumps({"command": c}), "bash") for n, c in enumerate(commands)]
    thought, usage = f"I say {commands[0]}", RequestUsage(1, 1)
    return CreateResult(finish_reason="function_calls", content=calls, usage=usage, cached=False, thought=thought)


def text(words: str) -> CreateResult:
    return CreateResult(finish_reason="stop", content=words, usage=RequestUsage(1, 1), cached=False)


def story(*commands: str) -> list[CreateResult]:
    return [*(says(command) for command in commands), text("DONE")]


def bash_in(workspace: Path) -> FunctionTool:
    def bash(command: str) -> str:
        done = subprocess.run(command, shell=True, cwd=workspace, capture_output=True, text=True)
        return done.stdout or done.stderr

    return FunctionTool(bash, "Run a command.", name="bash")


def team(workspace: Path, script: list[CreateResult], gated: ReviewedTeam | None, condition: Any = None) -> Any:
    client = ReplayChatCompletionClient(script, model_info=INFO)
    tools = {"workbench": gated.tools([bash_in(workspace)])} if gated else {"tools": [bash_in(workspace)]}
    fixer = AssistantAgent("fixer", client, **tools)
    condition = condition or TextMentionTermination("DONE")
    return RoundRobinGroupChat([fixer], termination_condition=gated.until(condition) if gated else condition)


def review(db: Path, workspace: Path | None, **more: Any) -> Review:
    settings = {"run": "ag", "chunks": "every:1", "before": "none", **more}
    return Review(agent="team", workspace=workspace, db=db, **settings)


def gated_team(
    db: Path, workspace: Path, script: list[CreateResult], condition: Any = None, **more: Any
) -> tuple[ReviewedTeam, Any]:
    gated = ReviewedTeam(review(db, workspace, **more))
    return gated, team(workspace, script, gated, condition)


async def said(made: Any) -> list[tuple[str, str]]:
    """The messages of the team, from its own state."""
    state = await made.save_state()
    manager = next(state for name, state in state["agent_states"].items() if "Manager" in name)
    thread = [m for m in manager["message_thread"] if not m["type"].endswith("Event")]
    return [(m["source"], m["content"]) for m in thread]


def made_calls(db: Path, *, abandoned: bool = False) -> list[str]:
    found = steps(db, "ag", abandoned=abandoned)
    return [part.text for step in found for part in step.parts if part.kind == "tool_call"]


async def test_approved_to_the_end_it_is_as_without_gates(db: Path, workspace: Path, tmp_path: Path) -> None:
    plain_folder = tmp_path / "plain"
    shutil.copytree(workspace, plain_folder, symlinks=True)
    plain = team(plain_folder, story(*STORY), None)
    await plain.run(task="mend it")
    gated, made = gated_team(db, workspace, story(*STORY))
    with reviewer(db) as seen:
        result = await gated.run(made, "mend it")
    assert result.stop_reason == "Text 'DONE' mentioned"
    assert await said(made) == await said(plain)
    assert tree(workspace) == tree(plain_folder)
    assert [gate.final for gate in seen] == [False] * 4 + [True]
    recorded = steps(db, "ag")
    assert [(step.actor, step.role) for step in recorded] == [("user", "user")] + [("fixer", "agent")] * 5
    assert [(part.kind, part.text) for part in recorded[4].parts] == [
        ("reasoning", "I say cat src/app.py"), ("tool_call", "cat src/app.py"), ("tool_result", "VALUE = 2\n"),
    ]  # fmt: skip
    assert recorded[4].parts[1].call_id == recorded[4].parts[2].call_id == "cat src/app.py/0"
    with Store.open(db) as store:
        assert store.query("SELECT state, task FROM run") == [("complete", "mend it")]


async def test_rejected_calls_are_not_made(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    gated, made = gated_team(db, workspace, [says("rm -rf src"), text("DONE")], before="risky", chunks="every:9")
    with reviewer(db, reject("Leave it alone.")) as seen:
        await gated.run(made, "mend it")
    assert tree(workspace) == before
    assert seen[0].proposed[0]["arguments"] == {"command": "rm -rf src"}
    assert seen[0].has_steps  # what was said before the call is on the gate
    assert "Leave it alone." in (await said(made))[1][1]
    assert made_calls(db) == []
    assert [step.actor for step in steps(db, "ag")] == ["user", "fixer", "review", "fixer"]


async def test_edited_calls_are_made_instead(db: Path, workspace: Path) -> None:
    script = [says("rm -rf src", "touch b"), text("DONE")]
    gated, made = gated_team(db, workspace, script, before="all", chunks="every:9")
    edit = [{"name": "bash", "arguments": {"command": "touch instead"}}]
    with reviewer(db, approve(edited=edit), approve(edited=[])):
        await gated.run(made, "mend it")
    assert (workspace / "instead").exists()
    assert (workspace / "src").exists()
    assert not (workspace / "b").exists()
    assert made_calls(db) == ["touch instead"]
    thread = await said(made)
    assert any("touch instead" in words for source, words in thread if source == "user")  # told after the turn


async def test_words_at_a_chunk_are_told(db: Path, workspace: Path) -> None:
    gated, made = gated_team(db, workspace, story(*STORY[:2]))
    with reviewer(db, approve("Mind the clock."), reject("And the calendar.")):
        await gated.run(made, "mend it")
    told = [words for source, words in await said(made) if source == "user"][1:]
    assert ["Mind the clock." in told[0], "And the calendar." in told[1], len(told)] == [True, True, 2]


async def test_a_rollback_takes_files_and_the_team_back(db: Path, workspace: Path) -> None:
    gated, made = gated_team(db, workspace, [*story(*STORY[:3])[:3], says("cat secret.env"), text("DONE")])
    at: list[Any] = []

    def look(_seen: Any) -> Any:
        at.append(tree(workspace))
        return approve()

    with reviewer(db, approve(), look, lambda seen: roll_back(seen[1].key, "You deleted the secret.")):
        await gated.run(made, "mend it")
    assert tree(workspace) == at[0]
    assert (workspace / "secret.env").stat().st_mode & 0o777 == 0o600
    thread = await said(made)
    assert [source for source, _ in thread] == ["user", "fixer", "fixer", "user", "fixer", "fixer"]
    assert "You deleted the secret." in thread[3][1]
    assert "was taken back to snapshot" in thread[3][1]
    assert thread[4][1].strip() == "TOKEN=abc"
    assert made_calls(db, abandoned=True) == STORY[2:3]


async def test_a_rollback_to_the_beginning(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    gated, made = gated_team(db, workspace, story(*STORY[:2]))
    with reviewer(db, approve(), roll_back("start", "All wrong.")):
        await gated.run(made, "mend it")
    assert tree(workspace) == before
    thread = await said(made)
    assert [source for source, _ in thread] == ["user", "user", "fixer"]
    assert thread[0][1] == "mend it"
    assert "All wrong." in thread[1][1]


async def test_a_rollback_at_a_call(db: Path, workspace: Path) -> None:
    """The call is not made, nor any other of its turn; the team stands where it stood."""
    script = [says("touch a"), says("touch b", "touch c"), text("DONE")]
    gated, made = gated_team(db, workspace, script, before=lambda _, given: given["command"] != "touch a")
    with reviewer(db, approve(), lambda seen: roll_back(seen[0].key, "Not b.")):
        await gated.run(made, "mend it")
    assert sorted(path.name for path in workspace.iterdir() if path.name in "abc") == ["a"]
    assert [source for source, _ in await said(made)] == ["user", "fixer", "user", "fixer"]


async def test_a_rollback_to_the_middle_of_a_turn_stops_the_team(
    db: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(workspace)
    gated, made = gated_team(db, workspace, story("touch a"), before="all")
    back = lambda seen: roll_back(seen[0].key, "Not a.")  # noqa: E731
    with reviewer(db, approve(), back), pytest.raises(Stopped, match="start the agent anew"):
        await gated.run(made, "mend it")
    assert tree(workspace) == before
    assert "Not a." in capsys.readouterr().err


async def test_the_end_can_be_refused_and_rolled_back(db: Path, workspace: Path) -> None:
    gated, made = gated_team(db, workspace, [text("DONE"), text("DONE really"), text("DONE at last")])
    back = lambda seen: roll_back(seen[0].key, "Still not.")  # noqa: E731
    with reviewer(db, reject("Nothing is done."), back) as seen:
        await gated.run(made, "mend it")
    assert [gate.final for gate in seen] == [True] * 3
    assert [source for source, _ in await said(made)] == ["user", "fixer", "user", "fixer"]


async def test_limits_count_over_gates(db: Path, workspace: Path) -> None:
    gated, made = gated_team(db, workspace, story(*STORY), MaxMessageTermination(4))
    with reviewer(db) as seen:
        result = await gated.run(made, "mend it")
    assert "Maximum number of messages 4" in str(result.stop_reason)
    assert [gate.final for gate in seen] == [False, False, True]


async def test_stopped_nothing_more_runs(db: Path, workspace: Path) -> None:
    gated, made = gated_team(db, workspace, story(*STORY))
    with reviewer(db, stop("Enough.")), pytest.raises(Stopped, match="Enough"):
        await gated.run(made, "mend it")
    assert not (workspace / "new.txt").exists()


async def test_unanswered_nothing_runs(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    gated, made = gated_team(db, workspace, story("touch a"), before="all", timeout_s=0.1)
    with pytest.raises(Unanswered):
        await gated.run(made, "mend it")
    assert tree(workspace) == before
    assert [gate.state for gate in gates(db, "ag")] == ["open"]


async def test_a_team_without_the_condition_is_refused(db: Path, workspace: Path) -> None:
    gated = ReviewedTeam(review(db, workspace))
    with pytest.raises(UsageError, match="does not end at gates"):
        await gated.run(team(workspace, [text("DONE")], None), "mend it")
