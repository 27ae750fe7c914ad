"""`review-tui import-labels PATH...`: votes that came with corpora."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH, codebook_option, db_option, json_option, settings

if TYPE_CHECKING:
    from labels.importing import Imported


@click.command("import-labels")
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="PATH...")
@codebook_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...], as_json: bool) -> None:
    """Enter labels that others published as votes of outside annotators.

    PATH is a file or a folder of MAST, Who&When, AgentRx, AG2 gold labels, tau-bench, agentdash's output, reference
    labels or a release. The labelled runs are imported where they are not there yet; runs that two corpora labelled
    become one run with the votes of both. Nobody's own decisions are touched, and doing it twice adds nothing.
    """
    from labels.importing import import_labels

    given = settings(ctx)
    books = given.load_codebooks()
    done = import_labels(given.store(ctx, create=True), list(paths), books)
    if as_json:
        output.emit("import-labels", _json(done))
    else:
        _print(done)


def _json(done: Imported) -> dict[str, Any]:
    return {
        "runs": sorted(done.runs), "runs_new": done.runs_new, "linked": sorted(done.linked),
        "annotators": [
            {
                "reviewer": item.annotator, "corpus": item.corpus, "new": item.new, "changed": item.changed,
                "known": item.known, "labels": item.labels, "none": item.none, "repeats": item.repeats,
            }
            for item in done.sources.values()
        ],
        "left_out": [{"reason": reason, "count": count} for reason, count in sorted(done.left_out.items())],
        "notes": done.notes,
    }  # fmt: skip


def _print(done: Imported) -> None:
    new = f", {done.runs_new:,} of them new" if done.runs_new else ""
    output.line(f"labels of {output.count(len(done.runs), 'run')}{new}:")
    rows = [("annotator", "votes", "new", "changed", "labels", "none", "no own reading")]
    for item in done.sources.values():
        votes = item.new + item.changed + item.known
        counts = (votes, item.new, item.changed, item.labels, item.none, item.repeats)
        rows.append((item.annotator, *(f"{number:,}" for number in counts)))  # type: ignore[arg-type]
    output.table(rows, right=frozenset(range(1, 7)))
    if done.linked:
        output.line(f"{output.count(len(done.linked), 'run')} with votes by several codebooks: `agree --steps`")
    for text in done.notes:
        output.note(text)
    for reason, count in sorted(done.left_out.items()):
        output.note(f"left out: {count:,} {reason}.")
