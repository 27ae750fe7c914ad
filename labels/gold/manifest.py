"""manifest.json: what a release is made of, by what rule and from what, with the hash of every file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

from labels import redaction
from labels.gold.books import Books
from labels.gold.folder import Folder
from labels.gold.hiding import Review
from labels.gold.queued import Queued
from labels.gold.tables import Tables
from sessions.jsontext import canonical
from sessions.store import Row

if TYPE_CHECKING:
    from labels.gold.piece import Options

SCHEMA = "review-tui/release/1"


def content(
    heads: Sequence[Row],
    options: Options,
    review: Review,
    folder: Folder,
    tables: Tables,
    books: Books,
    left_out: Counter[str],
    queued: Queued | None = None,
) -> dict[str, Any]:
    """All of it but the card's own hash."""
    folder.close()
    files = {name: file.as_json() for name, file in sorted(folder.files.items())}
    return {
        "schema": SCHEMA,
        "name": options.name,
        "version": options.version,
        "licence": options.licence,
        "digest": digest(files),
        "settling": options.rule.as_json(),
        **({"queue": queued.as_json()} if queued is not None else {}),
        "codebooks": {book: found.hash for book, found in books.main.items()},
        "split": options.splits.as_json() | {"sizes": tables.sizes()},
        "annotators": {
            "pseudonyms": not options.people.named,
            "names_of_one_person": len(options.people.same),
            "by_role": {role: dict(sorted(people.items())) for role, people in sorted(tables.people.items())},
        },
        "counts": {
            "runs": tables.runs,
            "steps": tables.steps,
            "units": tables.units,
            "votes": tables.votes,
            "votes_blind_to_suggestions": tables.blind["suggestions"],
            "votes_blind_to_votes": tables.blind["votes"],
            "labels": tables.labels,
            "suggestions": tables.suggestions,
            "adjudications": tables.rulings,
            "settled": tables.settled,
        },
        "left_out": {reason: number for reason, number in sorted(left_out.items()) if number},
        "agreement": tables.agreement(),
        "redaction": {
            "rules": redaction.VERSION,
            "reviewed": "all accepted" if review.accept else "list" if review.choices else "nothing found",
            "hidden": dict(sorted(review.hidden.items())),
            "kept": dict(sorted(review.kept.items())),
            "runs": tables.redacted_runs,
        },
        "event_log": [{"origin": origin, "events": seq, "head": head} for origin, seq, head in heads],
        "canonical_form": {"steps": "review-tui/run/1"},
        "files": files,
    }


def digest(files: dict[str, Any]) -> str:
    """The release's identity: over the hashes of its data, by name. Not the card's, which only tells of them."""
    return sha256(canonical({name: row["sha256"] for name, row in files.items() if name != "README.md"})).hexdigest()


def dump(value: dict[str, Any]) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2).decode() + "\n"
