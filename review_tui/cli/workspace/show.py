"""`review-tui workspace show SNAPSHOT`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, db_option, json_option
from review_tui.cli.workspace.common import (
    opened,
    paths_lines,
    size_text,
    snapshot_json,
    snapshot_lines,
    store_option,
    text_of,
)


@click.command("show")
@click.argument("snapshot", type=WORDS)
@store_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, snapshot: str, store: Path | None, as_json: bool) -> None:
    """What SNAPSHOT covers, and path by path what it does not."""
    snapshots = opened(ctx, store)
    info = snapshots.records.snapshot(snapshot)
    missing = snapshots.not_covered(info.id)
    if as_json:
        rows = [{"path": text_of(path), "reason": reason, "bytes": size} for path, reason, size in missing]
        content = {"snapshot": snapshot_json(info), "policy": info.policy.as_dict(), "not_covered_paths": rows}
        output.emit("workspace-show", content)
        return
    snapshot_lines(info)
    paths_lines((f"{text_of(path)}: {reason}, {size_text(size)}" for path, reason, size in missing), len(missing))
