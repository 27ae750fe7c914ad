"""Live gates in the station: real gates, opened as an agent opens them and decided with keys; the agent's answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from station import SMALL, Station, station

from labels import operating
from labels.operating import Said
from sessions.gate import Answer, Gate, Pending
from sessions.live import claims, gates
from sessions.live.files import take_beginning, workspace_hooks
from sessions.live.gates import GateInfo
from sessions.store import Store

HOSTILE = "evil \x1b]0;owned\x07[red]gate[/] \u202e"


class Agent:
    """An agent that opens gates and looks for their answers without waiting."""

    def __init__(self, db: Path, tmp_path: Path) -> None:
        self.db, self.workspace = db, tmp_path / "workspace"
        self.workspace.mkdir()
        (self.workspace / "data.txt").write_text("good\n")
        hooks = workspace_hooks(db, tmp_path / "snapshots")
        self.gate = Gate(
            agent="helper", task="Tidy up.", run="tidy", db=db, workspace=self.workspace, hooks=hooks,
            can=("hold", "edit", "files", "state"),
        )  # fmt: skip
        self.steps = 0

    def work(self, steps: int = 3, command: str = "ls -la", **gate: Any) -> Answer | Pending:
        """Some steps, then a gate."""
        for _ in range(steps):
            self.steps += 1
            self.gate.add("helper", text=f"I do thing{self.steps}.", calls=[("bash", {"command": command})])
        return self.gate.open(wait=False, **gate)

    def ask(self) -> Answer | Pending:
        """The gate that was asked for last, again."""
        return self.gate.open(wait=False)

    def close(self) -> None:
        self.gate.close()


@pytest.fixture
def agent(db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REVIEW_TUI_SNAPSHOTS", str(tmp_path / "snapshots"))
    made = Agent(db, tmp_path)
    yield made
    made.close()


def waiting(db: Path) -> list[GateInfo]:
    with Store.open(db) as store:
        return gates.waiting(store)


async def at_gate(here: Station) -> None:
    """Go to the gate that waits, as a reviewer does."""
    await here.until(lambda: "AGENTS THAT WAIT" in here.text, "the gate in the inbox")
    await here.press("w")
    await here.until(lambda: "GATE" in here.side, "the gate in the panel")


async def test_the_inbox_lists_who_waits(db, agent):
    agent.work()
    async with station(db) as here:
        await here.until(lambda: "AGENTS THAT WAIT" in here.text)
        assert "tidy / 1" in here.text
        assert "1 waiting" in here.head
        await at_gate(here)
        assert "helper" in here.side
        assert "snapshot" in here.side
        assert here.chunk == 1


async def test_approving_lets_the_agent_go_on(db, agent):
    assert not agent.work()
    async with station(db) as here:
        await at_gate(here)
        await here.press("a")
        assert "approved. u takes it back until the agent has it" in here.footer
        answer = agent.ask()
        await here.until(lambda: "approved: the agent has it" in here.footer, "that it cannot be undone any more")
        assert isinstance(answer, Answer)
        assert (answer.verdict, answer.by, answer.how) == ("approve", "ann", "person")
        (event,) = here.events()
        assert event.data["gate"]["key"] == "1"
        assert here.decision(1).verdict == "approve"


async def test_words_go_to_the_agent(db, agent):
    agent.work()
    async with station(db) as here:
        await at_gate(here)
        await here.press("M")
        await here.type("but mind the tests")
        await here.until(lambda: waiting(db)[0].state == "decided")
        assert agent.ask().message == "but mind the tests"
        assert here.decision(1).note == "but mind the tests"


@pytest.mark.parametrize(("key", "verdict"), [("X", "reject"), ("s", "stop")])
async def test_rejecting_and_stopping_with_words(db, agent, key, verdict):
    agent.work(proposed=[{"name": "bash", "arguments": {"command": "make deploy"}}])
    async with station(db) as here:
        await at_gate(here)
        assert "make deploy" in here.side
        await here.press(key)
        await here.type("not like this")
        await here.until(lambda: waiting(db)[0].state == "decided")
        answer = agent.ask()
        assert (answer.verdict, answer.message) == (verdict, "not like this")


async def test_changing_ones_mind_before_the_words(db, agent):
    agent.work()
    async with station(db) as here:
        await at_gate(here)
        await here.press("s", "escape")
        assert not agent.ask()
        assert here.decisions() == []


async def test_rolling_back_takes_files_back_and_tells_the_agent(db, agent):
    agent.work()
    with Store.open(db) as store:
        operating.decide(store, "ann", gates.waiting(store)[0], Said("approve"))
    agent.ask()
    (agent.workspace / "data.txt").write_text("ruined\n")
    (agent.workspace / "invented.txt").write_text("4,000 customers\n")
    agent.work()
    async with station(db) as here:
        await at_gate(here)
        assert here.chunk == 2
        await here.press("r")
        assert here.screen == "Choice"
        await here.press("enter")
        await here.until(lambda: "data.txt" in here.text and "invented.txt" in here.text, "the plan")
        assert (agent.workspace / "data.txt").read_text() == "ruined\n"
        await here.press("enter")
        await here.type("leave the data alone")
        await here.until(lambda: waiting(db)[0].state == "decided")
        answer = agent.ask()
        assert (answer.verdict, answer.to_gate, answer.message) == ("rollback", "1", "leave the data alone")
        assert (agent.workspace / "data.txt").read_text() == "good\n"
        assert not (agent.workspace / "invented.txt").exists()
        assert "taken back to snapshot" in answer.brief
        assert here.decision(2).verdict == "rollback"


def approve(db: Path, agent: Agent) -> None:
    with Store.open(db) as store:
        operating.decide(store, "ann", gates.waiting(store)[0], Said("approve"))
    agent.ask()


async def test_the_beginning_shows_and_takes_back_the_files_too(db, agent):
    agent.work()
    approve(db, agent)
    (agent.workspace / "data.txt").write_text("ruined\n")
    agent.work()
    async with station(db, size=SMALL) as here:
        await at_gate(here)
        await here.press("r")
        listed = [line for line in here.lines if "before step 1" in line or "after step 3" in line]
        assert [line.split("│")[1].split()[0] for line in listed] == ["1", "the"]
        assert "files and state" in listed[0]
        assert "files as at gate 1 and state" in listed[1]
        await here.press("end", "enter")
        await here.until(lambda: "data.txt" in here.text, "the plan")
        assert "1 PATH GOES BACK" in here.text
        assert "before that gate stays" in " ".join(here.text.split())
        assert "own state goes back, too" in here.text
        await here.press("enter")
        await here.type("from the start")
        await here.until(lambda: waiting(db)[0].state == "decided")
        answer = agent.ask()
        assert (answer.verdict, answer.to_gate) == ("rollback", "start")
        assert (agent.workspace / "data.txt").read_text() == "good\n"


async def test_a_snapshot_from_before_the_first_step_needs_no_excuse(db, agent, tmp_path):
    agent.work()
    (gate,) = waiting(db)
    take_beginning(db, agent.workspace, gate.run, tmp_path / "snapshots")
    async with station(db) as here:
        await at_gate(here)
        await here.press("r")
        assert "files and state" in here.text
        await here.press("enter")
        await here.until(lambda: "NOTHING WOULD CHANGE" in here.text, "the plan")
        assert "earliest" not in here.text


async def test_where_no_file_goes_back_that_is_said_before_one_agrees(db, tmp_path, monkeypatch):
    monkeypatch.setenv("REVIEW_TUI_SNAPSHOTS", str(tmp_path / "snapshots"))
    with Gate(agent="helper", task="t", run="r", db=db, workspace=tmp_path) as gate:
        gate.add("helper", text="I send the mail.", calls=[("bash", {"command": "git push"})])
        gate.open(wait=False)
        async with station(db, size=SMALL) as here:
            await at_gate(here)
            await here.press("r")
            assert "files stay as they are" in here.text
            await here.press("enter")
            await here.until(lambda: "FILES STAY AS THEY ARE" in here.text, "that no file goes back")
            assert "state does not go back" in here.text
            assert "NOT UNDONE" in here.text
            await here.press("enter")
            await here.type("")
            await here.until(lambda: waiting(db)[0].state == "decided")
            assert gate.open(wait=False).to_gate == "start"


async def test_what_somebody_else_changed_is_kept_unless_chosen(db, agent):
    agent.work()
    with Store.open(db) as store:
        operating.decide(store, "ann", gates.waiting(store)[0], Said("approve"))
    agent.ask()
    (agent.workspace / "data.txt").write_text("ruined\n")
    agent.work()
    (agent.workspace / "data.txt").write_text("a person's edit\n")
    async with station(db) as here:
        await at_gate(here)
        await here.press("r", "enter")
        await here.until(lambda: "CHANGED BY SOMEBODY ELSE" in here.text, "the conflict")
        assert "kept as it is now" in here.text
        await here.press("home", "space")
        assert "taken back" in here.text
        await here.press("enter")
        await here.type("")
        await here.until(lambda: waiting(db)[0].state == "decided")
        agent.ask()
        assert (agent.workspace / "data.txt").read_text() == "good\n"


async def test_undo_until_the_agent_has_acted(db, agent):
    agent.work()
    async with station(db) as here:
        await at_gate(here)
        await here.press("a", "u")
        assert not agent.ask()
        await here.press("a")
        assert agent.ask()
        await here.press("u")
        assert "cannot be undone" in here.footer
        await here.press("a")
        assert "has acted on" in here.footer


async def test_the_first_decision_holds_and_the_other_is_told(db, agent):
    agent.work()
    async with station(db) as here:
        await at_gate(here)
        with Store.open(db) as store:
            operating.decide(store, "bob", gates.waiting(store)[0], Said("stop", message="no"))
        await here.press("a")
        await here.until(lambda: "bob" in here.footer or "bob" in here.side, "who was first")
        assert here.decisions() == []
        assert agent.ask().by == "bob"


async def test_a_gate_that_opens_takes_the_waiting_reviewer_there(db, agent):
    agent.work()
    async with station(db) as here:
        await at_gate(here)
        await here.press("a")
        agent.ask()
        agent.work()
        await here.until(lambda: here.chunk == 2, "the next chunk")
        await here.until(lambda: "GATE · 2" in here.side, "its gate")


async def test_somebody_who_is_at_it_is_named(db, agent):
    agent.work()
    with Store.open(db) as store:
        claims.claim(store, gates.waiting(store)[0].id, "bob", "root")
    async with station(db) as here:
        await at_gate(here)
        await here.until(lambda: "bob is at" in here.footer or "bob is at it" in here.side)
        await here.press("a")
        assert agent.ask().by == "ann"


async def test_two_people_are_needed_where_the_policy_says_so(db, agent, tmp_path, monkeypatch):
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rule]]\nid = "pairs"\naction = "hold"\nneeds = 2\n')
    monkeypatch.setenv("REVIEW_TUI_POLICY", str(policy))
    agent.work()
    async with station(db) as here:
        await at_gate(here)
        assert "needs 2 people" in here.side
        await here.press("a")
        assert "needs one more person" in here.footer
        assert not agent.ask()
        with Store.open(db) as store:
            operating.decide(store, "bob", gates.waiting(store)[0], Said("approve"))
        assert agent.ask().verdict == "approve"


async def test_proposed_calls_can_be_edited(db, agent):
    agent.work(proposed=[{"name": "bash", "arguments": {"command": "rm -rf build"}}])
    async with station(db) as here:
        await at_gate(here)
        await here.press("E")
        area = here.app.screen.query_one("#calls")
        area.text = "nonsense"
        await here.press("ctrl+s")
        assert "no JSON" in here.text
        area.text = '[{"name": "bash", "arguments": {"command": "ls build"}}]'
        await here.press("ctrl+s")
        await here.until(lambda: waiting(db)[0].state == "decided")
        assert agent.ask().edited[0]["arguments"] == {"command": "ls build"}


async def test_labels_at_a_gate_reach_the_agent_and_the_gold(db, agent):
    agent.work()
    async with station(db) as here:
        await at_gate(here)
        await here.press("l", "1", "3")
        await here.press("a")
        answer = agent.ask()
        assert [label.mode for label in here.decision(1).labels] == ["step-repetition"]
        assert "Step repetition" in answer.brief


async def test_an_irreversible_action_holds_and_is_drawn_as_an_alarm(db, agent):
    agent.work(command="rm -rf /var/lib/postgresql")
    async with station(db) as here:
        await here.until(lambda: "▲" in here.text, "the alarm in the inbox")
        await at_gate(here)
        assert "▲" in here.side
        await here.until(lambda: "S.1" in here.side, "the suggestion")


async def test_a_new_gate_rings(db, agent):
    async with station(db) as here:
        rung = []
        here.app.bell = lambda: rung.append(True)  # type: ignore[method-assign]
        agent.work()
        await here.until(lambda: rung, "the bell")
        assert "helper waits at 1" in here.footer
        assert not here.app._notifications  # a toast would soon lie over the gate that it tells of


async def test_hostile_names_are_shown_as_they_are(db, tmp_path):
    with Gate(agent="a[red]", task=HOSTILE, run="r[/]", db=db) as gate:
        gate.add("x", text=HOSTILE)
        gate.open("g[blink]", wait=False, proposed=[{"name": "bash", "arguments": {"command": HOSTILE}}])
        async with station(db) as here:
            await at_gate(here)
            assert "g[blink]" in here.side
            assert "\x1b" not in here.text
            assert "\u202e" not in here.text


async def test_without_gates_nothing_waits(samples_db):
    async with station(samples_db) as here:
        await here.press("w")
        assert "No gate waits." in here.footer
        await here.press("enter", "w")
        assert "No gate waits." in here.footer
        await here.press("X")
        assert "There is no live gate here." in here.footer


async def test_what_policy_approved_is_looked_at_afterwards(db, agent, tmp_path, monkeypatch):
    policy = tmp_path / "policy.toml"
    policy.write_text('audit_share = 1.0\n[[rule]]\nid = "looks"\naction = "approve"\ncommands = ["ls*"]\n')
    monkeypatch.setenv("REVIEW_TUI_POLICY", str(policy))
    assert agent.work().how == "policy"
    async with station(db) as here:
        await here.until(lambda: "APPROVED BY POLICY" in here.text, "the audit")
        await here.press("enter")
        await here.until(lambda: "GATE" in here.side, "the gate")
        await here.press("s")
        await here.type("it should have asked")
        await here.until(lambda: "where a policy decided" in here.footer, "that it is kept")
        (found,) = here.decisions()
        assert (found.reviewer, found.verdict, found.note) == ("ann", "stop", "it should have asked")
        await here.press("q")
        await here.until(lambda: "APPROVED BY POLICY" not in here.text, "that it is done with")
