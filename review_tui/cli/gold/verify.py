"""`review-tui gold verify DIR`."""

from __future__ import annotations

from pathlib import Path

import click

from review_tui.cli import output
from review_tui.cli.guard import DONE, FAILED
from review_tui.cli.settings import PATH, json_option


@click.command("verify")
@click.argument("folder", type=PATH, metavar="DIR")
@json_option
def command(folder: Path, as_json: bool) -> int:
    """Check the release in DIR: every hash, every step and quote that a row names, the splits, and the gold, settled
    again from the votes. Needs no database. Exit code 1 if anything is not as it should be."""
    from labels.gold.reading import Release
    from labels.gold.verify import problem_lines, verify

    found = verify(folder)
    release = Release(folder)
    if as_json:
        output.emit(
            "gold-verify",
            {
                "name": release.name, "version": release.version, "digest": release.digest,
                "verified": not found.wrong, "wrong": list(problem_lines(found)), "runs": found.runs,
                "rows": found.rows, "quotes": found.quotes,
            },
        )  # fmt: skip
        return FAILED if found.wrong else DONE
    for text in problem_lines(found):
        output.note(f"review-tui: {text}")
    if found.wrong:
        return FAILED
    output.line(
        f"{release.name} {release.version}: {output.count(found.runs, 'run')}, {output.count(found.rows, 'row')},"
        f" {output.count(found.quotes, 'quote')} are as they were released."
    )
    output.line(f"digest {release.digest}")
    return DONE
