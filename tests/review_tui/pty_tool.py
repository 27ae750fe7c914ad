"""The program in a real pseudo-terminal: keys go in as bytes, what comes out is kept raw and replayed by pyte."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import resource
import select
import signal
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyte

COMMAND = [sys.executable, "-m", "review_tui"]
PATIENCE_S = 15.0
ESCAPE_S = 0.25
#: Textual's own, for the shape of the mouse pointer; any other OSC comes from a run.
POINTER = re.compile(rb"\x1b\]22;[a-z-]+\x07")
#: Written on leaving, in any order: the main screen again, cursor shown, mouse and bracketed paste off.
RESTORED = [b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?1003l", b"\x1b[?1006l", b"\x1b[?2004l"]


class Terminal:
    """A process in a terminal of its own. raw: every byte that it wrote."""

    def __init__(self, *args: object, size: tuple[int, int] = (100, 30), env: dict[str, str] | None = None,
                 limit_kb: int | None = None) -> None:  # fmt: skip
        """limit_kb: no file may grow beyond this, as on a full disk."""
        self.raw = b""
        self._lock = threading.Lock()
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        argv = [*COMMAND, *map(os.fspath, map(_text, args))]
        # The slave stays open here: its settings can be read when the child is gone, too.
        self.master, self._slave = os.openpty()
        self._set_size(size)
        self.before = termios.tcgetattr(self._slave)
        self.code: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.master)
                os.login_tty(self._slave)
                if limit_kb is not None:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_kb * 1024, limit_kb * 1024))
                os.execve(argv[0], argv, {**environment(), **(env or {})})
            finally:
                os._exit(127)
        self._gone = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while not self._gone.is_set():
            try:
                if not select.select([self.master], [], [], 0.02)[0]:
                    continue
                data = os.read(self.master, 65536)
            except (OSError, ValueError):
                return
            if not data:
                return
            with self._lock:
                self.raw += data
                # pyte does not know some of what Textual asks a terminal; none of it draws.
                self._stream.feed(data.replace(b"\x1b[>1u", b"").replace(b"\x1b[<u", b""))

    # -- doing --------------------------------------------------------------------------------------------------

    def send(self, keys: str | bytes) -> None:
        os.write(self.master, keys.encode() if isinstance(keys, str) else keys)

    def escape(self) -> None:
        """Press Esc alone: a terminal program tells it from Alt by the pause behind it, so there has to be one."""
        self.send(b"\x1b")
        time.sleep(ESCAPE_S)

    def hang_up(self) -> None:
        """The window is closed: nobody holds the terminal any more."""
        self._gone.set()
        self._reader.join()
        os.close(self._slave)
        os.close(self.master)

    def resize(self, width: int, height: int) -> None:
        with self._lock:
            self.screen.resize(height, width)
        self._set_size((width, height))

    def _set_size(self, size: tuple[int, int]) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    @property
    def written(self) -> bytes:
        """Every byte that was written, without Textual's pointer shapes."""
        return POINTER.sub(b"", self.raw)

    # -- seeing -------------------------------------------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        with self._lock:
            return list(self.screen.display)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def until(self, wanted: str | Callable[[], object], seconds: float = PATIENCE_S) -> None:
        """Wait until a text is on the screen, or a condition holds."""
        met = (lambda: wanted in self.text) if isinstance(wanted, str) else wanted
        end = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < end, f"waited {seconds} s in vain for {wanted!r}:\n{self.text}"
            time.sleep(0.01)

    def wait(self, seconds: float = PATIENCE_S) -> int:
        """The exit code, or minus the signal."""
        end = time.monotonic() + seconds
        while self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
                break
            assert time.monotonic() < end, f"still running after {seconds} s:\n{self.text}"
            time.sleep(0.01)
        self._drain()
        return self.code

    def settle(self, quiet: float = 0.3) -> None:
        """Wait until nothing has been written for a moment."""
        seen = -1
        while seen != len(self.raw):
            seen = len(self.raw)
            time.sleep(quiet)

    def _drain(self) -> None:
        """Let the reader take what was still under way."""
        self.settle(0.03)

    def restored(self) -> bool:
        """Whether the terminal is as it was before."""
        return not self.left_on() and termios.tcgetattr(self._slave) == self.before

    def left_on(self) -> list[bytes]:
        """Modes that were switched and not switched back."""
        return [mode for mode in RESTORED if self.raw.rfind(mode) < self.raw.rfind(_other(mode))]

    def close(self) -> None:
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if not self._gone.is_set():
            self.hang_up()


def _other(mode: bytes) -> bytes:
    """The opposite of a mode's sequence."""
    return mode[:-1] + (b"l" if mode.endswith(b"h") else b"h")


def _text(value: object) -> Any:
    return value if isinstance(value, (str, bytes)) else str(value)


def environment() -> dict[str, str]:
    """A plain environment; HOME is nowhere, so that nothing of the user's is read."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "REVIEW_TUI_REVIEWER": "ann",
    }


@contextlib.contextmanager
def terminal(*args: object, **options: Any) -> Iterator[Terminal]:
    opened = Terminal(*args, **options)
    try:
        yield opened
    finally:
        opened.close()
