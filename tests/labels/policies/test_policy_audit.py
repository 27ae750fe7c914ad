"""The sampled audit: what is drawn, what is done with it, and what stays."""

from pathlib import Path

import pytest
from gating import Gates

from labels import events
from labels.ledger import Ledger, chunk_target
from labels.model import Act, SetVerdict
from labels.operating import Said, decide
from labels.policies import audit
from sessions import catalog
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.errors import UsageError, UserError
from sessions.live.gates import gate_by_id
from sessions.store import Store

READS = 'audit_share = {share}\n[[rule]]\nid = "reads"\naction = "approve"\ncommands = ["ls*"]\n'


def test_the_sample_is_drawn_by_the_gates_id() -> None:
    ids = [f"{n:016x}" for n in range(4_000)]
    drawn = {one for one in ids if audit.is_drawn(one, 0.1)}
    assert 300 < len(drawn) < 500
    assert drawn == {one for one in ids if audit.is_drawn(one, 0.1)}
    assert drawn < {one for one in ids if audit.is_drawn(one, 0.2)}, "a larger share adds"
    assert not [one for one in ids if audit.is_drawn(one, 0.0)]
    assert all(audit.is_drawn(one, 1.0) for one in ids)


def test_due_is_what_policy_approved_and_nobody_has_looked_at(gates: Gates, policy, store: Store) -> None:
    policy(READS.format(share=1.0) + '[[rule]]\nid = "no"\naction = "reject"\ncommands = ["rm*"]\n')
    first, second = gates.does("ls a").gate, gates.does("ls b").gate
    gates.does("make")
    gates.wants("rm x")
    assert [gate.id for gate in audit.due(store)] == [first.id, second.id]
    assert audit.due(store, 0.0) == []
    policy(READS.format(share=0.0))
    assert audit.due(store) == [], "the share in force counts"
    policy("broken")
    assert {gate.id for gate in audit.due(store)} == {
        gate.id for gate in (first, second) if audit.is_drawn(gate.id, 0.05)
    }


def test_an_ordinary_decision_on_the_chunk_counts(gates: Gates, policy, store: Store) -> None:
    policy(READS.format(share=1.0))
    gate = gates.does("ls a").gate
    run = catalog.find_run(store, "r1")
    chunk = chunk_ref(store, run, chunks_of(store, run, Policy.parse("gates")), 0)
    act = Act(
        target=chunk_target(chunk, "gates"), ops=(SetVerdict(verdict="approve"),), blind_suggestions=True,
        blind_votes=True,
    )  # fmt: skip
    Ledger(store, "ann").record(run, act)
    assert audit.due(store) == []
    Ledger(store, "ann").undo(run)
    assert [item.id for item in audit.due(store)] == [gate.id]


def test_a_person_who_overrules_has_looked(gates: Gates, policy, store: Store) -> None:
    policy(READS.format(share=1.0))
    gate = gates.ask(steps=[], proposed=[{"name": "bash", "arguments": {"command": "ls"}}]).gate
    assert gate.state == "consumed"
    held = gates.does("make")
    decide(store, "ann", held.gate, Said("approve"))
    assert [item.id for item in audit.due(store)] == [gate.id]


@pytest.mark.parametrize("verdict", audit.VERDICTS)
def test_what_is_said_afterwards_is_an_ordinary_decision(gates: Gates, policy, store: Store, verdict: str) -> None:
    policy(READS.format(share=1.0))
    gate = gates.does("ls a").gate
    event = audit.record(store, "ann", gate, verdict, "as I see it")
    assert audit.due(store) == []
    assert event.data["how"] == "person"
    (mine,) = Ledger(store, "ann").decisions(catalog.find_run(store, "r1"))
    assert (mine.verdict, mine.note, mine.how) == (verdict, "as I see it", "person")
    now = gate_by_id(store, gate.id)
    assert now is not None
    assert (now.state, now.undone_by) == ("consumed", None), "the agent has acted on it: nothing changes for it"
    assert events.verify(store) == []


def test_gates_without_steps_can_be_looked_at_too(gates: Gates, policy, store: Store) -> None:
    policy(READS.format(share=1.0))
    gate = gates.wants("ls").gate
    audit.record(store, "ann", gate, "approve")
    assert audit.due(store) == []


def test_what_cannot_be_audited(gates: Gates, policy, store: Store, tmp_path: Path) -> None:
    policy(READS.format(share=1.0))
    held, passed = gates.does("make").gate, gates.does("ls").gate
    with pytest.raises(UserError, match="was not decided by policy"):
        audit.record(store, "ann", held, "approve")
    with pytest.raises(UsageError, match="no verdict"):
        audit.record(store, "ann", passed, "maybe")
    with pytest.raises(UsageError, match="name of a policy"):
        audit.record(store, "policy:x", passed, "approve")
