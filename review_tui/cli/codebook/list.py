"""`review-tui codebook list`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.settings import codebook_option, json_option, settings


@click.command("list")
@codebook_option
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the codebooks in use, with where each comes from."""
    from labels.codebook_paths import user_codebook_folder

    books = settings(ctx).load_codebooks()
    folder = user_codebook_folder()
    entries = [
        {
            "id": book.id, "version": book.version, "sha256": book.hash, "title": book.title,
            "modes": len(book.modes), "path": str(books.paths[book.id]),
        }
        for book in books
    ]  # fmt: skip
    if as_json:
        problems = [str(problem) for problem in books.problems]
        output.emit("codebook-list", {"folder": str(folder), "codebooks": entries, "problems": problems})
    else:
        rows = [("id", "version", "modes", "title")]
        rows += [(book.id, book.version, str(len(book.modes)), book.title) for book in books]
        output.table(rows, right=frozenset({2}))
        output.note(f"your own codebooks: {folder}")
    for problem in books.problems:
        output.note(f"review-tui: left out: {problem}")
