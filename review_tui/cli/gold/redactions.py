"""`review-tui gold redactions`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.gold.common import queue_option, queued_of
from review_tui.cli.settings import PATH, db_option, json_option, settings


@click.command("redactions")
@click.option("--write", "target", type=PATH, metavar="FILE", help="Write the list there, to decide on each value.")
@click.option("--reviewed", type=PATH, metavar="FILE", help="A list that was gone through before.")
@queue_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, target: Path | None, reviewed: Path | None, queue: str | None, as_json: bool) -> None:
    """List every secret and every piece of personal data that a release would hide, each value once.

    In the written list, put "hide" or "keep" (a false alarm) under "decision" on each line, and hand it to `gold
    release --reviewed FILE`. It holds the values themselves: keep it to yourself.
    """
    from labels.gold.hiding import Review
    from labels.gold.hits import hits, write

    store = settings(ctx).store(ctx)
    found = hits(store, Review.read(reviewed) if reviewed else Review(), queued_of(store, queue))
    if target is not None:
        write(target, found)
    if as_json:
        rows = [
            {"kind": item.kind, "value": item.value, "places": item.places, "run": item.run, "decision": item.decision}
            for item in found
        ]
        output.emit("gold-redactions", {"written": str(target) if target else None, "hits": rows})
        return
    if not found:
        output.note("nothing that would be released looks like a secret or personal data.")
    elif target is not None:
        output.note(
            f"{output.count(len(found), 'value')} in {target}: decide on each, then release --reviewed {target}."
        )
    else:
        table = [("kind", "places", "decision", "value")]
        table += [(item.kind, f"{item.places:,}", item.decision or "open", _short(item.value)) for item in found]
        output.table(table, right=frozenset({1}))


def _short(value: str) -> str:
    flat = " ".join(value.split())
    return flat if len(flat) <= 60 else flat[:57] + "..."
