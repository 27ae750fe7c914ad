"""Votes and labels of the runs in a scope, in arrays, with what did not count said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labels.agreement.votes import ABSTAINED, POLICY, TWICE, UNFINISHED
from labels.glance import OUTSIDE_PREFIX
from labels.insights.reading import packed as at
from labels.insights.reading.cache import Kept
from labels.insights.scope import Scope
from sessions.store import Store

if TYPE_CHECKING:
    from labels.insights.intervals import Array

OUTSIDERS = "votes of outside annotators (--outside counts them)"
_ABSTAIN = at.VERDICTS.index("abstain")


@dataclass(slots=True)
class Units:
    """Chunks and whole runs that somebody decided on. run: of each its run. first, last: its steps. whole: whether it
    is the whole run."""

    run: Array
    first: Array
    last: Array
    whole: Array

    def __len__(self) -> int:
        return len(self.run)

    def add(self, run: int, first: int, last: int, whole: bool) -> int:
        """One more; its number."""
        import numpy as np

        self.run, self.first, self.last, self.whole = (
            np.append(column, value)
            for column, value in ((self.run, run), (self.first, first), (self.last, last), (self.whole, whole))
        )
        return len(self.run) - 1


@dataclass(slots=True)
class Columns:
    """runs: ids. run: of each vote, its place in `runs`. votes, labels: rows as in `packed`, with UNIT, VOTE and CAUSE
    counted over all runs; labels of votes that do not count are gone. units: of all votes, those that do not count too;
    unit_base: the number of the first one of each run. outside: whether outsiders' votes count. strings: of the
    numbers. kept: to ask for the ids of units."""

    runs: list[str]
    run: Array
    votes: Array
    labels: Array
    units: Units
    unit_base: Array
    strings: list[str]
    kept: Kept
    outside: bool
    left_out: Counter[str]

    def reviewer(self, number: int) -> str:
        return self.strings[number][1:]


def columns(store: Store, kept: Kept, runs: Mapping[str, object], scope: Scope) -> Columns:
    """The votes on these runs that count. runs: ids as keys."""
    import numpy as np

    rows = [row for row in kept.rows if row[0] in runs]
    votes = np.frombuffer(b"".join([row[1] for row in rows]), dtype=np.int32).reshape(-1, at.VOTE_COLUMNS).copy()
    labels = np.frombuffer(b"".join([row[2] for row in rows]), dtype=np.int32).reshape(-1, at.LABEL_COLUMNS).copy()
    vote_counts = np.array([len(row[1]) // (4 * at.VOTE_COLUMNS) for row in rows], dtype=np.int64)
    label_counts = np.array([len(row[2]) // (4 * at.LABEL_COLUMNS) for row in rows], dtype=np.int64)
    run = np.repeat(np.arange(len(rows)), vote_counts)
    label_run = np.repeat(np.arange(len(rows)), label_counts)
    labels[:, at.VOTE] += _before(vote_counts)[label_run].astype(np.int32)
    linked = labels[:, at.CAUSE] >= 0
    labels[linked, at.CAUSE] += _before(label_counts)[label_run[linked]].astype(np.int32)
    unit_counts = np.zeros(len(rows), dtype=np.int64)
    if len(votes):  # votes stand run by run
        some = vote_counts > 0
        unit_counts[some] = np.maximum.reduceat(votes[:, at.UNIT], _before(vote_counts)[some]) + 1
    base = _before(unit_counts)
    votes[:, at.UNIT] += base[run].astype(np.int32)
    units = _units(votes, np.repeat(np.arange(len(rows)), unit_counts))
    found = Columns([row[0] for row in rows], run, votes, labels, units, base, kept.strings, kept, False, Counter())
    if scope.same:
        _unite(found, scope)
    _only(found, _counting(store, found, scope))
    return found


def _unite(found: Columns, scope: Scope) -> None:
    """Every vote gets the name under which its reviewer counts. Who counts as somebody here is no outsider."""
    import numpy as np

    found.strings = list(found.strings)
    numbers = {text: number for number, text in enumerate(found.strings)}
    reviewer = found.votes[:, at.REVIEWER]
    table = np.arange(len(found.strings))
    for number in distinct(reviewer, len(table)).tolist():
        name = f"r{scope.person(found.reviewer(number))}"
        if name not in numbers:
            numbers[name] = len(found.strings)
            found.strings.append(name)
        if numbers[name] == number:
            continue
        table[number] = numbers[name]
        if not name.startswith(f"r{OUTSIDE_PREFIX}"):
            found.votes[reviewer == number, at.BITS] &= ~at.OUTSIDE
    found.votes[:, at.REVIEWER] = table[reviewer]


def _units(votes: Array, run: Array) -> Units:
    """A unit's steps are those that the votes on it name; its id is made of them, so they all name the same."""
    import numpy as np

    first, last = np.zeros(len(run), dtype=np.int64), np.full(len(run), -1, dtype=np.int64)
    whole = np.zeros(len(run), dtype=bool)
    unit = votes[:, at.UNIT]
    first[unit], last[unit] = votes[:, at.FIRST], votes[:, at.LAST]
    whole[unit] = votes[:, at.BITS] & at.WHOLE > 0
    return Units(run, first, last, whole)


def _before(counts: Array) -> Array:
    import numpy as np

    found: Array = np.concatenate([[0], np.cumsum(counts)])[:-1] if len(counts) else counts
    return found


def _counting(store: Store, found: Columns, scope: Scope) -> Array:
    """Of each vote, whether it counts; the others are tallied by reason, one reason each."""
    import numpy as np

    votes, bits = found.votes, found.votes[:, at.BITS]
    keep: Array = np.ones(len(votes), dtype=bool)

    def leave(which: Array, reason: str = "") -> None:
        if reason:
            found.left_out[reason] += int((which & keep).sum())
        keep[which] = False

    if scope.only or scope.without:
        people = distinct(votes[:, at.REVIEWER], len(found.strings)).tolist()
        wanted = [number for number in people if scope.asks_for(found.reviewer(number))]
        leave(~np.isin(votes[:, at.REVIEWER], wanted))
    if scope.decided is not None:
        low, high = scope.decided.minutes()
        leave((votes[:, at.MINUTE] < low) | (votes[:, at.MINUTE] >= high))
    if scope.queue:
        leave(~np.isin(votes[:, at.UNIT], _in_queue(store, found, scope.queue)))
    leave((bits & at.POLICY) > 0, POLICY)
    leave((votes[:, at.VERDICT] == at.NONE) & (bits & at.IMPORT == 0), UNFINISHED)
    leave(votes[:, at.VERDICT] == _ABSTAIN, ABSTAINED)
    theirs = bits & at.OUTSIDE > 0
    judging = keep & (votes[:, at.SPEC] != _nothing(found.strings))
    # Of one's own nothing is there to be blurred: then the corpus' labels are what there is.
    found.outside = scope.outside == "yes" or (scope.outside == "auto" and not bool((judging & ~theirs).any()))
    if not found.outside:
        leave(theirs, OUTSIDERS)
    if scope.same:
        leave(_again(found, keep), TWICE)
    return keep


def _again(found: Columns, keep: Array) -> Array:
    """Votes of a person who has voted on that unit already, under a name that comes first in the alphabet: that is the
    order of a run's votes."""
    import numpy as np

    which = np.flatnonzero(keep)
    unit, reviewer = found.votes[which, at.UNIT].astype(np.int64), found.votes[which, at.REVIEWER]
    _, first = np.unique(unit * len(found.strings) + reviewer, return_index=True)
    again = np.zeros(len(keep), dtype=bool)
    again[np.delete(which, first)] = True
    return again


def _nothing(strings: list[str]) -> int:
    """The number of what a vote judges that judges nothing."""
    return strings.index("s[]") if "s[]" in strings else -1


def _in_queue(store: Store, found: Columns, queue: str) -> list[int]:
    wanted: dict[str, set[str]] = {}
    for run, chunk in store.query("SELECT run, chunk FROM queue_item WHERE queue = ?", [queue]):
        wanted.setdefault(str(run), set()).add(str(chunk))
    for alias, run in store.query("SELECT alias, run FROM run_alias"):
        wanted.setdefault(str(run), set()).update(wanted.get(str(alias), ()))
    units = found.kept.units([run for run in found.runs if run in wanted])
    return [
        int(found.unit_base[place]) + number
        for place, run in enumerate(found.runs)
        if run in units
        for number, chunk in enumerate(units[run])
        if chunk in wanted[run]
    ]


def _only(found: Columns, keep: Array) -> None:
    """Leave out the votes that do not count, and their labels. A cause among those is one elsewhere."""
    import numpy as np

    if keep.all():
        return
    place = np.cumsum(keep) - 1
    stays = keep[found.labels[:, at.VOTE]]
    label_place = np.cumsum(stays) - 1
    labels = found.labels[stays]
    labels[:, at.VOTE] = place[labels[:, at.VOTE]]
    causes = labels[:, at.CAUSE]
    linked = np.flatnonzero(causes >= 0)
    kept_cause = stays[causes[linked]]
    labels[linked, at.CAUSE] = np.where(kept_cause, label_place[causes[linked]], at.ELSEWHERE)
    found.run, found.votes, found.labels = found.run[keep], found.votes[keep], labels


def distinct(keys: Array, size: int) -> Array:
    """The different keys, all of them below `size`, in order. `numpy.unique` takes twenty times as long for a
    million."""
    import numpy as np

    there = np.zeros(size, dtype=bool)
    there[keys] = True
    return np.flatnonzero(there)


def verdict_outcomes(found: Columns) -> dict[str, bool]:
    """Run -> whether it went well, by verdicts on the whole run; runs on which people differ are not in it."""
    import numpy as np

    whole = (found.votes[:, at.BITS] & at.WHOLE > 0) & (found.votes[:, at.VERDICT] >= 0)
    where, verdicts = found.run[whole], found.votes[whole, at.VERDICT]
    good, bad = (np.bincount(where[mask], minlength=len(found.runs)) > 0 for mask in (verdicts == 0, verdicts != 0))
    return {found.runs[place]: bool(good[place]) for place in np.flatnonzero(good != bad).tolist()}
