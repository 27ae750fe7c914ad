"""`review-tui gold release NAME --out DIR`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.gold.common import queue_option, queued_of, rule_options, warn_of_names
from review_tui.cli.settings import PATH, WORDS, codebook_option, db_option, json_option, settings
from sessions.errors import UsageError


@click.command("release")
@click.argument("name", type=WORDS)
@click.option("--out", type=PATH, required=True, metavar="DIR", help="The release: a folder that does not exist yet.")
@rule_options
@queue_option
@click.option("--as-version", "version", type=WORDS, default="1", show_default=True, help="Version of the data set.")
@click.option(
    "--split", "splits", type=WORDS, multiple=True, metavar="NAME=SHARE",
    help="A split and its share, by task. Repeatable. Default: train=0.8, validation=0.1, test=0.1.",
)  # fmt: skip
@click.option("--salt", type=WORDS, default="review-tui", help="Of splits and pseudonyms: the same for all versions.")
@click.option("--licence", type=WORDS, default="", metavar="TEXT", help="Of the data, for its card: CC-BY-4.0, say.")
@click.option("--names", is_flag=True, help="Annotators' names instead of pseudonyms.")
@click.option("--accept-redactions", "accept", is_flag=True, help="Hide whatever looks like a secret, unseen.")
@click.option("--reviewed", type=PATH, metavar="FILE", help="The list of `gold redactions --write`, gone through.")
@codebook_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    name: str,
    out: Path,
    rule: str,
    min_votes: int,
    same: tuple[str, ...],
    queue: str | None,
    version: str,
    splits: tuple[str, ...],
    salt: str,
    licence: str,
    names: bool,
    accept: bool,
    reviewed: Path | None,
    as_json: bool,
) -> None:
    """Write the release NAME: runs, votes, suggestions, gold, a card, and a manifest with the hash of each file.

    The same events give the same bytes, on any machine. A release is whole or not there, and never changed afterwards.
    """
    from labels.gold.hiding import Review
    from labels.gold.people import People, same_of
    from labels.gold.piece import Options
    from labels.gold.release import release
    from labels.gold.rule import Rule
    from labels.gold.splits import Splits

    if not salt.strip():
        raise UsageError("the salt is empty.", "Leave --salt out, or give some text.")
    store = settings(ctx).store(ctx)
    people = People(salt, same_of(same), names)
    queued = queued_of(store, queue)
    options = Options(
        name,
        Rule.of(rule, min_votes),
        people,
        Splits.parse(salt, splits),
        version,
        licence,
        queued.id if queued else "",
    )
    review = Review.read(reviewed, accept=accept) if reviewed else Review(accept)
    warn_of_names(store, dict(people.same))
    made = release(store, out, options, review, settings(ctx).load_codebooks())
    content = made.content
    if len({who for group in content["annotators"]["by_role"].values() for who in group}) == 1:
        output.note("one person made all of it: nothing says how well two would agree.")
    if as_json:
        told = ("name", "version", "digest", "settling", "split", "counts", "left_out", "redaction", "event_log")
        limited = {"queue": content.get("queue")}
        output.emit("gold-release", {"path": str(out), **{key: content[key] for key in told}, **limited})
        return
    counts = content["counts"]
    output.line(
        f"{name}: {output.count(counts['runs'], 'run')}, {output.count(counts['votes'], 'vote')},"
        f" {output.count(counts['settled'], 'settled label')} in {out}"
    )
    output.line(f"digest {content['digest']}")
    for text in made.notes:
        output.note(text)
    for reason, number in content["left_out"].items():
        output.note(f"left out: {number:,} {reason}")
