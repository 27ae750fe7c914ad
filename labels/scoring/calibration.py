"""From a detector's score to the probability that it is right: the curves, and keeping them.

Light on purpose: a suggestion gets its probability where it is written. How curves are learnt is in `calibrate`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from sessions.store import Store, Transaction

SETTING = "calibration"
#: No probability below this many blind decisions on a detector and mode; Platt's curve below the second number.
LEAST_DECISIONS, ISOTONIC_FROM = 20, 200
_ROUNDS, _STEP = 100, 1e-9


@dataclass(frozen=True, slots=True)
class Platt:
    """1 / (1 + exp(-(slope * score + offset))), after Platt (1999). The slope is never negative: a higher score may
    not mean less."""

    slope: float
    offset: float

    def __call__(self, score: float) -> float:
        return _logistic(self.slope * score + self.offset)

    def json(self) -> dict[str, Any]:
        return {"method": "platt", "slope": self.slope, "offset": self.offset}

    @classmethod
    def fit(cls, scores: Sequence[float], right: Sequence[bool]) -> Platt:
        """By Newton's method, on targets that are drawn in from 0 and 1 as Platt does, so that a few decisions of one
        kind do not give certainty. Raises ValueError without any."""
        if not scores:
            raise ValueError("there is nothing to calibrate with")
        good = sum(map(bool, right))
        high, low = (good + 1) / (good + 2), 1 / (len(right) - good + 2)
        targets = [high if ok else low for ok in right]
        slope, offset = _newton(scores, targets)
        if slope < 0:
            return cls(0.0, _logit(sum(targets) / len(targets)))
        return cls(slope, offset)


def _newton(scores: Sequence[float], targets: Sequence[float]) -> tuple[float, float]:
    slope, offset = 0.0, _logit(sum(targets) / len(targets))
    loss = _loss(scores, targets, slope, offset)
    for _ in range(_ROUNDS):
        g1 = g0 = 0.0
        h11 = h00 = 1e-9
        h10 = 0.0
        for score, target in zip(scores, targets, strict=True):
            p = _logistic(slope * score + offset)
            g1 += (p - target) * score
            g0 += p - target
            w = p * (1 - p)
            h11, h10, h00 = h11 + w * score * score, h10 + w * score, h00 + w
        determinant = h11 * h00 - h10 * h10
        if determinant <= 1e-15:  # one and the same score throughout: the offset says it all
            break
        step1, step0 = (h00 * g1 - h10 * g0) / determinant, (h11 * g0 - h10 * g1) / determinant
        size = 1.0
        while size > 1e-6:
            after = _loss(scores, targets, slope - size * step1, offset - size * step0)
            if after < loss + 1e-12:
                break
            size /= 2
        slope, offset = slope - size * step1, offset - size * step0
        if abs(loss - after) < _STEP:
            break
        loss = after
    return slope, offset


def _loss(scores: Sequence[float], targets: Sequence[float], slope: float, offset: float) -> float:
    total = 0.0
    for score, target in zip(scores, targets, strict=True):
        value = slope * score + offset
        total += max(value, 0.0) - value * target + math.log1p(math.exp(-abs(value)))
    return total


def _logistic(value: float) -> float:
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    return math.exp(value) / (1 + math.exp(value))


def _logit(p: float) -> float:
    return math.log(p / (1 - p))


@dataclass(frozen=True, slots=True)
class Isotonic:
    """A rising curve through points, straight between them and flat beyond; by pooling adjacent violators."""

    scores: tuple[float, ...]
    values: tuple[float, ...]

    def __call__(self, score: float) -> float:
        place = bisect_right(self.scores, score)
        if place == 0:
            return self.values[0]
        if place == len(self.scores):
            return self.values[-1]
        x0, x1 = self.scores[place - 1], self.scores[place]
        y0, y1 = self.values[place - 1], self.values[place]
        return y0 + (y1 - y0) * (score - x0) / (x1 - x0)

    def json(self) -> dict[str, Any]:
        return {"method": "isotonic", "scores": list(self.scores), "values": list(self.values)}

    @classmethod
    def fit(cls, scores: Sequence[float], right: Sequence[bool]) -> Isotonic:
        """Values stay 1 / (n + 2) away from 0 and 1: n decisions of one kind are no certainty. Raises ValueError
        without any."""
        if not scores:
            raise ValueError("there is nothing to calibrate with")
        edge = 1 / (len(scores) + 2)
        points = [(score, min(1 - edge, max(edge, value))) for score, value in pav(scores, right)]
        return cls(tuple(score for score, _ in points), tuple(value for _, value in points))


def pav(scores: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float]]:
    """The rising step function nearest to the outcomes by least squares: (score, value) at both ends of each level."""
    totals: dict[float, list[float]] = {}
    for score, ok in zip(scores, right, strict=True):
        entry = totals.setdefault(score, [0.0, 0.0])
        entry[0] += float(ok)
        entry[1] += 1.0
    levels: list[list[float]] = []  # first score, last score, sum, weight
    for score in sorted(totals):
        levels.append([score, score, *totals[score]])
        while len(levels) > 1 and levels[-2][2] * levels[-1][3] >= levels[-1][2] * levels[-2][3]:
            top = levels.pop()
            levels[-1][1:] = [top[1], levels[-1][2] + top[2], levels[-1][3] + top[3]]
    ends = ((edge, level[2] / level[3]) for level in levels for edge in dict.fromkeys(level[:2]))
    return list(ends)


@dataclass(frozen=True, slots=True)
class Blend:
    """A mode's own curve, drawn towards the detector's over all its modes. weight: of its own, 0 to 1."""

    own: Platt | Isotonic
    pooled: Platt | Isotonic
    weight: float

    def __call__(self, score: float) -> float:
        return self.weight * self.own(score) + (1 - self.weight) * self.pooled(score)

    def json(self) -> dict[str, Any]:
        return {"own": self.own.json(), "pooled": self.pooled.json(), "weight": self.weight}


def curve_of(value: dict[str, Any]) -> Platt | Isotonic:
    """The curve that `json` wrote."""
    if value["method"] == "platt":
        return Platt(float(value["slope"]), float(value["offset"]))
    return Isotonic(tuple(map(float, value["scores"])), tuple(map(float, value["values"])))


class Calibration:
    """What is known of the detectors of a database."""

    def __init__(self, kept: dict[str, Any] | None = None) -> None:
        """kept: as `load_kept` gives it."""
        self.curves: dict[tuple[str, str, str], Blend] = {}
        for entry in (kept or {}).get("entries", []):
            if entry.get("curve"):
                curve = entry["curve"]
                key = (str(entry["detector"]), str(entry["version"]), str(entry["mode"]))
                self.curves[key] = Blend(curve_of(curve["own"]), curve_of(curve["pooled"]), float(curve["weight"]))

    @classmethod
    def load(cls, source: Store | Transaction) -> Calibration:
        return cls(load_kept(source))

    def probability(self, detector: str, version: str, mode: str, score: float) -> float | None:
        """That a claim with this score is right; None until that detector, in that version, was calibrated on that
        mode (`slug@codebook`)."""
        curve = self.curves.get((detector, version, mode))
        return None if curve is None else round(curve(score), 4)


def load_kept(source: Store | Transaction) -> dict[str, Any]:
    """What `calibrate.calibrate` kept: `{"at", "entries": [{"detector", "version", "mode", "decisions", "right",
    "curve"?, "reliability"?}]}`; {} before it ever ran."""
    sql = "SELECT value FROM meta WHERE name = ?"
    rows = source.query(sql, [SETTING]) if isinstance(source, Store) else source.execute(sql, [SETTING])
    value: dict[str, Any] = orjson.loads(rows[0][0]) if rows else {}
    return value
