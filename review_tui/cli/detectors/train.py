"""`review-tui detectors train`."""

from __future__ import annotations

from typing import Any

import click

from review_tui.cli import output
from review_tui.cli.settings import db_option, json_option, settings
from sessions.errors import UserError


@click.command("train")
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Learn, from the root causes that reviewers marked, which steps of a run to look at first.

    One ranker for each agent system. It is shown only where, on runs it has not seen, it finds the step more often
    than guessing by actor or by position does. Needs the extra `train` (scikit-learn); using it does not.
    """
    from labels.scoring.training import train

    kept = train(settings(ctx).store(ctx))
    if as_json:
        systems = [
            {"system": name, **{key: entry[key] for key in ("shown", "why", "runs", "blind", "proof")}}
            for name, entry in kept["systems"].items()
        ]
        output.emit("detectors-train", {"at": kept["at"], "systems": systems})
        return
    if not kept["systems"]:
        raise UserError(
            "nobody has marked where a run went wrong.",
            "Mark root causes while reviewing (or decide on every chunk up to the first label).",
        )
    for name, entry in kept["systems"].items():
        shown = "shown" if entry["shown"] else f"not shown: {entry['why']}"
        output.line(f"{name}: {shown}")
        output.line(
            f"  {output.count(entry['runs'], 'run')} to learn from, {entry['blind']} marked blind to prove it on"
        )
        if entry["proof"]:
            _print_proof(entry["proof"])


def _print_proof(proof: dict[str, Any]) -> None:
    rows = [("  on held-out runs", "exact", "top 3", "ranker ahead")]
    rows.append(("  step ranker", _percent(proof["ranker"]["exact"]), _percent(proof["ranker"]["top_3"]), ""))
    rows += [
        (f"  {name}", _percent(found["exact"]), _percent(found["top_3"]), f"{found['ahead']:.0%} of draws")
        for name, found in proof["priors"].items()
    ]
    output.table(rows, right=frozenset({1, 2}))


def _percent(figure: dict[str, Any]) -> str:
    return "-" if figure["value"] is None else f"{figure['value']:.0%}"
