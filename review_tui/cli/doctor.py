"""`review-tui doctor`: what works here, and what to do where something does not."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.settings import db_option, json_option, settings
from review_tui.cli.version import version
from sessions.errors import UserError

OK, WARN, FAIL = "ok", "warn", "fail"
LEAST_SIZE = (80, 24)
LEAST_FREE = 500_000_000


@dataclass(frozen=True)
class Check:
    """One finding. state: `ok`, `warn` or `fail`. advice: what to do, "" where all is well."""

    name: str
    state: str
    value: str
    advice: str = ""


@click.command("doctor")
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> int:
    """Check SQLite, the database and its file system, and the terminal."""
    path = settings(ctx).db_path().absolute()
    checks = [*_program(), *_sqlite(), *_database(path), *_terminal()]
    failed = any(check.state == FAIL for check in checks)
    if as_json:
        output.emit("doctor", {"ok": not failed, "checks": [asdict(check) for check in checks]})
    else:
        output.table([(check.state, check.name, check.value) for check in checks])
        for check in checks:
            if check.advice:
                output.note(f"{check.name}: {check.advice}")
    return FAILED if failed else DONE


def _program() -> Iterator[Check]:
    yield Check("review-tui", OK, version())
    yield Check("Python", OK, f"{sys.version.split()[0]} on {sys.platform}")


def _sqlite() -> Iterator[Check]:
    from sessions.maintenance import sqlite_facts

    facts = sqlite_facts()
    advice = (
        "this SQLite can damage a database that two programs have open at once (fixed in 3.51.3):"
        " install pysqlite3, or open the database from one program at a time."
        if facts.wal_reset_bug
        else ""
    )
    yield Check("SQLite", WARN if advice else OK, f"{facts.version} ({facts.module})", advice)


def _database(path: Path) -> Iterator[Check]:
    from sessions.filesystem import file_system, is_remote

    folder = next(parent for parent in path.parents if parent.is_dir())
    kind = file_system(folder)
    remote = is_remote(kind)
    advice = "SQLite cannot be shared over a network file system: keep the database on a local disk." if remote else ""
    yield Check("file system", WARN if remote else OK, f"{kind or 'unknown'} ({folder})", advice)
    free = shutil.disk_usage(folder).free
    low = free < LEAST_FREE
    yield Check("free space", WARN if low else OK, f"{free / 1e9:,.1f} GB", "the disk is nearly full." if low else "")
    if not path.exists():
        can = os.access(folder, os.W_OK)
        advice = "" if can else f"{folder} cannot be written to: name another database with --db."
        yield Check("database", OK if can else FAIL, f"{path} (not there yet)", advice)
        return
    yield _opened(path)
    yield _rights(path)


def _opened(path: Path) -> Check:
    from sessions.maintenance import counts
    from sessions.store import Store

    try:
        with Store.open(path) as store:
            runs, recorded = counts(store)
            value = f"{path} ({output.count(runs, 'run')}, {output.count(recorded, 'event')})"
            advice = "it can be read, but not written to." if store.read_only else ""
            return Check("database", WARN if advice else OK, value, advice)
    except UserError as error:
        return Check("database", FAIL, str(path), str(error))


def _rights(path: Path) -> Check:
    status = path.stat()
    mode = stat.S_IMODE(status.st_mode)
    value = f"{mode:04o}"
    if mode & 0o007:
        return Check("rights", WARN, value, f"everybody on this machine can reach the database: chmod 600 {path}")
    if mode & 0o070:
        return Check("rights", OK, f"{value} (shared with group {status.st_gid})")
    return Check("rights", OK, value)


def _terminal() -> Iterator[Check]:
    if not sys.stderr.isatty():
        yield Check("terminal", OK, "none (output is redirected)")
    else:
        size = shutil.get_terminal_size()
        small = size.columns < LEAST_SIZE[0] or size.lines < LEAST_SIZE[1]
        advice = f"the station needs {LEAST_SIZE[0]}x{LEAST_SIZE[1]}." if small else ""
        yield Check("terminal", WARN if small else OK, f"{size.columns}x{size.lines}", advice)
    term, color = os.environ.get("TERM", ""), os.environ.get("COLORTERM", "")
    dumb = term in ("", "dumb")
    advice = "TERM names no terminal that can move its cursor: the station will not work in it." if dumb else ""
    yield Check("TERM", WARN if dumb else OK, f"{term or '(not set)'}{f', {_colours(term, color)}'}", advice)
    encoding = (sys.stdout.encoding or "").lower()
    utf8 = encoding.replace("-", "") == "utf8"
    yield Check("encoding", OK if utf8 else WARN, encoding, "" if utf8 else "set a UTF-8 locale (LANG=C.UTF-8).")


def _colours(term: str, color: str) -> str:
    if os.environ.get("NO_COLOR"):
        return "no colours (NO_COLOR)"
    if color in ("truecolor", "24bit"):
        return "16 million colours"
    return "256 colours" if "256" in term else "16 colours"
