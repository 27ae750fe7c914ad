"""Votes that stand in a file beside the runs: AgentRx, AG2 gold labels, reference labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labels.codebook import Codebook, Codebooks
from labels.importing.books import AGENTRX, outside
from labels.importing.report import Imported
from labels.importing.vote import OutsideVote, Quote, Said, whole
from labels.scoring.corpora.sidecars import Ag2Gold, AgentRx, ReferenceLabels, Sidecar
from labels.scoring.truth import RunTruth, Verdict
from sessions.run import Run

AGENTRX_CORPUS, AG2_CORPUS, REFERENCE_CORPUS = "AgentRx", "AG2 gold labels", "reference labels"

NO_STEP = "AgentRx failures whose step is not in the run"
NO_CAUSE = "AgentRx runs whose root cause is none of their failures"
NEW_CATEGORY = "AgentRx failures of a category that is not known (kept as other-failure)"


def votes(
    run: Run, path: Path, files: Sequence[Sidecar], codebooks: Codebooks, report: Imported
) -> Iterator[OutsideVote]:
    """What these files say of a run that was read from `path`."""
    for file in files:
        if isinstance(file, AgentRx):
            file.truths(run, path, (), codebooks)  # notes that the run turned up
            if (item := file.item_of(path)) is not None:
                yield from _agentrx(run, item, report)
        elif isinstance(file, Ag2Gold):
            for truth in file.truths(run, path, (), codebooks):
                yield from _judged(run, truth, codebooks, "ag2-gold", AG2_CORPUS, file.notes_of(run))
        elif isinstance(file, ReferenceLabels):
            for truth in file.truths(run, path, (), codebooks):
                yield from _judged(run, truth, codebooks, "reference", REFERENCE_CORPUS, "")


# -- AgentRx --------------------------------------------------------------------------------------------------------


def _plain(text: str) -> str:
    """A name without what spelling varies in: case, blanks, dashes, strokes."""
    return "".join(char for char in text.casefold() if char.isalnum())


def category(text: str, book: Codebook) -> str | None:
    """The mode that a category's name means, however it is spelled; None if there is none."""
    wanted = _plain(text)
    for mode in book.modes:
        if wanted and wanted in {_plain(name) for name in (mode.name, *mode.aliases)}:
            return mode.slug
    return None


def _agentrx(run: Run, item: Mapping[str, Any], report: Imported) -> Iterator[OutsideVote]:
    """Every failing step with its category. Steps count from 1 (see `labels.scoring.corpora.sidecars.AgentRx`)."""
    book = outside(AGENTRX)
    cause = item.get("root_cause")
    root = str(cause.get("failure_id")) if isinstance(cause, dict) else ""
    said: list[Said] = []
    for failure in item["failures"]:
        number = failure.get("step_number") if isinstance(failure, dict) else None
        if not isinstance(number, int) or not 1 <= number <= len(run.steps):
            report.left_out[NO_STEP] += 1
            continue
        name = str(failure.get("failure_category") or "")
        mode = category(name, book)
        if mode is None:
            report.left_out[NEW_CATEGORY] += 1
        reasons = [failure.get("step_reason"), failure.get("category_reason")]
        note = " / ".join(dict.fromkeys(" ".join(str(text).split()) for text in reasons if text))
        said.append(
            Said(
                mode or "other-failure", number - 1, number - 1, note if mode else f"{name}: {note}",
                str(failure.get("failed_agent") or "").strip() or None, str(failure.get("failure_id")) == root,
            )
        )  # fmt: skip
    if said and not any(one.root_cause for one in said):
        report.left_out[NO_CAUSE] += 1
    why = str(cause.get("reason_for_root_cause") or "") if isinstance(cause, dict) else ""
    note = " ".join(f"{item.get('failure_summary') or ''} {why}".split())
    yield OutsideVote("agentrx", AGENTRX_CORPUS, book, tuple(said), note=note)


# -- modes judged on the whole run ----------------------------------------------------------------------------------


def _judged(
    run: Run, truth: RunTruth, codebooks: Codebooks, annotator: str, corpus: str, note: str
) -> Iterator[OutsideVote]:
    """One vote for each codebook. A second codebook's goes under a name of its own, so that neither replaces the
    other."""
    by_book: dict[str, dict[str, Verdict]] = {}
    for unit in truth.judged:
        for key, verdict in unit.modes.items():
            slug, _, name = key.partition("@")
            by_book.setdefault(name, {})[slug] = verdict
    for name, modes in by_book.items():
        said = tuple(one for slug, verdict in modes.items() if verdict.present for one in _places(run, slug, verdict))
        own = annotator if name == "mast" else f"{annotator}-{name}"
        yield OutsideVote(own, corpus, codebooks.get(name), said, tuple(modes), note)


def _places(run: Run, slug: str, verdict: Verdict) -> Iterator[Said]:
    """A mode where the source says it is, with what it quotes there."""
    if not verdict.spans:
        yield whole(run.steps, slug)
    for span in verdict.spans:
        if not 0 <= span.first <= span.last < len(run.steps):
            continue
        quotes = tuple(
            Quote(
                place.step,
                place.part,
                place.start,
                run.steps[place.step].parts[place.part].text[place.start : place.end],
            )
            for place in verdict.passages
            if place.part is not None and place.start is not None and span.first <= place.step <= span.last
        )
        yield Said(slug, span.first, span.last, quotes=quotes)
