"""What tests of adapters share: somebody who decides at gates, and looks at files and at what was recorded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labels.operating import Said, decide
from sessions import catalog
from sessions.live import ending
from sessions.live.gates import GateInfo, gates_of, live_by_name, live_runs, waiting
from sessions.run import Flag, Step
from sessions.store import Store

__all__ = ["Said", "approve", "gates", "reject", "reviewer", "roll_back", "shape", "steps", "stop", "tree"]


def approve(message: str = "", edited: list[Any] | None = None) -> Said:
    return Said("approve", message=message, edited=edited)


def reject(message: str) -> Said:
    return Said("reject", message=message)


def roll_back(to: str, message: str) -> Said:
    return Said("rollback", to=to, message=message)


def stop(message: str = "") -> Said:
    return Said("stop", message=message)


#: What is said at a gate, or a function of the gates so far that says it.
Line = Said | Callable[[list[GateInfo]], Said]


@contextmanager
def reviewer(db: Path, *script: Line) -> Iterator[list[GateInfo]]:
    """Somebody in a thread who decides on the gates as they open, by the script; those after it are approved.

    Gives the gates that were decided on, as they were shown.
    """

    def said() -> Said:
        line = script[len(seen)] if len(seen) < len(script) else approve()
        return line if isinstance(line, Said) else line(seen)

    seen: list[GateInfo] = []
    problems: list[Exception] = []
    gone = threading.Event()

    def work() -> None:
        try:
            with Store.open(db) as store:
                while not gone.is_set():
                    for gate in waiting(store):
                        if gate.state == "open":
                            decide(store, "ann", gate, said())
                            seen.append(gate)
                    time.sleep(0.003)
        except Exception as error:
            problems.append(error)
            with Store.open(db) as store:  # so that nobody waits for somebody who is gone
                for live in live_runs(store):
                    ending.end(store, live.run)

    Store.open(db).close()
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield seen
    finally:
        gone.set()
        thread.join()
    if problems:
        raise problems[0]


def tree(folder: Path) -> dict[str, tuple[str, int, bytes]]:
    """Every path below a folder: kind, mode, contents."""
    found = {}
    for path in sorted(folder.rglob("*")):
        kind = "link" if path.is_symlink() else "folder" if path.is_dir() else "file"
        found[str(path.relative_to(folder))] = (
            kind,
            path.lstat().st_mode,
            path.read_bytes() if kind == "file" else b"",
        )
    return found


def gates(db: Path, run: str) -> list[GateInfo]:
    with Store.open(db) as store:
        live = live_by_name(store, run)
        return gates_of(store, live.run) if live else []


def steps(db: Path, run: str, *, abandoned: bool = False) -> list[Step]:
    """The recorded steps of a run: those that count, or those that a rollback undid."""
    with Store.open(db) as store:
        found = catalog.find_run(store, run)
        return [
            stored.step for stored in catalog.steps(store, found.no) if bool(stored.flags & Flag.ABANDONED) == abandoned
        ]


def shape(step: Step) -> list[tuple[str, str]]:
    """A step as (kind, text) of its parts."""
    return [(part.kind, part.text) for part in step.parts]
