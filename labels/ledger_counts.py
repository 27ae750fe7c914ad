"""How much a reviewer has said of each run, in one query: what lists of runs show."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.store import Store


@dataclass(frozen=True, slots=True)
class Counts:
    """decided: chunks with a verdict. labels: labels made. whole: the verdict on the whole run."""

    decided: int = 0
    labels: int = 0
    whole: str | None = None


def counts_of(store: Store, reviewer: str) -> dict[str, Counts]:
    """Run id -> counts of this reviewer, for runs that have any."""
    sql = "SELECT run, sum(CASE WHEN scope = 'chunk' AND verdict IS NOT NULL THEN 1 ELSE 0 END),"
    sql += " max(CASE WHEN scope = 'run' THEN verdict END) FROM decision WHERE reviewer = ? GROUP BY run"
    labels = dict(store.query("SELECT run, count(*) FROM label WHERE reviewer = ? GROUP BY run", [reviewer]))
    alias = dict(store.query("SELECT alias, run FROM run_alias"))
    found: dict[str, Counts] = {}
    for run, decided, whole in store.query(sql, [reviewer]):
        owner = alias.get(run, run)
        before = found.get(owner, Counts())
        found[owner] = Counts(before.decided + decided, before.labels + labels.get(run, 0), whole or before.whole)
    return found
