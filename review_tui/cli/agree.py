"""`review-tui agree`: how far reviewers agree."""

from __future__ import annotations

import click

from review_tui.cli import output
from review_tui.cli.settings import WORDS, codebook_option, db_option, json_option, settings


@click.command("agree")
@click.option("--queue", type=WORDS, metavar="NAME", help="Only the chunks of this queue.")
@click.option("--by", type=click.Choice(["mode", "step", "reviewer"]), default="mode", help="What to print.")
@click.option("--steps", is_flag=True, help="As --by step.")
@click.option("--same", multiple=True, type=WORDS, metavar="NAME=NAME", help="Two names of one person. Repeatable.")
@click.option("--only", multiple=True, type=WORDS, metavar="NAME", help="Only these reviewers. Repeatable.")
@click.option("--without", multiple=True, type=WORDS, metavar="NAME", help="Without these reviewers. Repeatable.")
@click.option("--all-votes", "seen", is_flag=True, help="Also decisions made when others' votes could be seen.")
@click.option("--blind", is_flag=True, help="Only decisions made without having seen suggestions.")
@codebook_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    queue: str | None,
    by: str,
    steps: bool,
    same: tuple[str, ...],
    only: tuple[str, ...],
    without: tuple[str, ...],
    seen: bool,
    blind: bool,
    as_json: bool,
) -> None:
    """Print how far reviewers agree: per mode, on steps, and each with the others and with themselves.

    Only decisions made blind to others' votes count. Figures that are undefined say why.
    """
    from labels.agreement import Options, agreement
    from labels.gold.people import same_of
    from review_tui.cli import agree_json, agree_text

    given = settings(ctx)
    store = given.store(ctx)
    options = Options(
        queue=_queue(ctx, queue), same=same_of(same), only=frozenset(only), without=frozenset(without), seen=seen,
        blind=blind,
    )  # fmt: skip
    found = agreement(store, given.load_codebooks(), options)
    if as_json:
        output.emit("agree", agree_json.document(found))
        return
    agree_text.show(found, "step" if steps else by)


def _queue(ctx: click.Context, name: str | None) -> str:
    if name is None:
        return ""
    from labels import queues

    return queues.by_name(settings(ctx).store(ctx), name).id
