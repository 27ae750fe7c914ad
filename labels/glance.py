"""Looking at decisions without the models: for lists and prints that must come at once (pydantic costs more than
reading the rows does)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from labels.events import os_user
from sessions.store import Store

REVIEWER_VARIABLE = "REVIEW_TUI_REVIEWER"


def default_reviewer() -> str:
    """The reviewer's name where none is given: $REVIEW_TUI_REVIEWER, or the user's login name."""
    return os.environ.get(REVIEWER_VARIABLE) or os_user()


def decided_chunks(store: Store) -> dict[str, dict[str, int]]:
    """How many chunks have a verdict: run id -> reviewer -> count."""
    rows = store.query(
        "SELECT run, reviewer, count(*) FROM decision WHERE scope = 'chunk' AND verdict IS NOT NULL"
        " GROUP BY run, reviewer ORDER BY run, reviewer"
    )
    found: dict[str, dict[str, int]] = {}
    for run, reviewer, number in rows:
        found.setdefault(run, {})[reviewer] = number
    return found


def decisions_of(store: Store, ids: Sequence[str], reviewer: str) -> list[dict[str, Any]]:
    """One reviewer's current decisions on a run as JSON values, in the order of its steps. ids: all ids of the run."""
    rows = store.query(
        f"SELECT data FROM decision WHERE run IN ({', '.join('?' * len(ids))}) AND reviewer = ?", [*ids, reviewer]
    )
    found = [orjson.loads(row[0]) for row in rows]
    return sorted(found, key=lambda item: (item["target"]["first"]["index"], item["target"]["number"]))


def others_decided(store: Store, ids: Sequence[str], chunk: str, reviewer: str) -> bool:
    """Whether anybody else has a decision on this chunk."""
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT 1 FROM decision WHERE run IN ({marks}) AND chunk = ? AND reviewer <> ? LIMIT 1"
    return store.one(sql, [*ids, chunk, reviewer]) is not None


@dataclass(frozen=True, slots=True)
class Counts:
    """decided: chunks with a verdict. labels: labels made. whole: the verdict on the whole run."""

    decided: int = 0
    labels: int = 0
    whole: str | None = None


def counts_of(store: Store, reviewer: str) -> dict[str, Counts]:
    """How much a reviewer has said of each run: run id -> counts, for runs that have any."""
    sql = "SELECT run, sum(CASE WHEN scope = 'chunk' AND verdict IS NOT NULL THEN 1 ELSE 0 END),"
    sql += " max(CASE WHEN scope = 'run' THEN verdict END) FROM decision WHERE reviewer = ? GROUP BY run"
    per_run = "SELECT run, count(*) FROM label WHERE reviewer = ? GROUP BY run"
    labels: dict[str, int] = dict(store.query(per_run, [reviewer]))
    alias: dict[str, str] = dict(store.query("SELECT alias, run FROM run_alias"))
    found: dict[str, Counts] = {}
    for run, decided, whole in store.query(sql, [reviewer]):
        owner = alias.get(str(run), str(run))
        before = found.get(owner, Counts())
        found[owner] = Counts(before.decided + decided, before.labels + labels.get(run, 0), whole or before.whole)
    return found
