"""Gates for tests of what judges them: opened by an agent in a database of their own, with a policy and stages of the
test's, and the checks that come with the program. A conftest takes the fixtures from here."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from labels.operating import record_policy
from labels.policies import suspecting
from sessions.gate import open_gate
from sessions.live import checking, opening, telling
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


# -- fixtures -----------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's own, and no more checks than these."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, folder in (("CONFIG", "config"), ("DATA", "data"), ("STATE", "state")):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / folder))
    for name in ("POLICY", "STAGES", "SNAPSHOTS", "DB", "GATED_RUN"):
        monkeypatch.delenv(f"REVIEW_TUI_{name}", raising=False)
    monkeypatch.setattr(checking, "points", lambda: CHECKS)
    monkeypatch.setattr(checking, "LIMIT_S", 5.0)  # what a check says is tested here, not how fast this machine is
    monkeypatch.setattr(checking, "WALL_LIMIT_S", 20.0)
    monkeypatch.setattr(telling, "points", dict)
    monkeypatch.setattr(opening, "_recorder", lambda: record_policy)
    suspecting._watching.clear()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "records" / "review.db"


@pytest.fixture
def store(db: Path) -> Iterator[Store]:
    with Store.open(db) as opened:
        yield opened


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write the policy that is in force."""
    path = tmp_path / "operator" / "policy.toml"
    path.parent.mkdir()
    monkeypatch.setenv("REVIEW_TUI_POLICY", str(path))

    def write(text: str) -> Path:
        path.write_text(text)
        return path

    return write


@pytest.fixture
def stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write the stages that are in force."""
    path = tmp_path / "stages-of-the-operator" / "stages.toml"
    path.parent.mkdir()

    def write(text: str) -> Path:
        monkeypatch.setenv("REVIEW_TUI_STAGES", str(path))
        path.write_text(text)
        return path

    return write


@pytest.fixture
def gates(db: Path, workspace: Path) -> Gates:
    return Gates(db, workspace)
