"""The adapter of Inspect AI against the real package: evaluations with its own mock model."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from adapter_tools import approve, gates, reject, reviewer, roll_back, shape, steps, stop, tree

os.environ["INSPECT_DISPLAY"] = "none"
pytest.importorskip("inspect_ai", reason="inspect_ai is not installed: make test-adapters")

from inspect_ai import Task, eval_async
from inspect_ai.approval import ApprovalPolicy
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, ModelOutput, ModelUsage, get_model
from inspect_ai.solver import generate, use_tools
from inspect_ai.tool import Tool, ToolCall, tool

from sessions.adapters.inspect_ai import last_gate, review_gate
from sessions.live.gates import live_runs
from sessions.store import Store

# Inspect leaves streams of its own unclosed.
pytestmark = [
    pytest.mark.adapters,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::DeprecationWarning"),
]

STORY = ["echo 'VALUE = 2' > src/app.py", "echo x > new.txt", "rm secret.env; rmdir empty", "cat src/app.py"]


def bash_in(workspace: Path) -> Tool:
    @tool(parallel=False)
    def bash() -> Tool:
        async def execute(command: str) -> str:
            """Run a command.

            Args:
                command: The command.
            """
            done = subprocess.run(command, shell=True, cwd=workspace, capture_output=True, text=True)
            return done.stdout or done.stderr

        return execute

    return bash()


def says(*commands: str) -> ModelOutput:
    calls = [ToolCall(f"{command}/{n}", "bash", {"command": command}) for n, command in enumerate(commands)]
    return output(ChatMessageAssistant(content=f"I say {commands[0]}", tool_calls=calls), "tool_calls")


def output(message: ChatMessageAssistant, why: Any = "stop") -> ModelOutput:
    usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # else it is counted with a download
    return ModelOutput(model="mockllm", choices=[ChatCompletionChoice(message=message, stop_reason=why)], usage=usage)


async def evaluate(db: Path, workspace: Path, script: list[ModelOutput], /, gated: bool = True, **more: Any) -> EvalLog:
    task = Task(
        dataset=[Sample("mend it", id="s")], solver=[use_tools(bash_in(workspace)), generate(), last_gate()]
    )  # fmt: skip
    settings = {"chunks": "every:1", "before": "none", "db": str(db), "workspace": str(workspace), **more}
    policies = [ApprovalPolicy(review_gate(**settings), "*")] if gated else None
    model = get_model("mockllm/model", custom_outputs=script)
    (log,) = await eval_async(
        task, model=model, approval=policies, log_dir=str(db.parent / "logs"), fail_on_error=False
    )  # fmt: skip
    return log


def story(*commands: str, end: str = "done") -> list[ModelOutput]:
    return [*(says(command) for command in commands), output(ChatMessageAssistant(content=end))]


def said(log: EvalLog) -> list[tuple[str, str]]:
    assert log.samples
    return [(message.role, message.text or (getattr(message, "error", None) and message.error.message) or "")
            for message in log.samples[0].messages]  # fmt: skip


def run_of(db: Path) -> str:
    with Store.open(db) as store:
        (live,) = live_runs(store, ended=True)
        return live.name


def made(db: Path) -> list[str]:
    """The calls that were recorded as made."""
    return [part.text for step in steps(db, run_of(db)) for part in step.parts if part.kind == "tool_call"]


async def test_approved_to_the_end_it_is_as_without_gates(db: Path, workspace: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    subprocess.run(["cp", "-a", workspace, plain], check=True)
    without = await evaluate(db, plain, story(*STORY), gated=False)
    with reviewer(db) as seen:
        log = await evaluate(db, workspace, story(*STORY))
    assert log.status == "success"
    assert said(log) == said(without)
    assert tree(workspace) == tree(plain)
    assert [(gate.final, len(gate.proposed)) for gate in seen] == [(False, 1)] * 3 + [(True, 0)]
    run = run_of(db)
    assert run.startswith("s/1/")
    recorded = steps(db, run)
    assert [step.role for step in recorded if step.parts[0].kind == "text"] == ["user"] + ["agent"] * 5
    parts = [part for step in recorded for part in step.parts]
    assert [(part.kind, part.text) for part in parts if part.kind.startswith("tool")][-2:] == [
        ("tool_call", STORY[3]), ("tool_result", "VALUE = 2\n"),
    ]  # fmt: skip
    with Store.open(db) as store:
        assert store.query("SELECT state, task FROM run") == [("complete", "mend it")]


async def test_rejected_calls_are_not_made(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    with reviewer(db, approve("Mind the clock."), reject("Leave it alone.")) as seen:
        log = await evaluate(db, workspace, [says("true"), *story("rm -rf src")], before="all", chunks="every:9")
    assert tree(workspace) == before
    assert [call["arguments"]["command"] for gate in seen for call in gate.proposed] == ["true", "rm -rf src"]
    answer = said(log)[4]
    assert answer[0] == "tool"
    assert "Leave it alone." in answer[1]
    assert "Mind the clock." in answer[1]  # said with the approval before, which had no way to the model
    assert not any(
        part.text == "rm -rf src" and part.kind == "tool_call" for s in steps(db, run_of(db)) for part in s.parts
    )


async def test_edited_calls_are_made_instead(db: Path, workspace: Path) -> None:
    edit = [{"name": "bash", "arguments": {"command": "touch instead"}}]
    other = [{"name": "python", "arguments": {"code": "1"}}]
    with reviewer(db, approve(edited=edit), approve(edited=other)):
        log = await evaluate(db, workspace, story("rm -rf src", "touch b"), before="all", chunks="every:9")
    assert (workspace / "instead").exists()
    assert (workspace / "src").exists()
    assert not (workspace / "b").exists()
    assert "cannot be changed" in said(log)[4][1]
    assert log.samples
    decisions = [event.decision for event in log.samples[0].events if event.event == "approval"]
    assert decisions == ["modify", "reject"]
    by = [event.metadata["by"] for event in log.samples[0].events if event.event == "approval"]
    assert by == ["ann", "ann"]  # Inspect's own log knows who decided
    assert made(db) == ["touch instead"]


async def test_the_end_can_be_refused(db: Path, workspace: Path) -> None:
    script = [*story("touch a"), *story("touch b", end="now it is")]
    with reviewer(db, reject("And b?")) as seen:
        log = await evaluate(db, workspace, script, chunks="every:9")
    assert [gate.final for gate in seen] == [True, True]
    assert (workspace / "b").exists()
    assert "And b?" in said(log)[4][1]
    assert said(log)[-1] == ("assistant", "now it is")


@pytest.mark.parametrize("at_end", [False, True])
async def test_a_rollback_takes_files_back_and_ends_the_sample(
    db: Path, workspace: Path, capfd: pytest.CaptureFixture[str], at_end: bool
) -> None:
    at: list[Any] = []

    def look(_seen: Any) -> Any:
        at.append(tree(workspace))
        return approve()

    back = lambda seen: roll_back(seen[0].key, "You deleted the secret.")  # noqa: E731
    script = [look, approve(), approve(), back] if at_end else [look, approve(), back]
    with reviewer(db, *script):
        log = await evaluate(db, workspace, story(*STORY))
    assert tree(workspace) == at[0]
    assert (workspace / "secret.env").stat().st_mode & 0o777 == 0o600
    told = capfd.readouterr().err
    assert "You deleted the secret." in told
    assert "Start the agent anew" in told
    assert log.samples
    ran = [call for message in log.samples[0].messages if message.role == "tool" for call in [message.tool_call_id]]
    assert len(ran) == (4 if at_end else 3)
    undone = [part.text for s in steps(db, run_of(db), abandoned=True) for part in s.parts if part.kind == "tool_call"]
    assert undone == STORY[1 : 4 if at_end else 3]


async def test_stopped_the_sample_ends(db: Path, workspace: Path) -> None:
    with reviewer(db, stop("Enough.")):
        log = await evaluate(db, workspace, story(*STORY))
    assert not (workspace / "new.txt").exists()
    assert log.samples
    assert [message.role for message in log.samples[0].messages].count("tool") == 1


async def test_unanswered_nothing_runs(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    log = await evaluate(db, workspace, story("touch a", "touch b"), before="all", timeout_s=0.1)
    assert tree(workspace) == before
    assert log.samples
    assert log.samples[0].error
    assert "Nobody has answered" in log.samples[0].error.message
    assert [gate.proposed[0]["arguments"]["command"] for gate in gates(db, run_of(db))] == ["touch a"]


async def test_a_gate_that_fails_ends_the_sample(db: Path, workspace: Path) -> None:
    log = await evaluate(db, workspace, story("touch a", "touch b"), before="all", db=str(workspace))
    assert not (workspace / "a").exists()
    assert log.samples
    assert log.samples[0].error
    assert "GateFailed" in log.samples[0].error.message or "directory" in log.samples[0].error.message


async def test_samples_have_runs_of_their_own(db: Path, workspace: Path) -> None:
    task = Task(
        dataset=[Sample("one", id="one"), Sample("two", id="two")], epochs=2,
        solver=[use_tools(bash_in(workspace)), generate(), last_gate()],
    )  # fmt: skip

    turns: list[int] = []

    def reply(input: Any, tools: Any, tool_choice: Any, config: Any) -> ModelOutput:
        turns.append(len(turns))  # no two runs say the same
        asked = input[-1].role == "user"
        return says("true") if asked else output(ChatMessageAssistant(content=f"done in turn {turns[-1]}"))

    model = get_model("mockllm/model", custom_outputs=reply)
    gate = review_gate(db=str(db), run="suite", before="all", workspace=None)
    with reviewer(db) as seen:
        (log,) = await eval_async(
            task, model=model, approval=[ApprovalPolicy(gate, "*")], log_dir=str(db.parent / "logs")
        )  # fmt: skip
    assert log.status == "success"
    assert len(seen) == 8
    assert len({gate.name for gate in seen}) == 4
    assert {gate.name.rsplit("/", 1)[0] for gate in seen} == {f"suite/{s}/{e}" for s in ("one", "two") for e in (1, 2)}
    with Store.open(db) as store:
        assert store.query("SELECT DISTINCT state FROM run") == [("complete",)]


async def test_steps_read_as_they_happened(db: Path, workspace: Path) -> None:
    with reviewer(db):
        await evaluate(db, workspace, story("echo hi"), before="all", chunks="every:9")
    recorded = [shape(step) for step in steps(db, run_of(db))]
    assert recorded == [
        [("text", "mend it")], [("text", "I say echo hi")], [("tool_call", "echo hi"), ("tool_result", "hi\n")],
        [("text", "done")],
    ]  # fmt: skip
