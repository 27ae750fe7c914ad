"""`review-tui gold ...`: what is settled, and releases of it."""

from __future__ import annotations

import click

from review_tui.cli.lazy import LazyGroup
from review_tui.cli.settings import db_option

TABLE = {
    "status": ("review_tui.cli.gold.status", "What is settled by a rule, what is open and why."),
    "redactions": ("review_tui.cli.gold.redactions", "Secrets and personal data that a release would hide."),
    "release": ("review_tui.cli.gold.release", "Write an immutable release: runs, votes, gold, card, hashes."),
    "verify": ("review_tui.cli.gold.verify", "Prove a release: hashes, places, and the settling done again."),
    "diff": ("review_tui.cli.gold.diff", "What changed from one release to another."),
    "export": ("review_tui.cli.gold.export", "A release in the shape of another tool."),
}


@click.group("gold", cls=LazyGroup, table=TABLE)
@db_option
def command() -> None:
    """Gold: votes settled by a rule that is written down, and releases that other tools load unchanged."""
