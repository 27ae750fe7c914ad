"""Each reviewer: against what the others mostly say, against each other, against themselves; and what Dawid-Skene
makes of all of them beside the majority."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labels import events, fold
from labels.agreement import statistics as stat
from labels.agreement.table import Judged, Pairs, how_many
from labels.agreement.votes import Options, Votes
from labels.model import Decision
from sessions import catalog
from sessions.store import Store

if TYPE_CHECKING:
    from labels.agreement.statistics import Array


#: So many different ways to judge a unit are counted in a table; more are sorted.
_MOST_WAYS = 1 << 20


@dataclass(slots=True)
class Reviewer:
    """votes: units judged. compared: judgements of a mode on which the others had a majority. agreed, kappa, precision,
    recall: against that; None where undefined. sensitivity, specificity: by Dawid-Skene, over modes, by judgements."""

    name: str
    votes: int
    compared: int = 0
    agreed: float | None = None
    kappa: float | None = None
    precision: float | None = None
    recall: float | None = None
    sensitivity: float | None = None
    specificity: float | None = None


@dataclass(slots=True)
class Pair:
    """Two reviewers over all modes: shared judgements, share of agreement, Cohen's kappa (None where undefined)."""

    first: str
    second: str
    judgements: int
    agreed: float | None
    kappa: float | None


@dataclass(slots=True)
class Consensus:
    """A mode settled two ways. units: judged by two or more. majority: units where it is there by more than half;
    ties: evenly divided. dawid_skene: units where it is likelier than not; share: its estimate of how common the mode
    is. differ: units (without ties) on which the two say otherwise."""

    codebook: str
    mode: str
    name: str
    units: int
    majority: int
    ties: int
    dawid_skene: int
    share: float
    differ: int


@dataclass(slots=True)
class Repeats:
    """What a reviewer said of chunks that came to them twice. modes: judgements of a mode made both times."""

    name: str
    chunks: int = 0
    verdicts_same: int = 0
    verdicts: int = 0
    modes: int = 0
    modes_same: int = 0
    table: tuple[int, int, int, int] = (0, 0, 0, 0)
    kappa: float | None = None


def compare(votes: Votes, judged: Sequence[Judged], pairs: Pairs) -> tuple[list[Reviewer], list[Pair], list[Consensus]]:
    """All three, going through the modes once. judged: of each mode."""
    import numpy as np

    number = len(votes.raters)
    against = np.zeros((number, 4))
    between = np.zeros((len(pairs.names), 4))
    skill = np.zeros((number, 4))  # sensitivity x weight, weight, specificity x weight, weight
    settled: list[Consensus] = []
    for place, mode in enumerate(judged):
        between += mode.tables.sum(axis=0)
        if not (mode.judged > 1).any():
            continue
        ways = _ways(votes, mode)
        against += _against_others(ways)
        settled.append(_settle(votes, place, mode, ways, skill))
    counts = np.bincount(votes.rater, minlength=number)
    people = [
        _reviewer(name, int(counts[place]), against[place], skill[place]) for place, name in enumerate(votes.raters)
    ]
    both = [
        _pair(votes.raters[one], votes.raters[two], table)
        for (one, two), table in zip(pairs.names, between, strict=True)
    ]
    return people, both, settled


@dataclass(frozen=True, slots=True)
class _Ways:
    """The different ways in which the units that two or more judged were judged. patterns: (ways, raters) of 0, 1 or
    -1; weights: how many units each stands for; of_unit: the way of each of those units."""

    patterns: Array
    weights: Array
    of_unit: Array


def _ways(votes: Votes, mode: Judged) -> _Ways:
    import numpy as np

    number = len(votes.raters)
    table = np.full((len(votes.units), number), -1, dtype=np.int8)
    table[votes.unit, votes.rater] = mode.said
    table = table[mode.judged > 1]
    powers = 3 ** np.arange(min(number, 39), dtype=np.int64)  # 3^39 fits into 63 bits
    if 3**number <= _MOST_WAYS:
        code = (table.astype(np.int64) + 1) @ powers
        counts = np.bincount(code)
        there = np.flatnonzero(counts)
        patterns = (there[:, None] // powers) % 3 - 1
        return _Ways(patterns.astype(np.int8), counts[there].astype(float), (np.cumsum(counts > 0) - 1)[code])
    if number <= 39:
        code = (table.astype(np.int64) + 1) @ powers
        _, first, of_unit, counts = np.unique(code, return_index=True, return_inverse=True, return_counts=True)
        patterns = table[first]
    else:
        patterns, of_unit, counts = np.unique(table, axis=0, return_inverse=True, return_counts=True)
    return _Ways(patterns, counts.astype(float), of_unit.reshape(-1))


def _against_others(ways: _Ways) -> Array:
    """Counts by rater: own answer x what most of the others say. Where they are evenly divided, nothing is counted."""
    import numpy as np

    judged, yes = (ways.patterns >= 0).sum(axis=1)[:, None], (ways.patterns == 1).sum(axis=1)[:, None]
    others, positive = judged - 1, yes - (ways.patterns == 1)
    clear = (ways.patterns >= 0) & (2 * positive != others)
    most = 2 * positive > others
    weights = ways.weights[:, None]
    return np.stack(
        [
            (weights * (clear & (ways.patterns == own) & (most == theirs))).sum(axis=0)
            for own in (0, 1)
            for theirs in (False, True)
        ],
        axis=1,
    )


def _settle(votes: Votes, place: int, mode: Judged, ways: _Ways, skill: Array) -> Consensus:
    """Majority and Dawid-Skene on one mode. skill: what each rater's figures are added to."""
    import numpy as np

    several = mode.judged > 1
    there, sensitivity, specificity = stat.dawid_skene(ways.patterns, ways.weights)
    likely = there[ways.of_unit] > 0.5
    twice, judged = 2 * mode.yes[several], mode.judged[several]
    majority, ties = twice > judged, twice == judged
    given = (ways.patterns >= 0).astype(float)
    positive, negative = (there * ways.weights) @ given, ((1 - there) * ways.weights) @ given
    skill += np.stack([sensitivity * positive, positive, specificity * negative, negative], axis=1)
    book, slug = votes.modes[place]
    return Consensus(
        book, slug, votes.names.get((book, slug), slug), len(judged), how_many(majority),
        how_many(ties), how_many(likely), float(there[ways.of_unit].mean()),
        how_many((likely != majority)[~ties]),
    )  # fmt: skip


def _reviewer(name: str, votes: int, table: Array, skill: Array) -> Reviewer:
    import numpy as np

    none, missed, extra, both = (float(value) for value in table)
    total = none + missed + extra + both
    kappa = float(stat.cohen(np.array([none, missed, extra, both])[None])[0])
    return Reviewer(
        name, votes, int(total), _share(none + both, total), None if np.isnan(kappa) else kappa,
        _share(both, extra + both), _share(both, missed + both),
        _share(float(skill[0]), float(skill[1])), _share(float(skill[2]), float(skill[3])),
    )  # fmt: skip


def _pair(first: str, second: str, table: Array) -> Pair:
    import numpy as np

    total = float(table.sum())
    kappa = float(stat.cohen(table[None])[0])
    return Pair(
        first, second, int(total), _share(float(table[0] + table[3]), total), None if np.isnan(kappa) else kappa
    )


def _share(top: float, bottom: float) -> float | None:
    return top / bottom if bottom else None


# -- oneself --------------------------------------------------------------------------------------------------------


def repeats(store: Store, options: Options) -> list[Repeats]:
    """Reviewers against themselves, on the chunks that a queue gave them twice."""
    sql = "SELECT r.run FROM queue_run r JOIN queue q ON q.id = r.queue WHERE q.repeat_share > 0"
    params = []
    if options.queue:
        sql, params = f"{sql} AND q.id = ?", [options.queue]
    found: dict[str, Repeats] = {}
    for run, who, chunk in _read_twice(store, [str(row[0]) for row in store.query(sql, params)]):
        name = options.same.get(who, who)
        if (options.only and name not in options.only) or name in options.without:
            continue
        said = events.of_runs(store, catalog.ids_of(store, run), who, chunk)
        first, second = fold.decision(said, run), fold.decision(said, run, repeat=1)
        if first is not None and second is not None and second.verdict is not None:
            _add(found.setdefault(name, Repeats(name)), first, second, _modes_of(store, [first, second]))
    return [_finished(found[name]) for name in sorted(found)]


def _read_twice(store: Store, runs: list[str]) -> Iterator[tuple[str, str, str]]:
    """(run, reviewer, chunk) of second readings. Run by run: the log as a whole is long, and few runs are in queues."""
    for run in runs:
        sql = (
            "SELECT DISTINCT run, reviewer, chunk FROM event WHERE run = ? AND kind = 'decide'"
            " AND payload LIKE '%\"repeat\":1%'"
        )
        for row in store.query(sql, [run]):
            yield row[0], row[1], row[2]


def _modes_of(store: Store, said: Iterable[Decision]) -> dict[str, list[str]]:
    """Codebook -> its modes, of the codebooks that both decisions judge."""
    from labels.maintenance import kept_codebook

    judged = [{ref.id: ref.sha256 for ref in (*item.none, *(label.codebook for label in item.labels))} for item in said]
    found = {}
    for name in set.intersection(*map(set, judged)):
        book = kept_codebook(store, name, judged[0][name])
        labelled = {label.mode for item in said for label in item.labels if label.codebook.id == name}
        found[name] = [mode.slug for mode in book.modes] if book else sorted(labelled)
    return found


def _add(found: Repeats, first: Decision, second: Decision, modes: dict[str, list[str]]) -> None:
    found.chunks += 1
    if first.verdict is not None:
        found.verdicts += 1
        found.verdicts_same += first.verdict == second.verdict
    cells = list(found.table)
    for name, slugs in modes.items():
        one, two = (
            {label.mode for label in item.labels if label.codebook.id == name and label.sure}
            for item in (first, second)
        )
        for slug in slugs:
            cells[2 * (slug in one) + (slug in two)] += 1
    found.table = (cells[0], cells[1], cells[2], cells[3])


def _finished(found: Repeats) -> Repeats:
    import numpy as np

    found.modes, found.modes_same = sum(found.table), found.table[0] + found.table[3]
    kappa = float(stat.cohen(np.array([found.table], dtype=float))[0])
    found.kappa = None if np.isnan(kappa) else kappa
    return found
