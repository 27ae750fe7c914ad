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
    rows = [("queue", "runs", "items", "scope", "chunks by", "order", "reviewers", "blind")]
    rows += [
        (item.name, f"{item.runs:,}", f"{item.items:,}", item.scope, item.policy, item.order, f"{item.reviewers}",
         f"{item.blind_share:.0%}")
        for item in found
    ]  # fmt: skip
    output.table(rows, right=frozenset({1, 2, 6, 7}))


def queue_json(item: Queue) -> dict[str, Any]:
    """A queue as JSON values."""
    return {
        "id": item.id, "name": item.name, "policy": item.policy, "blind_share": item.blind_share, "runs": item.runs,
        "items": item.items, "scope": item.scope, "reviewers": item.reviewers, "order": item.order,
        "repeat_share": item.repeat_share, "gold_from": item.gold_from or None,
        "codebooks": [{"id": ref.id, "version": ref.version, "sha256": ref.sha256} for ref in item.codebooks],
        "created_at": item.at,
    }  # fmt: skip
