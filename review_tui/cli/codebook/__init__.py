"""`review-tui codebook ...`: failure modes and the books they stand in."""

from __future__ import annotations

import click

from review_tui.cli.lazy import LazyGroup
from review_tui.cli.settings import codebook_option, db_option

TABLE = {
    "list": ("review_tui.cli.codebook.list", "The codebooks in use."),
    "show": ("review_tui.cli.codebook.show", "A codebook's modes, or one mode whole."),
    "check": ("review_tui.cli.codebook.check", "Whether a codebook can be used, and what it could do better."),
    "affected": ("review_tui.cli.codebook.affected", "Labels that a changed codebook touches."),
}


@click.group("codebook", cls=LazyGroup, table=TABLE)
@codebook_option
@db_option
def command() -> None:
    """Codebooks: lists of failure modes with what tells them apart. MAST comes with the program; your own are TOML
    files (--codebook, $REVIEW_TUI_CODEBOOKS, or the folder that `codebook list` names)."""
