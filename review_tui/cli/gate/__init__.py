"""`review-tui gate ...`: where live runs wait for a decision."""

from __future__ import annotations

import click

from review_tui.cli.lazy import LazyGroup
from review_tui.cli.settings import db_option

TABLE = {
    "open": ("review_tui.cli.gate.open", "For agents: open a gate, and wait for the decision."),
    "list": ("review_tui.cli.gate.list", "The gates that wait, riskiest first."),
    "show": ("review_tui.cli.gate.show", "A gate whole: steps, proposed calls, checks, what was decided."),
    "claim": ("review_tui.cli.gate.claim", "Say that you are at a gate, for others to know."),
    "decide": ("review_tui.cli.gate.decide", "Decide on a gate: approve, roll back, reject, stop."),
    "audit": ("review_tui.cli.gate.audit", "Look afterwards at a share of what policy approved."),
    "stop": ("review_tui.cli.gate.stop", "Hold runs at their next gate until a person decides."),
    "release": ("review_tui.cli.gate.release", "Let held runs go by their policies again."),
    "end": ("review_tui.cli.gate.end", "Say that a live run is over."),
}


@click.group("gate", cls=LazyGroup, table=TABLE)
@db_option
def command() -> None:
    """Live runs: an agent opens a gate and waits; a person decides, here or in the station.

    A GATE is named by its id (4 characters or more), as RUN/GATE with the agent's own names, or by its own name alone
    where only one gate has it.
    """
