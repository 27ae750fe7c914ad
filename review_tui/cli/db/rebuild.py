"""`review-tui db rebuild`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.settings import db_option, json_option, settings


@click.command("rebuild")
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Derive what is currently decided anew from the log of events. Nothing is lost: it gives the same again, unless
    the derived tables were changed by other means."""
    from labels import adjudication
    from labels.insights.reading import cache
    from labels.ledger import rebuild

    store = settings(ctx).store(ctx)
    number = rebuild(store)
    adjudication.rebuild(store)
    cache.forget(store)
    if as_json:
        output.emit("db-rebuild", {"decisions": number})
    else:
        output.line(f"derived {output.count(number, 'decision')} from the log.")
