"""`review-tui gold diff OLD NEW`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from review_tui.cli import output
from review_tui.cli.settings import PATH, json_option

if TYPE_CHECKING:
    from labels.gold.diff import Difference

#: Changed labels that are printed.
_SHOWN = 50


@click.command("diff")
@click.argument("old", type=PATH, metavar="OLD")
@click.argument("new", type=PATH, metavar="NEW")
@json_option
def command(old: Path, new: Path, as_json: bool) -> None:
    """Say what changed from the release OLD to the release NEW: runs, votes, gold labels, rule, splits."""
    from labels.gold import diff
    from labels.gold.reading import Release

    found = diff.compare(Release(old), Release(new))
    content = diff.as_json(found)
    if as_json:
        output.emit("gold-diff", content)
        return
    if found.same:
        output.line("nothing changed.")
        return
    _print(found, content)


def _print(found: Difference, content: dict[str, Any]) -> None:
    for what, was, now in found.settings:
        output.line(f"{what}: {output.as_json(was)} -> {output.as_json(now)}")
    output.line(
        f"runs: {len(found.runs_new):,} new, {len(found.runs_gone):,} gone, {len(found.moved):,} in another split"
    )
    output.line(f"votes: {found.votes_new:,} new or changed, {found.votes_gone:,} gone or as they were before")
    for kind, number in content["labels"].items():
        output.line(f"labels {kind}: {number:,}")
    for item in content["changed"][:_SHOWN]:
        unit = item["unit"]
        where = "whole run"
        if unit["scope"] == "chunk":
            where = output.steps_text(unit["first"]["step_index"], unit["last"]["step_index"])
        output.line(f"  {item['run_id'][:8]} {where}: {item['mode']}@{item['codebook']} {item['old']} -> {item['new']}")
    if (rest := sum(content["labels"].values()) - _SHOWN) > 0:
        output.line(f"  and {rest:,} more; --json has up to 1,000")
