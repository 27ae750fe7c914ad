"""`review-tui codes ...`: open coding."""

from __future__ import annotations

import click

from review_tui.cli.lazy import LazyGroup
from review_tui.cli.settings import db_option

TABLE = {
    "notes": ("review_tui.cli.codes.notes", "The notes that reviewers wrote, those without a code first."),
    "list": ("review_tui.cli.codes.list", "The codes, with how many notes and runs have each."),
    "assign": ("review_tui.cli.codes.assign", "Give notes a code (made if there is none of that name)."),
    "unassign": ("review_tui.cli.codes.unassign", "Take a code from notes."),
    "rename": ("review_tui.cli.codes.rename", "Call a code otherwise; its old name stays known."),
    "merge": ("review_tui.cli.codes.merge", "Make codes part of another one."),
    "split": ("review_tui.cli.codes.split", "Let some notes of a code have a new code instead."),
    "similar": ("review_tui.cli.codes.similar", "Near-duplicates: codes, and notes that may want a code."),
    "promote": ("review_tui.cli.codes.promote", "Make a code a failure mode of your own codebook."),
    "saturation": ("review_tui.cli.codes.saturation", "Whether new runs still bring new codes."),
    "history": ("review_tui.cli.codes.history", "What became of the codes, act by act."),
    "undo": ("review_tui.cli.codes.undo", "Take your last act on codes back."),
    "redo": ("review_tui.cli.codes.redo", "Do what you last took back again."),
}


@click.group("codes", cls=LazyGroup, table=TABLE)
@db_option
def command() -> None:
    """Open coding: free notes get short names (codes), and codes that hold become failure modes of your own codebook.

    A note is what a reviewer wrote on a label or on a chunk. In a queue, others' notes on a chunk are not shown until
    you have decided on it.
    """
