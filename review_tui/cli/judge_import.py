"""`review-tui judge-import FILE...`: answers of agentdash as suggestions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH, WORDS, db_option, find_run, json_option, settings

if TYPE_CHECKING:
    from labels.judge.agentdash import Import


@click.command("judge-import")
@click.argument("files", nargs=-1, required=True, type=PATH, metavar="FILE...")
@click.option("--run", type=WORDS, metavar="RUN", help="The run that the answer is about, where the file names none.")
@click.option(
    "--tool-version", type=WORDS, metavar="VERSION", help="Of agentdash; its output does not say (default: 0.1.0)."
)
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context, files: tuple[Path, ...], run: str | None, tool_version: str | None, as_json: bool
) -> None:
    """Keep what agentdash says of runs as suggestions.

    FILE is what `produce_taxonomy` returns, written as JSON: one object (with --run), a list or lines of objects that
    name their run in a key `run`, or one object of run -> answer. agentdash quotes no evidence: its suggestions cover
    the whole run and say so.
    """
    from labels.judge.agentdash import TOOL_VERSION, import_annotation, matched, read_file

    given = settings(ctx)
    store = given.store(ctx)
    book = given.load_codebooks().get("mast")
    pairs = [
        (path, *pair) for path in files for pair in matched(read_file(path), lambda text: find_run(store, text), run)
    ]
    done = [
        import_annotation(store, info, annotation, book, version=tool_version or TOOL_VERSION, source=path.name)
        for path, info, annotation in pairs
    ]
    if as_json:
        output.emit("judge-import", {"imported": [_json(item) for item in done]})
    else:
        for item in done:
            _print(item)


def _print(item: Import) -> None:
    said = f"yes to {len(item.found)} of {len(item.annotation.said)} modes"
    output.line(f"run {item.run.id[:8]}  {said}  {item.run.title or '(no title)'}")
    if item.annotation.reread:
        codes = ", ".join(item.annotation.reread)
        output.note(f"  read otherwise than agentdash did, from its own raw answer: {codes}.")
    if item.annotation.silent:
        output.note(f"  taken for a no by agentdash, and not answered: {', '.join(item.annotation.silent)}.")
    if item.unknown:
        output.note(f"  codes that the codebook does not know: {', '.join(item.unknown)}.")


def _json(item: Import) -> dict[str, Any]:
    return {
        "run": item.run.id, "suggestions": [found.id for found in item.found],
        "modes": [found.mode for found in item.found], "quoted": item.quoted,
        "reread": list(item.annotation.reread),
        "silent": list(item.annotation.silent), "unknown_codes": item.unknown,
        "task_completion": item.annotation.completed,
    }  # fmt: skip
