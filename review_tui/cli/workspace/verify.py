"""`review-tui workspace verify`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.settings import db_option, json_option
from review_tui.cli.workspace.common import opened, store_option, text_of


@click.command("verify")
@store_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, store: Path | None, as_json: bool) -> int:
    """Read all that is kept, and check that every snapshot could be restored byte for byte."""
    snapshots = opened(ctx, store)
    wrong = snapshots.verify()
    number = len(snapshots.records.snapshots())
    if as_json:
        output.emit(
            "workspace-verify",
            {"ok": not wrong, "store": text_of(str(snapshots.folder)), "snapshots": number, "damage": wrong},
        )
    elif not wrong:
        output.line(f"{snapshots.folder} is sound: {output.count(number, 'snapshot')}.")
    for text in wrong:
        output.note(f"review-tui: {text}")
    return FAILED if wrong else DONE
