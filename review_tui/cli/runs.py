"""`review-tui runs`: what is in the database."""

from __future__ import annotations

from typing import Any

import click

from review_tui.cli import output
from review_tui.cli.settings import db_option, json_option, reviewer_option, settings
from review_tui.sanitize import short
from sessions.catalog import RunInfo

TITLE_WIDTH = 60


@click.command("runs")
@db_option
@reviewer_option
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the runs in the database, newest first, with how far you are (chunks of five steps)."""
    from labels.glance import decided_chunks
    from sessions import catalog
    from sessions.chunks import DEFAULT_POLICY

    given = settings(ctx)
    if not given.db_path().exists():
        found, decided = [], {}
    else:
        store = given.store(ctx)
        found, decided = catalog.runs(store), decided_chunks(store, DEFAULT_POLICY)
    entries = [_entry(run, decided.get(run.id, {})) for run in found]
    if as_json:
        output.emit("runs", {"runs": entries})
    elif entries:
        _print(entries, given.reviewer_name())
    else:
        output.note(f"there are no runs in {given.db_path()} yet: `review-tui import PATH` adds some.")


def _entry(run: RunInfo, decided: dict[str, int]) -> dict[str, Any]:
    return {
        "id": run.id, "content_id": run.content_id, "state": run.state, "format": run.format, "title": run.title,
        "task": run.task, "system": run.system, "model": run.model, "started_at": run.started_at,
        "added_at": run.added_at, "path": run.path, "item_number": run.item + 1, "actors": run.actors,
        "steps": run.steps, "chunks": _chunks(run), "chars": run.chars, "errors": run.errors,
        "problems": run.problems, "decided": decided,
    }  # fmt: skip


def _chunks(run: RunInfo) -> int:
    from sessions.chunks import DEFAULT_POLICY, Policy

    return -(-run.steps // Policy.parse(DEFAULT_POLICY).size)


def _print(entries: list[dict[str, Any]], reviewer: str) -> None:
    rows = [("run", "steps", "chunks", "decided", "format", "title")]
    for entry in entries:
        title = short(entry["title"] or "(no title)", TITLE_WIDTH)
        if entry["state"] != "complete":
            title += "  (live)" if entry["state"] == "live" else "  (not read to its end)"
        done = str(entry["decided"].get(reviewer, 0) or "-")
        rows.append((entry["id"][:8], f"{entry['steps']:,}", f"{entry['chunks']:,}", done, entry["format"], title))
    output.table(rows, right=frozenset({1, 2, 3}))
