"""`review-tui policy show`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from review_tui.cli import output
from review_tui.cli.settings import json_option


@click.command("show")
@json_option
def command(as_json: bool) -> None:
    """Say which policy is in force here, and what it means."""
    from labels.policies import inforce, words

    path, rules, now = inforce.policy_path(), inforce.in_force(), datetime.now(UTC)
    policy = rules.policy
    parts = {
        "always": words.always(policy), "holds": words.holds(policy, now), "rules": words.rules(policy),
        "rest": words.rest(policy),
    }  # fmt: skip
    if as_json:
        content = policy.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        there = rules.path is not None
        output.emit(
            "policy-show",
            {"path": str(path), "exists": there, "tag": rules.tag or None, "policy": content, "in_words": parts},
        )
        return
    if rules.path is None:
        output.line(f"there is no policy ({path} would be it): every gate waits for a person.")
    else:
        output.line(f"{path}, content {rules.tag}")
    titles = {
        "always": "always holds:",
        "holds": "holds:",
        "rules": "rules (holding wins over deciding):",
        "rest": "besides:",
    }
    for name, lines in parts.items():
        if lines and (rules.path is not None or name == "always"):
            output.line(titles[name])
            for line in lines:
                output.line(f"  {line}")
