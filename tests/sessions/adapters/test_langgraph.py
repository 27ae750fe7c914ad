"""The adapter of LangGraph against the real package: its graphs, tool nodes and checkpointers, with scripted models."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from adapter_tools import approve, gates, reject, reviewer, roll_back, shape, steps, stop, tree

pytest.importorskip("langgraph", reason="langgraph is not installed: make test-adapters")

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.errors import GraphRecursionError
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command, Send, interrupt

from sessions.adapters.base import Review, Stopped, Unanswered
from sessions.adapters.langgraph import ReviewedGraph
from sessions.errors import UsageError
from sessions.store import Store

pytestmark = pytest.mark.adapters

INPUT = {"messages": [("user", "mend it")]}
CONFIG = {"configurable": {"thread_id": "t"}}
STORY = ["echo 'VALUE = 2' > src/app.py", "echo x > new.txt", "rm secret.env; rmdir empty", "cat src/app.py"]


def calls(*commands: str, text: str = "", ids: str = "") -> AIMessage:
    made = [{"name": "bash", "args": {"command": c}, "id": f"{ids or commands[0]}/{n}"} for n, c in enumerate(commands)]
    return AIMessage(text or f"I say {commands[0]}", tool_calls=made)


def story(*commands: str) -> list[AIMessage]:
    return [*(calls(command) for command in commands), AIMessage("done")]


def graph(workspace: Path, script: list[AIMessage], saver: Any = None, *, send: bool = False) -> Any:
    """A model and its tools, as LangGraph's own pages build it; with `send`, as its prebuilt agents do."""
    replies = iter(script)

    @tool
    def bash(command: str) -> str:
        """Run a command."""
        done = subprocess.run(command, shell=True, cwd=workspace, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def agent(_state: MessagesState) -> dict[str, list[BaseMessage]]:
        return {"messages": [next(replies).model_copy()]}

    def each(state: MessagesState) -> list[Send] | str:
        made = state["messages"][-1].tool_calls
        return [Send("tools", [call]) for call in made] if made else END

    builder = StateGraph(MessagesState)
    builder.add_node("agent", agent)
    builder.add_node("tools", ToolNode([bash], handle_tool_errors=True))
    builder.add_edge(START, "agent")
    builder.add_conditional_edges("agent", each if send else tools_condition, ["tools", END])
    builder.add_edge("tools", "agent")
    return builder.compile(checkpointer=saver or InMemorySaver())


def review(db: Path, workspace: Path | None, **more: Any) -> Review:
    return Review(
        agent="graph", workspace=workspace, db=db, **{"run": "lg", "chunks": "every:2", "before": "none", **more}
    )


def said(messages: list[BaseMessage]) -> list[tuple[str, str, list[str]]]:
    return [(m.type, m.text, [c["args"]["command"] for c in getattr(m, "tool_calls", [])]) for m in messages]


@pytest.mark.parametrize("send", [False, True])
def test_approved_to_the_end_it_is_as_without_gates(db: Path, workspace: Path, tmp_path: Path, send: bool) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(workspace, plain, symlinks=True)
    without = graph(plain, story(*STORY), send=send).invoke(INPUT, CONFIG)
    reviewed = ReviewedGraph(graph(workspace, story(*STORY), send=send), review(db, workspace))
    with reviewer(db) as seen:
        values = reviewed.invoke(INPUT, CONFIG)
    assert said(values["messages"]) == said(without["messages"])
    assert tree(workspace) == tree(plain)
    assert [gate.final for gate in seen] == [False] * 4 + [True]
    recorded = steps(db, "lg")
    assert [(step.actor, step.role) for step in recorded] == [("user", "user")] + [("agent", "agent")] * 5
    assert shape(recorded[4]) == [
        ("text", "I say cat src/app.py"), ("tool_call", "cat src/app.py"), ("tool_result", "VALUE = 2\n"),
    ]  # fmt: skip
    assert recorded[4].parts[1].call_id == recorded[4].parts[2].call_id == "cat src/app.py/0"
    with Store.open(db) as store:
        assert store.query("SELECT state, task FROM run") == [("complete", "mend it")]


async def test_asynchronous_graphs(db: Path, workspace: Path) -> None:
    reviewed = ReviewedGraph(graph(workspace, [*story(*STORY), AIMessage("again")]), review(db, workspace))
    script = [approve(), approve(), reject("Not so."), lambda seen: roll_back(seen[1].key, "Back.")]
    with reviewer(db, *script) as seen:
        values = await reviewed.ainvoke(INPUT, CONFIG)
    told = [m.text for m in values["messages"] if "REVIEWER" in m.text]
    assert len(told) == 1
    assert "Back." in told[0]
    assert seen[-1].final
    assert (workspace / "new.txt").exists()
    assert values["messages"][-1].text in ("done", "again")


@pytest.mark.parametrize("send", [False, True])
def test_rejected_calls_are_not_made(db: Path, workspace: Path, send: bool) -> None:
    before = tree(workspace)
    script = [calls("rm -rf src", "rm secret.env"), AIMessage("then not")]
    reviewed = ReviewedGraph(
        graph(workspace, script, send=send), review(db, workspace, before="risky", chunks="every:9")
    )
    with reviewer(db, reject("Leave it alone.")) as seen:
        values = reviewed.invoke(INPUT, CONFIG)
    assert tree(workspace) == before
    assert [call["arguments"]["command"] for call in seen[0].proposed] == ["rm -rf src", "rm secret.env"]
    kinds = [(m.type, getattr(m, "status", None)) for m in values["messages"]]
    assert kinds == [("human", None), ("ai", None), ("tool", "error"), ("tool", "error"), ("ai", None)]
    assert "Leave it alone." in values["messages"][2].text
    assert not any(part.kind == "tool_call" for step in steps(db, "lg") for part in step.parts)
    assert [step.actor for step in steps(db, "lg")] == ["user", "agent", "review", "agent"]


@pytest.mark.parametrize("send", [False, True])
def test_edited_calls_are_made_instead(db: Path, workspace: Path, send: bool) -> None:
    script = [calls("rm -rf src", "touch b", ids="c"), AIMessage("done")]
    reviewed = ReviewedGraph(graph(workspace, script, send=send), review(db, workspace, before="all", chunks="every:9"))
    edit = [{"name": "bash", "arguments": {"command": "touch instead"}, "call_id": "c/0"}]
    with reviewer(db, approve(edited=edit)):
        values = reviewed.invoke(INPUT, CONFIG)
    assert (workspace / "instead").exists()
    assert (workspace / "src").exists()
    assert not (workspace / "b").exists()
    assert said(values["messages"])[1] == ("ai", "I say rm -rf src", ["touch instead"])
    assert [m.type for m in values["messages"]] == ["human", "ai", "tool", "human", "ai"]
    assert "touch instead" in values["messages"][3].text
    recorded = [part.text for step in steps(db, "lg") for part in step.parts if part.kind == "tool_call"]
    assert recorded == ["touch instead"]


def test_all_calls_taken_out(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    reviewed = ReviewedGraph(graph(workspace, story("rm -rf src")), review(db, workspace, before="all"))
    with reviewer(db, approve(edited=[])):
        reviewed.invoke(INPUT, CONFIG)
    assert tree(workspace) == before


@pytest.mark.parametrize("send", [False, True])
def test_a_rollback_forks_the_history_and_takes_files_back(db: Path, workspace: Path, send: bool) -> None:
    script = [*story(*STORY[:3])[:-1], calls("cat secret.env"), AIMessage("done")]
    built = graph(workspace, script, send=send)
    reviewed = ReviewedGraph(built, review(db, workspace))
    at: dict[str, Any] = {}
    opened = reviewed.review.gate

    def watched(**named: Any) -> Any:
        at[named["name"]] = (tree(workspace), said(built.get_state(CONFIG).values["messages"]))
        return opened(**named)

    reviewed.review.gate = watched  # type: ignore[method-assign]
    back = lambda seen: roll_back(seen[1].key, "You deleted the secret.")  # noqa: E731
    with reviewer(db, approve(), approve(), back) as seen:
        values = reviewed.invoke(INPUT, CONFIG)
    files, messages = at[seen[1].key]
    assert said(values["messages"])[: len(messages)] == messages
    told = values["messages"][len(messages)]
    assert "You deleted the secret." in told.text
    assert "was taken back to snapshot" in told.text
    assert values["messages"][-2].text == "TOKEN=abc\n"
    assert (workspace / "secret.env").stat().st_mode & 0o777 == 0o600
    assert tree(workspace) == files
    undone = [part.text for s in steps(db, "lg", abandoned=True) for part in s.parts if part.kind == "tool_call"]
    assert undone == STORY[2:3]  # and the old branch is still in the history
    kept = [said(state.values["messages"]) for state in built.get_state_history(CONFIG) if state.values]
    assert any(("ai", f"I say {STORY[2]}", [STORY[2]]) in branch for branch in kept)


def test_a_rollback_to_the_beginning(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    script = [*(calls(command) for command in STORY[:2]), AIMessage("done")]
    reviewed = ReviewedGraph(graph(workspace, script), review(db, workspace))
    with reviewer(db, approve(), roll_back("start", "All wrong.")):
        values = reviewed.invoke(INPUT, CONFIG)
    assert tree(workspace) == before
    assert [m.type for m in values["messages"]] == ["human", "human", "ai"]
    assert "All wrong." in values["messages"][1].text


@pytest.mark.parametrize("send", [False, True])
def test_a_rollback_to_a_proposal_leaves_it_unmade(db: Path, workspace: Path, send: bool) -> None:
    before = tree(workspace)
    script = [calls("rm -rf src"), calls("rm secret.env"), AIMessage("done")]
    reviewed = ReviewedGraph(graph(workspace, script, send=send), review(db, workspace, before="all", chunks="every:9"))
    with reviewer(db, approve(), lambda seen: roll_back(seen[0].key, "Neither.")):
        values = reviewed.invoke(INPUT, CONFIG)
    assert tree(workspace) == before
    assert [m.type for m in values["messages"]] == ["human", "ai", "tool", "ai"]
    assert "Neither." in values["messages"][2].text


def test_words_with_an_approval_are_told_when_the_calls_have_their_results(db: Path, workspace: Path) -> None:
    reviewed = ReviewedGraph(graph(workspace, story("touch a")), review(db, workspace, before="all"))
    with reviewer(db, approve("Mind the clock.")):
        values = reviewed.invoke(INPUT, CONFIG)
    assert [m.type for m in values["messages"]] == ["human", "ai", "tool", "human", "ai"]
    assert "Mind the clock." in values["messages"][3].text


def test_the_end_can_be_refused_and_rolled_back(db: Path, workspace: Path) -> None:
    script = [AIMessage("done"), AIMessage("done, really"), AIMessage("done at last")]
    reviewed = ReviewedGraph(graph(workspace, script), review(db, workspace))
    with reviewer(db, reject("Nothing is done."), lambda seen: roll_back(seen[0].key, "Still not.")) as seen:
        values = reviewed.invoke(INPUT, CONFIG)
    assert [gate.final for gate in seen] == [True] * 3
    assert [m.type for m in values["messages"]] == ["human", "ai", "human", "ai"]
    assert "Still not." in values["messages"][2].text
    assert values["messages"][3].text == "done at last"


def test_stopped_nothing_more_runs(db: Path, workspace: Path) -> None:
    reviewed = ReviewedGraph(graph(workspace, story(*STORY)), review(db, workspace))
    with reviewer(db, stop("Enough.")), pytest.raises(Stopped, match="Enough"):
        reviewed.invoke(INPUT, CONFIG)
    assert not (workspace / "new.txt").exists()
    with pytest.raises(Stopped):
        reviewed.invoke(None, CONFIG)
    assert not (workspace / "new.txt").exists()


def test_unanswered_it_waits_and_can_be_taken_up(db: Path, workspace: Path) -> None:
    before = tree(workspace)
    made = review(db, workspace, before="all", timeout_s=0.1)
    reviewed = ReviewedGraph(graph(workspace, story("touch a")), made)
    with pytest.raises(Unanswered):
        reviewed.invoke(INPUT, CONFIG)
    with pytest.raises(Unanswered):
        reviewed.invoke(None, CONFIG)
    assert tree(workspace) == before
    assert [gate.state for gate in gates(db, "lg")] == ["open"]
    made.timeout_s = 60
    with reviewer(db):
        reviewed.invoke(None, CONFIG)
    assert (workspace / "a").exists()


def file_saver(path: Path) -> SqliteSaver:
    return SqliteSaver(sqlite3.connect(path, check_same_thread=False))


def test_a_killed_run_is_taken_up_at_its_gate(db: Path, workspace: Path, tmp_path: Path) -> None:
    """Two drivers with graphs and connections of their own stand for two processes: only the databases are shared."""
    first = ReviewedGraph(graph(workspace, story(*STORY[:3]), file_saver(tmp_path / "c.db")), review(db, workspace))
    taken = first.review._took

    def killed(answer: Any, state: Any) -> Any:  # with the decision to roll back in its hands
        if answer.verdict == "rollback":
            raise KeyboardInterrupt
        return taken(answer, state)

    first.review._took = killed  # type: ignore[method-assign]
    with reviewer(db, approve(), roll_back("start", "x")) as seen, pytest.raises(KeyboardInterrupt):
        first.invoke(INPUT, CONFIG)
    assert len(seen) == 2
    first.review.close()
    script = [calls("touch b"), calls("touch c"), AIMessage("done")]
    second = ReviewedGraph(graph(workspace, script, file_saver(tmp_path / "c.db")), review(db, workspace))
    with reviewer(db):
        values = second.invoke(None, CONFIG)
    assert (workspace / "src" / "app.py").read_bytes() == b"VALUE = 1\r\n"  # it did go back to the beginning
    assert [m.type for m in values["messages"]] == ["human", "human", "ai", "tool", "ai", "tool", "ai"]
    undone = [part.text for s in steps(db, "lg", abandoned=True) for part in s.parts if part.kind == "tool_call"]
    assert undone == STORY[:2]


def test_a_run_taken_up_can_be_rolled_back_to_gates_of_the_process_before(
    db: Path, workspace: Path, tmp_path: Path
) -> None:
    script = [*(calls(command) for command in STORY[:3])]
    first = ReviewedGraph(graph(workspace, script, file_saver(tmp_path / "c.db")), review(db, workspace))
    with reviewer(db) as seen, pytest.raises(RuntimeError, match="StopIteration"):
        first.invoke(INPUT, CONFIG)  # the model dies at its fourth request
    first.review.close()
    script = [calls("cat src/app.py"), AIMessage("done"), AIMessage("done again")]
    second = ReviewedGraph(graph(workspace, script, file_saver(tmp_path / "c.db")), review(db, workspace))
    with reviewer(db, lambda _: roll_back(seen[0].key, "Two steps too far.")) as later:
        values = second.invoke(None, CONFIG)
    assert not (workspace / "new.txt").exists()
    assert (workspace / "secret.env").exists()
    assert "Two steps too far." in values["messages"][3].text
    assert len(later) >= 2


def test_named_nodes_and_parallel_ones(db: Path) -> None:
    class State(TypedDict):
        messages: Annotated[list[AnyMessage], add_messages]
        notes: Annotated[list[str], lambda a, b: a + b]

    ran: list[str] = []

    def node(name: str) -> Any:
        def work(_state: State) -> dict[str, Any]:
            ran.append(name)
            return {"notes": [name], "messages": [AIMessage(f"{name} was here")]}

        return work

    builder = StateGraph(State)
    for name in ("left", "right", "deploy"):
        builder.add_node(name, node(name))
    for name in ("left", "right"):
        builder.add_edge(START, name)
        builder.add_edge(name, "deploy")
    builder.add_edge("deploy", END)
    reviewed = ReviewedGraph(
        builder.compile(checkpointer=InMemorySaver()), review(db, None, chunks="every:9"), at=["deploy"]
    )
    with reviewer(db, reject("Not yet."), approve("Now."), lambda seen: roll_back(seen[1].key, "Once more.")) as seen:
        values = reviewed.invoke({"messages": [("user", "ship it")], "notes": []}, CONFIG)
    assert [gate.final for gate in seen] == [False, False, True, False, True]
    assert ran == ["left", "right", "deploy", "deploy"]
    assert values["notes"] == ["left", "right", "deploy"]
    recorded = [(step.actor, shape(step)) for step in steps(db, "lg")]
    assert ("left", [("text", "left was here")]) in recorded
    assert any(actor == "deploy" and ("text", 'notes: ["deploy"]') in parts for actor, parts in recorded)


def test_interrupts_of_the_graphs_own_are_left_to_it(db: Path) -> None:
    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [AIMessage(f"You said {interrupt('Sure?')}")]}

    builder = StateGraph(MessagesState)
    builder.add_node("ask", ask)
    builder.add_edge(START, "ask")
    built = builder.compile(checkpointer=InMemorySaver())
    reviewed = ReviewedGraph(built, review(db, None))
    with reviewer(db) as seen:
        reviewed.invoke(INPUT, CONFIG)
        assert built.get_state(CONFIG).interrupts[0].value == "Sure?"
        values = reviewed.invoke(Command(resume="yes"), CONFIG)
    assert values["messages"][-1].text == "You said yes"
    assert [gate.final for gate in seen] == [True]


def test_the_limit_of_super_steps_still_holds(db: Path, workspace: Path) -> None:
    reviewed = ReviewedGraph(graph(workspace, [calls("true", ids=str(n)) for n in range(9)]), review(db, workspace))
    with reviewer(db), pytest.raises(GraphRecursionError):
        reviewed.invoke(INPUT, {**CONFIG, "recursion_limit": 5})


def test_a_state_without_messages_needs_a_way_to_tell(db: Path) -> None:
    class State(TypedDict):
        plan: str
        told: str

    builder = StateGraph(State)
    builder.add_node("plan", lambda state: {"plan": f"after: {state.get('told', '')[:11]}"})
    builder.add_edge(START, "plan")
    built = builder.compile(checkpointer=InMemorySaver())
    with pytest.raises(UsageError, match="cannot be told"):
        ReviewedGraph(built, review(db, None))
    reviewed = ReviewedGraph(built, review(db, None), tell=lambda text: {"told": text})
    with reviewer(db, reject("Another plan.")):
        values = reviewed.invoke({"plan": "", "told": ""}, CONFIG)
    assert values["plan"] == "after: ## DECISION"


def test_a_graph_without_checkpoints_is_refused(db: Path) -> None:
    builder = StateGraph(MessagesState)
    builder.add_node("one", lambda _: {})
    builder.add_edge(START, "one")
    with pytest.raises(UsageError, match="no checkpoints"):
        ReviewedGraph(builder.compile(), review(db, None))


def test_calls_beside_other_nodes_cannot_be_refused_singly(db: Path) -> None:
    """Fails closed: nothing that was rejected runs, and the run ends with an error that says why."""
    ran: list[str] = []

    @tool
    def bash(command: str) -> str:
        """Run a command."""
        ran.append(command)
        return command

    builder = StateGraph(MessagesState)
    builder.add_node("agent", lambda _: {"messages": [calls("ls")]})
    builder.add_node("tools", ToolNode([bash]))
    builder.add_node("log", lambda _: {})
    builder.add_edge(START, "agent")
    builder.add_edge("agent", "tools")
    builder.add_edge("agent", "log")
    reviewed = ReviewedGraph(builder.compile(checkpointer=InMemorySaver()), review(db, None, before="all"))
    with reviewer(db, reject("No.")), pytest.raises(Exception, match="several nodes are next"):
        reviewed.invoke(INPUT, CONFIG)
    assert ran == []
