"""Agreement per mode, per codebook, and on verdicts, with intervals by run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from labels.agreement import statistics as stat
from labels.agreement.table import Judged, Pairs, how_many
from labels.agreement.votes import VERDICTS, Votes
from labels.scoring.metrics import ALL_EQUAL, ONE_CLUSTER, Estimate, draws

if TYPE_CHECKING:
    from labels.agreement.statistics import Array

NO_PAIR = "no unit was judged by two or more reviewers"
ONE_REVIEWER = "there is one reviewer: agreement needs two"
NOBODY = "nobody used it: where all say the same, agreement beyond chance has no meaning"
EVERYBODY = "everybody used it everywhere: where all say the same, agreement beyond chance has no meaning"
ONE_VALUE = "all said the same throughout: agreement beyond chance has no meaning"
TOO_MANY = "too many reviewers to go through all pairs"
MANY_SETS = "too many different sets of labels for an interval"
TOO_MANY_SETS = "too many different sets of labels to compare each with each"
#: Distinct label sets up to which intervals are drawn, and up to which there is a figure at all.
_MOST_SETS, _MOST_SETS_AT_ALL = 400, 4_000
_DRAWS = 1_000
_DIGITS = 10


@dataclass(slots=True)
class Figures:
    """Agreement on one question. units: judged by anybody; paired: by two or more. yes: judgements that it is there,
    of `judgements`. pooled_modes: how many modes were pooled (0 for a single question)."""

    name: str
    codebook: str
    mode: str
    units: int
    paired: int
    yes: int
    judgements: int
    raters: int
    raw: Estimate
    cohen: Estimate
    fleiss: Estimate
    alpha: Estimate
    ac1: Estimate
    pabak: Estimate
    prevalence: Estimate
    set_alpha: Estimate | None = None
    weighted_prevalence: float | None = None
    pooled_modes: int = 0


@dataclass(slots=True)
class _Question:
    """What is summed for one question: its columns, and the tables of pairs of raters."""

    name: str
    codebook: str
    mode: str
    sums: Array
    tables: Array
    raters: int
    units: int
    pooled: int = 0
    columns: slice = field(default_factory=lambda: slice(0))
    pair_columns: slice = field(default_factory=lambda: slice(0))


def by_mode(
    votes: Votes, judged: Sequence[Judged], pairs: Pairs, weights: Array | None = None
) -> tuple[list[Figures], list[Figures]]:
    """Figures of every mode, and of every codebook with its modes pooled (each mode of each unit is a judgement).

    judged: of each mode. weights: sampling weights of units, for a prevalence that the choice of chunks does not bend.
    """
    import numpy as np

    questions: list[_Question] = []
    weighted: dict[tuple[str, str], float] = {}
    for (book, slug), mode in zip(votes.modes, judged, strict=True):
        sums = stat.unit_sums(stat.binary(mode.judged, mode.yes), votes.group, votes.groups)
        raters = how_many(np.bincount(votes.rater[mode.said >= 0]))
        name = votes.names.get((book, slug), slug)
        questions.append(_Question(name, book, slug, sums, mode.tables, raters, how_many(mode.judged)))
        if weights is not None and (total := (weights * (mode.judged > 0)).sum()) > 0:
            share = np.divide(mode.yes, mode.judged, out=np.zeros(len(weights)), where=mode.judged > 0)
            weighted[book, slug] = float((weights * share).sum() / total)
    books = [
        _pooled(book, [q for q in questions if q.codebook == book]) for book in dict.fromkeys(b for b, _ in votes.modes)
    ]
    found = _figures([*questions, *books], len(votes.runs), pairs)
    for item in found:
        item.weighted_prevalence = weighted.get((item.codebook, item.mode))
    split = len(questions)
    for item in found[split:]:
        item.set_alpha = set_alpha(votes, item.codebook)
    return found[:split], found[split:]


def _pooled(book: str, questions: Sequence[_Question]) -> _Question:
    sums = sum(question.sums for question in questions)
    tables = sum(question.tables for question in questions)
    raters = max((question.raters for question in questions), default=0)
    units = max((question.units for question in questions), default=0)
    return _Question(f"all of {book}", book, "", sums, tables, raters, units, len(questions))  # type: ignore[arg-type]


def verdicts(votes: Votes) -> Figures | None:
    """Agreement on verdicts; None where nobody gave one. Prevalence: of the last verdict, `stop`."""
    import numpy as np

    given = votes.verdict >= 0
    if not given.any():
        return None
    kinds = len(VERDICTS)
    cells = np.bincount(votes.unit[given] * kinds + votes.verdict[given], minlength=len(votes.units) * kinds)
    counts = cells.reshape(-1, kinds)
    used = counts.any(axis=0)
    counts = counts[:, used] if used.sum() > 1 else np.stack([np.zeros(len(counts)), counts[:, used][:, 0]], axis=1)
    sums = stat.unit_sums(counts, votes.group, votes.groups)
    question = _Question(
        "verdicts", "", "verdict", sums, np.zeros((votes.groups, 0, 4)),
        how_many(np.bincount(votes.rater[given])), how_many(counts.sum(axis=1)),
    )  # fmt: skip
    return _figures([question], len(votes.runs), None)[0]


# -- figures from sums ----------------------------------------------------------------------------------------------


def _figures(questions: list[_Question], clusters: int, pairs: Pairs | None) -> list[Figures]:
    """clusters: how many runs there are."""
    import numpy as np

    blocks: list[Array] = []
    width = 0
    for question in questions:
        question.columns = slice(width, width + question.sums.shape[1])
        blocks.append(question.sums)
        width = question.columns.stop
        if pairs is not None and pairs.drawn:
            flat = question.tables.reshape(len(question.sums), -1)
            question.pair_columns = slice(width, width + flat.shape[1])
            blocks.append(flat)
            width = question.pair_columns.stop
    drawn = _draw(np.hstack(blocks)) if blocks else np.zeros((0, width))
    return [_of(question, drawn, clusters, pairs) for question in questions]


def _draw(sums: Array) -> Array:
    """Sums of bootstrap draws of groups of runs: (draws, columns), none for a single group."""
    import numpy as np

    if len(sums) < 2:
        return np.zeros((0, sums.shape[1]))
    return np.concatenate([weights @ sums for weights in draws(np.arange(len(sums)), _DRAWS)])


def _of(question: _Question, drawn: Array, clusters: int, pairs: Pairs | None) -> Figures:
    total = question.sums.sum(axis=0)[None]
    mine = drawn[:, question.columns]
    why = _why(question, total)

    def figure(compute: Callable[[Array], Array], reason: str = why) -> Estimate:
        return estimate(compute(total)[0], compute(mine) if len(mine) else mine[:, 0], reason, clusters)

    no_pair = ONE_REVIEWER if question.raters == 1 else NO_PAIR
    counts = stat.counts(total)[0]
    return Figures(
        question.name, question.codebook, question.mode, question.units, int(total[0, stat.UNITS]),
        int(counts[-1]), int(counts.sum()), question.raters,
        raw=figure(stat.raw, no_pair), cohen=_cohen(question, drawn, clusters, pairs, why),
        fleiss=figure(stat.fleiss), alpha=figure(stat.alpha), ac1=figure(stat.ac1, no_pair),
        pabak=figure(stat.pabak, no_pair), prevalence=figure(stat.prevalence, "nobody judged it"),
        pooled_modes=question.pooled,
    )  # fmt: skip


def _why(question: _Question, total: Array) -> str:
    """The reason for which a chance-corrected figure has no value, if it has none."""
    if not total[0, stat.UNITS]:
        return ONE_REVIEWER if question.raters == 1 else NO_PAIR
    counts = stat.paired_counts(total)[0]
    if question.mode == "verdict":
        return ONE_VALUE
    return EVERYBODY if counts[-1] else NOBODY


def _cohen(question: _Question, drawn: Array, clusters: int, pairs: Pairs | None, why: str) -> Estimate:
    if pairs is None or pairs.too_many:
        return Estimate(None, why=TOO_MANY if pairs else "given for modes only")
    if not pairs.names:
        return Estimate(None, why=why)
    value = stat.mean_cohen(question.tables.sum(axis=0)[None])[0]
    if not pairs.drawn:
        return estimate(value, drawn[:0, 0], why, clusters)
    shape = (len(drawn), len(pairs.names), 4)
    tables = drawn[:, question.pair_columns].reshape(shape)
    return estimate(value, stat.mean_cohen(tables), why, clusters)


def estimate(value: float, drawn: Array, why: str, clusters: int) -> Estimate:
    """A figure with its percentile interval over draws of runs; undefined ones say why. Rounded to ten digits: the rest
    depends on the order in which sums were taken."""
    import numpy as np

    if np.isnan(value):
        return Estimate(None, why=why)
    value = round(float(value), _DIGITS)
    if clusters < 2:
        return Estimate(value, why=ONE_CLUSTER)
    number = len(drawn)
    drawn = drawn[~np.isnan(drawn)]
    if not number or len(drawn) < number / 2:
        return Estimate(value, why=f"defined in {len(drawn)} of {number} draws only" if number else "no interval drawn")
    low, high = np.percentile(drawn, [2.5, 97.5])
    if high - low < 1e-12:
        return Estimate(value, why=ALL_EQUAL)
    return Estimate(value, round(float(low), _DIGITS), round(float(high), _DIGITS))


# -- sets of labels -------------------------------------------------------------------------------------------------


def set_alpha(votes: Votes, book: str) -> Estimate:
    """Krippendorff's alpha of the sets of modes that reviewers gave to each unit, by MASI distance. Only votes that
    judged the whole codebook count: a set of what was not asked about cannot be compared."""
    import numpy as np

    chosen = [place for place, (name, _) in enumerate(votes.modes) if name == book]
    codes, sets = _sets(votes, chosen)
    if len(sets) > _MOST_SETS_AT_ALL:
        return Estimate(None, why=TOO_MANY_SETS)
    distance = stat.masi_table(sets)
    clusters = len(votes.runs)
    rows = np.flatnonzero(codes >= 0)
    observed, totals = stat.set_sums(codes[rows], votes.unit[rows], votes.group, votes.groups, distance)
    why = NO_PAIR if not totals.sum() else NOBODY
    value = stat.set_alphas(observed.sum()[None], totals.sum(axis=0)[None], distance)[0]
    if len(sets) > _MOST_SETS and clusters > 1 and not np.isnan(value):
        return Estimate(float(value), why=MANY_SETS)
    drawn = _draw(np.hstack([observed[:, None], totals]))
    return estimate(value, stat.set_alphas(drawn[:, 0], drawn[:, 1:], distance), why, clusters)


def _sets(votes: Votes, chosen: list[int]) -> tuple[Array, list[frozenset[int]]]:
    """The set of modes of each vote as a number, -1 where the vote did not judge all of them; and the sets."""
    import numpy as np

    every: Array = np.all(votes.judged[:, chosen], axis=1)
    whole: Array = every[votes.spec]
    sets: dict[frozenset[int], int] = {frozenset(): 0}
    codes = np.where(whole, 0, -1)
    wanted = np.isin(votes.label_mode, chosen) & whole[votes.label_vote]
    order = np.flatnonzero(wanted)
    order = order[np.argsort(votes.label_vote[order], kind="stable")]
    mine, starts = np.unique(votes.label_vote[order], return_index=True)
    modes = votes.label_mode[order].tolist()
    ends = [*starts[1:].tolist(), len(order)][: len(starts)]
    for vote, start, end in zip(mine.tolist(), starts.tolist(), ends, strict=True):
        codes[vote] = sets.setdefault(frozenset(modes[start:end]), len(sets))
    return codes, list(sets)
