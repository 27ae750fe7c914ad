"""Opening gates: once, with steps that are a run's like every other."""

from pathlib import Path

import pytest
from gate_tools import again, open_, passed, request, taken, vote
from helpers import in_processes, load, put, quick, steps, write_run
from hypothesis import given
from hypothesis import strategies as st

from sessions import catalog
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.errors import UsageError, UserError
from sessions.identity import Identity, content_id
from sessions.live import ending, gates, opening, runs
from sessions.live.gates import gates_of, live_by_name
from sessions.live.process import myself
from sessions.run import Part, Step
from sessions.store import Store


def said(text: str, actor: str = "planner") -> Step:
    return Step(actor, "agent", [Part("text", text)])


def run_of(store: Store) -> catalog.RunInfo:
    live = live_by_name(store, "r")
    assert live is not None
    run = catalog.run_by_id(store, live.run)
    assert run is not None
    return run


def test_asking_again_gets_the_same_gate_and_adds_nothing(store: Store) -> None:
    first = open_(store)
    assert open_(store) == first
    assert run_of(store).steps == 1
    assert len(gates_of(store, first.run)) == 1


def test_another_content_under_the_same_name_is_an_error_and_adds_nothing(store: Store) -> None:
    open_(store)
    with pytest.raises(UsageError, match="another content"):
        open_(store, text="two")
    assert run_of(store).steps == 1


def test_many_processes_asking_at_once_open_one_gate(db: Path, store: Store) -> None:
    store.close()

    def ask() -> None:
        with Store.open(db) as mine:
            for number in range(5):
                open_(mine, f"g{number}", f"text {number}")

    in_processes(*[ask] * 5)
    with Store.open(db) as mine:
        found = gates_of(mine, run_of(mine).id)
        assert sorted(gate.key for gate in found) == [f"g{number}" for number in range(5)]
        assert run_of(mine).steps == 5


def test_a_gate_shows_the_steps_since_the_last_one(store: Store) -> None:
    open_(store, "a", steps=[said("1"), said("2")])
    second = open_(store, "b", steps=[said("3")])
    third = open_(store, "c", None, proposed=[{"name": "bash", "arguments": {"command": "ls"}}])
    assert (second.first, second.last, second.kind) == (2, 2, "chunk")
    assert (third.has_steps, third.kind, third.last) == (False, "tool", 2)
    assert third.proposed == [{"kind": "tool_call", "arguments": {"command": "ls"}, "name": "bash"}]
    run = run_of(store)
    chunks = chunks_of(store, run, Policy.parse("gates"))
    assert list(chunks.starts) == [0, 2]
    assert chunk_ref(store, run, chunks, 1).id == second.chunk


def test_kinds_and_stages(store: Store) -> None:
    assert open_(store, "a", "1", stage="triage").kind == "chunk"
    assert open_(store, "b", "2", stage="triage").kind == "chunk"
    assert open_(store, "c", "3", stage="repair").kind == "stage"
    assert open_(store, "d", "4", stage="repair", final=True).kind == "final"
    assert [step.stage for step in catalog.index_rows(store, run_of(store).no)] == [
        "triage",
        "triage",
        "repair",
        "repair",
    ]


def test_the_run_can_be_found_by_the_agents_name(store: Store) -> None:
    open_(store, task="  \nFind the leak.\nThen stop.")
    run = catalog.find_run(store, "r")
    assert (run.title, run.system, run.state) == ("Find the leak.", "bot", "live")
    assert run.task == "  \nFind the leak.\nThen stop."


@quick(25)
@given(st.lists(st.lists(steps(), max_size=4), min_size=1, max_size=5))
def test_ids_are_those_an_import_would_give(tmp_path_factory: pytest.TempPathFactory, chunks: list[list[Step]]) -> None:
    """Step ids and content id, although each gate may be opened by a process that knows nothing of the ones before."""
    with Store.open(tmp_path_factory.mktemp("live") / "live.db") as store:
        for number, chunk in enumerate(chunks):
            opening._IDS.clear()
            opening.open_gate(store, request(f"g{number}", steps=chunk), checks={})
        run = run_of(store)
        whole = [step for chunk in chunks for step in chunk]
        identity = Identity()
        assert [row.id for row in catalog.index_rows(store, run.no)] == [identity.step_id(step) for step in whole]
        assert [stored.step.parts for stored in catalog.steps(store, run.no)] == [step.parts for step in whole]
        ending.end(store, run.id)
        assert run_of(store).content_id == content_id(whole)
        assert (run_of(store).steps, run_of(store).complete) == (len(whole), True)


LOOP = [said("again"), said("again"), said("look", "user"), said("again")]


def test_a_later_import_of_the_same_steps_is_linked(store: Store, tmp_path: Path) -> None:
    passed(store, "a", None, steps=LOOP[:2])
    passed(store, "b", None, steps=LOOP[2:], final=True)
    live = run_of(store)
    (imported,) = load(store, write_run(tmp_path / "session.jsonl", LOOP))
    assert (imported.outcome, imported.run) == ("linked", live.id)
    assert len(catalog.runs(store)) == 1


def test_an_earlier_import_of_the_same_steps_is_joined(store: Store, tmp_path: Path) -> None:
    gate = passed(store, "a", None, steps=LOOP[:2])
    imported = put(store, tmp_path / "session.jsonl", LOOP)
    last = passed(store, "b", None, steps=LOOP[2:], final=True)
    assert [run.id for run in catalog.runs(store)] == [imported.id]
    assert catalog.run_by_id(store, gate.run) == imported
    assert last.run == imported.id
    assert list(chunks_of(store, imported, Policy.parse("gates")).starts) == [0, 2]
    answer = taken(store, last)
    assert answer is not None
    assert answer.approved


def test_a_run_that_is_over_takes_no_new_gate_but_answers_old_ones(store: Store) -> None:
    gate = passed(store, "a", "1", final=True)
    assert open_(store, "a", "1", final=True) == again(store, gate)
    with pytest.raises(UserError, match="has ended"):
        open_(store, "b", "2")


def test_ending_from_outside_voids_what_waits(store: Store) -> None:
    gate = open_(store)
    ending.end(store, gate.run)
    assert again(store, gate).state == "void"
    with pytest.raises(UserError, match="is over"):
        taken(store, gate)
    with pytest.raises(UserError, match="nobody waits"):
        vote(store, gate)
    assert run_of(store).complete


def test_a_run_whose_agent_died_before_completing_it_is_completed_by_others(store: Store) -> None:
    gate = open_(store)
    with store.write() as tx:
        ending.close(tx, gate.run, "final")
    assert not run_of(store).complete
    ending.complete_all(store)
    assert run_of(store).complete


def test_signs_of_life(store: Store) -> None:
    gate = opening.open_gate(store, request(), agent=myself(), checks={})
    live = live_by_name(store, "r")
    assert live is not None
    assert gates.processes(store, gate.run) == [myself()]
    assert gates.agent_state(store, live, live.beat) == "running"
    with store.write() as tx:
        tx.execute("UPDATE live_process SET started = 'long ago'")
    assert gates.agent_state(store, live, live.beat) == "dead"
    with store.write() as tx:
        tx.execute("DELETE FROM live_process")
    assert gates.agent_state(store, live, live.beat) == "waiting"
    assert gates.agent_state(store, live, live.beat.plus(61)) == "silent"


def test_a_clock_that_goes_back_changes_no_order(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_(store, "a", "1")
    monkeypatch.setattr("sessions.live.clock.stamp", lambda: "1999-01-01T00:00:00.000+00:00")
    second = open_(store, "b", "2")
    assert second.opened_at < first.opened_at
    assert [gate.key for gate in gates_of(store, first.run)] == ["a", "b"]
    assert [gate.key for gate in gates.waiting(store)] == ["b", "a"]


def test_a_network_file_system_is_refused_with_the_reason(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "file_system", lambda path: "nfs4")
    with pytest.raises(UserError, match=r"network file system \(nfs4\)"):
        runs.open_database(db)
    assert not db.exists()


def test_the_riskiest_gate_comes_first_then_the_newest(store: Store) -> None:
    for name, risk in (("a", 0.2), ("b", 0.9), ("c", 0.2)):
        gate = open_(store, name, name)
        with store.write() as tx:
            tx.execute("UPDATE gate SET risk = ? WHERE id = ?", [risk, gate.id])
    assert [gate.key for gate in gates.waiting(store)] == ["b", "c", "a"]


def test_gates_are_found_as_people_name_them(store: Store) -> None:
    gate = open_(store, "one/two", "1")
    for text in (gate.id, gate.id[:6], "one/two", "r/one/two"):
        assert gates.find_gate(store, text) == gate
    with pytest.raises(UserError, match="no gate"):
        gates.find_gate(store, "three")
    passed(store, "same", "2")
    other = open_(store, "same", "3", run="r2")
    assert gates.find_gate(store, "same") == other
    open_(store, "same", "4", run="r3")
    with pytest.raises(UserError, match="could be 3 gates"):
        gates.find_gate(store, "same")
