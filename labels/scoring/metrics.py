"""Figures with their uncertainty: precision, recall, F1, average precision, AUROC, Brier score, calibration error.

Every figure is computed on weighted rows, so that a bootstrap over clusters is the same computation with other weights:
1,000 draws are a matrix of weights, one row per draw, and numpy does them together. What is undefined is None with a
reason; it is never 0. The tests compare all of it with scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    Array: TypeAlias = numpy.typing.NDArray[Any]

DRAWS, SEED = 1_000, 20_251
#: Cells of the weight matrix that are in memory at a time.
_CELLS = 2_000_000
#: An interval is given where the figure is defined in at least this share of the draws.
_DEFINED = 0.5

NO_ROWS = "nothing was judged"
NO_POSITIVE = "the mode is present nowhere"
NEVER_FIRED = "it never fired"
ONE_CLUSTER = "one run gives no interval"
ALL_EQUAL = "every draw gives the same, so there is no interval"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval. value: None where it is undefined, and `why` says why. low, high: None where
    there is no interval."""

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str = ""

    def json(self) -> dict[str, float | str | None]:
        """As reports carry it."""
        figures: dict[str, float | str | None] = {
            "value": _rounded(self.value), "low": _rounded(self.low), "high": _rounded(self.high),
        }  # fmt: skip
        return {**figures, "why": self.why} if self.why else figures


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


@dataclass(frozen=True)
class Rows:
    """Judgements on one mode beside what a detector said. present, fired: 0 or 1. score: of the detector, 0 where it
    did not fire. steps: of the run. cluster, system: numbers from 0."""

    present: Array
    fired: Array
    score: Array
    steps: Array
    cluster: Array
    system: Array

    @classmethod
    def of(
        cls,
        present: Sequence[bool],
        score: Sequence[float | None],
        steps: Sequence[int],
        cluster: Sequence[int],
        system: Sequence[int],
    ) -> Rows:
        """score: None where the detector did not fire."""
        import numpy as np

        return cls(
            np.asarray(present, dtype=float),
            np.asarray([value is not None for value in score], dtype=float),
            np.asarray([value or 0.0 for value in score], dtype=float),
            np.asarray(steps, dtype=float),
            np.unique(np.asarray(cluster, dtype=int), return_inverse=True)[1],
            np.asarray(system, dtype=int),
        )

    def __len__(self) -> int:
        return len(self.present)

    def only(self, chosen: Array) -> Rows:
        """The rows that a mask chooses."""
        import numpy as np

        return Rows(
            self.present[chosen], self.fired[chosen], self.score[chosen], self.steps[chosen],
            np.unique(self.cluster[chosen], return_inverse=True)[1], self.system[chosen],
        )  # fmt: skip

    @cached_property
    def once(self) -> Array:
        """Every row counted once: the weights of the figure itself."""
        import numpy as np

        return np.ones((1, len(self)))

    @cached_property
    def prior(self) -> Array:
        """As a score, each system's own rate of the mode among the other clusters, drawn towards the rate over all
        systems as if by one more run."""
        import numpy as np

        here = np.stack([self.system, self.cluster])
        _, pair = np.unique(here, axis=1, return_inverse=True)
        both = _sums(pair, self.present)
        system, cluster = _sums(self.system, self.present), _sums(self.cluster, self.present)
        everywhere = (self.present.sum() - cluster[0]) / np.maximum(len(self) - cluster[1], 1)
        found: Array = (system[0] - both[0] + everywhere) / (system[1] - both[1] + 1)
        return found


def _sums(group: Array, values: Array) -> tuple[Array, Array]:
    """For each row the sum of the values in its group, and how many rows the group has."""
    import numpy as np

    group = group.reshape(-1)
    return np.bincount(group, weights=values)[group], np.bincount(group)[group]


# -- figures on weighted rows: weights of shape (draws, rows) in, one value per draw out, nan where undefined ----------


def precision(rows: Rows, weights: Array) -> Array:
    return _ratio(weights @ (rows.present * rows.fired), weights @ rows.fired)


def recall(rows: Rows, weights: Array) -> Array:
    return _ratio(weights @ (rows.present * rows.fired), weights @ rows.present)


def f1(rows: Rows, weights: Array) -> Array:
    """2 TP / (2 TP + FP + FN); undefined where there is no positive."""
    import numpy as np

    positive = weights @ rows.present
    found = _ratio(2 * (weights @ (rows.present * rows.fired)), positive + weights @ rows.fired)
    return np.where(positive > 0, found, np.nan)


def f1_always(rows: Rows, weights: Array) -> Array:
    """F1 of saying yes to everything."""
    import numpy as np

    positive = weights @ rows.present
    return np.where(positive > 0, _ratio(2 * positive, positive + weights.sum(axis=1)), np.nan)


def average_precision(present: Array, score: Array, weights: Array) -> Array:
    """Sum over thresholds of precision times the gain in recall; equal scores are one threshold."""
    import numpy as np

    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    sorted_weights = weights[:, order]
    hits = np.cumsum(sorted_weights * present[order], axis=1)[:, ends]
    taken = np.cumsum(sorted_weights, axis=1)[:, ends]
    gains = np.diff(hits, axis=1, prepend=0.0)
    return _ratio((gains * np.nan_to_num(_ratio(hits, taken))).sum(axis=1), hits[:, -1])


def auroc(present: Array, score: Array, weights: Array) -> Array:
    """The chance that a positive scores higher than a negative; a draw counts half."""
    import numpy as np

    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    positive = np.diff(np.cumsum(weights[:, order] * present[order], axis=1)[:, ends], axis=1, prepend=0.0)
    negative = np.diff(np.cumsum(weights[:, order] * (1 - present[order]), axis=1)[:, ends], axis=1, prepend=0.0)
    before = np.cumsum(positive, axis=1) - positive
    won = (negative * (before + positive / 2)).sum(axis=1)
    return _ratio(won, positive.sum(axis=1) * negative.sum(axis=1))


def mean(values: Array) -> Callable[[Array], Array]:
    """The weighted mean of values, as a figure; nan values do not count."""
    import numpy as np

    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    return lambda weights: _ratio(weights @ filled, weights @ known.astype(float))


def _ratio(top: Array, bottom: Array) -> Array:
    import numpy as np

    out = np.full(np.broadcast_shapes(np.shape(top), np.shape(bottom)), np.nan)
    found: Array = np.divide(top, bottom, out=out, where=np.asarray(bottom) > 0)
    return found


# -- intervals ----------------------------------------------------------------------------------------------------


def draws(cluster: Array, number: int = DRAWS, seed: int = SEED) -> Iterator[Array]:
    """Weights of the rows in `number` bootstrap draws, some draws at a time: whole clusters are drawn with
    replacement, as many as there are."""
    import numpy as np

    clusters = int(cluster.max()) + 1 if len(cluster) else 0
    random = np.random.default_rng(seed)
    at_once = max(1, _CELLS // max(1, len(cluster)))
    for start in range(0, number, at_once):
        size = min(at_once, number - start)
        counts = random.multinomial(clusters, np.full(clusters, 1 / clusters), size=size)
        yield counts[:, cluster].astype(float)


def estimate(
    figure: Callable[[Array], Array], cluster: Array, why: str, *, among: Array | None = None, number: int = DRAWS
) -> Estimate:
    """A figure with its percentile bootstrap interval over clusters. why: the reason if it is undefined.

    among: for a share (precision, recall, a rate), the rows it is a share of. All or none of a few always draw the
    same, which is no certainty: then the interval is the exact one for so many clusters (Clopper and Pearson 1934).
    """
    import numpy as np

    if not len(cluster):
        return Estimate(None, why=why or NO_ROWS)
    value = figure(np.ones((1, len(cluster))))[0]
    if np.isnan(value):
        return Estimate(None, why=why)
    value = float(value)
    if cluster.max() == 0:
        return Estimate(value, why=ONE_CLUSTER)
    if among is not None and value in (0.0, 1.0):
        return Estimate(value, *all_or_none(value, len(np.unique(cluster[among > 0]))))
    drawn = np.concatenate([figure(weights) for weights in draws(cluster, number)])
    drawn = drawn[~np.isnan(drawn)]
    if len(drawn) < _DEFINED * number:
        return Estimate(value, why=f"defined in {len(drawn)} of {number} draws only")
    low, high = np.percentile(drawn, [2.5, 97.5])
    if high - low < 1e-12:
        return Estimate(value, why=ALL_EQUAL)
    return Estimate(value, float(low), float(high))


def all_or_none(value: float, number: int) -> tuple[float, float]:
    """The exact 95 % interval of a share of 0 or 1 among `number` independent cases."""
    edge = 0.025 ** (1 / max(1, number))
    return (edge, 1.0) if value else (0.0, 1 - edge)


def share_ahead(gain: Callable[[Array], Array], cluster: Array, number: int = DRAWS) -> float | None:
    """In what share of the draws a difference is above 0 (a draw counts half); None where it is never defined."""
    import numpy as np

    if not len(cluster) or cluster.max() == 0:
        return None
    drawn = np.concatenate([gain(weights) for weights in draws(cluster, number)])
    drawn = drawn[~np.isnan(drawn)]
    return float(((drawn > 0) + 0.5 * (drawn == 0)).mean()) if len(drawn) else None


# -- probabilities ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reliability:
    """ece: expected calibration error. n: how many probabilities, in how many bins of equal width. brier: mean squared
    error; constant: that of always saying the base rate."""

    ece: float
    n: int
    bins: int
    brier: float
    constant: float


def ece(probability: Sequence[float], right: Sequence[bool], bins: int = 10) -> float | None:
    """Expected calibration error (Guo et al. 2017): over `bins` bins of equal width, the distance of mean probability
    and rate of right ones, weighted by how many fall in the bin. None without any."""
    import numpy as np

    if not len(probability):
        return None
    p, y = np.asarray(probability, dtype=float), np.asarray(right, dtype=float)
    place = np.clip(np.ceil(p * bins).astype(int) - 1, 0, bins - 1)  # bins are open below: (0, .1], (.1, .2], ...
    gap = np.abs(np.bincount(place, weights=p - y, minlength=bins))
    return float(gap.sum() / len(p))


def reliability(probability: Sequence[float], right: Sequence[bool], bins: int = 10) -> Reliability | None:
    """How far probabilities can be taken at their word; None without any."""
    import numpy as np

    error = ece(probability, right, bins)
    if error is None:
        return None
    p, y = np.asarray(probability, dtype=float), np.asarray(right, dtype=float)
    return Reliability(error, len(p), bins, float(((p - y) ** 2).mean()), float(((y.mean() - y) ** 2).mean()))
