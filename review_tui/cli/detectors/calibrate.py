"""`review-tui detectors calibrate`."""

from __future__ import annotations

from typing import Any

import click

from labels.figures import decimal
from review_tui.cli import output
from review_tui.cli.detectors.common import say_account, say_off, wanted
from review_tui.cli.settings import codebook_option, db_option, json_option, settings


@click.command("calibrate")
@codebook_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Learn from blind decisions how often each detector is right at a given score.

    From 20 blind decisions on a detector's mode its suggestions carry a probability, those in the database at once.
    Below, they only say how often they were right so far. Do it again when there are more decisions.
    """
    from labels.scoring.acceptance import acceptance
    from labels.scoring.calibrate import calibrate
    from labels.scoring.predict import Troubles
    from labels.scoring.truth import Account

    given = settings(ctx)
    store = given.store(ctx)
    account, troubles = Account(), Troubles()
    kept = calibrate(store, given.load_codebooks(), wanted(()), account, troubles)
    accepted = {key: item.text for key, item in acceptance(store).items()}
    if as_json:
        entries = [
            {**entry, "accepted": accepted.get((entry["detector"], entry["mode"]), "")} for entry in kept["entries"]
        ]
        left_out = [{"reason": reason, "count": count} for reason, count in sorted(account.left_out.items())]
        labels = {"used": account.used, "left_out": left_out, "doubts": account.doubts}
        output.emit("detectors-calibrate", {"at": kept["at"], "labels": labels, "entries": entries})
        return
    say_account(account)
    say_off(troubles.off)
    if not kept["entries"]:
        output.line("No suggestion stands on steps that were decided blind, so there is nothing to learn from yet.")
        return
    output.line()
    rows = [("detector", "mode", "right", "accepted", "probability")]
    rows += [
        (entry["detector"], entry["mode"], f"{entry['right']} of {entry['decisions']}",
         accepted.get((entry["detector"], entry["mode"]), ""), _outcome(entry))
        for entry in kept["entries"]
    ]  # fmt: skip
    output.table(rows)


def _outcome(entry: dict[str, Any]) -> str:
    if entry["curve"] is None:
        return "not yet: 20 blind decisions are needed"
    found = entry["reliability"]
    if found is None:
        return "yes; error unknown, all of it is from one run"
    return f"yes; error {decimal(found['ece'])} (n {found['n']}, {found['bins']} bins)"
