"""`review-tui workspace plan SNAPSHOT`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH, WORDS, db_option, json_option
from review_tui.cli.workspace.common import opened, store_option
from review_tui.cli.workspace.planned import Choices, choice_options, plan_json, plan_lines, resolved


@click.command("plan")
@click.argument("snapshot", type=WORDS)
@click.option("--workspace", type=PATH, metavar="FOLDER", help="Must be the snapshot's own; a check against mistakes.")
@click.option(
    "--continued-by", "runs", type=WORDS, multiple=True, metavar="RUN", help="A run that went on from its run."
)
@choice_options
@store_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    snapshot: str,
    workspace: Path | None,
    runs: tuple[str, ...],
    choices: Choices,
    store: Path | None,
    as_json: bool,
) -> None:
    """What going back to SNAPSHOT would do; nothing is touched. `!` marks what somebody else changed since the run's
    last snapshot: it is kept unless you choose otherwise."""
    snapshots = opened(ctx, store)
    plan = snapshots.plan(workspace or snapshots.records.snapshot(snapshot).workspace, snapshot, runs=runs)
    _, outcome = resolved(plan, choices)
    if as_json:
        output.emit("workspace-plan", {"plan": plan_json(plan, outcome)})
    else:
        plan_lines(plan, outcome)
