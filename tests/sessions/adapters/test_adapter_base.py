"""What adapters share, without any framework: when gates are due, what is recorded, and what follows from answers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from adapter_tools import Line, approve, gates, reject, reviewer, roll_back, shape, steps, stop, tree

from labels.model import CodebookRef, Label, SetLabel, StepRef
from labels.operating import Said
from sessions import catalog
from sessions.adapters.base import START, Call, Review, Stopped, Unanswered, paired
from sessions.adapters.rules import chunk_rule
from sessions.adapters.trail import Trail, plain
from sessions.errors import UsageError, UserError
from sessions.gate_checks import CheckContext, CheckResult
from sessions.live import checking
from sessions.live.gates import live_by_name
from sessions.run import Step
from sessions.store import Store
from sessions.supervise.plan import RUN_VARIABLE, WORKSPACE_VARIABLE

RM, LS = Call("bash", {"command": "rm -rf x"}, "1"), Call("bash", {"command": "ls"}, "2")


def review(db: Path, workspace: Path | None = None, **more: Any) -> Review:
    made = Review(agent="bot", workspace=workspace, db=db, **{"run": "r", "chunks": "every:2", **more})
    made.start(["edit", "state"], "Mend it.")
    return made


# -- chunks and calls ---------------------------------------------------------------------------------------------


def made_of(*calls: str, text: str = "") -> list[Step]:
    trail = Trail()
    trail.reply("bot", text)
    trail.call("bot", [Call("bash", {"command": command}) for command in calls])
    return trail.steps


def test_chunk_policies() -> None:
    assert [chunk_rule("every:3")(count, []) for count in (2, 3, 4)] == [False, True, True]
    assert [chunk_rule("tokens:2")(1, made_of(text=text)) for text in ("1234567", "12345678")] == [False, True]
    assert [chunk_rule("effects")(1, made_of(command)) for command in ("ls", "rm x")] == [False, True]
    assert [chunk_rule("marker:^DONE")(1, made_of(text=text)) for text in ("not DONE", "so\nDONE")] == [False, True]


@pytest.mark.parametrize(
    "text", ["every:0", "every:x", "every", "every:99999999", "handoff", "marker:", "marker:(", ""]
)
def test_chunk_policies_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        Review(agent="bot", chunks=text)


def test_edits_are_paired_by_id_and_else_by_order() -> None:
    a, b = Call("t", 1, "a"), Call("t", 2, "b")
    new, other = Call("t", 3), Call("t", 4)
    assert paired([a, b], [new, other]) == ([new._replace(id="a"), other._replace(id="b")], [])
    assert paired([a, b], [new]) == ([new._replace(id="a"), None], [])
    assert paired([a, b], [new._replace(id="b")]) == ([None, new._replace(id="b")], [])
    assert paired([a], [new, other]) == ([new._replace(id="a")], [other])
    assert paired([a], [new._replace(id="zz")]) == ([None], [new._replace(id="zz")])
    assert paired([a, b], [new._replace(id="a"), other._replace(id="a")])[0] == [new._replace(id="a"), None]
    assert paired([a, b], []) == ([None, None], [])


def test_which_calls_are_asked_for(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asks(before: Any) -> list[bool]:
        made = review(db, before=before)
        return [made.asks_for([LS]), made.asks_for([LS, RM]), made.asks_for([])]

    assert asks("none") == [False, False, False]
    assert asks("all") == [True, True, False]
    assert asks(lambda name, given: name == "bash" and "rm" in given["command"]) == [False, True, False]
    assert asks("risky") == [False, True, False]  # no check is installed here: what changes the world
    for action, expected in (("hold", True), ("reject", True), ("stop", True), ("approve", False), ("pass", False)):
        monkeypatch.setattr(checking, "points", lambda: {"one": "test_adapter_base:says"})
        SAID[0] = action
        assert asks("risky") == [False, expected, False]
    monkeypatch.setattr(checking, "points", lambda: {"gone": "nowhere:check"})
    assert asks("risky") == [True, True, False]  # a check that fails holds


SAID: list[Any] = ["pass"]


def says(context: CheckContext) -> list[CheckResult]:
    """A check that has something to say of `rm` only."""
    risky = any("rm" in part.text for part in context.proposed)
    return [CheckResult("one", SAID[0] if risky else "pass", risk=0.5)]


# -- the trail ----------------------------------------------------------------------------------------------------


def test_a_step_is_a_reply_with_its_calls_and_their_results() -> None:
    trail = Trail()
    trail.say("user", "please")
    trail.say("user", "")
    trail.reply("bot", "I look", "hm", model="m", tokens_in=1, cost=0.5)
    trail.call("bot", [RM, LS])
    trail.result("two", call_id="2")
    trail.result("boom", call_id="1", is_error=True)
    trail.result("who?", call_id="9", name="other")
    trail.reply("bot")
    assert [(step.actor, shape(step)) for step in trail.steps] == [
        ("user", [("text", "please")]),
        ("bot", [("reasoning", "hm"), ("text", "I look"), ("tool_call", "rm -rf x"), ("tool_call", "ls"),
                 ("tool_result", "two"), ("tool_result", "boom"), ("tool_result", "who?")]),
    ]  # fmt: skip
    assert [(part.name, part.call_id, part.is_error) for part in trail.steps[1].parts[4:]] == [
        ("bash", "2", None), ("bash", "1", True), ("other", "9", None),
    ]  # fmt: skip
    assert (trail.steps[1].model, trail.steps[1].tokens_in, trail.steps[1].cost) == ("m", 1, 0.5)


def test_what_was_shown_is_not_told_again() -> None:
    trail = Trail()
    trail.reply("bot", "I will")
    assert [shape(step) for step in trail.take()] == [[("text", "I will")]]
    trail.call("bot", [RM])
    assert len(trail.take()) == 1
    trail.result("late", call_id="1")
    trail.call("other", [LS])
    assert [(step.actor, step.role, shape(step)) for step in trail.take()] == [
        ("environment", "environment", [("tool_result", "late")]), ("other", "agent", [("tool_call", "ls")]),
    ]  # fmt: skip
    assert len(trail) == 0


def test_odd_values_become_json() -> None:
    assert plain({"a": {1, 2}.__class__, "b": Path("/x")}) == {"a": "<class 'set'>", "b": "/x"}
    assert plain("text") == "text"
    assert plain(None) is None
    assert Call("t", '{"a": 1}').part.arguments == {"a": 1}


# -- gates --------------------------------------------------------------------------------------------------------


def replied(made: Review, text: str) -> None:
    made.replied("bot", text)


def test_a_gate_is_due_when_a_chunk_is_complete(db: Path) -> None:
    made = review(db)
    due = []
    with reviewer(db):
        for number in range(4):
            replied(made, f"step {number}")
            due.append(made.due())
            if made.due():
                assert made.gate().approved
    assert due == [False, True, False, True]
    assert [gate.last - gate.first for gate in gates(db, "r")] == [1, 1]


def test_the_brief_is_handed_over_where_there_is_something_to_say(db: Path) -> None:
    def label(seen: Any) -> Said:
        step = StepRef(id="x", index=0)
        book = CodebookRef("mast", "1", "0" * 64)
        return Said("approve", ops=[SetLabel(label=Label(id="l", mode="step-repetition", name="Step repetition",
                                                         codebook=book, first=step, last=step))])  # fmt: skip

    script: list[Line] = [approve(), approve("Mind it."), label, approve(edited=[{"name": "ls"}]), reject("No.")]
    made = review(db)
    words = []
    with reviewer(db, *script):
        for number in range(5):
            replied(made, f"step {number}")
            words.append(made.words(made.gate(proposed=[RM])))
    assert words[0] is None
    assert [part in str(words[n]) for n, part in ((1, "Mind it."), (2, "Step repetition"), (4, "No."))] == [True] * 3
    assert str(words[3]).rstrip().endswith("ls:")
    with reviewer(db):
        made = review(db, run="all", briefs=True)
        assert "Mend it." in str(made.words(made.gate()))


def test_what_a_gate_raised_is_raised_again(db: Path) -> None:
    made = review(db, timeout_s=0.05)
    replied(made, "one")
    with pytest.raises(Unanswered) as first:
        made.gate()
    for again in (made.due, made.gate, made.unbroken, lambda: made.asks_for([RM])):
        with pytest.raises(Unanswered):
            again()
    made.ask_again()
    with reviewer(db):
        assert made.gate().id == first.value.pending.id
    with reviewer(db, stop("Enough.")), pytest.raises(Stopped, match=r"by ann: Enough\."):
        made.gate()
    made.ask_again()  # only waiting is taken up again
    with pytest.raises(Stopped):
        made.due()


async def test_waiting_that_is_cancelled_is_no_approval(db: Path) -> None:
    import asyncio

    made = review(db)
    waiting = asyncio.create_task(made.gate_async(proposed=[RM]))
    await asyncio.sleep(0.2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(UserError, match="was interrupted"):
        await made.gate_async(proposed=[RM])


def test_states_and_restarts(db: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = review(db)
    made.keep(START, "begun")
    script: list[Line] = [approve(), roll_back("1", "x"), roll_back("start", "y"), roll_back("start", "z")]
    with reviewer(db, *script):
        replied(made, "one")
        made.gate(state="first")
        replied(made, "two")
        assert made.state_at(made.gate()) == "first"
        replied(made, "three")
        assert made.state_at(made.gate()) == "begun"
        other = review(db)  # another process, which knows nothing of it
        other.trail.reply("bot", "four")
        answer = other.gate()
        with pytest.raises(Stopped, match="not known here"):
            other.state_at(answer)
    assert "THE REVIEWER'S WORDS\nz" in capsys.readouterr().err
    with pytest.raises(Stopped):
        other.due()
    assert [shape(step)[0][1] for step in steps(db, "r", abandoned=True)] == ["one", "two", "three", "four"]


def test_files_go_back_or_the_agent_is_stopped(db: Path, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begun = tree(workspace)
    made = review(db, workspace)
    with reviewer(db, roll_back("start", "x"), approve(), roll_back("2", "y")):
        (workspace / "secret.env").unlink()
        replied(made, "one")
        assert made.gate().verdict == "rollback"
        assert tree(workspace) == begun
        replied(made, "two")
        made.gate(state=2)
        (workspace / "secret.env").unlink()
        shutil.rmtree(db.parent / "snapshots")
        replied(made, "three")
        with pytest.raises(Stopped, match="files could not be taken back"):
            made.gate()
    assert "could NOT be taken back" in capsys.readouterr().err


def test_a_workspace_that_cannot_be_kept_is_refused_at_once(db: Path) -> None:
    made = Review(agent="bot", workspace=Path.home(), db=db)
    for _ in range(2):
        with pytest.raises(UserError):
            made.start([], "Mend it.")


def test_what_it_can_do_is_on_the_run(db: Path, workspace: Path) -> None:
    review(db)
    review(db, workspace, run="files")
    with reviewer(db), Store.open(db) as store:
        made = review(db, run="r2")
        made.gate()
        found = [live_by_name(store, name) for name in ("r2", "files")]
    assert [live.can for live in found if live] == [("hold", "edit", "state"), ("hold", "edit", "files", "state")]


def test_a_gate_named_after_a_state_is_found_again(db: Path) -> None:
    first = review(db, timeout_s=0.05)
    replied(first, "one")
    with pytest.raises(Unanswered):
        first.gate(name="state-1")
    second = review(db)
    assert second.earlier("other") is None
    found = second.earlier("state-1")
    assert found is not None
    with reviewer(db):
        assert second.gate(name="state-1").id == found.id
    assert second.earlier("state-1") is None
    assert second.passed() == ["state-1"]
    with Store.open(db) as store:
        assert catalog.find_run(store, "r").steps == 1


def test_ending(db: Path) -> None:
    made = review(db)
    with reviewer(db):
        made.gate()
    assert not made.ended
    made.end()
    made.end()
    assert made.ended
    with pytest.raises(UserError, match="was closed"):
        made.gate()


def test_a_run_that_is_over_is_not_begun_again(db: Path) -> None:
    made = review(db)
    with reviewer(db):
        made.gate(final=True)
    for _ in range(2):
        with pytest.raises(UserError, match="is over"):
            review(db)


def test_files_without_a_snapshot_to_go_back_to_stop_the_agent(db: Path, workspace: Path) -> None:
    with reviewer(db, approve(), roll_back("start", "x")):
        first = review(db)
        first.gate()  # a process that kept no files
        second = review(db, workspace)
        replied(second, "one")
        with pytest.raises(Stopped, match="files could not be taken back"):
            second.gate()


def test_below_review_tui_run_it_is_that_run(db: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RUN_VARIABLE, "outer")
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(workspace))
    with Review(agent="bot", db=db) as made:
        made.start([], "Mend it.")
        assert (made.run, made.workspace) == ("outer", str(workspace))
    with Review(agent="bot", db=db, run="own") as made:
        made.start([], "Mend it.")
        assert (made.run, made.workspace) == ("own", None)


def test_it_must_be_started() -> None:
    with pytest.raises(UsageError, match="not been started"):
        Review(agent="bot").gate()


def test_nothing_of_ours_imports_a_framework() -> None:
    """Adapters are loaded by their users alone, and what they share is light."""
    code = "import sys, sessions.gate; assert not any('adapters' in name for name in sys.modules)\n"
    code += "import sessions.adapters.base; print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"langgraph", "agents", "pydantic_ai", "pydantic", "textual", "labels", "asyncio"} & set(found)
