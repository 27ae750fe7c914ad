"""`review-tui insights`: what fails, how, for whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH, WORDS, codebook_option, db_option, json_option, reviewer_option, settings
from sessions.errors import UserError

if TYPE_CHECKING:
    from labels.codebook import Codebooks
    from labels.insights.fail_if import Check
    from labels.insights.figures import Comparison, Insights
    from labels.insights.scope import Outside, Scope
    from sessions.store import Store

#: Of so many runs it is said how far they are read.
_MANY = 2_000
_OUTSIDE: Mapping[bool | None, Outside] = {None: "auto", True: "yes", False: "no"}
_ATTRIBUTES = ("system", "model", "benchmark", "domain", "outcome", "state")


def _attribute(name: str) -> click.Option:
    values = {"outcome": "success, failure or unknown", "state": "complete, live or importing"}
    text = f"Only runs with this {name}{f' ({values[name]})' if name in values else ''}. Repeatable."
    return click.Option([f"--{name}", f"attribute_{name}"], multiple=True, type=WORDS, metavar="TEXT", help=text)


@click.command("insights")
@click.option("--queue", type=WORDS, metavar="NAME", help="Only the chunks of this queue.")
@click.option("--book", "books", multiple=True, type=WORDS, metavar="ID", help="Only by this codebook. Repeatable.")
@click.option("--only", multiple=True, type=WORDS, metavar="NAME", help="Only these reviewers' labels. Repeatable.")
@click.option("--without", multiple=True, type=WORDS, metavar="NAME", help="Without these reviewers'. Repeatable.")
@click.option("--same", multiple=True, type=WORDS, metavar="NAME=NAME", help="Two names of one person. Repeatable.")
@click.option("--started", type=WORDS, metavar="FROM..TO", help="Only runs that began then (2026-11, 2026-11-30, ...).")
@click.option("--decided", type=WORDS, metavar="FROM..TO", help="Only decisions made then.")
@click.option(
    "--outside/--no-outside",
    default=None,
    help="Count outside annotators' votes, or never. Without either: only where nobody else has judged anything.",
)
@click.option("--complete", is_flag=True, help="Only runs of which every step was judged.")
@click.option("--all-votes", is_flag=True, help="Also runs that you are still to judge blind in a queue.")
@click.option("--rule", type=WORDS, default="majority", show_default=True, help="How votes settle: as for gold.")
@click.option("--min-votes", type=int, default=1, show_default=True, metavar="N", help="People that a judgement needs.")
@click.option("--compare", "comparing", type=WORDS, metavar="NAME=A,B", help="Compare two groups: system=A,B.")
@click.option(
    "--fail-if",
    "conditions",
    multiple=True,
    type=WORDS,
    metavar="CONDITION",
    help='Exit 1 if "incorrect-verification > 10%" or the like holds, or cannot be told. Repeatable.',
)
@click.option("--html", type=PATH, metavar="FILE", help="Write a report to hand on: one file.")
@codebook_option
@db_option
@reviewer_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    queue: str | None,
    books: tuple[str, ...],
    only: tuple[str, ...],
    without: tuple[str, ...],
    same: tuple[str, ...],
    started: str | None,
    decided: str | None,
    outside: bool | None,
    complete: bool,
    all_votes: bool,
    rule: str,
    min_votes: int,
    comparing: str | None,
    conditions: tuple[str, ...],
    html: Path | None,
    as_json: bool,
    **attributes: tuple[str, ...],
) -> None:
    """What fails, how often, for whom: failure modes of reviewed runs, beside published figures.

    Every share comes with its interval and what it rests on. Suggestions of detectors are never counted.
    """
    from labels.gold.people import same_of
    from labels.gold.rule import Rule
    from labels.insights import Scope, Span, build, fail_if, where
    from labels.labelled import unfinished

    given = settings(ctx)
    codebooks = given.load_codebooks()
    thresholds = [fail_if.parse(text, codebooks) for text in conditions]
    named = [(key.removeprefix("attribute_"), value) for key, values in attributes.items() for value in values]
    scope = Scope(
        where=where(named), codebooks=frozenset(books), only=frozenset(only), without=frozenset(without),
        same=same_of(same),
        started=Span.parse(started) if started else None, decided=Span.parse(decided) if decided else None,
        outside=_OUTSIDE[outside], complete=complete, rule=Rule.of(rule, min_votes),
    )  # fmt: skip
    store = given.store(ctx)
    scope = _with_queue(store, scope, queue)
    hidden = frozenset() if all_votes else unfinished(store, given.reviewer_name())
    compared = _compared(store, codebooks, scope, comparing, hidden) if comparing else None
    found = build(store, codebooks, scope, _progress(), hidden)
    if hidden:
        found = replace(found, notes=(*found.notes, _hidden(len(hidden))))
    checks = [fail_if.check(threshold, found) for threshold in thresholds]
    if html is not None:
        _report(html, store, found, compared, given.reviewer_name())
    if as_json:
        from review_tui.cli import insights_json

        output.emit("insights", insights_json.document(found, compared, checks))
    elif html is None or compared or checks:
        _print(found, compared, checks, quiet=html is not None)
    _verdict(checks)


# In the order of the options: what narrows runs comes first.
command.params[:0] = [_attribute(name) for name in _ATTRIBUTES]


def _with_queue(store: Store, scope: Scope, name: str | None) -> Scope:
    if name is None:
        return scope
    from labels import queues

    return replace(scope, queue=queues.by_name(store, name).id, queue_name=name)


def _hidden(count: int) -> str:
    return (
        f"left out: {output.count(count, 'run')} of queues in which you have not decided on everything yet, because"
        " figures would tell how others voted; --all-votes counts them."
    )


def _compared(store: Store, codebooks: Codebooks, scope: Scope, text: str, hidden: frozenset[str]) -> Comparison:
    from labels.insights import compare
    from labels.insights.reading.runs import run_rows

    by = text.partition("=")[0].strip()
    known = [str(getattr(row, by, "")) for row in run_rows(store).values()] if by in compare.BY else []
    found = compare.parse(text, known)
    return compare.compare(store, codebooks, scope, *found, hidden=hidden)


def _progress() -> Callable[[int, int], None]:
    """Said only where there is enough to do for a person to wonder."""
    told = 0

    def tell(done: int, every: int) -> None:
        nonlocal told
        if every >= _MANY and (done == every or done - told >= _MANY) and done != told:
            told = done
            output.note(f"reading decisions: {done:,} of {every:,} runs.")

    return tell


def _report(path: Path, store: Store, found: Insights, compared: Comparison | None, reviewer: str) -> None:
    from labels.planning.systems import by_system
    from review_tui.report import file, page

    systems = {group.value for profile in found.profiles for group in profile.groups if group.by == "system"}
    file.write(path, page.render(found, by_system(store, sorted(systems), reviewer), compared))
    output.note(f"the report is in {path}.")


def _print(found: Insights, compared: Comparison | None, checks: list[Check], *, quiet: bool) -> None:
    from review_tui.cli import insights_text

    if compared is not None:
        insights_text.show_comparison(compared)
    elif not quiet:
        insights_text.show(found)
    for item in checks:
        output.line(f"{'FAILED' if item.failed else 'ok'}  {item.says}")


def _verdict(checks: list[Check]) -> None:
    """Raises UserError, with one line, where a condition holds or cannot be told."""
    failed = [item.says for item in checks if item.failed]
    if failed:
        raise UserError(f"--fail-if: {'; '.join(failed)}.")
