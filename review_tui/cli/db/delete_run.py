"""`review-tui db delete-run RUN`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.settings import WORDS, db_option, find_run, json_option, settings, yes_option
from review_tui.sanitize import short


@click.command("delete-run")
@click.argument("run", type=WORDS)
@click.option("--with-decisions", is_flag=True, help="Even though people have decided on it.")
@yes_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, run: str, with_decisions: bool, yes: bool, as_json: bool) -> int:
    """Delete the steps, texts, raw records and suggestions of RUN.

    Decisions are events in a log that only grows: those on this run stay there, with the passages that they quote. A
    run that has any is deleted only with --with-decisions. The file it was read from is not touched.
    """
    from labels.maintenance import delete_run, event_count
    from sessions.maintenance import reclaim

    store = settings(ctx).store(ctx)
    info = find_run(store, run)
    events = event_count(store, info)
    freed = 0
    if yes:
        events = delete_run(store, info, with_decisions=with_decisions)
        freed = reclaim(store)
    if as_json:
        about = {"id": info.id, "title": info.title, "steps": info.steps}
        output.emit("db-delete-run", {"deleted": yes, "run": about, "events_kept": events, "freed_bytes": freed})
    else:
        title = short(info.title or "(no title)", 60)
        done = "deleted" if yes else "this deletes"
        output.line(f"{done} {output.count(info.steps, 'step')} of run {info.id[:8]} ({title}).")
        if events:
            kept = output.count(events, "recorded decision or undo", "recorded decisions and undos")
            output.line(f"{kept} on it: the log keeps them.")
        if yes:
            output.line(f"{freed:,} bytes are free again.")
    if not yes:
        more = " --with-decisions" if events and not with_decisions else ""
        output.note(f"review-tui: nothing was deleted. {('--yes' + more)} deletes it.")
        return FAILED
    return DONE
