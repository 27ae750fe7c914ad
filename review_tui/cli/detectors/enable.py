"""`review-tui detectors enable ID...`."""

from __future__ import annotations

import click

from review_tui.cli.detectors.switching import switch
from review_tui.cli.settings import WORDS, db_option, json_option


@click.command("enable")
@click.argument("names", nargs=-1, required=True, type=WORDS, metavar="ID...")
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Switch each detector ID on, for everybody who uses this database."""
    switch(ctx, names, True, as_json)
