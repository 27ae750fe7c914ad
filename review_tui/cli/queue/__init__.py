"""`review-tui queue ...`: sets of runs that are reviewed under one rule."""

from __future__ import annotations

import click

from review_tui.cli.lazy import LazyGroup
from review_tui.cli.settings import db_option

TABLE = {
    "create": ("review_tui.cli.queue.create", "A new queue: runs, scope, order, reviewers per chunk, shares."),
    "list": ("review_tui.cli.queue.list", "The queues."),
    "next": ("review_tui.cli.queue.next", "Your next chunk, kept for you for a while."),
    "status": ("review_tui.cli.queue.status", "How far a queue has come, per reviewer, and agreement so far."),
}


@click.group("queue", cls=LazyGroup, table=TABLE)
@db_option
def command() -> None:
    """Queues: runs that everybody reviews in the same chunks, on a share of which suggestions are hidden until the
    first verdict. Only what is decided without having seen suggestions can tell how good they are."""
