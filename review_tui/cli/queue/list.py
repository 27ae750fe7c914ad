"""`review-tui queue list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.settings import db_option, json_option, settings

if TYPE_CHECKING:
    from labels.queues import Queue


@click.command("list")
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the queues."""
    from labels import queues

    found = queues.queues(settings(ctx).store(ctx))
    if as_json:
        output.emit("queue-list", {"queues": [queue_json(item) for item in found]})
        return
    if not found:
        output.note("there is no queue yet: `review-tui queue create NAME RUN...` makes one.")
        return
    rows = [("queue", "runs", "chunks by", "blind")]
    rows += [(item.name, f"{item.runs:,}", item.policy, f"{item.blind_share:.0%}") for item in found]
    output.table(rows, right=frozenset({1, 3}))


def queue_json(item: Queue) -> dict[str, Any]:
    """A queue as JSON values."""
    return {
        "id": item.id, "name": item.name, "policy": item.policy, "blind_share": item.blind_share, "runs": item.runs,
        "created_at": item.at,
    }  # fmt: skip
