"""Whatever ends a command, ends it with an exit code and at most one plain line: no traceback reaches a user."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from review_tui.sanitize import clean
from sessions.errors import UsageError, UserError

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
DEBUG_VARIABLE = "REVIEW_TUI_DEBUG"


def guarded(call: Callable[[], Any]) -> int:
    """Run a command; its exit code. Commands return an exit code, or None for done."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a locale without the letter must not end the command
            stream.reconfigure(errors="backslashreplace")
    try:
        result = call()
        sys.stdout.flush()
        return result if isinstance(result, int) else DONE
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        return _usage(error) if isinstance(error, click.UsageError) else _failed(error.format_message(), FAILED)
    except UsageError as error:
        return _failed(str(error), USAGE)
    except UserError as error:
        return _failed(str(error), FAILED)
    except BrokenPipeError:
        _forget_stdout()
        return FAILED
    except Exception as error:  # the last net: what nobody thought of is still one line
        return _unexpected(error)


def _usage(error: click.UsageError) -> int:
    where = f" Try `{error.ctx.command_path} --help`." if error.ctx else ""
    message = " ".join(error.format_message().split())
    return _failed(message if message.endswith((".", "?", "!")) else f"{message}.", USAGE, where)


def _unexpected(error: Exception) -> int:
    if os.environ.get(DEBUG_VARIABLE):
        import traceback

        click.echo("".join(map(clean_lines, traceback.format_exception(error))), err=True)
    what = f"{type(error).__name__}: {error}".split("\n")[0][:200]
    return _failed(f"something went wrong inside ({what}). {DEBUG_VARIABLE}=1 shows the details.", FAILED)


def clean_lines(text: str) -> str:
    return "".join(f"{clean(line)}\n" for line in text.splitlines())


def _failed(message: str, code: int, after: str = "") -> int:
    click.echo(clean(f"review-tui: {' '.join(message.split())}{after}"), err=True)
    return code


def _forget_stdout() -> None:
    """The reader is gone: keep the interpreter from complaining about it once more when it ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # not a real file (a test's)
        return
