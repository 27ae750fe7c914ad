"""`review-tui codes similar [TEXT]`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.codes.common import near_json, opened, say_hidden
from review_tui.cli.settings import WORDS, db_option, json_option, reviewer_option

SHOWN = 70


@click.command("similar")
@click.argument("text", required=False, type=WORDS, metavar="[TEXT]")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, text: str | None, as_json: bool) -> None:
    """Point out codes that may be one, and notes that say nearly the same without having a code in common. With TEXT:
    the codes that are called nearly so.

    Similarity is the cosine of character n-grams, from 0 to 1; words that mean the same are not known to it.
    """
    from labels.coding.similar import NEAR_NAME, NEAR_NOTE, near_codes, near_names, near_notes

    _, board, _ = opened(ctx)
    if text is not None:
        near = near_names(text, board.codes)
        if as_json:
            output.emit("codes-similar", {"text": text, "least": NEAR_NAME, "codes": near_json(near)})
            return
        for code, cosine in near:
            output.line(f"{cosine:.2f}  {code.name}")
        if not near:
            output.note("no code is called nearly so.")
        return
    codes, notes = near_codes(board), near_notes(board)
    if as_json:
        pairs = [
            {"codes": [pair.first.name, pair.second.name], "names": round(pair.names, 3), "notes": round(pair.notes, 3)}
            for pair in codes
        ]
        said = [
            {"notes": [pair.first.id, pair.second.id], "similarity": round(pair.cosine, 3)}
            | {"codes": [[code.name for code in board.of.get(n.key, ())] for n in (pair.first, pair.second)]}
            for pair in notes
        ]
        output.emit("codes-similar", {"least": {"names": NEAR_NAME, "notes": NEAR_NOTE}, "codes": pairs, "notes": said})
        return
    say_hidden(board)
    for pair in codes:
        output.line(
            f"codes  {pair.first.name!r} and {pair.second.name!r}: names {pair.names:.2f}, notes {pair.notes:.2f}"
        )
    for item in notes:
        output.line(f"notes  {item.first.id} and {item.second.id}: {item.cosine:.2f}")
        for note in (item.first, item.second):
            has = "; ".join(code.name for code in board.of.get(note.key, ())) or "no code"
            output.block(f"{' '.join(note.text.split())[:SHOWN]}  ({has})", indent="       ")
    if not codes and not notes:
        output.note("nothing here is nearly the same.")
