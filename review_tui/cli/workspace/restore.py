"""`review-tui workspace restore SNAPSHOT`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli.settings import PATH, WORDS, db_option, json_option, yes_option
from review_tui.cli.workspace.carry import carry_out
from review_tui.cli.workspace.common import opened, store_option
from review_tui.cli.workspace.planned import Choices, choice_options


@click.command("restore")
@click.argument("snapshot", type=WORDS)
@click.option("--workspace", type=PATH, metavar="FOLDER", help="Must be the snapshot's own; a check against mistakes.")
@click.option(
    "--continued-by", "runs", type=WORDS, multiple=True, metavar="RUN", help="A run that went on from its run."
)
@click.option("--expect", metavar="FINGERPRINT", help="Of a plan's outcome: do exactly that, or nothing.")
@choice_options
@yes_option
@store_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    snapshot: str,
    workspace: Path | None,
    runs: tuple[str, ...],
    expect: str | None,
    choices: Choices,
    yes: bool,
    store: Path | None,
    as_json: bool,
) -> int:
    """Go back to SNAPSHOT: files, folders, links, modes and times become what they were. Without --yes only the plan is
    shown. What is there now is kept as a snapshot first; `undo` brings it back."""
    snapshots = opened(ctx, store)
    plan = snapshots.plan(workspace or snapshots.records.snapshot(snapshot).workspace, snapshot, runs=runs)
    return carry_out(snapshots, plan, choices, expect=expect, yes=yes, as_json=as_json, what="restore")
