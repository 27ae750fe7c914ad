"""`review-tui convert RUN --to FORMAT`: a run as a file that other programs read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH, WORDS, Settings, db_option, find_run, format_option, json_option, settings
from review_tui.sanitize import json_escape
from sessions.errors import UserError

if TYPE_CHECKING:
    from sessions.catalog import RunInfo
    from sessions.store import Store

#: As `sessions.writers.WRITERS`; named here too, so that the help needs none of it.
FORMATS = ("canonical", "atif")


@click.command("convert")
@click.argument("run", type=WORDS)
@click.option("--to", "to", type=click.Choice(FORMATS), required=True, help="The format to write.")
@click.option("--out", type=PATH, metavar="FILE", help="Write to this file rather than to standard output.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.option("--no-raw", is_flag=True, help="Without the source's own records (ATIF has none anyway).")
@click.option("--no-reference", is_flag=True, help="Without what the source knows of the answer.")
@db_option
@format_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    run: str,
    to: str,
    out: Path | None,
    force: bool,
    no_raw: bool,
    no_reference: bool,
    as_json: bool,
) -> None:
    """Write RUN as our own JSONL (canonical: without loss) or as ATIF 1.7, which Harbor reads.

    RUN is a run in the database, or a file (FILE#2: the second run in it), which is read and not kept.
    """
    from sessions.writers import writer
    from sessions.writers.base import Recorded

    if as_json and out is None:
        raise click.UsageError("--json tells what was written to a file: it needs --out.")
    with ExitStack() as stack:
        store, info = _found(ctx, stack, settings(ctx), run)
        recorded = Recorded(store, info, with_raw=not no_raw, with_reference=not no_reference)
        # What a terminal would obey is escaped, as in all JSON of ours; the values stay the same.
        pieces = map(json_escape, writer(to)(recorded))
        if out is None:
            for piece in pieces:
                click.echo(piece.encode(), nl=False)
            size = 0
        else:
            size = _write(out, pieces, force=force)
        if recorded.without_raw:
            output.note(f"{output.count(recorded.without_raw, 'step')} without source records: the source is gone.")
        entry = {
            "run": info.id, "content_id": info.content_id, "format": to, "path": str(out), "steps": info.steps,
            "bytes": size, "steps_without_raw": recorded.without_raw,
        }  # fmt: skip
    if as_json:
        output.emit("convert", entry)
    elif out is not None:
        output.note(f"{output.count(info.steps, 'step')} written to {out} ({size / 1e6:.1f} MB).")


def _found(ctx: click.Context, stack: ExitStack, given: Settings, text: str) -> tuple[Store, RunInfo]:
    """The run that is meant, in the database or, for a file that is not there, in one made for the moment."""
    if given.db_path().exists():
        store = given.store(ctx)
        try:
            return store, find_run(store, text)
        except UserError:
            if _file(text) is None:
                raise
    elif _file(text) is None:
        given.store(ctx)  # says that there is no database
    found = _file(text)
    assert found is not None
    store = stack.enter_context(_passing_store())
    return store, _read(store, *found, given.format)


def _file(text: str) -> tuple[Path, int] | None:
    """A file and the place of the run in it (-1: none is named), if the text names one."""
    if Path(text).is_file():
        return Path(text), -1
    name, _, item = text.rpartition("#")
    return (Path(name), int(item) - 1) if name and item.isdecimal() and Path(name).is_file() else None


@contextmanager
def _passing_store() -> Iterator[Store]:
    from sessions.store import Store

    with tempfile.TemporaryDirectory(prefix="review-tui-") as folder, Store.open(Path(folder) / "convert.db") as store:
        yield store


def _read(store: Store, path: Path, item: int, format: str | None) -> RunInfo:
    from sessions import catalog
    from sessions.ingest import import_file

    report = import_file(store, path, format)
    for problem in report.problems[:5]:
        place = problem.path if problem.line is None else f"{problem.path}:{problem.line}"
        output.note(f"  {place}: {problem.reason}")
    if not report.runs:
        reason = report.problems[0].reason if report.problems else "it is empty"
        raise UserError(f"{path} gave no run: {reason}.")
    if item < 0 and len(report.runs) > 1:
        raise UserError(f"{path} holds {len(report.runs)} runs.", f"Name one: {path}#1 is the first.")
    if max(item, 0) >= len(report.runs):
        raise UserError(f"{path} holds {output.count(len(report.runs), 'run')}, so there is no #{item + 1}.")
    info = catalog.run_by_id(store, report.runs[max(item, 0)].run)
    assert info is not None
    return info


def _write(out: Path, pieces: Iterator[str], *, force: bool) -> int:
    """Write a file as a whole or not at all; its size."""
    if out.exists() and not force:
        raise UserError(f"{out} is there already.", "Name another, or replace it with --force.")
    size = 0
    name: str | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
        with open(handle, "wb") as file:
            for piece in pieces:
                size += file.write(piece.encode())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, out)
        name = None
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}.") from None
    finally:
        if name is not None:
            with suppress(OSError):
                os.unlink(name)
    return size


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
