"""`review-tui hook claude-code`: what Claude Code's hooks call. Events come on standard input, answers go out."""

from __future__ import annotations

import os
import sys

import click

from review_tui.cli.settings import chunks_option, db_option, settings


@click.command("hook")
@click.argument("client", type=click.Choice(["claude-code"]))
@chunks_option
@click.option("--timeout", type=click.FloatRange(0), default=None, metavar="S",
              help="Block a call that nobody has decided on after so many seconds. Default: wait.")  # fmt: skip
@click.option("--on-rollback", type=click.Choice(["tell", "stop"]), default="tell", show_default=True,
              help="After a rollback, tell the agent what was undone, or end it.")  # fmt: skip
@db_option
@click.pass_context
def command(ctx: click.Context, client: str, policy: str | None, timeout: float | None, on_rollback: str) -> int:  # noqa: ARG001
    """Answer one event of CLIENT's hooks (`review-tui hooks install` sets them up; this is not for people).

    Exits 0 with the answer as JSON, or with nothing where there is nothing to say; 2 blocks, with a reason.
    """
    from sessions.adapters.claude_hook import MAX_BYTES, Asked, call

    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    printed = call(Asked(data, str(settings(ctx).db_path()), policy or "", timeout, on_rollback), os.environ)
    if printed.out:
        click.echo(printed.out, nl=False)
    if printed.err:
        from review_tui.sanitize import clean_block

        click.echo(clean_block(printed.err), err=True)
    return printed.code
