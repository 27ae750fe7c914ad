"""Who has the terminal. While the command runs it is the command's, as if a shell had started it: keys go to it, Ctrl+C
too. While it is held, the terminal is the supervisor's, so that Ctrl+C reaches somebody who can hear it."""

from __future__ import annotations

import os
import signal
import termios
from contextlib import suppress
from typing import Any


class Terminal:
    """The terminal on standard input, if there is one and it is ours to give away. present: whether it is."""

    def __init__(self) -> None:
        self.present = False
        with suppress(OSError):
            self.present = os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
        self._ours: list[Any] | None = None
        self._theirs: list[Any] | None = None
        if self.present:
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # or giving it away from the background would stop us
            self._ours = _modes()

    def give(self, group: int) -> None:
        """To the command's process group, in the modes that it had set; full-screen programs are told to paint anew."""
        if not self.present:
            return
        with suppress(OSError, termios.error):
            if self._theirs is not None:
                termios.tcsetattr(0, termios.TCSADRAIN, self._theirs)
            os.tcsetpgrp(0, group)
        if self._theirs is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGWINCH)

    def take(self) -> None:
        """Back to us, in the modes that we found."""
        if not self.present:
            return
        self._theirs = _modes()
        with suppress(OSError, termios.error):
            os.tcsetpgrp(0, os.getpgrp())
            if self._ours is not None:
                termios.tcsetattr(0, termios.TCSADRAIN, self._ours)


def _modes() -> list[Any] | None:
    try:
        return termios.tcgetattr(0)
    except (OSError, termios.error):
        return None
