"""`review-tui queue status NAME`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.queue.list import queue_json
from review_tui.cli.settings import WORDS, codebook_option, db_option, json_option, settings

if TYPE_CHECKING:
    from labels.queue_status import Status


@click.command("status")
@click.argument("name", type=WORDS)
@codebook_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, name: str, as_json: bool) -> None:
    """Print how far the queue NAME has come, who has done how much, and how far they agree so far."""
    from labels import queues
    from labels.queue_status import status

    given = settings(ctx)
    store = given.store(ctx)
    found = status(store, queues.by_name(store, name), given.load_codebooks())
    if as_json:
        output.emit("queue-status", _json(found))
    else:
        _print(found)


def _json(found: Status) -> dict[str, Any]:
    return {
        "queue": queue_json(found.queue), "items": found.items, "finished": found.finished, "begun": found.begun,
        "reviewers": [
            {
                "reviewer": item.reviewer, "done": item.done, "repeats": item.repeats, "gold": item.gold,
                "gold_right": item.gold_right, "holds": None if item.holds is None else item.holds + 1,
            }
            for item in found.reviewers
        ],
        "agreement": [
            {"codebook": item.codebook, "raw": item.raw.json(), "alpha": item.alpha.json(), "ac1": item.ac1.json()}
            for item in found.agreement
        ],
        "notes": found.notes,
    }  # fmt: skip


def _print(found: Status) -> None:
    each = output.count(found.queue.reviewers, "reviewer")
    output.line(f"{found.finished:,} of {found.items:,} finished ({each} each), {found.begun:,} begun")
    if found.reviewers:
        _reviewers(found)
    for figures in found.agreement:
        alpha, raw = figures.alpha, figures.raw
        shown = f"{alpha.value:.3f}" if alpha.value is not None else f"- ({alpha.why})"
        share = f"{raw.value:.0%}" if raw.value is not None else "-"
        output.line(f"agreement so far, {figures.codebook}: {share} of judgements, alpha {shown}")
    for text in found.notes:
        output.note(text)


def _reviewers(found: Status) -> None:
    """One row each; columns only for what the queue has."""
    gold = bool(found.queue.gold_from)
    rows: list[tuple[str, ...]] = [("reviewer", "done", "repeats", *(["gold right"] if gold else []), "at")]
    for item in found.reviewers:
        right = f"{item.gold_right}/{item.gold}" if item.gold else ""
        at = "" if item.holds is None else f"item {item.holds + 1}"
        rows.append((item.reviewer, f"{item.done:,}", f"{item.repeats:,}", *([right] if gold else []), at))
    output.table(rows, right=frozenset({1, 2, 3} if gold else {1, 2}))
