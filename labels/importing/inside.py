"""Votes that stand in a run's own file: MAST, Who&When, tau-bench."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from labels.codebook import Codebook, Codebooks, Crosswalk
from labels.importing.books import ATTRIBUTION, OUTCOME, outside
from labels.importing.report import Imported
from labels.importing.vote import OutsideVote, Said, whole
from labels.scoring.corpora.inside import checklist, human_labels
from labels.scoring.truth import Verdict
from labels.wordless import MAST_ANNOTATOR, MAST_JUDGE, TAU_REWARD
from sessions.errors import UsageError
from sessions.jsontext import canonical
from sessions.run import Run

MAST_HUMAN, MAST_NOTES, MAST_FULL = "MAST human labels", "MAST trace notes", "MAST full set"
WHO_WHEN, TAU = "Who&When", "tau-bench"

NO_STEP = "Who&When votes whose step is not in the run"
NO_ROUND = "rows of MAST's human labels from a round that no crosswalk knows"
UNMAPPED = "annotations of draft modes that the present codebook has no mode for"
UNANSWERED = "annotations that are neither yes nor no"


class Blocks:
    """Which block of annotations stood beside which run first: a block that comes again beside another run was read
    once, whatever the file says."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}
        self.rows = 0

    def first(self, block: str, where: str) -> str:
        """Where this block stood first."""
        self.rows += 1
        return self._seen.setdefault(block, where)

    @property
    def distinct(self) -> int:
        return len(self._seen)


def votes(run: Run, codebooks: Codebooks, blocks: Blocks, report: Imported) -> Iterator[OutsideVote]:
    """What a run's own file says of it."""
    reference = run.header.reference or {}
    if run.header.format in ("mast", "ag2"):
        yield from _mast(run, reference, codebooks, blocks, report)
    elif run.header.format == "who-and-when":
        yield from _who_and_when(run, reference, report)
    elif run.header.format == "tau-bench":
        yield from _tau(run, reference)


# -- MAST -----------------------------------------------------------------------------------------------------------


def _mast(
    run: Run, reference: Mapping[str, Any], codebooks: Codebooks, blocks: Blocks, report: Imported
) -> Iterator[OutsideVote]:
    try:
        book = codebooks.get("mast")
    except UsageError:
        return
    if isinstance(rows := reference.get("annotations"), list):
        yield from _human(run, rows, book, blocks, report)
    if isinstance(said := reference.get("mast_annotation"), dict):
        yield from _by_model(run, said, book, report)
    note = reference.get("note")
    options = note.get("options") if isinstance(note, dict) else None
    if isinstance(options, dict) and (modes := checklist(options, book)):
        text = str(note.get("text") or "") if isinstance(note, dict) else ""
        yield _vote("mast-notes", MAST_NOTES, book, modes, run, note=text)


def _human(run: Run, rows: list[Any], book: Codebook, blocks: Blocks, report: Imported) -> Iterator[OutsideVote]:
    """Three annotators' answers on the modes of a draft, read through the draft's crosswalk."""
    name = str(run.header.facts.get("round") or "")
    table = book.crosswalk(name)
    if table is None:
        report.left_out[NO_ROUND] += 1
        return
    where = f"row {run.header.item + 1}"
    first = blocks.first(sha256(canonical(rows)).hexdigest(), where)
    note = f"{name} of MAST's human labels, read through {table.origin}."
    if first != where:
        note += f" The same annotations stand beside {first}: at most one of the two runs was read for them."
    _count_rows(rows, table, report)
    wording = _wording(rows, table, name)
    for key in sorted({key for row in rows if isinstance(row, dict) for key in row if key.startswith("annotator")}):
        own = [{"failure mode": row.get("failure mode"), key: row.get(key)} for row in rows if isinstance(row, dict)]
        if modes := human_labels(own, table):
            number = key.removeprefix("annotator").strip("_ ")
            yield _vote(
                f"{MAST_ANNOTATOR}{number}", MAST_HUMAN, book, modes, run, note=note, wording=wording,
                independent=first == where,
            )  # fmt: skip


def _count_rows(rows: list[Any], table: Crosswalk, report: Imported) -> None:
    for row in rows:
        if not isinstance(row, dict):
            continue
        entry = table.find(str(row.get("failure mode", "")))
        answers = [value for key, value in row.items() if key.startswith("annotator")]
        if entry is None or not entry.to:
            report.left_out[UNMAPPED] += len(answers)
        else:
            report.left_out[UNANSWERED] += sum(not isinstance(value, bool) for value in answers)


def _wording(rows: list[Any], table: Crosswalk, name: str) -> dict[str, str]:
    """Mode -> what it was called when the annotators answered."""
    found: dict[str, list[str]] = {}
    for row in rows:
        title = str(row.get("failure mode", "") if isinstance(row, dict) else "").strip().split("\n", 1)[0]
        entry = table.find(title)
        for slug in entry.to if entry else ():
            found.setdefault(slug, []).append(title)
    return {slug: f"{name}: {', '.join(titles)}" for slug, titles in found.items()}


def _by_model(run: Run, said: Mapping[str, Any], book: Codebook, report: Imported) -> Iterator[OutsideVote]:
    table = book.crosswalk("MAD_full_dataset.json")
    modes: dict[str, Verdict] = {}
    for code, value in said.items():
        entry = table.find(str(code)) if table else None
        if entry is None or value not in (0, 1):
            report.left_out[UNANSWERED] += 1
            continue
        modes |= {f"{slug}@{book.id}": Verdict(value == 1) for slug in entry.to}
    if modes:
        note = "A language model's answers: the full set of MAST was not read by people."
        yield _vote(MAST_JUDGE, MAST_FULL, book, modes, run, note=note)


def _vote(
    annotator: str,
    corpus: str,
    book: Codebook,
    modes: Mapping[str, Verdict],
    run: Run,
    *,
    note: str = "",
    wording: Mapping[str, str] | None = None,
    independent: bool = True,
) -> OutsideVote:
    """Yes and no to modes of a run as a whole."""
    said = {key.partition("@")[0]: verdict.present for key, verdict in modes.items()}
    present = [whole(run.steps, slug, (wording or {}).get(slug, "")) for slug, yes in said.items() if yes]
    return OutsideVote(annotator, corpus, book, tuple(present), tuple(said), note, independent)


# -- Who&When -------------------------------------------------------------------------------------------------------


def _who_and_when(run: Run, reference: Mapping[str, Any], report: Imported) -> Iterator[OutsideVote]:
    """`mistake_step` is a string that counts messages from 0; every message is one step."""
    if "mistake_step" not in reference:
        return
    text = str(reference["mistake_step"]).strip()
    step = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else -1
    if not 0 <= step < len(run.steps):
        report.left_out[NO_STEP] += 1
        return
    agent = str(reference.get("mistake_agent") or "").strip() or None
    reason = " ".join(str(reference.get("mistake_reason") or "").split())
    said = Said("decisive-error", step, step, reason, agent, root_cause=True)
    yield OutsideVote("who-and-when", WHO_WHEN, outside(ATTRIBUTION), (said,))


# -- tau-bench ------------------------------------------------------------------------------------------------------


def _tau(run: Run, reference: Mapping[str, Any]) -> Iterator[OutsideVote]:
    """Reward 1: the data base and all outputs are as they should be; anything less: they are not."""
    reward = reference.get("reward")
    if not isinstance(reward, (int, float)) or isinstance(reward, bool):
        return
    failed = float(reward) < 1.0
    said = (whole(run.steps, "goal-not-reached", f"reward {float(reward):g}"),) if failed else ()
    yield OutsideVote(TAU_REWARD, TAU, outside(OUTCOME), said)


def leftover(report: Imported) -> Counter[str]:
    """What was left out, without what did not occur."""
    return Counter({reason: count for reason, count in report.left_out.items() if count})
