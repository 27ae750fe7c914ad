"""What approvals need, who is told of a gate, what a check keeps, and looking before opening."""

from typing import Any

import pytest
from gate_tools import again, open_, request, taken, vote

from sessions.errors import UserError
from sessions.gate_checks import CheckContext, CheckResult
from sessions.live import checking, opening, telling
from sessions.live.conditions import Conditions, Unmet, conditions_of
from sessions.live.gates import GateInfo, checks_of
from sessions.live.previewing import preview
from sessions.store import Store

FACTS: dict[str, dict[str, Any] | None] = {}
TOLD: list[tuple[str, str]] = []


def first(_: CheckContext) -> list[CheckResult]:
    return [CheckResult("first", "pass", facts=FACTS.get("first"))]


def second(_: CheckContext) -> list[CheckResult]:
    return [CheckResult("second", "hold", "look", 0.5, [{"mode": "x"}], facts=FACTS.get("second"))]


def approves(context: CheckContext) -> list[CheckResult]:
    return [CheckResult(f"at {context.first}", "approve")]


def hears(store: Store, gate: GateInfo) -> None:
    TOLD.append((gate.key, again(store, gate).state))


def fails(_store: Store, _gate: GateInfo) -> None:
    raise RuntimeError("deaf")


CHECKS = {name: f"{__name__}:{name}" for name in ("first", "second")}


@pytest.fixture(autouse=True)
def _nothing() -> None:
    FACTS.clear()
    TOLD.clear()
    checking._load.cache_clear()


def opened(store: Store, gate: str = "g1", text: str = "one", **facts: Any) -> GateInfo:
    FACTS.update(facts)
    return opening.open_gate(store, request(gate, text), checks=CHECKS)


def unmet(*reasons: str, unless: str | None = None, only: list[str] | None = None) -> dict[str, Any]:
    return {"approval": {"only": only or [], "unmet": [{"reason": reason, "unless": unless} for reason in reasons]}}


def test_facts_are_kept_beside_suggestions(store: Store) -> None:
    gate = opened(store, first={"a": [1]}, second={"b": None})
    assert [(item.facts, item.data) for item in checks_of(store, gate.id)] == [
        ({"a": [1]}, []), ({"b": None}, [{"mode": "x"}]),
    ]  # fmt: skip
    assert gate.suggestion == {"mode": "x"}
    gate = opened(store, "g2", "two", first=None, second=None)
    assert [item.facts for item in checks_of(store, gate.id)] == [{}, {}]


def test_facts_that_are_too_large_hold(store: Store) -> None:
    gate = opened(store, first={"a": "x" * 2_000_001})
    assert "answered nonsense" in gate.reason


def test_facts_that_are_too_deep_hold(store: Store) -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    assert "answered nonsense" in opened(store, first={"a": deep}).reason


def test_without_conditions_anybody_approves(store: Store) -> None:
    gate = opened(store)
    assert conditions_of(store, gate.id) == Conditions()
    assert vote(store, gate).decision is not None


def test_what_is_unmet_needs_words(store: Store) -> None:
    gate = opened(store, first=unmet("no test", "no file"), second=unmet("no look"))
    assert conditions_of(store, gate.id).unmet == (
        Unmet("no test", None),
        Unmet("no file", None),
        Unmet("no look", None),
    )
    with pytest.raises(UserError, match="does not show what it must: no test; no file; no look"):
        vote(store, gate)
    assert vote(store, gate, message="all the same").decision is not None
    answer = taken(store, gate)
    assert answer is not None
    assert answer.message == "all the same"


def test_only_some_are_shown_of_many(store: Store) -> None:
    gate = opened(store, first=unmet(*"abcde"))
    with pytest.raises(UserError, match="a; b; c, and 2 more"):
        vote(store, gate)


@pytest.mark.parametrize("verdict", ["reject", "stop", "rollback"])
def test_no_other_verdict_needs_anything(store: Store, verdict: str) -> None:
    gate = opened(store, first=unmet("x", only=["bob"]))
    more = {"to_gate": ""} if verdict == "rollback" else {}
    assert vote(store, gate, verdict, **more).decision is not None


def test_only_those_who_are_named_by_each_check(store: Store) -> None:
    gate = opened(store, first=unmet(only=["ann", "bob"]), second=unmet(only=["bob", "cy"]))
    for reviewer in ("ann", "cy", "dan"):
        with pytest.raises(UserError, match="only bob may"):
            vote(store, gate, reviewer=reviewer, message="please")
    assert vote(store, gate, reviewer="bob").decision is not None
    gate = opened(store, "g2", "two", first=unmet(only=["ann"]), second=unmet(only=["bob"]))
    with pytest.raises(UserError, match="only nobody may"):
        vote(store, gate, reviewer="ann")


def test_a_persons_approval_meets_what_asks_for_it(store: Store) -> None:
    gate = opened(store, first=unmet("maria has to", unless="maria"))
    with pytest.raises(UserError, match="maria has to"):
        vote(store, gate, reviewer="ann")
    assert vote(store, gate, reviewer="maria").decision is not None
    gate = opened(store, "g2", "two")
    with store.write() as tx:
        tx.execute("UPDATE gate SET needs = 2 WHERE id = ?", [gate.id])
    gate = again(store, gate)
    assert vote(store, gate, reviewer="maria").missing == 1
    assert vote(store, gate, reviewer="ann").decision is not None, "she has, before"


def test_the_brief_has_what_checks_say(store: Store) -> None:
    FACTS["first"] = {"brief": {"approve": ["on you go"], "otherwise": ["stay"], "beginning": ["anew"]}}
    briefs = {}
    for verdict in ("approve", "reject"):
        gate = opened(store, verdict, verdict)
        vote(store, gate, verdict)
        answer = taken(store, gate)
        assert answer is not None
        briefs[verdict] = answer.brief
    assert "## STAGE\non you go\n" in briefs["approve"]
    assert "## STAGE\nstay\n" in briefs["reject"]
    gate = opened(store, "back", "back", first=None)
    vote(store, gate, "rollback", to_gate=checks_gate(store, "approve"))
    answer = taken(store, gate)
    assert answer is not None
    assert "## STAGE\non you go\n" in answer.brief, "as the gate gone back to said it"


def checks_gate(store: Store, key: str) -> str:
    return str(store.query("SELECT id FROM gate WHERE gate_key = ?", [key])[0][0])


# -- telling ------------------------------------------------------------------------------------------------------


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = {"a": f"{__name__}:fails", "b": "no.such:thing", "c": f"{__name__}:hears"}
    monkeypatch.setattr(telling, "points", lambda: targets)


def test_who_listens_is_told_once_of_a_gate_that_waits(store: Store, listening: None) -> None:
    gate = open_(store)
    assert open_(store).id == gate.id
    assert TOLD == [("g1", "open")]


def test_nobody_is_told_of_what_policy_decided(store: Store, listening: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_recorder", lambda: lambda tx, gate, result: "event")
    gate = opening.open_gate(store, request(), checks={"a": f"{__name__}:approves"})
    assert gate.state == "decided"
    assert TOLD == []


# -- looking before opening ---------------------------------------------------------------------------------------


def test_a_preview_writes_nothing(store: Store) -> None:
    known = {"a": f"{__name__}:approves"}
    found = preview(store, request(), known)
    assert found.verdict is not None
    assert found.verdict.rule == "at 0"
    assert store.query("SELECT count(*) FROM run") == [(0,)]
    open_(store)
    found = preview(store, request("g2", "two"), known)
    assert found.verdict is not None
    assert found.verdict.rule == "at 1", "as the run's next gate"
    assert store.query("SELECT count(*) FROM gate") == [(1,)]
