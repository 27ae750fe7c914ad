"""Where in a run failures begin, and what the run still spent after that: steps, time, tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labels.insights.figures import Figure, Lost, Onset
from labels.insights.intervals import median
from labels.insights.reading.settled import PRESENT
from sessions.store import Store
from sessions.timeline import UNTOLD

if TYPE_CHECKING:
    from labels.insights.intervals import Array
    from labels.insights.reading.runs import RunRow

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


def spent(times: list[bytes], steps: Array, ends: Array | None = None) -> Spent:
    """times: of each run (`sessions.timeline`). steps: index of the step after which to count, of each run. ends: index
    of the last step that counts; None for the last one of each run."""
    import numpy as np

    found = np.full((4, len(times)), -1.0)
    told = np.flatnonzero(np.array([bool(data) for data in times], dtype=bool))
    if not len(told):
        return Spent(*found)
    table = np.frombuffer(b"".join([times[place] for place in told.tolist()]), dtype=np.int32).reshape(-1, 2)
    counts = np.array([len(times[place]) // 8 for place in told.tolist()], dtype=np.int64)
    over = np.cumsum(counts)
    starts = over - counts
    after = starts + np.minimum(steps[told] + 1, counts)
    until = over if ends is None else np.maximum(after, starts + np.minimum(ends[told] + 1, counts))
    # The time of a step without one is that of the last step before it that has one. Times never go back, so the last
    # one so far is the largest.
    seconds = np.append(table[:, 0], UNTOLD)

    def latest(places: Array) -> Array:
        return np.maximum.reduceat(seconds, np.stack([starts, places], axis=1).ravel())[::2]

    whole, upto = latest(over), latest(after)
    timed = (whole > 0) & (upto >= 0)
    found[0, told[timed]], found[1, told[timed]] = whole[timed], (latest(until) - upto)[timed]
    known = table[:, 1] != UNTOLD
    tokens = np.concatenate([[0], np.cumsum(np.where(known, table[:, 1], 0), dtype=np.int64)])
    number = np.concatenate([[0], np.cumsum(known)])
    counted = number[over] > number[starts]
    found[2, told[counted]] = (tokens[over] - tokens[starts])[counted]
    found[3, told[counted]] = (tokens[until] - tokens[after])[counted]
    return Spent(*found)


def sent_back(store: Store, rows: Sequence[RunRow], begins: Array) -> Array:
    """Of each run, the index of the last step that was spent after its first failure: its last one, or, where that
    failure was taken back at a gate, the last one before that. begins: index of the step of the first failure."""
    import numpy as np

    ends = np.array([row.steps - 1 for row in rows], dtype=np.int64)
    gates: dict[str, list[tuple[int, int, int]]] = {}
    sql = (
        "SELECT g.run, g.first_index, g.last_index, u.last_index FROM gate g JOIN gate u ON u.id = g.undone_by"
        " ORDER BY u.no"
    )
    for run, first, last, end in store.query(sql):
        gates.setdefault(str(run), []).append((int(first), int(last), int(end)))
    for place, row in enumerate(rows if gates else ()):
        step = int(begins[place])
        found = [end for first, last, end in gates.get(row.id, ()) if first <= step <= last]
        if found:
            ends[place] = max(step, found[0])
    return ends


def lost(begins: Array, ends: Array, steps: Array, times: list[bytes]) -> Lost:
    """begins: index of the step at which the first failure of each run begins. ends: of the last step that was spent
    after it. steps, times: of each run."""
    after = (ends - begins).clip(min=0)
    used = spent(times, begins, ends)
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
