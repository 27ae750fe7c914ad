"""`review-tui workspace gc`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.settings import WORDS, db_option, json_option, yes_option
from review_tui.cli.workspace.common import SIZE, opened, size_text, store_option, text_of


@click.command("gc")
@click.option("--budget", type=SIZE, metavar="SIZE", help="What the store may take. Default: 10GB.")
@click.option("--protect", type=WORDS, multiple=True, metavar="SNAPSHOT", help="Keep this one, too. Repeatable.")
@yes_option
@store_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context, budget: int | None, protect: tuple[str, ...], yes: bool, store: Path | None, as_json: bool
) -> int:
    """Make the store fit its budget: the oldest snapshots of finished runs go, and whatever nothing needs any more.
    Snapshots of unfinished (pinned) runs, and what undoing the last restore of a workspace needs, always stay."""
    snapshots = opened(ctx, store)
    protected = [snapshots.records.snapshot(text).id for text in protect]
    found = snapshots.collect(budget, protected=protected, really=yes)
    if as_json:
        rows = [{"id": info.id, "at": info.at, "run": info.run or None, "workspace": text_of(str(info.workspace))}
                for info in found.removed]  # fmt: skip
        content = {"removed": found.done, "snapshots": rows, "freed_bytes": found.freed, "bytes": found.size,
                   "budget": found.budget, "over_budget": found.over_budget}  # fmt: skip
        output.emit("workspace-gc", content)
    else:
        for info in found.removed:
            output.line(f"{info.id[:12]}  {info.at[:19]}  run {info.run or '-'}  {info.workspace}")
        did = "removed" if found.done else "this removes"
        output.line(f"{did} {output.count(len(found.removed), 'snapshot')}; {size_text(found.freed)} free.")
        if found.over_budget:
            output.line("the rest is over the budget, and belongs to unfinished runs (`workspace unpin RUN`).")
    if not yes and (found.removed or found.freed):
        output.note("review-tui: nothing was removed. --yes removes it.")
        return FAILED
    return DONE
