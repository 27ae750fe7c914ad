"""`review-tui queue create NAME RUN...`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from review_tui.cli import output
from review_tui.cli.named import runs_of
from review_tui.cli.queue.list import queue_json
from review_tui.cli.settings import WORDS, Settings, codebook_option, db_option, json_option, settings
from sessions.chunks import DEFAULT_POLICY

if TYPE_CHECKING:
    from sessions.catalog import RunInfo
    from sessions.store import Store

#: Seconds between two lines that say how far detectors have come.
TELL_EVERY_S = 5.0


@click.command("create")
@click.argument("name", type=WORDS)
@click.argument("runs", nargs=-1, type=WORDS, metavar="RUN...")
@click.option("--all", "every", is_flag=True, help="All complete runs that are in no queue yet.")
@click.option("--chunks", "policy", type=WORDS, metavar="POLICY", default=DEFAULT_POLICY, help="How they are cut.")
@click.option(
    "--blind-share", type=float, metavar="SHARE", default=None, help="Share of chunks decided blind, 0 to 1 (0.15)."
)
@click.option("--scope", type=WORDS, default="chunks", metavar="SCOPE", help="What is decided on: chunks or runs.")
@click.option("--reviewers", type=int, default=1, metavar="N", help="How many decide on each (1).")
@click.option(
    "--order", type=WORDS, default="given", metavar="ORDER", help="given, random, or priority (60 % doubtful and grave,"
    " 20 % suspected, 20 % unsuspected).",
)  # fmt: skip
@click.option(
    "--no-detect", is_flag=True, help="With priority: go by what detectors have said so far, and let none look first."
)
@click.option("--seed", type=WORDS, default="", metavar="TEXT", help="Of the order: the same seed, the same order.")
@click.option("--size", type=int, metavar="N", help="At most so many.")
@click.option("--repeats", type=float, default=0.0, metavar="SHARE", help="Share given to a reviewer a second time.")
@click.option("--gold-from", type=WORDS, default="", metavar="NAME", help="Whose decisions are mixed in as gold.")
@click.option("--gold", type=float, default=0.0, metavar="SHARE", help="Share of gold; everybody gets it unmarked.")
@click.option("--judge-by", multiple=True, type=WORDS, metavar="ID", help="Codebook to judge by. Repeatable.")
@codebook_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    name: str,
    runs: tuple[str, ...],
    every: bool,
    policy: str,
    blind_share: float | None,
    judge_by: tuple[str, ...],
    repeats: float,
    gold: float,
    order: str,
    no_detect: bool,
    as_json: bool,
    **more: object,
) -> None:
    """Make the queue NAME of these runs. They are cut by --chunks for every reviewer, and on the blind share of chunks
    nobody sees what detectors suggest before having given a verdict.

    RUN is named as for `show`; a file or folder that is not in the database yet is imported first. By priority,
    detectors look at the runs first where they have not.
    """
    from labels import queues
    from sessions import catalog

    given = settings(ctx)
    store = given.store(ctx, create=any(Path(text).exists() for text in runs))
    chosen = {run.id: run for text in runs for run in runs_of(store, text)}
    if every:
        taken = queues.queued_runs(store)
        free = [run for run in catalog.runs(store) if run.complete and run.id not in taken]
        chosen |= {run.id: run for run in reversed(free)}
    share = queues.DEFAULT_BLIND_SHARE if blind_share is None else blind_share
    books = given.load_codebooks().only(*judge_by) if judge_by else ()
    if order == "priority":
        _look_first(store, given, list(chosen.values()), leave=no_detect)
    made = queues.create(
        store, name, list(chosen.values()), policy=policy, blind_share=share, repeat_share=repeats, gold_share=gold,
        order=order, codebooks=list(books), **more,  # type: ignore[arg-type]
    )  # fmt: skip
    if as_json:
        output.emit("queue-create", {"queue": queue_json(made)})
    else:
        size = f"{output.count(made.runs, 'run')} by {made.policy}"
        output.line(f"queue {made.name}: {size}, {made.blind_share:.0%} of chunks blind")
        output.line(
            f"  {made.items:,} to decide on, {output.count(made.reviewers, 'reviewer')} each, order: {made.order}"
        )


def _look_first(store: Store, given: Settings, runs: Sequence[RunInfo], *, leave: bool) -> None:
    """Let the detectors that are on look at those of the runs at which they have not looked; leave: only say so."""
    from labels import detection

    on = detection.enabled(store)
    due = [run for run in runs if run.complete and detection.stale(store, run, on)]
    if not due:
        return
    number = output.count(len(due), "run")
    if leave:
        output.note(f"detectors have not looked at {number}: what they would find there counts as unsuspected.")
        return
    output.note(f"detectors look at {number} first (--no-detect leaves that) ...")
    books, told = given.load_codebooks(), time.monotonic()
    for done, run in enumerate(due):
        if time.monotonic() - told >= TELL_EVERY_S:
            output.note(f"  {done:,} of {number}")
            told = time.monotonic()
        detection.detect(store, run, on, books)
