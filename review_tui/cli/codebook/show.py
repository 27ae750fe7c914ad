"""`review-tui codebook show [ID|MODE]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, codebook_option, db_option, json_option, settings
from sessions.errors import UsageError

if TYPE_CHECKING:
    from labels.codebook import Codebook, Codebooks, Example, Mode


@click.command("show")
@click.argument("name", required=False, type=WORDS, metavar="[ID|MODE]")
@codebook_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Print a codebook's modes, or one mode with its definition, examples and near misses.

    A mode is named by slug (reasoning-action-mismatch), by code and codebook (2.6@mast), or by its code alone where
    only one codebook has it.
    """
    books = settings(ctx).load_codebooks()
    found = _find(books, name)
    if isinstance(found, tuple):
        _show_mode(*found, _guidelines(ctx, *found), as_json=as_json)
    else:
        _show_books(found, as_json=as_json)


def _find(books: Codebooks, name: str | None) -> list[Codebook] | tuple[Codebook, Mode]:
    if name is None:
        return list(books)
    if chosen := [book for book in books if book.id == name]:
        return chosen
    try:
        return books.resolve(name)
    except UsageError as error:
        ids = ", ".join(book.id for book in books)
        raise UsageError(f"{error.message.rstrip('.')}, and no such codebook ({ids}).", error.hint) from None


def _show_books(books: list[Codebook], *, as_json: bool) -> None:
    if as_json:
        output.emit("codebook", {"codebooks": [_book_json(book) for book in books]})
        return
    for place, book in enumerate(books):
        if place:
            output.line()
        output.line(f"{book.id} {book.version}: {book.title}")
        output.table([(f"  {mode.code}", mode.slug, mode.name) for mode in book.modes])


def _guidelines(ctx: click.Context, book: Codebook, mode: Mode) -> list[dict[str, str]]:
    """What adjudicators noted on the mode; nothing where there is no database yet."""
    if not settings(ctx).db_path().exists():
        return []
    from labels.adjudication import notes

    return notes(settings(ctx).store(ctx), book.id, mode.slug)


def _show_mode(book: Codebook, mode: Mode, guidelines: list[dict[str, str]], *, as_json: bool) -> None:
    if as_json:
        content = mode.model_dump(mode="json", by_alias=True)
        output.emit("codebook", {"codebook": _ref_json(book), "mode": content, "guidelines": guidelines})
        return
    output.line(f"{mode.label} ({mode.slug}@{book.id} {book.version})")
    output.block(mode.definition)
    for title, texts in (("It applies when", mode.when), ("It does not when", [_not(case) for case in mode.when_not])):
        if texts:
            output.line(f"{title}:")
            for text in texts:
                output.block(f"- {text}")
    _show_example("Example", mode.example)
    _show_example("Near miss", mode.near_miss)
    if mode.severity.level != "unclear":
        output.line(f"Severity: {mode.severity.level} ({mode.severity.source})")
    if mode.note:
        output.line("Note:")
        output.block(mode.note)
    for note in guidelines:
        output.line(f"Guideline, from an adjudication by {note['by']} ({note['outcome']}):")
        output.block(note["text"])


def _not(case: Any) -> str:
    return f"{case.text} (rather {case.instead})" if case.instead else str(case.text)


def _show_example(title: str, example: Example | None) -> None:
    if example is not None:
        output.line(f"{title}:")
        output.block(example.text, indent="    ")
        output.block(example.why)


def _ref_json(book: Codebook) -> dict[str, Any]:
    return {"id": book.id, "version": book.version, "sha256": book.hash, "title": book.title}


def _book_json(book: Codebook) -> dict[str, Any]:
    return {**_ref_json(book), **book.model_dump(mode="json", by_alias=True)}
