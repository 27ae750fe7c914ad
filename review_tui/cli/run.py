"""`review-tui run -- COMMAND...`: an agent command under review."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH, WORDS, chunks_option, db_option, settings
from sessions.errors import UserError

if TYPE_CHECKING:
    from sessions.supervise.plan import Outcome

_WORDS = {"rollback": "rolled back", "stop": "stopped", "reject": "rejected"}


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--workspace", type=PATH, metavar="DIR", help="Whose files are snapshotted and go back. Default: here.")
@chunks_option
@click.option("--run", "name", type=WORDS, metavar="NAME", help="A name for the run; an earlier one's goes on with it.")
@click.option("--agent", type=WORDS, metavar="NAME", help="Who works. Default: the program's name.")
@click.option("--task", type=WORDS, metavar="TEXT", help="What it is to do. Default: what its session says.")
@click.option("--rule", "rules", multiple=True, type=WORDS, metavar="TEXT", help="A constraint, for every brief.")
@click.option("--session", type=PATH, metavar="PATH", help="The session file to follow. Default: the usual one.")
@click.option("--own-gates", is_flag=True, help="The command opens its gates itself: do not look for a session.")
@click.option("--no-snapshots", is_flag=True, help="Leave the files alone: they cannot be taken back then.")
@click.option("--grace", type=click.FloatRange(0), default=60.0, show_default=True, metavar="S",
              help="Hold a command that shows nothing to follow after so many seconds.")  # fmt: skip
@click.option("--brief", type=PATH, metavar="FILE", help="Also write the brief for a restart there.")
@click.argument("command_line", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND...")
@db_option
@click.pass_context
def command(
    ctx: click.Context,
    workspace: Path | None,
    policy: str | None,
    name: str | None,
    agent: str | None,
    task: str | None,
    rules: tuple[str, ...],
    session: Path | None,
    own_gates: bool,
    no_snapshots: bool,
    grace: float,
    brief: Path | None,
    command_line: tuple[str, ...],
) -> int:
    """Run COMMAND under review: at the end of each chunk it is frozen, with all that it has started, until somebody
    decides. Its session file (Claude Code, Codex, or --session) tells what it does.

    Approved, it goes on. Rolled back, its files go back and it is ended, because what it remembers cannot go back; so
    it is when it is stopped or rejected. A brief for its restart is printed then, on standard error.

    The exit code is the command's own if all was approved; 10 rolled back, 11 stopped, 12 rejected, 75 a gate of its
    own still waits, 126 and 127 it cannot be started.
    """
    from sessions.chunks import DEFAULT_POLICY
    from sessions.live.runs import open_database
    from sessions.supervise.keeping import CannotStart
    from sessions.supervise.plan import Plan
    from sessions.supervise.supervisor import Supervisor

    place = workspace or Path()
    plan = Plan(
        command=command_line, run=name or _name(command_line[0]), agent=agent or Path(command_line[0]).name,
        workspace=place.absolute(), task=task, rules=rules, chunks=policy or DEFAULT_POLICY, session=session,
        own_gates=own_gates, snapshots=not no_snapshots, grace=grace,
    )  # fmt: skip
    if not place.is_dir():
        raise UserError(f"there is no folder {place}.", "Name the folder that the command works in.")
    with open_database(settings(ctx).db_path()) as store:
        try:
            outcome = Supervisor(store, plan, lambda text: output.note(f"review-tui: {text}")).run()
        except CannotStart as error:
            output.note(f"review-tui: {error}")
            return error.code
    _tell(plan.run, outcome, brief)
    return outcome.code


def _name(program: str) -> str:
    """A name of its own for a run: the program's, and some chance."""
    return f"{Path(program).name[:60]}-{os.urandom(4).hex()}"


def _tell(run: str, outcome: Outcome, brief: Path | None) -> None:
    """What ended the run, and the brief for who starts the agent again."""
    if outcome.verdict not in _WORDS:
        return
    output.note(f"review-tui: the run {run} was {_WORDS[outcome.verdict]}, and its agent ended.")
    if not outcome.brief:
        return
    if outcome.verdict != "stop":
        output.note(f"review-tui: to go on: review-tui run --run {run} ... with this brief for the agent:")
    click.echo(_plain(outcome.brief), err=True)
    if brief is not None:
        _write(brief, outcome.brief)


def _plain(text: str) -> str:
    from review_tui.sanitize import clean_block

    return clean_block(text)


def _write(path: Path, text: str) -> None:
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UserError(f"cannot write the brief to {path}: {error.strerror}.", "It is printed above.") from None
