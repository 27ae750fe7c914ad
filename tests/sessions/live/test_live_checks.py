"""Checks at a gate: what they decide, and that one which fails, hangs or talks nonsense holds."""

import sys
import threading
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from gate_tools import again, open_, passed, request, taken, vote

from sessions.gate_checks import CheckContext, CheckResult
from sessions.live import checking, holding, opening
from sessions.live.checking import together
from sessions.live.gates import GateInfo, checks_of, decision_of
from sessions.store import Store, Transaction

SEEN: list[CheckContext] = []


def quiet(context: CheckContext) -> list[CheckResult]:
    SEEN.append(context)
    assert len(list(context.earlier())) == context.first
    return [CheckResult("quiet", "approve", "nothing happens here", 0.1)]


def careful(_: CheckContext) -> list[CheckResult]:
    return [CheckResult("careful", "hold", "look at this", 0.8, [{"mode": "x"}], needs=2)]


def denies(_: CheckContext) -> list[CheckResult]:
    return [CheckResult("freeze", "reject", "the freeze", 0.5, message="Production is frozen.")]


def silent(_: CheckContext) -> list[CheckResult]:
    return []


def fails(_: CheckContext) -> list[CheckResult]:
    raise ValueError("broken\nin two lines")


def exits(_: CheckContext) -> list[CheckResult]:
    raise SystemExit(0)


def hangs(_: CheckContext) -> list[CheckResult]:
    time.sleep(0.6)
    return [CheckResult("late", "approve")]


def burns(_: CheckContext) -> list[CheckResult]:
    end = time.thread_time() + 0.2
    while time.thread_time() < end:
        pass
    return [CheckResult("late", "approve")]


NONSENSE: list[Any] = [
    None, "approve", [None], [("r", "approve")], [CheckResult("", "approve")], CheckResult("r", "approve"),
    [CheckResult("r", "yes")],  # type: ignore[arg-type]
    [CheckResult("r", "approve", risk=2.0)], [CheckResult("r", "approve", risk=float("nan"))],
    [CheckResult("r", "approve", risk="high")],  # type: ignore[arg-type]
    [CheckResult("r", "approve", needs=0)], [CheckResult("r", "approve")] * 101,
]  # fmt: skip


def nonsense(_: CheckContext) -> Any:
    return NONSENSE[nonsense.number]  # type: ignore[attr-defined]


def check(name: str) -> dict[str, str]:
    return {name: f"{__name__}:{name}"}


@pytest.fixture(autouse=True)
def _no_memory() -> None:
    SEEN.clear()
    checking._load.cache_clear()


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A recorder in the ledger's place; the rules that it wrote down."""
    written: list[str] = []

    def record(tx: Transaction, gate: GateInfo, result: CheckResult) -> str:
        written.append(result.rule)
        return f"event of {gate.id}"

    monkeypatch.setattr(opening, "_recorder", lambda: record)
    return written


def opened(store: Store, *names: str, gate: str = "g1", text: str = "one") -> GateInfo:
    known = {name: f"{__name__}:{name}" for name in names}
    return opening.open_gate(store, request(gate, text), checks=known)


def test_a_policy_decides_and_the_agent_is_told_by_which_rule(store: Store, ledger: list[str]) -> None:
    gate = opened(store, "quiet", "silent")
    decision = decision_of(store, gate.id)
    assert decision is not None
    assert (decision.verdict, decision.how, decision.rule, decision.who) == (
        "approve",
        "policy",
        "quiet",
        "policy:quiet",
    )
    assert ledger == ["quiet"]
    answer = taken(store, gate)
    assert answer is not None
    assert (answer.approved, answer.how, answer.by) == (True, "policy", "policy:quiet")
    assert "by the rule quiet" in answer.brief
    assert opened(store, "quiet", "silent").id == gate.id
    assert ledger == ["quiet"], "asking again decides nothing again"


def test_a_hold_beats_every_policy(store: Store, ledger: list[str]) -> None:
    gate = opened(store, "quiet", "careful", "denies")
    assert (gate.state, gate.needs, gate.risk, gate.reason) == ("open", 2, 0.8, "look at this")
    assert gate.suggestion == {"mode": "x"}
    assert [(item.rule, item.action) for item in checks_of(store, gate.id)] == [
        ("careful", "hold"), ("freeze", "reject"), ("quiet", "approve"),
    ]  # fmt: skip
    assert ledger == []


def test_a_policy_may_deny_with_words(store: Store, ledger: list[str]) -> None:
    gate = opened(store, "quiet", "denies")
    answer = taken(store, gate)
    assert answer is not None
    assert (answer.verdict, answer.message, bool(answer)) == ("reject", "Production is frozen.", False)


def test_no_opinion_leaves_it_to_a_person(store: Store, ledger: list[str]) -> None:
    assert opened(store, "silent").state == "open"
    assert ledger == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("fails", "failed (ValueError: broken in two lines)"),
        ("exits", "failed (SystemExit: 0)"),
        ("hangs", "took longer than 50 ms"),
        ("burns", "took longer than 50 ms"),
        ("missing", "could not be loaded (AttributeError"),
    ],
)
def test_what_cannot_be_asked_holds(store: Store, ledger: list[str], name: str, reason: str) -> None:
    begun = time.monotonic()
    gate = opened(store, "quiet", name)
    assert time.monotonic() - begun < 0.55, "the agent does not wait for it"
    assert gate.state == "open"
    assert reason in gate.reason
    assert gate.reason.startswith(f"the check '{name}'")
    assert gate.risk == 1.0
    assert ledger == []


@pytest.mark.parametrize("number", range(len(NONSENSE)))
def test_nonsense_holds(store: Store, ledger: list[str], number: int) -> None:
    nonsense.number = number  # type: ignore[attr-defined]
    gate = opened(store, "quiet", "nonsense")
    assert (gate.state, "answered nonsense" in gate.reason) == ("open", True)


def test_a_check_that_does_not_get_the_processor_is_given_time(store: Store, ledger: list[str]) -> None:
    def waits(_: CheckContext) -> list[CheckResult]:
        time.sleep(0.1)
        return [CheckResult("slow disk", "approve")]

    module = ModuleType("a_slow_check")
    module.check = waits  # type: ignore[attr-defined]
    sys.modules["a_slow_check"] = module
    gate = opening.open_gate(store, request(), checks={"slow": "a_slow_check:check"})
    assert gate.state == "decided"


def test_without_a_ledger_a_policy_decides_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise LookupError("nothing is installed")

    monkeypatch.setattr(opening, "_recorder", missing)
    gate = opened(store, "quiet")
    assert (gate.state, "could not be recorded" in gate.reason) == ("open", True)


def test_a_ledger_that_fails_leaves_one_gate_that_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(tx: Transaction, gate: GateInfo, result: CheckResult) -> str:
        tx.execute("INSERT INTO meta VALUES ('half', 'written')")
        raise RuntimeError("disk")

    monkeypatch.setattr(opening, "_recorder", lambda: broken)
    gate = opened(store, "quiet")
    assert (gate.state, gate.needs) == ("open", 1)
    assert store.query("SELECT count(*) FROM gate") == [(1,)]
    assert store.query("SELECT count(*) FROM meta WHERE name = 'half'") == [(0,)]


def test_what_a_check_sees(store: Store) -> None:
    passed(store, "a", "first")
    opening.open_gate(
        store,
        request("b", "second", rules=["never"], workspace="/w", proposed=[{"name": "ls"}], stage="s"),
        checks=check("quiet"),
    )
    (context,) = SEEN
    assert (context.name, context.gate, context.agent, context.task) == ("r", "b", "bot", "Mend it.")
    assert (context.rules, context.workspace, context.stage, context.final) == (("never",), "/w", "s", False)
    assert (context.first, [stored.number for stored in context.steps]) == (1, [2])
    assert [stored.step.parts[0].text for stored in context.earlier()] == ["first"]
    assert [part.name for part in context.proposed] == ["ls"]


def test_threads_of_checks_leave_no_connection_behind(store: Store) -> None:
    for number in range(5):
        opened(store, "quiet", gate=f"g{number}", text=str(number))
    assert {thread for thread, _ in store._all} == {threading.get_ident()}


def test_while_a_run_is_held_policies_decide_nothing(store: Store, ledger: list[str]) -> None:
    holding.hold(store, holding.ALL, "ann", "root", "an incident")
    gate = opened(store, "quiet")
    assert gate.state == "open"
    vote(store, gate)
    assert taken(store, gate), "what a person decides goes through"
    holding.release(store, holding.ALL, "ann")
    assert opened(store, "quiet", gate="g2", text="two").state == "decided"


def test_a_hold_keeps_what_a_policy_had_decided_from_the_agent(store: Store, ledger: list[str]) -> None:
    gate = opened(store, "quiet")
    holding.hold(store, gate.run, "ann", "root")
    assert taken(store, gate) is None
    holding.release(store, gate.run, "bob")
    assert taken(store, gate)


def test_holds_are_kept_and_said_once(store: Store) -> None:
    gate = open_(store)
    first = holding.hold(store, gate.run, "ann", "root", "why")
    assert holding.hold(store, gate.run, "bob", "root") == first
    assert holding.holding(store, gate.run) == first
    assert holding.holding(store, "another run") is None
    holding.hold(store, holding.ALL, "bob", "root")
    assert holding.holding(store, "another run") is not None
    assert len(holding.release(store, holding.ALL, "cy")) == 2
    assert holding.active(store) == []
    assert store.query("SELECT released_by FROM hold ORDER BY no") == [("cy",), ("cy",)]


def test_results_are_put_together() -> None:
    def said(*results: CheckResult) -> Any:
        return together([("c", result) for result in results])

    approve, stop = CheckResult("a", "approve"), CheckResult("s", "stop", "bad", 0.3)
    assert said().verdict is None
    assert said(approve).verdict == approve
    assert said(approve, CheckResult("p", "pass")).verdict == approve
    assert said(approve, stop).verdict == stop
    assert said(approve, CheckResult("two", "pass", needs=2)).verdict is None
    assert said(CheckResult("p", "pass")).verdict is None
    held = said(stop, CheckResult("h", "hold", "because", 0.1), CheckResult("risky", "pass", "so", 0.9))
    assert (held.verdict, held.reason, held.risk) == (None, "because", 0.9)


def test_the_installed_checks_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def entry_points(*, group: str) -> list[Any]:
        asked.append(group)
        return [SimpleNamespace(name="x", value="m:f")]

    monkeypatch.undo()
    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    checking.points.cache_clear()
    assert checking.points() == {"x": "m:f"}
    assert checking.points() == {"x": "m:f"}
    assert asked == ["review_tui.gate_checks"]
    checking.points.cache_clear()


def test_again_is_what_it_was(store: Store) -> None:
    gate = open_(store)
    assert again(store, gate) == gate
