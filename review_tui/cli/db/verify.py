"""`review-tui db verify`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.settings import db_option, json_option, settings


@click.command("verify")
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> int:
    """Check the file with SQLite's own means, and that no recorded event was changed, removed or slipped in."""
    from labels import events
    from sessions.maintenance import integrity

    store = settings(ctx).store(ctx)
    damage = integrity(store)
    chains = events.verify(store) if not damage else []
    wrong = [*damage, *chains]
    number = sum(1 for _ in events.everything(store)) if not damage else None
    if as_json:
        output.emit("db-verify", {"ok": not wrong, "events": number, "file": damage, "log": chains})
    elif not wrong:
        output.line(f"{store.path} is sound: {output.count(number or 0, 'event')}, all as they were written.")
    for text in wrong:
        output.note(f"review-tui: {text}")
    if damage:
        output.note("review-tui: the file is damaged. Put a backup in its place (`review-tui db backup` makes them).")
    return FAILED if wrong else DONE
