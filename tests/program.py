"""The program as a command line for other processes, with the commands under test by their names."""

import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path

_START = (
    "from review_tui.cli.group import COMMANDS\n"
    "for name in ('run', 'follow', 'hook', 'hooks'):\n"
    "    COMMANDS.setdefault(name, ('review_tui.cli.' + name, name))\n"
    "from review_tui.cli import main\n"
    "main()\n"
)
PROGRAM = [sys.executable, "-c", _START]


def server_of(path: Path) -> int | None:
    """The process that listens on a socket; None if there is none."""
    with socket.socket(socket.AF_UNIX) as link:
        if link.connect_ex(str(path)):
            return None
        pid: int = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        return pid


def stop_servers(runtime: Path) -> None:
    """End the servers of hooks whose runtime folder this is."""
    for path in runtime.glob("review-tui/*.sock"):
        end = time.monotonic() + 10
        while (pid := server_of(path)) is not None and time.monotonic() < end:
            os.kill(pid, signal.SIGTERM)
            time.sleep(0.02)
