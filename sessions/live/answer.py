"""What an agent gets at a gate."""

from __future__ import annotations

from typing import Any, NamedTuple


class Answer(NamedTuple):
    """What was decided at a gate, as the agent gets it. gate, run: the agent's own names; id: of the gate.

    verdict: `approve`, `rollback`, `reject` or `stop`. to_gate: where a rollback goes back to, "start" for the
    beginning. message: the reviewer's. brief: hand it to the agent. edited: the proposed calls as they may run, None if
    unchanged. by, how: who decided, `person` or `policy`. segment: how often the run was rolled back by now.
    An answer is true if, and only if, it is an approval.
    """

    id: str
    run: str
    gate: str
    verdict: str
    to_gate: str | None
    message: str
    brief: str
    edited: list[Any] | None
    by: str
    how: str
    payload_sha256: str
    consumed_at: str
    segment: int

    @property
    def approved(self) -> bool:
        return self.verdict == "approve"

    def __bool__(self) -> bool:
        return self.approved

    def as_json(self) -> dict[str, Any]:
        """The answer of `gate open`; what does not apply is left out."""
        found: dict[str, Any] = {"id": self.id, "run": self.run, "gate": self.gate, "verdict": self.verdict}
        optional = {"to_gate": self.to_gate, "message": self.message or None, "edited": self.edited}
        found |= {name: value for name, value in optional.items() if value is not None}
        return found | {
            "brief": self.brief, "by": self.by, "how": self.how, "payload_sha256": self.payload_sha256,
            "consumed_at": self.consumed_at, "segment": self.segment,
        }  # fmt: skip


class Pending(NamedTuple):
    """Nobody has answered yet; the gate stays open. Never an approval. reason: for people and for the agent."""

    id: str
    run: str
    gate: str
    payload_sha256: str
    reason: str
    verdict: None = None

    @property
    def approved(self) -> bool:
        return False

    def __bool__(self) -> bool:
        return False

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id, "run": self.run, "gate": self.gate, "verdict": None, "reason": self.reason,
            "payload_sha256": self.payload_sha256,
        }  # fmt: skip
