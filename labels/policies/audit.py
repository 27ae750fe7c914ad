"""The sampled audit: of the gates that policy approved, a share is looked at by a person afterwards.

Which ones is drawn by a hash of the gate's id: nobody chooses them, everybody finds the same, and a larger share only
adds to a smaller one. A gate is done with when a person has said something of its chunk: an ordinary decision, in the
station or by any command, or `review-tui gate audit GATE --verdict ...`.
"""

from __future__ import annotations

from hashlib import sha256

from labels.events import Event
from labels.glance import check_reviewer, others_decided
from labels.ledger import record_act
from labels.model import Act, Op, SetNote, SetVerdict, Shown, Target
from labels.operating import gate_target, keep_suggestions
from labels.policies import inforce
from labels.policies.model import Policy
from sessions import catalog
from sessions.errors import UsageError, UserError
from sessions.live.gates import CONSUMED, DECIDED, POLICY_PREFIX, GateInfo, decision_of, gate_by_id
from sessions.store import Store

VERDICTS = ("approve", "rollback", "reject", "stop")
TOOL = "review-tui gate audit"


def due(store: Store, share: float | None = None) -> list[GateInfo]:
    """The gates that policy approved, that are drawn, and of which no person has said anything yet: oldest first.

    share: of all, None for the policy's own (the default where the policy cannot be used).
    """
    share = _share() if share is None else share
    sql = (
        "SELECT g.id FROM gate g JOIN gate_decision d ON d.gate = g.id"
        " WHERE d.how = 'policy' AND d.verdict = 'approve' AND g.state IN (?, ?) ORDER BY g.no"
    )
    drawn = [gate for (gate,) in store.each(sql, [CONSUMED, DECIDED]) if is_drawn(gate, share)]
    found = (gate_by_id(store, gate) for gate in drawn)
    return [gate for gate in found if gate is not None and not _looked_at(store, gate)]


def is_drawn(gate: str, share: float) -> bool:
    """Whether a gate belongs to the sample. gate: its id."""
    return int.from_bytes(sha256(f"audit/1\n{gate}".encode()).digest()[:8]) < share * 2**64


def _share() -> float:
    try:
        return inforce.in_force().policy.audit_share
    except UserError:
        return Policy().audit_share


def _looked_at(store: Store, gate: GateInfo) -> bool:
    ids = catalog.ids_of(store, gate.run)
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT reviewer FROM decision WHERE run IN ({marks}) AND chunk = ? AND verdict IS NOT NULL"
    return any(not row[0].startswith(POLICY_PREFIX) for row in store.query(sql, [*ids, gate.chunk]))


def record(store: Store, reviewer: str, gate: GateInfo, verdict: str, note: str = "") -> Event:
    """Write down what a person says afterwards of a gate that policy decided. The agent has acted on it: this changes
    nothing for it, and is a decision on the chunk like one on a recorded run.

    Raises UsageError for an unknown verdict, UserError for a gate that policy did not decide.
    """
    if verdict not in VERDICTS:
        raise UsageError(f"{verdict!r} is no verdict here.", f"Known: {', '.join(VERDICTS)}.")
    decision = decision_of(store, gate.id)
    if decision is None or decision.how != "policy":
        raise UserError(
            f"gate {gate.key!r} was not decided by policy.", "`review-tui gate audit` lists those that were."
        )
    if check_reviewer(reviewer).startswith(POLICY_PREFIX):
        raise UsageError(f"{reviewer!r} is the name of a policy.", "Decide under your own name.")
    run = catalog.run_by_id(store, gate.run)
    ids = catalog.ids_of(store, gate.run)
    shown = [Shown(id=item.id, detector=item.detector, version=item.version) for item in keep_suggestions(store, gate)]
    blind = not others_decided(store, ids, gate.chunk, reviewer)
    with store.write() as tx:
        target = gate_target(tx, gate)
        ops: list[Op] = [_verdict(verdict, target), *([SetNote(text=note)] if note else [])]
        act = Act(
            target=target, ops=tuple(ops), shown=tuple(shown), blind_suggestions=not shown, blind_votes=blind, tool=TOOL
        )  # fmt: skip
        return record_act(tx, reviewer, gate.run, run.content_id if run else None, act)


def _verdict(verdict: str, target: Target) -> SetVerdict:
    return SetVerdict.model_validate({"verdict": verdict, "to": target.first if verdict == "rollback" else None})
