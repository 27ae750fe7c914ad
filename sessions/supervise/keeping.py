"""The supervisor's end of the keeper: starts it, tells it what to do, and hears what becomes of the command."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from sessions.errors import UserError
from sessions.supervise.tree import adopt_orphans, family

#: The longest that the keeper takes for anything, beside the patience it is told to have, in seconds.
ANSWER_S = 15.0


class KeeperGone(UserError):
    """The keeper was killed, and the command with it."""


class CannotStart(UserError):
    """The command cannot be started. code: what a shell would exit with."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Held(NamedTuple):
    """Processes as the keeper sees them. total: how many; moving: those that could not be stopped."""

    processes: list[dict[str, Any]]
    total: int
    moving: list[dict[str, Any]]


class Keeping:
    """A command in the hands of a keeper. pid: of the command, which leads a process group of that number."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], cwd: Path, *, foreground: bool) -> None:
        """Start it. foreground: it has the terminal. Raises CannotStart."""
        adopt_orphans()
        ours, theirs = socket.socketpair()
        with theirs:
            self._keeper = subprocess.Popen(
                [sys.executable, "-P", "-m", "sessions.supervise.keeper", str(theirs.fileno()), str(int(foreground)),
                 *command],
                env=env, cwd=cwd, pass_fds=[theirs.fileno()],
            )  # fmt: skip
        self._link, self._rest = ours, b""
        self.code: int | None = None
        self._stopped: int | None = None
        first = self._next(time.monotonic() + ANSWER_S)
        if "failed" in first:
            self.close()
            missing = first.get("errno") in (2, 20)
            raise CannotStart(f"cannot start {command[0]!r}: {first['failed']}.", 127 if missing else 126)
        self.pid: int = first["started"]

    def fileno(self) -> int:
        """For `select`: there is something to `hear`."""
        return self._link.fileno()

    # -- telling ----------------------------------------------------------------------------------------------------

    def freeze(self) -> Held:
        """Stop everything that descends from the command. Raises KeeperGone, like all of these."""
        return self._do("freeze")

    def thaw(self) -> Held:
        return self._do("thaw")

    def list(self) -> Held:
        return self._do("list")

    def end(self, patience: float) -> Held:
        """Ask everything to end; kill what is left after so many seconds. What is still there then cannot be killed."""
        return self._do("end", patience=patience)

    def kill(self) -> Held:
        return self._do("kill")

    def _do(self, what: str, **more: Any) -> Held:
        try:
            self._link.sendall(json.dumps({"do": what, **more}).encode() + b"\n")
        except OSError:
            raise self._gone() from None
        end = time.monotonic() + ANSWER_S + more.get("patience", 0.0)
        while True:
            said = self._next(end)
            if said.get("answer") == what:
                return Held(said["processes"], said["count"], said["moving"])

    # -- hearing ----------------------------------------------------------------------------------------------------

    def hear(self) -> None:
        """Take what was told without being asked, if anything: `code` is set when the command has ended."""
        with suppress(BlockingIOError):
            self._link.setblocking(False)
            try:
                while data := self._link.recv(65536):
                    self._rest += data
                raise self._gone()
            finally:
                self._link.setblocking(True)
        while b"\n" in self._rest:
            self._note(self._pop())

    def take_stopped(self) -> int | None:
        """The signal by which somebody else has stopped the command (Ctrl+Z), once."""
        stopped, self._stopped = self._stopped, None
        return stopped

    def _next(self, end: float) -> dict[str, Any]:
        """The next thing said, waited for."""
        while b"\n" not in self._rest:
            self._link.settimeout(max(0.01, end - time.monotonic()))
            try:
                data = self._link.recv(65536)
            except TimeoutError:
                raise KeeperGone("the process that holds the command does not answer.") from None
            except OSError:
                data = b""
            finally:
                self._link.settimeout(None)
            if not data:
                raise self._gone()
            self._rest += data
        said = self._pop()
        self._note(said)
        return said

    def _pop(self) -> dict[str, Any]:
        line, _, self._rest = self._rest.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        return said

    def _note(self, said: dict[str, Any]) -> None:
        if "exited" in said:
            self.code = int(said["exited"])
        elif "stopped" in said:
            self._stopped = int(said["stopped"])

    # -- the end ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Let the keeper go: it ends whatever is left of the command."""
        self._link.close()
        with suppress(subprocess.TimeoutExpired):
            self._keeper.wait(ANSWER_S)

    def _gone(self) -> KeeperGone:
        """The keeper was killed: end what it has left to us."""
        end = time.monotonic() + ANSWER_S
        self._keeper.poll()
        while left := [member for member in family(os.getpid()) if member.state not in "ZX"]:
            for member in left:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(member.pid, signal.SIGKILL)
            if time.monotonic() > end:
                break
            time.sleep(0.005)
        return KeeperGone("the process that holds the command was killed; the command was ended.")
