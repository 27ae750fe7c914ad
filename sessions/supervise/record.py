"""What the supervisor reads and writes of its live run, beside what gates do themselves."""

from __future__ import annotations

from pathlib import Path

from sessions.errors import UserError
from sessions.jsontext import mend
from sessions.live import clock, ending, runs
from sessions.live.gates import (
    DECIDED,
    OPEN,
    GateInfo,
    LiveRun,
    agent_state,
    attach_snapshot,
    gates_of,
    live_by_name,
)
from sessions.live.hooks import Snapshot
from sessions.live.request import GateRequest
from sessions.store import Store

_TITLE_CHARS = 80
#: In `meta`: who opens the gates of a run, if that is not its supervisor.
_GATING = "gating "


def begin(store: Store, request: GateRequest) -> tuple[LiveRun, bool]:
    """The live run, made or taken up again (True). Raises UserError if it is over, or its agent still works."""
    known = live_by_name(store, request.run)
    if known is None:
        return runs.begin(store, request), False
    if known.ended is not None:
        raise UserError(f"the run {request.run!r} is over.", "A new run needs a new name.")
    if agent_state(store, known, clock.now()) == "running":
        raise UserError(f"the run {request.run!r} is being worked on.", "End that first, or take another name.")
    return known, True


def describe(store: Store, run: str, task: str) -> None:
    """The run's task, now that its session has told it. run: the run's id."""
    title = next((line.strip() for line in task.splitlines() if line.strip()), "")[:_TITLE_CHARS]
    with store.write("NORMAL", eager=True) as tx:
        tx.execute("UPDATE run SET task = ?, title = ? WHERE id = ?", [mend(task), mend(title), run])


def close(store: Store, run: str, how: str) -> None:
    """The run is over, and becomes a run like every other."""
    with store.write() as tx:
        ending.close(tx, run, how)
    ending.complete(store, run)


# -- gates --------------------------------------------------------------------------------------------------------


def next_gate(store: Store, run: str) -> str:
    """The name of the next gate: their number."""
    return str(len(gates_of(store, run)) + 1)


def gates(store: Store, run: str) -> list[GateInfo]:
    return gates_of(store, run)


def waiting(store: Store, run: str) -> GateInfo | None:
    """The last gate of the run that waits to be decided on, or to be heard of."""
    return next((gate for gate in reversed(gates_of(store, run)) if gate.state in (OPEN, DECIDED)), None)


def waits(store: Store, run: str) -> bool:
    return waiting(store, run) is not None


def gates_without_snapshot(store: Store, run: str) -> list[GateInfo]:
    """Open gates of which nobody has taken, or tried to take, a snapshot."""
    return [
        gate for gate in gates_of(store, run) if gate.state == OPEN and not gate.snapshot and not gate.snapshot_facts
    ]


def attach(store: Store, gate: str, snapshot: Snapshot) -> None:
    with store.write("NORMAL", eager=True) as tx:
        attach_snapshot(tx, gate, snapshot.id, snapshot.facts or {})


def gated_by(store: Store, name: str) -> str | None:
    """Who opens this run's gates, as `declare` was told; None if its supervisor does. name: the agent's name of it."""
    row = store.one("SELECT value FROM meta WHERE name = ?", [f"{_GATING}{name}"])
    return row[0] if row else None


def declare(store: Store, name: str, who: str) -> None:
    """From now on, `who` opens the gates of this run (a client's hooks), so that nobody else does it as well."""
    if gated_by(store, name) != who:
        with store.write("NORMAL", eager=True) as tx:
            tx.execute("DELETE FROM meta WHERE name = ?", [f"{_GATING}{name}"])
            tx.execute("INSERT INTO meta VALUES (?, ?)", [f"{_GATING}{name}", who])


# -- files --------------------------------------------------------------------------------------------------------


def workspace_changed(database: Path, workspace: Path, run: str, folder: Path | None) -> bool:
    """Whether the workspace is not as it was when its last snapshot was taken; if that cannot be seen, it may be."""
    from sessions.live.files import open_snapshots

    try:
        with open_snapshots(folder, [database]) as store:
            before = store.records.snapshots(run=run)
            now = store.take(workspace, run, "end")
            return not before or now.manifest != max(before, key=lambda info: info.no).manifest
    except UserError:
        return True
