"""`review-tui codebook affected FILE`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH, codebook_option, db_option, json_option, settings

if TYPE_CHECKING:
    from labels.maintenance import Touched
    from sessions.store import Store


@click.command("affected")
@click.argument("file", type=PATH)
@codebook_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, file: Path, as_json: bool) -> None:
    """List the labels in the database that the codebook in FILE touches: those made with another state of it, of a mode
    that was removed or rewritten since, and every "none" that did not cover a mode. Nothing is changed.

    In a queue, what others said of a chunk is left out until you have decided on it yourself.
    """
    from labels.codebook import load
    from labels.maintenance import affected

    book = load(file)
    store = settings(ctx).store(ctx)
    every = affected(store, book, settings(ctx).load_codebooks())
    found = _visible(store, every, settings(ctx).reviewer_name())
    if as_json:
        about = {"id": book.id, "version": book.version, "sha256": book.hash}
        output.emit("codebook-affected", {"codebook": about, "affected": [asdict(item) for item in found]})
        return
    if len(every) > len(found):
        output.note(f"{output.count(len(every) - len(found), 'label')} of others not shown: decide there first.")
    for item in found:
        mode = item.mode or "none"
        output.line(f"{item.run[:8]}  {item.reviewer}  {mode}  ({book.id} {item.version})  {item.reason}")
    if not every:
        output.note(f"no label in {store.path} is touched by {book.id} {book.version}.")


def _visible(store: Store, every: list[Touched], reviewer: str) -> list[Touched]:
    """What this reviewer may see by now."""
    from labels.queues import hidden
    from sessions import catalog

    hides = {}
    for name in {item.run for item in every}:
        run = catalog.run_by_id(store, name)
        hides[name] = hidden(store, run, reviewer) if run else None
    return [item for item in every if not ((hide := hides[item.run]) and hide(item.reviewer, item.chunk))]
