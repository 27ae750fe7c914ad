"""`review-tui search TEXT`: find text in everything that the runs hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, db_option, find_run, json_option, settings
from sessions import catalog, search
from sessions.catalog import RunInfo
from sessions.errors import UsageError
from sessions.search import Hit
from sessions.store import Store

DEFAULT_LIMIT = 200


@click.command("search")
@click.argument("text", type=WORDS)
@click.option("--run", "only", type=WORDS, metavar="RUN", help="Only in this run.")
@click.option("--limit", type=click.IntRange(min=0), default=DEFAULT_LIMIT, show_default=True, help="Steps; 0 for all.")
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, text: str, only: str | None, limit: int, as_json: bool) -> None:
    """Print the steps that hold TEXT, whatever its case: in texts, names and ids, and in the source's own records."""
    if not text.strip():
        raise UsageError("there is nothing to search for.", "Give some text.")
    given = settings(ctx)
    store = given.store(ctx)
    run = find_run(store, only) if only is not None else None
    runs = {run.no: run} if run else {info.no: info for info in catalog.runs(store)}
    # Closed before the database is, whoever stops reading.
    with closing(hit for batch in search.search(store, text, run) for hit in batch if hit.run in runs) as found:
        entries = (_entry(store, runs[hit.run], hit, text) for hit in islice(found, limit or None))
        if as_json:
            output.emit("search", {"query": text, "limit": limit, **_collected(entries, found)})
        elif not _print(entries, found, limit):
            output.note(f"{text!r} occurs nowhere.")


def _collected(entries: Iterator[dict[str, Any]], rest: Iterator[Hit]) -> dict[str, Any]:
    hits = list(entries)
    return {"truncated": next(rest, None) is not None, "hits": hits}


def _print(entries: Iterator[dict[str, Any]], rest: Iterator[Hit], limit: int) -> bool:
    """Print hits as they come; whether there were any."""
    number = 0
    for number, entry in enumerate(entries, 1):  # noqa: B007
        where = f"{entry['run'][:8]}  step {entry['step_number']}  {entry['actor']}"
        shown = f"{entry['before'].lstrip()}[{entry['match']}]{entry['after'].rstrip()}" if entry["match"] else ""
        output.line(f"{where}  {shown or '(in ' + _PLACES[entry['where']] + ')'}")
    if limit and number == limit and next(rest, None) is not None:
        output.note(f"there is more: --limit {limit * 5} shows it.")
    return number > 0


_PLACES = {"text": "its text", "name": "a name or id", "raw": "its source record"}


def _entry(store: Store, run: RunInfo, hit: Hit, query: str) -> dict[str, Any]:
    stored = catalog.step(store, run.no, hit.index)
    entry: dict[str, Any] = {
        "run": run.id, "title": run.title, "step": stored.id, "step_number": stored.number, "step_index": stored.index,
        "actor": stored.step.actor, "where": hit.where, "part": None, "start": None, "end": None,
        "before": "", "match": "", "after": "", "matches": 0,
    }  # fmt: skip
    texts = [part.text for part in stored.step.parts]
    places = search.places(texts, query)
    if places:
        first = places[0]
        before, match, after = search.context(texts[first.part], first.start, first.end)
        entry |= {"part": first.part, "start": first.start, "end": first.end, "matches": len(places)}
        entry |= {"before": before, "match": match, "after": after}
    return entry
