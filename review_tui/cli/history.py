"""`review-tui history RUN`: every decision on a run that was ever recorded, undone or not."""

from __future__ import annotations

from typing import Any

import click

from labels import events, queues
from labels.events import DECIDE, REDO, UNDO, Event
from review_tui.cli import output
from review_tui.cli.decision_text import op_text, target_text
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.settings import WORDS, db_option, find_run, json_option, reviewer_option, settings
from sessions import catalog


@click.command("history")
@click.argument("run", type=WORDS)
@click.option("--verify", is_flag=True, help="Also check that no event of this database was changed or removed.")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, run: str, verify: bool, as_json: bool) -> int:
    """Print every decision on RUN, of everybody, in the order in which it was recorded.

    In a queue, what others said of a chunk is left out until you have decided on it yourself.
    """
    store = settings(ctx).store(ctx)
    info = find_run(store, run)
    every = events.of_runs(store, catalog.ids_of(store, info.id))
    hides = queues.hidden(store, info, settings(ctx).reviewer_name())
    found = [event for event in every if not hides(event.reviewer, event.chunk)]
    undone = undone_ids(found)
    wrong = events.verify(store) if verify else []
    if as_json:
        checked = {"verified": not wrong, "wrong": wrong} if verify else {}
        rows = [_entry(event, event.id in undone) for event in found]
        output.emit("history", {"run": info.id, **checked, "events": rows, "hidden": len(every) - len(found)})
    else:
        _print(found, undone)
    if len(every) > len(found):
        output.note(
            f"{output.count(len(every) - len(found), 'event')} of others not shown: decide on those chunks first."
        )
    for text in wrong:
        output.note(f"review-tui: {text}")
    if verify and not wrong:
        output.note("every event of this database is as it was written.")
    return FAILED if wrong else DONE


def undone_ids(found: list[Event]) -> set[str]:
    """The decide events that do not count at present."""
    undone: set[str] = set()
    for event in found:
        if event.kind not in (UNDO, REDO):
            continue
        target = str(event.data["target"])
        (undone.discard if event.kind == REDO else undone.add)(target)
    return undone


def _entry(event: Event, undone: bool) -> dict[str, Any]:
    return {
        "id": event.id, "origin": event.origin, "sequence": event.seq, "kind": event.kind,
        "reviewer": event.reviewer, "os_user": event.os_user, "at": event.at, "run": event.run,
        "content_id": event.content_id, "chunk": event.chunk, "payload_text": event.payload,
        "undone": undone, "payload": output.numbered(event.data), "previous": event.prev, "hash": event.hash,
    }  # fmt: skip


def _print(found: list[Event], undone: set[str]) -> None:
    if not found:
        output.note("nothing was decided on this run yet.")
    for event in found:
        output.line(f"{event.at[:19].replace('T', ' ')}  {event.reviewer}  {_what(event)}{_state(event, undone)}")
        if event.kind == DECIDE:
            for op in event.data["ops"]:
                if text := op_text(op):
                    output.line(f"    {text}")
        for ruling in event.data.get("rulings", ()):
            output.line(f"    {ruling['code']} {ruling['mode']}: {ruling['outcome']} ({ruling['reason']})".rstrip())


def _what(event: Event) -> str:
    if event.kind == DECIDE:
        return target_text(event.data["target"])
    if event.kind not in (UNDO, REDO):
        return f"{event.kind}: {target_text(event.data['target'])}"
    return f"{event.kind} of event {str(event.data['target']).rpartition(':')[2]}"


def _state(event: Event, undone: set[str]) -> str:
    return "  (undone)" if event.id in undone else ""
