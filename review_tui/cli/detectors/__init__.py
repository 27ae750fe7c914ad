"""`review-tui detectors ...`: which there are, which are on, and how good they are."""

from __future__ import annotations

import click

from review_tui.cli.lazy import LazyGroup
from review_tui.cli.settings import codebook_option, db_option

TABLE = {
    "list": ("review_tui.cli.detectors.list", "Every failure mode with the detectors for it, and what was measured."),
    "enable": ("review_tui.cli.detectors.enable", "Switch a detector on for this database."),
    "disable": ("review_tui.cli.detectors.disable", "Switch a detector off for this database."),
    "score": ("review_tui.cli.detectors.score", "Measure detectors on blind decisions, or on a labelled corpus."),
    "calibrate": ("review_tui.cli.detectors.calibrate", "Learn probabilities from blind decisions."),
    "train": ("review_tui.cli.detectors.train", "Learn which steps to look at first; shown only if it is proven."),
}


@click.group("detectors", cls=LazyGroup, table=TABLE)
@codebook_option
@db_option
def command() -> None:
    """Detectors suggest failure modes, with evidence. They are on by default only where measurement speaks for them;
    docs/detectors.md says what was measured and how."""
