"""Options that the commands of `adjudicate` share, and the case that they are about."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from review_tui.cli.settings import WORDS, find_run, settings
from sessions.errors import UsageError

if TYPE_CHECKING:
    from labels.codebook import Codebooks
    from labels.disputes import Case
    from sessions.store import Store

F = TypeVar("F", bound=Callable[..., Any])


def case_options(command: F) -> F:
    """RUN, `--chunk`, `--whole` and `--chunks`."""
    command = click.option(
        "--chunks",
        "policy",
        type=WORDS,
        metavar="POLICY",
        default=None,
        help="If people cut the run in several ways.",
    )(command)
    command = click.option("--whole", is_flag=True, help="The whole run instead.")(command)
    command = click.option("--chunk", "number", type=int, metavar="N", help="The chunk, by its number in the votes.")(
        command
    )
    return click.argument("run", type=WORDS)(command)


def books_for(store: Store, loaded: Codebooks) -> Codebooks:
    """The codebooks by which something can be settled: those that votes were made with, then the others in use."""
    from labels.codebook import Codebooks
    from labels.gold.books import books_of

    voted = books_of(store, loaded).main
    known = {book.id: book for book in loaded}
    others = [book for name, book in voted.items() if name not in known]
    return Codebooks((*loaded, *others))


def the_case(
    ctx: click.Context,
    store: Store,
    run: str,
    where: tuple[int | None, bool, str | None],
    rule: tuple[str, int, tuple[str, ...]] = ("majority", 1, ()),
) -> Case:
    """The chunk or run that is meant. where: --chunk, --whole, --chunks. rule: --rule, --min-votes, --same."""
    from labels.disputes import case_of
    from labels.gold.people import People, same_of
    from labels.gold.rule import Rule

    number, whole, policy = where
    if (number is None) != whole:
        raise UsageError("say what it is about.", "Give either --chunk N or --whole.")
    info = find_run(store, run)
    name, least, same = rule
    people = People(same=same_of(same), named=True)
    books = settings(ctx).load_codebooks()
    return case_of(store, info, Rule.of(name, least), people, number=number, policy=policy, loaded=books)
