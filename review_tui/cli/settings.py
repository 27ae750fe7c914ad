"""What holds for every command, given before or after its name: the database, the reviewer, codebooks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sessions.errors import UsageError, UserError

if TYPE_CHECKING:
    from labels.codebook import Codebooks
    from labels.ledger import Ledger
    from labels.queues import Rule
    from sessions.catalog import RunInfo
    from sessions.chunks import Chunks, Policy
    from sessions.store import Store

F = TypeVar("F", bound=Callable[..., Any])


class Words(click.ParamType[str]):
    """Text from the command line. Bytes that are no UTF-8 become U+FFFD: neither SQLite nor JSON takes halves."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        return str(value).encode("utf-8", "replace").decode()


WORDS = Words()
PATH = click.Path(path_type=Path)


@dataclass
class Settings:
    """Options that may stand before the command, and what follows from them."""

    db: Path | None = None
    reviewer: str | None = None
    format: str | None = None
    codebooks: tuple[Path, ...] = ()

    def db_path(self) -> Path:
        from sessions.store import default_path

        return self.db or default_path()

    def store(self, ctx: click.Context, *, create: bool = False) -> Store:
        """The database, closed when the command ends.

        create: make it if it is not there. Without, a missing one is an error: a mistyped --db must not leave an
        empty database behind.
        """
        path = self.db_path()
        if not create and not path.exists():
            raise UserError(f"there is no database {path} yet.", "`review-tui import PATH` makes it.")
        from sessions.store import Store

        store = Store.open(path)
        ctx.find_root().call_on_close(store.close)
        return store

    def reviewer_name(self) -> str:
        from labels.glance import default_reviewer

        return self.reviewer or default_reviewer()

    def ledger(self, store: Store) -> Ledger:
        from labels.ledger import Ledger

        return Ledger(store, self.reviewer_name())

    def load_codebooks(self) -> Codebooks:
        from labels.codebook import load_all
        from labels.codebook_paths import user_codebook_folder, user_codebook_paths

        return load_all(user_codebook_paths(self.codebooks), folder=user_codebook_folder())


def settings(ctx: click.Context) -> Settings:
    """The settings of this call."""
    return ctx.find_root().ensure_object(Settings)


def find_run(store: Store, text: str) -> RunInfo:
    """The run that is meant. Raises UserError."""
    from sessions import catalog

    return catalog.find_run(store, text)


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
        if value not in (None, ()):
            kept = getattr(settings(ctx), name)
            setattr(settings(ctx), name, (*kept, *value) if isinstance(value, tuple) else value)

    return callback


def db_option(command: F) -> F:
    text = "The database. Default: $REVIEW_TUI_DB, or the user's data folder."
    return click.option("--db", type=PATH, metavar="PATH", expose_value=False, callback=_keep("db"), help=text)(command)


def reviewer_option(command: F) -> F:
    text = "Who is deciding. Default: $REVIEW_TUI_REVIEWER, or the login name."
    return click.option(
        "--reviewer", type=WORDS, metavar="NAME", expose_value=False, callback=_keep("reviewer"), help=text
    )(command)


def format_option(command: F) -> F:
    text = "Read files as this format instead of looking at their content."
    return click.option(
        "--format", type=WORDS, metavar="NAME", expose_value=False, callback=_keep("format"), help=text
    )(command)


def codebook_option(command: F) -> F:
    text = "A further codebook (TOML), or a folder of them. Repeatable; also $REVIEW_TUI_CODEBOOKS."
    return click.option(
        "--codebook", type=PATH, metavar="PATH", multiple=True, expose_value=False, callback=_keep("codebooks"),
        help=text,
    )(command)  # fmt: skip


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


def yes_option(command: F) -> F:
    return click.option("--yes", is_flag=True, help="Really do it; without, only what would be done is said.")(command)


def chunks_option(command: F) -> F:
    from sessions.chunks import DEFAULT_POLICY

    text = f"How the run is cut: every:N, handoff, turn, tokens:N, effects, marker:REGEX, declared ({DEFAULT_POLICY})."
    return click.option(
        "--chunks", "policy", type=WORDS, metavar="POLICY", default=None, help=text
    )(command)  # fmt: skip


def cut(store: Store, run: RunInfo, policy: str | None, rule: Rule) -> tuple[Policy, Chunks]:
    """The run cut as asked for, as its queue says, or by default. Raises UsageError where the first two differ."""
    from sessions.chunks import DEFAULT_POLICY, Policy, chunks_of

    parsed = Policy.parse(policy or rule.policy or DEFAULT_POLICY)
    if rule.policy is not None and str(parsed) != rule.policy:
        raise UsageError(
            f"the queue {rule.name!r} cuts this run by {rule.policy}, for every reviewer.", "Leave --chunks out."
        )
    return parsed, chunks_of(store, run, parsed)
