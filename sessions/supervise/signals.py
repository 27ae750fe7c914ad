"""Signals that ask the supervisor to end: noted, and waking whoever waits, but handled by the loop."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Signals:
    """number: of the first signal that came, None while none has. What was ignored (nohup) stays ignored."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        self._before: dict[int, Any] = {}
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)

    def _note(self, number: int, _frame: Any) -> None:
        self.number = self.number or number
        with suppress(OSError):
            os.write(self._wake, b"!")

    def fileno(self) -> int:
        """For `select`: a signal has come."""
        return self._woken

    def suspend(self) -> None:
        """Stop this process, as Ctrl+Z does; returns when somebody continues it."""
        os.kill(os.getpid(), signal.SIGSTOP)

    def close(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._woken)
        os.close(self._wake)
