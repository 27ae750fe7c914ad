"""`review-tui codes notes`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.codes.common import note_json, opened, say_hidden
from review_tui.cli.settings import WORDS, db_option, find_run, json_option, reviewer_option

#: Characters of a note that are listed.
SHOWN = 100


@click.command("notes")
@click.option("--run", type=WORDS, metavar="RUN", help="Only of this run.")
@click.option("--code", "name", type=WORDS, metavar="CODE", help="Only those with this code.")
@click.option("--uncoded", is_flag=True, help="Only those without a code.")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, run: str | None, name: str | None, uncoded: bool, as_json: bool) -> None:
    """List the notes that reviewers wrote on labels, chunks and runs, with what each is anchored to: those without a
    code first, then by run and step."""
    from labels.coding.notes import where

    store, board, _ = opened(ctx)
    found = board.notes
    if run is not None:
        info = find_run(store, run)
        found = [note for note in found if note.key.run == info.id]
    if name is not None:
        mine = set(board.code(name).notes)
        found = [note for note in found if note.key in mine]
    if uncoded:
        found = [note for note in found if not board.of.get(note.key)]
    if as_json:
        items = [note_json(board, note) for note in found]
        output.emit("codes-notes", {"hidden": board.hidden, "uncoded": board.uncoded, "notes": items})
        return
    say_hidden(board)
    if not board.notes:
        output.note("there is no note yet: `t` in the station writes one, or `decide RUN --chunk N --note TEXT`.")
    elif not found:
        output.note("no note is so.")
    rows = []
    for note in found:
        text = " ".join(note.text.split())
        codes = "; ".join(code.name for code in board.of.get(note.key, ())) or "-"
        short = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
        rows.append((note.id, note.key.run[:8], where(note), note.key.reviewer, codes, short))
    if rows:
        output.table([("note", "run", "where", "by", "codes", "text"), *rows])
