"""`review-tui command-check`: what `labels.commands` says of shell commands, a line in, a line of JSON out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import IO, Any

import click

from review_tui.cli import output

NOT_JSON = "input.not-json"


@click.command("command-check")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--json-lines", is_flag=True, help='Each line is a JSON string, or {"command": ..., "cwd": ...}.')
def command(file: IO[bytes], json_lines: bool) -> None:
    """Judge shell commands, one on each line of FILE or of standard input. Prints one line of JSON for each line, at
    once: {"command", "verdict": "deny" or "allow", "rule", "why"}. An empty line is a command that does nothing.
    """
    for line in _lines(file):
        verdict = _judged_json(line) if json_lines else _judged(line)
        click.echo(output.as_json(verdict).encode(), nl=False)
        click.echo(b"\n", nl=False)
        sys.stdout.flush()


def _lines(file: IO[bytes]) -> Iterator[str]:
    """As soon as they are there. Bytes that are no UTF-8 become replacement characters."""
    for raw in iter(file.readline, b""):
        yield raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "replace")


def _judged(text: str, cwd: str | None = None) -> dict[str, str]:
    from labels.commands import judge_command

    verdict = judge_command(text, cwd=cwd)
    return _answer(text, "deny" if verdict.deny else "allow", verdict.rule, verdict.why)


def _judged_json(line: str) -> dict[str, str]:
    """A line that is no command in JSON is denied: whoever waits for the answer meant something by it."""
    value = _parsed(line)
    if isinstance(value, str):
        return _judged(value)
    if isinstance(value, dict) and isinstance(text := value.get("command"), str):
        cwd = value.get("cwd")
        return _judged(text, cwd if isinstance(cwd, str) else None)
    if not line.strip():
        return _answer(line, "allow", "", "")
    return _answer(line, "deny", NOT_JSON, 'This line is neither a JSON string nor an object with a "command".')


def _parsed(line: str) -> Any:
    from sessions.jsontext import BadJson, loads

    try:
        return loads(line)
    except BadJson:
        return None


def _answer(text: str, verdict: str, rule: str, why: str) -> dict[str, str]:
    return {"command": text, "verdict": verdict, "rule": rule, "why": why}
