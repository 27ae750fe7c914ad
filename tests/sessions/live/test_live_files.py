"""The workspace at gates: snapshots, what a person changed meanwhile, and what is told of a restore."""

from pathlib import Path

import pytest

from labels import operating
from labels.operating import Said
from sessions.gate import Gate
from sessions.live import files, gates
from sessions.store import Store
from sessions.workspace.snapshots import Snapshots


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    made = tmp_path / "workspace"
    made.mkdir()
    (made / "data.txt").write_text("good\n")
    return made


@pytest.fixture
def gate(tmp_path: Path, workspace: Path):
    db = tmp_path / "db" / "review.db"
    db.parent.mkdir()
    hooks = files.workspace_hooks(db, tmp_path / "snapshots")
    with Gate(agent="a", task="t", run="r", db=db, workspace=workspace, hooks=hooks, can=("hold", "files")) as made:
        yield made


def decide(tmp_path: Path, verdict: str, **more) -> None:
    with Store.open(tmp_path / "db" / "review.db") as store:
        operating.decide(store, "ann", gates.waiting(store)[0], Said(verdict, **more))


def step(gate: Gate, text: str) -> None:
    gate.add("a", text=text)
    gate.open(wait=False)


def test_what_a_person_changes_at_a_gate_is_not_the_agents(gate, workspace, tmp_path):
    """It stays when the run is rolled back past it, and the agent is told so."""
    step(gate, "one")
    (workspace / "data.txt").write_text("a person's\n")
    decide(tmp_path, "approve")
    gate.open(wait=False)
    (workspace / "made.txt").write_text("by the agent\n")
    step(gate, "two")
    decide(tmp_path, "rollback")
    answer = gate.open(wait=False)
    assert (workspace / "data.txt").read_text() == "a person's\n"
    assert not (workspace / "made.txt").exists()
    assert "somebody else changed them: data.txt" in answer.brief


def test_what_the_reviewer_chose_is_done(gate, workspace, tmp_path):
    step(gate, "one")
    (workspace / "data.txt").write_text("a person's\n")
    decide(tmp_path, "approve")
    gate.open(wait=False)
    step(gate, "two")
    with Store.open(tmp_path / "db" / "review.db") as store:
        (waits,) = gates.waiting(store)
    files.save_choices(tmp_path / "snapshots", waits.id, {"data.txt": "take", "gone.txt": "both"})
    decide(tmp_path, "rollback")
    gate.open(wait=False)
    assert (workspace / "data.txt").read_text() == "good\n"


def test_back_to_before_the_first_step(gate, workspace, tmp_path):
    with Store.open(tmp_path / "db" / "review.db") as store:
        run = gate_run(gate, store)
    files.take_beginning(tmp_path / "db" / "review.db", workspace, run, tmp_path / "snapshots")
    (workspace / "data.txt").write_text("ruined\n")
    step(gate, "two")
    decide(tmp_path, "rollback", to="start")
    answer = gate.open(wait=False)
    assert (workspace / "data.txt").read_text() == "good\n"
    assert "taken back to snapshot" in answer.brief


def gate_run(gate: Gate, store: Store) -> str:
    """The run's id, made by a first gate that is approved."""
    gate.add("a", text="begin")
    gate.open(wait=False)
    (waits,) = gates.waiting(store)
    operating.decide(store, "ann", waits, Said("approve"))
    gate.open(wait=False)
    return waits.run


def test_the_end_of_a_run_lets_its_snapshots_go(gate, tmp_path):
    gate.add("a", text="one")
    gate.open(final=True, wait=False)
    with Snapshots(tmp_path / "snapshots") as store:
        assert store.collect(0, really=False).removed == ()
    decide(tmp_path, "approve")
    gate.open(wait=False)
    with Snapshots(tmp_path / "snapshots") as store:
        assert len(store.collect(0, really=False).removed) == 1


def test_a_workspace_that_is_gone_is_told_and_hides_nothing(gate, workspace, tmp_path):
    (workspace / "data.txt").unlink()
    workspace.rmdir()
    step(gate, "one")
    with Store.open(tmp_path / "db" / "review.db") as store:
        (waits,) = gates.waiting(store)
    assert waits.snapshot is None
    assert "failed" in waits.snapshot_facts


def test_the_beginning_is_the_first_gate_s_snapshot_where_no_earlier_one_is(gate, workspace, tmp_path):
    """An agent whose hooks take snapshots at its gates only; and it is told what that snapshot is."""
    step(gate, "one")
    decide(tmp_path, "approve")
    gate.open(wait=False)
    (workspace / "data.txt").write_text("ruined\n")
    step(gate, "two")
    decide(tmp_path, "approve")
    gate.open(wait=False)
    (workspace / "made.txt").write_text("by the agent\n")
    step(gate, "three")
    decide(tmp_path, "rollback", to="start")
    answer = gate.open(wait=False)
    assert answer.to_gate == "start"
    assert (workspace / "data.txt").read_text() == "good\n"
    assert not (workspace / "made.txt").exists()
    assert "snapshot is the earliest there is, taken at gate '1'" in answer.brief


def test_a_gate_without_a_snapshot_is_not_the_beginning(gate, workspace, tmp_path):
    """Nobody knows how the files were at such a gate: they stay, and the agent is told so."""
    step(gate, "one")
    with Store.open(tmp_path / "db" / "review.db") as store:
        (waits,) = gates.waiting(store)
        with store.write() as tx:
            gates.attach_snapshot(tx, waits.id, None, {})
    files.take_beginning(tmp_path / "db" / "review.db", workspace, waits.run, tmp_path / "snapshots")
    decide(tmp_path, "approve")
    gate.open(wait=False)
    (workspace / "data.txt").write_text("later\n")
    step(gate, "two")
    decide(tmp_path, "rollback")
    answer = gate.open(wait=False)
    assert answer.to_gate == "1"
    assert (workspace / "data.txt").read_text() == "later\n"
    assert "nobody took the workspace back" in answer.brief
