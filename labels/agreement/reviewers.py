"""Each reviewer: against what the others mostly say, against each other, against themselves; and what Dawid-Skene
makes of all of them beside the majority."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labels import events, fold
from labels.agreement import statistics as stat
from labels.agreement.table import Pairs, per_unit, values
from labels.agreement.votes import Options, Votes
from labels.model import Decision
from sessions import catalog
from sessions.store import Store

if TYPE_CHECKING:
    from labels.agreement.statistics import Array


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


def compare(votes: Votes, pairs: Pairs) -> tuple[list[Reviewer], list[Pair], list[Consensus]]:
    """All three, going through the modes once."""
    import numpy as np

    number = len(votes.raters)
    against = np.zeros((number, 4))
    between = np.zeros((len(pairs.names), 4))
    skill = np.zeros((number, 4))  # sensitivity x weight, weight, specificity x weight, weight
    settled: list[Consensus] = []
    for place in range(len(votes.modes)):
        said = values(votes, place)
        judged, yes = per_unit(votes, said)
        against += _against_others(votes, said, judged, yes)
        if pairs.names:
            between += pairs.tables(said, len(votes.runs)).sum(axis=0)
        if (found := _settle(votes, place, said, judged, yes, skill)) is not None:
            settled.append(found)
    counts = np.bincount(votes.rater, minlength=number)
    people = [
        _reviewer(name, int(counts[place]), against[place], skill[place]) for place, name in enumerate(votes.raters)
    ]
    both = [
        _pair(votes.raters[one], votes.raters[two], table)
        for (one, two), table in zip(pairs.names, between, strict=True)
    ]
    return people, both, settled


def _against_others(votes: Votes, said: Array, judged: Array, yes: Array) -> Array:
    """Counts by rater: own answer x what most of the others say. Where they are evenly divided, nothing is counted."""
    import numpy as np

    mine = np.flatnonzero(said >= 0)
    unit, value = votes.unit[mine], said[mine].astype(np.int64)
    others, positive = judged[unit] - 1, yes[unit] - value
    clear = (others > 0) & (2 * positive != others)
    cell = votes.rater[mine] * 4 + 2 * value + (2 * positive > others)
    number = len(votes.raters)
    found: Array = np.bincount(cell[clear], minlength=4 * number).reshape(number, 4)
    return found


def _settle(votes: Votes, place: int, said: Array, judged: Array, yes: Array, skill: Array) -> Consensus | None:
    """Majority and Dawid-Skene on one mode. skill: what each rater's figures are added to."""
    import numpy as np

    several = judged > 1
    if not several.any():
        return None
    patterns, weights, of_unit = _patterns(votes, said, several)
    there, sensitivity, specificity = stat.dawid_skene(patterns, weights)
    likely = there[of_unit] > 0.5
    majority, ties = 2 * yes[several] > judged[several], 2 * yes[several] == judged[several]
    given = (patterns >= 0).astype(float)
    positive, negative = (there * weights) @ given, ((1 - there) * weights) @ given
    skill += np.stack([sensitivity * positive, positive, specificity * negative, negative], axis=1)
    book, slug = votes.modes[place]
    return Consensus(
        book, slug, votes.names.get((book, slug), slug), int(several.sum()), int(majority.sum()), int(ties.sum()),
        int(likely.sum()), float(there[of_unit].mean()), int((likely != majority)[~ties].sum()),
    )  # fmt: skip


def _patterns(votes: Votes, said: Array, several: Array) -> tuple[Array, Array, Array]:
    """The different ways in which units were judged, how many units each stands for, and the way of each unit."""
    import numpy as np

    number = len(votes.raters)
    row = np.cumsum(several) - 1
    mine = several[votes.unit] & (said >= 0)
    table = np.full((int(several.sum()), number), -1, dtype=np.int8)
    table[row[votes.unit[mine]], votes.rater[mine]] = said[mine]
    if number <= 39:  # 3^39 fits into 63 bits
        code = (table + 1).astype(np.int64) @ (3 ** np.arange(number, dtype=np.int64))
        _, first, of_unit, counts = np.unique(code, return_index=True, return_inverse=True, return_counts=True)
        return table[first], counts.astype(float), of_unit.reshape(-1)
    found, of_unit, counts = np.unique(table, axis=0, return_inverse=True, return_counts=True)
    return found, counts.astype(float), of_unit.reshape(-1)


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
