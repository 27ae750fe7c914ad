"""The program's own group: commands by name, and anything else is a path to open."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from review_tui.cli.guard import guarded
from review_tui.cli.lazy import LazyGroup
from review_tui.cli.settings import codebook_option, db_option, format_option, reviewer_option

#: name -> (module, one line of help). A new command is one new file and one line here.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("review_tui.cli.demo", "A live agent in a scratch workspace, gated, to try everything on."),
    "import": ("review_tui.cli.import_", "Read runs into the database (folders are searched)."),
    "runs": ("review_tui.cli.runs", "List the runs in the database."),
    "show": ("review_tui.cli.show", "Print a run, or one chunk of it, as plain text."),
    "search": ("review_tui.cli.search", "Find text in all runs, or in one."),
    "decide": ("review_tui.cli.decide", "Record a decision on a chunk or a run."),
    "detect": ("review_tui.cli.detect", "Let detectors look at runs, and print what they suggest."),
    "detectors": ("review_tui.cli.detectors", "Detectors: list, enable, disable, score, calibrate, train."),
    "command-check": ("review_tui.cli.command_check", "Destructive commands: a verdict for each line of input."),
    "judge": ("review_tui.cli.judge", "Ask a language model for suggestions (off unless you name one)."),
    "judge-import": ("review_tui.cli.judge_import", "Keep answers of agentdash as suggestions."),
    "gate": ("review_tui.cli.gate", "Gates of live runs: open, list, show, decide, stop, release."),
    "policy": ("review_tui.cli.policy", "Policies: show what is in force, check a file, try it on a gate."),
    "workspace": ("review_tui.cli.workspace", "Snapshots of a workspace: take, plan, restore, undo."),
    "run": ("review_tui.cli.run", "Run a command under review: it is held at the end of each chunk."),
    "follow": ("review_tui.cli.follow", "Review a session file while an agent is writing it; nobody is held."),
    "agree": ("review_tui.cli.agree", "How far reviewers agree: per mode, on steps, per reviewer."),
    "hooks": ("review_tui.cli.hooks", "Put Claude Code's tool calls behind gates: install, check, uninstall."),
    "hook": ("review_tui.cli.hook", "What Claude Code calls then: one tool call in, a permission out."),
    "adjudicate": ("review_tui.cli.adjudicate", "Settle what reviewers disagree on: list, show, settle, notes."),
    "gold": ("review_tui.cli.gold", "Gold sets: status, release, verify, export, diff."),
    "convert": ("review_tui.cli.convert", "Write a run in another format: canonical JSONL or ATIF."),
    "merge": ("review_tui.cli.merge", "Unite the decisions of another database with this one's."),
    "import-labels": ("review_tui.cli.import_labels", "Enter labels that came with a corpus as votes of outsiders."),
    "queue": ("review_tui.cli.queue", "Queues of runs: create, list, next, status."),
    "insights": ("review_tui.cli.insights", "What fails, how, for whom: profiles, JSON, a report in HTML."),
    "plan": ("review_tui.cli.plan", "What a chunk of review buys: the arithmetic of stages."),
    "codes": ("review_tui.cli.codes", "Open coding: notes become codes, codes become failure modes."),
    "health": ("review_tui.cli.health", "How you review: pace, reading, suggestions, drift, test-retest."),
    "undo": ("review_tui.cli.undo", "Take your last decision on a run back."),
    "redo": ("review_tui.cli.redo", "Do what you last took back again."),
    "history": ("review_tui.cli.history", "Everything that was ever decided on a run, in order."),
    "codebook": ("review_tui.cli.codebook", "Failure modes: list, show, check, affected."),
    "db": ("review_tui.cli.db", "The database: path, backup, share, prune, delete-run, verify, rebuild."),
    "doctor": ("review_tui.cli.doctor", "What works here: SQLite, file system, terminal, optional parts."),
}
OPEN = "open"


class Root(LazyGroup):
    """The group behind `review-tui`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in self.table:
            return super().resolve_command(ctx, args)
        return OPEN, _open_command(), args

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """As click's, but every error is ours to word (see `guard`)."""
        run = super().main

        def call() -> Any:
            return run(args, prog_name, complete_var, standalone_mode=False, **extra)

        if not standalone_mode:
            return call()
        sys.exit(guarded(call))


def _open_command() -> click.Command:
    from review_tui.cli.open import command

    return command


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from review_tui.cli.version import version_line

        click.echo(version_line())
        ctx.exit()


@click.group(
    cls=Root,
    table=COMMANDS,
    invoke_without_command=True,
    subcommand_metavar="[PATH...] | COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@db_option
@reviewer_option
@format_option
@codebook_option
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Print the version."
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Review the runs of AI agents, chunk by chunk.

    Without a command, the station opens: on the runs at PATH (a folder is searched for runs), or on all runs in the
    database. A path that is named like a command is written ./NAME.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(_open_command())
