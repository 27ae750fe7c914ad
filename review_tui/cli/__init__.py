"""The command line. Each command is a file of its own in this folder; `group.COMMANDS` lists them.

Nothing heavy is imported here: `--version` must answer before anyone could wait for it.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of the program `review-tui`. Ends the process with the exit code."""
    if sys.argv[1:] == ["--version"]:
        from review_tui.cli.version import version_line

        sys.stdout.write(f"{version_line()}\n")
        return
    from review_tui.cli.group import cli

    cli.main(prog_name="review-tui")
