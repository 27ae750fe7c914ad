"""Where a failure mode was labelled: the labels that the figures of `labels.insights` rest on, one by one.

What others said of a chunk that a queue still hides from the reviewer is not listed, only counted: whoever is to judge
it blind must not come upon it here. `unfinished` says which runs' figures they should not see either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labels import events, queues
from labels.insights.reading import packed as at
from labels.insights.reading.material import Material
from sessions import catalog
from sessions.catalog import RunInfo
from sessions.store import Store

#: Places that are listed at most.
MOST = 2_000


@dataclass(frozen=True, slots=True)
class Place:
    """Steps of a run that were labelled with a mode. first, last: step indices. placed: False where the label says that
    the mode is in the run, not where. reviewers: who labelled exactly these steps. sure: whether any of them was."""

    run: RunInfo
    first: int
    last: int
    placed: bool
    reviewers: tuple[str, ...]
    sure: bool


@dataclass(frozen=True, slots=True)
class Places:
    """places: newest run first, then by step. hidden: labels that the reviewer may not see yet. more: places beyond
    `MOST`."""

    places: tuple[Place, ...]
    hidden: int
    more: int


def places(material: Material, codebook: str, mode: str, reviewer: str) -> Places:
    """The places of a mode that `reviewer` may see. Reads the runs' names and queues: for a thread."""
    import numpy as np

    columns, store = material.columns, material.store
    wanted = f"m{codebook} {mode}"  # as `labels.insights.reading.packed` names modes
    if wanted not in columns.strings:
        return Places((), 0, 0)
    rows = columns.labels[columns.labels[:, at.MODE] == columns.strings.index(wanted)]
    votes = columns.votes[rows[:, at.VOTE]]
    runs = columns.run[rows[:, at.VOTE]]
    units = votes[:, at.UNIT] - columns.unit_base[runs]
    known = _Runs(store, reviewer)
    chunks = columns.kept.units([columns.runs[place] for place in np.unique(runs).tolist()])
    found: dict[tuple[str, int, int, bool], tuple[set[str], bool]] = {}
    hidden = 0
    for place, unit, vote, row in zip(runs.tolist(), units.tolist(), votes.tolist(), rows.tolist(), strict=True):
        run, who = columns.runs[place], columns.reviewer(vote[at.REVIEWER])
        if who != reviewer and known.hides(run, who, chunks[run][unit]):
            hidden += 1
            continue
        key = run, row[at.LABEL_FIRST], row[at.LABEL_LAST], bool(row[at.LABEL_BITS] & at.PLACED)
        people, sure = found.setdefault(key, (set(), False))
        people.add(who)
        found[key] = people, sure or bool(row[at.LABEL_BITS] & at.SURE)
    return _listed(found, known, hidden)


def _listed(found: dict[tuple[str, int, int, bool], tuple[set[str], bool]], known: _Runs, hidden: int) -> Places:
    keys = sorted((key for key in found if key[0] in known.order), key=lambda key: (-known.order[key[0]], *key[1:]))
    listed = []
    for run, first, last, placed in keys[:MOST]:
        people, sure = found[run, first, last, placed]
        if (info := known.info(run)) is not None:
            listed.append(Place(info, first, last, placed, tuple(sorted(people)), sure))
    return Places(tuple(listed), hidden, max(0, len(keys) - MOST))


class _Runs:
    """Runs by id, and what is hidden from the reviewer in each: looked up once, and only where it is needed."""

    def __init__(self, store: Store, reviewer: str) -> None:
        self.store, self.reviewer = store, reviewer
        #: Run id -> its number: later ones are newer.
        self.order = {str(row[0]): int(row[1]) for row in store.query("SELECT id, no FROM run")}
        self._queued = {str(row[0]) for row in store.query("SELECT run FROM queue_run")}
        self._queued |= {
            str(row[0]) for row in store.query("SELECT a.run FROM queue_run q JOIN run_alias a ON a.alias = q.run")
        }
        self._infos: dict[str, RunInfo | None] = {}
        self._hidden: dict[str, Callable[[str, str], bool]] = {}

    def info(self, run: str) -> RunInfo | None:
        if run not in self._infos:
            self._infos[run] = catalog.run_by_id(self.store, run)
        return self._infos[run]

    def hides(self, run: str, who: str, chunk: str) -> bool:
        if run not in self._queued:
            return False
        if run not in self._hidden:
            info = self.info(run)
            self._hidden[run] = queues.hidden(self.store, info, self.reviewer) if info else lambda who, chunk: True
        return self._hidden[run](who, chunk)


def unfinished(store: Store, reviewer: str) -> frozenset[str]:
    """Runs of the queues that somebody reviews in, of which they have not decided on everything yet and others have
    decided on something: figures over a few runs would tell them how. Whoever has decided on nothing in a queue is no
    reviewer of it, and may look."""
    rows = store.query(
        "SELECT DISTINCT i.run FROM queue_item i WHERE i.queue IN (SELECT q.queue FROM queue_item q JOIN judgement j"
        " ON j.run = q.run AND j.chunk = q.chunk WHERE j.reviewer = ?)"
        " AND NOT EXISTS (SELECT 1 FROM judgement j WHERE j.run = i.run AND j.chunk = i.chunk AND j.reviewer = ?"
        " AND j.verdict IS NOT NULL)"
        " AND EXISTS (SELECT 1 FROM judgement j WHERE j.run = i.run AND j.reviewer <> ?)",
        [reviewer, reviewer, reviewer],
    )
    owner = {str(row[0]): str(row[1]) for row in store.query("SELECT alias, run FROM run_alias")}
    return frozenset(owner.get(str(row[0]), str(row[0])) for row in rows)


def said_so_far(store: Store) -> tuple[tuple[str, int], ...]:
    """Changes whenever anybody decides anything: a cheap thing to ask before figures are computed again."""
    return tuple((str(origin), int(seq)) for origin, seq, _ in events.heads(store))
