"""The demo's folder (workspace, database, snapshots: apart from everything of the user's), and its agent's process."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from sessions.demo import world
from sessions.errors import UserError
from sessions.live import gates
from sessions.live.gates import OPEN, GateInfo
from sessions.store import Store

Agent: TypeAlias = "subprocess.Popen[bytes]"
#: How long the agent may take to its next gate, in seconds.
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Scratch:
    """A folder of the demo's own."""

    folder: Path

    @classmethod
    def make(cls, folder: Path | None = None) -> Scratch:
        """folder: where, must be empty or not there; in the temporary folder if None. Raises UserError."""
        if folder is None:
            made = Path(tempfile.mkdtemp(prefix="review-tui-demo-"))
        else:
            made = folder
            if made.exists() and (not made.is_dir() or any(made.iterdir())):
                raise UserError(f"{made} is there and not empty.", "Name an empty folder, or leave --dir out.")
            made.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = cls(made)
        scratch.workspace.mkdir()
        world.build(scratch.workspace)
        return scratch

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    @property
    def db(self) -> Path:
        return self.folder / "review.db"

    @property
    def snapshots(self) -> Path:
        return self.folder / "snapshots"

    def start_agent(self) -> Agent:
        """The agent, at work. What it says goes to agent.log."""
        arguments = ["--db", self.db, "--workspace", self.workspace, "--snapshots", self.snapshots]
        with (self.folder / "agent.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "sessions.demo.agent", *map(str, arguments)],
                stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def log(self) -> str:
        """The last line of what the agent said."""
        try:
            lines = (self.folder / "agent.log").read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1] if lines else ""

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def end(agent: Agent) -> None:
    """End the agent, wherever it is."""
    if agent.poll() is None:
        agent.kill()
    agent.wait()
    if agent.stdin is not None:
        agent.stdin.close()


def next_gate(store: Store, scratch: Scratch, agent: Agent, after: int = 0) -> GateInfo | None:
    """The agent's next gate that waits, numbered above `after`; None if the agent has come to its end. Raises UserError
    if it fails or takes too long."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        waits = [gate for gate in gates.waiting(store) if gate.state == OPEN and gate.no > after]
        if waits:
            return min(waits, key=lambda gate: gate.no)
        if agent.poll() is not None:
            if agent.returncode in (0, 11):
                return None
            raise UserError(f"the demo's agent failed: {scratch.log() or 'it said nothing'}.", f"See {scratch.folder}.")
        time.sleep(0.02)
    raise UserError("the demo's agent takes too long.", f"See {scratch.folder}.")
