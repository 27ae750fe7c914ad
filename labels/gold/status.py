"""How a gold set stands: what would be settled by a rule, what is open and why. Reads votes only, no text of runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labels import adjudication
from labels.codebook import Codebooks
from labels.collecting import no_collecting
from labels.gold.books import Books, books_of
from labels.gold.people import People
from labels.gold.piece import adjudication_rows, rulings_on
from labels.gold.queued import Queued
from labels.gold.rows import RunRows
from labels.gold.rule import Rule
from labels.gold.said import said_of, voted_runs
from labels.gold.settle import Row, settle_run
from labels.gold.tables import Tables
from sessions.catalog import RunInfo
from sessions.store import Store


@dataclass(slots=True)
class SettledRun:
    """A run with what was said of it, and what is settled by the rule. Names are the reviewers' own."""

    run: RunInfo
    rows: RunRows
    rulings: list[Row]
    gold: list[Row]


def settled(
    store: Store,
    books: Books,
    rule: Rule,
    people: People,
    left_out: Counter[str],
    tables: Tables | None = None,
    queued: Queued | None = None,
) -> Iterator[SettledRun]:
    """Every run that somebody voted on, in the order of content ids. queued: only what is in that queue."""
    adjudication.bring_up_to_date(store)
    for run in voted_runs(store, left_out, queued):
        found = settled_run(store, run, books, rule, people, left_out, tables, queued)
        if found is not None:
            yield found


def settled_run(
    store: Store,
    run: RunInfo,
    books: Books,
    rule: Rule,
    people: People,
    left_out: Counter[str],
    tables: Tables | None = None,
    queued: Queued | None = None,
) -> SettledRun | None:
    """One run; None if there is no vote on it. Call `adjudication.bring_up_to_date` before."""
    said = said_of(store, run, left_out, with_events=False, queued=queued)
    if not said.votes:
        return None
    rows = RunRows(said, None, people, left_out)
    for vote in said.votes:
        rows.add(vote, {})
    rows.sort()
    rulings = adjudication_rows(rows, rulings_on(store, run, queued))
    judged = tables.judged if tables else None
    gold = settle_run(rows.run_id, rows.votes, rows.labels, rulings, books, rule, left_out, judged)
    if tables:
        tables.add(_head(run), rows, [], rulings, gold)
    return SettledRun(run, rows, rulings, gold)


def _head(run: RunInfo) -> Row:
    return {
        "steps": run.steps,
        "redacted": False,
        "system": run.system or "",
        "split": "",
        "task_id": run.task or run.id,
    }


@dataclass(slots=True)
class Status:
    """tables: the counts. left_out: reason -> what was said and does not count."""

    tables: Tables
    books: Books
    left_out: dict[str, int]

    def as_json(self, rule: Rule) -> dict[str, Any]:
        tables = self.tables
        return {
            **rule.as_json(),
            "runs": tables.runs,
            "units": tables.units,
            "votes": tables.votes,
            "labels": tables.labels,
            "adjudications": tables.rulings,
            "settled": tables.settled,
            "reviewers": {role: dict(sorted(people.items())) for role, people in sorted(tables.people.items())},
            "modes": [
                {"codebook": book, "mode": slug, **{state.replace(" ", "_"): count for state, count in counts.items()}}
                for book, modes in sorted(tables.modes.items())
                for slug, counts in modes.items()
            ],
            "agreement": tables.agreement(),
            "left_out": self.left_out,
            "notes": self.books.notes(),
        }


def status(
    store: Store, rule: Rule, people: People, loaded: Codebooks | None = None, queued: Queued | None = None
) -> Status:
    """Count everything; queued: of that queue."""
    books = books_of(store, loaded, queued)
    tables, left_out = Tables(books), Counter[str]()
    with no_collecting():
        for _ in settled(store, books, rule, people, left_out, tables, queued):
            pass
    return Status(tables, books, {reason: number for reason, number in sorted(left_out.items()) if number})
