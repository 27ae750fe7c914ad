"""`review-tui workspace snapshot FOLDER`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH, WORDS, db_option, json_option
from review_tui.cli.workspace.common import SIZE, opened, snapshot_json, snapshot_lines, store_option


@click.command("snapshot")
@click.argument("folder", type=PATH, default=Path())
@click.option(
    "--run", type=WORDS, default="", metavar="RUN", help="Whose work it is. Its snapshots are kept until `unpin`."
)
@click.option("--key", type=WORDS, default="", metavar="KEY", help="A name for this moment, such as the gate's.")
@click.option("--by-others", is_flag=True, help="What changed since the run's last snapshot was not the run's doing.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave paths or names out (*, ?). Repeatable.")
@click.option(
    "--skip-caches", is_flag=True, help="Leave folders out that tools make anew (node_modules, __pycache__ ...)."
)
@click.option("--file-cap", type=SIZE, metavar="SIZE", help="Leave larger files out. Default: 100MB.")
@click.option("--total-cap", type=SIZE, metavar="SIZE", help="Leave the largest files out until the rest fits.")
@click.option(
    "--max-files", type=click.IntRange(min=1), metavar="N", help="Refuse a folder with more. Default: 500000."
)
@click.option("--max-bytes", type=SIZE, metavar="SIZE", help="Refuse a folder with more. Default: 20GB.")
@store_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    folder: Path,
    run: str,
    key: str,
    by_others: bool,
    exclude: tuple[str, ...],
    skip_caches: bool,
    file_cap: int | None,
    total_cap: int | None,
    max_files: int | None,
    max_bytes: int | None,
    store: Path | None,
    as_json: bool,
) -> None:
    """Take a snapshot of FOLDER (here, if none is named) with all that is in it: ignored files, .git, empty folders,
    modes, times and links. What it does not cover is listed by `show`, and no restore ever touches it."""
    from sessions.workspace.policy import Policy

    limits = {"file_cap": file_cap, "total_cap": total_cap, "max_files": max_files, "max_bytes": max_bytes}
    given = {name: value for name, value in limits.items() if value is not None}
    policy = Policy(exclude=exclude, skip_caches=skip_caches, **given)
    info = opened(ctx, store).take(folder, run, key, policy, by_others=by_others)
    if as_json:
        output.emit("workspace-snapshot", {"snapshot": snapshot_json(info)})
    else:
        snapshot_lines(info)
