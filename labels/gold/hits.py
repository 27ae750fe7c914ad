"""The list of what would be hidden, for people to go through before a release: each value once, with where it stands.

It holds the very secrets that are to be hidden: it is written for its owner alone, and belongs in no release.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labels import adjudication
from labels.gold.hiding import Hiding, Hit, Review
from labels.gold.piece import anchors_of, notes_of, rulings_on, suggestions_of
from labels.gold.queued import Queued
from labels.gold.said import said_of, voted_runs
from sessions.errors import UserError
from sessions.jsontext import dumps
from sessions.store import Store


@dataclass(slots=True)
class Seen:
    """A value that would be hidden. places: how often it stands somewhere. run: the first run that it is in."""

    kind: str
    value: str
    places: int
    run: str
    decision: str = ""


def hits(store: Store, review: Review, queued: Queued | None = None) -> list[Seen]:
    """Every value that the rules find in the runs that would be released. review: what was decided before. queued: the
    queue that the release would be limited to."""
    found: dict[Hit, Seen] = {}
    adjudication.bring_up_to_date(store)
    for run in voted_runs(store, Counter(), queued):
        said = said_of(store, run, Counter(), with_events=False, queued=queued)
        if not said.votes:
            continue
        suggestions = suggestions_of(store, run)
        notes = notes_of(said, suggestions, rulings_on(store, run, queued))
        looking = Review()
        hiding = Hiding(store, run, looking, notes, anchors_of(said, suggestions))
        for text in (run.task, run.system, run.model, run.native_id, *notes):
            hiding.text(text or "")
        for hit, count in looking.unreviewed.items():
            seen = found.setdefault(hit, Seen(*hit, 0, run.id, review.choices.get(hit, "")))
            seen.places += count
    return sorted(found.values(), key=lambda seen: (seen.kind, seen.value))


def write(path: Path, seen: Iterable[Seen]) -> None:
    """The list as JSONL, with a `decision` to fill in: `hide` or `keep`. Raises UserError if the file is there."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            for item in seen:
                row = {"kind": item.kind, "value": item.value, "places": item.places, "run": item.run}
                file.write(dumps({**row, "decision": item.decision}) + "\n")
    except FileExistsError:
        raise UserError(f"{path} is there already.", "Name another file.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from None
