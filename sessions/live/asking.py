"""Open a gate, wait, take the answer: what `sessions.gate` does once it is asked to do something."""

from __future__ import annotations

from collections.abc import Callable

from sessions.live import opening, runs, taking
from sessions.live.answer import Answer, Pending
from sessions.live.gates import GateInfo, gates_of, live_by_name
from sessions.live.hooks import NO_HOOKS, Hooks
from sessions.live.process import myself
from sessions.live.request import GateRequest, parse, step_from
from sessions.live.runs import open_database
from sessions.live.waiting import wait_until
from sessions.store import Store

__all__ = ["ask", "earlier_gates", "open_database", "parse", "step_from"]

NOBODY = "Nobody has answered yet. This is no refusal: the gate stays open, ask again."


def ask(
    store: Store,
    request: GateRequest,
    *,
    wait: bool = True,
    hooks: Hooks = NO_HOOKS,
    itself: bool = True,
    stopped: Callable[[], bool] = lambda: False,
) -> Answer | Pending:
    """Open a gate in an open store, wait, and take the answer.

    itself: this process is the agent, so its children may not decide. stopped: asked now and then; True ends the wait.
    """
    gate = opening.open_gate(store, request, agent=myself() if itself else None, hooks=hooks)
    answer: Answer | None = wait_until(
        store,
        lambda: taking.take(store, gate.id, request.sha256, hooks),
        seconds=request.timeout_s if wait else 0,
        stopped=stopped,
        beat=lambda: runs.beat(store, gate.run),
    )
    return Pending(gate.id, request.run, request.gate, request.sha256, NOBODY) if answer is None else answer


def earlier_gates(store: Store, run: str) -> list[GateInfo]:
    """The gates that a run of this name has had, in order."""
    live = live_by_name(store, run)
    return gates_of(store, live.run) if live else []
