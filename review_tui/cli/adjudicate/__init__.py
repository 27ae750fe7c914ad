"""`review-tui adjudicate ...`: settling what reviewers differ on."""

from __future__ import annotations

import click

from review_tui.cli.lazy import LazyGroup
from review_tui.cli.settings import db_option

TABLE = {
    "list": ("review_tui.cli.adjudicate.list", "What is open by the settling rule, least agreed modes first."),
    "show": ("review_tui.cli.adjudicate.show", "A chunk's votes side by side: labels, evidence, time."),
    "settle": ("review_tui.cli.adjudicate.settle", "Settle modes of a chunk or run, with a reason."),
    "undo": ("review_tui.cli.adjudicate.undo", "Take your last adjudication on a run back."),
    "redo": ("review_tui.cli.adjudicate.redo", "Do what you last took back again."),
    "notes": ("review_tui.cli.adjudicate.notes", "Guideline notes that came of it, by failure mode."),
}


@click.group("adjudicate", cls=LazyGroup, table=TABLE)
@db_option
def command() -> None:
    """Adjudication: where reviewers differ, somebody settles what holds, mode by mode, with a reason. It is no vote;
    all votes stay."""
