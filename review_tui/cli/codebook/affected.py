"""`review-tui codebook affected FILE`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH, codebook_option, db_option, json_option, settings


@click.command("affected")
@click.argument("file", type=PATH)
@codebook_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, file: Path, as_json: bool) -> None:
    """List the labels in the database that the codebook in FILE touches: those made with another state of it, of a mode
    that was removed or rewritten since, and every "none" that did not cover a mode. Nothing is changed."""
    from labels.codebook import load
    from labels.maintenance import affected

    book = load(file)
    store = settings(ctx).store(ctx)
    found = affected(store, book, settings(ctx).load_codebooks())
    if as_json:
        about = {"id": book.id, "version": book.version, "sha256": book.hash}
        output.emit("codebook-affected", {"codebook": about, "affected": [asdict(item) for item in found]})
        return
    for item in found:
        mode = item.mode or "none"
        output.line(f"{item.run[:8]}  {item.reviewer}  {mode}  ({book.id} {item.version})  {item.reason}")
    if not found:
        output.note(f"no label in {store.path} is touched by {book.id} {book.version}.")
