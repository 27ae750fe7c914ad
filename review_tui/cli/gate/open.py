"""`review-tui gate open [FILE]`: an agent in any language opens a gate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, db_option, settings
from sessions.errors import UsageError, UserError

#: Exit codes, by verdict. Only an approval is 0.
CODES = {"approve": 0, "rollback": 10, "stop": 11, "reject": 12, None: 75}
MAX_BYTES = 256_000_000


@click.command("open")
@click.argument("file", required=False, type=WORDS, metavar="[FILE|-]")
@click.option(
    "--json",
    "source",
    is_flag=False,
    flag_value="",
    default="",
    type=WORDS,
    metavar="[FILE|-]",
    help="The same as FILE. Alone it says what is so anyway: the request and the answer are JSON.",
)
@click.option("--wait", is_flag=True, help="Wait for the decision (at most `timeout_s` of the request).")
@db_option
@click.pass_context
def command(ctx: click.Context, file: str | None, source: str, wait: bool) -> int:
    """Open a gate, or ask again for one, and print the answer as JSON.

    The request is one JSON object, in FILE or on standard input.

    Exits 0 only when approved; 10 rolled back, 11 stopped, 12 rejected, 75 nobody has answered yet (the gate stays
    open: ask again with the same request).
    """
    from sessions.live.asking import ask, open_database, parse
    from sessions.live.files import workspace_hooks
    from sessions.live.hooks import NO_HOOKS

    if file and source and file != source:
        raise UsageError("two requests were given.", "Name one file.")
    request = parse(read_request(file or source or "-"))
    with open_database(settings(ctx).db_path()) as store:
        if wait:
            output.note(f"waiting at gate {request.gate} of run {request.run}; to decide: review-tui gate list")
        hooks = workspace_hooks(store.path) if request.workspace else NO_HOOKS
        answer = ask(store, request, wait=wait, itself=False, hooks=hooks)
    output.emit("gate", answer.as_json())
    return CODES[answer.verdict]


def read_request(source: str) -> Any:
    """The JSON in a file, or on standard input for `-`. Raises UserError, or UsageError for what is no JSON."""
    from sessions.jsontext import BadJson, loads

    try:
        if source == "-":
            if sys.stdin.isatty():
                output.note("reading the request from standard input, up to Ctrl+D ...")
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"cannot read {source}: {error.strerror}.") from None
    if len(data) > MAX_BYTES:
        raise UserError(f"the request is larger than {MAX_BYTES // 1_000_000} MB.", "Open gates more often.")
    try:
        return loads(data)
    except BadJson as error:
        raise UsageError(f"the request is {error}.", "One JSON object is expected (docs/live.md).") from None
