"""`review-tui import PATH...`: read runs into the database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from review_tui.cli import output
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.settings import PATH, db_option, format_option, json_option, settings
from review_tui.sanitize import short
from sessions.errors import UserError

if TYPE_CHECKING:
    from sessions.discover import Found, Search
    from sessions.ingest import ImportReport
    from sessions.preview import Preview, PreviewReport
    from sessions.store import Store

T = TypeVar("T")

#: Problems printed per file; all of them are in the JSON document.
PROBLEMS_SHOWN = 5
TITLE_WIDTH = 60
#: Of what `--check` tells in words.
KIND_WIDTH, KINDS_SHOWN, UNREAD_SHOWN = 40, 8, 20
_OUTCOMES = {
    "new": "new",
    "known": "known already",
    "updated": "has grown",
    "linked": "the same content was here already",
    "checked": "would be read",
}


@dataclass
class _Tally:
    """What has come of the import so far. outcomes: outcome -> number of runs."""

    as_json: bool
    runs: list[dict[str, Any]] = field(default_factory=list)
    number: int = 0

    def add(self, entry: dict[str, Any]) -> None:
        self.number += 1
        if self.as_json:
            self.runs.append(entry)
            return
        name = f"{(entry['id'] or entry['content_id'])[:8]}  {entry['format']}"
        size = f"{output.count(entry['steps'], 'step')}, {output.count(entry['chunks'], 'chunk')}"
        title = short(entry["title"] or "(no title)", TITLE_WIDTH)
        output.line(f"{name}  {size}  {title}  {_OUTCOMES[entry['outcome']]}")
        if entry["outcome"] == "checked":
            for told in _content_lines(entry):
                output.line(f"    {told}")


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="PATH...")
@format_option
@click.option("--check", is_flag=True, help="Only read and report; store nothing.")
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...], check: bool, as_json: bool) -> int:
    """Read the runs at PATH into the database. A folder is searched for runs.

    A file that has not changed since is not read again; one that has grown is brought up to date; one and the same
    run in two files or formats is kept once. Hidden folders, node_modules and loops of links are left out.
    """
    from sessions.discover import find

    tally = _Tally(as_json)
    search = find(paths, settings(ctx).format)
    if check:
        _check(search, tally)
    else:
        _import(settings(ctx).store(ctx, create=True), search, tally)
    failed = [failure for failure in search.failures if failure.named]
    if as_json:
        failures = [{"path": str(item.path), "reason": str(item.error)} for item in search.failures]
        document = {"runs": tally.runs, "skipped": search.skipped, "failed": failures}
        output.emit("import", document | ({"unread": _unread(search)} if check else {}))
    elif check:
        for entry in _unread(search)[:UNREAD_SHOWN]:
            output.note(f"  not a run: {entry['path']} ({_unlike(entry)})")
    return _close(paths, search, tally, bool(failed))


def _unread(search: Search) -> list[dict[str, Any]]:
    """Files in the folders that are no runs; `could_be`: the format that each is most like."""
    return [
        {
            "path": str(path),
            "could_be": [] if guess is None else [{"format": guess.format, "confidence": guess.confidence}],
        }
        for path, guess in search.unread
    ]


def _unlike(entry: dict[str, Any]) -> str:
    if not entry["could_be"]:
        return "no known format"
    guess = entry["could_be"][0]
    return f"perhaps {guess['format']}, {guess['confidence']:.2f}: name it with --format to read it"


def _close(paths: tuple[Path, ...], search: Search, tally: _Tally, failed: bool) -> int:
    """Say what was left out; the exit code."""
    for failure in search.failures:
        output.note(f"review-tui: {failure.error}")
    if tally.number:
        if search.skipped and not tally.as_json:
            output.note(f"{output.count(search.skipped, 'other file')} in there: no runs.")
        return FAILED if failed else DONE
    if failed:
        return FAILED
    looked = output.count(search.skipped, "file")
    raise UserError(
        f"there is no run in {', '.join(map(str, paths))} ({looked} looked at).",
        "Name a file to see why it is none, or give its --format.",
    )


def _check(search: Search, tally: _Tally) -> None:
    from sessions.preview import preview_file

    for found in search:
        report = _attempt(search, found, partial(preview_file, found.path, found.format))
        if report is None:
            continue
        for run in report.runs:
            search.claim(run.header.files)
        guesses = [{"format": guess.format, "confidence": guess.confidence} for guess in report.could_be]
        entries = [
            {
                "outcome": "checked",
                **_entry(None, run.content_id, run.header.format, run.header.title, run.steps),
                **_content(run),
                "could_be": guesses,
            }
            for run in report.runs
        ]
        _add(search, tally, found, entries, report)


def _content(run: Preview) -> dict[str, Any]:
    """What a run would consist of, what the program does not understand of it, and what would be kept out of sight."""
    return {
        "parts": dict(run.parts),
        "calls_without_result": run.unanswered,
        "errors": run.errors,
        "errors_inferred": run.errors_inferred,
        "kept_raw": dict(run.raw.most_common()),
        "reference": sorted(run.header.reference or {}),
    }


def _content_lines(entry: dict[str, Any]) -> Iterator[str]:
    """The same for people."""
    parts = entry["parts"]
    texts, calls, results = (parts.get(kind, 0) for kind in ("text", "tool_call", "tool_result"))
    told = [output.count(texts, "text")]
    if parts.get("reasoning"):
        told.append(f"{parts['reasoning']} of reasoning")
    if calls:
        missing = entry["calls_without_result"]
        told.append(output.count(calls, "call") + (f" ({missing} without a result)" if missing else ""))
    if results:
        errors = [f"{output.count(entry['errors'], 'stated error')}"] if entry["errors"] else []
        errors += [f"{output.count(entry['errors_inferred'], 'error')} as it seems"] if entry["errors_inferred"] else []
        told.append(output.count(results, "result") + (f" ({', '.join(errors)})" if errors else ""))
    yield ", ".join(told)
    if entry["kept_raw"]:
        kinds = ", ".join(f"{short(kind, KIND_WIDTH)} {count}" for kind, count in entry["kept_raw"].items())
        yield f"{output.count(sum(entry['kept_raw'].values()), 'record')} kept raw, not understood: {kinds}"
    if entry["reference"]:
        names = ", ".join(short(name, KIND_WIDTH) for name in entry["reference"][:KINDS_SHOWN])
        more = len(entry["reference"]) - KINDS_SHOWN
        yield f"kept out of sight, because it tells the answer: {names}{f' and {more} more' if more > 0 else ''}"


def _import(store: Store, search: Search, tally: _Tally) -> None:
    from sessions import archive, catalog
    from sessions.ingest import import_file

    stored: dict[str, None] = {}
    for found in search:
        # Only a format that the user asked for is passed on: without one, the import knows the file by its stamp.
        asked = found.format if search.format is not None else None
        report = _attempt(search, found, partial(import_file, store, found.path, asked))
        if report is None:
            continue
        entries = []
        for imported in report.runs:
            run = catalog.run_by_id(store, imported.run)
            search.claim(run.files if run else [])
            content = (run.content_id if run else None) or ""
            entry = _entry(imported.run, content, imported.format, imported.title, imported.steps)
            entries.append({"outcome": imported.outcome, **entry})
            stored[imported.run] = None
        _add(search, tally, found, entries, report)
    # Sources get cleaned up: their records are copied and indexed now, nobody else may come to do it.
    for name in stored:
        if run := catalog.run_by_id(store, name):
            archive.finish_run(store, run, pause_s=0)


def _attempt(search: Search, found: Found, read: Callable[[], T]) -> T | None:
    """The report of one file, or None: one bad file must not keep the others out. Raises what is not the file's
    fault (a database that cannot be written to)."""
    try:
        return read()
    except UserError as error:
        if os.access(found.path, os.R_OK):
            raise
        search.fail(found.path, error, named=found.named)
        return None


def _add(
    search: Search, tally: _Tally, found: Found, entries: list[dict[str, Any]], report: ImportReport | PreviewReport
) -> None:
    if not entries:
        reason = report.problems[0].reason if report.problems else "it is empty"
        search.fail(found.path, UserError(f"{found.path} gave no run: {reason}."), named=found.named)
        return
    problems = [{"path": item.path, "line": item.line, "reason": item.reason} for item in report.problems]
    for place, entry in enumerate(entries):
        # What could not be read belongs to the file: it is told once, with the file's first run.
        tally.add({**entry, "path": report.path, "problems": [] if place else problems})
    if not tally.as_json:
        if len(entries[0].get("could_be", ())) > 1:
            kinds = ", ".join(f"{guess['format']} ({guess['confidence']:.2f})" for guess in entries[0]["could_be"])
            output.note(f"  {report.path} could be: {kinds}. --format decides.")
        _note_problems(report)


def _note_problems(report: ImportReport | PreviewReport) -> None:
    for problem in report.problems[:PROBLEMS_SHOWN]:
        place = problem.path if problem.line is None else f"{problem.path}:{problem.line}"
        output.note(f"  {place}: {problem.reason}")
    if report.problem_count > PROBLEMS_SHOWN:
        output.note(f"  ... {output.count(report.problem_count, 'problem')} in this file; --json lists them.")


def _entry(id: str | None, content_id: str, format: str, title: str, steps: int) -> dict[str, Any]:
    from sessions.chunks import DEFAULT_POLICY, Policy

    chunks = -(-steps // Policy.parse(DEFAULT_POLICY).size)
    return {
        "id": id, "content_id": content_id, "format": format, "title": title, "steps": steps, "chunks": chunks,
    }  # fmt: skip
