"""Options that the commands of `gold` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS

if TYPE_CHECKING:
    from labels.gold.queued import Queued
    from sessions.store import Store

F = TypeVar("F", bound=Callable[..., Any])


def rule_options(command: F) -> F:
    """`--rule`, `--min-votes` and `--same`."""
    command = click.option(
        "--same", type=WORDS, multiple=True, metavar="NAME=NAME", help="Two names of one person: one vote. Repeatable."
    )(command)
    command = click.option(
        "--min-votes", type=click.IntRange(1, 1000), default=1, show_default=True, metavar="N",
        help="Fewer people than this who judged a mode settle nothing.",
    )(command)  # fmt: skip
    return click.option(
        "--rule", type=click.Choice(["majority", "unanimous", "adjudicated"]), default="majority", show_default=True,
        help="What settles a mode.",
    )(command)  # fmt: skip


def queue_option(command: F) -> F:
    """`--queue`."""
    return click.option("--queue", type=WORDS, metavar="NAME", help="Only what this queue gave out.")(command)


def queued_of(store: Store, name: str | None) -> Queued | None:
    """The queue of that name, None for none. Raises UserError."""
    if name is None:
        return None
    from labels import queues
    from labels.gold.queued import Queued

    return Queued(store, queues.by_name(store, name).id)


def warn_of_names(store: Store, same: dict[str, str]) -> None:
    """Say which names look like one person's, and which of those given nobody has."""
    from labels.gold.people import alike, nobodies, note_on, reviewers

    known = reviewers(store)
    for text in (*nobodies(known, same), *map(note_on, alike(known, same))):
        output.note(text)
