"""The program as a command line for other processes, with the commands under test by their names."""

import sys

_START = (
    "from review_tui.cli.group import COMMANDS\n"
    "for name in ('run', 'follow', 'hook', 'hooks'):\n"
    "    COMMANDS.setdefault(name, ('review_tui.cli.' + name, name))\n"
    "from review_tui.cli import main\n"
    "main()\n"
)
PROGRAM = [sys.executable, "-c", _START]
