"""Deciding on live gates: the same record as an annotator's decision, bound to what the agent was told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labels import events, operating
from labels.codebook_ref import CodebookRef
from labels.glance import decided_chunks
from labels.ledger import Ledger, chunk_target, rebuild
from labels.model import Evidence, Label, SetAnswer, SetLabel, SetNone, StepRef
from labels.operating import Said, decide, keep_suggestions
from labels.suggestions import Suggestion, suggestions_of
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Policy, chunk_ref, chunks_of
from sessions.errors import UsageError, UserError
from sessions.gate_checks import CheckContext, CheckResult
from sessions.live import checking, opening, taking
from sessions.live.deciding import AlreadyDecided
from sessions.live.gates import GateInfo, checks_of, gate_by_id
from sessions.live.hooks import NO_HOOKS
from sessions.live.request import parse
from sessions.store import Store

BOOK = CodebookRef(id="mast", version="1", sha256="00")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "live.db") as opened:
        yield opened


def open_(store: Store, key: str = "g1", texts: tuple[str, ...] = ("one", "two"), **more: Any) -> GateInfo:
    steps = [{"actor": "bot", "parts": [{"kind": "text", "text": text}]} for text in texts]
    fields = {"run": "r", "gate": key, "agent": "bot", "task": "Mend it.", "steps": steps}
    checks = more.pop("checks", {})
    return opening.open_gate(store, parse({**fields, **more}), checks=checks)


def taken(store: Store, gate: GateInfo) -> taking.Answer | None:
    return taking.take(store, gate.id, gate.payload_sha256, NO_HOOKS)


def run_of(store: Store) -> RunInfo:
    return catalog.find_run(store, "r")


def label(store: Store, gate: GateInfo, key: str = "l1", quote: str = "two") -> Label:
    step = StepRef(id=str(catalog.step_id(store, run_of(store).no, gate.last)), index=gate.last)
    evidence = Evidence(step=step, part=0, start=0, end=len(quote), quote=quote)
    return Label(
        id=key, mode="loop", code="1.3", name="Loop", codebook=BOOK, first=step, last=step, evidence=(evidence,)
    )


def test_the_operators_decision_is_the_annotators_record(store: Store) -> None:
    gate = open_(store)
    done = decide(
        store, "ann", gate, Said("approve", message="fine", ops=(SetNone(codebook=BOOK),), seconds=4.5, tool="t")
    )
    run = run_of(store)
    (decision,) = Ledger(store, "ann").decisions(run)
    assert (decision.verdict, decision.note, decision.seconds, decision.how) == ("approve", "fine", 4.5, "person")
    assert decision.none == (BOOK,)
    policy = Policy.parse("gates")
    chunk = chunk_ref(store, run, chunks_of(store, run, policy), 0)
    assert decision.target == chunk_target(chunk, "gates")
    assert decided_chunks(store, "gates") == {run.id: {"ann": 1}}
    assert done.event.data["gate"] == {
        "id": gate.id, "key": "g1", "payload_sha256": gate.payload_sha256, "to_gate": None, "message": "fine",
        "edited": None, "rule": "",
    }  # fmt: skip
    assert (done.event.run, done.event.content_id, done.missing) == (run.id, None, 0)
    assert events.verify(store) == []
    assert rebuild(store) == 1
    assert Ledger(store, "ann").decisions(run) == [decision]


def test_an_event_without_a_gate_says_nothing_of_one(store: Store) -> None:
    from labels.model import Act, SetVerdict

    open_(store)
    run = run_of(store)
    target = chunk_target(chunk_ref(store, run, chunks_of(store, run, Policy.parse("gates")), 0), "gates")
    act = Act(target=target, ops=(SetVerdict(verdict="approve"),), blind_suggestions=True, blind_votes=True)
    assert "gate" not in Ledger(store, "ann").record(run, act).data


def test_labels_reach_the_agent_whenever_they_were_made(store: Store) -> None:
    gate = open_(store)
    first = label(store, gate)
    decide(store, "ann", gate, Said("rollback", message="No.", ops=(SetLabel(label=first),)))
    answer = taken(store, gate)
    assert answer is not None
    assert '- Loop, step 2: "two"' in answer.brief
    (decision,) = Ledger(store, "ann").decisions(run_of(store))
    assert decision.labels == (first,)
    assert decision.to == StepRef(id=str(catalog.step_id(store, run_of(store).no, 0)), index=0)


def test_a_rollback_names_the_first_step_undone(store: Store) -> None:
    first = open_(store, "a", ("1", "2"))
    decide(store, "ann", first, Said("approve"))
    assert taken(store, first)
    gate = open_(store, "b", ("3",))
    done = decide(store, "ann", gate, Said("rollback", to="a"))
    assert done.decision is not None
    assert done.decision.to_gate == first.id
    assert done.event.data["gate"]["to_gate"] == "a"
    assert done.event.data["ops"][0]["to"]["index"] == 2
    tool = open_(store, "c", (), run="r2", proposed=[{"name": "ls"}])
    assert decide(store, "ann", tool, Said("rollback")).event.data["ops"][0]["to"] == {"id": "none", "index": 0}


def test_a_gate_without_new_steps_is_decided_on_by_itself(store: Store) -> None:
    first = open_(store, "a", ("1",))
    decide(store, "ann", first, Said("approve"))
    tool = open_(store, "b", (), proposed=[{"name": "bash", "arguments": {"command": "ls"}}])
    edit = [{"name": "bash", "arguments": {"command": "ls -l"}}]
    done = decide(store, "ann", tool, Said("approve", edited=edit))
    assert done.event.data["gate"]["edited"] == edit
    verdicts = {item.target.id: item.verdict for item in Ledger(store, "ann").decisions(run_of(store))}
    assert verdicts == {first.chunk: "approve", tool.chunk: "approve"}
    assert first.chunk != tool.chunk


def test_nothing_is_recorded_for_a_decision_that_does_not_count(store: Store) -> None:
    gate = open_(store)
    decide(store, "ann", gate, Said("approve"))
    for wrong in (Said("approve"), Said("stop", payload_sha256="0" * 64), Said("reject", edited=[])):
        with pytest.raises(UserError):
            decide(store, "bob", gate, wrong)
    for wrong in (Said("abstain"), Said("nonsense"), Said("approve", to="a"), Said("rollback", to="nowhere")):
        with pytest.raises(UserError):
            decide(store, "bob", open_(store, "g2", ("3",)), wrong)
    assert len(list(events.everything(store))) == 1


def test_the_loser_is_told_who_won(store: Store) -> None:
    gate = open_(store)
    decide(store, "ann", gate, Said("approve"))
    with pytest.raises(AlreadyDecided, match="ann has decided"):
        decide(store, "bob", gate, Said("stop"))


def test_the_name_of_a_policy_is_nobodys(store: Store) -> None:
    with pytest.raises(UsageError, match="name of a policy"):
        decide(store, "policy:quiet", open_(store), Said("approve"))


def test_two_people(store: Store) -> None:
    gate = open_(store)
    with store.write() as tx:
        tx.execute("UPDATE gate SET needs = 2")
    first = decide(store, "ann", gate, Said("approve"))
    assert (first.decision, first.missing, first.gate.state) == (None, 1, "open")
    assert taken(store, gate) is None
    second = decide(store, "bob", gate, Said("approve"))
    assert second.gate.state == "decided"
    assert second.event.data["blind_votes"] is False, "the second could see the first"
    assert taken(store, gate)


# -- undo ---------------------------------------------------------------------------------------------------------


def test_undo_before_the_agent_has_it_and_not_after(store: Store) -> None:
    gate = open_(store)
    ledger = Ledger(store, "ann")
    decide(store, "ann", gate, Said("approve"))
    run = run_of(store)
    assert ledger.can_undo_redo(run) == (1, 0)
    assert ledger.undo(run) is not None
    assert taken(store, gate) is None
    assert ledger.decisions(run) == []
    assert ledger.redo(run) is not None
    assert taken(store, gate)
    assert ledger.can_undo_redo(run) == (0, 0)
    before = list(events.everything(store))
    with pytest.raises(UserError, match=r"already acted on this decision .* Roll back to gate 'g1'"):
        ledger.undo(run)
    assert list(events.everything(store)) == before
    assert [item.verdict for item in ledger.decisions(run)] == ["approve"]


def test_what_was_said_after_the_agent_had_it_can_be_undone(store: Store) -> None:
    from labels.model import Act

    gate = open_(store)
    decide(store, "ann", gate, Said("approve"))
    assert taken(store, gate)
    ledger, run = Ledger(store, "ann"), run_of(store)
    target = operating.gate_target(store, gate)
    labelled = Act(target=target, ops=(SetLabel(label=label(store, gate)),), blind_suggestions=True, blind_votes=True)
    ledger.record(run, labelled)
    assert ledger.can_undo_redo(run) == (1, 0)
    assert ledger.undo(run) is not None
    assert ledger.can_undo_redo(run) == (0, 1)
    with pytest.raises(UserError):
        ledger.undo(run)


def test_undo_gives_the_gate_back_to_others(store: Store) -> None:
    gate = open_(store)
    decide(store, "ann", gate, Said("approve"))
    run = run_of(store)
    Ledger(store, "ann").undo(run)
    decide(store, "bob", gate, Said("stop"))
    with pytest.raises(AlreadyDecided, match="bob"):
        Ledger(store, "ann").redo(run)
    answer = taken(store, gate)
    assert answer is not None
    assert answer.verdict == "stop"


# -- policies and suggestions -------------------------------------------------------------------------------------


def suggestion(step: StepRef, quote: str) -> Suggestion:
    evidence = Evidence(step=step, part=0, start=0, end=len(quote), quote=quote)
    return Suggestion(
        mode="loop", code="1.3", name="Loop", codebook=BOOK, first=step, last=step, evidence=(evidence,), score=0.9,
        detector="test", version="1",
    )  # fmt: skip


def check(context: CheckContext) -> list[CheckResult]:
    """Suggests something about the last step, and approves unless it is dangerous."""
    last = context.steps[-1]
    text = last.step.parts[0].text
    claims = [suggestion(StepRef(id=last.id, index=last.index), text).model_dump(mode="json"), {"not": "a suggestion"}]
    if "rm" in text:
        return [CheckResult("danger", "hold", "dangerous", 0.9, claims)]
    return [CheckResult("quiet", "approve", "quiet", 0.1, claims)]


CHECK = {"test": f"{__name__}:check"}


def test_a_policys_decision_is_in_the_ledger_and_no_vote(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_recorder", lambda: operating.record_policy)
    checking._load.cache_clear()
    gate = open_(store, checks=CHECK)
    (event,) = events.everything(store)
    assert (event.reviewer, event.data["how"], event.data["gate"]["rule"]) == ("policy:quiet", "policy", "quiet")
    assert events.verify(store) == []
    (decision,) = Ledger(store, "ann").decisions(run_of(store), everybody=True)
    assert (decision.how, decision.verdict) == ("policy", "approve")
    answer = taken(store, gate)
    assert answer is not None
    assert answer.how == "policy"
    held = open_(store, "g2", ("rm -rf /",), checks=CHECK)
    assert (held.state, held.risk) == ("open", 0.9)
    assert len(list(events.everything(store))) == 1


def test_suggestions_made_at_a_gate_are_kept_and_shown(store: Store) -> None:
    checking._load.cache_clear()
    gate = open_(store, "g1", ("ls", "rm -rf /"), checks=CHECK)
    assert len(checks_of(store, gate.id)[0].data) == 2
    (found,) = keep_suggestions(store, gate)
    assert keep_suggestions(store, gate) == [found]
    assert suggestions_of(store, run_of(store)) == [found]
    ops = (SetAnswer(suggestion=found.id, answer="reject"),)
    done = decide(store, "ann", gate, Said("approve", ops=ops))
    assert done.event.data["shown"] == [{"id": found.id, "detector": "test", "version": "1"}]
    assert done.event.data["blind_suggestions"] is False
    other = open_(store, "g2", ("fine",))
    assert decide(store, "ann", other, Said("approve")).event.data["blind_suggestions"] is True


def test_the_gate_is_as_the_decision_says(store: Store) -> None:
    gate = open_(store)
    done = decide(store, "ann", gate, Said("reject", message="no"))
    assert gate_by_id(store, gate.id) == done.gate
    assert done.gate.state == "decided"
