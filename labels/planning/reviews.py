"""What the reviews of a system say of the success of its steps.

A chunk failed if its verdict is rollback, reject or stop, or if it has a label that is sure. Where a label (or, on a
recorded run, a rollback) says at which step the failure begins, the steps before it were right and that one was wrong;
otherwise one does not know which. What comes after an error says nothing of steps on sound ground, so a run's later
chunks do not count, unless the agent was sent back. Chunks that were approved, or judged to have no failure mode, were
right; whatever else was said (abstained, unsure) does not count.

Whose: one's own decisions. Others' only while the run at hand is in no queue, and of them only those on other runs that
are in no queue: nobody who is to decide without knowing others' votes is told them by a figure. Of a run that several
have reviewed one reviewer's decisions count: one's own, or else those of whoever decided most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from labels.planning.estimate import Estimate, Tally, estimate
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.live.gates import POLICY_PREFIX
from sessions.store import Store

#: How many of a system's runs are looked at, the last ones that have decisions; and at how many decisions, after which
#: no further run is read: the interval is narrow enough by then, and a reviewer is working beside.
MOST_RUNS, MOST_DECISIONS = 300, 10_000
FAILED = frozenset({"rollback", "reject", "stop"})
#: Verdicts after which a live agent goes on from sound ground.
SENT_BACK = frozenset({"rollback", "reject"})


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A reviewed chunk. first, last: step indices. failed: as above; None where it does not count. begins: index of
    the step at which the failure begins, None where nobody says. sent_back: the agent was, and goes on from there."""

    first: int
    last: int
    failed: bool | None
    begins: int | None = None
    sent_back: bool = False


class SystemReviews:
    """What is said of the system that made a run, as far as `reviewer` may know it. For one thread at a time."""

    def __init__(self, store: Store, run: RunInfo, reviewer: str) -> None:
        self.store, self.run, self.reviewer = store, run, reviewer
        #: Whether only one's own decisions are used, because the run is in a queue.
        self.own = False
        self._chunks: dict[str, list[Reviewed]] = {}

    def read(self) -> Estimate:
        """Read everything: some milliseconds for a hundred runs. Raises UserError if the database cannot be read."""
        self.own = _queued(self.store, catalog.ids_of(self.store, self.run.id))
        self._chunks = {}
        read = 0
        for run in _runs(self.store, self.run):
            read += self._take(run)
            if read >= MOST_DECISIONS:
                break
        return self.estimate()

    def read_again(self) -> Estimate:
        """Read the run at hand again, after a decision on it."""
        self._take(self.run.id)
        return self.estimate()

    def estimate(self) -> Estimate:
        tally = Tally()
        for chunks in self._chunks.values():
            count(tally, chunks)
        return estimate(tally, own=self.own)

    def _take(self, run: str) -> int:
        """Choose whose decisions on a run count, and keep them as chunks; how many decisions were read for it."""
        sql, params = "SELECT reviewer, data FROM decision WHERE run = ?", [run]
        if self.own or run == self.run.id or _queued(self.store, [run]):
            sql, params = f"{sql} AND reviewer = ?", [run, self.reviewer]
        by_reviewer: dict[str, list[dict[str, Any]]] = {}
        rows = self.store.query(sql, params)
        for name, data in rows:
            item = None if name.startswith(POLICY_PREFIX) else orjson.loads(data)
            if item is not None and item["how"] == "person":
                by_reviewer.setdefault(name, []).append(item)
        chosen = by_reviewer.get(self.reviewer) or max(by_reviewer.values(), key=len, default=[])
        live = self.store.one("SELECT 1 FROM live WHERE run = ?", [run]) is not None
        self._chunks[run] = reviewed(chosen, live=live)
        return len(rows)


def reviewed(decisions: Iterable[dict[str, Any]], *, live: bool = False) -> list[Reviewed]:
    """One reviewer's decisions on one run as chunks, in order. Of several ways to cut the run, the one with most
    decisions; those on the whole run only where there are no others."""
    cuts: dict[tuple[bool, str], list[dict[str, Any]]] = defaultdict(list)
    for item in decisions:
        target = item["target"]
        cuts[target["scope"] == "chunk", target["policy"]].append(item)
    if not cuts:
        return []
    best = max(cuts, key=lambda cut: (cut[0], len(cuts[cut]), cut[1]))
    return sorted((_chunk(item, live) for item in cuts[best]), key=lambda chunk: (chunk.first, chunk.last))


def _chunk(item: dict[str, Any], live: bool) -> Reviewed:
    first, last = item["target"]["first"]["index"], item["target"]["last"]["index"]
    sure = [label for label in item["labels"] if label["sure"]]
    verdict = item["verdict"]
    if verdict in FAILED or sure:
        begins = [label["first"]["index"] for label in sure if _placed(label, first, last)]
        if item["to"] and not live:  # a live rollback goes to the nearest snapshot, which says nothing of the step
            begins.append(item["to"]["index"])
        return Reviewed(first, last, True, min(begins, default=None), live and verdict in SENT_BACK)
    fine = verdict == "approve" or (item["none"] and not item["labels"])
    return Reviewed(first, last, False if fine else None)


def _placed(label: dict[str, Any], first: int, last: int) -> bool:
    """Whether a label says where in the chunk: one on all of it, without a quotation, does not (unless it is one
    step)."""
    everywhere = label["first"]["index"] <= first and label["last"]["index"] >= last
    return first == last or not everywhere or bool(label["evidence"])


def count(tally: Tally, chunks: Iterable[Reviewed]) -> None:
    """Add one run's chunks to a tally."""
    fine: list[Reviewed] = []
    seen = 0
    for chunk in chunks:
        if chunk.failed is None:
            continue
        seen += 1
        if not chunk.failed:
            fine.append(chunk)
            continue
        tally.failed += 1
        if chunk.begins is None:
            tally.somewhere[chunk.last - chunk.first + 1] += 1
        else:
            tally.wrong += 1
            tally.right += max(0, min(chunk.begins, chunk.last) - chunk.first)
            # It may lie in a chunk before: that one was approved too soon.
            fine = [_before(before, chunk.begins) for before in fine if before.first < chunk.begins]
        if not chunk.sent_back:
            break
    tally.right += sum(chunk.last - chunk.first + 1 for chunk in fine)
    tally.chunks += seen
    tally.runs += bool(seen)


def _before(chunk: Reviewed, index: int) -> Reviewed:
    return Reviewed(chunk.first, min(chunk.last, index - 1), False)


# -- reading --------------------------------------------------------------------------------------------------------


def _queued(store: Store, ids: Sequence[str]) -> bool:
    marks = ", ".join("?" * len(ids))
    return store.one(f"SELECT 1 FROM queue_run WHERE run IN ({marks}) LIMIT 1", list(ids)) is not None


def _runs(store: Store, run: RunInfo) -> list[str]:
    """The runs of the same system that have decisions, the latest first. A run that does not name its system goes with
    others of its format that do not."""
    same, params = ("r.system = ?", [run.system]) if run.system else ("r.system IS NULL AND r.format = ?", [run.format])
    rows = store.query(
        f"SELECT r.id FROM run r WHERE {same} AND EXISTS (SELECT 1 FROM decision d WHERE d.run = r.id)"
        f" ORDER BY r.no DESC LIMIT {MOST_RUNS}",
        params,
    )
    return [str(row[0]) for row in rows]
