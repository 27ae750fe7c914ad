"""Reading votes and labels from the store into columns of numbers.

There may be a million of them, so rows are taken in blocks, and what is equal in many rows (who voted how, by which
codebooks) comes as one text, which is taken apart once: most of the time goes into making Python values of columns.
Labels are read by themselves and find their votes by number: a join of both would send every vote's columns once more
for each label, and look for labels of the many votes that have none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import compress, islice
from typing import TYPE_CHECKING, Generic, TypeVar

from labels.collecting import no_collecting
from sessions.store import Row, Store

if TYPE_CHECKING:
    from labels.agreement.statistics import Array

_BLOCK = 20_000
#: Between the columns of a text. What stands last in it never has one; a name or an id of others might.
_END = "\n"
_VOTES = (
    f"j.run || '{_END}' || j.chunk, j.reviewer || '{_END}' || coalesce(j.verdict, '') || '{_END}' || j.how ||"
    f" '{_END}' || CAST(j.blind AS TEXT) || '{_END}' || j.judges, j.rowid"
)
_LABELS = "j.rowid, l.codebook, l.mode, l.first_index, l.last_index, l.flags, l.agent"
_OF_VOTE = "j.run = l.run AND j.reviewer = l.reviewer AND j.chunk = l.chunk"
#: What a queue gave out, by the runs that they are now.
QUEUE_ITEMS = (
    "SELECT coalesce(a.run, i.run) AS run, i.chunk AS chunk, i.stratum AS stratum, i.weight AS weight"
    " FROM queue_item i LEFT JOIN run_alias a ON a.alias = i.run WHERE i.queue = ?"
)
#: From the queue to its votes: CROSS JOIN keeps SQLite from going through all votes to look for each in the queue.
_QUEUED = f"({QUEUE_ITEMS}) q CROSS JOIN judgement j"
_GIVEN_OUT = "j.run = q.run AND j.chunk = q.chunk"

K = TypeVar("K")


class Numbers(dict[K, int], Generic[K]):
    """Numbers for values, in the order in which they come."""

    def __missing__(self, value: K) -> int:
        number = self[value] = len(self)
        return number


class _Units(Numbers[str]):
    """Numbers for units, by run and chunk as the votes have them. names: of the units; clusters: the number of each
    one's run. A run that has been joined with another is that one (owner)."""

    def __init__(self, runs: Numbers[str], owner: Mapping[str, str]) -> None:
        self.names: list[tuple[str, str]] = []
        self.clusters: list[int] = []
        self._runs, self._owner = runs, owner

    def __missing__(self, value: str) -> int:
        run, chunk = value.rsplit(_END, 1)
        if run in self._owner:
            number = self[value] = self[f"{self._owner[run]}{_END}{chunk}"]
            return number
        self.names.append((run, chunk))
        self.clusters.append(self._runs[run])
        number = self[value] = len(self.names) - 1
        return number


class Reading:
    """Goes through votes and labels once. why_not: of (reviewer, verdict, how, blind) the reason for which a vote does
    not count, None if it does.

    Afterwards, each value -> its number in `runs`, `raters`, `specs`, `verdicts`, `modes`; units: run and chunk of
    each, cluster: its run; of each vote that counts unit, rater, spec, verdict; of each of their labels label_vote and
    so on, in the order of votes and, within a vote, of their ids. twice: votes left out because their person had voted
    already.
    """

    unit: Array
    rater: Array
    spec: Array
    verdict: Array
    label_vote: Array
    label_mode: Array
    label_first: Array
    label_last: Array
    label_flags: Array
    label_agent: list[str | None]

    def __init__(
        self,
        store: Store,
        queue: str,
        same: Mapping[str, str],
        why_not: Callable[[str, str | None, str, int], str | None],
    ) -> None:
        """queue: id of the one whose chunks count, "" for all. same: name -> the name it counts as."""
        self._store, self._queue, self._same, self._why_not = store, queue, same, why_not
        self._owner = {str(row[0]): str(row[1]) for row in store.query("SELECT alias, run FROM run_alias")}
        self.runs: Numbers[str] = Numbers()
        self.raters: Numbers[str] = Numbers()
        self.specs: Numbers[str] = Numbers()
        self.verdicts: Numbers[str] = Numbers()
        self._units = _Units(self.runs, self._owner)
        self.modes: Numbers[tuple[str, str]] = Numbers()
        self.left_out: Counter[str] = Counter()
        self.twice = 0

    @property
    def units(self) -> list[tuple[str, str]]:
        """(run, chunk) of each unit, by its number."""
        return self._units.names

    @property
    def cluster(self) -> list[int]:
        """The run's number of each unit: intervals are drawn over runs."""
        return self._units.clusters

    def read(self) -> None:
        """Read all. Call it in a snapshot: votes and labels must be of one moment."""
        with no_collecting():
            rowids = self._votes()
            self._labels(rowids)

    # -- votes ------------------------------------------------------------------------------------------------------

    def _votes(self) -> Array:
        """Read the votes; the row numbers of those that count."""
        import numpy as np

        kinds = Numbers[str]()
        facts: list[tuple[int, int, int]] = []
        reasons: list[str | None] = []
        columns: list[list[Array]] = [[], [], []]
        # Of two names that are one person's, the first one's decision counts: by name, not by when it came here.
        order = "j.reviewer, j.rowid" if self._same else "j.rowid"
        sql = f"SELECT {_VOTES} FROM judgement j"
        if self._queue:
            sql = f"SELECT {_VOTES} FROM {_QUEUED} WHERE {_GIVEN_OUT}"
        for block in self._blocks(sql, order):
            places: Iterable[str]
            places, texts, rowid = zip(*block, strict=True)
            kind = _column(map(kinds.__getitem__, texts), len(block))
            for text in islice(kinds, len(reasons), None):
                reasons.append(self._take_kind(text, facts))
            counts = np.array([reason is None for reason in reasons])[kind]
            if not counts.all():
                for number, count in enumerate(np.bincount(kind)):
                    if reason := reasons[number]:
                        self.left_out[reason] += int(count)
                places = compress(places, counts.tolist())
            columns[0].append(_column(map(self._units.__getitem__, places), int(counts.sum())))
            columns[1].append(kind[counts])
            columns[2].append(np.array(rowid, dtype=np.int64)[counts])
        unit, kind, rowids = (np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64) for parts in columns)
        of = np.array(facts or [(-1, -1, -1)], dtype=np.int64)[kind]
        self.unit, self.rater, self.verdict, self.spec = unit, of[:, 0], of[:, 1], of[:, 2]
        return self._once_each(rowids)

    def _take_kind(self, kind: str, facts: list[tuple[int, int, int]]) -> str | None:
        """Note rater, verdict and spec of votes of one kind; why they do not count."""
        who, verdict, how, blind, judges = kind.rsplit(_END, 4)
        who = self._same.get(who, who)
        reason = self._why_not(who, verdict or None, how, int(blind))
        counts = reason is None
        facts.append((self.raters[who], self.verdicts[verdict], self.specs[judges]) if counts else (-1, -1, -1))
        return reason

    def _once_each(self, rowids: Array) -> Array:
        """Leave the second votes of one person on one unit out."""
        import numpy as np

        if not (self._same or self._owner):
            return rowids
        _, first = np.unique(self.unit * max(1, len(self.raters)) + self.rater, return_index=True)
        first = np.sort(first)
        self.twice = len(rowids) - len(first)
        self.unit, self.rater, self.verdict, self.spec = (
            column[first] for column in (self.unit, self.rater, self.verdict, self.spec)
        )
        return rowids[first]

    # -- labels -----------------------------------------------------------------------------------------------------

    def _labels(self, rowids: Array) -> None:
        """Read the labels of the votes with these row numbers."""
        import numpy as np

        order = np.argsort(rowids, kind="stable")
        known = rowids[order]
        columns: list[list[Array]] = [[], [], [], [], []]
        agents: list[str | None] = []
        sql = f"SELECT {_LABELS} FROM label l JOIN judgement j ON {_OF_VOTE}"
        if self._queue:
            sql = f"SELECT {_LABELS} FROM {_QUEUED} CROSS JOIN label l WHERE {_GIVEN_OUT} AND {_OF_VOTE}"
        for block in self._blocks(sql, "l.run, l.reviewer, l.chunk, l.id"):
            number = np.array([row[0] for row in block], dtype=np.int64)
            place = np.searchsorted(known, number)
            place[place == len(known)] = 0
            counts = known[place] == number if len(known) else np.zeros(len(block), dtype=bool)
            if not counts.all():
                block = list(compress(block, counts.tolist()))
            if not block:
                continue
            _, book, mode, first, last, flags, agent = zip(*block, strict=True)
            columns[0].append(order[place[counts]])
            columns[1].append(_column(map(self.modes.__getitem__, zip(book, mode, strict=True)), len(block)))
            for column, values in zip(columns[2:], (first, last, flags), strict=True):
                column.append(np.array(values, dtype=np.int64))
            agents += agent
        found = [np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64) for parts in columns]
        by_vote = np.argsort(found[0], kind="stable")
        self.label_vote, self.label_mode, self.label_first, self.label_last, self.label_flags = (
            column[by_vote] for column in found
        )
        self.label_agent = [agents[place] for place in by_vote.tolist()]

    def _blocks(self, sql: str, order: str) -> Iterator[list[Row]]:
        rows = self._store.each(f"{sql} ORDER BY {order}", [self._queue] if self._queue else [])
        while block := list(islice(rows, _BLOCK)):
            yield block


def _column(values: Iterable[int], count: int) -> Array:
    import numpy as np

    return np.fromiter(values, dtype=np.int64, count=count)
