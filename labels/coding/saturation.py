"""Saturation: whether further runs still bring new codes.

A run counts as coded once a note on it has a code. Runs are taken in the order in which their first code was given (by
the time on the event, which for this purpose is good enough). The sampling unit is the run, so a code counts once a
run however many notes have it.

- observed: distinct codes after each run, in that order.
- mean: the same averaged over all orders of the runs, computed exactly: S - sum over codes of C(T - f, k) / C(T, k),
  with f the runs that have the code (Mao, Colwell and Chang 2005). Its band holds 95 % of random orders (seeded draws).
- Chao2 (Chao 1987) is a lower bound of how many codes there are in all, from those found in one run only (Q1) and in
  two (Q2): S + (T-1)/T Q1^2 / (2 Q2), or with Q2 = 0, S + (T-1)/T Q1 (Q1 - 1) / 2. Its interval is log-normal.
- coverage (Chao and Jost 2012, after Good and Turing): the estimated share of all occurrences that belong to codes
  already found: 1 - Q1/U (T-1) Q1 / ((T-1) Q1 + 2 Q2), U the sum of all f.
- ahead: new codes to be expected in so many further runs: Q0 (1 - (1 - Q1 / (T Q0 + Q1))^m), Q0 = Chao2 - S (Chao et
  al. 2014).
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from labels.coding.fold import Codes, NoteKey
from labels.coding.notes import Board

#: Fewer runs than this make no curve.
FEW = 5
DRAWS = 400
SEED = 1
#: How far ahead the expectation looks, in runs.
AHEAD = 10
#: Runs beyond this are thinned out for the random orders: the band needs no more.
MOST_POINTS = 200


@dataclass(frozen=True, slots=True)
class Saturation:
    """runs: coded, in order, as (run id, codes that were new with it). observed, mean, low, high: after 1, 2 ... runs;
    points: at which numbers of runs `low` and `high` stand. once, twice: codes in one run, in two. total: Chao2 with
    its interval. coverage: None without runs. since: runs since the last new code. ahead: expected in AHEAD more."""

    runs: tuple[tuple[str, int], ...]
    observed: tuple[int, ...]
    mean: tuple[float, ...]
    points: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    codes: int
    once: int
    twice: int
    total: float | None
    total_low: float | None
    total_high: float | None
    coverage: float | None
    since: int
    ahead: float | None

    @property
    def few(self) -> bool:
        """Whether there are too few runs for the estimates to mean anything."""
        return len(self.runs) < FEW

    @property
    def sentence(self) -> str:
        """What it comes to, in one plain line."""
        number = len(self.runs)
        if not number:
            return "No run has a coded note yet."
        if self.few:
            return f"{number} {'run' if number == 1 else 'runs'} coded: fewer than {FEW} say nothing of saturation."
        since = "1 run" if self.since == 1 else f"{self.since} runs"
        last = "the last run brought a new one" if not self.since else f"{since} since the last new one"
        unseen = max(0.0, (self.total or 0) - self.codes)
        if unseen < 0.5:
            left = "nothing points to further ones"
        else:
            left = f"at least {unseen:.0f} more are likely to be found"
        codes = "1 code" if self.codes == 1 else f"{self.codes} codes"
        return f"{codes} in {number} runs, {last}; {left} (coverage {self.coverage or 0:.0%})."


def saturation(board: Board) -> Saturation:
    """The curve of the codes that this board shows."""
    seen = set(board.by_key)
    return of_rows(_rows(board.every, seen))


def _rows(codes: Codes, seen: set[NoteKey]) -> list[tuple[str, frozenset[str]]]:
    """(run, its codes), runs in the order in which they were first coded."""
    first: dict[str, tuple[str, int]] = {}
    have: dict[str, set[str]] = {}
    for item in codes.given:
        if item.note not in seen:
            continue
        run = item.note.run
        first[run] = min(first.get(run, (item.at, item.order)), (item.at, item.order))
        have.setdefault(run, set()).add(item.code)
    return [(run, frozenset(have[run])) for run in sorted(have, key=lambda run: first[run])]


def of_rows(rows: Sequence[tuple[str, frozenset[str]]]) -> Saturation:
    """The curve of (run, codes) in the order in which they were coded."""
    number = len(rows)
    known: set[str] = set()
    runs: list[tuple[str, int]] = []
    observed: list[int] = []
    since = 0
    for run, codes in rows:
        fresh = len(codes - known)
        known |= codes
        runs.append((run, fresh))
        observed.append(len(known))
        since = 0 if fresh else since + 1
    spread = Counter(code for _, codes in rows for code in codes)
    sizes = Counter(spread.values())
    once, twice = sizes[1], sizes[2]
    total, low, high = chao2(len(known), once, twice, number)
    points, band = _band(rows)
    return Saturation(
        tuple(runs), tuple(observed), tuple(_mean(sizes, number)), points, tuple(pair[0] for pair in band),
        tuple(pair[1] for pair in band), len(known), once, twice, total, low, high,
        coverage(once, twice, sum(spread.values()), number), since, expected(total, len(known), once, number, AHEAD),
    )  # fmt: skip


def _mean(sizes: Counter[int], number: int) -> list[float]:
    """Expected distinct codes after k of the runs in random order. sizes: runs that a code is in -> how many codes."""
    total = sum(sizes.values())
    missing = dict.fromkeys(sizes, 1.0)  # C(T - f, k) / C(T, k), k by k
    found = []
    for k in range(1, number + 1):
        for size in sizes:
            missing[size] *= max(0, number - size - k + 1) / (number - k + 1)
        found.append(total - sum(count * missing[size] for size, count in sizes.items()))
    return found


def _band(rows: Sequence[tuple[str, frozenset[str]]]) -> tuple[tuple[int, ...], list[tuple[float, float]]]:
    """Where 95 % of random orders lie, at some numbers of runs."""
    number = len(rows)
    if number < FEW:
        return (), []
    points = sorted({round(1 + (number - 1) * place / (MOST_POINTS - 1)) for place in range(MOST_POINTS)})
    chance = random.Random(SEED)  # noqa: S311  # an order that can be made again, no secret
    draws = max(40, min(DRAWS, 400_000 // number))
    order = [codes for _, codes in rows]
    found: dict[int, list[int]] = {point: [] for point in points}
    for _ in range(draws):
        chance.shuffle(order)
        known: set[str] = set()
        for place, codes in enumerate(order, 1):
            known |= codes
            if place in found:
                found[place].append(len(known))
    return tuple(points), [_quantiles(sorted(found[point])) for point in points]


def _quantiles(values: Sequence[int]) -> tuple[float, float]:
    last = len(values) - 1
    return float(values[math.floor(0.025 * last)]), float(values[math.ceil(0.975 * last)])


def chao2(codes: int, once: int, twice: int, number: int) -> tuple[float | None, float | None, float | None]:
    """The estimate of how many codes there are and its 95 % interval; None without runs."""
    if not number or not codes:
        return None, None, None
    share = (number - 1) / number
    if twice:
        ratio = once / twice
        unseen = share * once * ratio / 2
        variance = twice * (share / 2 * ratio**2 + share**2 * ratio**3 + share**2 / 4 * ratio**4)
    else:
        unseen = share * once * (once - 1) / 2
        total = codes + unseen
        variance = (
            share * once * (once - 1) / 2
            + share**2 * once * (2 * once - 1) ** 2 / 4
            - (share**2 * once**4 / (4 * total) if total else 0)
        )
    if unseen <= 0:
        return float(codes), float(codes), float(codes)
    spread = math.exp(1.96 * math.sqrt(math.log(1 + max(0.0, variance) / unseen**2)))
    return codes + unseen, codes + unseen / spread, codes + unseen * spread


def coverage(once: int, twice: int, occurrences: int, number: int) -> float | None:
    """The estimated share of occurrences that belong to codes already found; None where there are none."""
    if not occurrences or number < 2:
        return None
    if not once:
        return 1.0
    top = (number - 1) * once
    if not twice:  # the form for that case, as in the bias-corrected Chao2
        top = (number - 1) * (once - 1)
    return max(0.0, 1 - once / occurrences * (top / (top + 2 * (twice or 1))))


def expected(total: float | None, codes: int, once: int, number: int, ahead: int) -> float | None:
    """New codes to be expected in so many further runs; None without runs."""
    if total is None:
        return None
    unseen = total - codes
    if unseen <= 0 or not once:
        return 0.0
    return unseen * (1 - (1 - once / (number * unseen + once)) ** ahead)
