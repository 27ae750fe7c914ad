"""The adapter of Pydantic AI against the real package, with its own model made of a function."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from adapter_tools import approve, gates, reject, reviewer, roll_back, shape, steps, stop, tree

pytest.importorskip("pydantic_ai", reason="pydantic-ai is not installed: make test-adapters")

from pydantic import BaseModel
from pydantic_ai import Agent, ModelRetry
from pydantic_ai.exceptions import UsageLimitExceeded
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ThinkingPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.usage import UsageLimits

from sessions.adapters.base import Review, Stopped, Unanswered
from sessions.adapters.pydantic_ai import ReviewedAgent
from sessions.store import Store

pytestmark = pytest.mark.adapters

STORY = ["echo 'VALUE = 2' > src/app.py", "echo x > new.txt", "rm secret.env; rmdir empty", "cat src/app.py"]


def says(*commands: str) -> list[Any]:
    return [
        ThinkingPart("hm"),
        TextPart(f"I say {commands[0]}"),
        *(ToolCallPart("bash", {"command": command}, f"{command}/{n}") for n, command in enumerate(commands)),
    ]


def story(*commands: str, end: str = "done") -> list[list[Any]]:
    return [*(says(command) for command in commands), [TextPart(end)]]


class Scripted:
    """A model that says its lines, and what it was sent each time."""

    def __init__(self, script: list[list[Any]]) -> None:
        self.lines, self.sent = iter(script), []

    def __call__(self, messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
        self.sent.append(said(messages))
        return ModelResponse(list(next(self.lines)))


def agent(workspace: Path, script: list[list[Any]], **more: Any) -> tuple[Agent[None, Any], Scripted]:
    model = Scripted(script)
    made: Agent[None, Any] = Agent(FunctionModel(model), name="fixer", system_prompt="Work.", **more)

    @made.tool_plain(requires_approval=bool(more.get("metadata", {}).get("approval")))
    def bash(command: str) -> str:
        done = subprocess.run(command, shell=True, cwd=workspace, capture_output=True, text=True)
        return done.stdout or done.stderr

    return made, model


def review(db: Path, workspace: Path | None, **more: Any) -> Review:
    settings = {"run": "pa", "chunks": "every:1", "before": "none", **more}
    return Review(agent="pa", workspace=workspace, db=db, **settings)


def said(messages: list[ModelMessage]) -> list[tuple[str, str]]:
    return [(part.part_kind, str(getattr(part, "content", None) or getattr(part, "args", "")))
            for message in messages for part in message.parts]  # fmt: skip


async def test_approved_to_the_end_it_is_as_without_gates(db: Path, workspace: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(workspace, plain, symlinks=True)
    without = await agent(plain, story(*STORY))[0].run("mend it")
    with reviewer(db) as seen:
        result = await ReviewedAgent(agent(workspace, story(*STORY))[0], review(db, workspace)).run("mend it")
    assert result.output == without.output == "done"
    assert said(result.all_messages()) == said(without.all_messages())
    assert result.usage.requests == without.usage.requests == 5
    assert tree(workspace) == tree(plain)
    assert [gate.final for gate in seen] == [False] * 4 + [True]
    recorded = steps(db, "pa")
    assert [(step.actor, step.role) for step in recorded] == [("system", "system"), ("user", "user")] + [
        ("fixer", "agent")
    ] * 5
    assert shape(recorded[5]) == [
        ("reasoning", "hm"), ("text", f"I say {STORY[3]}"), ("tool_call", STORY[3]), ("tool_result", "VALUE = 2\n"),
    ]  # fmt: skip
    assert recorded[5].parts[2].call_id == recorded[5].parts[3].call_id == f"{STORY[3]}/0"
    with Store.open(db) as store:
        assert store.query("SELECT state, task FROM run") == [("complete", "mend it")]


def test_without_an_event_loop(db: Path, workspace: Path) -> None:
    with reviewer(db):
        result = ReviewedAgent(agent(workspace, story())[0], review(db, workspace)).run_sync("mend it")
    assert result.output == "done"


async def test_rejected_calls_are_not_made(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    mine, model = agent(workspace, [says("rm -rf src", "rm secret.env"), [TextPart("then not")]])
    with reviewer(db, reject("Leave it alone.")) as seen:
        await ReviewedAgent(mine, review(db, workspace, before="risky", chunks="every:9")).run("mend it")
    assert tree(workspace) == before
    assert [call["arguments"]["command"] for call in seen[0].proposed] == ["rm -rf src", "rm secret.env"]
    returns = [text for kind, text in model.sent[1] if kind == "tool-return"]
    assert "Leave it alone." in returns[0]
    assert returns[1] == "Not made either."
    assert not any(part.kind == "tool_call" for step in steps(db, "pa") for part in step.parts)
    assert [step.actor for step in steps(db, "pa")] == ["system", "user", "fixer", "review", "fixer"]


async def test_edited_calls_are_made_instead(db: Path, workspace: Path) -> None:
    mine, model = agent(workspace, [says("rm -rf src", "touch b"), [TextPart("done")]])
    edit = [{"name": "bash", "arguments": {"command": "touch instead"}, "call_id": "rm -rf src/0"}]
    with reviewer(db, approve(edited=edit)):
        await ReviewedAgent(mine, review(db, workspace, before="all", chunks="every:9")).run("mend it")
    assert (workspace / "instead").exists()
    assert (workspace / "src").exists()
    assert not (workspace / "b").exists()
    kinds = [kind for kind, _ in model.sent[1]]
    assert kinds == ["system-prompt", "user-prompt", "thinking", "text", "tool-call", "tool-call",
                     "tool-return", "tool-return", "user-prompt"]  # fmt: skip
    assert "touch instead" in model.sent[1][4][1]
    assert "took it out" in model.sent[1][7][1]
    assert "touch instead" in model.sent[1][8][1]
    assert [part.text for s in steps(db, "pa") for part in s.parts if part.kind == "tool_call"] == ["touch instead"]


async def test_words_at_a_chunk_are_told(db: Path, workspace: Path) -> None:
    mine, model = agent(workspace, story(*STORY[:2]))
    with reviewer(db, approve("Mind the clock."), reject("And the calendar.")):
        result = await ReviewedAgent(mine, review(db, workspace)).run("mend it")
    assert "Mind the clock." in model.sent[1][-1][1]
    assert "And the calendar." in model.sent[2][-1][1]
    assert len([kind for kind, _ in said(result.all_messages()) if kind == "user-prompt"]) == 3  # they stay in history


@pytest.mark.parametrize("line", ["approve", "reject", "edit", "all"])
async def test_tools_that_require_approval(db: Path, workspace: Path, line: str) -> None:
    mine, model = agent(workspace, story("touch a"), metadata={"approval": True})
    edit = [{"name": "bash", "arguments": {"command": "touch b"}}]
    said_ = {"approve": approve(), "reject": reject("No touching."), "edit": approve(edited=edit), "all": approve()}[
        line
    ]
    before = "all" if line == "all" else "none"
    with reviewer(db, said_) as seen:
        await ReviewedAgent(mine, review(db, workspace, before=before, chunks="every:9")).run("mend it")
    assert [len(gate.proposed) for gate in seen] == [1, 0]  # asked once, whoever wants it to be asked
    assert (workspace / "a").exists() is (line in ("approve", "all"))
    assert (workspace / "b").exists() is (line == "edit")
    if line == "reject":
        assert "No touching." in model.sent[1][-1][1]


async def test_a_rollback_takes_files_and_messages_back(db: Path, workspace: Path) -> None:
    mine, model = agent(workspace, [*story(*STORY[:3])[:3], says("cat secret.env"), [TextPart("done")]])
    at: list[Any] = []

    def look(_seen: Any) -> Any:
        at.append(tree(workspace))
        return approve()

    with reviewer(db, approve(), look, lambda seen: roll_back(seen[1].key, "You deleted the secret.")):
        result = await ReviewedAgent(mine, review(db, workspace)).run("mend it")
    assert tree(workspace) == at[0]
    assert (workspace / "secret.env").stat().st_mode & 0o777 == 0o600
    assert model.sent[3][:-1] == model.sent[2]  # what it was sent then, and the brief
    assert "You deleted the secret." in model.sent[3][-1][1]
    assert "was taken back to snapshot" in model.sent[3][-1][1]
    assert [text for kind, text in said(result.all_messages()) if kind == "tool-return"][-1] == "TOKEN=abc\n"
    assert result.usage.requests == 5  # those that were undone are counted too
    undone = [part.text for s in steps(db, "pa", abandoned=True) for part in s.parts if part.kind == "tool_call"]
    assert undone == STORY[2:3]


async def test_a_rollback_to_the_beginning(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    mine, model = agent(workspace, story(*STORY[:2]))
    with reviewer(db, approve(), roll_back("start", "All wrong.")):
        await ReviewedAgent(mine, review(db, workspace)).run("mend it")
    assert tree(workspace) == before
    assert [kind for kind, _ in model.sent[2]] == ["system-prompt", "user-prompt"]
    assert "mend it" in model.sent[2][1][1]
    assert "All wrong." in model.sent[2][1][1]


@pytest.mark.parametrize("own", [False, True])
async def test_a_rollback_to_a_proposal_leaves_it_unmade(db: Path, workspace: Path, own: bool) -> None:
    """Asked for by the review, or by the tool itself."""
    before = tree(workspace)
    script = [says("rm -rf src"), says("rm secret.env"), [TextPart("done")]]
    mine, model = agent(workspace, script, metadata={"approval": own})
    with reviewer(db, approve(), lambda seen: roll_back(seen[0].key, "Neither.")):
        made = review(db, workspace, before="none" if own else "all", chunks="every:9")
        await ReviewedAgent(mine, made).run("mend it")
    assert tree(workspace) == before
    assert [kind for kind, _ in model.sent[2]] == [
        "system-prompt", "user-prompt", "thinking", "text", "tool-call", "tool-return",
    ]  # fmt: skip
    assert "Neither." in model.sent[2][-1][1]


async def test_the_end_can_be_refused_and_rolled_back(db: Path, workspace: Path) -> None:
    mine, model = agent(workspace, [[TextPart(text)] for text in ("done", "done, really", "at last")])
    back = lambda seen: roll_back(seen[0].key, "Still not.")  # noqa: E731
    with reviewer(db, reject("Nothing is done."), back) as seen:
        result = await ReviewedAgent(mine, review(db, workspace)).run("mend it")
    assert [gate.final for gate in seen] == [True] * 3
    assert result.output == "at last"
    assert [kind for kind, _ in model.sent[2]] == ["system-prompt", "user-prompt", "text", "user-prompt"]


async def test_typed_outputs_and_failing_tools(db: Path, workspace: Path) -> None:
    class Verdict(BaseModel):
        ok: bool

    mine, _ = agent(
        workspace,
        [[ToolCallPart("flaky", {}, "1")], [ToolCallPart("flaky", {}, "2")],
         [ToolCallPart("final_result", {"ok": True}, "3")]],
        output_type=Verdict,
    )  # fmt: skip
    tries: list[int] = []

    @mine.tool_plain
    def flaky() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ModelRetry("try again")
        return "worked"

    with reviewer(db) as seen:
        result = await ReviewedAgent(mine, review(db, workspace, before="all", chunks="every:9")).run("mend it")
    assert result.output == Verdict(ok=True)
    assert [[call["name"] for call in gate.proposed] for gate in seen] == [["flaky"], ["flaky"], []]
    results = [part for step in steps(db, "pa") for part in step.parts if part.kind == "tool_result"]
    assert [(part.text, part.is_error) for part in results] == [("try again", True), ("worked", None)]


async def test_stopped_nothing_more_runs(db: Path, workspace: Path) -> None:
    reviewed = ReviewedAgent(agent(workspace, story(*STORY))[0], review(db, workspace))
    with reviewer(db, stop("Enough.")), pytest.raises(Stopped, match="Enough"):
        await reviewed.run("mend it")
    assert not (workspace / "new.txt").exists()
    with pytest.raises(Stopped):
        await reviewed.run("mend it")
    assert not (workspace / "new.txt").exists()


async def test_unanswered_nothing_runs(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    mine, _ = agent(workspace, story("touch a"))
    with pytest.raises(Unanswered):
        await ReviewedAgent(mine, review(db, workspace, before="all", timeout_s=0.1)).run("mend it")
    assert tree(workspace) == before
    assert [gate.state for gate in gates(db, "pa")] == ["open"]


async def test_a_gate_that_fails_stops_the_agent(db: Path, workspace: Path) -> None:
    made = review(db, workspace, before="all")
    made.start([], "mend it")
    with reviewer(db):
        made.gate(final=True)  # the run is over, and the next gate an error
    with pytest.raises(Exception, match="has ended"):
        await ReviewedAgent(agent(workspace, story("touch a"))[0], made).run("mend it")
    assert not (workspace / "a").exists()


async def test_limits_hold_over_rollbacks(db: Path, workspace: Path) -> None:
    mine, _ = agent(workspace, story(*STORY))
    back = lambda _seen: roll_back("start", "Again.")  # noqa: E731
    with reviewer(db, back, back), pytest.raises(UsageLimitExceeded):
        await ReviewedAgent(mine, review(db, workspace)).run("mend it", usage_limits=UsageLimits(request_limit=2))
