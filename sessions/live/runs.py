"""The rows of live runs as their agents write them: the run's beginning, and its signs of life."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sessions.errors import UserError
from sessions.filesystem import file_system, is_remote
from sessions.jsontext import dumps, mend
from sessions.live import clock
from sessions.live.gates import LiveRun, live_by_name
from sessions.live.process import Process, process
from sessions.live.request import GateRequest
from sessions.store import Store, Transaction, default_path

FORMAT = "live"
_TITLE_CHARS = 80


def open_database(path: Path | None = None) -> Store:
    """The database for gates, created if need be. Raises UserError if it is on a network file system: the shared memory
    of SQLite does not reach across machines, so a gate there could be decided twice or never."""
    path = path or default_path()
    folder = next((parent for parent in path.absolute().parents if parent.is_dir()), path)
    kind = file_system(folder)
    if is_remote(kind):
        raise UserError(
            f"{path} is on a network file system ({kind}), where SQLite cannot be shared.",
            "Keep the database on a local disk (--db), and review on that machine, for instance over ssh.",
        )
    return Store.open(path)


def begin(store: Store, request: GateRequest) -> LiveRun:
    """Make the run, at its first gate."""
    with store.write("NORMAL", eager=True) as tx:
        if found := live_by_name(tx, request.run):
            return found
        run, at = os.urandom(16).hex(), datetime.now(UTC).isoformat(timespec="seconds")
        title = next((line.strip() for line in request.task.splitlines() if line.strip()), request.run)
        tx.execute(
            "INSERT INTO run (id, state, format, title, task, system, native_id, started_at, added_at, item, files,"
            " facts, actors, steps, chars, errors, problems, indexed, archived)"
            " VALUES (?, 'live', ?, ?, ?, ?, ?, ?, ?, 0, '[]', ?, '[]', 0, 0, 0, 0, 0, 0)",
            [
                run, FORMAT, mend(title[:_TITLE_CHARS]), request.task, request.agent, request.run, at, at,
                dumps({"workspace": request.workspace} if request.workspace else {}),
            ],
        )  # fmt: skip
        beat = clock.now()
        tx.execute(
            "INSERT INTO live VALUES (?, ?, ?, ?, ?, ?, 0, NULL, ?, ?, ?, ?)",
            [
                run, request.run, request.agent, dumps(request.rules), request.workspace, dumps(request.can), at,
                beat.wall, beat.ticks, beat.boot,
            ],
        )  # fmt: skip
        live = live_by_name(tx, request.run)
    assert live is not None
    return live


# -- signs of life ------------------------------------------------------------------------------------------------


def sign_of_life(store: Store, run: str, request: GateRequest, agent: Process | None) -> None:
    """An agent asks again for a gate that is there."""
    with store.write("NORMAL", eager=True) as tx:
        seen(tx, run, request, agent)


def beat(store: Store, run: str) -> None:
    """Note that the agent of a run still waits."""
    moment = clock.now()
    with store.write("NORMAL", eager=True) as tx:
        tx.execute(
            "UPDATE live SET beat_wall = ?, beat_ticks = ?, beat_boot = ? WHERE run = ?",
            [moment.wall, moment.ticks, moment.boot, run],
        )


def seen(tx: Transaction, run: str, request: GateRequest, agent: Process | None) -> None:
    """Note who asks, what it can do and under which rules it says to work."""
    moment = clock.now()
    tx.execute(
        "UPDATE live SET agent = ?, can = ?, beat_wall = ?, beat_ticks = ?, beat_boot = ? WHERE run = ?",
        [request.agent, dumps(request.can), moment.wall, moment.ticks, moment.boot, run],
    )
    if request.rules:
        tx.execute("UPDATE live SET rules = ? WHERE run = ?", [dumps(request.rules), run])
    known: Sequence[Process | None] = [agent, process(request.pid) if request.pid else None]
    for item in known:
        if item is not None:
            register(tx, run, item)


def register(tx: Transaction, run: str, agent: Process) -> None:
    """Note a process as (part of) a live run's agent: its children may not decide on gates."""
    key: list[Any] = [run, agent.pid, agent.started]
    if not tx.execute("SELECT 1 FROM live_process WHERE run = ? AND pid = ? AND started = ?", key):
        tx.execute("INSERT INTO live_process VALUES (?, ?, ?, ?, ?)", [*key, agent.boot, agent.host])
