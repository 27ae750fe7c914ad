"""`review-tui workspace resume`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.settings import db_option, json_option
from review_tui.cli.workspace.common import opened, restore_json, restore_lines, store_option


@click.command("resume")
@store_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, store: Path | None, as_json: bool) -> int:
    """Finish restores that were interrupted: by a crash, a kill, a full disk or a power cut."""
    found = opened(ctx, store).resume_interrupted()
    if as_json:
        output.emit("workspace-resume", {"restores": [restore_json(info) for info in found]})
    elif not found:
        output.line("no restore was interrupted.")
    else:
        for info in found:
            if info.state == "left":
                output.line(f"restore {info.id[:12]} of {info.workspace} had not begun: nothing was to be done.")
            else:
                restore_lines(info)
    return FAILED if any(info.problem or info.failed for info in found) else DONE
