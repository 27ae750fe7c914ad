"""One session of the real Claude Code, in a home of its own, with our hooks in its settings and a reviewer."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from fake_api import FakeApi
from program import PROGRAM

from labels.operating import Said, decide
from sessions import catalog
from sessions.adapters import claude_settings
from sessions.live.gates import OPEN, GateInfo, gates_of, waiting
from sessions.store import Store

#: The binary, if it is not in the installed `claude-agent-sdk`.
BINARY_VARIABLE = "REVIEW_TUI_CLAUDE"


def binary() -> Path | None:
    if named := os.environ.get(BINARY_VARIABLE):
        return Path(named).absolute()
    spec = importlib.util.find_spec("claude_agent_sdk")
    found = Path(spec.origin).parent / "_bundled" / "claude" if spec and spec.origin else None
    return found if found and found.exists() else None


class Claude:
    """One session of Claude Code, with our hooks in its settings, and a reviewer."""

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder, self.program = folder, program
        self.workspace, self.db = folder / "work", folder / "review.db"
        self.runtime = folder / "run"
        self.runtime.mkdir(0o700)
        self.workspace.mkdir()
        (folder / "home" / ".claude").mkdir(parents=True)
        (folder / "policy.toml").write_text("")
        self.store = Store.open(self.db)
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(folder / "home"), "LANG": "C.UTF-8",
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "REVIEW_TUI_DB": str(self.db),
            "REVIEW_TUI_SNAPSHOTS": str(folder / "snapshots"), "REVIEW_TUI_POLICY": str(folder / "policy.toml"),
            "ANTHROPIC_API_KEY": "sk-ant-none", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "XDG_RUNTIME_DIR": str(self.runtime), "DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1",
        }  # fmt: skip

    def install(self, *options: str) -> None:
        """Our hooks, as `review-tui hooks install` writes them."""
        command = claude_settings.hook_command(PROGRAM, ["--db", str(self.db), *options])
        path = self.folder / "home" / ".claude" / "settings.json"
        claude_settings.write(path, claude_settings.with_hooks(claude_settings.load(path), command))

    def run(self, *turns: Any, script: tuple[Said, ...] = (), under: tuple[str, ...] = ()) -> Session:
        """A session in which the model makes these turns, reviewed by the script. under: a command to run it below,
        which sees a turn only when it stands in the session's file: the model takes as long as a quick one does."""
        with FakeApi(turns, 0.7 if under else 0.0) as api:
            argv = [*under, str(self.program), "-p", "Keep the journal.", "--permission-mode", "acceptEdits",
                    "--allowedTools", "Bash", "Write"]  # fmt: skip
            process = subprocess.Popen(
                argv, cwd=self.workspace, env={**self.env, "ANTHROPIC_BASE_URL": api.url}, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            gates = self._review(process, script)
            out, err = process.communicate(timeout=10)
            return Session(process.returncode, out, err, gates, api.heard)

    def _review(self, process: subprocess.Popen, script: tuple[Said, ...]) -> list[GateInfo]:
        left, seen = list(script), []
        end = time.monotonic() + 120
        while process.poll() is None:
            for gate in waiting(self.store):
                if gate.state == OPEN:
                    seen.append(gate)
                    decide(self.store, "ann", gate, left.pop(0) if left else Said("approve"))
            if time.monotonic() > end:
                process.kill()
                raise AssertionError("the session does not end")
            time.sleep(0.02)
        return seen

    @property
    def runs(self) -> list[catalog.RunInfo]:
        return catalog.runs(self.store)

    def gates(self) -> list[GateInfo]:
        return gates_of(self.store, self.runs[0].id)

    def file(self, name: str) -> str | None:
        path = self.workspace / name
        return path.read_text() if path.exists() else None


class Session:
    """What came of a session. heard: what the model was told, turn by turn."""

    def __init__(self, code: int, out: str, err: str, gates: list[GateInfo], heard: list[str]) -> None:
        self.code, self.out, self.err, self.gates, self.heard = code, out, err, gates, heard

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}\n{self.heard}"


def calls(*commands: str) -> list[dict[str, Any]]:
    """A turn of the model that makes these shell calls."""
    return [{"type": "tool_use", "name": "Bash", "input": {"command": text, "description": "x"}} for text in commands]
