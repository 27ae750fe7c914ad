"""`review-tui detectors list`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import click

from labels import detectors
from labels.codebook import Codebooks
from labels.detectors.base import Detector
from labels.figures import Figures, figures
from review_tui.cli import output
from review_tui.cli.detectors.common import WIDTH
from review_tui.cli.settings import Settings, codebook_option, db_option, json_option, settings

JUDGE_ONLY = "judge only"


@click.command("list")
@codebook_option
@db_option
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List every failure mode with the detectors that look for it, whether they are on, and how they were measured.

    "judge only": no detector that works without a language model is known for it. n is how often a detector fired on
    the labelled runs; a precision of few says little.
    """
    given = settings(ctx)
    books = given.load_codebooks()
    found, problems = detectors.load_all()
    switched = _switches(ctx, given)
    measured = figures()
    entries = [_entry(detector, switched, measured) for detector in found]
    modes = list(_modes(books, entries))
    if as_json:
        output.emit(
            "detectors-list",
            {"measured_on": measured.date, "modes": modes, "detectors": entries, "problems": list(map(str, problems))},
        )
    else:
        _print(modes, entries)
    for problem in problems:
        output.note(f"review-tui: left out: {problem}")


def _switches(ctx: click.Context, given: Settings) -> dict[str, bool]:
    """What is switched in the database, if there is one."""
    if not given.db_path().exists():
        return {}
    from labels.detection import switches

    return switches(given.store(ctx))


def _entry(detector: Detector, switched: dict[str, bool], measured: Figures) -> dict[str, Any]:
    alerts = measured.alerts.get(detector.id)
    return {
        "id": detector.id,
        "version": detector.version,
        "title": detector.title,
        "on": switched.get(detector.id, detector.default),
        "default": detector.default,
        "modes": list(detector.modes),
        "needs": sorted(detector.needs),
        "source": detector.source,
        "figures": [figure.data for mode in detector.modes if (figure := measured.of(detector.id, mode)) is not None],
        "alerts": alerts,
    }


def _modes(books: Codebooks, entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for book in books:
        for mode in book.modes:
            name = f"{mode.slug}@{book.id}"
            mine = [entry["id"] for entry in entries if name in entry["modes"]]
            yield {"mode": name, "code": mode.code, "name": mode.name, "detectors": mine, "judge_only": not mine}


def _print(modes: list[dict[str, Any]], entries: list[dict[str, Any]]) -> None:
    by_id = {entry["id"]: entry for entry in entries}
    rows = [("code", "mode", "detector", "", "measured")]
    for mode in modes:
        for name in mode["detectors"] or [None]:
            code, slug = mode["code"], mode["mode"].partition("@")[0]
            rows.append((code, slug, JUDGE_ONLY, "", "") if name is None else (code, slug, *_state(by_id[name], mode)))
    output.table(rows)
    for entry in entries:
        output.line()
        needs = f"; needs {', '.join(entry['needs'])}" if entry["needs"] else ""
        _wrapped(f"{entry['id']} {entry['version']}: {entry['title']}{needs}", "", "  ")
        _wrapped(f"source: {entry['source']}", "  ", "  ")


def _state(entry: dict[str, Any], mode: dict[str, Any]) -> tuple[str, str, str]:
    figure = figures().of(entry["id"], mode["mode"])
    if figure is None:
        text = "not measured: no labels"
    else:
        text = figure.short
        if figure.behind and figure.fired:
            text += f", no better than {figure.behind[0]}"
        if figure.version != entry["version"]:
            text += f" (version {figure.version})"
    return entry["id"], "on" if entry["on"] else "off", text


def _wrapped(text: str, first: str, then: str) -> None:
    for line in textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=then):
        output.line(line)
