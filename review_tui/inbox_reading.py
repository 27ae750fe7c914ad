"""What the inbox lists, read so that ten thousand runs and a million decisions cost nobody a wait. No Textual in here.

The first screenful is read by itself. Of all the rest, only what has changed is read and counted again.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from labels.glance import Counts, News, counts_of
from review_tui import gates
from review_tui.gates import GateView
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.chunks import DEFAULT_POLICY, Policy, chunks_of
from sessions.places import last_read
from sessions.store import Store

#: So many runs are listed at once, before the others are read.
FIRST = 100
#: From so many runs on that have changed, all are counted again.
MANY = 500
#: So many runs that are not complete are looked at one by one.
FEW = 50


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the inbox. chunks: how many the run has under this reviewer's policy; decided: those with a verdict;
    suggestions: by detectors. whole: the verdict on the run as a whole."""

    run: RunInfo
    chunks: int
    decided: int
    labels: int
    suggestions: int
    whole: str | None

    @property
    def state(self) -> str:
        if not self.decided and not self.labels and self.whole is None:
            return "to do"
        return "done" if self.decided >= self.chunks else "started"

    @property
    def share(self) -> float:
        return self.decided / self.chunks if self.chunks else 0.0


@dataclass(frozen=True, slots=True)
class Listing:
    """What there is to list. total: how many runs; fewer are in `entries` as long as the others are still read."""

    entries: list[Entry]
    gates: list[GateView]
    audit: list[GateView]
    total: int


class InboxReader:
    """Reads the inbox of one reviewer, again and again. May be called in any thread."""

    def __init__(self, store: Store, reviewer: str) -> None:
        self.store, self.reviewer = store, reviewer
        self._lock = threading.Lock()
        self._state: tuple[Any, ...] = ()
        self._runs: list[RunInfo] = []
        self._counts: dict[str, Counts] = {}
        self._policies: dict[str, tuple[str, str]] = {}
        self._entries: list[Entry] = []
        self._news = News(store)
        self._chunk_counts: dict[tuple[str, int, str], int] = {}

    def first(self) -> Listing:
        """The first screenful, or all if there is not more. Raises UserError."""
        store = self.store
        runs = catalog.oldest_runs(store, FIRST)
        total = int(catalog.runs_state(store)[0]) if len(runs) == FIRST else len(runs)
        policies = last_read(store, self.reviewer)
        counts = counts_of(store, self.reviewer, [run.id for run in runs])
        entries = [self._entry(run, counts, policies) for run in runs]
        return Listing(entries, gates.waiting(store), gates.for_audit(store), total)

    def all(self) -> Listing:
        """Everything as it is now; the same list of entries as before if nothing of them has changed. Raises
        UserError."""
        with self._lock:
            self._bring_up_to_date()
            entries = self._entries
        return Listing(entries, gates.waiting(self.store), gates.for_audit(self.store), len(entries))

    def _bring_up_to_date(self) -> None:
        store, reviewer = self.store, self.reviewer
        state, policies, changed = catalog.runs_state(store), last_read(store, reviewer), self._news.runs()
        if state == self._state and policies == self._policies and changed is not None and not changed:
            return
        if state[:1] < self._state[:1]:
            changed = None  # runs have gone: deleted, or joined with others, whose decisions are theirs now
        if state != self._state:
            self._runs = self._read_runs(state)
        kept = {entry.run.id: entry for entry in self._entries}
        if changed is None or len(changed) > MANY:
            self._counts, kept = counts_of(store, reviewer), {}
        elif changed:
            ids = {name for run in changed for name in catalog.ids_of(store, run)}
            fresh = counts_of(store, reviewer, sorted(ids))
            for name in ids:
                self._counts.pop(name, None)
                kept.pop(name, None)
            self._counts.update(fresh)
        if policies != self._policies:
            kept = {}
        self._state, self._policies = state, policies
        self._entries = [
            kept[run.id] if run.id in kept and kept[run.id].run is run else self._entry(run, self._counts, policies)
            for run in self._runs
        ]

    def _read_runs(self, state: tuple[Any, ...]) -> list[RunInfo]:
        """All runs. While a large folder is imported, only those that have come, and those that were not complete."""
        growing = [run for run in self._runs if not run.complete]
        if self._runs and len(growing) <= FEW:
            again = {run.id: catalog.run_by_id(self.store, run.id) for run in growing}
            known = [again.get(run.id, run) for run in self._runs]
            runs = catalog.runs_after(self.store, self._runs[0].no) + [run for run in known if run is not None]
            if catalog.state_of(runs) == state:
                return runs
        return catalog.runs(self.store)

    def _entry(self, run: RunInfo, counts: dict[str, Counts], policies: dict[str, tuple[str, str]]) -> Entry:
        policy = policies.get(run.id, (DEFAULT_POLICY, ""))[0]
        said = counts.get(run.id) or Counts()
        return Entry(
            run, self._chunks(run, policy), said.decided.get(policy, 0), said.labels, said.suggestions, said.whole
        )

    def _chunks(self, run: RunInfo, policy: str) -> int:
        """How many chunks a run has; counted once for each length and policy."""
        key = (run.id, run.steps, policy)
        if key not in self._chunk_counts:
            self._chunk_counts[key] = len(chunks_of(self.store, run, Policy.parse(policy)))
        return self._chunk_counts[key]
