"""Live gates as screens show them, and what a reviewer does there. No Textual in here."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from review_tui.sanitize import short
from sessions.errors import UserError
from sessions.live import claims, clock, gates, holding
from sessions.live.claims import Claim
from sessions.live.gates import DECIDED, OPEN, GateDecision, GateInfo, LiveRun
from sessions.live.holding import Hold
from sessions.store import Store

if TYPE_CHECKING:
    from labels.operating import Operated

#: How often what is said of a gate's age is said anew, in seconds.
AGE_S = 1.0


@dataclass(frozen=True, slots=True)
class GateView:
    """A gate with all that is known around it. live: its run. agent: `running`, `dead`, `waiting` or `silent`. holder:
    who is at it. approvals: who has approved so far. held: the hold on its run. decision: what holds, None while it
    waits. checks: (rule, action, reason) of each check, riskiest first."""

    gate: GateInfo
    live: LiveRun
    agent: str
    holder: Claim | None
    approvals: tuple[str, ...]
    held: Hold | None
    decision: GateDecision | None
    checks: tuple[tuple[str, str, str], ...]

    @property
    def name(self) -> str:
        """The agent's name of the run, for people: one that was made up is shortened."""
        name = self.gate.name
        return name[:8] if len(name) == 32 and all(letter in "0123456789abcdef" for letter in name) else name

    @property
    def age_s(self) -> float:
        """Seconds since it was opened: another number each time it is drawn."""
        return _age(self.gate.opened_at)

    @property
    def waits(self) -> bool:
        """Whether a person is asked: nothing holds yet, or only what a policy said, which gives way to a person."""
        return self.gate.state == OPEN


def waiting(store: Store) -> list[GateView]:
    """Every gate that waits for a person, riskiest first, among equals the newest."""
    if not gates.any_open(store):
        return []
    return [view for gate in gates.waiting(store) if gate.state == OPEN and (view := view_of(store, gate)) is not None]


def for_audit(store: Store) -> list[GateView]:
    """Gates that a policy approved, drawn to be looked at by a person, and not looked at yet: oldest first."""
    if not gates.any_by_policy(store):
        return []
    from labels.policies import audit

    return [view for gate in audit.due(store) if (view := view_of(store, gate)) is not None]


def view_of(store: Store, gate: GateInfo) -> GateView | None:
    """All about a gate; None if its run is gone."""
    from sessions.live import deciding  # what writes is not needed for a first frame without a gate

    live = gates.live_run(store, gate.run)
    if live is None:
        return None
    checks = sorted(gates.checks_of(store, gate.id), key=lambda check: -check.risk)
    return GateView(
        gate=gate,
        live=live,
        agent=gates.agent_state(store, live, clock.now()),
        holder=claims.holder(store, gate.id),
        approvals=tuple(deciding.approvals(store, gate.id)),
        held=holding.holding(store, gate.run),
        decision=gates.decision_of(store, gate.id),
        checks=tuple((check.rule, check.action, check.reason) for check in checks if check.reason),
    )


def decision(store: Store, gate: GateInfo) -> GateDecision | None:
    """What holds of a gate."""
    return gates.decision_of(store, gate.id)


def of_run(store: Store, run: str) -> list[GateInfo]:
    """All gates of a run in the order of opening; [] for a recorded one."""
    return gates.gates_of(store, run)


def here(found: Sequence[GateInfo], first: int, last: int) -> GateInfo | None:
    """The gate that shows steps first..last: one that waits, else the newest. A gate that only proposes calls belongs
    to the chunk before it."""
    fitting = [gate for gate in found if first <= max(0, gate.last) <= last]
    waits = [gate for gate in fitting if gate.state in (OPEN, DECIDED)]
    best = waits or fitting
    return best[-1] if best else None


class Operator:
    """One reviewer at live gates. Every method writes, and may raise UserError."""

    def __init__(self, store: Store, reviewer: str) -> None:
        self.store, self.reviewer = store, reviewer

    def take(self, gate: GateInfo) -> None:
        """Say "I am at it", or go on saying so. Raises `claims.Taken` if somebody else is."""
        from labels.events import os_user

        claims.claim(self.store, gate.id, self.reviewer, os_user())

    def keep_suggestions(self, gate: GateInfo) -> None:
        """Put what the gate's checks suggest beside the run, where it can be answered."""
        from labels import operating

        operating.keep_suggestions(self.store, gate)

    def give_back(self, gate: GateInfo) -> None:
        claims.release(self.store, gate.id, self.reviewer)

    def audit(self, gate: GateInfo, verdict: str, message: str) -> None:
        """Say what a person thinks of what a policy has decided. The agent has acted on it; this changes nothing."""
        from labels.policies import audit

        audit.record(self.store, self.reviewer, gate, verdict, message)

    def decide(
        self,
        gate: GateInfo,
        verdict: str,
        *,
        to: str | None = None,
        message: str = "",
        edited: list[Any] | None = None,
        seconds: float | None = None,
    ) -> Operated:
        """Decide on what the gate shows. to: id of the gate gone back to, or "start"."""
        from labels import operating

        said = operating.Said(
            verdict, to, message, edited, seconds=seconds, payload_sha256=gate.payload_sha256, tool="review-tui"
        )
        return operating.decide(self.store, self.reviewer, gate, said)


@dataclass(frozen=True, slots=True)
class WayBack:
    """Somewhere a rollback can go back to. target: None for the beginning. files: whether there is a snapshot of them.
    earliest: the key of the gate whose snapshot has to do for the beginning. state: whether the agent's own state goes
    back."""

    target: GateInfo | None
    files: bool
    state: bool
    earliest: str = ""

    @property
    def words(self) -> str:
        """What goes back, for people."""
        if not self.files:
            return "state; files stay as they are" if self.state else "files stay as they are"
        files = f"files as at gate {short(self.earliest, 12)}" if self.earliest else "files"
        return f"{files} and state" if self.state else files


def ways_back(store: Store, gate: GateInfo) -> list[WayBack]:
    """Where a rollback can go back to, and what would go back with it: gates, newest first, then the beginning."""
    from sessions.live import deciding

    live = gates.live_run(store, gate.run)
    state = live is not None and "state" in live.can
    there = live is not None and live.workspace is not None
    ways = [
        WayBack(target, there and target.snapshot is not None, state)
        for target in deciding.rollback_targets(store, gate)
    ]
    first = _first_snapshot(store, gate.run) if there else None
    return [*ways, WayBack(None, first is not None, state, first or "")]


def _first_snapshot(store: Store, run: str) -> str | None:
    """The key of the gate whose snapshot a rollback to the beginning restores; "" where one was taken before the first
    step, None where there is none."""
    from sessions.live import files

    found = None
    with suppress(UserError), files.open_snapshots(None, [store.path]) as snapshots:
        found = files.beginning_of(snapshots, run)
    if found is not None:
        return "" if found.key == files.BEGINNING else found.key
    # The agent may keep its snapshots where this station does not look: the gates say whether there are any.
    return next((item.key for item in gates.gates_of(store, run) if item.snapshot is not None), None)


def _age(opened_at: str) -> float:
    try:
        opened = datetime.fromisoformat(opened_at)
    except ValueError:
        return 0.0
    return max(0.0, (datetime.now(UTC) - opened).total_seconds())


def age_text(seconds: float) -> str:
    """`12 s`, `4 min`, `3 h`, `2 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"
