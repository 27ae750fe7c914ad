"""`review-tui gold export DIR --to NAME --out PATH`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH, WORDS, json_option

_KNOWN = "huggingface, mast, who-and-when, trail, scout, label-studio, openai-chat, csv, croissant"


@click.command("export")
@click.argument("folder", type=PATH, metavar="DIR")
@click.option("--to", type=WORDS, required=True, metavar="NAME", help=f"The shape: {_KNOWN}, or a plug-in's.")
@click.option("--out", type=PATH, required=True, metavar="PATH", help="A folder that does not exist yet.")
@json_option
def command(folder: Path, to: str, out: Path, as_json: bool) -> None:
    """Write the release in DIR in the shape of another tool. Needs no database; the release stays as it is."""
    from labels.gold.export import export

    made = export(folder, to, out)
    if as_json:
        output.emit("gold-export", {"path": str(out), "to": to, "files": made.files, "notes": list(made.notes)})
        return
    output.line(f"{output.count(len(made.files), 'file')} in {out}")
    for note in made.notes:
        output.note(note)
