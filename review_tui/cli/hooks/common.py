"""What the commands on hooks share: whose settings are meant, and showing them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH
from review_tui.sanitize import clean_block
from sessions.errors import UsageError, UserError

F = TypeVar("F", bound=Callable[..., Any])


def client_argument(command: F) -> F:
    return click.argument("client", type=click.Choice(["claude-code"]))(command)


def where_options(command: F) -> F:
    """Whose settings: a project's, or the user's."""
    project = click.option(
        "--project", type=PATH, metavar="DIR", help="For work in DIR (its .claude/settings.local.json). Default: here."
    )
    user = click.option("--user", is_flag=True, help="For all projects (settings.json in the user's folder).")
    return project(user(command))


def settings_file(project: Path | None, user: bool) -> Path:
    """The file that is meant. Raises UsageError, UserError."""
    from sessions.adapters.claude_settings import project_file, user_file

    if user and project is not None:
        raise UsageError("--user and --project say two different things.", "Give one of them.")
    if user:
        return user_file(os.environ)
    folder = project or Path()
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}.", "Name the project's folder.")
    return project_file(folder.absolute())


def show_settings(path: Path, value: dict[str, Any]) -> None:
    """What would be written."""
    import json

    output.line(f"{path}:")
    click.echo(clean_block(json.dumps(value, indent=2, ensure_ascii=False)))
