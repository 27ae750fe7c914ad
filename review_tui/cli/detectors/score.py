"""`review-tui detectors score`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from review_tui.cli import output
from review_tui.cli.detectors import score_text
from review_tui.cli.detectors.common import progress, say_account, say_off, wanted
from review_tui.cli.settings import PATH, WORDS, codebook_option, db_option, json_option, settings
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.codebook import Codebooks
    from labels.scoring.report import Report
    from sessions.store import Store


@click.command("score")
@click.option("--corpus", multiple=True, type=PATH, metavar="PATH", help="A labelled corpus, or a folder. Repeatable.")
@click.option("--detector", multiple=True, type=WORDS, metavar="ID", help="Only this detector. Repeatable.")
@click.option("--mode", multiple=True, type=WORDS, metavar="MODE", help="Only this failure mode. Repeatable.")
@codebook_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context, corpus: tuple[Path, ...], detector: tuple[str, ...], mode: tuple[str, ...], as_json: bool
) -> None:
    """Measure detectors, mode by mode, against baselines that look at nothing.

    Without --corpus, against what reviewers of this database decided blind: before they saw suggestions. How
    suggestions were answered is shown apart: being accepted is not being right.
    """
    from labels.scoring import report

    given = settings(ctx)
    books = given.load_codebooks()
    modes = [f"{found.slug}@{book.id}" for book, found in map(books.resolve, mode)]
    told = progress("runs")
    if corpus:
        done = report.on_corpora(corpus, wanted(detector), books, modes, told)
    else:
        done = _on_database(given.store(ctx), detector, books, modes, told)
    if as_json:
        output.emit("detectors-score", done.json())
        return
    say_account(done.account)
    say_off(done.troubles.off)
    if not corpus and not done.runs:
        score_text.answers(done)
        raise UserError(
            "nothing in this database was decided blind, so there is nothing to score by.",
            "Review runs of a queue (`review-tui queue create`), or name a --corpus.",
        )
    score_text.tables(done, books)


def _on_database(
    store: Store, names: tuple[str, ...], books: Codebooks, modes: list[str], told: Callable[[int], None]
) -> Report:
    """A judge is no detector that could be loaded, but what it suggested stands in the database."""
    from labels import detectors
    from labels.scoring import decided, report

    known = set(decided.lookers(store)) - set(detectors.names())
    others = [name for name in names if name in known]
    asked = [] if names and len(others) == len(names) else wanted([name for name in names if name not in known])
    return report.on_database(store, asked, books, modes, told, others if names else None)
