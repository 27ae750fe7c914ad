"""The adapter of the OpenAI Agents SDK against the real package, with its own scripted model."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from adapter_tools import approve, gates, reject, reviewer, roll_back, shape, steps, stop, tree

pytest.importorskip("agents", reason="openai-agents is not installed: make test-adapters")
os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"  # nothing is sent anywhere

from agents import Agent, MaxTurnsExceeded, RunContextWrapper, RunHooks, Runner, SQLiteSession, function_tool, handoff
from agents.testing import ScriptedModel, assistant_message, function_call

from sessions.adapters.base import Review, Stopped, Unanswered
from sessions.adapters.openai_agents import ReviewedRunner
from sessions.errors import UserError
from sessions.store import Store

pytestmark = pytest.mark.adapters

STORY = ["echo 'VALUE = 2' > src/app.py", "echo x > new.txt", "rm secret.env; rmdir empty", "cat src/app.py"]


def says(*commands: str) -> list[Any]:
    return [
        assistant_message(f"I say {commands[0]}"),
        *(function_call("bash", {"command": command}, call_id=f"{command}/{n}") for n, command in enumerate(commands)),
    ]


def story(*commands: str, end: str = "done") -> list[Any]:
    return [*(says(command) for command in commands), [assistant_message(end)]]


def agent(workspace: Path, script: list[Any], **more: Any) -> Agent[Any]:
    @function_tool
    def bash(command: str, timeout: int = 60) -> str:
        """Run a command."""
        done = subprocess.run(command, shell=True, cwd=workspace, capture_output=True, text=True, timeout=timeout)
        return done.stdout or done.stderr

    return Agent(name="fixer", instructions="Work.", model=ScriptedModel(script), tools=[bash], **more)


def review(db: Path, workspace: Path | None, **more: Any) -> Review:
    settings = {"run": "oa", "chunks": "every:1", "before": "none", **more}
    return Review(agent="oa", workspace=workspace, db=db, **settings)


def said(items: list[Any]) -> list[Any]:
    return [(item.get("role") or item["type"], str(item.get("content") or item.get("output") or item.get("arguments")))
            for item in items]  # fmt: skip


async def test_approved_to_the_end_it_is_as_without_gates(db: Path, workspace: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(workspace, plain, symlinks=True)
    without = await Runner.run(agent(plain, story(*STORY)), "mend it")
    mine = agent(workspace, story(*STORY))
    with reviewer(db) as seen:
        result = await ReviewedRunner(review(db, workspace)).run(mine, "mend it")
    assert result.final_output == without.final_output == "done"
    assert said(result.to_input_list()) == said(without.to_input_list())
    assert tree(workspace) == tree(plain)
    assert [gate.final for gate in seen] == [False] * 4 + [True]
    assert mine.tools[0].needs_approval is False  # as it was
    recorded = steps(db, "oa")
    assert [(step.actor, step.role) for step in recorded] == [("user", "user"), ("system", "system")] + [
        ("fixer", "agent")
    ] * 5
    assert shape(recorded[5]) == [
        ("text", f"I say {STORY[3]}"), ("tool_call", STORY[3]), ("tool_result", "VALUE = 2\n"),
    ]  # fmt: skip
    assert recorded[5].parts[1].call_id == recorded[5].parts[2].call_id == f"{STORY[3]}/0"
    with Store.open(db) as store:
        assert store.query("SELECT state, task FROM run") == [("complete", "mend it")]


def test_without_an_event_loop(db: Path, workspace: Path) -> None:
    with reviewer(db):
        assert (
            ReviewedRunner(review(db, workspace)).run_sync(agent(workspace, story()), "mend it").final_output == "done"
        )


async def test_rejected_calls_are_not_made(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    script = [says("rm -rf src", "rm secret.env"), [assistant_message("then not")]]
    with reviewer(db, reject("Leave it alone.")) as seen:
        runner = ReviewedRunner(review(db, workspace, before="risky", chunks="every:9"))
        result = await runner.run(agent(workspace, script), "mend it")
    assert tree(workspace) == before
    assert [call["arguments"]["command"] for call in seen[0].proposed] == ["rm -rf src", "rm secret.env"]
    outputs = [text for kind, text in said(result.to_input_list()) if kind == "function_call_output"]
    assert "Leave it alone." in outputs[0]
    assert outputs[1] == "Not made either."
    assert not any(part.kind == "tool_call" for step in steps(db, "oa") for part in step.parts)
    assert [step.actor for step in steps(db, "oa")] == ["user", "system", "fixer", "review", "fixer"]


async def test_words_at_a_chunk_are_told(db: Path, workspace: Path) -> None:
    with reviewer(db, approve("Mind the clock."), reject("And the calendar.")):
        result = await ReviewedRunner(review(db, workspace)).run(agent(workspace, story(*STORY[:2])), "mend it")
    told = [text for kind, text in said(result.to_input_list()) if kind == "user"][1:]
    assert len(told) == 2
    assert "Mind the clock." in told[0]
    assert "And the calendar." in told[1]


async def test_a_tools_own_approval_is_a_gate_and_harmless_calls_are_none(db: Path, workspace: Path) -> None:
    mine = agent(workspace, story("cat src/app.py", "touch a"))

    async def own(_context: Any, given: dict[str, Any], _id: str) -> bool:
        return "touch" in given["command"]

    mine.tools[0].needs_approval = own
    with reviewer(db, approve("Well done.")) as seen:
        made = review(db, workspace, before=lambda name, given: False, chunks="every:9")
        result = await ReviewedRunner(made).run(mine, "mend it")
    assert [call["arguments"]["command"] for call in seen[0].proposed] == ["touch a"]
    assert len(seen) == 2
    assert (workspace / "a").exists()
    assert "Well done." in said(result.to_input_list())[-2][1]
    assert mine.tools[0].needs_approval is own


async def test_an_edit_is_refused_to_the_reviewer(db: Path, workspace: Path) -> None:
    def edit(_seen: Any) -> Any:
        return approve(edited=[{"name": "bash", "arguments": {"command": "true"}}])

    runner = ReviewedRunner(review(db, workspace, before="all"))
    refused, ended = pytest.raises(UserError, match="cannot run edited calls"), pytest.raises(UserError, match="nobody")
    with refused, reviewer(db, edit), ended:
        await runner.run(agent(workspace, story("touch a")), "mend it")
    assert not (workspace / "a").exists()


async def test_a_rollback_takes_files_and_state_back(db: Path, workspace: Path) -> None:
    script = [*(says(command) for command in STORY[:3]), says("cat secret.env"), [assistant_message("done")]]
    at: list[tuple[Any, Any]] = []
    mine = agent(workspace, script)

    def look(seen: Any) -> Any:
        at.append(tree(workspace))
        return approve()

    with reviewer(db, approve(), look, lambda seen: roll_back(seen[1].key, "You deleted the secret.")):
        result = await ReviewedRunner(review(db, workspace)).run(mine, "mend it")
    assert tree(workspace) == at[0]
    items = said(result.to_input_list())
    assert [text for kind, text in items if kind == "function_call"] == [
        f'{{"command":"{command}"}}' for command in (*STORY[:2], "cat secret.env")
    ]
    told = [text for kind, text in items if kind == "user"][1]
    assert "You deleted the secret." in told
    assert "was taken back to snapshot" in told
    calls = mine.model.calls
    assert said(calls[3].input)[: len(calls[2].input)] == said(
        calls[2].input
    )  # what the model had there, then the brief
    assert len(calls[3].input) == len(calls[2].input) + 1
    assert (workspace / "secret.env").stat().st_mode & 0o777 == 0o600
    undone = [part.text for s in steps(db, "oa", abandoned=True) for part in s.parts if part.kind == "tool_call"]
    assert undone == STORY[2:3]


async def test_a_rollback_to_the_beginning(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    with reviewer(db, approve(), roll_back("start", "All wrong.")):
        result = await ReviewedRunner(review(db, workspace)).run(agent(workspace, [*story(*STORY[:2])]), "mend it")
    assert tree(workspace) == before
    assert [kind for kind, _ in said(result.to_input_list())] == ["user", "user", "assistant"]


async def test_a_rollback_to_a_proposal_leaves_it_unmade(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    script = [says("rm -rf src"), says("rm secret.env"), [assistant_message("done")]]
    with reviewer(db, approve(), lambda seen: roll_back(seen[0].key, "Neither.")):
        runner = ReviewedRunner(review(db, workspace, before="all", chunks="every:9"))
        result = await runner.run(agent(workspace, script), "mend it")
    assert tree(workspace) == before
    items = said(result.to_input_list())
    assert [kind for kind, _ in items] == ["user", "assistant", "function_call", "function_call_output", "assistant"]
    assert "Neither." in items[3][1]


async def test_the_end_can_be_refused_and_rolled_back(db: Path, workspace: Path) -> None:
    script = [[assistant_message(text)] for text in ("done", "done, really", "at last")]
    back = lambda seen: roll_back(seen[0].key, "Still not.")  # noqa: E731
    with reviewer(db, reject("Nothing is done."), back) as seen:
        result = await ReviewedRunner(review(db, workspace)).run(agent(workspace, script), "mend it")
    assert [gate.final for gate in seen] == [True] * 3
    assert result.final_output == "at last"
    assert [kind for kind, _ in said(result.to_input_list())] == ["user", "assistant", "user", "assistant"]


async def test_handoffs_are_reviewed_too(db: Path, workspace: Path) -> None:
    helper = agent(workspace, story("touch a", end="helped"))
    helper.name = "helper"
    first = Agent(
        name="triage", model=ScriptedModel([[function_call("transfer_to_helper", {}, call_id="h")]]),
        handoffs=[handoff(helper)],
    )  # fmt: skip
    with reviewer(db, reject("No touching.")) as seen:
        result = await ReviewedRunner(review(db, workspace, before="all", chunks="every:9")).run(first, "mend it")
    assert result.final_output == "helped"
    assert [call["name"] for gate in seen for call in gate.proposed] == ["bash"]
    assert not (workspace / "a").exists()
    assert [step.actor for step in steps(db, "oa")][-1] == "helper"


@pytest.mark.parametrize("line", [approve(), reject("No."), roll_back("start", "No.")])
async def test_tools_that_cannot_be_interrupted_are_held_all_the_same(db: Path, workspace: Path, line: Any) -> None:
    """As the tools of an MCP server: nothing is known of them before they run. Here they come with a handoff."""
    helper = agent(workspace, story("touch a", end="helped"))
    made = handoff(helper)
    made._agent_ref = None
    first = Agent(
        name="triage", model=ScriptedModel([[function_call(made.tool_name, {}, call_id="h")]]), handoffs=[made]
    )  # fmt: skip
    runner = ReviewedRunner(review(db, workspace, before="all", chunks="every:9"))
    with reviewer(db, line):
        if line.verdict == "approve":
            assert (await runner.run(first, "mend it")).final_output == "helped"
        else:
            with pytest.raises(Stopped, match="cannot refuse"):
                await runner.run(first, "mend it")
    assert (workspace / "a").exists() is (line.verdict == "approve")


@dataclass
class Notes:
    pages: list[str]


@pytest.mark.parametrize("to", ["", "start"])
@pytest.mark.parametrize("kind", ["mapping", "object"])
async def test_contexts(db: Path, workspace: Path, kind: str, to: str) -> None:
    """A mapping goes back with the state; another object stays the one that it is."""

    def write(context: RunContextWrapper[Any], text: str) -> str:
        """Note something."""
        pages = context.context["pages"] if kind == "mapping" else context.context.pages
        pages.append(text)
        return str(len(pages))

    calls = [[function_call("write", {"text": text}, call_id=text)] for text in ("one", "two", "three")]
    mine = Agent(name="a", model=ScriptedModel([*calls, [assistant_message("done")]]), tools=[function_tool(write)])
    context: Any = {"pages": []} if kind == "mapping" else Notes([])
    with reviewer(db, approve(), lambda seen: roll_back(to or seen[0].key, "Not two.")):
        result = await ReviewedRunner(review(db, workspace)).run(mine, "mend it", context=context)
    outputs = [text for kind, text in said(result.to_input_list()) if kind == "function_call_output"]
    expected = {"mapping": {"": ["1", "2"], "start": ["1"]}, "object": {"": ["1", "3"], "start": ["3"]}}
    assert outputs == expected[kind][to]


async def test_with_a_session_files_go_back_and_the_agent_is_stopped(
    db: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = SQLiteSession("s")
    runner = ReviewedRunner(review(db, workspace))
    back = lambda seen: roll_back(seen[0].key, "No new files.")  # noqa: E731
    with reviewer(db, approve(), back), pytest.raises(Stopped) as caught:
        await runner.run(agent(workspace, story(*STORY[:2])), "mend it", session=session)
    assert not (workspace / "new.txt").exists()
    assert "No new files." in caught.value.brief
    assert "No new files." in capsys.readouterr().err
    with Store.open(db) as store:
        assert store.query("SELECT can FROM live") == [('["hold","files"]',)]


async def test_stopped_nothing_more_runs(db: Path, workspace: Path) -> None:
    runner = ReviewedRunner(review(db, workspace))
    with reviewer(db, stop("Enough.")), pytest.raises(Stopped, match="Enough"):
        await runner.run(agent(workspace, story(*STORY)), "mend it")
    assert not (workspace / "new.txt").exists()
    with pytest.raises(Stopped):
        await runner.run(agent(workspace, story(*STORY)), "mend it")
    assert not (workspace / "new.txt").exists()


async def test_unanswered_nothing_runs(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    mine = agent(workspace, story("touch a"))
    with pytest.raises(Unanswered):
        await ReviewedRunner(review(db, workspace, before="all", timeout_s=0.1)).run(mine, "mend it")
    assert tree(workspace) == before
    assert [gate.state for gate in gates(db, "oa")] == ["open"]
    assert mine.tools[0].needs_approval is False


async def test_the_limit_of_turns_still_holds(db: Path, workspace: Path) -> None:
    with reviewer(db), pytest.raises(MaxTurnsExceeded):
        await ReviewedRunner(review(db, workspace)).run(agent(workspace, story(*STORY)), "mend it", max_turns=3)


async def test_the_users_own_hooks_are_called(db: Path, workspace: Path) -> None:
    heard: list[str] = []

    class Mine(RunHooks[Any]):
        async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: object) -> None:
            heard.append(str(result))

    with reviewer(db):
        await ReviewedRunner(review(db, workspace)).run(agent(workspace, story("echo hi")), "mend it", hooks=Mine())
    assert heard == ["hi\n"]
