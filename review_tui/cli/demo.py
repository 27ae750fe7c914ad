"""`review-tui demo`: a live agent in a scratch workspace, gated, to try everything on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from review_tui.cli import output
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.open import has_terminal
from review_tui.cli.settings import PATH, settings
from sessions.errors import UserError

if TYPE_CHECKING:
    from sessions.demo.scratch import Scratch


@click.command("demo")
@click.option("--headless", is_flag=True, help="No screen: play the reviewer's part too, and print what was restored.")
@click.option("--dir", "folder", type=PATH, metavar="FOLDER", help="Work in this empty folder, and keep it.")
@click.option("--keep", is_flag=True, help="Keep the scratch folder.")
@click.pass_context
def command(ctx: click.Context, headless: bool, folder: Path | None, keep: bool) -> int:
    """An agent looks for the cause of a slow checkout, under a code freeze, in a scratch workspace of its own.

    It waits for you at every gate. At the third it has dropped a table, invented rows and edited the log: roll it back
    (r), see the database come back byte for byte, and approve what it does once it was told.

    Nothing of yours is touched: database, workspace and snapshots lie in the scratch folder.
    """
    if not headless and not has_terminal():
        raise UserError("the station needs a terminal, and this is none.", "`review-tui demo --headless` needs none.")
    from sessions.demo.scratch import Scratch

    scratch = Scratch.make(folder)
    try:
        return _headless(scratch) if headless else _station(scratch, settings(ctx).reviewer_name())
    finally:
        if keep or folder is not None:
            output.note(f"kept: {scratch.folder}")
        else:
            scratch.remove()


def _headless(scratch: Scratch) -> int:
    from review_tui.cli.demo_headless import play

    whole = play(scratch, output.line)
    output.line("everything came back byte for byte" if whole else "NOT EVERYTHING CAME BACK")
    return DONE if whole else FAILED


def _station(scratch: Scratch, reviewer: str) -> int:
    from labels.glance import check_reviewer
    from review_tui import app
    from sessions.demo.scratch import end, next_gate
    from sessions.store import Store
    from sessions.workspace.database import STORE_VARIABLE

    os.environ[STORE_VARIABLE] = str(scratch.snapshots)  # where the agent keeps them, and this process looks for them
    agent = scratch.start_agent()
    try:
        with Store.open(scratch.db) as store:
            gate = next_gate(store, scratch, agent)
        app.run(scratch.db, [], check_reviewer(reviewer), gate=gate)
    finally:
        end(agent)
    return DONE
