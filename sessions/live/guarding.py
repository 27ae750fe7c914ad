"""The agent must not approve itself: who calls is looked at before a decision is taken.

Refused is whoever descends from a process that is known as a live run's agent, runs below `review-tui run`, or is it
itself. See `sessions.live.process` for what this is worth, and what it is not.
"""

from __future__ import annotations

from sessions.errors import UserError
from sessions.live.gates import live_runs, processes
from sessions.live.process import MARKER, ancestors, marked_run
from sessions.store import Store


def refuse_agents(store: Store, pid: int | None = None) -> None:
    """Raises UserError if this process (or the one with that number) belongs to the agent of a gated run."""
    run = gated_run(store, pid)
    if run is not None:
        raise UserError(
            f"this was called from inside the gated run {run!r}: an agent must not decide on gates.",
            f"Decide in a terminal of your own (started outside the run, without {MARKER}).",
        )


def gated_run(store: Store, pid: int | None = None) -> str | None:
    """The name of the live run whose agent this process belongs to; None if it belongs to none."""
    if marked := marked_run(pid):
        return marked
    agents = {item[:3]: live.name for live in live_runs(store) for item in processes(store, live.run)}
    if not agents:
        return None
    for item in ancestors(pid):
        if item[:3] in agents:  # number, start and machine; the rest is for people
            return agents[item[:3]]
    return None
