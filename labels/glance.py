"""Looking at decisions without the models: for lists and prints that must come at once (pydantic costs more than
reading the rows does)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from labels.events import os_user
from sessions.errors import UsageError
from sessions.live.gates import POLICY_PREFIX
from sessions.store import Store

REVIEWER_VARIABLE = "REVIEW_TUI_REVIEWER"
#: Names of annotators whose votes came with a corpus begin with this; nobody here decides under such a name.
OUTSIDE_PREFIX = "outside:"


def default_reviewer() -> str:
    """The reviewer's name where none is given: $REVIEW_TUI_REVIEWER, or the user's login name."""
    return os.environ.get(REVIEWER_VARIABLE) or os_user()


def check_reviewer(name: str) -> str:
    """The name, if it can be a reviewer's: 1 to 80 printable characters. Raises UsageError otherwise."""
    if not name.strip() or len(name) > 80 or not name.isprintable():
        raise UsageError("that cannot be a reviewer's name.", "Use 1 to 80 printable characters.")
    if name.startswith(OUTSIDE_PREFIX):
        raise UsageError(f"names that begin with {OUTSIDE_PREFIX} are annotators' of imported labels.", "Use another.")
    return name


def decided_chunks(store: Store, policy: str) -> dict[str, dict[str, int]]:
    """How many chunks of a policy have a verdict: run id -> reviewer -> count."""
    rows = store.query(
        "SELECT run, reviewer, count(*) FROM decision WHERE scope = 'chunk' AND policy = ? AND verdict IS NOT NULL"
        " GROUP BY run, reviewer ORDER BY run, reviewer",
        [policy],
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
    """Whether anybody else has a decision on this chunk that this reviewer can have seen: in a queue, others' are
    hidden until one has decided (`labels.queues.hidden`). What a policy decided is nobody's vote."""
    if _hidden(store, ids, chunk, reviewer):
        return False
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT reviewer FROM decision WHERE run IN ({marks}) AND chunk = ? AND reviewer <> ?"
    return any(not row[0].startswith(POLICY_PREFIX) for row in store.query(sql, [*ids, chunk, reviewer]))


def _hidden(store: Store, ids: Sequence[str], chunk: str, reviewer: str) -> bool:
    marks = ", ".join("?" * len(ids))
    if not store.query(f"SELECT 1 FROM queue_run WHERE run IN ({marks}) LIMIT 1", list(ids)):
        return False
    sql = f"SELECT 1 FROM event WHERE run IN ({marks}) AND reviewer = ? AND chunk = ? AND kind = 'decide' LIMIT 1"
    return not store.query(sql, [*ids, reviewer, chunk])


@dataclass(slots=True)
class Counts:
    """decided: chunks with a verdict, by chunk policy. labels: labels made. whole: the verdict on the whole run.
    suggestions: by detectors, answered or not; 0 where a queue hides some."""

    decided: dict[str, int] = field(default_factory=dict)
    labels: int = 0
    whole: str | None = None
    suggestions: int = 0


def counts_of(store: Store, reviewer: str, runs: Sequence[str] | None = None) -> dict[str, Counts]:
    """How much was said of each run, by a reviewer and by detectors: run id -> counts, for runs that have any.

    runs: ids of the only runs to be looked at; over all, it takes a second per million decisions."""
    found: dict[str, Counts] = {}
    if runs is None:
        _count(store, reviewer, "", [], found)
    for start in range(0, len(runs or ()), 400):
        some = list(runs or ())[start : start + 400]
        _count(store, reviewer, f" AND run IN ({', '.join('?' * len(some))})", some, found)
    return found


def _count(store: Store, reviewer: str, where: str, runs: list[str], found: dict[str, Counts]) -> None:
    sql = "SELECT run, scope, policy, count(verdict), max(verdict) FROM decision WHERE reviewer = ?"
    for run, scope, policy, number, verdict in store.query(
        f"{sql}{where} GROUP BY run, scope, policy", [reviewer, *runs]
    ):
        counts = found.setdefault(run, Counts())
        if scope == "chunk":
            counts.decided[policy] = number
        else:
            counts.whole = verdict
    sql = f"SELECT run, count(*) FROM label WHERE reviewer = ?{where} GROUP BY run"
    for run, number in store.query(sql, [reviewer, *runs]):
        found.setdefault(run, Counts()).labels = number
    blind = "SELECT r.run FROM queue_run r JOIN queue q ON q.id = r.queue WHERE q.blind_share > 0"
    sql = f"SELECT run, count(*) FROM suggestion WHERE replaced = 0 AND run NOT IN ({blind}){where} GROUP BY run"
    for run, number in store.query(sql, runs):
        found.setdefault(run, Counts()).suggestions = number


class News:
    """Which runs something was said of, or detectors have looked at, since the last time one asked: by the heads of the
    log's chains, so that a list need not count a million decisions again because of one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._heads: dict[str, int] | None = None
        self._looks: tuple[str, int] = ("", 0)
        self._queued = -1

    def runs(self) -> set[str] | None:
        """Ids of those runs; None for all of them (the first time, or when what is hidden from whom has changed)."""
        heads = {str(row[0]): int(row[1]) for row in self._store.query("SELECT origin, seq FROM chain")}
        looks = self._store.one("SELECT max(at), count(*), (SELECT count(*) FROM queue_run) FROM detection")
        at, count, now_queued = looks or (None, 0, 0)
        before, self._heads = self._heads, heads
        since, self._looks = self._looks, (str(at or ""), int(count))
        queued, self._queued = self._queued, int(now_queued)
        if before is None or queued != self._queued or len(heads) > max(1, len(before)):
            return (
                None  # a chain that is new is another database's, merged: its detections are older than they are here
            )
        found: set[str] = set()
        for origin, seq in heads.items():
            if seq > before.get(origin, 0):
                sql = "SELECT DISTINCT run FROM event WHERE origin = ? AND seq > ?"
                found.update(str(row[0]) for row in self._store.query(sql, [origin, before.get(origin, 0)]))
        if since != self._looks:
            rows = self._store.query("SELECT DISTINCT run FROM detection WHERE at >= ?", [since[0]])
            if not rows:
                return None
            found.update(str(row[0]) for row in rows)
        return found
