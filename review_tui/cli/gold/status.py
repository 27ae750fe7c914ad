"""`review-tui gold status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from review_tui.cli import output
from review_tui.cli.gold.common import queue_option, queued_of, rule_options, warn_of_names
from review_tui.cli.settings import codebook_option, db_option, json_option, settings

if TYPE_CHECKING:
    from labels.codebook import Codebook


@click.command("status")
@rule_options
@queue_option
@codebook_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context, rule: str, min_votes: int, same: tuple[str, ...], queue: str | None, as_json: bool
) -> None:
    """Say for each failure mode how many chunks and runs are settled, and what keeps the others open.

    A mode that nobody was asked about is not judged, which is not absent.
    """
    from labels.gold.people import People, same_of
    from labels.gold.rule import Rule
    from labels.gold.status import status
    from labels.gold.tables import STATES

    store = settings(ctx).store(ctx)
    chosen = Rule.of(rule, min_votes)
    people = People(same=same_of(same), named=True)
    found = status(store, chosen, people, settings(ctx).load_codebooks(), queued_of(store, queue))
    warn_of_names(store, dict(people.same))
    if as_json:
        output.emit("gold-status", found.as_json(chosen))
        return
    tables = found.tables
    output.line(
        f"{output.count(tables.votes, 'vote')} on {output.count(tables.units, 'chunk or run', 'chunks or runs')} of"
        f" {output.count(tables.runs, 'run')}; settled by {rule}, at least {output.count(min_votes, 'vote')}."
    )
    for book, modes in sorted(tables.modes.items()):
        states = [state for state in STATES if any(counts[state] for counts in modes.values())]
        if states:
            rows = [(f"mode ({book})", *states)]
            rows += [(_label(found.books.main.get(book), slug), *(f"{counts[state]:,}" for state in states))
                     for slug, counts in modes.items()]  # fmt: skip
            output.table(rows, right=frozenset(range(1, len(states) + 1)))
    for reason, number in found.left_out.items():
        output.note(f"not counted: {number:,} {reason}")
    for text in found.books.notes():
        output.note(text)
    if not tables.votes:
        output.note("there is no vote yet: `review-tui decide`, or the station, makes them.")


def _label(book: Codebook | None, slug: str) -> str:
    """Code and name of a mode, as on the screens."""
    mode = book.by_slug.get(slug) if book is not None else None
    return mode.label if mode is not None else slug
