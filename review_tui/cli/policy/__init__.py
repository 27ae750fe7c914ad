"""`review-tui policy ...`: the rules that hold gates, and decide some of them."""

from __future__ import annotations

import click

from review_tui.cli.lazy import LazyGroup

TABLE = {
    "show": ("review_tui.cli.policy.show", "Which policy is in force, in words."),
    "check": ("review_tui.cli.policy.check", "Whether a policy can be used, and everything that is wrong with it."),
    "try": ("review_tui.cli.policy.try_", "What the policy would do with a gate, opening none."),
}


@click.group("policy", cls=LazyGroup, table=TABLE)
def command() -> None:
    """Policies: a TOML file of yours ($REVIEW_TUI_POLICY, or `policy.toml` in the configuration folder) with what waits
    for a person, or for two, and what is decided without one. docs/policies.md shows a complete one."""
