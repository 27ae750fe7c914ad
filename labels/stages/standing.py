"""Where a run stands among its stages: a fold over its gates, of which each keeps what the next one needs.

What a gate keeps (in the facts of its check, under `stage`):

    at, to      the stage that the run was in, and the one that it asks to be in from here on
    met         of `at`: requirement -> where it was met; met_to: the same of `to`, where that is another stage
    since       when `at` was entered (seconds since 1970; null for the beginning), since_to: `to` likewise
    stages      tag of the file

So a rollback needs no special care: the gates that it undid are not asked, and the run stands where the gate gone back
to left it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sessions.live.gates import CONSUMED, DECIDED, Check, Source, checks_of, decision_of, rows
from sessions.store import Store

#: The key of these facts, and how the rules of stages begin.
FACTS, RULES = "stage", "stage:"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands before a gate. at: None before its first. met: what of that stage was met, and where. since:
    when it was entered, in seconds since 1970; None for the beginning. before: when the gate before this was opened."""

    at: str | None = None
    met: dict[str, str] = field(default_factory=dict)
    since: float | None = None
    before: float | None = None


def standing(source: Source, run: str | None) -> Standing:
    """Where a run stands: what its last gate says that was not undone, or an earlier one where that says nothing
    because its check could not be asked. run: the run's id."""
    newest = "SELECT id, state, gate_key FROM gate WHERE run = ? AND undone_by IS NULL ORDER BY no DESC LIMIT 1"
    speaking = (
        "SELECT g.id, g.state, g.gate_key FROM gate g WHERE g.run = ? AND g.undone_by IS NULL AND EXISTS"
        " (SELECT 1 FROM gate_check c WHERE c.gate = g.id AND c.rule LIKE 'stage:%') ORDER BY g.no DESC LIMIT 1"
    )
    for sql in (newest, speaking):
        for gate, state, key in rows(source, sql, [run]):
            facts = facts_of(checks_of(source, gate))
            if facts is not None:
                return _after(source, gate, state, str(key), facts)
    return Standing()


#: Runs that never had stages, as far as this process has seen, by database and id.
_without: set[tuple[str, str]] = set()
_MOST_KNOWN = 1_000


def had_stages(store: Store, run: str | None) -> bool:
    """Whether a run had stages at any of its gates, undone ones too. Asked once of a run that had none."""
    if run is None or (key := (str(store.path), run)) in _without:
        return False
    sql = "SELECT 1 FROM gate g JOIN gate_check c ON c.gate = g.id WHERE g.run = ? AND c.rule LIKE 'stage:%' LIMIT 1"
    if store.query(sql, [run]):
        return True
    if len(_without) < _MOST_KNOWN:
        _without.add(key)
    return False


def has_stages(store: Store, run: str | None) -> None:
    """Note that a run has stages from now on."""
    if run is not None:
        _without.discard((str(store.path), run))


def facts_of(checks: list[Check]) -> dict[str, Any] | None:
    """What a gate keeps of its stages; None where there are none."""
    return next((facts for check in checks if isinstance(facts := check.facts.get(FACTS), dict)), None)


def _after(source: Source, gate: str, state: str, key: str, facts: dict[str, Any]) -> Standing:
    """Where a run stands after a gate: in the stage that it asked for if that was approved, else where it was."""
    decision = decision_of(source, gate) if state in (CONSUMED, DECIDED) else None
    approved = decision is not None and decision.verdict == "approve"
    moved = approved and facts["to"] != facts["at"]
    met = dict(facts["met_to"] if moved else facts["met"])
    sql = "SELECT reviewer FROM gate_vote WHERE gate = ? AND verdict = 'approve' AND how = 'person' AND withdrawn = 0"
    if not moved:
        met |= {f"approver {row[0]}": f"gate {key}" for row in rows(source, sql, [gate])}
    at = str(facts["to"] if moved else facts["at"])
    return Standing(at, met, facts["since_to"] if moved else facts["since"], facts.get("opened"))
