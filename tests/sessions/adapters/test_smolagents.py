"""The adapter of smolagents against the real package, with a model of its own class that says its lines."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from adapter_tools import approve, gates, reject, reviewer, roll_back, steps, stop, tree

pytest.importorskip("smolagents", reason="smolagents is not installed: make test-adapters")

from smolagents import ChatMessage, CodeAgent, LogLevel, MessageRole, Model, TokenUsage, ToolCallingAgent, tool
from smolagents.models import ChatMessageToolCall, ChatMessageToolCallFunction

from sessions.adapters.base import Review, Stopped, Unanswered
from sessions.adapters.smolagents import ReviewedAgent
from sessions.store import Store

pytestmark = pytest.mark.adapters

STORY = ["echo 'VALUE = 2' > src/app.py", "echo x > new.txt", "rm secret.env; rmdir empty", "cat src/app.py"]
KINDS = ["tools", "code"]


class Scripted(Model):
    def __init__(self, script: list[Any]) -> None:
        super().__init__(model_id="scripted")
        self.lines, self.sent = iter(script), []

    def generate(self, messages: list[ChatMessage], *args: Any, **named: Any) -> ChatMessage:
        self.sent.append(text_of(messages))
        return next(self.lines)


def text_of(messages: list[ChatMessage]) -> list[str]:
    return [block["text"] for message in messages for block in message.content or []]


def message(content: str, *calls: tuple[str, dict[str, Any]]) -> ChatMessage:
    made = [
        ChatMessageToolCall(ChatMessageToolCallFunction(given, name), f"{n}:{given}", "function")
        for n, (name, given) in enumerate(calls)
    ]
    return ChatMessage(MessageRole.ASSISTANT, content, made or None, token_usage=TokenUsage(1, 1))


def says(kind: str, *commands: str) -> ChatMessage:
    if kind == "code":
        return message(f"I say\n<code>\nprint(bash({commands[0]!r}))\n</code>")
    return message("I say", *(("bash", {"command": command}) for command in commands))


def ends(kind: str, words: str = "done") -> ChatMessage:
    if kind == "code":
        return message(f"<code>\nfinal_answer({words!r})\n</code>")
    return message("I end", ("final_answer", {"answer": words}))


def story(kind: str, *commands: str) -> list[ChatMessage]:
    return [*(says(kind, command) for command in commands), ends(kind)]


def agent(kind: str, workspace: Path, script: list[ChatMessage], **more: Any) -> tuple[Any, Scripted]:
    @tool
    def bash(command: str) -> str:
        """Run a command.

        Args:
            command: The command.
        """
        done = subprocess.run(command, shell=True, cwd=workspace, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    model = Scripted(script)
    made = (CodeAgent if kind == "code" else ToolCallingAgent)([bash], model, verbosity_level=LogLevel.OFF, **more)
    return made, model


def review(db: Path, workspace: Path | None, **more: Any) -> Review:
    settings = {"run": "sm", "chunks": "every:1", "before": "none", **more}
    return Review(agent="fixer", workspace=workspace, db=db, **settings)


def reviewed(kind: str, db: Path, workspace: Path, script: list[ChatMessage], **more: Any) -> tuple[Any, Any, Scripted]:
    made, model = agent(kind, workspace, script)
    return ReviewedAgent(made, review(db, workspace, **more)), made, model


def made_calls(db: Path, *, abandoned: bool = False) -> list[str]:
    found = steps(db, "sm", abandoned=abandoned)
    return [part.text for step in found for part in step.parts if part.kind == "tool_call"]


def code(*commands: str) -> list[str]:
    return [f"print(bash({command!r}))" for command in commands]


def memory(made: Any) -> list[str]:
    return text_of(made.write_memory_to_messages())


@pytest.mark.parametrize("kind", KINDS)
def test_approved_to_the_end_it_is_as_without_gates(db: Path, workspace: Path, tmp_path: Path, kind: str) -> None:
    plain_folder = tmp_path / "plain"
    shutil.copytree(workspace, plain_folder, symlinks=True)
    plain, _ = agent(kind, plain_folder, story(kind, *STORY))
    assert plain.run("mend it") == "done"
    gated, made, model = reviewed(kind, db, workspace, story(kind, *STORY))
    with reviewer(db) as seen:
        assert gated.run("mend it") == "done"
    assert memory(made) == memory(plain)
    assert tree(workspace) == tree(plain_folder)
    assert made.model is model
    assert [gate.final for gate in seen] == [False] * 4 + [True]
    recorded = steps(db, "sm")
    assert [(step.actor, step.role) for step in recorded] == [("system", "system"), ("user", "user")] + [
        ("fixer", "agent")
    ] * 5
    kinds = [(part.kind, part.is_error) for part in recorded[5].parts]
    assert kinds == [("text", None), ("tool_call", None), ("tool_result", False if kind == "code" else None)]
    assert "VALUE = 2" in recorded[5].parts[2].text
    assert recorded[5].parts[1].call_id == recorded[5].parts[2].call_id
    assert (recorded[5].tokens_in, recorded[5].tokens_out) == (1, 1)
    with Store.open(db) as store:
        assert store.query("SELECT state, task FROM run") == [("complete", "mend it")]


@pytest.mark.parametrize("kind", KINDS)
def test_rejected_calls_are_not_made(db: Path, workspace: Path, kind: str) -> None:
    before = tree(workspace)
    gated, _, model = reviewed(
        kind, db, workspace, [says(kind, "rm -rf src", "rm secret.env"), ends(kind)],
        before=lambda name, given: "rm" in str(given), chunks="every:9",
    )  # fmt: skip
    with reviewer(db, reject("Leave it alone.")) as seen:
        assert gated.run("mend it") == "done"
    assert tree(workspace) == before
    assert len(seen[0].proposed) == (1 if kind == "code" else 2)
    assert seen[0].has_steps
    assert any("Leave it alone." in text for text in model.sent[1])
    assert [step.actor for step in steps(db, "sm")] == ["system", "user", "fixer", "review", "fixer"]
    assert not any("rm" in call for call in made_calls(db))


def test_edited_calls_are_made_instead(db: Path, workspace: Path) -> None:
    script = [says("tools", "rm -rf src", "touch b"), ends("tools")]
    gated, _, model = reviewed("tools", db, workspace, script, before="all", chunks="every:9")
    edit = [{"name": "bash", "arguments": {"command": command}} for command in ("touch instead", "touch b2")]
    with reviewer(db, approve(edited=edit)):
        gated.run("mend it")
    assert sorted(path.name for path in workspace.iterdir() if path.name in ("instead", "b", "b2")) == ["b2", "instead"]
    assert (workspace / "src").exists()
    assert made_calls(db)[:2] == ["touch instead", "touch b2"]
    assert any("touch instead" in text for text in model.sent[1])


def test_edited_code_is_run_instead(db: Path, workspace: Path) -> None:
    gated, _, _ = reviewed("code", db, workspace, story("code", "rm -rf src"), before=lambda _, given: "rm" in given)
    with reviewer(db, approve(edited=[{"name": "python_interpreter", "arguments": "print(bash('touch instead'))"}])):
        gated.run("mend it")
    assert (workspace / "instead").exists()
    assert (workspace / "src").exists()
    assert made_calls(db)[0] == "print(bash('touch instead'))"


def test_a_call_taken_out_ends_its_step(db: Path, workspace: Path) -> None:
    script = [says("tools", "touch a", "touch b"), ends("tools")]
    gated, _, model = reviewed("tools", db, workspace, script, before="all", chunks="every:9")
    with reviewer(db, approve(edited=[])):
        gated.run("mend it")
    assert not (workspace / "a").exists()
    assert not (workspace / "b").exists()
    assert any("took this call out" in text for text in model.sent[1])


@pytest.mark.parametrize("kind", KINDS)
def test_words_at_a_chunk_are_told(db: Path, workspace: Path, kind: str) -> None:
    gated, _, model = reviewed(kind, db, workspace, story(kind, *STORY[:2]))
    with reviewer(db, approve("Mind the clock."), reject("And the calendar.")):
        gated.run("mend it")
    assert "Mind the clock." in model.sent[1][-1]
    assert "And the calendar." in model.sent[2][-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_rollback_takes_files_and_memory_back(db: Path, workspace: Path, kind: str) -> None:
    script = [*story(kind, *STORY[:3])[:3], says(kind, "cat secret.env"), ends(kind)]
    gated, made, model = reviewed(kind, db, workspace, script)
    at: list[Any] = []

    def look(_seen: Any) -> Any:
        at.append(tree(workspace))
        return approve()

    with reviewer(db, approve(), look, lambda seen: roll_back(seen[1].key, "You deleted the secret.")):
        gated.run("mend it")
    assert tree(workspace) == at[0]
    assert (workspace / "secret.env").stat().st_mode & 0o777 == 0o600
    assert model.sent[3][:-1] == model.sent[2]  # what it was sent then, and the brief
    assert "You deleted the secret." in model.sent[3][-1]
    assert "was taken back to snapshot" in model.sent[3][-1]
    assert any("TOKEN=abc" in text for text in memory(made))
    assert made_calls(db, abandoned=True) == (code(STORY[2]) if kind == "code" else STORY[2:3])


@pytest.mark.parametrize("kind", KINDS)
def test_a_rollback_to_the_beginning(db: Path, workspace: Path, kind: str) -> None:
    before = tree(workspace)
    gated, _, model = reviewed(kind, db, workspace, story(kind, *STORY[:2]))
    with reviewer(db, approve(), roll_back("start", "All wrong.")):
        gated.run("mend it")
    assert tree(workspace) == before
    assert model.sent[2][:-1] == model.sent[0]
    assert "All wrong." in model.sent[2][-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_rollback_to_a_proposal_leaves_it_unmade(db: Path, workspace: Path, kind: str) -> None:
    before = tree(workspace)
    script = [says(kind, "rm -rf src"), says(kind, "rm secret.env"), ends(kind)]
    gated, _, model = reviewed(
        kind, db, workspace, script, before=lambda _, given: "rm" in str(given), chunks="every:9"
    )  # fmt: skip
    with reviewer(db, approve(), lambda seen: roll_back(seen[0].key, "Neither.")):
        gated.run("mend it")
    assert tree(workspace) == before
    assert model.sent[2][:-1] == model.sent[0]  # as it was before the step whose call was proposed
    assert "Neither." in model.sent[2][-1]


def test_python_variables_go_back_by_name(db: Path, workspace: Path) -> None:
    lines = ["x = 1", "x = 2\ny = 3", "print(x)", "final_answer(x)"]
    made, _ = agent("code", workspace, [message(f"<code>\n{line}\n</code>") for line in lines])
    with reviewer(db, approve(), lambda seen: roll_back(seen[0].key, "Not two.")):
        assert ReviewedAgent(made, review(db, workspace)).run("mend it") == 1
    assert "y" not in made.python_executor.state


@pytest.mark.parametrize("kind", KINDS)
def test_the_end_can_be_refused_and_rolled_back(db: Path, workspace: Path, kind: str) -> None:
    gated, _, model = reviewed(kind, db, workspace, [ends(kind, word) for word in ("done", "really", "at last")])
    back = lambda seen: roll_back(seen[0].key, "Still not.")  # noqa: E731
    with reviewer(db, reject("Nothing is done."), back) as seen:
        assert gated.run("mend it") == "at last"
    assert [gate.final for gate in seen] == [True] * 3
    assert "Nothing is done." in model.sent[1][-1]
    assert "Still not." in model.sent[2][-1]
    assert len(model.sent[2]) == len(model.sent[1])


def test_failing_calls_are_recorded_as_errors(db: Path, workspace: Path) -> None:
    gated, _, _ = reviewed("tools", db, workspace, story("tools", "cat nothing"), chunks="every:9")
    with reviewer(db):
        gated.run("mend it")
    (result,) = [part for step in steps(db, "sm") for part in step.parts if part.kind == "tool_result"][:1]
    assert result.is_error
    assert "nothing" in result.text


def test_stopped_nothing_more_runs(db: Path, workspace: Path) -> None:
    gated, _, _ = reviewed("tools", db, workspace, story("tools", *STORY))
    with reviewer(db, stop("Enough.")), pytest.raises(Stopped, match="Enough"):
        gated.run("mend it")
    assert not (workspace / "new.txt").exists()
    with pytest.raises(Stopped):
        gated.run("mend it")
    assert not (workspace / "new.txt").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_unanswered_nothing_runs(db: Path, workspace: Path, kind: str) -> None:
    before = tree(workspace)
    gated, made, model = reviewed(kind, db, workspace, story(kind, "touch a"), before="all", timeout_s=0.1)
    with pytest.raises(Unanswered):
        gated.run("mend it")
    assert tree(workspace) == before
    assert [gate.state for gate in gates(db, "sm")] == ["open"]
    assert made.model is model


def test_the_limit_of_steps_holds_over_gates(db: Path, workspace: Path) -> None:
    script = [*(says("tools", command) for command in STORY[:2]), message("I give up"), ends("tools")]
    gated, _, _ = reviewed("tools", db, workspace, script)
    with reviewer(db, approve(), approve(), reject("Go on.")) as seen:
        assert gated.run("mend it", max_steps=2) == "done"
    assert [gate.final for gate in seen] == [False, False, True, True]
