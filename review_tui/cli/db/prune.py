"""`review-tui db prune`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.settings import db_option, json_option, settings, yes_option
from review_tui.sanitize import short
from sessions.catalog import RunInfo


@click.command("prune")
@click.option("--older-than", "days", type=click.IntRange(min=0), default=90, show_default=True, metavar="DAYS")
@yes_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, days: int, yes: bool, as_json: bool) -> int:
    """Remove runs on which nobody ever decided anything and that nobody imported or opened for DAYS days, and give
    their room back to the disk. A run with a decision, undone or not, is never touched."""
    from labels.maintenance import delete_run, unused_runs
    from sessions.maintenance import reclaim

    store = settings(ctx).store(ctx)
    found = unused_runs(store, days)
    freed = 0
    if yes and found:
        for run in found:
            delete_run(store, run, with_decisions=False)
        freed = reclaim(store)
    if as_json:
        rows = [{"id": run.id, "title": run.title, "steps": run.steps, "chars": run.chars} for run in found]
        output.emit("db-prune", {"removed": yes and bool(found), "runs": rows, "freed_bytes": freed})
    else:
        _print(found, days, yes, freed)
    if found and not yes:
        output.note("review-tui: nothing was removed. --yes removes these runs.")
        return FAILED
    return DONE


def _print(found: list[RunInfo], days: int, removed: bool, freed: int) -> None:
    if not found:
        output.line(f"there is nothing to remove: every run has decisions, or was used within {days} days.")
        return
    for run in found:
        output.line(f"{run.id[:8]}  {output.count(run.steps, 'step')}  {short(run.title or '(no title)', 60)}")
    if removed:
        output.line(f"removed {output.count(len(found), 'run')}; {freed:,} bytes are free again.")
