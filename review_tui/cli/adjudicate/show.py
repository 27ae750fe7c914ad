"""`review-tui adjudicate show RUN --chunk N`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.adjudicate.common import case_options, the_case
from review_tui.cli.adjudicate.list import dispute_json
from review_tui.cli.decision_text import label_text, target_text, verdict_text
from review_tui.cli.gold.common import rule_options
from review_tui.cli.settings import codebook_option, db_option, json_option, settings

if TYPE_CHECKING:
    from labels.disputes import Case


@click.command("show")
@case_options
@click.option("--named", is_flag=True, help="Reviewers' names; without, letters, so that a name does not settle it.")
@rule_options
@codebook_option
@db_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    run: str,
    number: int | None,
    whole: bool,
    policy: str | None,
    named: bool,
    rule: str,
    min_votes: int,
    same: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show every vote on a chunk of RUN side by side: labels with their evidence, notes, time; what was settled, and
    what is open. Suggestions of detectors are not shown."""
    from labels.disputes import letters

    store = settings(ctx).store(ctx)
    case = the_case(ctx, store, run, (number, whole, policy), (rule, min_votes, same))
    names = {vote.reviewer: vote.reviewer for vote in case.votes} if named else letters(case)
    if as_json:
        output.emit("adjudicate-show", _json(case, names, named))
    else:
        _print(case, names)


def _json(case: Case, names: dict[str, str], named: bool) -> dict[str, Any]:
    return {
        "run": case.run.id,
        "target": output.numbered(case.target),
        "blind": not named,
        "votes": [
            {
                "by": names[vote.reviewer],
                **{
                    key: output.numbered(vote.decision[key])
                    for key in ("verdict", "to", "labels", "none", "judged", "note", "seconds", "blind_suggestions",
                                "blind_votes", "at")
                    if key in vote.decision
                },
            }
            for vote in _in_order(case, names)
        ],
        "open": [dispute_json(item, names) for item in case.disputes],
        "settled": [_ruling(row, names, named) for row in case.rulings],
    }  # fmt: skip


def _in_order(case: Case, names: dict[str, str]) -> list[Any]:
    return sorted(case.votes, key=lambda vote: (len(names[vote.reviewer]), names[vote.reviewer]))


def _ruling(row: dict[str, Any], names: dict[str, str], named: bool) -> dict[str, Any]:
    kept = ("codebook", "mode", "outcome", "reason", "note", "guideline", "steps", "at", "event_id")
    by = row["annotator"] if named else names.get(row["annotator"], "an adjudicator")
    return {"by": by, **{key: row[key] for key in kept}}


def _print(case: Case, names: dict[str, str]) -> None:
    output.line(f"{case.run.title or case.run.id[:8]}, {target_text(case.target)}")
    for vote in _in_order(case, names):
        said = vote.decision
        facts = [verdict_text(said["verdict"], said["to"])]
        facts += [f"{said['seconds']:.0f} s"] if said["seconds"] is not None else []
        facts += [vote.known_of_detectors] if vote.known_of_detectors else []
        facts += [] if said["blind_votes"] else ["others' votes seen"]
        output.line(f"{names[vote.reviewer]}: {', '.join(facts)}")
        for label in said["labels"]:
            output.line(f"  {label_text(label)}")
            if label["note"]:
                output.block(label["note"], indent="      ")
        for book in said["none"]:
            output.line(f"  none of {book['id']} {book['version']}")
        if said["note"]:
            output.block(said["note"], indent="    ")
    for item in case.disputes:
        said_by = dispute_json(item, names)["by"]
        votes = "; ".join(f"{side}: {', '.join(who)}" for side, who in said_by.items() if who)
        output.line(f"open: {item.code} {item.mode} ({votes})")
    for row in case.rulings:
        why = f"{row['reason']}: {row['note']}" if row["note"] else row["reason"]
        output.line(f"settled: {row['mode']} {row['outcome']}, {why}")
    if not case.disputes:
        output.note("nothing is open here by this rule.")
