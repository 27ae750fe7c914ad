"""`review-tui policy try`: what would happen at a gate."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, db_option, json_option, settings

if TYPE_CHECKING:
    from sessions.live.checking import Checked
    from sessions.store import Store

#: The checks that come with the program, for where it is run without being installed.
CHECKS = {
    "policy": "labels.policies.check:check",
    "detectors": "labels.policies.suspecting:check",
    "stages": "labels.stages.check:check",
}


@click.command("try")
@click.argument("file", type=WORDS, default="-")
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, file: str, as_json: bool) -> None:
    """Read a request as `gate open` takes it (FILE, or standard input) and say what would be decided, and why.

    Nothing is opened and nothing is written. Where the database knows the run, the gate is judged as its next one.
    """
    from review_tui.cli.gate.open import read_request
    from sessions.live import checking
    from sessions.live.previewing import preview
    from sessions.live.request import parse

    request = parse(read_request(file))
    known = {**checking.points(), **{name: at for name, at in CHECKS.items() if at not in checking.points().values()}}
    with ExitStack() as stack:
        found = preview(_store(ctx, stack), request, known)
    if as_json:
        output.emit("policy-try", _as_json(found))
    else:
        _print(found)


def _store(ctx: click.Context, stack: ExitStack) -> Store:
    """The database, or an empty one for this call where there is none yet."""
    from sessions.store import Store

    path = settings(ctx).db_path()
    if path.exists():
        return settings(ctx).store(ctx)
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    return stack.enter_context(Store.open(Path(folder) / "empty.db"))


def _as_json(found: Checked) -> dict[str, Any]:
    verdict = found.verdict
    return {
        "decides": "policy" if verdict else "person",
        "verdict": verdict.action if verdict else None,
        "rule": verdict.rule if verdict else None,
        "message": (verdict.message or None) if verdict else None,
        "needs": found.needs,
        "risk": found.risk,
        "reason": found.reason,
        "results": [
            {"check": name, "rule": item.rule, "action": item.action, "reason": item.reason, "risk": item.risk,
             "needs": item.needs}
            for name, item in found.results
        ],
    }  # fmt: skip


def _print(found: Checked) -> None:
    if found.verdict is not None:
        output.line(f"{found.verdict.action}, by the rule {found.verdict.rule}.")
    else:
        people = "a person decides" if found.needs < 2 else f"{found.needs} people must approve"
        output.line(f"waits: {people}.")
    for name, item in found.results:
        output.line(f"  {item.action} by {item.rule} ({name}): {item.reason}")
    if not found.results:
        output.line("  no rule says anything of it.")
