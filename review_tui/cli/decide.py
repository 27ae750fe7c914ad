"""`review-tui decide RUN`: one call states a reviewer's whole decision on one chunk, or on the run."""

from __future__ import annotations

import math
from dataclasses import dataclass

import click
from pydantic import ValidationError

from labels import views
from labels.adjudication import has_ruled
from labels.blind import Veil
from labels.coding.seen import notes_read
from labels.glance import others_decided
from labels.ledger import Ledger, chunk_target, run_target
from labels.maintenance import remember_codebook
from labels.model import Act, Clear, Decision, Op, SetAnswer, SetLabel, SetNone, SetNote, SetVerdict, Shown, Target
from labels.queues import rule_for
from labels.suggestions import Suggestion, suggestions_of
from review_tui.cli import output
from review_tui.cli.decide_labels import ID_PREFIX, Drafts
from review_tui.cli.decision_text import decision_json, decision_lines
from review_tui.cli.settings import (
    WORDS,
    chunks_option,
    codebook_option,
    cut,
    db_option,
    find_run,
    json_option,
    reviewer_option,
    settings,
)
from review_tui.cli.show import chunk_index
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import Chunks, Policy, chunk_ref
from sessions.errors import UsageError, UserError
from sessions.store import Store

VERDICTS = ("approve", "rollback", "stop", "abstain", "reject")
TOOL = "review-tui decide"


@dataclass(frozen=True)
class Said:
    """The options of one call, as typed."""

    verdict: str
    to: int | None
    label: tuple[str, ...]
    none: bool
    none_of: tuple[str, ...]
    accept: tuple[str, ...]
    reject: tuple[str, ...]
    relabel: tuple[str, ...]
    evidence: tuple[str, ...]
    caused_by: tuple[str, ...]
    root: tuple[str, ...]
    unsure: bool
    note: str
    seconds: float | None


@click.command("decide")
@click.argument("run", type=WORDS)
@click.option("--chunk", "number", type=int, metavar="N", help="The chunk, counted from 1.")
@click.option("--whole", is_flag=True, help="Decide on the whole run instead.")
@click.option("--verdict", required=True, type=click.Choice(VERDICTS), help="`reject` is for live runs.")
@click.option("--to", type=int, metavar="STEP", help="With rollback: the first step to be undone.")
@click.option("--label", multiple=True, type=WORDS, metavar="MODE[:FIRST-LAST]", help="A failure mode that occurs.")
@click.option("--none", is_flag=True, help="No failure mode occurs (of any codebook in use).")
@click.option("--none-of", multiple=True, type=WORDS, metavar="CODEBOOK", help="No mode of this codebook occurs.")
@click.option("--accept", multiple=True, type=WORDS, metavar="SUGGESTION", help="It is right: label it so.")
@click.option("--reject", multiple=True, type=WORDS, metavar="SUGGESTION", help="It is wrong.")
@click.option("--relabel", multiple=True, type=WORDS, metavar="SUGGESTION=MODE", help="It is another mode.")
@click.option("--evidence", multiple=True, type=WORDS, metavar="LABEL:STEP:QUOTE", help="The passage that shows it.")
@click.option(
    "--caused-by", multiple=True, type=WORDS, metavar="LABEL=LABEL", help="The first follows from the second."
)
@click.option("--root", multiple=True, type=WORDS, metavar="LABEL", help="This label starts a cascade.")
@click.option("--unsure", is_flag=True, help="You think so, no more (all labels of this call).")
@click.option("--note", default="", type=WORDS, metavar="TEXT", help="In your own words.")
@click.option("--seconds", type=float, metavar="S", help="Time it took you.")
@reviewer_option
@chunks_option
@codebook_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    run: str,
    number: int | None,
    whole: bool,
    policy: str | None,
    as_json: bool,
    **options: object,
) -> None:
    """Record your decision on a chunk of RUN (or, with --whole, on all of it).

    A call states everything you say of that chunk: it replaces what you said of it before, and one `undo` brings that
    back. A label is named by MODE, as given in --label, or by its id.
    """
    said = Said(**options)  # type: ignore[arg-type]
    _check_usage(said, number, whole)
    given = settings(ctx)
    store = given.store(ctx)
    info = find_run(store, run)
    ledger = given.ledger(store)
    rule = rule_for(store, info, ledger.reviewer)
    parsed, chunks = cut(store, info, policy, rule)
    target = _target(store, info, number, parsed, chunks)
    mine = ledger.decisions(info)
    drafts = Drafts(given.load_codebooks(), store, info, target, mine)
    sight = _sight(store, info, target, Veil(store, info, chunks, rule), number)
    try:
        act = _act(said, ledger, info, drafts, sight)
    except ValidationError as error:
        raise UsageError(f"this decision cannot be recorded: {_first(error)}.") from None
    for book in drafts.used.values():
        remember_codebook(store, book)
    event = ledger.record(info, act)
    decision = next(item for item in ledger.decisions(info) if item.target.id == target.id)
    data = decision.model_dump(mode="json")
    if as_json:
        output.emit("decide", {"event": event.id, "run": info.id, "decision": decision_json(data)})
    else:
        _print(decision, decision_lines(data))


def _check_usage(said: Said, number: int | None, whole: bool) -> None:
    if (number is None) != whole:
        raise UsageError("say what the decision is on.", "Give either --chunk N or --whole.")
    if said.verdict == "reject":
        raise UsageError(
            "only a live run's proposed action can be rejected; this run is recorded.", "Use rollback, stop or approve."
        )
    if said.verdict == "rollback" and said.to is None:
        raise UsageError("a rollback needs the first step to be undone.", "Add --to STEP.")
    if said.verdict != "rollback" and said.to is not None:
        raise UsageError(f"--to belongs to a rollback, not to {said.verdict}.", "Leave it out.")
    if said.none and (said.label or said.accept or said.relabel):
        raise UsageError('"none" and labels contradict each other.', "Say one of the two (or --none-of CODEBOOK).")
    if said.seconds is not None and not (math.isfinite(said.seconds) and said.seconds >= 0):
        raise UsageError("--seconds is a number from 0 up.")


def _target(store: Store, run: RunInfo, number: int | None, policy: Policy, chunks: Chunks) -> Target:
    if not run.complete:
        raise UserError("this run was not read to its end, so its chunks may still change.", "Import it again first.")
    if number is None:
        return run_target(store, run)
    place = chunk_index(chunks, number)
    assert place is not None
    return chunk_target(chunk_ref(store, run, chunks, place), str(policy))


@dataclass(frozen=True)
class Sight:
    """What the reviewer can know of suggestions on the chunk. shown: those that touch it and are not hidden. blind:
    whether they are hidden, or no detector has looked."""

    shown: list[Suggestion]
    blind: bool


def _sight(store: Store, run: RunInfo, target: Target, veil: Veil, number: int | None) -> Sight:
    every = views.suggestions(store, run)
    seen = {item.id for item in every if not veil.hides(item)}
    low, high = target.first.index, target.last.index
    here = [item for item in suggestions_of(store, run) if item.first.index <= high and item.last.index >= low]
    known = bool(every or views.looks(store, run))
    veiled = veil.over_all if number is None else veil.veiled(number - 1)
    return Sight([item for item in here if item.id in seen], blind=veiled or not known)


def _act(said: Said, ledger: Ledger, run: RunInfo, drafts: Drafts, sight: Sight) -> Act:
    target = drafts.target
    judged = judgement(said, drafts, sight.shown)
    return Act(
        target=target,
        ops=(Clear(), _verdict(said, drafts), *judged, *_note(said)),
        seconds=said.seconds,
        shown=tuple(Shown(id=item.id, detector=item.detector, version=item.version) for item in sight.shown),
        blind_suggestions=sight.blind,
        blind_votes=not _knows(ledger, run, target.id),
        tool=TOOL,
    )


def _knows(ledger: Ledger, run: RunInfo, chunk: str) -> bool:
    """Whether this reviewer can have seen others' votes on a chunk, or is known to have read others' notes on it."""
    store, who = ledger.store, ledger.reviewer
    decided = others_decided(store, catalog.ids_of(store, run.id), chunk, who)
    return decided or has_ruled(store, run, who, chunk) or notes_read(store, run, who, chunk)


def judgement(said: Said, drafts: Drafts, shown: list[Suggestion]) -> list[Op]:
    """What is said of failure modes: labels, "none", and answers to the suggestions shown. Raises UsageError."""
    answers = _answers(said, drafts, shown)
    for text in said.label:
        drafts.say(text)
    for text in said.evidence:
        drafts.add_evidence(text)
    for text in said.root:
        drafts.set_root(text)
    for text in said.caused_by:
        drafts.set_cause(text)
    drafts.check_causes()
    return [*_labels(said, drafts), *_none(said, drafts), *answers]


def _verdict(said: Said, drafts: Drafts) -> Op:
    if said.to is None:
        return SetVerdict(verdict=said.verdict)  # type: ignore[arg-type]
    step = drafts.step(said.to)
    if step.index > drafts.target.last.index:
        raise UsageError(
            f"step {said.to} comes after this chunk.",
            f"A rollback goes to step {drafts.target.last.index + 1} or before.",
        )
    return SetVerdict(verdict="rollback", to=step)


def _labels(said: Said, drafts: Drafts) -> list[Op]:
    return [SetLabel(label=label) for label in drafts.labels(sure=not said.unsure)]


def _none(said: Said, drafts: Drafts) -> list[Op]:
    books = {book.id: book for book in drafts.books} if said.none else {}
    books |= {book.id: book for book in map(drafts.books.get, said.none_of)}
    drafts.used.update(books)
    return [SetNone(codebook=book.ref) for book in books.values()]


def _note(said: Said) -> list[Op]:
    return [SetNote(text=said.note)] if said.note else []


def _answers(said: Said, drafts: Drafts, shown: list[Suggestion]) -> list[Op]:
    ops: list[Op] = []
    answered: set[str] = set()

    def suggestion(text: str) -> Suggestion:
        found = _named(text, shown)
        if found.id in answered:
            raise UsageError(f"suggestion {text!r} has two answers.", "Give one.")
        answered.add(found.id)
        return found

    for text in said.accept:
        found = suggestion(text)
        ops.append(SetAnswer(suggestion=found.id, answer="accept", label=drafts.accept(found)))
    for text in said.relabel:
        name, equals, mode = text.partition("=")
        if not (equals and mode.strip()):
            raise UsageError(f"--relabel {text}: this is not SUGGESTION=MODE.")
        found = suggestion(name.strip())
        ops.append(SetAnswer(suggestion=found.id, answer="relabel", label=drafts.relabel(found, mode)))
    ops += [SetAnswer(suggestion=suggestion(text).id, answer="reject") for text in said.reject]
    return ops


def _named(text: str, shown: list[Suggestion]) -> Suggestion:
    found = [item for item in shown if item.id == text or (len(text) >= ID_PREFIX and item.id.startswith(text))]
    if len(found) == 1:
        return found[0]
    choices = ", ".join(f"{item.id[:8]} ({item.mode})" for item in shown[:5]) or "none"
    problem = "could be several suggestions" if found else "is no suggestion here"
    raise UsageError(f"{text!r} {problem}.", f"On this chunk: {choices}.")


def _first(error: ValidationError) -> str:
    found = error.errors()[0]
    place = ".".join(str(part) for part in found["loc"])
    return f"{place}: {found['msg']}" if place else str(found["msg"])


def _print(decision: Decision, lines: list[str]) -> None:
    output.line(f"recorded for {decision.reviewer}:")
    for row in lines:
        output.line(row)
