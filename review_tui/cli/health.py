"""`review-tui health`: how you review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.settings import db_option, json_option, reviewer_option, settings

if TYPE_CHECKING:
    from labels.health import Health


@click.command("health")
@click.option("--all", "everybody", is_flag=True, help="Everybody's, for whoever leads the reviewing.")
@reviewer_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, everybody: bool, as_json: bool) -> None:
    """Say how you review: time per chunk, what was on your screen, how you take suggestions beside what you say without
    seeing them, accepts too fast to be read, drift, and the same chunk a second time.

    It is yours unless you ask for somebody else's with --reviewer NAME, or for all with --all. Figures come with the
    number of cases and a 95 % interval.
    """
    from labels.health import health, reviewers

    store = settings(ctx).store(ctx)
    names = reviewers(store) if everybody else [settings(ctx).reviewer_name()]
    found = [health(store, name) for name in names]
    if as_json:
        output.emit("health", {"reviewers": [_json(item) for item in found]})
        return
    if not found:
        output.note("nobody has decided on anything here yet.")
    for place, item in enumerate(found):
        if place:
            output.line()
        if item.chunks or not (others := reviewers(store)):
            _print(item)
        else:
            output.line(f"nobody called {item.reviewer} has decided on anything here. Who has: {', '.join(others)}.")


def _print(found: Health) -> None:
    from review_tui.health_words import said

    for line in said(found):
        text = "".join(piece for piece, _ in line)
        output.line(text.rstrip())


def _json(found: Health) -> dict[str, Any]:
    pace, reading, taking, retest = found.pace, found.reading, found.taking, found.retest
    return {
        "reviewer": found.reviewer, "chunks": found.chunks, "runs": found.runs,
        "first_at": found.first and found.first.isoformat(), "last_at": found.last and found.last.isoformat(),
        "notices": found.notices,
        "time_per_chunk": {
            "seconds": pace.median.json(), "quartiles": [pace.quarter, pace.three_quarters], "idle": pace.idle,
            "unknown": pace.untimed, "change_per_week": pace.trend.json(),
            "weeks": [
                {"from": week.begins.isoformat(timespec="seconds"), "median": week.median, "n": week.n}
                for week in pace.weeks
            ],
        },
        "read": {
            "median_share": reading.median.json(), "chunks_read": reading.read.json(),
            "chunks_hardly_read": reading.hardly.json(), "unknown": reading.unknown,
        },
        "suggestions": [
            {"detector": item.name or None, "accepted_when_shown": item.shown.json(),
             "said_when_blind": item.blind.json(), "difference": item.gap.json()}
            for item in taking.detectors
        ],
        "fast_accepts": {"share": taking.fast.json(), "number": taking.fast_number, "alarm": taking.alarm},
        "drift": [
            {"measure": item.name, "last_seven_days": item.now.json(), "before": item.before.json(),
             "change": item.change.json(), "moved": item.moved}
            for item in found.drift
        ],
        "retest": {
            "chunks": retest.chunks, "same_verdict": retest.verdicts.json(), "same_modes": retest.modes.json(),
            "kappa": retest.kappa if retest.kappa is None else round(retest.kappa, 4),
        },
    }  # fmt: skip
