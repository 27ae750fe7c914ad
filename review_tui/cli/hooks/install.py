"""`review-tui hooks install CLIENT`: put the hooks into its settings, after showing them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.hooks.common import client_argument, settings_file, show_settings, where_options
from review_tui.cli.settings import chunks_option, db_option, settings, yes_option


@click.command("install")
@client_argument
@where_options
@chunks_option
@click.option("--timeout", type=click.FloatRange(0), default=None, metavar="S",
              help="Block a call that nobody has decided on after so many seconds. Default: wait.")  # fmt: skip
@click.option("--on-rollback", type=click.Choice(["tell", "stop"]), default="tell", show_default=True,
              help="After a rollback, tell the agent what was undone, or end it.")  # fmt: skip
@yes_option
@db_option
@click.pass_context
def command(
    ctx: click.Context,
    client: str,
    project: Path | None,
    user: bool,
    policy: str | None,
    timeout: float | None,
    on_rollback: str,
    yes: bool,
) -> None:
    """Show the settings of CLIENT with the hooks in them, and write them with --yes.

    What stands there stays; the file as it was is kept beside it. Sessions that run already keep the hooks that they
    began with.
    """
    from sessions.adapters import claude_settings
    from sessions.pacing import policy_for_gates

    path = settings_file(project, user)
    options = ["--db", str(settings(ctx).db_path().absolute())]
    if policy is not None:
        options += ["--chunks", str(policy_for_gates(policy))]
    if timeout is not None:
        options += ["--timeout", f"{timeout:g}"]
    if on_rollback != "tell":
        options += ["--on-rollback", on_rollback]
    merged = claude_settings.with_hooks(claude_settings.load(path), claude_settings.hook_command(program(), options))
    show_settings(path, merged)
    if not yes:
        output.note(f"Nothing was written. --yes writes it to {path}.")
        return
    settings(ctx).store(ctx, create=True)
    backup = claude_settings.write(path, merged)
    output.line(f"written to {path}." + (f" The file as it was: {backup}." if backup else ""))
    output.line(f"`review-tui hooks check {client}` tries them. Gates wait in the station's inbox.")


def program() -> list[str]:
    """How this program is called, with its full path: hooks may be called with another PATH."""
    found = shutil.which(sys.argv[0]) or shutil.which("review-tui")
    beside = Path(sys.executable).with_name("review-tui")
    if found is not None and Path(found).name == "review-tui":
        return [str(Path(found).absolute())]
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "review_tui"]
