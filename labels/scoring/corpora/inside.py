"""Labels that stand in the runs' own files: MAST, Who&When, tau-bench. Readers keep them in `Header.reference`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from labels.codebook import Codebook, Codebooks, Crosswalk
from labels.scoring.truth import Account, Judged, RunTruth, Span, Verdict
from sessions.errors import UsageError
from sessions.jsontext import canonical
from sessions.run import Run

MAST_HUMAN, MAST_NOTES, WHO_WHEN, TAU = "MAST human labels", "MAST trace notes", "Who&When", "tau-bench"

BY_MODEL = "labels that a model gave (no truth)"
ODD_STEP = "decisive steps that are not in their run"

#: The checklist that annotators of MAST's first traces ticked, as far as an entry means what a mode of MAST means now.
#: Our reading of the names; what is not here ("Invented content", "Discontinued reasoning", ...) is not judged.
CHECKLIST: Mapping[str, str] = {
    "Poor adherence to specified constraints": "disobey-task-specification",
    "Blurring roles": "disobey-role-specification",
    "Blurring role": "disobey-role-specification",
    "Step repetition": "step-repetition",
    "Unaware of stopping conditions": "unaware-of-termination-conditions",
    "Trajectory restart": "conversation-reset",
    "Fail to elicit clarification": "fail-to-ask-for-clarification",
    "Derailing from task objectives": "task-derailment",
    "Withholding relevant information": "information-withholding",
    "Ignoring good suggestions from other agent": "ignored-other-agents-input",
    "Misalignment between internal thoughts and response message": "reasoning-action-mismatch",
    "No attempt to verify outcome": "no-or-incomplete-verification",
    "Evaluator agent fails to be critical": "incorrect-verification",
}


def truths(run: Run, path: Path, ties: tuple[str, ...], codebooks: Codebooks, account: Account) -> Iterator[RunTruth]:
    """What a run's own file says of it."""
    reference = run.header.reference or {}
    key = f"{path.parent.name}/{path.name}#{run.header.item + 1}"  # the two halves of Who&When share file names
    if run.header.format in ("mast", "ag2"):
        yield from _mast(run, key, reference, ties, codebooks, account)
    elif run.header.format == "who-and-when":
        yield from _who_and_when(run, key, reference, ties, account)
    elif run.header.format == "tau-bench" and isinstance(reference.get("reward"), (int, float)):
        good = float(reference["reward"]) >= 1.0  # tau-bench: 1 if the database and all outputs are right, else 0
        yield RunTruth(TAU, "sound", key, _system(run), len(run.steps), good=good, ties=ties)


def _system(run: Run) -> str:
    """tau-bench names no system: its files are one agent's each."""
    return run.header.system or run.header.format


# -- MAST ---------------------------------------------------------------------------------------------------------


def _mast(
    run: Run, key: str, reference: Mapping[str, Any], ties: tuple[str, ...], codebooks: Codebooks, account: Account
) -> Iterator[RunTruth]:
    try:
        book = codebooks.get("mast")
    except UsageError:
        return
    span = Span(0, len(run.steps) - 1)
    rows = reference.get("annotations")
    table = book.crosswalk(str(run.header.facts.get("round") or ""))
    if isinstance(rows, list) and table is not None and (modes := human_labels(rows, table)):
        block = f"annotation {sha256(canonical(rows)).hexdigest()[:16]}"
        judged = (Judged(span, "majority of 3 annotators", modes),)
        yield RunTruth(MAST_HUMAN, "doubtful", key, _system(run), len(run.steps), judged, ties=(*ties, block))
    if "mast_annotation" in reference:
        account.left_out[BY_MODEL] += 1
    note = reference.get("note")
    options = note.get("options") if isinstance(note, dict) else None
    if isinstance(options, dict) and (modes := checklist(options, book)):
        yield RunTruth(
            MAST_NOTES, "sound", key, _system(run), len(run.steps), (Judged(span, "1 annotator", modes),), ties=ties
        )


def human_labels(rows: list[Any], table: Crosswalk) -> dict[str, Verdict]:
    """A row's annotations as modes of the present codebook: what most annotators said.

    A mode that several entries lead to is present if one of them is. One that no entry leads to was not asked about.
    """
    said: dict[str, bool] = {}
    for row in rows:
        entry = table.find(str(row.get("failure mode", ""))) if isinstance(row, dict) else None
        if entry is None:
            continue
        votes = [value for name, value in row.items() if name.startswith("annotator") and isinstance(value, bool)]
        if not votes or 2 * sum(votes) == len(votes):
            continue
        for slug in entry.to:
            said[slug] = said.get(slug, False) or 2 * sum(votes) > len(votes)
    # The draft of 17 counts a missing check as a weak one too, without ticking it: then "no" means nothing.
    missing, weak = "no-or-incomplete-verification", "incorrect-verification"
    if table.origin == "mast-draft-17" and said.get(missing) and not said.get(weak):
        said.pop(weak, None)
    return {f"{slug}@mast": Verdict(present) for slug, present in said.items()}


def checklist(options: Mapping[str, Any], book: Codebook) -> dict[str, Verdict]:
    """The notes' `options`: name -> "yes" or "no". Anything else was not answered."""
    said: dict[str, bool] = {}
    for name, answer in options.items():
        slug = CHECKLIST.get(name.strip())
        if slug in book.by_slug and answer in ("yes", "no"):
            said[slug] = said.get(slug, False) or answer == "yes"
    return {f"{slug}@mast": Verdict(present) for slug, present in said.items()}


# -- Who&When -----------------------------------------------------------------------------------------------------


def _who_and_when(
    run: Run, key: str, reference: Mapping[str, Any], ties: tuple[str, ...], account: Account
) -> Iterator[RunTruth]:
    """`mistake_step` counts messages from 0 and is a string; every message is one step."""
    try:
        step = int(str(reference.get("mistake_step")))
    except ValueError:
        return
    if not 0 <= step < len(run.steps):
        account.left_out[ODD_STEP] += 1
        return
    yield RunTruth(WHO_WHEN, "sound", key, _system(run), len(run.steps), decisive=step, good=False, ties=ties)
