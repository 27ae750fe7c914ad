"""A program in a pseudo-terminal, measured from outside: keys go in, and each piece of output is stamped as it arrives.

Bytes are only collected while the clock runs; pyte, which is slow, replays them afterwards with their arrival times.
The driver answers the query for synchronized output (mode 2026), so that the end of a frame is exact: "paint" is the
time from writing a key to the last byte of the last frame before the program falls silent. What the terminal emulator
and the network add is not in it.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil
import pyte

FRAME_END = b"\x1b[?2026l"
QUIET_S = 0.03
KEYS = {
    "up": "\x1b[A",
    "down": "\x1b[B",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "enter": "\r",
    "tab": "\t",
    "escape": "\x1b",
    "space": " ",
    "backspace": "\x7f",
    **{f"ctrl+{letter}": chr(ord(letter) - 96) for letter in "abcdefghijklmnopqrstuvwxyz"},
}
#: What pyte 0.8 would print or misread: private CSI, mode queries, OSC/DCS/APC strings.
_FOREIGN = re.compile(
    rb"\x1b\[[<=>][0-9;:]*[ -/]*[@-~]|\x1b\[\?[0-9;]*\$p|\x1b[\]P_^X].*?(?:\x07|\x1b\\)",
    re.DOTALL,
)
_CUT = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[\]P_^X][^\x07\x1b]*)?$")


class TimedOut(Exception):
    """The program did not show what was waited for; the message has its screen."""


@dataclass(frozen=True, slots=True)
class Paint:
    """The answer to one key, in seconds since it was written. last: end of the last frame, or when the text waited for
    was there. frames: synchronized frames, 0 if the program has none. shown: end of the first frame."""

    first: float
    last: float
    size: int
    frames: int
    shown: float = 0.0


class Terminal:
    """Context manager: the program runs inside, and is killed at the end if it has not gone by itself."""

    def __init__(
        self,
        argv: Sequence[str],
        cols: int = 120,
        rows: int = 40,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> None:
        self.argv, self.cols, self.rows, self.cwd = [str(item) for item in argv], cols, rows, cwd
        self.env = {
            **{name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")},
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            **(env or {}),
        }
        self.screen = pyte.Screen(cols, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._arrived: list[tuple[float, bytes]] = []
        self._rest = b""
        self.exit_code: int | None = None

    def __enter__(self) -> Terminal:
        size = struct.pack("HHHH", self.rows, self.cols, 0, 0)
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                if self.cwd:
                    os.chdir(self.cwd)
                fcntl.ioctl(0, termios.TIOCSWINSZ, size)
                os.execvpe(self.argv[0], self.argv, self.env)
            finally:
                os._exit(127)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, size)
        os.set_blocking(self.fd, False)
        self.process = psutil.Process(self.pid)
        return self

    def __exit__(self, *exc: object) -> None:
        if not self._reaped():
            self._signal(signal.SIGTERM, 2.0)
        if not self._reaped():
            self.kill()
        os.close(self.fd)

    def kill(self) -> None:
        """End the program as a power cut would: at once, without a word to it."""
        self._signal(signal.SIGKILL, 5.0)

    def _signal(self, number: int, patience: float) -> None:
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return
        end = time.perf_counter() + patience
        while not self._reaped() and time.perf_counter() < end:
            self._read(0.01)

    def _reaped(self) -> bool:
        if self.exit_code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
        return self.exit_code is not None

    # -- bytes --------------------------------------------------------------------------------------------------

    def send(self, key: str) -> float:
        """Write a key (a name of KEYS, or its text) and say when."""
        at = time.perf_counter()
        os.write(self.fd, KEYS.get(key, key).encode())
        return at

    def _read(self, timeout: float) -> tuple[float, bytes] | None:
        ready, _, _ = select.select([self.fd], [], [], timeout)
        if not ready:
            return None
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:
            return None
        if not data:
            return None
        arrival = (time.perf_counter(), data)
        for query, answer in (
            (b"\x1b[6n", b"\x1b[1;1R"),
            (b"\x1b[c", b"\x1b[?62;22c"),
            (b"?2026$p", b"\x1b[?2026;2$y"),
        ):
            if query in data:
                os.write(self.fd, answer)
        self._arrived.append(arrival)
        return arrival

    def drain(self, quiet: float = QUIET_S, timeout: float = 30.0) -> int:
        """Take output until there was none for `quiet` seconds; the number of bytes."""
        end, size = time.perf_counter() + timeout, 0
        while (arrival := self._read(quiet)) and time.perf_counter() < end:
            size += len(arrival[1])
        return size

    def take_for(self, seconds: float) -> int:
        """Take output for so long, whatever comes; the number of bytes."""
        end, size = time.perf_counter() + seconds, 0
        while (left := end - time.perf_counter()) > 0:
            if arrival := self._read(left):
                size += len(arrival[1])
        return size

    # -- the screen ---------------------------------------------------------------------------------------------

    def _replay_one(self) -> float:
        at, data = self._arrived.pop(0)
        data = _FOREIGN.sub(b"", self._rest + data)
        self._rest = b""
        if cut := _CUT.search(data):
            data, self._rest = data[: cut.start()], data[cut.start() :]
        self._stream.feed(data)
        return at

    def text(self) -> str:
        """The screen as it is now."""
        while self._arrived:
            self._replay_one()
        return "\n".join(line.rstrip() for line in self.screen.display)

    def _first_shown(self, wanted: list[re.Pattern[str]]) -> float | None:
        """When all patterns were first on the screen, among what has arrived and was not replayed yet."""
        while self._arrived:
            at = self._replay_one()
            shown = "\n".join(self.screen.display)
            if all(pattern.search(shown) for pattern in wanted):
                return at
        return None

    def wait_for(self, *patterns: str, timeout: float = 60.0, since: float | None = None) -> float:
        """Seconds from `since` (default: the start of the program) until all patterns were on the screen."""
        wanted = [re.compile(pattern) for pattern in patterns]
        begin = self.started if since is None else since
        end = time.perf_counter() + timeout
        while True:
            self.drain(0.06, timeout=2.0)
            found = self._first_shown(wanted)
            if found is not None:
                return found - begin
            if time.perf_counter() > end or self._reaped():
                raise TimedOut(f"no {patterns!r} after {time.perf_counter() - begin:.1f} s; screen:\n{self.text()}")

    def press(self, key: str, quiet: float = QUIET_S, timeout: float = 20.0) -> Paint:
        """One key and the repaint that it causes."""
        start = self.send(key)
        first = last = shown = 0.0
        size = frames = 0
        wait = timeout
        while arrival := self._read(wait):
            at, data = arrival
            first = first or at
            size += len(data)
            ends = data.count(FRAME_END)
            frames += ends
            if ends or not frames:
                last = at
            if ends and not shown:
                shown = at
            wait = quiet
        if not first:
            raise TimedOut(f"no repaint for {key!r}; screen:\n{self.text()}")
        return Paint(first - start, last - start, size, frames, (shown or last) - start)

    def press_until(self, key: str, *patterns: str, timeout: float = 20.0) -> float:
        """Press a key; seconds until all patterns are on the screen that were not all there before."""
        self.text()
        start = self.send(key)
        return self.wait_for(*patterns, timeout=timeout, since=start)

    # -- what it costs ------------------------------------------------------------------------------------------

    def children(self) -> int:
        """How many processes the program has started that still run."""
        return len(self.process.children(recursive=True))

    def rss_mb(self) -> float:
        """Resident memory of the program and its children."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(process.memory_info().rss for process in family) / 1e6

    def cpu_s(self) -> float:
        """Processor seconds used so far."""
        used = self.process.cpu_times()
        return float(used.user + used.system)
