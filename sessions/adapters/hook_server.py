"""Has everything loaded that looks at a call, and answers hooks: `python -P -m sessions.adapters.hook_server SOCKET`.

Each event is answered by a copy of this process (fork), which waits at a gate as long as need be; so nothing is shared
between events but what was loaded. A copy ends when its hook is gone. The server ends when nobody has asked for a
while, or when its own code has changed since: the next hook starts another.

It can be asked by processes of the same user only, which is no more than these can do without it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from sessions.adapters.hook_client import is_ours, receive, send

#: The server ends when nobody has asked for so long, in seconds.
IDLE_S = 900.0
_ACCEPT_S = 5.0


def load() -> None:
    """Everything that answering an event needs."""
    from sessions.live import checking

    import_module("sessions.adapters.claude_hook")
    import_module("sessions.adapters.claude_code")
    import_module("sessions.workspace.snapshots")
    for target in checking.points().values():
        with suppress(Exception):  # a check that cannot be loaded holds: whoever asks it says so
            import_module(target.partition(":")[0])


class Server:
    """Listens on a socket until it is no longer of use."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._files = _own_files()
        self._times = _times(self._files)
        self._asked = time.monotonic()
        self._children: set[int] = set()

    def serve(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            with suppress(FileNotFoundError):
                os.unlink(self._path)
            listener.bind(self._path)
            os.chmod(self._path, 0o600)
            listener.listen(64)
            listener.settimeout(_ACCEPT_S)
            try:
                while self._goes_on():
                    with suppress(TimeoutError):
                        link, _ = listener.accept()
                        with link:
                            self._take(listener, link)
            finally:
                with suppress(OSError):
                    os.unlink(self._path)

    def _goes_on(self) -> bool:
        self._reap()
        return bool(self._children) or time.monotonic() - self._asked < IDLE_S

    def _take(self, listener: socket.socket, link: socket.socket) -> None:
        self._asked = time.monotonic()
        if not is_ours(link):
            return
        if self._times != _times(self._files):
            raise SystemExit(0)  # the hook answers for itself, and starts another server
        child = os.fork()
        if child:
            self._children.add(child)
            return
        try:
            listener.close()
            _answer(link)
        finally:
            os._exit(0)

    def _reap(self) -> None:
        while self._children:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._children.clear()
                return
            if not pid:
                return
            self._children.discard(pid)


def _answer(link: socket.socket) -> None:
    """In the copy: one event, from the request to the answer."""
    from sessions.adapters.claude_hook import Asked, call

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    link.settimeout(_ACCEPT_S)
    request: dict[str, Any] | None = receive(link)
    if request is None:
        return
    send(link, {"hello": True})
    os.environ.clear()
    os.environ.update(request["env"])
    with suppress(OSError):
        os.chdir(request["cwd"])
    timeout = request.get("timeout_s")
    asked = Asked(
        request["event"].encode("latin-1"), request["db"], request.get("chunks", ""),
        float(timeout) if timeout is not None else None, request.get("on_rollback", "tell"),
    )  # fmt: skip
    link.setblocking(False)
    printed = call(asked, os.environ, _gone(link))
    link.setblocking(True)
    text = "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in printed.err)
    send(link, {"code": printed.code, "out": printed.out.decode(), "err": f"{text}\n" if text else ""})


def _gone(link: socket.socket) -> Callable[[], bool]:
    """Whether the hook that asked is there no more: it says nothing until it is answered."""

    def gone() -> bool:
        try:
            return not link.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    return gone


def _own_files() -> list[str]:
    """The files of our packages that are loaded: what runs must be what stands there."""
    packages = ("sessions", "labels", "review_tui")
    loaded = [module for name, module in sys.modules.items() if name.partition(".")[0] in packages]
    return [file for module in loaded if (file := getattr(module, "__file__", None))]


def _times(files: list[str]) -> list[int]:
    """When each was written last; 0 for one that is gone."""
    found = []
    for file in files:
        try:
            found.append(os.stat(file).st_mtime_ns)
        except OSError:
            found.append(0)
    return found


def main() -> int:
    path = sys.argv[1]
    with open(os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600), "rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return 0  # another serves already
        load()
        with suppress(OSError):  # the folder is gone
            Server(str(Path(path))).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
