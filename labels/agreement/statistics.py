"""Agreement statistics on judgements of units by raters, in two or more categories.

Everything is computed from counts per unit (how many judged, how many said yes) or per pair of raters, summed over
clusters with weights: a bootstrap over runs is the same computation with other weights. What is undefined is nan here;
`labels.agreement.modes` says why.

Sources: Cohen 1960; Fleiss 1971; Krippendorff 2011 ("Computing Krippendorff's alpha-reliability"); Gwet 2008 (AC1) and,
for missing judgements, Gwet 2014; Byrt, Bishop and Carlin 1993 (PABAK). The published examples are in the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy.typing

    Array: TypeAlias = numpy.typing.NDArray[Any]

#: Columns of the sums per cluster that `unit_sums` makes; four blocks of one column per category follow.
UNITS, AGREED, DISAGREED, SINGLE = range(4)
_FIXED = 4
#: Cells of a table that is held at once: 32 MB.
_MOST_CELLS = 1 << 22


def unit_sums(counts: Array, cluster: Array, clusters: int) -> Array:
    """What the statistics need, summed by cluster: shape (clusters, 4 + 4 q).

    counts: (units, q), how many raters put each unit into each category. cluster: of each unit, from 0. Units with the
    same counts are summed as one, weighted by how many there are: mostly there are few different ones.
    """
    import numpy as np

    most = int(counts.max(initial=0)) + 1
    code = counts.astype(np.int64) @ (most ** np.arange(counts.shape[1], dtype=np.int64))
    different, kind = _kinds(code)
    rows = (different[:, None] // most ** np.arange(counts.shape[1], dtype=np.int64)) % most
    columns = _unit_columns(rows)
    if clusters * len(different) <= _MOST_CELLS:
        cells = np.bincount(cluster * len(different) + kind, minlength=clusters * len(different))
        found: Array = cells.reshape(clusters, len(different)) @ columns
        return found
    return np.stack([np.bincount(cluster, weights=column[kind], minlength=clusters) for column in columns.T], axis=1)


def _kinds(code: Array) -> tuple[Array, Array]:
    """The different values, in order, and for each value its place among them."""
    import numpy as np

    if len(code) and code.max() < _MOST_CELLS:
        there = np.bincount(code) > 0
        return np.flatnonzero(there), (np.cumsum(there) - 1)[code]
    different, kind = np.unique(code, return_inverse=True)
    return different, kind.reshape(-1)


def _unit_columns(counts: Array) -> Array:
    """The columns of `unit_sums` for single units."""
    import numpy as np

    counts = counts.astype(float)
    n = counts.sum(axis=1)
    paired = n > 1
    with np.errstate(divide="ignore", invalid="ignore"):
        same = (counts * (counts - 1)).sum(axis=1)
        agreed = np.where(paired, same / (n * (n - 1)), 0.0)
        disagreed = np.where(paired, (n * (n - 1) - same) / (n - 1), 0.0)
        share = np.where(n[:, None] > 0, counts / n[:, None], 0.0)
    mask = paired[:, None]
    return np.hstack(
        [
            np.stack([paired, agreed, disagreed, n == 1], axis=1),
            np.where(mask, counts, 0), np.where(mask, share, 0), share, counts,
        ]
    )  # fmt: skip


def binary(judged: Array, yes: Array) -> Array:
    """Counts of two categories, no and yes, from how many judged each unit and how many of them said yes."""
    import numpy as np

    return np.stack([judged - yes, yes], axis=1)


def _block(sums: Array, number: int) -> Array:
    """paired counts, shares among paired units, shares among all units, or all counts: (draws, q)."""
    q = (sums.shape[1] - _FIXED) // 4
    start = _FIXED + number * q
    found: Array = sums[:, start : start + q]
    return found


def counts(sums: Array) -> Array:
    """All judgements by category: (draws, q)."""
    return _block(sums, 3)


def paired_counts(sums: Array) -> Array:
    """The same of units that two or more judged."""
    return _block(sums, 0)


# -- from sums (draws, columns) to figures, one value per draw ------------------------------------------------------


def raw(sums: Array) -> Array:
    """Share of agreeing pairs of judgements, the mean over units that two or more judged."""
    return _ratio(sums[:, AGREED], sums[:, UNITS])


def fleiss(sums: Array) -> Array:
    """Fleiss' kappa; where units have different numbers of raters, the chance part takes each unit alike."""
    p = _ratio(_block(sums, 1), sums[:, UNITS, None])
    return _corrected(raw(sums), (p * p).sum(axis=1))


def ac1(sums: Array) -> Array:
    """Gwet's AC1. Units with a single judgement count for how common a category is, as Gwet has it."""
    p = _ratio(_block(sums, 2), (sums[:, UNITS] + sums[:, SINGLE])[:, None])
    return _corrected(raw(sums), (p * (1 - p)).sum(axis=1) / max(1, p.shape[1] - 1))


def pabak(sums: Array) -> Array:
    """Prevalence- and bias-adjusted kappa: kappa as if all q categories were equally common; 2 po - 1 for two."""
    q = (sums.shape[1] - _FIXED) // 4
    found: Array = (q * raw(sums) - 1) / (q - 1)
    return found


def prevalence(sums: Array) -> Array:
    """Share of the last category ("yes") among all judgements."""
    every = _block(sums, 3)
    return _ratio(every[:, -1], every.sum(axis=1))


def alpha(sums: Array) -> Array:
    """Krippendorff's alpha, nominal."""
    paired = _block(sums, 0)
    total = paired.sum(axis=1)
    expected = _ratio(total * total - (paired * paired).sum(axis=1), total * (total - 1))
    return 1 - _ratio(_ratio(sums[:, DISAGREED], total), expected)


def cohen(table: Array) -> Array:
    """Cohen's kappa of pairs of raters. table: (..., 4) counts of no-no, no-yes, yes-no, yes-yes."""
    total = table.sum(axis=-1)
    po = _ratio(table[..., 0] + table[..., 3], total)
    first = _ratio(table[..., 2] + table[..., 3], total)
    second = _ratio(table[..., 1] + table[..., 3], total)
    return _corrected(po, first * second + (1 - first) * (1 - second))


def mean_cohen(tables: Array) -> Array:
    """The mean of Cohen's kappa over pairs of raters, by how many units each pair shares. tables: (..., pairs, 4)."""
    import numpy as np

    kappas, weights = cohen(tables), tables.sum(axis=-1)
    known = ~np.isnan(kappas)
    return _ratio((np.where(known, kappas, 0) * weights).sum(axis=-1), (weights * known).sum(axis=-1))


def _corrected(observed: Array, expected: Array) -> Array:
    """(observed - expected) / (1 - expected); nan where chance alone agrees always."""
    import numpy as np

    return _ratio(observed - expected, np.where(1 - expected > 1e-12, 1 - expected, 0.0))


def _ratio(top: Array, bottom: Array) -> Array:
    import numpy as np

    top, bottom = np.broadcast_arrays(np.asarray(top, dtype=float), np.asarray(bottom, dtype=float))
    out = np.full(top.shape, np.nan)
    found: Array = np.divide(top, bottom, out=out, where=bottom > 0)
    return found


# -- set-valued -----------------------------------------------------------------------------------------------------


def masi(one: frozenset[Any], two: frozenset[Any]) -> float:
    """MASI distance of two sets (Passonneau 2006): 1 - Jaccard x monotonicity, where that is 1 for equal sets, 2/3 if
    one holds the other, 1/3 if they overlap, 0 if not. Two empty sets are equal: distance 0."""
    if one == two:
        return 0.0
    both = len(one & two)
    if not both:
        return 1.0
    monotone = 2 / 3 if one <= two or two <= one else 1 / 3
    return 1 - both / len(one | two) * monotone


def masi_table(sets: Sequence[frozenset[Any]]) -> Array:
    """The MASI distance of each of these sets to each: shape (sets, sets)."""
    import numpy as np

    values = {value: place for place, value in enumerate(sorted(frozenset[Any]().union(*sets), key=repr))}
    has = np.zeros((len(sets), len(values)))
    for row, one in enumerate(sets):
        has[row, [values[value] for value in one]] = 1
    size = has.sum(axis=1)
    both = has @ has.T
    either = size[:, None] + size - both
    whole = both == either  # equal; two empty sets as well
    inside = (both == size[:, None]) | (both == size)
    monotone = np.where(whole, 1.0, np.where(inside, 2 / 3, 1 / 3))
    found: Array = 1 - np.where(whole, 1.0, both / np.maximum(either, 1)) * monotone
    return found


def set_sums(codes: Array, unit: Array, group: Array, groups: int, distance: Array) -> tuple[Array, Array]:
    """What Krippendorff's alpha of sets needs, summed by group of units: distances between votes, with his weights, and
    how often each set was given: shapes (groups), (groups, sets). Units with one vote do not count.

    codes: of each vote the number of its set. unit: of each vote. group: of each unit. distance: (sets, sets).
    """
    import numpy as np

    order = np.argsort(unit, kind="stable")
    counts = np.bincount(unit, minlength=len(group))
    starts = np.cumsum(counts) - counts
    observed, totals = np.zeros(groups), np.zeros((groups, len(distance)))
    for size in np.unique(counts[counts > 1]):
        units = np.flatnonzero(counts == size)
        table = codes[order[starts[units][:, None] + np.arange(size)]]
        cells = (group[units][:, None] * len(distance) + table).reshape(-1)
        totals += np.bincount(cells, minlength=totals.size).reshape(totals.shape)
        for one in range(size):
            for two in range(one + 1, size):
                apart = distance[table[:, one], table[:, two]] * (2 / (size - 1))
                observed += np.bincount(group[units], weights=apart, minlength=groups)
    return observed, totals


def set_alphas(observed: Array, totals: Array, distance: Array) -> Array:
    """Krippendorff's alpha of sets from sums (draws), (draws, sets); nan where it is undefined."""
    import numpy as np

    number = totals.sum(axis=1)
    expected = ((totals @ distance) * totals).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 1 - (observed / number) / (expected / (number * (number - 1)))
    return np.where((number > 1) & (expected > 0), found, np.nan)


def dawid_skene(patterns: Array, weights: Array, *, rounds: int = 500) -> tuple[Array, Array, Array]:
    """Binary Dawid-Skene (1979) by expectation maximisation, from the majority on, with one made-up judgement of each
    kind per rater so that nobody is taken for infallible.

    patterns: (patterns, raters) of 0, 1, or -1 where a rater did not judge; weights: how many units each stands for.
    Returns the probability that the mode is there for each pattern, and each rater's sensitivity and specificity.
    """
    import numpy as np

    yes, no = (patterns == 1).astype(float), (patterns == 0).astype(float)
    total = (yes + no).sum(axis=1)
    there: Array = np.divide(yes.sum(axis=1), total, out=np.full(len(patterns), 0.5), where=total > 0)
    counted = weights * (total > 0)
    sensitivity = specificity = np.full(patterns.shape[1], 0.5)
    for _ in range(rounds):
        positive, negative = there * counted, (1 - there) * counted
        sensitivity = (1 + positive @ yes) / (2 + positive @ (yes + no))
        specificity = (1 + negative @ no) / (2 + negative @ (yes + no))
        share = np.clip(positive.sum() / max(counted.sum(), 1e-9), 1e-9, 1 - 1e-9)
        odds = np.log(share / (1 - share)) + yes @ np.log(sensitivity / (1 - specificity))
        odds = odds + no @ np.log((1 - sensitivity) / specificity)
        now = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
        moved = float(np.abs(now - there).max()) if len(there) else 0.0
        there = now
        if moved < 1e-7:
            break
    return there, sensitivity, specificity
