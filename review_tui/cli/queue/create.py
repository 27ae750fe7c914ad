"""`review-tui queue create NAME RUN...`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.queue.list import queue_json
from review_tui.cli.settings import WORDS, db_option, find_run, json_option, settings
from sessions.chunks import DEFAULT_POLICY


@click.command("create")
@click.argument("name", type=WORDS)
@click.argument("runs", nargs=-1, type=WORDS, metavar="RUN...")
@click.option("--all", "every", is_flag=True, help="All complete runs that are in no queue yet.")
@click.option("--chunks", "policy", type=WORDS, metavar="POLICY", default=DEFAULT_POLICY, help="How they are cut.")
@click.option(
    "--blind-share", type=float, metavar="SHARE", default=None, help="Share of chunks decided blind, 0 to 1 (0.15)."
)
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    name: str,
    runs: tuple[str, ...],
    every: bool,
    policy: str,
    blind_share: float | None,
    as_json: bool,
) -> None:
    """Make the queue NAME of these runs. They are cut by --chunks for every reviewer, and on the blind share of chunks
    nobody sees what detectors suggest before having given a verdict."""
    from labels import queues
    from sessions import catalog

    store = settings(ctx).store(ctx)
    chosen = {run.id: run for run in (find_run(store, text) for text in runs)}
    if every:
        taken = queues.queued_runs(store)
        free = [run for run in catalog.runs(store) if run.complete and run.id not in taken]
        chosen |= {run.id: run for run in reversed(free)}
    share = queues.DEFAULT_BLIND_SHARE if blind_share is None else blind_share
    made = queues.create(store, name, list(chosen.values()), policy=policy, blind_share=share)
    if as_json:
        output.emit("queue-create", {"queue": queue_json(made)})
    else:
        size = f"{output.count(made.runs, 'run')} by {made.policy}"
        output.line(f"queue {made.name}: {size}, {made.blind_share:.0%} of chunks blind")
