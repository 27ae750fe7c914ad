"""`review-tui hooks uninstall CLIENT`: take the hooks out of its settings."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.hooks.common import client_argument, settings_file, show_settings, where_options
from review_tui.cli.settings import yes_option
from sessions.errors import UserError


@click.command("uninstall")
@client_argument
@where_options
@yes_option
def command(client: str, project: Path | None, user: bool, yes: bool) -> None:  # noqa: ARG001
    """Show the settings of CLIENT without the hooks, and write them with --yes. All else in them stays."""
    from sessions.adapters import claude_settings

    path = settings_file(project, user)
    now = claude_settings.load(path)
    if not claude_settings.our_commands(now):
        raise UserError(f"there are no hooks of review-tui in {path}.", "Look at --user, or at another --project.")
    left = claude_settings.without_hooks(now)
    show_settings(path, left)
    if not yes:
        output.note(f"Nothing was written. --yes writes it to {path}.")
        return
    backup = claude_settings.write(path, left)
    output.line(f"written to {path}. The file as it was: {backup}.")
