"""The keeper: a small process between the supervisor and the command, so that neither is ever without the other.

It starts the command, sees everything that the command starts (orphans become the keeper's children), stops and
continues all of it when told to, and reports its end. If the supervisor dies, the other end of their link closes, and
the keeper kills everything: an agent must not go on unreviewed, and nothing must stay frozen for ever. If the keeper is
killed, the system kills the command with it, and the supervisor the rest.

Run as `python -P -m sessions.supervise.keeper LINK FOREGROUND COMMAND...`, where LINK is the number of an open socket;
FOREGROUND is 1 if the command is to have the terminal. One JSON object a line goes each way: {"do": "freeze"}, "thaw",
"list", "end" (with "patience", seconds) or "kill"; the answers; and `started`, `failed`, `stopped`, `exited` by itself.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sessions.supervise.tree import Member, adopt_orphans, command_of, die_with_parent, family

#: How long stopping everything may take, and killing everything, in seconds.
FREEZE_S, KILL_S = 2.0, 5.0
#: Processes that are told about by name.
MOST_TOLD = 50
_IGNORED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
)


class Keeper:
    """Holds one command and all that descends from it."""

    def __init__(self, link: socket.socket, child: int) -> None:
        self._link, self._child = link, child
        self._code: int | None = None
        #: Processes that were stopped here, and so are continued here: (number, start).
        self._held: set[tuple[int, str]] = set()
        self._frozen = False

    # -- the loop ---------------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Do as told until the link closes; then end everything."""
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self._reap()
        rest = b""
        while True:
            waited: list[Any] = [self._link, woken]
            ready, _, _ = select.select(waited, [], [])
            if woken in ready:
                with suppress(BlockingIOError):
                    os.read(woken, 4096)
                self._reap()
            if self._link in ready:
                data = self._receive()
                if not data:
                    self.kill()
                    return
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))

    def _receive(self) -> bytes:
        try:
            return self._link.recv(65536)
        except OSError:
            return b""

    def _obey(self, told: dict[str, Any]) -> None:
        deeds: dict[str, Callable[[], None]] = {
            "freeze": self.freeze,
            "thaw": self.thaw,
            "list": lambda: None,
            "end": lambda: self.end(told.get("patience", 0.0)),
            "kill": self.kill,
        }
        deeds[told["do"]]()
        members = [member for member in family(os.getpid()) if member.state not in "ZX"]
        self.tell(
            answer=told["do"],
            processes=[_about(member) for member in members[:MOST_TOLD]],
            count=len(members),
            moving=[_about(member) for member in members if not member.still][:MOST_TOLD],
        )

    def tell(self, **values: Any) -> None:
        with suppress(OSError):  # the supervisor is gone: the next look at the link shows it
            self._link.sendall(json.dumps(values).encode() + b"\n")

    def _reap(self) -> None:
        """Take note of children that have ended, or were stopped by somebody else."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid != self._child:
                continue
            if os.WIFSTOPPED(status):
                if not self._frozen:
                    self.tell(stopped=os.WSTOPSIG(status))
            else:
                self._code = os.waitstatus_to_exitcode(status)
                self.tell(exited=self._code)

    # -- what it can do ---------------------------------------------------------------------------------------------

    def freeze(self) -> None:
        """Stop everything, and look again until a whole look finds nothing that moves: a process that is stopped
        starts no other. What waits for a device stops when it is through, and is told of as moving until then."""
        self._frozen = True
        end = time.monotonic() + FREEZE_S
        while moving := [member for member in family(os.getpid()) if not member.still]:
            for member in moving:
                if _send(member, signal.SIGSTOP):
                    self._held.add((member.pid, member.started))
            if time.monotonic() > end:
                return
            time.sleep(0.001)

    def thaw(self) -> None:
        """Continue what was stopped here; what had been stopped before stays so."""
        held, self._held, self._frozen = self._held, set(), False
        for member in reversed(family(os.getpid())):
            if (member.pid, member.started) in held:
                _send(member, signal.SIGCONT)

    def end(self, patience: float) -> None:
        """Ask everything to end, and kill what has not after so many seconds."""
        for member in family(os.getpid()):
            _send(member, signal.SIGTERM)
        self._held, self._frozen = set(), False
        for member in family(os.getpid()):
            _send(member, signal.SIGCONT)  # what is stopped hears nothing
        end = time.monotonic() + patience
        while time.monotonic() < end and self._anybody():
            time.sleep(0.005)
        self.kill()

    def kill(self) -> None:
        """Kill everything, at once: what is stopped does not run again before it dies."""
        end = time.monotonic() + KILL_S
        while time.monotonic() < end and self._anybody():
            for member in family(os.getpid()):
                _send(member, signal.SIGKILL)
            time.sleep(0.002)
        self._held, self._frozen = set(), False

    def _anybody(self) -> bool:
        self._reap()
        return any(member.state not in "ZX" for member in family(os.getpid()))


def _send(member: Member, number: int) -> bool:
    try:
        os.kill(member.pid, number)
    except (ProcessLookupError, PermissionError):  # gone, or of another user (sudo): told of as moving
        return False
    return True


def _about(member: Member) -> dict[str, Any]:
    return {"pid": member.pid, "name": member.name, "command": command_of(member), "state": member.state}


# -- starting -----------------------------------------------------------------------------------------------------


def _start(command: list[str], foreground: bool, deaf: list[signal.Signals]) -> subprocess.Popen[bytes]:
    """Start the command in a process group of its own. deaf: signals that were ignored before we began."""

    def prepare() -> None:
        if foreground:
            with suppress(OSError):
                os.tcsetpgrp(0, os.getpgrp())
        for number in _IGNORED:
            if number not in deaf:
                signal.signal(number, signal.SIG_DFL)
        die_with_parent(signal.SIGKILL)
        if os.getppid() != keeper:
            os._exit(1)

    keeper = os.getpid()
    return subprocess.Popen(command, process_group=0, preexec_fn=prepare)


def main() -> int:
    link = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(link.fileno(), False)
    deaf = [number for number in _IGNORED if signal.getsignal(number) is signal.SIG_IGN]
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    os.setpgid(0, 0)  # who kills the supervisor's group does not kill the keeper with it
    adopt_orphans()
    try:
        child = _start(sys.argv[3:], sys.argv[2] == "1", deaf)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        told = {"failed": str(getattr(error, "strerror", None) or error), "errno": getattr(error, "errno", None)}
        link.sendall(json.dumps(told).encode() + b"\n")
        return 1
    keeper = Keeper(link, child.pid)  # who waits for it, as for all that it leaves behind
    keeper.tell(started=child.pid)
    keeper.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
