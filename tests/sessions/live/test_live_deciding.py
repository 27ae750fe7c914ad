"""Votes and decisions: who is first, who must agree, where a rollback can go, and what cannot be taken back."""

from pathlib import Path

import pytest
from gate_tools import again, open_, passed, taken, vote
from helpers import in_processes

from sessions.errors import UsageError, UserError
from sessions.live import deciding
from sessions.live.deciding import AlreadyDecided
from sessions.live.gates import attach_snapshot, decision_of, waiting
from sessions.store import Store

PROPOSED = [{"name": "bash", "arguments": {"command": "rm -rf /"}}]
EDIT = [{"name": "bash", "arguments": {"command": "ls"}}]


def last_event(store: Store) -> str:
    found = store.one("SELECT event FROM gate_vote ORDER BY no DESC LIMIT 1")
    assert found is not None
    return str(found[0])


def undo(store: Store, event: str) -> None:
    with store.write() as tx:
        deciding.withdraw(tx, event)


def redo(store: Store, event: str) -> None:
    with store.write() as tx:
        deciding.give_again(tx, event)


def test_the_first_decision_holds_and_the_other_is_told_who(store: Store) -> None:
    gate = open_(store)
    vote(store, gate, "reject", "ann", message="no")
    with pytest.raises(AlreadyDecided, match="ann has decided on gate 'g1' already: reject") as caught:
        vote(store, gate, "approve", "bob")
    assert caught.value.decision.who == "ann"
    answer = taken(store, gate)
    assert answer is not None
    assert (answer.verdict, answer.by, answer.message, bool(answer)) == ("reject", "ann", "no", False)


def test_of_many_reviewers_at_once_one_decides(db: Path, store: Store) -> None:
    for number in range(6):
        open_(store, f"g{number}", str(number))
    store.close()

    def review(name: str, verdict: str) -> None:
        with Store.open(db) as mine:
            for gate in sorted(waiting(mine), key=lambda gate: gate.no):
                try:
                    vote(mine, gate, verdict, name)
                except AlreadyDecided:
                    continue

    in_processes(*[lambda n=n: review(f"r{n}", "approve" if n % 2 else "stop") for n in range(6)])
    with Store.open(db) as mine:
        for gate in waiting(mine):
            decision = decision_of(mine, gate.id)
            assert decision is not None
            assert mine.query("SELECT reviewer FROM gate_vote WHERE gate = ?", [gate.id]) == [(decision.who,)]
        assert len(waiting(mine)) == 6


def test_two_people_must_approve_where_two_are_asked_for(store: Store) -> None:
    gate = open_(store)
    with store.write() as tx:
        tx.execute("UPDATE gate SET needs = 2")
    assert vote(store, gate, reviewer="ann", message="a").missing == 1
    assert taken(store, gate) is None
    with pytest.raises(UserError, match="ann has approved gate 'g1' already"):
        vote(store, gate, reviewer="ann")
    outcome = vote(store, gate, reviewer="bob", message="b")
    assert outcome.decision is not None
    assert (outcome.decision.who, outcome.decision.message) == ("ann, bob", "a\nb")
    answer = taken(store, gate)
    assert answer is not None
    assert answer.by == "ann, bob"


@pytest.mark.parametrize("verdict", ["reject", "stop", "rollback"])
def test_one_person_is_enough_against(store: Store, verdict: str) -> None:
    gate = open_(store)
    with store.write() as tx:
        tx.execute("UPDATE gate SET needs = 3")
    vote(store, gate, reviewer="ann")
    decision = vote(store, gate, verdict, "bob", to_gate="" if verdict == "rollback" else None).decision
    assert decision is not None
    assert (decision.verdict, decision.who) == (verdict, "bob")


def test_two_people_must_approve_the_same_calls(store: Store) -> None:
    gate = open_(store, proposed=PROPOSED)
    with store.write() as tx:
        tx.execute("UPDATE gate SET needs = 2")
    vote(store, gate, reviewer="ann", edited=EDIT)
    assert vote(store, gate, reviewer="bob").missing == 1
    assert vote(store, gate, reviewer="cy", edited=EDIT).decision is not None
    answer = taken(store, gate)
    assert answer is not None
    assert (answer.by, answer.edited) == ("ann, cy", EDIT)


def test_a_policy_gives_way_to_a_person_until_the_agent_has_it(store: Store) -> None:
    gate = open_(store)
    vote(store, gate, reviewer="policy:quiet", how="policy", rule="quiet")
    vote(store, gate, "reject", "ann")
    answer = taken(store, gate)
    assert answer is not None
    assert (answer.verdict, answer.how) == ("reject", "person")
    other = open_(store, "g2", "2")
    vote(store, other, reviewer="policy:quiet", how="policy", rule="quiet")
    assert taken(store, other)
    with pytest.raises(AlreadyDecided, match=r"the rule quiet has decided .* the agent has acted on it"):
        vote(store, other, "reject", "ann")


def test_an_edit_belongs_to_an_approval_of_proposed_calls(store: Store) -> None:
    gate = open_(store, proposed=PROPOSED)
    for bad in ([{"kind": "text", "text": "x"}], ["ls"], {"name": "ls"}):
        with pytest.raises(UsageError):
            vote(store, gate, edited=bad)
    with pytest.raises(UsageError, match="only with an approval"):
        vote(store, gate, "reject", edited=EDIT)
    with pytest.raises(UsageError, match="nothing is proposed"):
        vote(store, open_(store, "g2", "2"), edited=EDIT)
    with pytest.raises(UserError, match="cannot run edited calls"):
        vote(store, open_(store, "g3", "3", proposed=PROPOSED, can=["hold"], run="r2"), edited=EDIT)


def test_a_decision_on_what_is_not_shown_is_refused(store: Store) -> None:
    gate = open_(store)
    with pytest.raises(UserError, match="something else"):
        vote(store, gate, payload_sha256="0" * 64)
    assert vote(store, gate, payload_sha256=gate.payload_sha256).decision is not None


def test_where_a_rollback_can_go(store: Store) -> None:
    first, second = passed(store, "a", "1"), passed(store, "b", "2")
    open_(store, "waits", "3")
    gate = open_(store, "c", "4")
    assert [target.key for target in deciding.rollback_targets(store, gate)] == ["b", "a"]
    assert deciding.rollback_target(store, gate, None) == second.id
    assert deciding.rollback_target(store, gate, "a") == first.id
    assert deciding.rollback_target(store, gate, "start") == ""
    for bad in ("waits", "c", "nonsense"):
        with pytest.raises(UsageError, match="Back to: b, a, start"):
            deciding.rollback_target(store, gate, bad)
    with pytest.raises(UsageError, match="names the gate"):
        vote(store, gate, "rollback")
    with pytest.raises(UsageError, match="names the gate"):
        vote(store, gate, "approve", to_gate=first.id)
    with pytest.raises(UsageError, match="cannot be rolled back to that gate"):
        vote(store, gate, "rollback", to_gate=gate.id)


def test_a_gate_whose_snapshot_failed_is_no_place_to_go_back_to(store: Store) -> None:
    first = passed(store, "a", "1")
    with store.write() as tx:
        attach_snapshot(tx, first.id, None, {"failed": "disk full"})
    with pytest.raises(UserError, match=r"no snapshot of the workspace \(disk full\)"):
        vote(store, open_(store, "b", "2"), "rollback", to_gate=first.id)


def test_a_vote_can_be_taken_back_until_the_agent_has_the_decision(store: Store) -> None:
    gate = open_(store)
    vote(store, gate)
    event = last_event(store)
    undo(store, event)
    assert again(store, gate).state == "open"
    assert taken(store, gate) is None
    redo(store, event)
    assert taken(store, gate)
    with pytest.raises(UserError, match=r"already acted on this decision .* cannot be undone"):
        undo(store, event)
    assert deciding.acted_on(store, [gate.run]) == {event}
    undo(store, "no vote came with this event")


def test_what_was_taken_back_is_not_given_again_over_anothers_decision(store: Store) -> None:
    gate = open_(store)
    vote(store, gate)
    event = last_event(store)
    undo(store, event)
    vote(store, gate, "stop", "bob")
    with pytest.raises(AlreadyDecided, match="bob has decided"):
        redo(store, event)
    undo(store, last_event(store))
    redo(store, event)
    assert again(store, gate).state == "decided"


def test_a_void_gate_stays_void_when_a_vote_is_taken_back(store: Store) -> None:
    first = open_(store, "a", "1")
    with store.write() as tx:
        tx.execute("UPDATE gate SET needs = 2")
    vote(store, first)
    event = last_event(store)
    other = open_(store, "b", "2")
    vote(store, other, "stop")
    assert taken(store, other) is not None
    assert again(store, first).state == "void"
    undo(store, event)
    assert again(store, first).state == "void"
