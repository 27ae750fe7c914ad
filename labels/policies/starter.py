"""Runs one command for so many seconds at most: `python starter.py SECONDS PROGRAM [ARGUMENT]...`.

A program of its own, so that the command is ended also when who started it is gone by then. Imports nothing of ours.
"""

import os
import signal
import subprocess
import sys


def main() -> None:
    """Hand the standard input on, wait, and end the command with all that it has started."""
    try:
        child = subprocess.Popen(
            sys.argv[2:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except (OSError, ValueError):
        return
    try:
        child.wait(timeout=float(sys.argv[1]))
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


if __name__ == "__main__":
    main()
