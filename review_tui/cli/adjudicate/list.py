"""`review-tui adjudicate list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.gold.common import queue_option, queued_of, rule_options
from review_tui.cli.settings import codebook_option, db_option, json_option, settings

if TYPE_CHECKING:
    from labels.disputes import Dispute


@click.command("list")
@rule_options
@queue_option
@codebook_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context, rule: str, min_votes: int, same: tuple[str, ...], queue: str | None, as_json: bool
) -> None:
    """List the failure modes that votes leave open under the rule and nobody has settled.

    Modes on which people agree least beyond chance come first.
    """
    from labels.disputes import disputes
    from labels.gold.people import People, same_of
    from labels.gold.rule import Rule

    store = settings(ctx).store(ctx)
    people = People(same=same_of(same), named=True)
    found = disputes(store, Rule.of(rule, min_votes), people, settings(ctx).load_codebooks(), queued_of(store, queue))
    if as_json:
        output.emit("adjudicate-list", {"rule": rule, "min_votes": min_votes, "open": [dispute_json(i) for i in found]})
        return
    if not found:
        output.note("nothing is open by this rule.")
        return
    rows = [("run", "where", "mode", "codebook", "present", "absent", "unsure", "alpha", "why")]
    for item in found:
        alpha = "-" if item.alpha is None else f"{item.alpha:.2f}"
        votes = (f"{len(item.present)}", f"{len(item.absent)}", f"{len(item.unsure)}")
        name = f"{item.code} {item.name or item.mode}".strip()
        rows.append((item.run.id[:8], where(item), name, item.codebook, *votes, alpha, item.how))
    output.table(rows, right=frozenset({4, 5, 6, 7}))


def where(item: Dispute) -> str:
    """`chunk 2, steps 6-10`"""
    if item.unit["scope"] == "run":
        return "whole run"
    steps = output.steps_text(item.unit["first"]["step_index"], item.unit["last"]["step_index"])
    return f"chunk {'/'.join(map(str, item.numbers))}, {steps}"


def dispute_json(item: Dispute, names: dict[str, str] | None = None) -> dict[str, Any]:
    """names: what the reviewers are called; only how many there are where None."""
    votes = {side: getattr(item, side) for side in ("present", "absent", "unsure")}
    by = {side: sorted((names or {}).get(name, "somebody") for name in who) for side, who in votes.items()}
    return {
        "run": item.run.id, "unit": item.unit, "chunk_numbers": list(item.numbers), "codebook": item.codebook,
        "mode": item.mode, "code": item.code, "name": item.name, "why": item.how, "alpha": item.alpha,
        "votes": {side: len(who) for side, who in votes.items()},
        **({"by": by} if names is not None else {}),
    }  # fmt: skip
