"""`review-tui merge OTHER.db`: take in what another database has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH, db_option, json_option, settings

if TYPE_CHECKING:
    from labels.merging import Merged


@click.command("merge")
@click.argument("other", type=PATH, metavar="OTHER.db")
@click.option("--dry-run", is_flag=True, help="Only say what would come.")
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, other: Path, dry_run: bool, as_json: bool) -> None:
    """Take in everything that OTHER.db has and this database has not: runs, decisions, suggestions, codebooks, queues.

    OTHER.db is read and not changed. Its logs are checked first; a damaged or forged file is refused. Merging twice
    changes nothing, and the order of merges does not matter. Where people decided differently, both votes stay.
    """
    from labels.merging import merge

    done = merge(settings(ctx).store(ctx, create=not dry_run), other, dry_run=dry_run)
    if as_json:
        output.emit("merge", _json(done))
    else:
        _print(done)


def _json(done: Merged) -> dict[str, Any]:
    return {
        "path": done.path, "origin": done.origin, "dry_run": done.dry_run,
        "runs": {"new": done.runs_new, "joined": done.runs_joined, "grown": done.runs_grown},
        "events": done.events,
        "chains": [{"origin": item.origin, "had": item.had, "new": item.new} for item in done.chains],
        "suggestions": done.suggestions, "codebooks": done.codebooks, "queues": done.queues,
        "decisions": done.decisions, "chunks_with_several_votes": done.voted, "decided_in_two_databases": done.twice,
        "notes": done.notes,
    }  # fmt: skip


def _print(done: Merged) -> None:
    runs = output.count(len(done.runs_new), "run")
    more = [f"{len(done.runs_joined):,} are here already" if done.runs_joined else ""]
    more.append(f"{len(done.runs_grown):,} have grown" if done.runs_grown else "")
    about = "; ".join(filter(None, more))
    output.line(f"{'would bring' if done.dry_run else 'brought'} {runs}{f' ({about})' if about else ''},")
    output.line(
        f"  {output.count(done.events, 'event')} from {output.count(len(done.chains), 'log')},"
        f" {output.count(done.suggestions, 'suggestion')}, {output.count(done.codebooks, 'codebook')},"
        f" {output.count(done.queues, 'queue')}"
    )
    if done.voted:
        output.line(f"  {output.count(done.voted, 'chunk')} with votes of several reviewers")
    if done.twice:
        output.line(f"  {output.count(done.twice, 'decision')} made under one name in two databases: read both")
    for text in done.notes:
        output.note(f"review-tui: {text}")
