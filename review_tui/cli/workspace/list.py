"""`review-tui workspace list`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH, WORDS, db_option, json_option
from review_tui.cli.workspace.common import (
    counts_text,
    opened,
    restore_json,
    size_text,
    snapshot_json,
    store_option,
    text_of,
)


@click.command("list")
@click.argument("folder", type=PATH, required=False)
@click.option("--run", type=WORDS, metavar="RUN", help="Only snapshots of this run.")
@store_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, folder: Path | None, run: str | None, store: Path | None, as_json: bool) -> None:
    """List the snapshots, oldest first, and the restores; of FOLDER, if one is named."""
    snapshots = opened(ctx, store)
    where = folder.resolve() if folder is not None else None
    found = snapshots.records.snapshots(where, run)
    restores = [info for info in snapshots.records.restores(where) if run is None or info.run == run]
    pinned = snapshots.records.pinned()
    if as_json:
        content = {
            "store": {"path": text_of(str(snapshots.folder)), "bytes": snapshots.size(), "budget": snapshots.budget},
            "snapshots": [{**snapshot_json(info), "pinned": info.run in pinned} for info in found],
            "restores": [restore_json(info) for info in restores],
        }
        output.emit("workspace-list", content)
        return
    if not found:
        output.line("there are no snapshots here yet: `review-tui workspace snapshot FOLDER` takes one.")
    rows = [
        [
            info.id[:12],
            info.at[:19],
            info.kind,
            f"{info.run or '-'}{' (pinned)' if info.run in pinned else ''}",
            info.key if info.kind == "taken" and info.key else "-",
            f"{info.files:,}",
            size_text(info.bytes),
            str(info.workspace),
        ]
        for info in found
    ]
    if rows:
        output.table([["snapshot", "at (UTC)", "kind", "run", "key", "files", "size", "workspace"], *rows])
    for info in restores:
        undone = f", undone by {info.undone_by[:12]}" if info.undone_by else ""
        output.line(f"restore {info.id[:12]}  {info.at[:19]}  {info.state}{undone}: {counts_text(info.counts)}")
    output.line(f"{snapshots.folder}: {size_text(snapshots.size())} of {size_text(snapshots.budget)}")
