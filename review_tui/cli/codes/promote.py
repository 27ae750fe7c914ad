"""`review-tui codes promote CODE FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.codes.common import opened
from review_tui.cli.settings import PATH, WORDS, db_option, json_option, reviewer_option

if TYPE_CHECKING:
    from labels.coding.promote import Promoted


@click.command("promote")
@click.argument("code", type=WORDS)
@click.argument("file", type=PATH)
@click.option("--name", default="", type=WORDS, metavar="TEXT", help="Of the mode. Default: the code's.")
@click.option("--slug", default="", type=WORDS, metavar="SLUG", help="Its identity. Default: made of the name.")
@click.option("--mode-code", default="", type=WORDS, metavar="CODE", help="What is shown before the name, like A.3.")
@click.option("--category", default="", type=WORDS, metavar="ID", help="A category of the codebook.")
@click.option("--definition", default="", type=WORDS, metavar="TEXT", help="Default: its most typical note.")
@click.option(
    "--version", default="", type=WORDS, metavar="V", help="Of the codebook. Default: its last number raised."
)
@click.option(
    "--id", "book_id", default="", type=WORDS, metavar="ID", help="Of a new codebook. Default: the file's name."
)
@click.option("--title", default="", type=WORDS, metavar="TEXT", help="Of a new codebook.")
@click.option("--no-queue", is_flag=True, help="Do not let the notes' chunks come back to a queue.")
@click.option("--nones", is_flag=True, help='Let chunks come back, too, on which "none" of this codebook was said.')
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    code: str,
    file: Path,
    name: str,
    slug: str,
    mode_code: str,
    category: str,
    definition: str,
    version: str,
    book_id: str,
    title: str,
    no_queue: bool,
    nones: bool,
    as_json: bool,
) -> None:
    """Make CODE a failure mode of the codebook in FILE (made if it is not there): with the quotes of its notes as the
    example and the notes as cases, secrets taken out. The codebook's version is raised, and the chunks with the notes
    come back to a queue, to be labelled with the mode."""
    from labels.coding.promote import Wanted, promote

    store, board, coder = opened(ctx)
    found = board.code(code)
    wanted = Wanted(name, slug, mode_code, category, definition, version, book_id, title)
    made = promote(store, coder, board, found, file, wanted, requeue=not no_queue, nones=nones)
    if as_json:
        output.emit("codes-promote", _json(made))
        return
    book = made.book
    output.line(
        f"{made.mode.slug}@{book.id} {book.version}: {'a new codebook' if made.created else 'added'}, {made.path}"
    )
    quotes = output.count(made.quotes, "quote") if made.quotes else "no quote: none of its notes has evidence"
    output.line(
        f"  from {output.count(made.notes, 'note')}, {quotes}; {output.count(made.redacted, 'secret')} taken out"
    )
    for queue, items in made.back.queues.items():
        output.line(f"  {output.count(items, 'chunk')} to be decided on again in the queue {queue!r}")
    for (run, _), why in made.back.left.items():
        output.note(f"not back in a queue: a chunk of {run[:8]}: {why}.")
    if made.nones and not nones:
        output.note(f'on {output.count(made.nones, "chunk")} "none" was said before there was this mode (--nones).')
    output.note(f"`codebook check {made.path}` says what else helps reviewers agree.")


def _json(made: Promoted) -> dict[str, Any]:
    book = made.book
    return {
        "codebook": {"id": book.id, "version": book.version, "sha256": book.hash, "path": str(made.path)},
        "created": made.created, "mode": made.mode.model_dump(mode="json", by_alias=True), "notes": made.notes,
        "quotes": made.quotes, "redacted": made.redacted, "nones": made.nones,
        "queues": [{"name": name, "items": items} for name, items in made.back.queues.items()],
        "left_out": [{"run": run, "chunk": chunk, "why": why} for (run, chunk), why in made.back.left.items()],
    }  # fmt: skip
