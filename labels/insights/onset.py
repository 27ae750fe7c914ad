"""Where in a run failures begin, and what the run still spent after that: steps, time, tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from labels.insights.figures import Figure, Lost, Onset
from labels.insights.intervals import median
from labels.insights.values import PRESENT
from sessions.timeline import UNTOLD

if TYPE_CHECKING:
    from labels.insights.intervals import Array

BINS = 10
NOWHERE = "no failure has a place in its run"
UNTIMED = "the sources of these runs have no times for their steps"
UNCOUNTED = "the sources of these runs have no token counts for their steps"


def first_steps(value: Array, first: Array) -> Array:
    """Of each run, the index of the step at which its first failure begins; -1 where none has a place."""
    import numpy as np

    far = np.iinfo(np.int64).max
    places = np.where((value == PRESENT) & (first >= 0), first, far).min(axis=1, initial=far)
    found: Array = np.where(places == far, -1, places)
    return found


def onset(value: Array, first: Array, steps: Array, slugs: list[str]) -> Onset:
    """value, first: (runs, modes). steps: of each run."""
    import numpy as np

    begins = first_steps(value, first)
    failing = (value == PRESENT).any(axis=1)
    placed = begins >= 0
    long = placed & (steps > 1)
    position = _position(begins[long], steps[long])
    bins = np.bincount(np.minimum((position * BINS).astype(np.int64), BINS - 1), minlength=BINS)
    by_mode = {}
    for place, slug in enumerate(slugs):
        there = (value[:, place] == PRESENT) & (first[:, place] >= 0)
        if there.any():
            where = first[there, place]
            middle = float(np.median(_position(where, steps[there])))
            by_mode[slug] = (int(there.sum()), float(np.median(where)), middle)
    return Onset(
        int(placed.sum()), tuple(int(count) for count in bins), median(begins[placed], NOWHERE),
        median(position, NOWHERE), int((failing & ~placed).sum()), int((placed & (steps <= 1)).sum()), by_mode,
    )  # fmt: skip


def _position(index: Array, steps: Array) -> Array:
    """0 for the first step, 1 for the last one (and for the only one 0)."""
    import numpy as np

    found: Array = np.clip(index / np.maximum(steps - 1, 1), 0.0, 1.0)
    return found


@dataclass(slots=True)
class Spent:
    """Of some runs: seconds and tokens in all, and after a step; -1 where the source does not say."""

    seconds: Array
    seconds_after: Array
    tokens: Array
    tokens_after: Array


def spent(times: list[bytes], steps: Array) -> Spent:
    """times: of each run (`sessions.timeline`). steps: index of the step after which to count, of each run."""
    import numpy as np

    found = np.full((4, len(times)), -1.0)
    told = np.flatnonzero(np.array([bool(data) for data in times], dtype=bool))
    if not len(told):
        return Spent(*found)
    table = np.frombuffer(b"".join([times[place] for place in told.tolist()]), dtype=np.int32).reshape(-1, 2)
    counts = np.array([len(times[place]) // 8 for place in told.tolist()], dtype=np.int64)
    ends = np.cumsum(counts)
    starts = ends - counts
    after = starts + np.minimum(steps[told] + 1, counts)
    # The time of a step without one is that of the last step before it that has one. Times never go back, so the last
    # one so far is the largest.
    seconds = np.append(table[:, 0], UNTOLD)
    whole = np.maximum.reduceat(seconds, starts)
    upto = np.maximum.reduceat(seconds, np.stack([starts, after], axis=1).ravel())[::2]
    timed = (whole > 0) & (upto >= 0)
    found[0, told[timed]], found[1, told[timed]] = whole[timed], (whole - upto)[timed]
    known = table[:, 1] != UNTOLD
    tokens = np.concatenate([[0], np.cumsum(np.where(known, table[:, 1], 0), dtype=np.int64)])
    number = np.concatenate([[0], np.cumsum(known)])
    counted = number[ends] > number[starts]
    found[2, told[counted]] = (tokens[ends] - tokens[starts])[counted]
    found[3, told[counted]] = (tokens[ends] - tokens[after])[counted]
    return Spent(*found)


def lost(begins: Array, steps: Array, times: list[bytes]) -> Lost:
    """begins: index of the step at which the first failure of each run begins. steps, times: of each run."""
    after = (steps - 1 - begins).clip(min=0)
    used = spent(times, begins)
    timed, counted = used.seconds >= 0, used.tokens >= 0
    return Lost(
        len(begins), median(after, NOWHERE), median(after / steps.clip(min=1), NOWHERE),
        median(used.seconds_after[timed], UNTIMED), _share(used.seconds_after, used.seconds, timed, UNTIMED),
        median(used.tokens_after[counted], UNCOUNTED), _share(used.tokens_after, used.tokens, counted, UNCOUNTED),
        float(used.seconds_after[timed].sum()), int(used.tokens_after[counted].sum()), int((~timed).sum()),
        int((~counted).sum()),
    )  # fmt: skip


def _share(part: Array, whole: Array, known: Array, why: str) -> Figure:
    some = known & (whole > 0)
    return median(part[some] / whole[some], why)
