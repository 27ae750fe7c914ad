"""The import: finds labelled runs, brings them into the database, and enters their annotators' votes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from labels.codebook import Codebooks
from labels.glance import OUTSIDE_PREFIX
from labels.importing import beside, inside, models, released
from labels.importing.inside import Blocks
from labels.importing.report import Imported, Source
from labels.importing.vote import OutsideVote, record
from labels.scoring.corpora import runs_of, sidecars
from labels.scoring.corpora.sidecars import Sidecar
from sessions import catalog, discover
from sessions.catalog import RunInfo
from sessions.errors import UserError
from sessions.ingest import import_file
from sessions.keys import path_text
from sessions.run import Run
from sessions.store import Store

TWICE = "votes of an annotator on a run that they had judged before (the same text stands in several rows)"


def import_labels(store: Store, paths: Sequence[Path], codebooks: Codebooks) -> Imported:
    """Enter every vote under these paths. Runs are imported where they are not in the database yet.

    Raises UserError for a path that is not there, and where nothing had a label.
    """
    for path in paths:
        if not path.exists():
            raise UserError(f"there is no file or folder {path}.", "Check the path.")
    report = Imported()
    files = sidecars.find(paths)
    answers = models.find(paths)
    homes = [path.parent if any(file.path == path for file in files) else path for path in paths]
    named = [path for path in homes if path not in answers]
    search = discover.find(list(dict.fromkeys(named)))
    for found in search:
        _file(store, found.path, found.format, files, codebooks, report)
    models.enter(store, answers, codebooks, report, lambda run, vote: _enter(store, run, vote, report))
    if not report.sources:
        names = ", ".join(str(path) for path in paths)
        raise UserError(
            f"there are no labels in {names}.", "docs/agreement.md lists the corpora whose labels it reads."
        )
    for file in files:
        report.left_out.update(
            {reason: count for reason, count in file.unmatched().items() if "without a run" in reason}
        )
    report.left_out = inside.leftover(report)
    report.linked = _linked(store, report.runs)
    return report


def _file(
    store: Store, path: Path, format: str, files: Sequence[Sidecar], codebooks: Codebooks, report: Imported
) -> None:
    """The votes on the runs of one file."""
    blocks = Blocks()
    stored = False
    new: set[str] = set()
    for run in runs_of(path, format):
        votes = [*_votes(run, path, files, codebooks, blocks, report)] if run.steps else []
        if not votes:
            continue
        if not stored:
            done = import_file(store, path, format)
            new = {item.run for item in done.runs if item.outcome == "new"}
            stored = True
        info = _stored(store, path, run.header.item)
        if info is None:
            report.left_out["votes on runs that could not be stored"] += len(votes)
            continue
        report.runs_new += info.id in new and info.id not in report.runs
        for vote in votes:
            _enter(store, info, vote, report)
    if blocks.distinct < blocks.rows:
        report.notes.append(
            f"{path.name}: {blocks.rows} rows hold {blocks.distinct} distinct blocks of annotations. A block counts for"
            " the run beside which it stands first; the others are kept and marked as no reading of their own."
        )


def _votes(
    run: Run, path: Path, files: Sequence[Sidecar], codebooks: Codebooks, blocks: Blocks, report: Imported
) -> Iterator[OutsideVote]:
    yield from inside.votes(run, codebooks, blocks, report)
    yield from released.votes(run, path, codebooks, report)
    yield from beside.votes(run, path, files, codebooks, report)


def _stored(store: Store, path: Path, item: int) -> RunInfo | None:
    row = store.one("SELECT run FROM source WHERE path = ? AND item = ?", [path_text(path), item])
    return catalog.run_by_id(store, row[0]) if row else None


def _enter(store: Store, run: RunInfo, vote: OutsideVote, report: Imported) -> None:
    key = (run.id, vote.reviewer, (vote.cut.first, vote.cut.last) if vote.cut else None)
    if key in report.entered:
        # Two rows on one text: the first reading stands, whatever the second says.
        report.left_out[TWICE] += 1
        return
    source = report.sources.setdefault(vote.annotator, Source(vote.reviewer, vote.corpus))
    outcome = record(store, run, vote)
    setattr(source, outcome, getattr(source, outcome) + 1)
    source.labels += len(vote.said)
    source.none += not vote.said
    source.repeats += not vote.independent
    report.runs.add(run.id)
    report.entered.add(key)


def _linked(store: Store, runs: set[str]) -> set[str]:
    """Runs on which annotators of several corpora have voted."""
    corpora: dict[str, set[str]] = {}
    rows = store.query(
        "SELECT DISTINCT run, codebook FROM label WHERE reviewer >= ? AND reviewer < ?",
        [OUTSIDE_PREFIX, OUTSIDE_PREFIX[:-1] + chr(ord(OUTSIDE_PREFIX[-1]) + 1)],
    )
    for run, book in rows:
        corpora.setdefault(run, set()).add(book)
    return {run for run in runs if len(corpora.get(run, ())) > 1}
