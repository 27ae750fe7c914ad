"""`review-tui adjudicate settle RUN --chunk N --mode MODE=present --reason CODE`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.adjudicate.common import books_for, case_options, the_case
from review_tui.cli.settings import WORDS, codebook_option, db_option, json_option, reviewer_option, settings
from sessions.errors import UsageError

if TYPE_CHECKING:
    from labels.adjudication import Ruling, Span
    from labels.codebook import Codebook, Codebooks
    from labels.disputes import Case
    from sessions.store import Store

_MODE = re.compile(r"(?P<mode>.+)=(?P<outcome>present|absent|undecided)(?::(?P<first>\d{1,9})(?:-(?P<last>\d{1,9}))?)?")


@click.command("settle")
@case_options
@click.option(
    "--mode", "modes", type=WORDS, multiple=True, required=True, metavar="MODE=OUTCOME[:FIRST-LAST]",
    help="present, absent or undecided; with present, the steps, if not those of the votes. Repeatable.",
)  # fmt: skip
@click.option(
    "--reason", type=click.Choice(["ambiguous", "guideline-gap", "error", "other"]), required=True,
    help="Why people differed: the run allows both, the codebook does not say, somebody erred, other.",
)  # fmt: skip
@click.option("--note", default="", type=WORDS, metavar="TEXT", help="In your own words.")
@click.option("--guideline", default="", type=WORDS, metavar="TEXT", help="A note on the mode, for everybody.")
@click.option("--named", is_flag=True, help="You knew who said what.")
@click.option("--seconds", type=click.FloatRange(0, 1e7), metavar="S", help="Time it took you.")
@reviewer_option
@codebook_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    run: str,
    number: int | None,
    whole: bool,
    policy: str | None,
    modes: tuple[str, ...],
    reason: str,
    note: str,
    guideline: str,
    named: bool,
    seconds: float | None,
    as_json: bool,
) -> None:
    """Settle failure modes of a chunk of RUN. What you say holds whatever the votes; they all stay, and yours is none.

    `adjudicate undo` takes it back.
    """
    from pydantic import ValidationError

    from labels.adjudication import Adjudication, Adjudicator
    from labels.maintenance import remember_codebook
    from labels.model import Target

    store = settings(ctx).store(ctx)
    case = the_case(ctx, store, run, (number, whole, policy))
    books = books_for(store, settings(ctx).load_codebooks())
    used: dict[str, Codebook] = {}
    more = {"reason": reason, "note": note, "guideline": guideline}
    try:
        rulings = [_ruling(store, case, books, text, more, used) for text in modes]
        said = Adjudication(
            target=Target.model_validate(case.target),
            rulings=tuple(rulings),
            blind=not named,
            seconds=seconds,
            votes=tuple(vote.events[-1].id for vote in case.votes if vote.events),
            tool="review-tui adjudicate",
        )
    except ValidationError as error:
        why = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise UsageError(f"this cannot be settled so: {why}.") from None
    for book in used.values():
        remember_codebook(store, book)
    event = Adjudicator(store, settings(ctx).reviewer_name()).settle(case.run, said)
    if as_json:
        content = output.numbered(said.model_dump(mode="json"))
        output.emit("adjudicate-settle", {"event": event.id, "run": case.run.id, "adjudication": content})
        return
    for ruling in rulings:
        output.line(f"{ruling.code} {ruling.mode}: {ruling.outcome} ({ruling.reason})".strip())


def _ruling(
    store: Store, case: Case, books: Codebooks, text: str, more: dict[str, Any], used: dict[str, Codebook]
) -> Ruling:
    from labels.adjudication import Ruling
    from labels.disputes import span

    match = _MODE.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r:.80} settles nothing.", "Write --mode MODE=present, absent or undecided.")
    book, mode = books.resolve(match["mode"])
    used[book.id] = book
    steps: tuple[Span, ...] = ()
    if match["first"]:
        first = int(match["first"])
        steps = (span(store, case.run, first, int(match["last"] or first)),)
    said = {"mode": mode.slug, "code": mode.code, "name": mode.name, "codebook": book.ref, "steps": steps}
    return Ruling.model_validate({**said, "outcome": match["outcome"], **more})
