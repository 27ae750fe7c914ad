"""What other parts do when a gate opens and when a rollback reaches the agent: snapshot and restore the workspace.

Both are called in the process that opens the gate, while the agent waits there. Without hooks nothing is snapshotted,
and the agent is told so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Opening(NamedTuple):
    """A gate about to be opened. run: the run's id. gate: the gate's id to be. key: the agent's name of it."""

    run: str
    gate: str
    key: str
    workspace: str | None


class Snapshot(NamedTuple):
    """id: None if there is none. facts: JSON for the reviewer (what is not covered ...); `failed` says why there is
    none, and nobody can roll back to this gate then."""

    id: str | None
    facts: dict[str, Any] | None = None


class Rollback(NamedTuple):
    """A rollback that reaches the agent. gate: id of the gate where it was decided. to_gate: id of the gate gone back
    to, None for the beginning. snapshot: that gate's, None if it has none."""

    run: str
    gate: str
    to_gate: str | None
    snapshot: str | None
    workspace: str | None


def _no_snapshot(_opening: Opening) -> Snapshot:
    return Snapshot(None)


def _no_restore(_rollback: Rollback) -> str:
    return ""


def _nothing(_opening: Opening) -> None:
    return


class Hooks(NamedTuple):
    """snapshot(opening): called before the gate can be seen; what it raises becomes `failed`. restore(rollback): called
    when the decision can no longer be undone; returns what was done, in words for the agent, "" for nothing. It may be
    called again for one gate (the agent was killed in between) and must then finish what it began; what it raises is
    told to the agent. resume(opening): the agent goes on from this gate; what changed in the workspace while it waited
    was not its doing. end(opening): the run is over at this gate. What these two raise is of no consequence."""

    snapshot: Callable[[Opening], Snapshot] = _no_snapshot
    restore: Callable[[Rollback], str] = _no_restore
    resume: Callable[[Opening], None] = _nothing
    end: Callable[[Opening], None] = _nothing


NO_HOOKS = Hooks()
