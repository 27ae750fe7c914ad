"""`review-tui queue next NAME`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, db_option, json_option, reviewer_option, settings


@click.command("next")
@click.argument("name", type=WORDS)
@click.option("--minutes", type=click.FloatRange(0.1, 24 * 60), default=30.0, metavar="M", help="Keep it so long (30).")
@click.option("--release", is_flag=True, help="Give back what you have, and take nothing.")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, name: str, minutes: float, release: bool, as_json: bool) -> None:
    """Print what you are to decide on next in the queue NAME, and keep it for you.

    Until you have decided, asking again gives the same. Nobody else gets it meanwhile, as long as it is kept for you.
    """
    from labels import queue_again, queue_next, queues
    from sessions import catalog

    given = settings(ctx)
    store = given.store(ctx)
    queue, who = queues.by_name(store, name), given.reviewer_name()
    if release:
        queue_next.release(store, queue, who)
    item = None if release else queue_next.take(store, queue, who, seconds=60 * minutes)
    run = catalog.run_by_id(store, item.run) if item else None
    reason = queue_again.reason_for(store, item.run, item.chunk, who) if item else ""
    if as_json:
        data = None
        if item is not None:
            data = {
                "run": item.run, "title": run.title if run else None, "chunk": item.number or None,
                "chunk_id": item.chunk, "first_step": item.first + 1, "last_step": item.last + 1,
                "place": item.place + 1, "items": queue.items, "kept_for_s": item.seconds, "resumed": item.resumed,
                "again": reason or None,
            }  # fmt: skip
        output.emit("queue-next", {"queue": queue.id, "reviewer": who, "item": data})
    elif item is None:
        output.note("given back." if release else "there is nothing for you in this queue now.")
    else:
        where = f"chunk {item.number}, {output.steps_text(item.first, item.last)}" if item.number else "the whole run"
        again = "  (as before)" if item.resumed else ""
        output.line(f"{item.run[:8]}  {where}  {run.title if run else ''}{again}")
        if reason:
            output.note(f"you decided on it before, and it is here again: {reason}.")
        option = f"--chunk {item.number}" if item.number else "--whole"
        output.note(f"review-tui decide {item.run[:8]} {option} --verdict ...")
