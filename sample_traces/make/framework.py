"""Scripted agents: a sandbox where their tools really run, and a recording of what came back.

Nothing here is a model. A script says what the agent thinks and which tool it calls; the call is then made for real
(a shell in a temporary folder, real files, real SQLite), so that every tool result in a recording is an output of
something. Two runs of a script give the same bytes: the clock is the sandbox's own, ids are hashes, the temporary
folder is shown under a fixed path, and timings that tools print are evened out.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from sample_traces.reference import RunLabels

_DATE = '#!/bin/sh\nexec /bin/date -u -d "$(/bin/cat "$SANDBOX_CLOCK")" "$@"\n'
_SLEEP = """#!{python}
import datetime, os, pathlib, sys
clock = pathlib.Path(os.environ["SANDBOX_CLOCK"])
now = datetime.datetime.fromisoformat(clock.read_text()) + datetime.timedelta(seconds=float(sys.argv[1].rstrip("s")))
clock.write_text(now.isoformat())
"""
_TIMING = re.compile(r"\bin \d+\.\d\ds\b")


@dataclass(frozen=True)
class Result:
    """What a tool gave back. code: the exit status, 0 for success."""

    output: str
    code: int = 0


class Sandbox:
    """A temporary folder that looks like `shown` from inside, with a clock of its own and only chosen programs.

    Use it as a context manager. `sleep` in its shell costs no time but moves its clock.
    """

    def __init__(self, shown: str, start: str) -> None:
        self.shown = shown
        self.base = Path(tempfile.mkdtemp(prefix="made-run-", dir="/tmp"))  # commands name it: no blanks
        self.work = self.base / "work"
        self.bin = self.base / "bin"
        self.work.mkdir()
        self.bin.mkdir()
        self._clock = self.base / "clock"
        self.now = datetime.fromisoformat(start)
        python = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
        for name, source in {"python": python, "python3": python, "date": _DATE}.items():
            self.program(name, source)
        self.program("sleep", _SLEEP)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.base)

    @property
    def now(self) -> datetime:
        return datetime.fromisoformat(self._clock.read_text())

    @now.setter
    def now(self, value: datetime) -> None:
        self._clock.write_text(value.isoformat())

    def wait(self, seconds: float) -> datetime:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        return self.now

    def program(self, name: str, source: str) -> None:
        """Put a program before all others of that name. `{python}` in its first line becomes this interpreter."""
        file = self.bin / name
        file.write_text(source.replace("#!{python}", f"#!{sys.executable}", 1))
        file.chmod(0o755)

    def file(self, name: str, text: str) -> Path:
        """Write a file below the working folder."""
        target = self.work / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def shell(self, command: str) -> Result:
        """Run a command in bash, in the working folder; standard output and error come back as one text."""
        environment = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "HOME": str(self.base),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "NO_COLOR": "1",
            "COLUMNS": "100",
            "KUBECONFIG": "/dev/null",
            "SANDBOX_CLOCK": str(self._clock),
            "SANDBOX_STATE": str(self.base / "state.json"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "PYTHONUTF8": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_ADDOPTS": "-p no:cacheprovider",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PAGER": "cat",
            **{f"GIT_{who}_NAME": "Agent" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "agent@example.org" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_DATE": self.now.isoformat() for who in ("AUTHOR", "COMMITTER")},
        }
        done = subprocess.run(
            ["/bin/bash", "-c", command.replace(self.shown, str(self.work))],
            cwd=self.work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        return Result(self.show(done.stdout.decode("utf-8", "replace")), done.returncode)

    def show(self, text: str) -> str:
        """A text as it reads inside the sandbox, without its last newline and without real timings."""
        return _TIMING.sub("in 0.04s", text.replace(str(self.work), self.shown)).removesuffix("\n")


@dataclass(frozen=True)
class Tool:
    """A call that the agent is about to make: what the model sent, and what then really happens."""

    name: str
    arguments: dict[str, Any] | str
    run: Callable[[Sandbox], Result]


@dataclass(slots=True)
class Call:
    """A call that was made."""

    name: str
    arguments: dict[str, Any] | str
    result: Result
    id: str
    at: datetime


@dataclass(slots=True)
class Turn:
    """One step of a run: an actor's words, thoughts, calls and what they gave back."""

    role: Literal["system", "user", "agent", "compaction"]
    actor: str
    text: str
    at: datetime
    reasoning: str = ""
    calls: list[Call] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    def texts(self) -> list[str]:
        """Everything a reviewer can read in this step, part by part."""
        found = [self.text, self.reasoning]
        for call in self.calls:
            arguments = call.arguments if isinstance(call.arguments, dict) else {"": call.arguments}
            found += [value for value in arguments.values() if isinstance(value, str)]
            found.append(call.result.output)
        return found


@dataclass
class Recording:
    """A finished run: its name, when it began and all its turns."""

    name: str
    model: str
    folder: str
    turns: list[Turn] = field(default_factory=list)

    def id(self, *parts: object) -> str:
        """A uuid that is always the same for the same place in the same run."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(["sample_traces", self.name, *map(str, parts)])))

    def token(self, *parts: object, length: int = 24) -> str:
        """A random-looking word, always the same for the same place in the same run."""
        return hashlib.sha256("/".join([self.name, *map(str, parts)]).encode()).hexdigest()[:length]


class Agent:
    """Plays a script in a sandbox and records it. Speaking and thinking take time that depends on their length."""

    def __init__(self, name: str, sandbox: Sandbox, model: str = "scripted") -> None:
        self.sandbox = sandbox
        self.recording = Recording(name, model, sandbox.shown)

    def system(self, text: str) -> None:
        self._add(Turn("system", "system", text.strip(), self.sandbox.now))

    def user(self, text: str, after: float = 40) -> None:
        self.sandbox.wait(after)
        self._add(Turn("user", "user", text.strip(), self.sandbox.now))

    def compaction(self, summary: str) -> None:
        self.sandbox.wait(9)
        self._add(Turn("compaction", "system", summary.strip(), self.sandbox.now))

    def act(self, text: str, *tools: Tool, think: str = "", actor: str = "agent", fails: bool = False) -> Turn:
        """One turn of the agent. fails: whether its last call must fail; a script that errs here is out of date."""
        text, think = text.strip(), think.strip()
        at = self.sandbox.wait(3 + (len(text) + len(think)) // 45)
        turn = Turn("agent", actor, text, at, think)
        for number, tool in enumerate(tools, 1):
            result = tool.run(self.sandbox)
            self.sandbox.wait(1)
            call_id = self.recording.token("call", len(self.recording.turns), number)
            turn.calls.append(Call(tool.name, tool.arguments, result, call_id, self.sandbox.now))
        if turn.calls and (turn.calls[-1].result.code != 0) != fails:
            raise AssertionError(f"{self.recording.name}: unexpected outcome\n{turn.calls[-1].result.output}")
        self._add(turn)
        return turn

    def _add(self, turn: Turn) -> None:
        self.recording.turns.append(turn)


def shell_tool(name: str, key: str = "command", **fixed: Any) -> Callable[..., Tool]:
    """A tool of that name which runs its `key` argument in the sandbox's shell. fixed: arguments sent every time."""

    def tool(command: str, **more: Any) -> Tool:
        return Tool(name, {key: command, **fixed, **more}, lambda sandbox: sandbox.shell(command))

    return tool


@dataclass(frozen=True)
class MadeRun:
    """A run ready to be written: the file's name and text, its turns, and what is known to be wrong in it."""

    file: str
    text: str
    turns: Sequence[Turn]
    labels: Sequence[RunLabels]

    def check(self) -> None:
        """Every quote must stand in the step it names. Raises AssertionError otherwise."""
        for run in self.labels:
            for label in run.labels:
                for item in label.evidence:
                    if not any(item.quote in text for text in self.turns[item.step - 1].texts()):
                        raise AssertionError(f"{self.file}, step {item.step}: no such text: {item.quote!r}")
