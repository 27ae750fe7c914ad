"""`review-tui follow PATH`: review a file while an agent is writing it, without a gate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.settings import (
    PATH,
    Settings,
    codebook_option,
    db_option,
    format_option,
    reviewer_option,
    settings,
)
from sessions.errors import UserError

if TYPE_CHECKING:
    from sessions.bodies import StoredStep
    from sessions.run import Part
    from sessions.store import Store


@click.command("follow")
@click.argument("path", type=PATH)
@reviewer_option
@format_option
@codebook_option
@db_option
@click.option("--json", "as_json", is_flag=True, help="No screen: print a line of JSON for each step that comes.")
@click.pass_context
def command(ctx: click.Context, path: Path, as_json: bool) -> None:
    """Review the session file PATH while an agent is writing it.

    Nobody is held: the agent does not wait for your decisions. (`review-tui run` and `review-tui hooks` do that.) The
    file may grow, be cut, replaced or written anew; the stored run is kept up to date until you leave.

    With --json, a step is printed when it comes and again when it has changed (a result came, say): the last line with
    a step's number is the one that holds.
    """
    if not path.exists():
        raise UserError(f"there is no file {path}.", "Check the path, or wait until the agent has begun to write it.")
    if not path.is_file():
        raise UserError(f"{path} is not a regular file.", "Name one session file.")
    given = settings(ctx)
    if as_json:
        _print_steps(given.store(ctx, create=True), path, given.format)
    else:
        _open_station(given, path)


def _open_station(given: Settings, path: Path) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UserError("the station needs a terminal, and this is none.", "--json prints the steps as they come.")
    from labels.codebook_paths import user_codebook_paths
    from labels.glance import check_reviewer
    from sessions.following.process import FollowerProcess
    from sessions.store import Store

    codebooks, db = user_codebook_paths(given.codebooks), given.db_path()
    reviewer = check_reviewer(given.reviewer_name())
    Store.open(db).close()  # what is wrong with the database is said before anything is started
    follower = FollowerProcess(db, path, given.format)
    try:
        from review_tui import following

        following.run(db, path, reviewer, follower, given.format, codebooks)
    finally:
        follower.stop()


# -- without a screen ---------------------------------------------------------------------------------------------


def _print_steps(store: Store, path: Path, format: str | None) -> None:
    from sessions.following.follower import Follower, Listener
    from sessions.following.process import Stopped

    printer = _Printer(store)
    listener = Listener(started=printer.started, grown=printer.grown, replaced=printer.replaced, rested=printer.rested)
    output.note(f"following {path}, not gating: the agent does not wait.")
    stopped = Stopped(path, stdin=False)
    Follower(store, path, format, listener).run(stopped.wait)


class _Printer:
    """Prints what happens to a followed run as JSON lines."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shown: dict[int, str] = {}

    def started(self, run: str) -> None:
        from sessions import catalog

        found = catalog.run_by_id(self._store, run)
        self._shown = {}
        known = {"format": found.format, "title": found.title, "path": found.path} if found else {}
        self._line("started", run=run, **known)
        if found is not None and found.complete:
            self.grown(run, 0, found.steps)

    def grown(self, run: str, first: int, count: int) -> None:
        from sessions import catalog

        found = catalog.run_by_id(self._store, run)
        if found is None:
            return
        for stored in catalog.steps(self._store, found.no, first, count - 1):
            step = _step(stored)
            said = output.as_json(step)
            if self._shown.get(stored.index) != said:
                self._line("step", run=run, changed=stored.index in self._shown, **step)
                self._shown[stored.index] = said
        for index in [index for index in self._shown if index < count - 200]:
            self._shown[index] = ""  # settled: what it said need not be kept

    def replaced(self, run: str) -> None:
        self._line("replaced", run=run)

    def rested(self, run: str) -> None:
        self._line("quiet", run=run)

    def _line(self, event: str, **values: Any) -> None:
        line = output.as_json({"schema": output.schema("follow"), "event": event, **values})
        click.echo((line + "\n").encode(), nl=False)


def _step(stored: StoredStep) -> dict[str, Any]:
    step = stored.step
    return {
        "step": stored.id, "step_number": stored.number, "step_index": stored.index, "actor": step.actor,
        "role": step.role, "at": step.at, "native_id": step.native_id, "model": step.model, "depth": step.depth,
        "parent_call": step.parent_call, "branch": step.branch, "parts": [_part(part) for part in step.parts],
    }  # fmt: skip


def _part(part: Part) -> dict[str, Any]:
    return {
        "kind": part.kind, "text": part.text, "name": part.name, "call_id": part.call_id, "arguments": part.arguments,
        "is_error": part.is_error, "error_inferred": part.error_inferred,
    }  # fmt: skip
