"""`review-tui hooks ...`: an agent's own hooks lead its calls to gates."""

from __future__ import annotations

import click

from review_tui.cli.lazy import LazyGroup
from review_tui.cli.settings import db_option

TABLE = {
    "install": ("review_tui.cli.hooks.install", "Put the hooks into a client's settings, after showing them."),
    "uninstall": ("review_tui.cli.hooks.uninstall", "Take the hooks out again."),
    "check": ("review_tui.cli.hooks.check", "Try the installed hooks: do they answer, and do they block?"),
}


@click.group("hooks", cls=LazyGroup, table=TABLE)
@db_option
def command() -> None:
    """Hooks of a client (claude-code): its calls are held at gates, without a change of the agent."""
