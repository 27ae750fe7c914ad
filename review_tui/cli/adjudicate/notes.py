"""`review-tui adjudicate notes [MODE]`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, codebook_option, db_option, json_option, settings


@click.command("notes")
@click.argument("mode", required=False, type=WORDS, metavar="[MODE]")
@codebook_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, mode: str | None, as_json: bool) -> None:
    """Print the guideline notes that adjudicators left, of all failure modes or of MODE (`codebook show`, too)."""
    from labels.adjudication import notes

    store = settings(ctx).store(ctx)
    books = settings(ctx).load_codebooks()
    if mode is None:
        found = [{"codebook": book.id, **note} for book in books for note in notes(store, book.id)]
    else:
        book, chosen = books.resolve(mode)
        found = [{"codebook": book.id, **note} for note in notes(store, book.id, chosen.slug)]
    if as_json:
        output.emit("adjudicate-notes", {"notes": found})
        return
    if not found:
        output.note("there is no guideline note yet: `adjudicate settle --guideline` makes one.")
    for note in found:
        output.line(f"{note['mode']}@{note['codebook']} ({note['outcome']}, {note['by']}, {note['at'][:10]})")
        output.block(note["text"])
