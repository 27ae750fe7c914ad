"""What tests of policies need: gates opened by an agent, and what became of them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, NamedTuple

from sessions.gate import open_gate
from sessions.live.gates import Check, GateDecision, GateInfo, checks_of, decision_of, gate_by_id
from sessions.run import Part, arguments_text
from sessions.store import Store

CHECKS = {
    "policy": "labels.policies.check:check",
    "detectors": "labels.policies.suspecting:check",
    "stages": "labels.stages.check:check",
}
Call = str | tuple[str, Any]


class Opened(NamedTuple):
    """A gate as it is after an agent has asked for it once."""

    gate: GateInfo
    decision: GateDecision | None
    checks: list[Check]

    @property
    def verdict(self) -> str | None:
        return self.decision.verdict if self.decision else None

    @property
    def rules(self) -> list[str]:
        """The rules that spoke, without the policy's hash."""
        return [check.rule.partition("@")[0] for check in self.checks]

    @property
    def holding(self) -> set[str]:
        return {check.rule.partition("@")[0] for check in self.checks if check.action == "hold"}

    def reason(self, rule: str) -> str:
        return next(check.reason for check in self.checks if check.rule.partition("@")[0] == rule)


class Gates:
    """An agent that opens gates. A call is a shell command, or (tool, arguments)."""

    def __init__(self, db: Path, workspace: Path) -> None:
        self.db, self.workspace = db, workspace
        self._keys = itertools.count(1)

    def ask(self, **fields: Any) -> Opened:
        """Open a gate and look once."""
        request = {"run": "r1", "agent": "bot", "task": "Mend it.", "workspace": str(self.workspace), **fields}
        request.setdefault("gate", f"g{next(self._keys)}")
        answer = open_gate(request, db=self.db, wait=False)
        return self.look(answer.id)

    def look(self, id: str) -> Opened:
        with Store.open(self.db) as store:
            gate = gate_by_id(store, id)
            assert gate is not None
            return Opened(gate, decision_of(store, id), checks_of(store, id))

    def does(self, *calls: Call, error: bool = False, **fields: Any) -> Opened:
        """Open a gate on a step that has made these calls, each with a result."""
        return self.ask(steps=[step(*calls, error=error)], **fields)

    def wants(self, *calls: Call, **fields: Any) -> Opened:
        """Open a gate on these calls, which are about to be made."""
        proposed = [{"name": name, "arguments": arguments} for name, arguments in map(_named, calls)]
        return self.ask(proposed=proposed, **fields)


def _named(call: Call) -> tuple[str, Any]:
    return ("bash", {"command": call}) if isinstance(call, str) else call


def step(*calls: Call, error: bool = False, text: str = "I go on.", **fields: Any) -> dict[str, Any]:
    """A step with these calls and their results."""
    parts: list[dict[str, Any]] = [{"kind": "text", "text": text}]
    for number, (name, arguments) in enumerate(map(_named, calls)):
        parts.append({"kind": "tool_call", "name": name, "arguments": arguments, "call_id": f"c{number}"})
        parts.append({"kind": "tool_result", "text": "done", "call_id": f"c{number}", "is_error": error})
    return {"actor": "bot", "parts": parts, **fields}


def call(name: str, arguments: Any) -> Part:
    """A call as a part of a step."""
    return Part("tool_call", arguments_text(arguments), name=name, arguments=arguments)
