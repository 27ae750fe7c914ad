"""`review-tui codes saturation`."""

from __future__ import annotations

from typing import Any

import click

from review_tui.cli import output
from review_tui.cli.codes.common import opened, say_hidden
from review_tui.cli.settings import db_option, json_option, reviewer_option
from review_tui.curve import plot

#: Size of the plot, in cells.
WIDTH, HEIGHT = 64, 12


@click.command("saturation")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Say whether new runs still bring new codes: distinct codes against runs in the order in which they were coded,
    the mean over all orders, and an estimate of what is still unseen (Chao2, Good-Turing coverage)."""
    from labels.coding.saturation import AHEAD, FEW, saturation

    _, board, _ = opened(ctx)
    found = saturation(board)
    if as_json:
        output.emit("codes-saturation", _json(found, board.hidden, FEW, AHEAD))
        return
    say_hidden(board)
    output.line(found.sentence)
    if not found.runs:
        output.note("`codes assign CODE NOTE` gives a note a code.")
        return
    band = list(zip(found.points, found.low, found.high, strict=True))
    for row in plot(found.observed, found.mean, band, WIDTH, HEIGHT):
        output.line("".join(text for text, _ in row).rstrip())
    if not found.few:
        low, high = found.total_low or 0, found.total_high or 0
        output.line(f"in all at least {found.total or 0:.1f} codes (95 % {low:.1f} to {high:.1f}, Chao2)")
        output.line(f"in {AHEAD} further runs about {found.ahead or 0:.1f} new ones; n = {len(found.runs)} runs")


def _json(found: Any, hidden: int, few: int, ahead: int) -> dict[str, Any]:
    band = zip(found.points, found.low, found.high, strict=True)
    return {
        "runs": len(found.runs), "codes": found.codes, "hidden": hidden, "too_few": found.few, "fewest": few,
        "sentence": found.sentence, "runs_since_new": found.since, "in_one_run": found.once, "in_two_runs": found.twice,
        "coverage": _rounded(found.coverage),
        "chao2": {"value": _rounded(found.total), "low": _rounded(found.total_low), "high": _rounded(found.total_high)},
        "expected_new": {"runs": ahead, "codes": _rounded(found.ahead)},
        "curve": [
            {"run": run, "new": fresh, "observed": seen, "mean": round(mean, 4)}
            for (run, fresh), seen, mean in zip(found.runs, found.observed, found.mean, strict=True)
        ],
        "band": [{"runs": runs, "low": low, "high": high} for runs, low, high in band],
    }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
