"""`review-tui detect RUN...`: let detectors look at runs, and print what they suggest."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import click

from labels import detection, detectors, views
from labels.blind import Veil
from labels.detectors.base import Detector
from labels.queues import rule_for
from labels.views import SuggestionView
from review_tui.cli import output
from review_tui.cli.named import runs_of
from review_tui.cli.settings import (
    WORDS,
    codebook_option,
    cut,
    db_option,
    json_option,
    reviewer_option,
    settings,
)
from sessions.catalog import RunInfo
from sessions.errors import UsageError
from sessions.store import Store

#: A run, its suggestions as far as this reviewer may see them, how many are hidden, and which detectors looked.
Document: TypeAlias = tuple[RunInfo, list[SuggestionView], int, list[views.LookView]]


@click.command("detect")
@click.argument("runs", nargs=-1, required=True, type=WORDS, metavar="RUN...")
@click.option("--detector", multiple=True, type=WORDS, metavar="ID", help="Only this one. Repeatable.")
@click.option("--hints", is_flag=True, help="Also the detectors that are off because they are often wrong.")
@click.option("--again", is_flag=True, help="Look again, also where a detector has looked already.")
@codebook_option
@db_option
@reviewer_option
@json_option
@click.pass_context
def command(
    ctx: click.Context, runs: tuple[str, ...], detector: tuple[str, ...], hints: bool, again: bool, as_json: bool
) -> None:
    """Let detectors look at each RUN, and print what they suggest, with evidence.

    RUN is named as for `show`; a file that is not in the database yet is imported first, and so are the runs in a
    folder. What a detector has found before is not looked for again. On runs in a queue, suggestions on chunks that you
    are to decide blind stay hidden until you have.
    """
    if detector and hints:
        raise UsageError("--detector and --hints exclude each other.", "Give one of them.")
    given = settings(ctx)
    store = given.store(ctx, create=any(Path(text).exists() for text in runs))
    found = list({run.id: run for text in runs for run in runs_of(store, text)}.values())
    books = given.load_codebooks()
    wanted = _wanted(store, detector, hints)
    documents = []
    for run in found:
        detection.detect(store, run, wanted, books, again=again)
        documents.append(looked_at(store, run, given.reviewer_name(), {item.id for item in wanted}))
    if as_json:
        _emit(documents)
    else:
        for document in documents:
            print_document(*document)


def _wanted(store: Store, ids: tuple[str, ...], hints: bool) -> list[Detector]:
    if ids:
        return [detectors.load(item) for item in dict.fromkeys(ids)]
    found, problems = detectors.load_all()
    for problem in problems:
        output.note(f"review-tui: left out: {problem}")
    if hints:
        return found
    on = {item.id for item in detection.enabled(store)}
    return [item for item in found if item.id in on]


def looked_at(store: Store, run: RunInfo, reviewer: str, wanted: set[str]) -> Document:
    rule = rule_for(store, run, reviewer)
    veil = Veil(store, run, cut(store, run, None, rule)[1], rule)
    every = [item for item in views.suggestions(store, run) if item.detector in wanted]
    shown = [item for item in every if not veil.hides(item)]
    looks = [look for look in views.looks(store, run) if look.detector in wanted]
    return run, shown, len(every) - len(shown), looks


# -- as text ------------------------------------------------------------------------------------------------------


def print_document(run: RunInfo, found: list[SuggestionView], hidden: int, looks: list[views.LookView]) -> None:
    output.line(f"run {run.id[:8]}  {run.title or '(no title)'}")
    for item in found:
        steps = output.steps_text(item.first, item.last)
        sure = f"score {item.score:.2f}" if item.probability is None else f"probability {item.probability:.2f}"
        output.line()
        output.line(f"{item.id[:8]}  {f'{item.code} {item.name}'.strip()}  {steps}  {sure}  by {item.detector}")
        output.line(f"  {item.rationale}")
        for evidence in item.evidence:
            output.line(f"  step {evidence.index + 1}:")
            output.block(evidence.quote, "    | ")
    if not found and not hidden:
        output.line(f"{output.count(len(looks), 'detector')} found nothing." if looks else "no detector looked.")
    if hidden:
        output.line(f"{output.count(hidden, 'suggestion')} hidden: on chunks that you are to decide first.")
    for look in looks:
        if look.state == "off":
            output.note(f"review-tui: {look.detector} was switched off for this run: {look.reason}")
    output.line()


# -- as JSON ------------------------------------------------------------------------------------------------------


def _emit(documents: list[Document]) -> None:
    suggestions = [suggestion_json(run, item) for run, found, _, _ in documents for item in found]
    runs = [
        {
            "run": run.id, "hidden": hidden,
            "detectors": [
                {
                    "id": look.detector, "version": look.version, "state": look.state, "reason": look.reason,
                    "found": look.found, "seconds": look.seconds,
                }
                for look in looks
            ],
        }
        for run, _, hidden, looks in documents
    ]  # fmt: skip
    output.emit("detect", {"runs": runs, "suggestions": suggestions})


def suggestion_json(run: RunInfo, item: SuggestionView) -> dict[str, Any]:
    return {
        "id": item.id, "run": run.id, "mode": item.mode, "code": item.code, "name": item.name,
        "codebook": item.data["codebook"],
        "steps": list(range(item.first + 1, item.last + 2)) if item.last - item.first < 1000 else [],
        "first_step_number": item.first + 1, "last_step_number": item.last + 1,
        "evidence": [
            {
                "step": evidence.index + 1, "step_number": evidence.index + 1, "step_index": evidence.index,
                "step_id": evidence.step, "part": evidence.part, "start": evidence.start, "end": evidence.end,
                "quote": evidence.quote,
            }
            for evidence in item.evidence
        ],
        "score": item.score, "probability": item.probability, "detector": item.detector, "version": item.version,
        "rationale": item.rationale,
    }  # fmt: skip
