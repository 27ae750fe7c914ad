"""`review-tui db share --group G`."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, db_option, json_option, settings, yes_option
from sessions.errors import UserError


@click.command("share")
@click.option("--group", required=True, type=WORDS, metavar="G", help="A group of the operating system.")
@yes_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, group: str, yes: bool, as_json: bool) -> None:
    """Let everybody in the group G read and write the database (folder 2770, files 0660).

    Everything in the database's folder comes within the group's reach; where other files lie there, --yes is needed.
    """
    from sessions.maintenance import closed_parents, share, strangers

    store = settings(ctx).store(ctx)
    others = strangers(store.path)
    if others and not yes:
        raise UserError(
            f"the folder of {store.path} holds other files too ({', '.join(others[:3])} ...): they would be shared.",
            "Move the database into a folder of its own, or say --yes.",
        )
    changed = share(store.path, group)
    closed = closed_parents(store.path, group)
    if as_json:
        paths = {"changed": [str(path) for path in changed], "closed_parents": [str(path) for path in closed]}
        output.emit("db-share", {"group": group, **paths})
    else:
        for path in changed:
            output.line(f"{group} may now use {path}")
    if closed:
        output.note(f"but {closed[-1]} does not let that group through: open it (chmod o+x), or move the database.")
