"""Which size of chunk is the best one, how the result changes with it, and how much hangs on each assumption."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from labels.planning.model import Outcome, Plan, with_review

#: Tasks up to this long have every size of chunk tried, in steps; longer ones a selection that gets coarser.
EVERY_SIZE = 120
#: Of a long task, sizes up to this one are all tried, and from there on each is this much larger than the one before.
_FINE, _GROWTH = 40, 1.12
#: What a rate is changed to where it leaves no room to be halved or doubled: from never to now and then.
_NOW_AND_THEN = {"success": 0.01, "catch": 0.1}


@dataclass(frozen=True)
class Point:
    """A size of chunk and what comes of it."""

    chunk: int
    outcome: Outcome


@dataclass(frozen=True)
class Choice:
    """curve: by size. cheapest: the size with the least cost for each right result. surest: the size that ends right
    most often. Of several equal ones the largest, because it asks for fewest reviews."""

    curve: tuple[Point, ...]
    cheapest: Point
    surest: Point


@dataclass(frozen=True)
class Variation:
    """One assumption changed. what: `success` or `catch`. times: by how much the rate of errors (of a step, of the
    reviewer) is multiplied, None where there were none to multiply. outcome: at the plan's size of chunk. best: the
    cheapest size then."""

    what: str
    value: float
    times: float | None
    outcome: Outcome
    best: int


def sizes_to_try(plan: Plan) -> list[int]:
    """Sizes of chunk from 1 to the whole task; the plan's own is among them."""
    if plan.steps <= EVERY_SIZE:
        return list(range(1, plan.steps + 1))
    sizes = set(range(1, _FINE + 1)) | {min(plan.chunk, plan.steps), plan.steps}
    size = float(_FINE)
    while size < plan.steps:
        sizes.add(round(size))
        size *= _GROWTH
    return sorted(sizes)


def choose(plan: Plan) -> Choice:
    """Try the sizes. Of a task longer than EVERY_SIZE the neighbours of the best selected size are tried too."""
    curve = {size: Point(size, with_review(plan.with_chunk(size))) for size in sizes_to_try(plan)}
    if plan.steps > EVERY_SIZE:
        for wanted in (_cost, _failure):
            _refine(plan, curve, wanted)
    points = tuple(curve[size] for size in sorted(curve))
    return Choice(points, _least(points, _cost), _least(points, _failure))


def _refine(plan: Plan, curve: dict[int, Point], wanted: Callable[[Point], float]) -> None:
    sizes = sorted(curve)
    place = sizes.index(_least(tuple(curve[size] for size in sizes), wanted).chunk)
    low, high = sizes[max(0, place - 1)], sizes[min(len(sizes) - 1, place + 1)]
    step = max(1, (high - low) // 24)
    for size in range(low, high, step):
        curve.setdefault(size, Point(size, with_review(plan.with_chunk(size))))


def _least(points: tuple[Point, ...], wanted: Callable[[Point], float]) -> Point:
    """The last one of those that are equal but for rounding."""
    least = min(map(wanted, points))
    return [point for point in points if wanted(point) <= least + abs(least) * 1e-12][-1]


def _cost(point: Point) -> float:
    return point.outcome.cost_per_right


def _failure(point: Point) -> float:
    return -point.outcome.right


def variations(plan: Plan) -> list[Variation]:
    """Half and twice as many wrong steps, half and twice as many errors missed by the reviewer."""
    found = []
    for what in ("success", "catch"):
        errors = 1 - getattr(plan, what)
        changes: list[tuple[float, float | None]]
        if errors > 0:
            changes = [(errors * times, times) for times in (0.5, 2.0) if errors * times <= 1]
        else:
            changes = [(_NOW_AND_THEN[what], None)]
        for changed, times in changes:
            right = 1 - changed
            other = replace(plan, success=right) if what == "success" else replace(plan, catch=right)
            found.append(Variation(what, right, times, with_review(other), choose(other).cheapest.chunk))
    return found
