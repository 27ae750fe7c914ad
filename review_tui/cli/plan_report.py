"""The plan as a JSON document and as lines for people."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from labels.planning.choice import Choice, Point, Variation, choose, variations
from labels.planning.model import Outcome, Plan, success_per_chunk, with_review, without_review
from review_tui.cli import output
from review_tui.sanitize import short

if TYPE_CHECKING:
    from labels.planning.systems import SystemPlan

#: Rows and bar cells of the curve on a terminal.
MOST_ROWS, BAR = 20, 28


@dataclass(frozen=True)
class Report:
    """A plan and all that follows from it. learned: where its figures are from, if not from the call."""

    plan: Plan
    without: Outcome
    reviewed: Outcome
    choice: Choice
    variations: list[Variation]
    learned: SystemPlan | None = None


def made(plan: Plan, learned: SystemPlan | None = None) -> Report:
    """learned: what reviews say of the system that the plan is for."""
    return Report(plan, without_review(plan), with_review(plan), choose(plan), variations(plan), learned)


# -- JSON -----------------------------------------------------------------------------------------------------------


def document(report: Report) -> dict[str, Any]:
    """The document's content. What is infinite (never ends, never succeeds) is null."""
    plan, sizes = report.plan, report.plan.sizes
    return {
        "steps": plan.steps, "success": plan.success, "chunk": plan.chunk, "chunks": len(sizes),
        "last_chunk": sizes[-1], "catch": plan.catch, "late_catch": plan.late_catch,
        "false_alarm": plan.false_alarm, "retries": plan.retries, "costs": asdict(plan.costs),
        "success_without_review": report.without.right,
        "success_per_chunk": success_per_chunk(plan),
        "success_last_chunk": plan.success ** sizes[-1],
        "success_with_review": report.reviewed.right,
        "without_review": _outcome(report.without),
        "with_review": _outcome(report.reviewed),
        "best": {"cheapest": _point(report.choice.cheapest), "surest": _point(report.choice.surest)},
        "curve": [_point(point) for point in report.choice.curve],
        "system": _learned(report.learned),
        "sensitivity": [
            {"changed": item.what, "value": item.value, "errors_times": item.times, "cheapest_chunk": item.best,
             **_outcome(item.outcome)}
            for item in report.variations
        ],
    }  # fmt: skip


def _learned(learned: SystemPlan | None) -> dict[str, Any] | None:
    """What reviews say of a step, with its 95 % interval, and what that rests on."""
    if learned is None:
        return None
    known = learned.estimate
    return {
        "name": learned.system, "runs": learned.runs, "steps_median": learned.plan.steps, "success": known.success,
        "low": known.low, "high": known.high, "reviewed_chunks": known.chunks, "failed_chunks": known.failed,
        "reviewed_runs": known.runs, "own_reviews_only": known.own,
    }  # fmt: skip


def _outcome(outcome: Outcome) -> dict[str, Any]:
    figures = {**asdict(outcome), "cost_per_right": outcome.cost_per_right}
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}


def _point(point: Point) -> dict[str, Any]:
    return {"chunk": point.chunk, **_outcome(point.outcome)}


# -- text -----------------------------------------------------------------------------------------------------------


def show(report: Report) -> None:
    _results(report)
    output.line()
    _curve(report)
    output.line()
    _sensitivity(report)


def _results(report: Report) -> None:
    plan, without, reviewed = report.plan, report.without, report.reviewed
    sizes = plan.sizes
    last = f", the last of {sizes[-1]}" if sizes[-1] != sizes[0] else ""
    step = exact(plan.success)
    if report.learned is not None:
        output.line(_rests_on(report.learned))
        step = f"{plan.success * 100:.1f} %"
    output.line(
        f"{output.count(plan.steps, 'step')}, each right with {step}; a review after every"
        f" {output.count(plan.chunk, 'step')}: {output.count(len(sizes), 'chunk')}{last}."
    )
    if plan.chunk > plan.steps:
        output.line("The chunk is longer than the task: there is one review, at its end.")
    output.line(f"A wrong chunk is seen with {exact(plan.catch)}{_also(plan)}. A chunk is done again {_retries(plan)}.")
    output.line()
    rows: list[tuple[str, ...]] = [("", "without review", "with review")]
    rows.append(("a chunk is right at once", "", percent(success_per_chunk(plan))))
    ends = {"right": "the task ends right", "wrong": "ends wrong, unnoticed", "given_up": "is given up"}
    if reviewed.endless:
        ends["endless"] = "goes on for ever"
    for name, word in ends.items():
        rows.append((word, percent(getattr(without, name)), percent(getattr(reviewed, name))))
    for word, name in (("steps done", "steps"), ("reviews", "reviews"), ("cost", "cost")):
        rows.append((word, number(getattr(without, name)), number(getattr(reviewed, name))))
    rows.append(("cost of each right result", price(without), price(reviewed)))
    output.table(rows, right=frozenset({1, 2}))


def _rests_on(learned: SystemPlan) -> str:
    known = learned.estimate
    whose = "your own reviews" if known.own else "reviews"
    name = short(learned.system, 60) or "Runs that name no system"
    return (
        f"{name}: by {whose} of {output.count(known.chunks, 'chunk')} a step is right with {known.success:.1%}"
        f" ({known.low:.1%} to {known.high:.1%})."
    )


def _also(plan: Plan) -> str:
    """The assumptions that are mostly left at nothing."""
    more = ""
    if plan.late_catch:
        more += f", what was missed with {exact(plan.late_catch)} at each later review"
    if plan.false_alarm:
        more += f"; a right one is sent back with {exact(plan.false_alarm)}"
    return more


def _retries(plan: Plan) -> str:
    if plan.retries is None:
        return "without limit"
    return f"at most {output.count(plan.retries, 'time')}" if plan.retries else "at no time"


def _curve(report: Report) -> None:
    """Cost of each right result and how often a task ends right, by the distance between reviews."""
    choice, plan = report.choice, report.plan
    if math.isinf(choice.cheapest.outcome.cost_per_right):
        output.line("No size of chunk ever ends right: steps that are never right cannot be saved by a review.")
        return
    shown = _thinned(choice.curve, {choice.cheapest.chunk, choice.surest.chunk, min(plan.chunk, plan.steps)})
    output.line("By the distance between reviews (the bar is how often a task ends right):")
    rows = [("chunk", "right", "", "reviews", "cost of each right", "")]
    for point in shown:
        marks = [word for word, size in (("cheapest", choice.cheapest.chunk), ("surest", choice.surest.chunk),
                                         ("yours", min(plan.chunk, plan.steps))) if size == point.chunk]  # fmt: skip
        result = point.outcome
        rows.append(
            (f"{point.chunk:,}", percent(result.right), "#" * round(result.right * BAR), number(result.reviews),
             price(result), ", ".join(marks))
        )  # fmt: skip
    output.table(rows, right=frozenset({0, 1, 3, 4}))


def _thinned(curve: tuple[Point, ...], keep: set[int]) -> list[Point]:
    """At most about MOST_ROWS points, spread over the curve; those to be kept are among them."""
    if len(curve) <= MOST_ROWS:
        return list(curve)
    places = {round(place * (len(curve) - 1) / (MOST_ROWS - 1)) for place in range(MOST_ROWS)}
    return [point for place, point in enumerate(curve) if place in places or point.chunk in keep]


def _sensitivity(report: Report) -> None:
    output.line("If an assumption is off:")
    rows = [("", "task ends right", "cost of each right", "cheapest chunk")]
    reviewed, best = report.reviewed, report.choice.cheapest.chunk
    rows.append(("as assumed", percent(reviewed.right), price(reviewed), f"{best:,}"))
    for item in report.variations:
        much = {None: "", 0.5: ", half the errors", 2.0: ", twice the errors"}[item.times]
        word = {"success": "a step is right", "catch": "the reviewer sees"}[item.what]
        rows.append(
            (f"{word} {exact(item.value)}{much}", percent(item.outcome.right), price(item.outcome),
             f"{item.best:,}")
        )  # fmt: skip
    output.table(rows, right=frozenset({1, 2, 3}))


def percent(value: float) -> str:
    """`36 %`; near 0 and 1 with as many digits as it takes not to say never or always."""
    for digits in (0, 1, 2, 3, 4):
        text = f"{value * 100:.{digits}f}"
        if value in (0, 1) or float(text) not in (0, 100):
            return f"{text} %"
    return "under 0.0001 %" if value < 0.5 else "over 99.9999 %"


def exact(value: float) -> str:
    """An assumption as it was given: `97.5 %`."""
    return f"{value * 100:.6g} %"


def number(value: float) -> str:
    """A count or cost in few digits."""
    if math.isinf(value):
        return "no end"
    return f"{value:,.1f}" if abs(value) < 1000 else f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.1e}"


def price(outcome: Outcome) -> str:
    """What each right result costs."""
    return "never right" if outcome.right == 0 else number(outcome.cost_per_right)
