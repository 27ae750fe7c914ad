"""`review-tui workspace undo [RESTORE]`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli.settings import PATH, WORDS, db_option, json_option, yes_option
from review_tui.cli.workspace.carry import carry_out
from review_tui.cli.workspace.common import opened, store_option
from review_tui.cli.workspace.planned import Choices, choice_options
from sessions.errors import UserError


@click.command("undo")
@click.argument("restore", type=WORDS, required=False)
@click.option("--workspace", type=PATH, metavar="FOLDER", help="Without RESTORE: the last restore of this folder.")
@choice_options
@yes_option
@store_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    restore: str | None,
    workspace: Path | None,
    choices: Choices,
    yes: bool,
    store: Path | None,
    as_json: bool,
) -> int:
    """Take RESTORE back: what it changed becomes what it was before. Without RESTORE, the last one that was not undone
    yet. An undo is a restore, too: it can be taken back by its own id."""
    snapshots = opened(ctx, store)
    if restore is None:
        where = workspace.resolve() if workspace is not None else None
        found = [
            info
            for info in snapshots.records.restores(where)
            if not (info.undone_by or info.undoes or info.state == "left")
        ]
        if not found:
            raise UserError("there is no restore to undo.", "`review-tui workspace list` shows what there is.")
        restore = found[-1].id
    plan = snapshots.plan_undo(restore)
    return carry_out(snapshots, plan, choices, expect=None, yes=yes, as_json=as_json, what="undo")
